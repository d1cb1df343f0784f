"""Pictures of a design: what they show, held against sums by hand, and that they change with it."""

import json
import re
from xml.etree import ElementTree

from streamlit.testing.v1 import AppTest

from core.design.drafts import load_draft
from tests.pages.visits import address, change, draft, field, go_to, open_page, unfold, words


def drawings(page: AppTest) -> list[ElementTree.Element]:
    """The SVG pictures of a page, in their order. Each has to be well-formed and to say what it shows."""
    found = [each.proto for each in page.get("bidi_component")]
    found = [each for each in found if each.component_name == "convdeck_design.drawing"]
    parsed = [ElementTree.fromstring(json.loads(each.mixed.json or each.json)["svg"]) for each in found]
    assert all(each.get("role") == "img" and each.get("aria-label") for each in parsed)
    return parsed


def schedule_of(page: AppTest) -> ElementTree.Element | None:
    return next((each for each in drawings(page) if each.get("aria-label").startswith("Learning rate")), None)


def line_of(svg: ElementTree.Element) -> list[tuple[float, float]]:
    (path,) = (each for each in svg.iter() if each.get("class") == "line")
    numbers = [float(number) for number in re.findall(r"[\d.]+", path.get("d"))]
    return list(zip(numbers[::2], numbers[1::2], strict=True))


def test_the_schedule_is_drawn_and_said_and_follows_each_change(workspace) -> None:
    page = unfold(open_page("design.py", preset="tiny"), "Optimizer and regularisation")
    assert schedule_of(page) is None  # a rate that stays
    change(page, "optimizer.schedule", "step")
    change(page, "optimizer.step_epochs", 5)
    change(page, "training.epochs", 10)
    rate = draft(page).optimizer.learning_rate
    assert f"Learning rate: {rate:g}, times 0.5 every 5 epochs; {rate / 2:g} at the end." in words(page)
    svg = schedule_of(page)
    line = line_of(svg)
    left, right = line[0][0], line[-1][0]
    grid = [each.get("d") for each in svg.iter() if each.get("class") == "grid"]
    top, floor = line[0][1], max(float(re.match(r"M64 ([\d.]+)H", each)[1]) for each in grid)
    # Half of the way along it falls to half of its height.
    middle = [y for x, y in line if abs(x - (left + right) / 2) < 0.2]
    assert min(middle) == top and abs(max(middle) - (top + floor) / 2) < 0.2
    assert "10 epochs" in [each.text for each in svg.iter() if each.text]
    change(page, "optimizer.schedule", "plateau")
    assert schedule_of(page) is None
    assert "whenever the validation loss has not fallen for 5 epochs" in words(page)


def test_parallel_kernels_are_counted_and_what_experts_want_comes_after_the_blocks(workspace) -> None:
    page = open_page("design.py", preset="inception")
    assert "**Block 1**, 3 branches → 16×16×48" in words(page)
    assert "**Block 3**, 2 branches →" in words(page)
    labels = [each.label for each in page.main if getattr(each, "label", None)]
    assert labels.index("Add block") < labels.index(field(page, "model.whitening").label)


def test_what_was_typed_for_the_run_is_kept_on_reload_and_with_another_preset(workspace) -> None:
    def typed(page) -> tuple[str, str]:
        return page.text_input(key="run-name").value, page.text_area(key="run-expectation").value

    mine = ("Mine", "It overfits by epoch 5.")
    page = open_page("design.py", preset="tiny")
    page.text_input(key="run-name").set_value(mine[0]).run()
    page.text_area(key="run-expectation").set_value(mine[1]).run()
    kept = address(page, "draft")
    found = load_draft(workspace, kept)
    assert (found.name, found.expectation) == mine
    again = open_page("design.py", draft=kept)
    assert typed(again) == mine
    go_to(again, "design.py", preset="vgg")
    assert typed(again) == mine
    change(again, "training.epochs", 3)
    found = load_draft(workspace, address(again, "draft"))
    assert (found.name, found.expectation) == mine


def test_the_picture_of_the_network_follows_each_change(workspace) -> None:
    page = open_page("design.py", preset="tiny")
    (svg,) = drawings(page)
    (image,) = svg.iter("image")  # a picture of Shapes, which need not be stored
    assert image.get("href").startswith("data:image/png;base64,")
    assert "32×32×16" in [each.text for each in svg.iter("text")]
    change(page, "model.blocks[0].filters", 20)
    (svg,) = drawings(page)
    assert "32×32×20" in [each.text for each in svg.iter("text")]
    change(page, "dataset.id", "cifar10")  # which is not here: no picture, and the shapes all the same
    (svg,) = drawings(page)
    assert not list(svg.iter("image"))
    assert "32×32×20" in [each.text for each in svg.iter("text")]
