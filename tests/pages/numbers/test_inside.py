"""Inside the network: maps, products, dead units and histograms from Keras's own layers and weights."""

import base64
import json
import re
from typing import Any

import keras
import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from tests.pages.numbers.conftest import CLASSES, NUM_VALIDATION, Trained
from tests.pages.numbers.test_inspect import figure_of, spoken
from tests.pages.visits import open_page, unfold

pytestmark = pytest.mark.usefixtures("engine")


def inside(home: Trained, part: str = "Feature maps") -> AppTest:
    page = unfold(open_page("inspect_run.py", run=home.plain), "Inside the network")
    if part != "Feature maps":
        control(page, "inspect-inside-part").set_value(part).run()
        assert not page.exception
    return page


def control(page: AppTest, key: str) -> Any:
    return next(each for each in page.get("button_group") if each.key == key)


def numbers(page: AppTest) -> list[dict[str, Any]]:
    found = [each.proto for each in page.get("bidi_component")]
    found = [each for each in found if each.component_name == "convdeck_numbers.numbers"]
    return [json.loads(each.mixed.json if each.HasField("mixed") else each.json) for each in found]


def values(grid: dict[str, Any]) -> np.ndarray:
    found = np.frombuffer(base64.b64decode(grid["values"]), np.float32)
    return found.reshape(grid["rows"], grid["columns"])


def outputs(home: Trained, row: int, layer: str) -> np.ndarray:
    model = home.model(home.plain)
    inner = keras.Model(model.input, model.get_layer(layer).output)
    return np.asarray(inner(home.array("x_test")[row][None]))[0]


def shown_row(page: AppTest) -> int:
    return int(re.search(r"Picture ([\d,]+): \*\*", spoken(page))[1].replace(",", ""))


def test_every_number_of_the_feature_maps_and_of_a_click_on_one(home: Trained) -> None:
    page = inside(home)
    row = shown_row(page)
    layer = next(each for each in page.selectbox if each.label == "Layer")
    layer.set_value("conv_2").run()
    maps = outputs(home, row, "conv_2")
    channel = int(maps.max(axis=(0, 1)).argmax())
    assert f"**Map {channel}**" in spoken(page)
    (grid,) = numbers(page)
    np.testing.assert_allclose(values(grid), maps[..., channel], atol=1e-4)
    assert f"up to {maps.max():.4g}" in spoken(page)
    silent = [each for each in range(maps.shape[-1]) if not maps[..., each].any()]
    assert (f"Grey: {len(silent)} map" in spoken(page)) == bool(silent)

    # AppTest has no click for a component: the place is chosen as its callback would.
    place = tuple(int(each) for each in np.unravel_index(int(maps[..., channel].argmax()), maps.shape[:2]))
    order = next(each.key for each in page.get("button_group") if (each.key or "").endswith("-conv_2-order"))
    page.session_state[order.replace("order", f"place-{channel}")] = place
    page.run()
    assert not page.exception
    value = float(maps[(*place, channel)])
    assert f"conv_2, map {channel}, row {place[0]}, column {place[1]}: {value:.4g}" in spoken(page)
    kernel, bias = (each[..., channel] for each in home.model(home.plain).get_layer("conv_2").get_weights())
    before = np.pad(outputs(home, row, "pool_1"), ((1, 1), (1, 1), (0, 0)))
    patch = before[place[0] : place[0] + 3, place[1] : place[1] + 3]
    products = patch * kernel
    told = re.search(
        r"pool_1 gives and a weight add up to (\S+)\. With the bias (\S+) that is (\S+)\.",
        spoken(page),
    )
    assert [float(each) for each in told.groups()] == pytest.approx(
        [float(each) for each in (products.sum(), bias, products.sum() + bias)], rel=1e-3, abs=1e-4
    )
    read, weights, drawn = (values(each) for each in numbers(page)[1:])
    strongest = int(np.abs(products.sum(axis=(0, 1))).argmax())
    inside_of = ~np.isnan(read)
    for found, expected in ((read, patch), (weights, kernel), (drawn, products)):
        np.testing.assert_allclose(found[inside_of], expected[..., strongest][inside_of], atol=1e-4)
    sums, listed = (each.value for each in page.dataframe[:2])
    np.testing.assert_allclose(np.sort(sums["Sum"]), np.sort(products.sum(axis=(0, 1))), atol=1e-4)
    assert listed["Product"].abs().max() == pytest.approx(float(np.abs(products).max()), rel=1e-3)
    if len(listed) == products[inside_of].size:
        assert listed["Product"].sum() + float(bias) == pytest.approx(value, rel=1e-3)


def test_every_number_of_the_units_of_a_layer(home: Trained) -> None:
    page = inside(home)
    row = shown_row(page)
    next(each for each in page.selectbox if each.label == "Layer").set_value("softmax").run()
    (grid,) = numbers(page)
    np.testing.assert_allclose(values(grid)[0], outputs(home, row, "softmax"), atol=1e-4)
    assert grid["names"] == list(CLASSES)


def test_every_number_of_the_filters(home: Trained) -> None:
    page = inside(home, "Filters")
    kernel = home.model(home.plain).get_layer("conv_1").get_weights()[0]
    for channel, grid in enumerate(numbers(page)):
        np.testing.assert_allclose(values(grid), kernel[:, :, channel, 0], atol=1e-6)
    next(each for each in page.selectbox if each.label == "Convolution").set_value("conv_2").run()
    kernel = home.model(home.plain).get_layer("conv_2").get_weights()[0]
    (grid,) = numbers(page)
    np.testing.assert_allclose(values(grid), kernel[:, :, 0, 0], atol=1e-6)
    assert f"up to {np.abs(kernel[..., 0]).max():.4g} either way" in spoken(page)


def test_every_number_of_the_dead_units(home: Trained) -> None:
    page = inside(home, "Dead units")
    model, pictures = home.model(home.plain), home.validation[0]
    dead = total = 0
    for name in ("conv_1", "conv_2"):
        inner = keras.Model(model.input, model.get_layer(name).output)
        silent = ~(np.asarray(inner(pictures)) > 0).any(axis=(0, 1, 2))
        dead, total = dead + int(silent.sum()), total + len(silent)
        if silent.any():
            places = ", ".join(map(str, np.flatnonzero(silent)))
            assert f"{name}: {silent.sum()} of {len(silent)} channels ({places})" in spoken(page)
    begin = (
        f"{dead:,} of {total:,} units ({100 * dead / total:.1f} %)" if dead else f"None of {total:,} units"
    )
    assert begin in spoken(page) and f"{NUM_VALIDATION} validation pictures" in spoken(page)


def test_every_number_of_the_histograms(home: Trained) -> None:
    page = inside(home, "Histograms")
    control(page, "inspect-histograms-part").set_value("weights").run()
    figures = [figure_of(page, place) for place in range(len(page.get("plotly_chart")))]
    size = next(each for each in figures if "Size of the weights" in each["layout"]["title"]["text"])
    spread = next(each for each in figures if "share of each value" in each["layout"]["title"]["text"])
    kernel = home.model(home.plain, "last").get_layer("conv_1").get_weights()[0].astype(np.float64)
    rms = float(np.sqrt((kernel**2).mean()))
    assert size["data"][0]["name"] == "conv_1" and size["data"][0]["x"] == list(range(1, 7))
    assert size["data"][0]["y"][-1] == pytest.approx(rms, rel=1e-4)
    (trace,) = spread["data"]  # a map: six epochs
    assert trace["x"] == [str(epoch) for epoch in range(1, 7)]
    shares = np.array([0 if row[-1] is None else 10.0 ** row[-1] for row in trace["z"]])
    assert shares.sum() == pytest.approx(1)
    middles = np.array(trace["y"], float)
    half = (middles[1] - middles[0]) / 2
    edges = np.append(middles - half, middles[-1] + half)
    np.testing.assert_allclose(shares, np.histogram(kernel, edges)[0] / kernel.size, atol=1e-9)
