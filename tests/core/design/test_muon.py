"""Which layers Muon trains, in words, and what is refused."""

import pytest

from core.config import BlockConfig, DenseConfig, ModelConfig, OptimizerConfig
from core.design.architecture import describe_network
from core.design.muon import check_optimizer, parts_in_words, trained_by_muon
from core.design.presets import PRESETS
from core.errors import ConfigError

MUON, FORMER = (OptimizerConfig(name="muon", muon_convolutions=on) for on in (True, False))
ONE_BLOCK = ModelConfig(blocks=(BlockConfig(),))


def names(optimizer: OptimizerConfig, model: ModelConfig) -> list[str]:
    return [layer.name for layer in trained_by_muon(optimizer, describe_network(model))]


@pytest.mark.parametrize(
    ("preset", "expected", "former"),
    [
        ("tiny", ["conv_2"], []),
        ("article", ["conv_2", "fc1", "fc2"], ["fc1", "fc2"]),
        # The whitening layer is not trained at all, and the first convolution after it is a hidden one.
        ("speedrun", ["conv_1", "conv_2", "conv_3"], []),
    ],
)
def test_hidden_layers_are_muon_s(preset: str, expected: list[str], former: list[str]) -> None:
    model = PRESETS[preset].config.model
    assert names(MUON, model)[: len(expected)] == expected
    assert names(FORMER, model) == former
    assert names(OptimizerConfig(name="adamw"), model) == []


def test_every_branch_that_reads_the_picture_is_a_first_convolution() -> None:
    block = BlockConfig(filters=4, kernel_sizes=(1, 3), padding="same", residual=True)
    assert names(MUON, ModelConfig(blocks=(block, BlockConfig()))) == ["conv_2"]


@pytest.mark.parametrize(
    ("optimizer", "model", "words"),
    [
        (
            MUON,
            PRESETS["article"].config.model,
            "Muon trains the kernels of 1 convolution and 2 hidden dense layers; AdamW trains the rest: the first "
            "convolution, the output layer, biases and batch normalisation.",
        ),
        (
            FORMER,
            PRESETS["article"].config.model,
            "Muon trains the kernels of 2 hidden dense layers; AdamW trains the rest: the 2 convolutions, the output "
            "layer, biases and batch normalisation.",
        ),
        (
            MUON,
            ModelConfig(
                blocks=(BlockConfig(batch_norm=False), BlockConfig(batch_norm=False, separable=True))
            ),
            "Muon trains the kernels of 1 convolution; AdamW trains the rest: the first convolution, the output layer, "
            "biases and depthwise kernels.",
        ),
        (
            FORMER,
            PRESETS["tiny"].config.model,
            "AdamW trains all of this network: it has nothing that is left to Muon.",
        ),
        (OptimizerConfig(name="adamw"), PRESETS["article"].config.model, ""),
    ],
)
def test_what_trains_what_in_a_sentence(optimizer: OptimizerConfig, model: ModelConfig, words: str) -> None:
    assert parts_in_words(optimizer, describe_network(model)) == words


@pytest.mark.parametrize(
    ("optimizer", "model", "field"),
    [
        (FORMER, PRESETS["tiny"].config.model, "optimizer.muon_convolutions"),
        (FORMER, ONE_BLOCK, "optimizer.name"),
        (MUON, ONE_BLOCK, "optimizer.name"),
        (MUON, ModelConfig(blocks=()), "optimizer.name"),
    ],
)
def test_muon_with_nothing_to_train_is_refused(
    optimizer: OptimizerConfig, model: ModelConfig, field: str
) -> None:
    with pytest.raises(ConfigError, match=r"[Cc]hoose AdamW") as caught:
        check_optimizer(optimizer, describe_network(model))
    assert caught.value.field == field


def test_with_something_to_train_it_is_not() -> None:
    tiny = describe_network(PRESETS["tiny"].config.model)
    assert [layer.kind for layer in trained_by_muon(MUON, tiny)] == ["conv"]
    check_optimizer(MUON, tiny)
    dense = describe_network(ModelConfig(blocks=(), dense=(DenseConfig(),)))
    assert [layer.kind for layer in trained_by_muon(FORMER, dense)] == ["dense"]
    check_optimizer(FORMER, dense)
    other = OptimizerConfig(name="adamw")
    assert trained_by_muon(other, tiny) == ()
    check_optimizer(other, describe_network(ModelConfig(blocks=())))
