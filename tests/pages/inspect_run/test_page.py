"""Inspect as a visitor gets it: by links, with and without runs, and when something is missing."""

import shutil
import subprocess
import sys

import pytest
from streamlit.delta_generator import DeltaGenerator
from streamlit.testing.v1 import AppTest

from core.engine.client import Engine
from core.errors import EngineError
from core.store.store import Store
from core.workspace import PROJECT_ROOT, Workspace
from pages.components.inspect_run import evaluations
from tests.pages.visits import address, button, go_to, open_page, press, words
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


def test_a_thousand_classes_have_words_and_no_matrix(
    uneven_home: Uneven, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("confusion", "side_by_side"):
        monkeypatch.setattr(f"pages.components.inspect_run.{module}.MOST_MAPPED", 2)
    page = open_page("inspect_run.py", run=uneven_home.run_id)
    assert "A matrix of 3 classes would be too fine to see." in words(page)
    assert len(page.get("plotly_chart")) == 1
    assert any((each.key or "").startswith("inspect-confusion-") for each in page.button)
