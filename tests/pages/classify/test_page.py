"""What Classify does with several runs, variants, parts of pictures, drawings and zips; the engine stands in."""

import base64
import io
import json
import re
import zipfile
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.uploaded_file_manager import DeletedFile
from streamlit.testing.v1 import AppTest

from core.importing.uploads import begin_upload, open_portion
from core.store.store import Store
from core.workspace import Workspace
from pages.components.classify import sources
from pages.components.kit import drawing_pad, own_files
from pages.components.kit.cropping import box_of
from pages.components.kit.drawing_pad import MOST_CHARACTERS, PNG_IN_TEXT
from pages.components.kit.own_files import OwnFile
from tests.pages.stand_in import finished_run
from tests.pages.visits import go_to, open_page, press, unfold, words

PIXEL = base64.b64encode(b"good drawing").decode()


def components(page: AppTest, name: str) -> list[Any]:
    """What the scripts of this name are told."""
    found = [
        each.proto for each in page.get("bidi_component") if each.proto.component_name.endswith(f".{name}")
    ]
    return [json.loads(each.mixed.json if each.HasField("mixed") else each.json) for each in found]


def packed(**files: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in files.items():
            archive.writestr(f"{name}.png", data)
    return buffer.getvalue()


def upload(page: AppTest, *files: tuple[str, bytes]) -> AppTest:
    page.file_uploader[0].set_value([(name, data, "image/png") for name, data in files]).run()
    assert not page.exception
    return page


def vary(page: AppTest) -> AppTest:
    page.toggle(key="classify-vary").set_value(True).run()
    assert not page.exception
    return page


def address(page: AppTest, name: str) -> list[str]:
    found = page.query_params.get(name, [])
    return [found] if isinstance(found, str) else list(found)


def test_up_to_four_runs_answer_in_one_request_and_the_address_keeps_them(engine, run, workspace) -> None:
    others = [finished_run(workspace, f"other {number}") for number in range(4)]
    engine.says = {others[1].id: "square"}
    page = upload(open_page("classify.py", run=run.id), ("a.png", b"good"), ("b.png", b"bad"))
    assert "disagree" not in words(page)
    page.multiselect(key="classify-with").set_value([others[0].id, others[1].id]).run()
    assert not page.exception
    assert address(page, "with") == [f"{others[0].id},{others[1].id}"]
    assert engine.requests[-1] == [run.id, others[0].id, others[1].id]
    assert [name for name in ("A \\*finished\\* run", "other 0", "other 1") if f"**{name}**" in words(page)]
    assert words(page).count("The runs disagree") == 1
    table = unfold(page, "All answers as a table").dataframe[0].value.astype(object).fillna("")
    assert table["run_2_answer"].tolist() == ["circle", ""]
    assert table["run_3_answer"].tolist() == ["square", ""]
    assert table["agree"].tolist() == ["no", ""]
    page.multiselect(key="classify-with").set_value([]).run()
    assert address(page, "with") == []


def test_a_link_brings_the_runs_back_and_leaves_out_strangers(engine, run, workspace) -> None:
    others = [finished_run(workspace, f"other {number}") for number in range(4)]
    asked = ",".join(["nothing", run.id, *(each.id for each in others)])
    page = open_page("classify.py", run=run.id, **{"with": asked})
    assert page.multiselect(key="classify-with").value == [each.id for each in others[:3]]
    assert address(page, "with") == [",".join(each.id for each in others[:3])]
    # The run itself, once another one is the page's own.
    page.selectbox[0].set_value(others[0].id).run()
    assert page.multiselect(key="classify-with").value == [each.id for each in others[1:3]]


def test_variants_are_asked_for_only_when_they_are_wanted(engine, run) -> None:
    page = upload(open_page("classify.py", run=run.id), ("a.png", b"good"))
    assert components(page, "spread") == [] and "variants" not in words(page)
    page = vary(page)
    (bars,) = components(page, "spread")
    assert bars["classes"][0] == {
        "words": "circle 90.0\xa0%\xa0±\xa05.0",
        "mean": 0.9,
        "least": 0.8,
        "most": 0.9,
    }
    assert "15 of 16 variants keep the answer, circle." in words(page)
    assert "mildly, as the run was trained without augmentation (rotation up to 10°" in words(page)


def test_the_part_that_was_chosen_is_what_is_asked_about(engine, run) -> None:
    page = press(upload(open_page("classify.py", run=run.id), ("a.png", b"good")), "Crop")
    (frame,) = components(page, "crop")
    assert (frame["aspect"], frame["box"]) == (1, None)
    assert frame["src"].startswith("data:image/jpeg;base64,/9j/")
    assert engine.boxes == []


@pytest.mark.parametrize(
    ("found", "values"),
    [
        ({"left": 0.25, "top": 0, "width": 0.5, "height": 1}, (0.25, 0.0, 0.5, 1.0)),
        (None, None), ("x", None), ({}, None), ({"left": 0, "top": 0, "width": 2, "height": 1}, None),
        ({"left": "a", "top": 0, "width": 1, "height": 1}, None),
        ({"left": float("nan"), "top": 0, "width": 1, "height": 1}, None),
        ({"left": [], "top": 0, "width": 1, "height": 1}, None),
    ],
)  # fmt: skip
def test_what_a_browser_sends_as_a_box_is_checked(found: object, values: tuple[float, ...] | None) -> None:
    box = box_of(found)
    assert (None if box is None else (box.left, box.top, box.width, box.height)) == values


def draw(page: AppTest, monkeypatch: pytest.MonkeyPatch, drawing: object) -> AppTest:
    """AppTest has no scripts: what the pad's would send is put in its place."""
    told = []

    def mount(package, folder, files, name, key, data=None, **callbacks):
        told.append((name, data))
        return SimpleNamespace(drawing=drawing)

    monkeypatch.setattr(drawing_pad, "mount", mount)
    next(each for each in page.get("button_group") if each.key == "classify-source").set_value("pad").run()
    assert not page.exception
    assert told[0][0] == "pad"
    return page


def test_a_drawing_is_a_picture(engine, run, monkeypatch) -> None:
    page = draw(open_page("classify.py", run=run.id), monkeypatch, PNG_IN_TEXT + PIXEL)
    assert "drawing: the 32×32 pixels" in words(page)


@pytest.mark.parametrize(
    "drawing",
    [None, 7, "data:text/html,x", PNG_IN_TEXT + "?", PNG_IN_TEXT + "é", PNG_IN_TEXT + "A" * MOST_CHARACTERS],
    ids=["none", "number", "html", "no base64", "no ascii", "large"],
)
def test_what_is_no_drawing_is_nothing(engine, run, monkeypatch, drawing: object) -> None:
    page = draw(open_page("classify.py", run=run.id), monkeypatch, drawing)
    assert "the 32×32 pixels" not in words(page) and engine.asked == []


def held_zip(page: AppTest, workspace: Workspace, data: bytes) -> AppTest:
    """As the browser has sent it, in portions."""
    upload = begin_upload(workspace, "mine.zip", len(data))
    with open_portion(workspace, upload.id, 0) as portion:
        portion.write(data)
    page.session_state["classify-packed"] = upload.id
    next(each for each in page.get("button_group") if each.key == "classify-source").set_value("packed").run()
    assert not page.exception
    return page


def test_a_zip_is_a_table_with_a_row_per_picture_and_cards_of_the_first(engine, run, workspace) -> None:
    data = packed(**{f"{number:03d}": b"bad" if number == 30 else b"good" for number in range(60)})
    page = held_zip(open_page("classify.py", run=run.id), workspace, data)
    assert words(page).count("the 32×32 pixels") == 24
    table = page.dataframe[0].value
    assert table["image"].tolist() == [f"{number:03d}.png" for number in range(60)]
    assert [row for row, error in enumerate(table["error"].notna()) if error] == [30]
    asked = len(engine.asked)
    page.run()
    assert len(engine.asked) == asked
    press(page, "Remove")
    assert "the 32×32 pixels" not in words(page)
    assert not list(workspace.uploads.glob("*/upload.json"))


def test_of_more_pictures_than_are_taken_the_first_are_answered(engine, run, workspace, monkeypatch) -> None:
    assert sources.MOST_PICTURES == 5_000
    monkeypatch.setattr(sources, "MOST_PICTURES", 30)
    page = held_zip(
        open_page("classify.py", run=run.id), workspace, packed(**{f"{n:02d}": b"good" for n in range(40)})
    )
    assert "Only the first 30 of 40 pictures are classified." in words(page)
    assert len(page.dataframe[0].value) == 30


def test_a_hostile_zip_is_a_sentence_and_other_files_are_answered(engine, run) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("../x.png", b"good")
    page = upload(
        open_page("classify.py", run=run.id), ("evil.zip", buffer.getvalue()), ("broken.zip", b"PK"),
        ("a.png", b"good"), ("ok.zip", packed(inside=b"good")),
    )  # fmt: skip
    assert "points outside of it" in words(page) and "broken.zip cannot be read" in words(page)
    assert words(page).count("the 32×32 pixels") == 2
    assert "inside.png: the 32×32 pixels" in words(page)


def test_a_picture_that_cannot_be_unpacked_is_a_row(engine, run) -> None:
    data = bytearray(packed(a=b"good", b=b"good"))
    data[data.index(b"good")] ^= 1  # its checksum is another one
    page = upload(open_page("classify.py", run=run.id), ("x.zip", bytes(data)))
    assert "a.png cannot be read" in words(page)
    assert words(page).count("the 32×32 pixels") == 1


def test_an_upload_that_is_gone_is_a_sentence(engine, run, workspace) -> None:
    page = open_page("classify.py", run=run.id)
    page.session_state["classify-packed"] = "0" * 32
    next(each for each in page.get("button_group") if each.key == "classify-source").set_value("packed").run()
    assert "no longer there" in words(page) and not page.exception
    assert Store(workspace).get_run(run.id).id == run.id


def names(page: AppTest) -> list[str]:
    """The pictures that have a card."""
    return re.findall(r"(\S+): the 32×32 pixels", words(page))


def test_run_and_pictures_are_there_again_on_coming_back(engine, run, workspace) -> None:
    other, third = finished_run(workspace, "other"), finished_run(workspace, "third")
    page = upload(open_page("classify.py", run=run.id), ("a.png", b"good"), ("b", b"good"))
    page.selectbox(key="classify-run").set_value(other.id).run()
    page.multiselect(key="classify-with").set_value([third.id]).run()
    asked = len(engine.asked)
    go_to(page, "design.py")
    go_to(page, "classify.py")  # by the navigation, without a run in the address
    assert page.selectbox(key="classify-run").value == other.id and address(page, "run") == [other.id]
    assert page.multiselect(key="classify-with").value == [third.id]
    assert names(page) == ["a.png", "b"] and len(engine.asked) == asked
    # A reload knows the run by its address, and a link to another run wins.
    assert open_page("classify.py", run=other.id).selectbox(key="classify-run").value == other.id
    go_to(page, "design.py")
    assert go_to(page, "classify.py", run=run.id).selectbox(key="classify-run").value == run.id


def test_a_run_that_begins_meanwhile_does_not_take_the_place_of_the_one_that_is_shown(
    engine, run, workspace
) -> None:
    page = open_page("classify.py")
    finished_run(workspace, "newer")
    page.run()
    assert page.selectbox(key="classify-run").value == run.id


def test_pictures_are_kept_up_to_a_limit_and_removed_one_by_one(engine, run, monkeypatch) -> None:
    monkeypatch.setattr(sources, "OWN", replace(sources.OWN, most_files=3, most_bytes=30))
    page = upload(open_page("classify.py", run=run.id), ("a.png", b"good"), ("b.png", b"good"))
    upload(page, ("c.png", b"good" * 6), ("d.png", b"good"), ("a.png", b"good"))
    assert names(page) == ["a.png", "b.png", "d.png"]
    assert [each.value.replace("\\", "") for each in page.toast] == [
        "Not kept: c.png. At most 3 files and 0 MB are kept. Remove some first."
    ]
    next(each for each in page.button if each.label == "Remove").click().run()
    assert names(page) == ["b.png", "d.png"]
    upload(page, ("e.png", b"good"))
    assert names(page) == ["b.png", "d.png", "e.png"] and "3 files, 0.1 of 0 MB" in words(page)
    press(page, "Remove all")
    assert names(page) == []


def test_what_is_held_is_no_longer_in_the_server_s_memory_of_uploads(engine, run, monkeypatch) -> None:
    removed = []
    original = MemoryUploadedFileManager.remove_file

    def remove_file(self, session_id, file_id):
        removed.append(file_id)
        original(self, session_id, file_id)

    monkeypatch.setattr(MemoryUploadedFileManager, "remove_file", remove_file)
    page = upload(open_page("classify.py", run=run.id), ("a.png", b"good"), ("b.png", b"good"))
    assert len(removed) == 2 and names(page) == ["a.png", "b.png"]


@pytest.mark.parametrize("name", ["photo.heic", "scan", "x.jfif", "a.PNG.txt"])
def test_files_of_any_ending_are_offered_to_the_decoder(engine, run, name: str) -> None:
    page = open_page("classify.py", run=run.id)
    assert not page.file_uploader[0].proto.type
    page = upload(page, (name, b"bad"))
    assert f"{name} is not a picture." in words(page)
    next(each for each in page.button if each.label == "Remove").click().run()
    assert f"{name} is not a picture." not in words(page)


def test_a_photo_stays_when_the_camera_is_left(engine, run, monkeypatch) -> None:
    monkeypatch.setattr(sources, "may_use_camera", lambda: True)
    page = open_page("classify.py", run=run.id)
    next(each for each in page.get("button_group") if each.key == "classify-source").set_value("camera").run()
    # AppTest has no camera.
    page.session_state["classify-photos-held"] = (OwnFile("1", "camera.jpg", b"good"),)
    page.run()
    assert names(page) == ["camera"]
    go_to(page, "design.py")
    assert names(go_to(page, "classify.py")) == ["camera"]


def test_a_file_that_was_taken_out_and_is_named_once_more_changes_nothing(engine, run, monkeypatch) -> None:
    page = upload(open_page("classify.py", run=run.id), ("a.png", b"good"))
    held = page.session_state["classify-uploads-held"]
    monkeypatch.setattr(
        own_files.session, "widget_value",
        lambda key, otherwise=None: [DeletedFile("x")] if key == "field" else held,
    )  # fmt: skip
    changed: list[str] = []
    monkeypatch.setattr(own_files.session, "set_widget", lambda key, value: changed.append(key))
    sources.OWN.take("field")
    sources.OWN.replace("field")
    assert changed == []
