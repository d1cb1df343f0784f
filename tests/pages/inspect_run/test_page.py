"""Inspect as a visitor gets it: by links, with and without runs, and when something is missing."""

import json
import shutil
import subprocess
import sys

import numpy as np
import pytest
from streamlit.delta_generator import DeltaGenerator
from streamlit.testing.v1 import AppTest

from core.engine.client import Engine
from core.errors import EngineError
from core.store.picture_tags import data_of
from core.store.store import Store
from core.workspace import PROJECT_ROOT, Workspace
from pages.components.inspect_run import evaluations
from pages.components.kit.pictures import png_bytes
from tests.pages.visits import address, button, go_to, open_page, press, unfold, words
from tests.uneven import Uneven, draw_leaves

PARTS = PROJECT_ROOT / "pages" / "components" / "inspect_run"


@pytest.fixture(autouse=True)
def nothing_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test begins as after a start of the server."""
    monkeypatch.setattr(evaluations, "_kept", evaluations.VersionedCache(evaluations.MOST_KEPT))


def segment(page: AppTest, name: str):
    """The choice that edits this part of the address."""
    return next(each for each in page.get("button_group") if each.key == f"inspect-{name}")


def test_without_a_run_it_says_what_to_do(workspace: Workspace) -> None:
    page = open_page("inspect_run.py")
    assert "No run has weights yet. Train one first." in words(page)


def test_the_newest_run_is_shown_and_is_in_the_address(uneven_home: Uneven) -> None:
    page = open_page("inspect_run.py")
    run_id = address(page, "run")
    with Store(uneven_home.workspace) as store:
        assert run_id == next(run.id for run in store.list_runs(alone_first=True) if run.best_epoch)
    assert not page.error and not page.warning
    assert len(page.get("plotly_chart")) == 2


def test_the_run_that_was_looked_at_on_runs_is_shown(uneven_home: Uneven) -> None:
    page = open_page("runs.py", run=uneven_home.run_id)
    go_to(page, "inspect_run.py")
    assert address(page, "run") == uneven_home.run_id


def test_a_second_click_that_comes_with_the_address_before_keeps_the_first(uneven_home: Uneven) -> None:
    page = open_page("inspect_run.py", run=uneven_home.run_id)
    segment(page, "split").set_value("validation").run()
    page.query_params.clear()
    page.query_params["run"] = uneven_home.run_id  # as the browser still has it
    page.selectbox(key="inspect-answer").set_value(0).run()
    assert not page.exception
    assert (address(page, "split"), address(page, "taken_for")) == ("validation", "0")


def test_the_first_look_shows_how_far_it_is(uneven_home: Uneven, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.rmtree(uneven_home.workspace.run_folder(uneven_home.run_id) / "answers", ignore_errors=True)
    told = []
    monkeypatch.setattr(
        DeltaGenerator, "progress", lambda _, value, text="", **__: told.append((value, text))
    )
    open_page("inspect_run.py", run=uneven_home.run_id)
    parts = [each for each in told if "of 80 pictures" in each[1]]  # the others are bars of the page
    assert parts[0][1].startswith("Validation: ") and parts[-1] == (1.0, "Test: 80 of 80 pictures")
    assert (1.0, "Validation: 80 of 80 pictures") in parts


def test_an_unknown_run_is_named_and_another_one_shown(uneven_home: Uneven) -> None:
    page = open_page("inspect_run.py", run="nnnnnnnnnn")
    assert "There is no run “nnnnnnnnnn” with weights here." in page.warning[0].value.replace("\\", "")
    assert address(page, "run") != "nnnnnnnnnn"


def test_what_is_chosen_is_in_the_address_and_comes_back(uneven_home: Uneven) -> None:
    page = open_page("inspect_run.py", run=uneven_home.run_id)
    segment(page, "split").set_value("validation").run()
    page.selectbox(key="inspect-truth").set_value(2).run()
    segment(page, "pictures").set_value("doubt").run()
    assert not page.exception
    assert dict(page.query_params) == {
        "run": uneven_home.run_id, "split": "validation", "is": "2", "show": "doubt",
    }  # fmt: skip
    assert "5 pictures of rare, of 80 validation pictures." in words(page)
    go_to(page, "runs.py")
    go_to(page, "inspect_run.py")
    assert address(page, "show") == "doubt"
    press(page, "All classes")
    assert "80 pictures, of 80 validation pictures." in words(page)


def test_another_run_begins_with_all_its_pictures(uneven_home: Uneven) -> None:
    with Store(uneven_home.workspace) as store:
        other = next(run.id for run in store.list_runs() if run.id != uneven_home.run_id)
    page = open_page("inspect_run.py", run=uneven_home.run_id, taken_for="1", epoch="last", **{"with": other})
    page.selectbox(key="inspect-run").set_value(other).run()
    assert not page.exception
    assert dict(page.query_params) == {"run": other}


def test_a_confusion_opens_its_pictures(uneven_home: Uneven) -> None:
    page = open_page("inspect_run.py", run=uneven_home.run_id, show="right")
    first = next(each for each in page.button if each.key and each.key.startswith("inspect-confusion-"))
    count, label, answer = first.label.split(" × ")[0], *first.key.split("-")[2:]
    first.click().run()
    assert (address(page, "is"), address(page, "taken_for")) == (label, answer)
    names = ("healthy", "ill", "rare")
    noun = "mistake" if count == "1" else "mistakes"
    assert f"{count} {noun}: {names[int(label)]} taken for {names[int(answer)]}, of 80 test" in words(page)


def test_weights_that_are_not_there_are_named(uneven_home: Uneven) -> None:
    page = open_page("inspect_run.py", run=uneven_home.run_id, epoch="77")
    assert "There are no weights of epoch 77" in page.warning[0].value
    assert page.get("plotly_chart")


def test_a_data_set_that_is_gone_is_a_sentence(uneven_home: Uneven) -> None:
    folder = uneven_home.workspace.datasets / "leaves"
    aside = folder.with_name("leaves-aside")
    shutil.move(folder, aside)
    try:
        page = open_page("inspect_run.py", run=uneven_home.run_id)
        assert "The data set leaves that" in page.error[0].value.replace("\\", "")
        draw_leaves(uneven_home.workspace, training=(200, 60, 20))  # another one of that name
        press(page, "Try again")
        assert "was started on another data set that was called leaves" in page.error[0].value.replace(
            "\\", ""
        )
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        shutil.move(aside, folder)
    press(page, "Try again")
    assert not page.error and page.get("plotly_chart")


def test_an_engine_that_crashes_is_a_sentence_and_the_address_stays(
    uneven_home: Uneven, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.rmtree(uneven_home.workspace.run_folder(uneven_home.run_id) / "answers", ignore_errors=True)

    def crash(*_: object) -> None:
        raise EngineError("The engine crashed.")

    with monkeypatch.context() as patch:
        patch.setattr(Engine, "score", crash)
        page = open_page("inspect_run.py", run=uneven_home.run_id, split="validation")
        assert page.error[0].value.replace("\\", "") == "The engine crashed."
    press(page, "Try again")
    assert not page.error
    assert address(page, "split") == "validation"


def test_a_run_on_other_data_cannot_be_put_beside_it(
    uneven_home: Uneven, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Store(uneven_home.workspace) as store:
        other = next(run.id for run in store.list_runs() if run.id != uneven_home.run_id)
        name = store.get_run(other).name
    page = open_page("inspect_run.py", run=uneven_home.run_id, **{"with": other})
    assert not page.warning and len(page.get("plotly_chart")) == 3
    for asked, sentence in (
        (uneven_home.run_id, "A run cannot be compared with itself"),
        ("nnnnnnnnnn", "There is no run “nnnnnnnnnn” with weights here to compare with."),
    ):
        page = open_page("inspect_run.py", run=uneven_home.run_id, **{"with": asked})
        assert sentence in page.warning[0].value.replace("\\", "")
    monkeypatch.setattr("pages.components.inspect_run.side_by_side.is_same_data", lambda *_: False)
    page = open_page("inspect_run.py", run=uneven_home.run_id, **{"with": other})
    assert f"“{name}” was trained on another data set" in page.warning[0].value.replace("\\", "")


def test_runs_and_classify_lead_there(uneven_home: Uneven) -> None:
    for name, label in (("runs.py", "Inspect"), ("classify.py", "See what it gets wrong")):
        page = open_page(name, run=uneven_home.run_id)
        link = next(each.proto for each in page.get("page_link") if each.proto.label == label)
        assert (link.page, link.query_string) == ("inspect", f"run={uneven_home.run_id}")
        assert not link.disabled


def test_the_server_loads_neither_keras_nor_scipy_for_it_and_keeps_python_s_own_inspect() -> None:
    names = [f"pages.components.inspect_run.{path.stem}" for path in PARTS.glob("*.py")]
    assert len(names) > 5
    program = (
        f"import importlib, sys\nsys.path.insert(0, {str(PARTS.parent.parent)!r})\n"
        f"for name in {names!r}:\n    importlib.import_module(name)\nimport inspect\n"
        "print(sorted({'keras', 'tensorflow', 'scipy', 'sklearn'} & set(sys.modules)), inspect.signature(len))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=PROJECT_ROOT, capture_output=True, text=True, timeout=120, check=False
    )  # fmt: skip
    assert (done.returncode, done.stdout.strip()) == (0, "[] (obj, /)"), done.stderr


def test_one_picture_leads_to_the_next(uneven_home: Uneven, monkeypatch: pytest.MonkeyPatch) -> None:
    """AppTest has no click for a component: the second picture of the grid counts as picked."""
    monkeypatch.setattr("pages.components.inspect_run.pictures.picture_grid", lambda *_, **__: 1)
    page = open_page("inspect_run.py", run=uneven_home.run_id, show="doubt")
    told = [next(each.value for each in page.caption if each.value.startswith("Row "))]
    for label in ("Next", "Previous", "Previous"):
        monkeypatch.setattr("pages.components.inspect_run.pictures.open_one", lambda _: None)
        press(page, label)
        told.append(next(each.value for each in page.caption if each.value.startswith("Row ")))
    assert told[0] == told[2] and len({*told}) == 3
    assert button(page, "Previous").disabled and not button(page, "Next").disabled


def test_of_many_classes_the_most_confused_are_drawn_or_all(
    uneven_home: Uneven, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the limits of a hundred and of a thousand classes brought down to three."""
    confusion = "pages.components.inspect_run.confusion"
    monkeypatch.setattr(f"{confusion}.MOST_NAMED", 2)
    monkeypatch.setattr(f"{confusion}.MOST_NUMBERED", 2)
    page = open_page("inspect_run.py", run=uneven_home.run_id)
    assert "2 of 3 classes: those of the largest confusions." in words(page)
    assert len(_names_of_matrix(page)) == 2
    next(each for each in page.get("button_group") if each.key == "inspect-matrix-classes").set_value(
        "all"
    ).run()
    assert len(_names_of_matrix(page)) == 3 and "2 of 3 classes" not in words(page)
    monkeypatch.setattr(f"{confusion}.MOST_MAPPED", 2)
    page = open_page("inspect_run.py", run=uneven_home.run_id)
    assert not [each for each in page.get("button_group") if each.key == "inspect-matrix-classes"]
    assert len(_names_of_matrix(page)) == 2
    assert any((each.key or "").startswith("inspect-confusion-") for each in page.button)


def _names_of_matrix(page: AppTest) -> list[str]:
    return json.loads(page.get("plotly_chart")[0].proto.spec)["layout"]["xaxis"]["ticktext"]


def test_the_button_at_the_top_opens_the_fold_of_own_pictures(uneven_home: Uneven) -> None:
    page = open_page("inspect_run.py", run=uneven_home.run_id)
    assert "See what the network says of your own pictures" not in words(page)
    press(page, "Your own pictures")
    assert "See what the network says of your own pictures" in words(page)
    # A second place that is scrolled to, on the same page.
    next(each for each in page.button if (each.key or "").startswith("inspect-confusion-")).click().run()
    assert not page.exception


def test_a_tagged_picture_is_marked(uneven_home: Uneven, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[dict[str, list[str]]] = []
    monkeypatch.setattr(
        "pages.components.inspect_run.pictures.picture_grid", lambda *_, **said: drawn.append(said)
    )
    with Store(uneven_home.workspace) as store:
        run = store.get_run(uneven_home.run_id)
        open_page("inspect_run.py", run=run.id, show="doubt")
        assert set(drawn[-1]["marks"]) == {""}
        row = 80
        store.picture_tags.set(data_of(run), row, ["hard to tell", "my <b>own</b>"])
        try:
            open_page("inspect_run.py", run=run.id, show="doubt")
        finally:
            store.picture_tags.set(data_of(run), row, [])
    assert [each for each in drawn[-1]["marks"] if each] == ["hard to tell, my <b>own</b>"]


def test_the_map_of_pictures_is_drawn_once_opened_and_own_pictures_land_on_it(uneven_home: Uneven) -> None:
    page = open_page("inspect_run.py", run=uneven_home.run_id)
    charts = len(page.get("plotly_chart"))
    unfold(page, "Map of pictures")
    assert len(page.get("plotly_chart")) == charts + 1
    assert "All 80 test pictures after epoch" in words(page)
    segment(page, "map-layout").set_value("pca").run()
    assert "two directions in which pictures differ most" in words(page)
    leaf = np.full((16, 16, 3), 130, np.uint8)
    next(each for each in page.file_uploader if each.key == "inspect-map-uploads").set_value(
        [("leaf.png", png_bytes(leaf), "image/png"), ("notes.txt", b"no picture", "text/plain")]
    ).run()
    figures = [json.loads(each.proto.spec) for each in page.get("plotly_chart")]
    own = [trace for figure in figures for trace in figure["data"] if trace.get("name") == "Your pictures"]
    assert [trace["text"] for trace in own] == [["leaf.png"]]
    assert "notes.txt" in page.error[0].value.replace("\\", "")


def test_tagged_pictures_are_found_again(uneven_home: Uneven) -> None:
    with Store(uneven_home.workspace) as store:
        data = data_of(store.get_run(uneven_home.run_id))
        store.picture_tags.set(data, 85, ["odd"])
        try:
            page = open_page("inspect_run.py", run=uneven_home.run_id, show="doubt")
            page.selectbox(key="inspect-tag").set_value("odd").run()
            assert address(page, "tag") == "odd"
            said = words(page)
            assert "of 80 test pictures, tagged “odd”." in said
            store.picture_tags.set(data, 85, [])
            page.run()
            assert "No pictures, of 80 test pictures, tagged “odd”." in words(page)
            assert not page.exception
        finally:
            store.picture_tags.set(data, 85, [])


def test_a_run_is_measured_on_an_imported_data_set_whose_classes_it_knows(uneven_home: Uneven) -> None:
    page = open_page("inspect_run.py", run=uneven_home.run_id)
    unfold(page, "On other pictures")
    assert "Import them in folders that are called like classes of this run" in words(page)
    draw_leaves(uneven_home.workspace, "garden", (30, 20, 10))
    try:
        page = open_page("inspect_run.py", run=uneven_home.run_id)
        unfold(page, "On other pictures")
        tiles = {each.label: each.value for each in page.metric}
        assert tiles["Pictures"] == "220" and tiles["Accuracy there"].endswith(" %")
        assert "On “Garden” its accuracy is" in words(page)
        assert not page.exception and not page.error
    finally:
        shutil.rmtree(uneven_home.workspace.datasets / "garden")
