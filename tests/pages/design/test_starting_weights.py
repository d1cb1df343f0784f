"""Whose weights a design starts from, on the page: what is offered, taken, frozen and refused."""

import json

import pytest

from core.config import ExperimentConfig
from core.runs import control, trash
from core.store.records import Run
from tests.core.studies.ended import TINY, end, save_weights
from tests.pages.visits import button, change, draft, field, open_page, press, words

pytestmark = pytest.mark.usefixtures("no_scheduler")


@pytest.fixture
def source(workspace, store) -> Run:
    """A finished run of the tiny network, on four classes, with a file that stands for its weights."""
    run = end(store, control.start_run(workspace, control.RunRequest(TINY, "A *first* run")))
    save_weights(workspace, run, classes=4)
    return run


def weights(page) -> dict[str, str]:
    table = page.dataframe[0].value
    return {name: text for name, text in zip(table["Layer"], table["Weights"], strict=True) if text}


def opened(config: ExperimentConfig = TINY):
    page = open_page("design.py", preset="tiny", dataset="shapes")
    if config is not TINY:
        page.session_state["draft"] = page.session_state["draft"].__class__(config, config, "tiny")
        page.run()
    return page


def test_without_a_finished_run_nothing_is_offered(workspace) -> None:
    page = opened()
    assert not any(each.label == "Starting weights" for each in page.selectbox)
    assert "Weights" not in page.dataframe[0].value


def test_each_layer_says_where_its_weights_come_from(store, source) -> None:
    page = opened()
    assert field(page, "model.start_from").options == ["Random weights", "A *first* run (shapes, 50.0 %)"]
    change(page, "model.start_from", source.id)
    assert weights(page) == {
        "conv_1": "taken", "batch_norm_1": "taken", "conv_2": "taken", "batch_norm_2": "taken",
        "softmax": "new: 10 classes instead of 4",
    }  # fmt: skip
    # Of 3·3·3·16 + 16, 4·16, 3·3·16·24 + 24, 4·24 and 24·10 + 10 all but the moving averages are trained.
    # The column is wide enough for the reason, at six and a half pixels a character.
    column = json.loads(page.dataframe[0].proto.columns)["Weights"]
    assert column["width"] >= 6 * len("new: 10 classes instead of 4")
    assert "4 of 5 layers with weights start from what “A *first* run” has learned." in words(page)
    assert "New: softmax (10 classes instead of 4)." in words(page)
    assert "4,258 of 4,338 parameters are trained." in words(page)
    change(page, "model.frozen_blocks", 2)
    assert weights(page)["conv_1"] == weights(page)["batch_norm_2"] == "frozen"
    assert "250 of 4,338 parameters are trained." in words(page)
    press(page, "Start training")
    (waiting,) = store.waiting_runs()
    assert waiting.config.model.start_from == source.id and waiting.config.model.frozen_blocks == 2


def test_runs_of_one_name_are_told_apart(workspace, store, source) -> None:
    other = end(store, control.start_run(workspace, control.RunRequest(TINY, source.name)))
    page = opened()
    titles = {f"A *first* run (shapes, 50.0 %) {run.id}" for run in (source, other)}
    assert set(field(page, "model.start_from").options) == {"Random weights", *titles}
    change(page, "model.start_from", source.id)
    assert draft(page).model.start_from == source.id


def test_random_weights_again_freeze_nothing(source) -> None:
    page = opened()
    change(page, "model.start_from", source.id)
    change(page, "model.frozen_blocks", 2)
    field(page, "model.start_from").select_index(0).run()
    assert (draft(page).model.start_from, draft(page).model.frozen_blocks) == (None, 0)


def test_with_a_block_that_is_removed_no_more_are_frozen_than_there_are(source) -> None:
    page = opened()
    change(page, "model.start_from", source.id)
    change(page, "model.frozen_blocks", 2)
    next(each for each in page.button if each.key == "blocks-1-Remove").click().run()
    assert draft(page).model.frozen_blocks == 1 and len(draft(page).model.blocks) == 1


def test_more_frozen_blocks_than_there_are_is_said_below_the_field(source) -> None:
    page = opened()
    change(page, "model.start_from", source.id)
    change(page, "model.frozen_blocks", 3)
    assert "Must be at most 2, the number of convolution blocks, not 3." in words(page)
    assert button(page, "Start training").disabled and draft(page).model.frozen_blocks == 0


def test_another_network_is_refused_and_a_button_takes_that_of_the_run(source) -> None:
    page = opened()
    change(page, "model.blocks[0].filters", 40)
    change(page, "model.blocks[1].filters", 40)
    change(page, "model.start_from", source.id)
    assert "fits no layer of this network: “A *first* run” was built differently" in words(page)
    assert button(page, "Start training").disabled
    assert weights(page)["conv_1"] == "new: 40 channels instead of 16"
    press(page, "Use that run's network")
    assert [block.filters for block in draft(page).model.blocks] == [16, 24]
    assert not button(page, "Start training").disabled
    assert "Use that run's network" not in [each.label for each in page.button]


def test_a_run_that_is_gone_is_said_and_nothing_starts(workspace, source) -> None:
    page = opened()
    change(page, "model.start_from", source.id)
    control.delete_run(workspace, source.id)
    page.run()
    assert "is in the trash. Restore it" in words(page) and button(page, "Start training").disabled
    trash.empty_trash(workspace)
    page.run()
    assert f"{source.id} (not available)" in field(page, "model.start_from").options
    assert "Or choose another run." in words(page)
    assert not page.exception
