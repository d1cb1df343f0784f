"""The picture of a network: stages and sizes by hand, and boxes whose sides are in proportion."""

from xml.etree import ElementTree

import pytest

from core.config import BlockConfig, ModelConfig
from core.design.architecture import NotBuildable, describe_network
from core.design.network_drawing import FACE, frames_of, network_svg
from core.design.presets import PRESETS
from core.design.stages import Stage, network_in_words, stages_of

SHAPE = (32, 32, 3)


def stages_for(name: str) -> list[Stage]:
    return stages_of(describe_network(PRESETS[name].config.model, SHAPE).layers)


def drawn(stages: list[Stage], **more: str) -> ElementTree.Element:
    return ElementTree.fromstring(network_svg(SHAPE, stages, **more).svg)


def faces(svg: ElementTree.Element) -> list[tuple[float, float]]:
    """(width, height) of each box's nearest face."""
    found = [each for each in svg.iter("rect") if each.get("class").split()[0] == "face"]
    return [(float(each.get("width")), float(each.get("height"))) for each in found]


def test_the_stages_of_the_articles_network() -> None:
    stages = stages_for("article")
    assert [(stage.what, stage.shape) for stage in stages] == [
        ("3×3", (30, 30, 64)), ("max 2×2", (15, 15, 64)), ("3×3", (13, 13, 32)), ("max 2×2", (6, 6, 32)),
        ("fc1", (512,)), ("fc2", (256,)), ("softmax", (10,)),
    ]  # fmt: skip
    # A 3×3 kernel, a window of 2, and both again at twice the step.
    assert [stage.receptive_field for stage in stages] == [3, 4, 8, 10, None, None, None]
    assert frames_of(stages) == [4, 10]
    assert network_in_words(SHAPE, stages) == (
        "The network to scale: picture, 32×32×3; block 1, 1 convolution 3×3, 30×30×64; pooling, max 2×2, 15×15×64; "
        "block 2, 1 convolution 3×3, 13×13×32; pooling, max 2×2, 6×6×32; fc1, 512 numbers; fc2, 256 numbers; "
        "softmax, 10 classes."
    )


def test_boxes_and_bars_are_to_scale() -> None:
    found = faces(drawn(stages_for("article")))
    assert [high for _, high in found[:4]] == pytest.approx(
        [FACE * side / 32 for side in (30, 15, 13, 6)], abs=0.06
    )
    assert [wide / found[0][0] for wide, _ in found[:4]] == pytest.approx([1, 1, 0.5, 0.5], rel=0.01)
    assert [high / found[4][1] for _, high in found[4:]] == pytest.approx([1, 0.5, 10 / 512], abs=0.01)


def test_branches_repeats_and_inputs_that_are_added_are_drawn() -> None:
    stages = stages_for("inception")
    assert [stage.branches for stage in stages if stage.branches] == [(16, 16, 16), (24, 24, 24), (32, 32)]
    assert stages[0].what == "1×1 | 3×3 | 5×5" and "in 3 branches" in stages[0].words
    svg = drawn(stages)
    widths = [wide for wide, _ in faces(svg)]
    assert widths[0] == widths[1] == widths[2]
    assert widths[4] / widths[0] == pytest.approx(24 / 16, rel=0.02)  # behind the three and their pooling
    # One wire to each of 3 + 3 + 2 branches, to 3 poolings, the average, a dense layer and the classes.
    assert len([each for each in svg.iter("path") if each.get("class") == "wire"]) == 14
    stages = stages_for("resnet")
    assert [stage.what for stage in stages] == ["2 × 3×3", "2 × 3×3 / 2", "2 × 3×3 / 2", "average", "softmax"]
    assert [stage.is_residual for stage in stages] == [True, True, True, False, False]
    assert len([each for each in drawn(stages).iter("path") if each.get("class") == "wire added"]) == 3


def test_the_receptive_field_lies_over_the_picture_and_does_not_leave_it() -> None:
    stages = stages_for("vgg")
    svg = drawn(stages, source="data:image/png;base64,AA==")
    (image,) = svg.iter("image")
    assert (image.get("href"), float(image.get("width"))) == ("data:image/png;base64,AA==", FACE)
    frames = [float(each.get("width")) for each in svg.iter("rect") if each.get("class") == "frame"]
    # Two 3×3 kernels and a window of 2, at steps of 1, 2 and 4: 5 and 6, 14 and 16, 32 and 36 pixels.
    assert frames_of(stages) == [6, 16, 36]
    assert frames == pytest.approx([FACE * 6 / 32, FACE * 16 / 32, FACE], abs=0.06)
    assert "a position sees 32 of 32 pixels per side" in svg.get("aria-label")
    assert not [each for each in svg.iter("rect") if each.get("class") == "none"]


def test_what_cannot_be_built_ends_the_picture() -> None:
    with pytest.raises(NotBuildable) as caught:
        describe_network(ModelConfig(blocks=(BlockConfig(pool_size=8), BlockConfig(kernel_sizes=(5,)))))
    stages = stages_of(caught.value.layers)
    assert [stage.shape for stage in stages] == [(30, 30, 32), (3, 3, 32)]
    svg = drawn(stages, failed="conv_2")
    assert "conv_2" in [each.text for each in svg.iter("text")]
    assert svg.get("aria-label").endswith("conv_2 cannot be built.")


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_is_drawn_within_its_picture(name: str) -> None:
    drawing = network_svg(SHAPE, stages_for(name))
    svg = ElementTree.fromstring(drawing.svg)
    width, height = (float(each) for each in svg.get("viewBox").split()[2:])
    assert width == drawing.width
    for each in (*svg.iter("rect"), *svg.iter("text")):
        x, y = float(each.get("x")), float(each.get("y"))
        assert 0 <= x <= x + float(each.get("width", 0)) <= width
        assert 0 <= y <= y + float(each.get("height", 0)) <= height
