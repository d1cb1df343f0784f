"""What makes a network buildable: titles and sizes reckoned by hand."""

import pytest

from core.config import BlockConfig, DenseConfig, ExperimentConfig, ModelConfig
from core.design.architecture import NotBuildable, describe_network
from core.design.repairs import repairs_for


def problem_of(model: ModelConfig, shape: tuple[int, ...]) -> NotBuildable:
    with pytest.raises(NotBuildable) as caught:
        describe_network(model, shape)
    return caught.value


@pytest.mark.parametrize(
    ("model", "shape", "titles"),
    [
        (  # 32 → 30 → 15 → 13 → 6 → 4 → 2, which a 3×3 kernel does not fit into
            ModelConfig(blocks=(BlockConfig(),) * 4),
            (32, 32, 3),
            ["Padding “same” in block 4", "1×1 kernel in block 4", "No pooling in block 3", "Remove block 4"],
        ),
        (  # 32 → 2, which a 4×4 or 3×3 window does not fit into
            ModelConfig(blocks=(BlockConfig(kernel_sizes=(31,), pool_size=4),)),
            (32, 32, 3),
            ["Padding “same” in block 1", "2×2 pooling in block 1", "No pooling in block 1"],
        ),
        (  # 32 → 4, too small for 5×5; with stride 1 in block 1 it would be 28
            ModelConfig(
                blocks=(
                    BlockConfig(kernel_sizes=(5,), stride=7, pool="none"),
                    BlockConfig(kernel_sizes=(5,), pool="none"),
                )
            ),
            (32, 32, 3),
            ["Padding “same” in block 2", "3×3 kernel in block 2", "Stride 1 in block 1", "Remove block 2"],
        ),
        (  # 8 → 6 → 3 → 1: what comes after block 2 does not fit either, so no single setting helps
            ModelConfig(blocks=(BlockConfig(),) * 5),
            (8, 8, 3),
            ["Padding “same” and no pooling from block 2 on", "Remove blocks 2 to 5"],
        ),
        (ModelConfig(blocks=(), whitening=True), (1, 9, 3), ["No whitening layer"]),
        (  # 3,072·16,384 and 16,384·2,048 are 84 million; with 4,096 it would be 117
            ModelConfig(blocks=(), dense=(DenseConfig(16_384), DenseConfig(16_384))),
            (32, 32, 3),
            ["2,048 units in dense layer 2"],
        ),
        (  # 32·32·2,048 numbers to each unit: 67 million weights with 32 units
            ModelConfig(blocks=(BlockConfig(2048, padding="same", pool="none"),), dense=(DenseConfig(512),)),
            (32, 32, 3),
            ["32 units in dense layer 1", "Global average as the head"],
        ),
    ],
)
def test_each_repair_makes_it_buildable_and_is_the_smallest_of_its_kind(model, shape, titles) -> None:
    problem = problem_of(model, shape)
    config = ExperimentConfig(model=model)
    repairs = repairs_for(config, problem, shape, 10)
    assert [repair.title for repair in repairs] == titles
    for repair in repairs:
        assert describe_network(config.with_values(repair.changes).model, shape).layers[-1].output_shape == (
            10,
        )


def test_too_many_layers_are_repaired_by_fewer_blocks() -> None:
    blocks = (BlockConfig(1), *(BlockConfig(1, (1, 3, 5, 7), "same", pool="none", repeats=20),) * 5)
    problem = problem_of(ModelConfig(blocks=blocks), (32, 32, 3))
    # Each of the five has 20·(4 + 1 + 1) layers; with one repeat in one of them there are 491 in all, without one 485.
    (removed,) = repairs_for(ExperimentConfig(model=ModelConfig(blocks=blocks)), problem, (32, 32, 3), 10)
    assert removed.title == "Remove blocks 2 to 6"
    assert len(removed.changes["model.blocks"]) == 1


def test_the_problem_has_the_layers_up_to_it() -> None:
    problem = problem_of(
        ModelConfig(blocks=(BlockConfig(pool_size=8), BlockConfig(kernel_sizes=(5,)))), (32, 32, 3)
    )
    names = ["input", "rescaling", "conv_1", "batch_norm_1", "pool_1"]
    assert [layer.name for layer in problem.layers] == names
    assert (problem.layer, problem.reason) == ("conv_2", "3×3 is too small for 5×5")
