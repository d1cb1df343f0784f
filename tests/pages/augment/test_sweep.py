"""Augment, third view: how robust a run is to each distortion."""

import json
from typing import Any

import numpy as np

from core.augmentation.robustness import KNOBS, Robustness
from core.datasets.storage import delete_dataset
from pages.components.augment import sweep
from pages.components.augment.sweep import level_in_words, sweep_sentence
from pages.components.charts.robustness import robustness_data, robustness_spec
from tests.pages.augment.stand_in import trained_run
from tests.pages.visits import open_page, press, words


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
    assert set(engine.asked) == {"preview"}
    mine = trained_run(workspace, "mine")
    page = open_page("augment.py", view="sweep", run=mine.id)
    assert page.selectbox(key=f"sweep-beside-{mine.id}").options == ["no other run"]


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
