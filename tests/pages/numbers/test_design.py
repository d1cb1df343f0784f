"""Design's numbers: Keras counts the network, the dry run's sums are added up by hand.

Of the dry run, these are measurements, which nothing can recompute: the seconds of a step, of planning, of the
measuring, of the saving and of the start, the memory that was taken, and the memory that was free. All else is their
arithmetic.
"""

import json
import math
import re
import shlex
from functools import partial

import keras
import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from core.design.presets import PRESETS
from core.preflight import child, measurement
from core.server.services import get_services
from tests.pages.design.test_drawing import drawings
from tests.pages.numbers.conftest import NUM_TRAIN, Trained
from tests.pages.numbers.readings import sql, texts_of
from tests.pages.visits import change, draft, go_to, open_page, press, unfold


def open_design(home: Trained) -> AppTest:
    """The design of the plain run, whose network was saved."""
    return open_page("design.py", **{"from": home.plain})


def tiles(page: AppTest) -> dict[str, str]:
    return {tile.label: tile.value for tile in page.metric}


def flops_of(layer: keras.Layer) -> int:
    """Additions and multiplications for one picture: a multiply-add is two, a bias, an activation and each number that
    a pooling window reads are one, batch normalisation two an element.
    """
    shape = layer.output.shape[1:]
    match layer:
        case keras.layers.Conv2D():
            # Its kernel once at each place, then the bias and the activation.
            return 2 * shape[0] * shape[1] * math.prod(layer.kernel.shape) + 2 * math.prod(shape)
        case keras.layers.BatchNormalization():
            return 2 * math.prod(shape)
        case keras.layers.MaxPooling2D():
            return math.prod(layer.pool_size) * math.prod(shape)
        case keras.layers.GlobalAveragePooling2D():
            return math.prod(layer.input.shape[1:])
        case keras.layers.Rescaling():
            return math.prod(shape)
        case keras.layers.Dense():
            return 2 * math.prod(layer.kernel.shape) + 2 * math.prod(shape)
        case _:
            return 0


def field_of(model: keras.Model, layer: keras.Layer) -> int:
    """The side of the square of input pixels that the middle of a layer's output depends on, tried pixel by pixel."""
    cut = keras.Model(model.input, layer.output)
    middle = layer.output.shape[1] // 2
    generator = np.random.default_rng(0)
    seen = set()
    # Several pictures: through a pooling or an activation one alone does not show everything.
    for _ in range(12):
        picture = generator.integers(0, 256, (1, 32, 32, 3)).astype(np.float32)
        # The last stays as it is: alone in a batch of its own, other kernels would round it in another way.
        changed = np.repeat(picture, 33, axis=0)
        for row in range(32):
            changed[row, row] = generator.integers(0, 256, (32, 3))
        *after, before = np.asarray(cut(changed))[:, middle, middle]
        seen |= set(np.flatnonzero(np.abs(after - before).max(axis=-1) > 1e-6).tolist())
    return max(seen) - min(seen) + 1


def test_every_number_of_the_network(home: Trained) -> None:
    model = home.model(home.plain)
    page = open_design(home)
    parameters, flops = model.count_params(), sum(map(flops_of, model.layers))
    shown = tiles(page)
    assert shown["Parameters"] == f"{parameters / 1000:.1f} k"
    assert shown["FLOPs"] == f"{flops / 1e6:.1f} M"
    help_texts = {tile.label: tile.help for tile in page.metric}
    assert help_texts["Parameters"] == f"{parameters:,} in all."
    table = page.dataframe[0].value.set_index("Layer")
    assert list(table.index) == [layer.name for layer in model.layers]
    for layer in model.layers:
        row = table.loc[layer.name]
        assert row["Output"] == "×".join(map(str, layer.output.shape[1:]))
        assert row["Parameters"] == layer.count_params()
        assert row["kFLOPs"] == round(flops_of(layer) / 1000)
    for number in (1, 2):
        pooled = model.get_layer(f"pool_{number}").output.shape[1:]
        assert f"**Block {number}** → {'×'.join(map(str, pooled))}" in texts_of(page)
    spatial = [layer for layer in model.layers if layer.name.startswith(("conv", "batch_norm", "pool"))]
    fields = [field_of(model, layer) for layer in spatial]
    assert table["Receptive field"].dropna().tolist() == fields
    assert shown["Receptive field"] == f"{fields[-1]} px"
    assert "picture's 32 pixels" in help_texts["Receptive field"]


def test_every_number_of_the_hints(home: Trained) -> None:
    page = change(unfold(open_design(home), "Details"), "model.batch_norm_momentum", 0.99)
    steps = math.ceil(NUM_TRAIN / draft(page).training.batch_size)
    (hint,) = (text for text in texts_of(page) if "batch normalisation's momentum of" in text)
    assert f"With {steps} steps per epoch" in hint and "momentum of 0.99 " in hint
    field = tiles(page)["Receptive field"].removesuffix(" px")
    for number in (0, 1):
        change(page, f"model.blocks[{number}].kernel_sizes", [1])
    smaller = tiles(page)["Receptive field"].removesuffix(" px")
    (hint,) = (text for text in texts_of(page) if "The convolutions see" in text)
    assert f"see {smaller} of 32 pixels" in hint and int(smaller) < int(field)


def test_the_hint_that_it_will_overfit_counts_parameters_and_pictures(workspace) -> None:
    page = change(open_page("design.py", preset="article"), "dataset.num_train", 1000)
    config = draft(page)
    # Built of Keras's layers as the config says, which are the article's.
    layers: list[keras.Layer] = [keras.Input((32, 32, 3))]
    for block in config.model.blocks:
        assert (block.repeats, block.residual, block.separable, len(block.kernel_sizes)) == (
            1,
            False,
            False,
            1,
        )
        layers.append(
            keras.layers.Conv2D(
                block.filters, block.kernel_sizes[0], strides=block.stride, padding=block.padding
            )
        )
        layers += [keras.layers.BatchNormalization()] * block.batch_norm
        layers += [keras.layers.MaxPooling2D(block.pool_size)] * (block.pool == "max")
    layers.append(keras.layers.Flatten())
    layers += [keras.layers.Dense(dense.units) for dense in config.model.dense]
    layers.append(keras.layers.Dense(10))
    parameters = keras.Sequential(layers).count_params()
    hints = [text for text in texts_of(page) if "expect it to overfit" in text]
    assert len(hints) == 1 and f"{parameters:,} parameters for 1,000 pictures" in hints[0]


def test_the_picture_of_the_network_has_the_shapes_of_keras(home: Trained) -> None:
    page = open_design(home)
    (svg,) = drawings(page)
    texts = [each.text for each in svg.iter("text")]
    model = home.model(home.plain)
    for layer in model.layers:
        if layer.name.startswith(("conv", "pool")):
            assert "×".join(map(str, layer.output.shape[1:])) in texts
        elif isinstance(layer, keras.layers.Dense):
            assert str(layer.units) in texts
    kernel = model.get_layer("conv_1").kernel.shape
    assert f"{kernel[0]}×{kernel[1]}" in texts
    fields = [field_of(model, model.get_layer(f"pool_{number}")) for number in (1, 2)]
    assert f"sees {fields[0]}, {fields[1]} px" in texts
    assert f"a position sees {fields[1]} of 32 pixels per side." in svg.get("aria-label")


def test_every_number_of_the_hints_on_settings(home: Trained) -> None:
    page = change(open_page("design.py", **{"from": home.noisy}), "optimizer.learning_rate", 0.05)
    (hint,) = (text for text in texts_of(page) if "A learning rate of" in text)
    assert (
        f"A learning rate of {draft(page).optimizer.learning_rate:g} is high for adam; 0.001 is usual."
        in hint
    )
    (line,) = (text for text in texts_of(page) if text.startswith("**Augmentation**: "))
    (row,) = sql(home.workspace, "SELECT config FROM runs WHERE id = ?", home.noisy)
    rotation = json.loads(row["config"])["augmentation"]["rotation_degrees"]
    assert line == f"**Augmentation**: rotation {rotation:g}°"
    go_to(page, "augment.py")
    change(page, "augmentation.height_shift_fraction", 0.28)
    go_to(page, "design.py")
    (hint,) = (text for text in texts_of(page) if "Shifts of up to" in text)
    side = min(home.array("x_train").shape[1:3])
    assert f"Shifts of up to 28 % move the object out of a picture of {side} pixels" in hint


def test_the_command_has_every_number_of_the_design(home: Trained) -> None:
    page = open_page("design.py", preset="tiny")
    for path, value in (
        ("training.epochs", 17),
        ("optimizer.learning_rate", 0.0037),
        ("model.blocks[1].filters", 40),
    ):
        change(page, path, value)
    unfold(page, "As text: JSON and command line")
    (command,) = (block.value for block in page.code if block.value.startswith("python -m core train"))
    told = dict(part.split("=") for part in shlex.split(command) if "=" in part)
    assert {"training.epochs", "optimizer.learning_rate", "model.blocks[1].filters"} <= set(told)
    now = draft(page).to_dict()
    for path, value in told.items():
        assert json.loads(value) == value_at(now, path), path
    # Every number that differs from the preset's is among them.
    preset = PRESETS["tiny"].config.to_dict()
    for path, value in (*told.items(), ("training.batch_size", None)):
        assert (value is not None) == (value_at(now, path) != value_at(preset, path)), path


def value_at(config: dict, path: str) -> object:
    """`model.blocks[1].filters` of a config as plain values."""
    found: object = config
    for part in re.findall(r"[^.\[\]]+", path):
        found = found[int(part)] if isinstance(found, list) else found[part]
    return found


def in_words(seconds: float) -> str:
    """Two figures below a second and ten, whole seconds below a minute, then the two largest units."""
    if seconds < 0.95:
        return f"{seconds:.2g} s"
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    if round(seconds) < 60:
        return f"{seconds:.0f} s"
    if round(seconds) < 3600:
        first, second, names = *divmod(round(seconds), 60), ("min", "s")
    elif round(seconds / 60) < 24 * 60:
        first, second, names = *divmod(round(seconds / 60), 60), ("h", "min")
    else:
        first, second, names = *divmod(round(seconds / 3600), 24), ("days", "h")
    names = ("day", "h") if names[0] == "days" and first == 1 else names
    return f"{first} {names[0]}" + (f" {second} {names[1]}" if second else "")


@pytest.mark.parametrize("epochs", [6, 5000])
def test_every_number_of_a_dry_run(home: Trained, monkeypatch, wait_for, epochs: int) -> None:
    measured: list[dict] = []

    def ask(*request, **more):
        answer = child.ask(*request, **more)
        measured.append(answer["timed"])
        return answer

    preflights = get_services().preflights
    monkeypatch.setattr(preflights, "_measure", partial(measurement.run_preflight, seconds=0.3, ask=ask))
    page = change(open_design(home), "training.epochs", epochs)
    config = draft(page)
    press(page, "Measure")
    wait_for(lambda: preflights.state(config.config_id).stage is None, timeout=120, message="the dry run")
    page.run()
    assert not page.exception and not page.error
    (raw,) = measured
    steps = math.ceil(NUM_TRAIN / config.training.batch_size)
    assert (raw["steps"], raw["pictures"]) == (steps, NUM_TRAIN)
    training = steps * raw["step"] + raw["planning"]
    epoch = training + raw["evaluation"] + raw["saving"]
    shown = tiles(page)
    assert shown["One epoch"] == in_words(epoch)
    assert shown[f"Start and {epochs:,} epochs"] == in_words(raw["start"] + epochs * epoch)
    memory = raw["memory_mib"]
    assert shown["Memory"] == (f"{memory:,} MiB" if memory < 1024 else f"{memory / 1024:.1f} GiB")
    help_texts = {tile.label: tile.help for tile in page.metric}
    assert help_texts["One epoch"] == (
        f"One epoch: {in_words(training)} for training steps, {in_words(raw['evaluation'])} for measuring on clean "
        f"training and validation pictures, {in_words(raw['saving'])} for saving."
    )
    available = preflights.state(config.config_id).result.to_dict()["memory_available_mib"]
    assert help_texts["Memory"] == f"Peak memory use, of {available:,} MiB that were free."
    (caption,) = (text for text in texts_of(page) if "pictures per second on" in text)
    parameters = home.model(home.plain).count_params()
    speed = re.match(rf"{parameters:,} parameters, ([\d,]+) pictures per second on CPU 0\.", caption)[1]
    assert speed == f"{NUM_TRAIN / training:,.0f}"
