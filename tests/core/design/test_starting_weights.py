"""Which layers take another network's weights: by hand, and the shapes of weights as Keras makes them."""

import pytest

from core.config import BlockConfig, DenseConfig, ModelConfig
from core.design.architecture import describe_network
from core.design.muon import check_optimizer, parts_in_words, trained_by_muon
from core.design.presets import PRESETS
from core.design.starting_weights import plan_start, start_in_words, summaries_of, weight_shapes
from core.errors import ConfigError
from core.training.layers import summarise_layers
from core.training.models import build_model

SOURCE = ModelConfig(blocks=(BlockConfig(8), BlockConfig(12)), dense=(DenseConfig(20),))


def planned(model: ModelConfig, shape=(32, 32, 3), classes: int = 3) -> dict[str, str]:
    """The reason of each layer, empty where it is taken."""
    source = summaries_of(describe_network(SOURCE))
    return {
        each.name: each.reason
        for each in plan_start(summaries_of(describe_network(model, shape, classes)), source)
    }


def test_all_but_the_output_layer_are_taken_by_the_same_network() -> None:
    found = planned(SOURCE)
    assert found == {
        "conv_1": "", "batch_norm_1": "", "conv_2": "", "batch_norm_2": "", "fc1": "",
        "softmax": "3 classes instead of 10",
    }  # fmt: skip
    assert planned(SOURCE, classes=10)["softmax"] == "always new"


@pytest.mark.parametrize(
    ("model", "shape", "new"),
    [
        # Smaller pictures: the convolutions fit, what flatten gives does not: 6·6·12 and 2·2·12.
        (SOURCE, (16, 16, 3), {"fc1": "reads 48 values instead of 432"}),
        (SOURCE, (32, 32, 1), {"conv_1": "reads 1 channel instead of 3", "batch_norm_1": "conv_1 before it is new"}),
        (
            ModelConfig((BlockConfig(8, (5,)), BlockConfig(12)), "global_average", (DenseConfig(20),)),
            (32, 32, 3),
            {
                "conv_1": "5×5 instead of 3×3", "batch_norm_1": "conv_1 before it is new",
                "fc1": "reads 12 values instead of 432",
            },
        ),
        (
            ModelConfig(blocks=(BlockConfig(8), BlockConfig(16, separable=True)), dense=(DenseConfig(9),)),
            (32, 32, 3),
            {
                "conv_2": "another kind of layer there", "batch_norm_2": "16 channels instead of 12",
                "fc1": "9 units instead of 20",
            },
        ),
        (
            ModelConfig(blocks=(BlockConfig(8), BlockConfig(12, repeats=2)), dense=(DenseConfig(20),)),
            (32, 32, 3),
            {
                **{f"{kind}_2_{i}": "no layer of this name there" for i in (1, 2) for kind in ("conv", "batch_norm")},
                "fc1": "reads 300 values instead of 432",
            },
        ),
    ],
)  # fmt: skip
def test_a_layer_is_new_where_its_name_kind_or_shapes_differ(model, shape, new) -> None:
    found = planned(model, shape)
    assert {name: reason for name, reason in found.items() if reason} == {
        **new, "softmax": "3 classes instead of 10",
    }  # fmt: skip


def test_batch_normalisation_after_several_kernels_is_new_where_one_of_them_is() -> None:
    source = ModelConfig(blocks=(BlockConfig(4, (1, 3), padding="same"),))
    model = ModelConfig(blocks=(BlockConfig(4, (1, 5), padding="same"),))
    plan = plan_start(*(summaries_of(describe_network(each)) for each in (model, source)))
    assert start_in_words(plan) == (
        "Taken: conv_1_k1. New: conv_1_k5 (no layer of this name there), batch_norm_1 (conv_1_k5 before it is new), "
        "softmax (always new)."
    )


@pytest.mark.parametrize("name", ["tiny", "inception", "resnet", "article", "speedrun"])
def test_shapes_of_weights_are_those_of_keras(name: str) -> None:
    config = PRESETS[name].config
    model = build_model(config, (32, 32, 3), 10)
    described = summaries_of(describe_network(config.model))
    for layers in (described, summarise_layers(model)):
        by_name = {layer.name: layer for layer in layers}
        for layer in layers:
            own = tuple(tuple(weight.shape) for weight in model.get_layer(layer.name).weights)
            assert weight_shapes(layer, by_name) == own, layer.name
    assert plan_start(described, described) == plan_start(summarise_layers(model), summarise_layers(model))


def test_a_frozen_block_trains_nothing() -> None:
    model = ModelConfig(blocks=(BlockConfig(8), BlockConfig(12)), start_from="abcdefghij", frozen_blocks=1)
    whole, frozen = describe_network(SOURCE), describe_network(model)
    assert [layer.name for layer in frozen.layers if layer.frozen] == ["conv_1", "batch_norm_1", "pool_1"]
    # conv_1: 3·3·3·8 + 8 weights; batch_norm_1: 2·8 that train.
    free = describe_network(ModelConfig(blocks=(BlockConfig(8), BlockConfig(12))))
    assert free.trainable_parameters - frozen.trainable_parameters == 224 + 16
    assert free.parameters == frozen.parameters and not any(layer.frozen for layer in whole.layers)


def test_muon_trains_nothing_that_is_frozen() -> None:
    blocks = (BlockConfig(8), BlockConfig(12))
    muon = PRESETS["tiny"].config.with_values({"optimizer.name": "muon"}).optimizer
    one = describe_network(ModelConfig(blocks=blocks, start_from="abcdefghij", frozen_blocks=1))
    assert [layer.name for layer in trained_by_muon(muon, one)] == ["conv_2"]
    assert parts_in_words(muon, one).startswith(
        "Muon trains the kernels of 1 convolution; AdamW trains the rest: the "
    )
    assert "first convolution" not in parts_in_words(muon, one)
    with pytest.raises(ConfigError, match="what is not frozen has no hidden layer"):
        check_optimizer(
            muon, describe_network(ModelConfig(blocks=blocks, start_from="abcdefghij", frozen_blocks=2))
        )
