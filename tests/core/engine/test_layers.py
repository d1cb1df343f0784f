"""The real engine about the inside of a network: what Keras says, asked outside of it."""

import numpy as np
import pytest

from core.datasets.storage import load_dataset
from core.design.layer_summary import MAXIMUM, LayerSummary
from core.engine.calculation import Calculation, calculation_of
from core.engine.histograms import MOST_PICTURES, PARTS, epoch_histograms, on_one_scale
from core.engine.layers import feature_maps, filters_of, find_dead_units, list_layers
from core.errors import UserError
from core.store.store import Store
from core.training import inspection
from core.training.saved_models import load_run_model


@pytest.fixture(scope="module")
def model(trained):
    return load_run_model(trained.workspace.run_folder(trained.run_id)).model


@pytest.fixture(scope="module")
def stored(trained):
    return load_dataset(trained.workspace, "shapes")


@pytest.fixture(scope="module")
def dataset(trained):
    with Store(trained.workspace) as store:
        return store.get_run(trained.run_id).config.dataset


def test_layers_maps_and_filters(engine, trained, model, stored) -> None:
    found = list_layers(engine, trained.run_id)
    assert [each.name for each in found.layers] == [each.name for each in model.layers]
    assert found.named("conv_1").in_words == "conv_1: 16 maps of 32×32"
    assert found.named("softmax").in_words == "softmax: 10 units"
    assert found.named("conv_1").followers == ("batch_norm_1",)
    assert found.class_names == stored.class_names
    pixels = np.asarray(stored.x_test[4])
    for name in ("conv_2", "softmax"):
        expected = inspection.feature_maps(model, pixels[None], name)[0]
        maps = feature_maps(engine, trained.run_id, "best", pixels, name)
        np.testing.assert_allclose(maps, expected, atol=1e-5)
    kernel = model.get_layer("conv_2").get_weights()[0]
    np.testing.assert_array_equal(filters_of(engine, trained.run_id, "best", "conv_2"), kernel)


def test_a_number_and_its_products(engine, trained, stored) -> None:
    pixels = np.asarray(stored.x_test[4])
    layers = list_layers(engine, trained.run_id)
    maps = feature_maps(engine, trained.run_id, "best", pixels, "conv_2")
    row, column, channel = (int(each) for each in np.unravel_index(int(maps.argmax()), maps.shape))
    found = calculation_of(
        engine, trained.run_id, "best", pixels, layers.named("conv_2"), (row, column, channel)
    )
    listed = found.largest()
    assert len(listed) == found.num_products
    assert sum(each.value for each in listed) + found.bias == pytest.approx(float(maps.max()), rel=1e-4)
    sizes = [abs(each.value) for each in listed]
    assert sizes == sorted(sizes, reverse=True)
    assert found.of_channels.sum() + found.bias == pytest.approx(float(maps.max()), rel=1e-4)
    pool = feature_maps(engine, trained.run_id, "best", pixels, "pool_1")
    for each in listed[:5]:
        assert each.input == pytest.approx(float(pool[each.row, each.column, each.channel]), abs=1e-6)
    assert found.sentence.startswith(
        f"{found.num_products} products of what pool_1 gives and a weight add up to"
    )
    assert "ReLU leaves it as it is. batch_norm_2 then normalises it." in found.sentence
    answer = feature_maps(engine, trained.run_id, "best", pixels, "softmax")
    found = calculation_of(engine, trained.run_id, "best", pixels, layers.named("softmax"), (3,))
    assert np.exp(found.before - found.others) == pytest.approx(float(answer[3]), rel=1e-4)


def test_the_largest_of_a_pool_is_not_the_one_that_is_farthest_from_0() -> None:
    values = np.array([[-5.0, -1.0], [-3.0, -2.0]], np.float32)[..., None]
    found = Calculation(
        LayerSummary("pool_1", "max_pool", ("tanh_1",), (1, 1, 1), 0), MAXIMUM, (0, 0, 0), -1.0, values,
        np.ones_like(values), np.ones((2, 2), bool), (4, 6, 0), (1, 1), ("tanh_1",), 0.0, -1.0, None, "float32",
        np.zeros(0, np.float32), np.zeros(0, np.float32),
    )  # fmt: skip
    assert "the largest of 4 numbers of tanh_1, the one at row 4, column 7" in found.sentence
    assert [each.value for each in found.largest()] == [-1, -2, -3, -5]


def test_dead_units_of_all_portions(engine, trained, model, stored, dataset) -> None:
    advanced = []
    found = find_dead_units(
        engine, trained.run_id, "best", dataset, lambda done, of: advanced.append((done, of))
    )
    assert advanced[-1] == (500, 500) and [each.name for each in found.of] == ["conv_1", "conv_2"]
    from core.datasets.splits import load_split, nested_order

    split = load_split(trained.workspace, dataset, 0)
    shown = split.x_validation[nested_order(split.y_validation)[:500]]
    expected = inspection.dead_units(model, shown)
    assert {(name, each) for name, dead in found.dead.items() for each in dead} == {
        (each.layer, each.channel) for each in expected
    }


def test_histograms_are_numpy_s(engine, trained, model, dataset) -> None:
    found = epoch_histograms(engine, trained.run_id, "best", dataset)
    assert found.pictures == MOST_PICTURES
    assert {part: len(found.of(part)) for part in PARTS} == {"weights": 3, "activations": 5, "gradients": 3}
    kernel = model.get_layer("conv_2").get_weights()[0]
    own = found.of("weights")["conv_2"]
    assert own.counts.tolist() == np.histogram(kernel, own.edges)[0].tolist()
    assert own.rms == pytest.approx(float(np.sqrt((kernel.astype(float) ** 2).mean())), rel=1e-5)
    gradients = list(found.of("gradients").values())
    edges, counts = on_one_scale(gradients)
    assert counts.sum(axis=1).tolist() == [each.count for each in gradients]
    assert len(edges) == counts.shape[1] + 1
    document = own.to_json()
    assert sum(document["counts"]) == document["count"] == kernel.size
    assert len(document["edges"]) == len(document["counts"]) + 1


def test_what_cannot_be_asked_is_a_sentence(engine, trained, stored) -> None:
    pixels = np.asarray(stored.x_test[4])
    layers = list_layers(engine, trained.run_id)
    with pytest.raises(UserError, match="no layer “conv_7”"):
        feature_maps(engine, trained.run_id, "best", pixels, "conv_7")
    with pytest.raises(UserError, match="needs pictures of 32×32×3"):
        feature_maps(engine, trained.run_id, "best", pixels[::2, ::2], "conv_1")
    with pytest.raises(UserError, match="softmax is no convolution"):
        filters_of(engine, trained.run_id, "best", "softmax")
    with pytest.raises(UserError, match="conv_1 has no number at 99, 0, 0"):
        calculation_of(engine, trained.run_id, "best", pixels, layers.named("conv_1"), (99, 0, 0))
    with pytest.raises(UserError, match="no weights yet"):
        list_layers(engine, "nobody")
