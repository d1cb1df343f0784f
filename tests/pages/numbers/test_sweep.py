"""Augment's strength sweep, counted again: SciPy distorts the stored pictures, Keras answers with the saved weights."""

import json
import re
from functools import lru_cache

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from core.augmentation.robustness import KNOBS
from pages.components.augment import sweep
from tests.pages.numbers.conftest import CLASSES, NUM_VALIDATION, Trained
from tests.pages.numbers.distorted import about_the_middle, rotated, shifted
from tests.pages.numbers.readings import chart_data, texts_of
from tests.pages.visits import open_page

pytestmark = pytest.mark.usefixtures("engine")

# Two resamplings of one picture differ by a rounding here and there: a picture this near to being taken for another
# class may fall on either side.
UNDECIDED = 0.03


# What is done to a picture, at which levels, and their unit. Left out are noise, whose draws are
# kept nowhere, and the colour knobs: the colours of these stripes say nothing of their class.
DISTORTIONS = {
    "rotation": (rotated, range(-180, 181, 15), "°"),
    "width_shift": (
        lambda x, level: shifted(x, 0, 32 * level), [each / 100 for each in range(-50, 51, 5)], " %",
    ),
    "height_shift": (
        lambda x, level: shifted(x, 32 * level, 0), [each / 100 for each in range(-50, 51, 5)], " %",
    ),
    "zoom": (
        lambda x, level: about_the_middle(np.eye(2) / level, x), [each / 10 for each in range(4, 17)], "×",
    ),
    # Each row moves sideways by the tangent times its height above or below the middle.
    "shear": (
        lambda x, level: about_the_middle(np.array([[1, 0], [-np.tan(np.deg2rad(level)), 1]]), x),
        range(-60, 61, 10), "°",
    ),
    "brightness": (
        lambda x, level: x + 255.0 * level, [each / 10 for each in range(-8, 9)], " %",
    ),
    "contrast": (
        lambda x, level: x.mean() + level * (x - x.mean()), [each / 10 for each in range(0, 21, 2)], "×",
    ),
}  # fmt: skip


def test_scipy_turns_as_numpy_does() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (32, 32, 3))
    np.testing.assert_allclose(rotated(picture, 90), np.rot90(picture), atol=1e-6)


@lru_cache
def distorted(home: Trained, knob: str, level: float) -> np.ndarray:
    """The validation pictures, all distorted by so much; the same for every run."""
    varied = np.stack([DISTORTIONS[knob][0](picture, level) for picture in home.validation[0]])
    return varied.round().clip(0, 255).astype(np.uint8)


def counted(home: Trained, run_id: str, knob: str, level: float) -> tuple[int, int]:
    """(right, undecided) of the validation pictures, all distorted by so much."""
    _, labels = home.validation
    probabilities = home.model(run_id).predict(distorted(home, knob, level), verbose=0)
    second, first = np.sort(probabilities, axis=1)[:, -2:].T
    right = (probabilities.argmax(axis=1) == labels).sum()
    return int(right), int((first - second < UNDECIDED).sum())


def measured(home: Trained, knob: str, wait_for) -> AppTest:
    """The sweep of both runs, with the engine that the dashboard starts, until it is complete."""
    page = open_page("augment.py", view="sweep", run=home.plain)
    page.selectbox(key=f"sweep-beside-{home.plain}").set_value(home.noisy).run()
    page.selectbox(key="sweep-knob-3").set_value(knob).run()

    def complete() -> bool:
        page.run()
        assert not page.exception and not page.error
        return not chart_data(page.get("vega_lite_chart")[0])[["r0", "r1"]].isna().any(axis=None)

    wait_for(complete, timeout=120, message="the sweep to be measured")
    return page.run()


@pytest.mark.parametrize("knob", DISTORTIONS)
def test_every_point_of_a_sweep(home: Trained, knob: str, wait_for) -> None:
    page = measured(home, knob, wait_for)
    drawn = chart_data(page.get("vega_lite_chart")[0])
    levels = list(DISTORTIONS[knob][1])
    assert drawn["level"].tolist() == pytest.approx(levels, abs=1e-6)
    for column, run_id in (("r0", home.plain), ("r1", home.noisy)):
        shown = drawn[column].to_numpy() * NUM_VALIDATION
        np.testing.assert_allclose(shown, shown.round(), atol=1e-4)  # float32 holds them
        found = [counted(home, run_id, knob, level) for level in levels]
        right, undecided = np.array(found).T
        assert (np.abs(shown.round() - right) <= undecided).all(), (shown.round(), right, undecided)
        # Or nearly anything would pass: few are undecided, and the points are not all alike.
        assert np.median(undecided) < 0.1 * NUM_VALIDATION
    assert np.ptp(drawn["r0"]) > 0.15


def in_words(level: float, unit: str) -> str:
    number = f"{100 * level:g}" if unit == " %" else f"{level:g}"
    return f"×{number}" if unit == "×" else f"{number}{unit}"


@pytest.mark.parametrize("knob", DISTORTIONS)
def test_every_number_in_the_words_below_it(home: Trained, knob: str, wait_for) -> None:
    page = measured(home, knob, wait_for)
    drawn = chart_data(page.get("vega_lite_chart")[0])
    words = " ".join(texts_of(page))
    assert f"Measured on {NUM_VALIDATION} validation pictures" in words
    # The dotted line: one of four classes, guessed.
    assert f'"datum": {1 / len(CLASSES)}' in page.get("vega_lite_chart")[0].proto.spec
    unit = DISTORTIONS[knob][2]
    for column, name in (("r0", "plain"), ("r1", "noisy")):
        (line,) = (text for text in texts_of(page) if text.startswith(f"**{name}**"))
        known = dict(zip(drawn["level"].round(6).tolist(), drawn[column], strict=True))
        untouched = known[1.0 if unit == "×" else 0.0]
        assert f": {100 * untouched:.0f} % undistorted" in line
        told = re.findall(r"(\d+) % at (-?×?[\d.]+(?:°| %)?)", line)
        by_words = {in_words(level, unit): value for level, value in known.items()}
        assert len(told) == 2
        for value, level in told:
            assert value == f"{100 * by_words[level.strip()]:.0f}", (line, level)
    trained = next(text for text in texts_of(page) if text.startswith("**noisy**")).rpartition("; ")[2]
    without = f"trained without {KNOBS[knob].title.lower()}."
    assert trained == ("trained with -20° to 20°." if knob == "rotation" else without)
    low, high = drawn["r1_low"].dropna().tolist(), drawn["r1_high"].dropna().tolist()
    assert (low, high) == (([-20.0], [20.0]) if knob == "rotation" else ([], []))


def test_how_far_a_sweep_is(home: Trained, wait_for, monkeypatch) -> None:
    """Held against the file that it keeps level by level; nobody else measures the noise here."""
    page = open_page("augment.py", view="sweep", run=home.plain)
    page.selectbox(key=f"sweep-beside-{home.plain}").set_value("").run()
    page.selectbox(key="sweep-knob-3").set_value("noise").run()
    wait_for(lambda: not page.run().get("progress"), timeout=120, message="the sweep to be measured")
    path = home.workspace.runs / home.plain / "robustness-noise.json"
    document = json.loads(path.read_text())
    whole = dict(document["levels"])
    document["levels"] = dict(list(whole.items())[:4])
    path.write_text(json.dumps(document))
    monkeypatch.setattr(sweep, "PORTION_SECONDS", 0.0)
    page.run()
    drawn = chart_data(page.get("vega_lite_chart")[0]).set_index("level")["r0"]
    (bar,) = page.get("progress")
    assert bar.proto.text == f"Measured 4 of {len(whole)} points." and len(drawn) == len(whole)
    assert bar.proto.value == int(100 * 4 / len(whole))
    for level, value in drawn.items():
        (pair,) = (
            [*each, name in document["levels"]]
            for name, each in whole.items()
            if abs(float(name) - level) < 1e-6
        )
        right, of, is_known = pair
        assert of == NUM_VALIDATION
        assert value == pytest.approx(right / of if is_known else np.nan, nan_ok=True)
