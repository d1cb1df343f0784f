"""Fields for a number that may be missing."""

import pytest
from streamlit.testing.v1 import AppTest

from core.config import ExperimentConfig
from core.config.fields import Limits
from core.config.schema import settings
from tests.pages.visits import change, draft, field, go_to, open_page, unfold

OPTIONAL = [setting.path for setting in settings() if setting.is_optional]


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
