"""Design: a draft that is kept, fields that show what it holds, and what is said before a start."""

import pytest
from streamlit.testing.v1 import AppTest

from core.datasets.saving import save_dataset
from core.design.drafts import load_draft
from core.design.presets import PRESETS
from core.runs import control
from core.store.records import RunRequest
from core.store.store import Store
from tests.core.conftest import own_data
from tests.pages.visits import button, change, draft, field, go_to, open_page, press, unfold, words


@pytest.fixture
def idle(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody serves the queue: these tests look at what is asked for, not at training."""
    monkeypatch.setattr(control, "ensure_scheduler", lambda workspace: None)


def address(page: AppTest) -> dict[str, str]:
    return {
        key: values[0] if isinstance(values, list) else values for key, values in page.query_params.items()
    }


def paste(page: AppTest, text: str) -> AppTest:
    unfold(page, "As text: JSON and command line")
    page.text_area(key="pasted-config").set_value(text).run()
    return press(page, "Load config")


# Where the draft is kept


def test_the_draft_is_in_the_address_from_the_first_change_on(workspace) -> None:
    page = open_page("design.py")
    assert address(page) == {}
    assert not workspace.drafts.exists()
    change(page, "model.blocks[0].filters", 8)
    kept = address(page)
    assert load_draft(workspace, kept["draft"]).config == draft(page)
    change(page, "training.epochs", 3)
    assert address(page) == kept


def test_a_refresh_brings_the_draft_back_with_its_preset_and_its_beginning(workspace) -> None:
    page = change(open_page("design.py", preset="vgg"), "model.blocks[0].filters", 8)
    again = open_page("design.py", **address(page))
    assert draft(again) == draft(page)
    assert field(again, "model.blocks[0].filters").value == 8
    assert PRESETS["vgg"].commentary in words(again)
    assert draft(press(again, "Reset")).model.blocks == PRESETS["vgg"].config.model.blocks


def test_who_follows_a_link_to_a_draft_changes_a_copy(workspace) -> None:
    teacher = change(open_page("design.py"), "model.blocks[0].filters", 8)
    link = address(teacher)
    pupil = open_page("design.py", **link)
    assert address(pupil) == link
    change(pupil, "model.blocks[0].filters", 16)
    assert address(pupil) != link
    assert load_draft(workspace, link["draft"]).config.model.blocks[0].filters == 8
    # The address in the browser may be a step behind, and "back" leads there: what was typed since counts.
    go_to(pupil, "design.py", **link)
    assert draft(pupil).model.blocks[0].filters == 16


def test_a_reconnected_session_takes_no_value_of_the_former_ones_widgets(workspace) -> None:
    page = change(open_page("design.py"), "model.blocks[0].filters", 8)
    again = open_page("design.py")
    former = {field(page, path).key for path in ("model.blocks[0].filters", "training.epochs")}
    present = {field(again, path).key for path in ("model.blocks[0].filters", "training.epochs")}
    assert not former & present


def test_the_draft_is_on_augment_too_and_stays_in_the_address(workspace) -> None:
    page = change(open_page("design.py"), "model.blocks[0].filters", 8)
    kept = address(page)
    assert address(go_to(page, "augment.py")) == kept
    assert address(go_to(page, "design.py")) == kept


@pytest.mark.parametrize("name", ["../../convdeck", "0123456789abcdef", "x"])
def test_a_link_to_a_draft_that_is_gone_is_a_sentence(workspace, name: str) -> None:
    page = open_page("design.py", draft=name)
    assert "no such draft" in words(page)
    assert draft(page).model.blocks
    assert address(page) == {}


def test_a_link_begins_a_new_draft_and_leaves_the_former_one(workspace) -> None:
    page = change(open_page("design.py"), "model.blocks[0].filters", 8)
    former = address(page)
    run = Store(workspace).queue_run(RunRequest(PRESETS["resnet"].config, "old", None))
    go_to(page, "design.py", **{"from": run.id})
    assert draft(page) == PRESETS["resnet"].config
    assert address(page) != former
    assert draft(go_to(page, "design.py", **former)).model.blocks[0].filters == 8


def test_a_workspace_that_cannot_be_written_costs_no_more_than_the_refresh(workspace) -> None:
    workspace.drafts.write_text("in the way")
    page = change(open_page("design.py"), "model.blocks[0].filters", 8)
    assert "A refresh of this page would lose the design" in words(page)
    assert draft(page).model.blocks[0].filters == 8


# Beginnings


def test_reset_undoes_the_changes_since_the_beginning(workspace) -> None:
    page = open_page("design.py", preset="tiny")
    began = draft(page)
    change(page, "model.blocks[0].filters", 8)
    press(page, "Add block")
    assert draft(press(page, "Reset")) == began
    assert field(page, "model.blocks[0].filters").value == began.model.blocks[0].filters


def test_a_pasted_config_is_no_preset(workspace, idle) -> None:
    page = paste(open_page("design.py", preset="tiny"), PRESETS["resnet"].config.to_json())
    assert next(box for box in page.selectbox if box.label == "Start from").value is None
    assert PRESETS["tiny"].commentary not in words(page)
    assert page.code[0].value == "python -m core train --config config.json"
    change(page, "dataset.id", "shapes")
    press(page, "Start training")
    assert Store(workspace).list_runs()[0].preset is None


def test_use_it_is_never_disabled_and_says_that_nothing_was_pasted(workspace) -> None:
    page = unfold(open_page("design.py"), "As text: JSON and command line")
    assert not button(page, "Load config").disabled
    assert "Paste a config into the field first" in words(press(page, "Load config"))


# Fields


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("optimizer.gradient_clip_norm", 0.0001),
        ("optimizer.learning_rate", 1000.0),
        ("optimizer.learning_rate", 1e-12),
        ("training.steps_per_epoch_multiple", 0.001),
        ("augmentation.mixup_alpha", 8.0),
        ("augmentation.rotation_degrees", 12.5),
        ("dataset.num_train", 9_000_000),
    ],
)
def test_what_the_config_takes_is_shown_as_it_is(workspace, path: str, value: float) -> None:
    page = paste(open_page("design.py"), PRESETS["tiny"].config.with_values({path: value}).to_json())
    if path.startswith("augmentation."):
        go_to(page, "augment.py", **address(page))
    unfold(page)
    assert field(page, path).value == value
    assert draft(page).value(path) == value


def test_an_error_stands_until_its_field_is_mended_or_left(workspace) -> None:
    page = change(open_page("design.py", preset="tiny"), "model.blocks[0].kernel_sizes", [])
    assert "Must have at least one size." in words(page)
    assert button(page, "Start training").disabled
    change(page, "model.blocks[0].kernel_sizes", [5])
    assert not button(page, "Start training").disabled
    change(page, "model.blocks[0].kernel_sizes", [])
    go_to(page, "classify.py")
    go_to(page, "design.py", **{})
    assert "Must have at least one size." not in words(page)
    assert field(page, "model.blocks[0].kernel_sizes").value == [5]
    assert not button(page, "Start training").disabled


def test_an_error_goes_with_its_field(workspace) -> None:
    page = unfold(open_page("design.py", preset="tiny"), "Optimizer and regularisation")
    change(page, "optimizer.name", "sgd")
    change(page, "optimizer.nesterov", True)
    change(page, "optimizer.momentum", 0.0)
    assert "Nesterov momentum needs a momentum above 0" in words(page)
    change(page, "optimizer.name", "adam")
    assert not button(page, "Start training").disabled


# Before the start


def test_too_many_pictures_are_told_beside_the_field(workspace, idle) -> None:
    page = change(open_page("design.py", preset="tiny"), "dataset.num_train", 6001)
    assert "Must be at most 6,000, the training pictures of Shapes, not 6,001." in words(page)
    assert button(page, "Start training").disabled
    change(page, "dataset.num_train", 6000)
    assert not button(page, "Start training").disabled
    assert field(page, "dataset.num_train").placeholder == "all 6,000"


@pytest.mark.parametrize(
    ("name", "word"), [("cifar10", "is not here yet"), ("gone", "There is no data set 'gone' here")]
)
def test_a_data_set_that_cannot_be_used_is_told_beside_the_field(workspace, name: str, word: str) -> None:
    page = paste(open_page("design.py"), PRESETS["tiny"].config.with_values({"dataset.id": name}).to_json())
    assert word in words(page)
    assert button(page, "Start training").disabled


def test_a_damaged_data_set_is_told_beside_the_field(workspace) -> None:
    (workspace.datasets / "mine").mkdir()
    page = change(open_page("design.py", preset="tiny"), "dataset.id", "mine")
    assert "mine is damaged" in words(page)
    assert button(page, "Start training").disabled


def test_the_runs_name_survives_a_trip_to_augment_and_is_used_once(workspace, idle) -> None:
    page = open_page("design.py", preset="tiny")
    page.text_input(key="run-name").set_value("Mine").run()
    go_to(page, "augment.py")
    go_to(page, "design.py")
    assert page.text_input(key="run-name").value == "Mine"
    press(page, "Start training")
    go_to(page, "design.py")
    assert page.text_input(key="run-name").value == ""
    assert [run.name for run in Store(workspace).list_runs()] == ["Mine"]


# The network


def test_the_table_holds_numbers_and_leaves_empty_what_there_is_none_of(workspace) -> None:
    table = open_page("design.py", preset="article").dataframe[0].value
    field_of = dict(zip(table["Layer"], table["Receptive field"], strict=True))
    # A 3×3 kernel, a 2×2 window of stride 2, and both again: 3, 3+1, 4+2·2, 8+2 pixels.
    assert [field_of[name] for name in ("conv_1", "pool_1", "conv_2", "pool_2")] == [3, 4, 8, 10]
    assert table["Receptive field"].isna().sum() == len(table) - 6
    assert table["kFLOPs"].dtype.kind == "i"


@pytest.mark.parametrize(
    "label",
    [
        "Activation",
        "Optimizer",
        "Learning-rate schedule",
        "Units",
        "Momentum",
        "Nesterov momentum",
        "Warm-up epochs",
        "Epochs per step",
        "Plateau patience (epochs)",
        "Learning-rate factor",
    ],
)
def test_what_a_learner_may_not_know_is_explained(workspace, label: str) -> None:
    schedule = {"Warm-up epochs": "cosine", "Plateau patience (epochs)": "plateau"}.get(label, "step")
    config = PRESETS["article"].config.with_values({"optimizer.name": "sgd", "optimizer.schedule": schedule})
    page = unfold(paste(open_page("design.py"), config.to_json()), "Optimizer and regularisation")
    unfold(page, "More settings of this block")
    found = [w for kind in (page.number_input, page.selectbox, page.toggle) for w in kind if w.label == label]
    assert found
    assert all(widget.help for widget in found)


def test_a_small_own_data_set_is_told_from_the_numbers_of_its_card(workspace) -> None:
    import numpy as np

    x, y = np.zeros((10, 8, 8, 3), np.uint8), np.arange(10) % 2
    arrays = {"x_train": x, "y_train": y, "x_test": x, "y_test": y}
    save_dataset(workspace, "mine", "Mine", "", ["a", "b"], arrays)
    page = change(open_page("design.py", preset="tiny"), "dataset.id", "mine")
    change(page, "dataset.num_train", 1000)
    assert "Must be at most 10, the training pictures of Mine, not 1,000." in words(page)


# What is folded


def test_folded_fields_are_drawn_once_they_are_opened_and_keep_their_values(workspace) -> None:
    page = open_page("design.py", preset="tiny")
    fields = {each.label for each in page.number_input}
    assert "Learning rate" in fields and not {"Weight decay", "Seed", "Stride"} & fields
    change(unfold(page, "Details"), "seed", 77)
    go_to(page, "home.py")
    go_to(page, "design.py")
    assert "Seed" not in {each.label for each in page.number_input}
    assert draft(page).seed == 77
    assert field(unfold(page, "Details"), "seed").value == 77


def test_a_value_that_was_not_taken_is_not_lost_by_folding_it_away(workspace) -> None:
    page = unfold(open_page("design.py", preset="tiny"), "Optimizer and regularisation")
    change(page, "optimizer.name", "sgd")
    change(page, "optimizer.nesterov", True)
    change(page, "optimizer.momentum", 0.0)
    page.session_state["more-of-optimizer"] = False
    page.run()
    assert field(page, "optimizer.momentum").value == 0.0
    assert "Invalid value. Momentum: " in words(page)
    change(page, "optimizer.momentum", 0.5)
    assert "Momentum" not in {each.label for each in page.number_input}
    assert draft(page).optimizer.momentum == 0.5


def test_a_value_that_was_not_taken_is_taken_when_its_cause_is_mended(workspace) -> None:
    page = unfold(open_page("design.py", preset="tiny"), "Optimizer and regularisation")
    change(page, "optimizer.name", "sgd")
    change(page, "optimizer.momentum", 0.0)
    change(page, "optimizer.nesterov", True)
    assert button(page, "Start training").disabled
    assert not draft(page).optimizer.nesterov
    change(page, "optimizer.momentum", 0.9)
    assert (draft(page).optimizer.nesterov, draft(page).optimizer.momentum) == (True, 0.9)
    assert field(page, "optimizer.nesterov").value is True
    assert not button(page, "Start training").disabled


def test_text_that_was_pasted_survives_being_folded_away(workspace) -> None:
    page = unfold(open_page("design.py"), "As text: JSON and command line")
    page.text_area(key="pasted-config").set_value("{").run()
    page.session_state["as-text"] = False
    page.run()
    assert "pasted-config" not in {each.key for each in page.text_area}
    assert unfold(page, "As text: JSON and command line").text_area(key="pasted-config").value == "{"


def test_muon_says_what_it_trains_and_where_it_would_train_nothing(workspace, idle) -> None:
    page = open_page("design.py", preset="tiny")
    unfold(page, "Optimizer and regularisation")
    change(page, "optimizer.name", "muon")
    assert "Muon trains the kernels of 1 convolution; AdamW trains the rest: the first convolution" in words(
        page
    )
    assert not button(page, "Start training").disabled
    change(page, "optimizer.muon_convolutions", False)
    assert "Muon for convolutions: must be on: without it Muon would train nothing" in words(page)
    assert button(page, "Start training").disabled
    change(page, "optimizer.name", "adamw")
    assert not button(page, "Start training").disabled


def test_a_smaller_data_set_is_used_whole_and_can_be_started(workspace) -> None:
    """A preset for 2,000 pictures on a set of 24; a number that it does have stays."""
    own_data(workspace, count=24)
    page = open_page("design.py", preset="overfit")
    assert draft(page).dataset.num_train == 2000
    change(page, "dataset.id", "pets")
    assert (draft(page).dataset.id, draft(page).dataset.num_train) == ("pets", None)
    assert field(page, "dataset.num_train").value is None
    assert not button(page, "Start training").disabled
    change(page, "dataset.num_train", 10)
    change(page, "dataset.id", "shapes")
    assert draft(page).dataset.num_train == 10


def test_the_hint_on_averages_that_lag_turns_precise_batch_normalisation_on(workspace, idle) -> None:
    page = unfold(open_page("design.py", preset="article"), "Details")
    change(change(page, "dataset.num_train", 500), "model.batch_norm_momentum", 0.99)
    assert "batch normalisation's momentum of 0.99 lags behind" in words(page)
    press(page, "Use precise batch normalisation")
    assert draft(page).training.precise_batch_norm
    assert field(page, "training.precise_batch_norm").value is True
    assert "lags behind" not in words(page)
    # Without batch normalisation there is no field for it.
    change(change(unfold(page), "model.blocks[0].batch_norm", False), "model.blocks[1].batch_norm", False)
    with pytest.raises(AssertionError):
        field(page, "training.precise_batch_norm")
