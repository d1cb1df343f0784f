"""Augment's policy: its strength, its code, and the batches of it, from the design and the stored pictures."""

import json
import math

import keras
import numpy as np
import pytest

from tests.pages.numbers.conftest import NUM_TRAIN, Trained
from tests.pages.visits import address, change, draft, field, go_to, open_page, unfold, words

pytestmark = pytest.mark.usefixtures("engine")
RANGES = ("rotation_degrees", "width_shift_fraction", "height_shift_fraction", "zoom_fraction", "brightness")


def test_a_strength_multiplies_every_range(home: Trained) -> None:
    page = unfold(open_page("augment.py", **{"from": home.plain}))
    for name, value in zip(RANGES, (20.0, 0.02, 0.04, 0.3, 0.1), strict=True):
        change(page, f"augmentation.{name}", value)
    base = {name: getattr(draft(page).augmentation, name) for name in RANGES}
    next(each for each in page.slider if each.key.startswith("policy-strength-")).set_value(1.7).run()
    for name in RANGES:
        assert field(page, f"augmentation.{name}").value == pytest.approx(1.7 * base[name])
    # The design is kept in a file, which a link brings back.
    kept = next(home.workspace.root.rglob(f"*{address(page, 'draft')}*")).read_text()
    policy = json.loads(kept)["config"]["augmentation"]
    assert [policy[name] for name in RANGES] == pytest.approx([1.7 * base[name] for name in RANGES])


def test_every_number_of_the_code(home: Trained) -> None:
    """Run by Keras, whose layers then say themselves how far they go."""
    page = unfold(open_page("augment.py", view="code", **{"from": home.plain}))
    for name, value in zip(RANGES, (27.0, 0.06, 0.03, 0.2, 0.15), strict=True):
        change(page, f"augmentation.{name}", value)
    (code,) = (block.value for block in page.code)
    namespace: dict = {}
    exec(code, namespace)
    layers = {type(layer).__name__: layer.get_config() for layer in namespace["augmentation"].layers}
    assert np.abs(layers["RandomRotation"]["factor"]) == pytest.approx([27 / 360] * 2)
    shift = layers["RandomTranslation"]
    assert (abs(shift["width_factor"]), abs(shift["height_factor"])) == (0.06, 0.03)
    # It makes a picture 1 / (1 + factor) times as large.
    enlarged = 1 / (1 + np.array(layers["RandomZoom"]["height_factor"]))
    assert sorted(enlarged) == pytest.approx([0.8, 1.2])
    assert np.abs(layers["RandomBrightness"]["factor"]) == pytest.approx([0.15] * 2)
    assert {"RandomRotation", "RandomTranslation", "RandomZoom", "RandomBrightness"} == set(layers)
    assert isinstance(namespace["augmentation"], keras.Sequential)


def test_of_a_large_batch_the_first_are_shown_and_counted(home: Trained) -> None:
    page = change(open_page("design.py", **{"from": home.plain}), "training.batch_size", 48)
    go_to(page, "augment.py", view="batch", draft=address(page, "draft"))
    assert page.get("image")
    steps = math.ceil(NUM_TRAIN / 48)
    assert f"Epoch 1 of 6, step 1 of {steps}: the first {len(page.get('image'))} of 48 pictures" in words(
        page
    )
    page.number_input(key=f"batch-step-{steps}").set_value(steps).run()
    left = NUM_TRAIN - 48 * (steps - 1)
    assert f"step {steps} of {steps}: {left} pictures" in words(page) and len(page.get("image")) == left
