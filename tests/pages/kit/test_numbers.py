"""Fields for a number that may be missing."""

import pytest
from streamlit.testing.v1 import AppTest

from core.config import ExperimentConfig
from core.config.fields import Limits
from core.config.schema import settings
from tests.pages.visits import change, draft, field, go_to, open_page, unfold, words

OPTIONAL = [
    setting.path for setting in settings() if setting.is_optional and setting.path != "model.start_from"
]


def _script(value: float | None) -> None:
    from core.config.fields import Limits
    from pages.components.kit.numbers import optional_number

    optional_number("Pictures", Limits(1, 9000, whole=True), value, 500, key="it", empty="all 6,000", help="")


@pytest.mark.parametrize("value", [None, 300])
def test_the_browser_gets_no_value_to_fall_back_to(value: int | None) -> None:
    """Streamlit's field takes its `default` back as soon as it is cleared."""
    page = AppTest.from_function(_script, args=(value,)).run()
    shown = page.number_input(key="it")
    assert shown.value == value
    assert not shown.proto.HasField("default")
    assert shown.placeholder == "all 6,000"
    shown.set_value(None).run()
    assert page.number_input(key="it").value is None


def _out_of_range() -> None:
    from core.config.fields import Limits
    from pages.components.kit.numbers import optional_number

    optional_number("Pictures", Limits(1, 9000, whole=True), 300, 500, key="it", empty="all 6,000", help="")


def test_what_is_out_of_range_is_said_below_the_field() -> None:
    page = AppTest.from_function(_out_of_range).run()
    page.number_input(key="it").set_value(9001).run()
    assert page.markdown[0].value == ":small[:red[Must be from 1 to 9,000, not 9001\\.]]"
    page.number_input(key="it").set_value(9000).run()
    assert not page.markdown


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("training.epochs", 0, "Must be from 1 to 100,000, not 0."),
        ("optimizer.learning_rate", -1.0, "Must be above 0, not -1.0."),
        ("dataset.num_train", 0, "Must be from 1 to 10,000,000, not 0."),
    ],
)
def test_design_says_what_is_out_of_range_instead_of_a_red_frame_alone(path, value, said) -> None:
    page = open_page("design.py")
    shown = field(page, path)
    assert not (shown.proto.has_min or shown.proto.has_max)
    before = draft(page)
    change(page, path, value)
    assert said in words(page) and "Invalid value." in words(page)
    assert draft(page) == before
    assert next(each for each in page.button if each.label == "Start training").disabled


@pytest.mark.parametrize(
    ("value", "shown", "note"),
    [
        (0.001, "%g", False),
        (0.00012345678, "%g", False),
        (0.0012345678901234567, "%.4g", True),
        (0.30000000000000004, "%.4g", True),
    ],
)
def test_a_number_that_a_search_has_drawn_is_shown_rounded_and_said_so(value, shown, note) -> None:
    page = change(open_page("design.py"), "optimizer.learning_rate", value)
    assert field(page, "optimizer.learning_rate").proto.format == shown
    assert (f"is rounded. Exactly: {value!r}" in words(page)) == note
    # It is shown so, and trained as it was drawn.
    assert draft(page).optimizer.learning_rate == value


def test_every_optional_setting_can_be_emptied_and_stays_so() -> None:
    assert len(OPTIONAL) == 5
    page = unfold(unfold(open_page("design.py"), "Optimizer and regularisation"), "Details")
    for path in OPTIONAL:
        limits: Limits = ExperimentConfig().limits(path)
        value = limits.high if path != "dataset.image_size" else 40
        assert change(page, path, value) and draft(page).value(path) == value
    for path in OPTIONAL:
        change(page, path, None)
        assert draft(page).value(path) is None
    go_to(page, "datasets.py")
    unfold(unfold(go_to(page, "design.py"), "Optimizer and regularisation"), "Details")
    for path in OPTIONAL:
        shown = field(page, path)
        assert shown.value is None and shown.placeholder
        assert draft(page).value(path) is None
