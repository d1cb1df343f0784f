"""The Augment page, with an engine that answers at once and by rules that a test can count with."""

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from core.augmentation.batch_document import Batch
from core.augmentation.robustness import KNOBS, Robustness
from core.config import AugmentationConfig
from core.datasets.saving import save_dataset
from core.datasets.storage import delete_dataset
from core.design.presets import PRESETS
from core.epoch import EpochRow
from core.errors import EngineError
from core.server import services as services_module
from core.store.records import Run, RunRequest
from core.store.store import Store
from core.workspace import Workspace
from pages.components.augment import sweep
from pages.components.augment.sweep import level_in_words, sweep_sentence
from pages.components.charts.robustness import robustness_data, robustness_spec
from tests.core.conftest import known_data
from tests.pages.visits import change, draft, field, go_to, open_page, press, unfold, words

NUM_TRAIN = 2000


class StandIn:
    """Previews come back as they are; every third of the pictures asked about is a square, the others circles."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.answered: list[tuple[str, tuple[int, ...]]] = []
        self.batches: list[tuple[str, int, int]] = []
        self.counted = 0
        self.broken = False

    def preview(self, augmentation, pixels, seed):
        self.asked.append("preview")
        return pixels, [{"rotation": "rotated +5°"} for _ in pixels]

    def answer(self, run_id, pixels):
        self.asked.append("answer")
        self.answered.append((run_id, pixels.shape))
        square = np.arange(len(pixels)) % 3 == 2
        return np.stack([np.where(square, 0.2, 0.9), np.where(square, 0.8, 0.1)], axis=1), (
            "circle",
            "square",
        )

    def batch(self, config, epoch, step, most):
        self.asked.append("batch")
        if self.broken:
            raise EngineError("The picture engine ended unexpectedly. Try again: it restarts by itself.")
        self.batches.append((config.config_id, epoch, step))
        labels = np.array([[1, 0], [0.25, 0.75], [0, 1]], np.float32)
        return Batch(
            images=np.zeros((3, 32, 32, 3), np.uint8), labels=labels, rows=[1, 2, 3],
            captions=[{}, {"mix_weight": "25 % of another picture"}, {"flip_x": "mirrored"}],
            corrupted=[False, False, True], class_names=("*cat*", "dog"), pictures=64, steps=9,
        )  # fmt: skip

    def count_right(self, run_id, dataset, knob, level, start, stop, most):
        self.asked.append("count_right")
        if self.broken:
            raise EngineError("The picture engine ended unexpectedly. Try again: it restarts by itself.")
        self.counted += 1
        return round(1000 * (0.9 - 0.002 * abs(level))), 1000


@pytest.fixture
def engine(workspace, monkeypatch) -> StandIn:
    stand_in = StandIn()
    st.cache_data.clear()
    shared = replace(services_module.get_services(), engine=stand_in)
    monkeypatch.setitem(services_module._services, workspace.root, shared)
    # Drawing the real ones takes seconds.
    x, y = np.zeros((NUM_TRAIN, 32, 32, 3), np.uint8), np.arange(NUM_TRAIN) % 2
    arrays = {"x_train": x, "y_train": y, "x_test": x[:100], "y_test": y[:100]}
    save_dataset(workspace, "shapes", "Shapes", "", ["*cat*", "dog"], arrays)
    return stand_in


def trained_run(
    workspace: Workspace, name: str, parent: Run | None = None, digest: str | None = None, **values: Any
) -> Run:
    config = PRESETS["tiny"].config.with_values(
        {"dataset.id": "shapes", **{path.replace("__", "."): value for path, value in values.items()}}
    )
    with Store(workspace) as store:
        parent_id = parent.id if parent else None
        data = None if digest is None else known_data(digest)
        run = store.queue_run(RunRequest(config, name, parent_id=parent_id, data=data))
        store.claim(run.id, [run.id])
        store.record_started(run.id, 1, 10, 100, 0)
        store.record_epoch(run.id, 1, EpochRow(1, val_accuracy=0.35))
        workspace.run_folder(run.id).mkdir()
        return store.get_run(run.id)


def look_at(page: AppTest, view: str) -> AppTest:
    next(group for group in page.get("button_group") if group.key == "augment-view").set_value(view).run()
    assert not page.exception
    return page


def choose(page: AppTest, policy: str) -> AppTest:
    next(group for group in page.get("button_group") if group.key == "policy").set_value(policy).run()
    assert not page.exception
    return page


def strengthen(page: AppTest, factor: float) -> AppTest:
    page.slider(key="policy-strength").set_value(factor).run()
    assert not page.exception
    return page


def test_only_the_part_that_is_looked_at_asks_the_engine(engine, workspace) -> None:
    trained_run(workspace, "one")
    page = choose(open_page("augment.py"), "Strong")
    assert set(engine.asked) == {"preview", "answer"}
    for view, asked in (("batch", {"batch"}), ("sweep", {"count_right"}), ("code", set())):
        engine.asked.clear()
        look_at(page, view)
        assert set(engine.asked) == asked
        assert page.query_params["view"] == view


def test_a_strength_scales_the_design_and_takes_it_back(engine) -> None:
    page = choose(open_page("augment.py"), "Strong")
    strong = draft(page).augmentation
    strengthen(page, 0.5)
    assert draft(page).augmentation.rotation_degrees == strong.rotation_degrees / 2
    assert draft(page).augmentation.horizontal_flip
    assert field(page, "augmentation.rotation_degrees").value == strong.rotation_degrees / 2
    assert "At ×1 they return" in words(page)
    strengthen(page, 0.0)
    assert draft(page).augmentation == AugmentationConfig(horizontal_flip=True, fill_mode="reflect")
    strengthen(page, 1.0)
    assert draft(page).augmentation == strong
    assert "At ×1 they return" not in words(page)


def test_what_stops_at_its_limit_is_named_and_comes_back(engine) -> None:
    page = change(unfold(open_page("augment.py")), "augmentation.zoom_fraction", 0.6)
    strengthen(page, 2.0)
    assert draft(page).augmentation.zoom_fraction == 0.9
    assert "At their limit: zoom" in words(page)
    strengthen(page, 1.0)
    assert draft(page).augmentation.zoom_fraction == 0.6


def test_a_knob_that_is_moved_begins_a_policy_of_its_own(engine) -> None:
    page = strengthen(choose(open_page("augment.py"), "Strong"), 2.0)
    change(page, "augmentation.rotation_degrees", 33.0)
    assert page.slider(key="policy-strength").value == 1.0
    strengthen(page, 2.0)
    assert draft(page).augmentation.rotation_degrees == 66.0


def test_flips_are_counted_and_marked_and_said(engine, workspace) -> None:
    run = trained_run(workspace, "A *net*")
    page = choose(open_page("augment.py"), "Strong")
    assert engine.answered == [(run.id, (13, 32, 32, 3))]
    # Of the twelve after the original, numbers 2, 5, 8 and 11 are squares.
    assert "“A *net*” says the original is *circle* (90 %). **4 of 12 variants change its answer.**" in words(
        page
    )
    marked = [text.value for text in page.markdown if ":material/swap_horiz:" in text.value]
    assert len(marked) == 4 and all(":red[" in text and "square · 80 %" in text for text in marked)
    alternatives = [image.proto.imgs[0].alt for image in page.get("image")]
    assert sum("The run changes its answer: square, 80 %" in text for text in alternatives) == 4
    assert sum("The run says circle, 90 %" in text for text in alternatives) == 8


def test_a_single_flip_is_said_as_one(engine, workspace, monkeypatch) -> None:
    trained_run(workspace, "one")

    def answer(run_id, pixels):
        return np.eye(2)[(np.arange(len(pixels)) == 4).astype(int)], ("circle", "square")

    monkeypatch.setattr(engine, "answer", answer)
    assert "**1 of 12 variants changes its answer.**" in words(choose(open_page("augment.py"), "Strong"))


def test_the_newest_run_that_fits_is_asked_first_and_another_by_link(engine, workspace) -> None:
    older = trained_run(workspace, "older")
    newer = trained_run(workspace, "newer")
    small = trained_run(workspace, "small", dataset__image_size=16)
    page = choose(open_page("augment.py"), "Strong")
    chooser = page.selectbox(key="augment-run")
    assert chooser.value == newer.id
    assert [option.partition(" (")[0] for option in chooser.options] == ["newer", "older"]
    chooser.set_value(older.id).run()
    assert page.query_params["run"] == older.id
    assert engine.answered[-1][0] == older.id
    assert (
        choose(open_page("augment.py", run=older.id), "Strong").selectbox(key="augment-run").value == older.id
    )
    other = choose(open_page("augment.py", run=small.id), "Strong")
    assert "“small” was trained on different pictures, so “newer” is asked instead." in words(other)


def test_a_design_of_smaller_pictures_is_shown_as_small(engine, workspace) -> None:
    small = trained_run(workspace, "small", dataset__image_size=16)
    trained_run(workspace, "large")
    choose(open_page("augment.py", **{"from": small.id}), "Strong")
    assert engine.answered == [(small.id, (13, 16, 16, 3))]


def test_without_a_run_that_fits_it_says_so(engine, workspace) -> None:
    trained_run(workspace, "small", dataset__image_size=16)
    page = choose(open_page("augment.py"), "Strong")
    assert "No run has been trained on Shapes at 32×32 pixels yet" in words(page)
    assert engine.answered == []
    assert "There is no run “../../x” here." in words(open_page("augment.py", run="../../x"))


def test_a_batch_is_chosen_by_epoch_and_step_and_shown_with_its_labels(engine, workspace) -> None:
    page = open_page("augment.py", view="batch")
    design = draft(page)
    assert engine.batches == [(design.config_id, 0, 0)]
    text = words(page)
    assert f"Epoch 1 of {design.training.epochs}, step 1 of" in text
    assert f"With seed {design.seed}, this epoch and step" in text and "the first 3 of 64 pictures" in text
    assert "**75 % dog, 25 % *cat***" in text and "25 % of another picture" in text
    assert text.count("wrong on purpose") == 1
    steps = design.training.steps_per_epoch(design.dataset.num_train or NUM_TRAIN)
    page.number_input(key=f"batch-step-{steps}").set_value(2).run()
    page.number_input(key=f"batch-epoch-{design.training.epochs}").set_value(3).run()
    assert engine.batches[-1] == (design.config_id, 2, 1)
    assert any(
        "(a wrong label, on purpose): mirrored" in image.proto.imgs[0].alt for image in page.get("image")
    )


def test_a_batch_of_a_run_is_that_run_s(engine, workspace) -> None:
    run = trained_run(workspace, "one", training__batch_size=50, seed=7)
    page = open_page("augment.py", view="batch", run=run.id)
    assert engine.batches == [(run.config_id, 0, 0)]
    assert "With seed 7" in words(page) and "step 1 of 40" in words(page)
    page.selectbox(key="augment-run").set_value("").run()
    assert engine.batches[-1][0] == draft(page).config_id
    assert "run" not in page.query_params


def test_a_batch_without_its_data_set_or_engine_is_a_sentence(engine, workspace) -> None:
    run = trained_run(workspace, "one", dataset__id="mnist")
    assert "MNIST is not here yet" in words(open_page("augment.py", view="batch", run=run.id))
    engine.broken = True
    assert "Try again: it restarts by itself" in words(open_page("augment.py", view="batch"))


def test_a_sweep_is_measured_and_its_parent_beside_it(engine, workspace, monkeypatch) -> None:
    monkeypatch.setattr(sweep, "PORTION_SECONDS", 60.0)  # all of it in one tick, however busy the machine is
    parent = trained_run(workspace, "parent")
    fork = trained_run(workspace, "fork", parent, augmentation__rotation_degrees=30)
    page = open_page("augment.py", view="sweep", run=fork.id)
    assert engine.counted == 2 * len(KNOBS["rotation"].levels)
    assert page.selectbox(key=f"sweep-beside-{fork.id}").value == parent.id
    page.run()
    text = words(page)
    assert "**fork**: 90 % undistorted, 72 % at −90° and 72 % at 90°; trained with −30° to 30°." in text  # noqa: RUF001
    assert "**parent**" in text and "trained without rotation" in text
    assert "Measured on 1,000 validation pictures" in text
    chart = page.get("vega_lite_chart")[0].proto
    assert "datum.r0_low" in chart.spec and "fork" in chart.spec
    page.run()
    assert engine.counted == 2 * len(KNOBS["rotation"].levels)
    knobs = page.selectbox(key="sweep-knob-3")
    knobs.set_value("zoom").run()
    assert engine.counted == 2 * (len(KNOBS["rotation"].levels) + len(KNOBS["zoom"].levels))


def test_a_sweep_that_fails_says_so_and_goes_on_when_asked_to(engine, workspace) -> None:
    trained_run(workspace, "one")
    engine.broken = True
    page = open_page("augment.py", view="sweep")
    assert "Try again: it restarts by itself" in words(page)
    asked = len(engine.asked)
    page.run()
    assert len(engine.asked) == asked
    engine.broken = False
    press(page, "Continue")
    page.run()
    assert "undistorted" in words(page)


def test_a_sweep_without_a_run_or_its_pictures_shows_the_way(engine, workspace) -> None:
    assert "No run has weights yet" in words(open_page("augment.py", view="sweep"))
    trained_run(workspace, "one")
    delete_dataset(workspace, "shapes")
    assert "The data set shapes is not here" in words(open_page("augment.py", view="sweep"))


def test_a_run_on_other_data_of_that_name_is_not_asked(engine, workspace) -> None:
    other = trained_run(workspace, "other", digest="of another")
    words_of_other = "“other” was started on another data set that was called shapes"
    for view in ("batch", "sweep"):
        assert words_of_other in words(open_page("augment.py", view=view, run=other.id))
    assert "No run has been trained on Shapes at 32×32 pixels yet" in words(open_page("augment.py"))
    assert engine.asked == []
    mine = trained_run(workspace, "mine")
    page = open_page("augment.py", view="sweep", run=mine.id)
    assert page.selectbox(key=f"sweep-beside-{mine.id}").options == ["no other run"]


def test_the_code_follows_the_knobs(engine) -> None:
    page = choose(open_page("augment.py", view="code"), "Mild, as in the article")
    assert "RandomRotation(20 / 360" in page.code[0].value
    strengthen(page, 2.0)
    assert "RandomRotation(40 / 360" in page.code[0].value
    assert "resamples the picture once more" in words(page)


def test_a_link_s_view_wins_and_coming_back_finds_the_last_one(engine) -> None:
    page = open_page("augment.py", view="nonsense")
    assert not page.exception and "How training varies a picture." in words(page)
    look_at(page, "code")
    go_to(page, "classify.py")
    assert page.query_params.get("view") is None
    assert "Keras layers" in words(go_to(page, "augment.py"))
    assert "One training batch" in words(go_to(page, "augment.py", view="batch"))


def robustness(knob: str, **values: Any) -> Robustness:
    levels = KNOBS[knob].levels
    known = {
        "accuracy": tuple(0.5 for _ in levels),
        "num_pictures": 10,
        "trained": None,
        "randaugment": False,
    }
    return Robustness("r", knob, levels, **{**known, **values})


def test_the_chart_s_spec_stays_and_its_data_grows() -> None:
    levels = KNOBS["zoom"].levels
    empty = robustness("zoom", accuracy=tuple(None for _ in levels), trained=(0.8, 1.2))
    for found in (empty, robustness("zoom", trained=(0.8, 1.2))):
        data = robustness_data([found, robustness("zoom")])
        assert list(data.columns) == ["level", "r0", "r0_low", "r0_high", "r1", "r1_low", "r1_high"]
        assert len(data) == len(levels)
        np.testing.assert_allclose(data["r0_low"].dropna(), [0.8])
        assert data["r1_low"].isna().all()
    spec = json.dumps(robustness_spec("zoom", ['a"b\\', "c"], 10))
    assert json.dumps(robustness_spec("zoom", ['a"b\\', "c"], 10)) == spec


def test_levels_in_words() -> None:
    minus = "\N{MINUS SIGN}"
    assert level_in_words(KNOBS["rotation"], -90.0) == f"{minus}90°"
    assert level_in_words(KNOBS["zoom"], 1.3) == "×1.3"
    assert level_in_words(KNOBS["width_shift"], -0.25) == f"{minus}25 %"
    assert sweep_sentence(robustness("noise", trained=(0.0, 0.06), randaugment=True)) == (
        "50 % undistorted, 50 % at 15 %; trained with 0 % to 6 %, plus RandAugment."
    )
    assert sweep_sentence(robustness("noise", accuracy=tuple(None for _ in KNOBS["noise"].levels))) == ""
