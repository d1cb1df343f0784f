"""From a file that is uploaded to a data set that is looked into: what a person decides on the way."""

import json
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from core.config.experiment import ExperimentConfig
from core.datasets.prepare import ensure_dataset
from core.datasets.storage import load_dataset
from core.importing.report import load_report
from core.importing.uploads import Upload, begin_upload, open_portion
from tests.core.importing.made import make_zip, pictures, png
from tests.pages.visits import draft, go_to, open_page, press, words


@pytest.fixture(autouse=True)
def shapes(workspace) -> None:
    ensure_dataset(workspace, "shapes")


def flowers(path: Path, *, damaged: int = 0) -> Path:
    """Two classes of ten, and some files that are no pictures."""
    broken = {f"roses/x{index}.png": b"" for index in range(damaged)}
    return make_zip(path, {**pictures("roses", "tulips", count=10), **broken})


def upload(workspace, path: Path, name: str | None = None) -> Upload:
    """What the browser does with a file."""
    data = path.read_bytes()
    begun = begin_upload(workspace, name or path.name, len(data))
    with open_portion(workspace, begun.id, 0) as portion:
        portion.write(data)
    return begun


def choose(page: AppTest, chosen: Upload) -> AppTest:
    """What the component tells the page; AppTest runs none."""
    page.session_state["held_upload"] = chosen.id
    page.run()
    assert not page.exception
    return page


def name_field(page: AppTest):
    return next(field for field in page.text_input if field.label == "Name")


def test_a_file_becomes_a_data_set_that_is_looked_into(workspace, tmp_path) -> None:
    page = choose(open_page("datasets.py"), upload(workspace, flowers(tmp_path / "flowers (1).zip")))
    assert name_field(page).value == "flowers-1"
    press(page, "Import")
    assert load_dataset(workspace, "flowers-1").class_names == ("roses", "tulips")
    assert page.selectbox(key="look-inside").value == "flowers-1"
    assert "20 pictures of 32×32 pixels, 2 classes; those that were not square were cropped" in words(page)
    assert not list(workspace.uploads.glob("*/*"))  # no longer needed
    assert page.get("bidi_component")[0].proto.component_name == "convdeck.upload"


def test_crop_and_size_are_those_that_were_chosen(workspace, tmp_path) -> None:
    page = choose(open_page("datasets.py"), upload(workspace, flowers(tmp_path / "a.zip")))
    next(group for group in page.get("button_group") if group.key == "import-crop").set_value("pad")
    page.number_input(key="import-size").set_value(16)
    press(page, "Import")
    made = load_dataset(workspace, "a")
    assert (made.crop, made.image_shape) == ("pad", (16, 16, 3))


def test_damaged_pictures_are_all_named_and_can_be_left_out(workspace, tmp_path) -> None:
    page = choose(open_page("datasets.py"), upload(workspace, flowers(tmp_path / "a.zip", damaged=5)))
    name_field(page).set_value("mine")
    page.number_input(key="import-size").set_value(16)
    press(page, "Import")
    assert "5 of 25 pictures cannot be read, so nothing was imported yet." in words(page)
    table = page.table[0].value
    assert [file.replace("\\", "") for file in table["File"]] == [f"roses/x{index}.png" for index in range(5)]
    assert set(table["Reason"]) == {"is empty"}
    assert not (workspace.datasets / "mine").exists()
    # What was typed is still there, also after another page.
    go_to(page, "home.py")
    go_to(page, "datasets.py")
    assert (name_field(page).value, page.number_input(key="import-size").value) == ("mine", 16)
    assert "Replace them in the file and upload it again" in words(page)
    press(page, "Import the other 20, leave out these 5")
    assert load_dataset(workspace, "mine").image_shape == (16, 16, 3)
    assert len(load_report(workspace, "mine").left_out) == 5
    assert any(each.label == "Left out: 5 files" for each in page.expander)


def test_a_refused_name_keeps_the_file_and_what_was_typed(workspace, tmp_path) -> None:
    page = choose(open_page("datasets.py"), upload(workspace, flowers(tmp_path / "a.zip")))
    for name, why in (
        ("My Flowers", "1 to 40 lowercase letters"),
        ("shapes", "There is a data set shapes already"),
    ):
        name_field(page).set_value(name)
        press(page, "Import")
        assert why in words(page)
        assert name_field(page).value == name
    name_field(page).set_value("flowers")
    press(page, "Import")
    assert load_dataset(workspace, "flowers")


def test_a_file_is_called_by_its_own_name(workspace, tmp_path) -> None:
    x, y = np.zeros((10, 8, 8, 3), np.uint8), np.arange(10) % 2
    np.savez(tmp_path / "a.npz", x_train=x, y_train=y, x_test=x, y_test=y)
    (tmp_path / "b.npz").write_bytes(b"nothing")
    page = choose(open_page("datasets.py"), upload(workspace, tmp_path / "b.npz", "My *roses*.NPZ"))
    press(page, "Import")
    assert "My *roses*.NPZ cannot be read as .npz" in words(page)
    press(page, "Choose another file")
    assert not list(workspace.uploads.glob("*/*"))
    choose(page, upload(workspace, tmp_path / "a.npz", "My *roses*.NPZ"))
    assert name_field(page).value == "my-roses"
    press(page, "Import")
    assert "Imported from My *roses*.NPZ." in words(page)


def test_a_file_that_is_gone_is_a_sentence(workspace, tmp_path) -> None:
    page = open_page("datasets.py")
    page.session_state["held_upload"] = "../../x"
    page.run()
    assert "The uploaded file is no longer there" in words(page)


def test_train_on_it_takes_all_where_a_design_asked_for_more(workspace, tmp_path) -> None:
    page = open_page("design.py", preset="overfit")
    assert draft(page).dataset.num_train == 2000
    choose(go_to(page, "datasets.py"), upload(workspace, flowers(tmp_path / "flowers.zip")))
    press(page, "Import")
    page.button(key="train-flowers").click().run()
    assert not page.exception
    taken: ExperimentConfig = draft(page)
    assert (taken.dataset.id, taken.dataset.num_train) == ("flowers", None)
    assert taken.model == draft(open_page("design.py", preset="overfit")).model
    assert "must be at most" not in words(page)


def test_pictures_in_two_parts_are_a_warning_on_the_card(workspace, tmp_path) -> None:
    same = {f"{part}/{name}/same.png": png(color) for part in ("train", "test") for name, color in
            (("a", "red"), ("b", "blue"))}  # fmt: skip
    entries = {**pictures("train/a", "train/b", "test/a", "test/b"), **same}
    page = choose(open_page("datasets.py"), upload(workspace, make_zip(tmp_path / "twice.zip", entries)))
    press(page, "Import")
    warnings = [each.value.replace("\\", "") for each in page.warning]
    assert len(warnings) == 1 and "are training pictures too (the same pixels)" in warnings[0]
    assert sum(
        "are training pictures too" in text.replace("\\", "")
        for text in (each.value for each in page.markdown)
    )
    assert sum("Warning" in each.value for each in page.markdown) == 1  # the badge


def test_pictures_of_the_boxes_are_changed_and_not_replaced_in_a_file(workspace, tmp_path) -> None:
    page = choose(
        open_page("datasets.py"), upload(workspace, flowers(tmp_path / "my-pictures.zip", damaged=2))
    )
    page.session_state["held_is_collected"] = True
    press(page, "Import")
    assert "Press “Change the pictures” to remove or replace them, or leave them out." in words(page)
    assert "in the file" not in words(page)
    press(page, "Change the pictures")
    box = next(each.proto for each in page.get("bidi_component"))
    told = json.loads(box.mixed.json if box.HasField("mixed") else box.json)
    assert told["refused"]["files"] == ["roses/x0.png", "roses/x1.png"]
    assert told["imported"] is None
    assert page.expander[0].proto.expanded


def test_what_waits_is_unfolded_and_own_data_sets_come_first(workspace, tmp_path) -> None:
    page = open_page("datasets.py")
    assert page.expander[0].proto.expanded  # there is none yet
    for name in ("first", "second"):
        choose(page, upload(workspace, flowers(tmp_path / f"{name}.zip")))
        press(page, "Import")
    page = open_page("datasets.py")
    assert not page.expander[0].proto.expanded
    titles = [each.value.strip("*") for each in page.markdown if each.value.startswith("**")]
    assert titles[:4] == ["second", "first", "Shapes", r"CIFAR\-10"]
    assert page.selectbox(key="look-inside").value == "second"


def test_long_reasons_are_whole(workspace, tmp_path) -> None:
    heic = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"
    path = make_zip(tmp_path / "a.zip", {**pictures("roses", "tulips", count=10), "roses/x.heic": heic})
    page = choose(open_page("datasets.py"), upload(workspace, path))
    press(page, "Import")
    reason = page.table[0].value["Reason"][0].replace("\\", "")
    assert reason == "is a HEIC photo, which is not read. Save it as JPEG"


def test_a_reload_keeps_the_file_that_waits(workspace, tmp_path) -> None:
    page = choose(open_page("datasets.py"), upload(workspace, flowers(tmp_path / "flowers.zip")))
    again = open_page("datasets.py", upload=page.query_params["upload"])
    assert again.expander[0].proto.expanded and name_field(again).value == "flowers"
    press(again, "Import")
    assert load_dataset(workspace, "flowers").class_names == ("roses", "tulips")
    assert "upload" not in again.query_params
    gone = open_page("datasets.py", upload="../../x")
    assert "no longer there" in words(gone) and "upload" not in gone.query_params
