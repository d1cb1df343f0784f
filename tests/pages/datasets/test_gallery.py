"""A look inside a data set, and its card."""

import json

import numpy as np
import pytest

from core.datasets.prepare import ensure_dataset
from core.datasets.saving import save_dataset
from tests.pages.visits import go_to, open_page, words


def save(workspace, name: str, y_train, y_test, class_names, **settings) -> None:
    generator = np.random.default_rng(0)

    def x(labels):
        return generator.integers(0, 256, (len(labels), 8, 8, 3), np.uint8)

    arrays = {
        "x_train": x(y_train),
        "y_train": np.array(y_train),
        "x_test": x(y_test),
        "y_test": np.array(y_test),
    }
    save_dataset(workspace, name, name, "", class_names, arrays, **settings)


def grid(page) -> dict:
    found = [each.proto for each in page.get("bidi_component")]
    proto = next(each for each in found if each.component_name == "convdeck_pictures.pictures")
    return json.loads(proto.mixed.json if proto.HasField("mixed") else proto.json)


def test_a_thousand_classes_can_be_looked_through(workspace) -> None:
    names = [f"class {index:03}" for index in range(1000)]
    save(workspace, "many", [*range(1000)] * 2, [*range(1000)] * 2, names, num_validation=1000)
    page = open_page("datasets.py", **{"look-inside": "many"})
    assert len(page.dataframe[0].value) == 1000
    assert [group["name"] for group in grid(page)["groups"]] == [
        f"class {index:03}: 2" for index in range(10)
    ]
    page.get("pagination")[0].set_value(100).run()
    assert grid(page)["groups"][-1]["name"] == "class 999: 2"
    page.selectbox(key="class-many").set_value(500).run()
    assert not page.exception
    assert [group["name"] for group in grid(page)["groups"]] == ["class 500: 2"]
    assert not page.get("pagination")


def test_a_class_without_validation_pictures_is_on_its_card(workspace) -> None:
    save(workspace, "gap", [0, 1] * 50, [0] * 20 + [0, 1] * 50, ("a", "b"), num_validation=20)
    save(workspace, "fine", [0, 1] * 50, [0, 1] * 80, ("a", "b"), num_validation=80)
    page = open_page("datasets.py", **{"look-inside": "gap"})
    sentence = "b has no validation pictures, so the accuracy on them says nothing about it."
    few = (
        "There are only 20 pictures in the validation part: an accuracy measured on so few is known to about "
    )
    assert [each.value.replace("\\", "") for each in page.warning] == [
        f"- {sentence}\n- {few}± 22 points. With 100, it is ± 10."  # 1.96 · √(0.25 / 20) and / 100
    ]
    assert words(page).count(sentence) == 2  # in its card and inside
    page.button(key="inside-fine").click().run()
    assert page.selectbox(key="look-inside").value == "fine"
    assert not page.warning
    group = next(each for each in page.get("button_group") if each.key == "part-fine")
    group.set_value("validation").run()
    assert [group["name"] for group in grid(page)["groups"]] == ["a: 12 of 40", "b: 12 of 40"]


def test_a_part_without_a_class_says_so(workspace) -> None:
    save(workspace, "gap", [0, 1] * 50, [0] * 20 + [0, 1] * 20, ("a", "b"), num_validation=20)
    page = open_page("datasets.py", **{"look-inside": "gap"})
    next(each for each in page.get("button_group") if each.key == "part-gap").set_value("validation").run()
    page.selectbox(key="class-gap").set_value(1).run()
    assert "There are no validation pictures of it." in words(page)


@pytest.mark.parametrize("link", ["nothing-here", "../../x", "shapes"])
def test_a_link_to_design_takes_the_data_set_or_says_why_not(workspace, link: str) -> None:
    ensure_dataset(workspace, "shapes")
    page = go_to(open_page("home.py"), "design.py", dataset=link)
    assert ("There is no data set" in words(page)) == (link != "shapes")
    assert "dataset" not in page.query_params
