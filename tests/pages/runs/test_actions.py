"""What can be done with the chosen runs, as a visitor sees it."""

from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qs

import pytest
from streamlit.testing.v1 import AppTest

from core.design.presets import PRESETS
from core.epoch import EpochRow
from core.export import formats
from core.inspection import run_export
from core.server import services as services_module
from core.store.records import RunRequest
from core.store.states import RunState
from core.store.store import Store
from tests.core.studies.ended import save_weights
from tests.pages.visits import open_page, words

RECEIPT = {
    "n": 200, "pictures": "validation", "max_difference": 4.5e-8, "agreement": 0.995, "runtime": "onnxruntime 1.32.0",
    "milliseconds": 0.31, "rule": "A rule.", "passed": True, "problem": None, "versions": {"numpy": "2.4.6"},
}  # fmt: skip
RECIPE = {
    "format": "onnx",
    "class_names": ["10", "2", "*b*"],
    "sentences": ["In this order: 0 10, 1 2, 2 *b*.", "Do not divide them."],
    "snippet": ["import onnxruntime", "print(2)"],
    "python": ["import keras", "print(1)"],
    "bytes": 5,
}
FAILED = {"passed": False, "max_difference": 0.25, "agreement": 0.5}
DAMAGED = {
    "passed": False, "max_difference": None, "agreement": None, "milliseconds": None,
    "problem": "onnxruntime could not open it.",
}  # fmt: skip


class StandIn:
    """Writes a small file, at once, and answers with a receipt that a test has chosen."""

    def __init__(self) -> None:
        self.written: list[str] = []
        self.receipt = RECEIPT

    def ask(self, document, arrays):
        if document["method"] == "export":
            out = Path(document["out"])
            self.written.append(out.name)
            out.write_bytes(b"model")
            return {"path": str(out), "recipe_path": f"{out}.json", "sha256": "0"}, {}
        return {**RECIPE, "receipt": self.receipt}, {}


@pytest.fixture
def run(workspace, monkeypatch):
    shared = replace(services_module.get_services(), engine=StandIn())
    monkeypatch.setitem(services_module._services, workspace.root, shared)
    monkeypatch.setattr(run_export, "known_temperature", lambda *_: None)  # it would ask the engine
    with Store(workspace) as store:
        run = store.queue_run(RunRequest(PRESETS["tiny"].config, "Mine: 2nd try"))
        store.claim(run.id, ["cpu:0"])
        store.record_started(run.id, 1, 10, 100, 0)
        store.record_epoch(run.id, 1, EpochRow(1, val_accuracy=0.4))
        save_weights(workspace, run)
        return store.transition(run.id, RunState.FINISHED, expected=RunState.RUNNING)


def offered(run, receipt) -> AppTest:
    services_module.get_services().engine.receipt = receipt

    def draw(
        run,
    ) -> None:  # a dialog closes when AppTest clicks in it; its source is run without these imports
        from core.export.formats import FORMATS
        from pages.components.kit import session
        from pages.components.runs.export import offer_model

        offer_model(session.services(), run, FORMATS["onnx"])

    page = AppTest.from_function(draw, args=(run,), default_timeout=180).run()
    assert not page.exception
    return page


def test_the_export_dialog_says_what_is_needed_to_use_the_file(run) -> None:
    page = offered(run, RECEIPT)
    text = words(page)
    assert "In this order: 0 10, 1 2, 2 *b*." in text and "Do not divide them." in text
    assert [code.value for code in page.code] == ["import onnxruntime\nprint(2)"]
    labels = [each.proto.label for each in page.get("download_button")]
    assert labels == [
        "Save the model (5 bytes)", "Save its description", "Save a program for ONNX", "Save the model card",
    ]  # fmt: skip
    assert services_module.get_services().engine.written == ["Mine-2nd-try.onnx"]


@pytest.mark.parametrize(
    ("installed", "here", "links", "said"),
    [
        (True, True, ["http://127.0.0.1:9"], False),
        (True, False, [], False),
        (False, True, [], True),
        (False, False, [], False),
    ],
)
def test_netron_is_offered_where_it_can_be_opened(run, monkeypatch, installed, here, links, said) -> None:
    from pages.components.kit import browser
    from pages.components.runs import export

    opened: list[str] = []

    class Netron:
        def open(self, path: Path) -> str:
            assert path.read_bytes() == b"model"
            opened.append(path.name)
            return "http://127.0.0.1:9"

    shared = replace(services_module.get_services(), netron=Netron())
    monkeypatch.setitem(services_module._services, shared.workspace.root, shared)
    monkeypatch.setattr(export, "is_installed", lambda: installed)
    monkeypatch.setattr(browser, "is_on_this_computer", lambda: here)
    page = offered(run, RECEIPT)
    found = [each.proto.url for each in page.get("link_button")]
    assert found == links and opened == ["Mine-2nd-try.onnx"] * len(links)
    assert ("pip install netron" in words(page)) is said
    assert ("page of its own about cookies" in words(page)) is bool(links)


def test_a_receipt_that_passed_shows_its_numbers(run) -> None:
    page = offered(run, RECEIPT)
    assert not page.error
    (box,) = page.success
    text = box.value.replace("\\", "")  # as Markdown shows it
    assert "Parity receipt: passed." in text and "99.5 % of 200 validation pictures" in text
    assert [(each.label, each.value) for each in page.metric] == [
        ("Same class", "99.5 %"), ("Largest difference", "4e-08"), ("Per picture", "0.31 ms"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("changed", "said", "metrics"), [(FAILED, "50.0 % of 200", 3), (DAMAGED, "could not open it. Do not", 0)]
)
def test_a_receipt_that_failed_is_shown_as_failed(run, changed, said: str, metrics: int) -> None:
    page = offered(run, {**RECEIPT, **changed})
    assert not page.success
    (box,) = page.error
    text = box.value.replace("\\", "")
    assert "Parity receipt: failed." in text and said in text
    assert len(page.metric) == metrics


def test_another_format_does_not_cost_a_receipt_and_one_button_leads_on(run) -> None:
    def draw(run) -> None:
        from pages.components.kit import session
        from pages.components.runs.export import export_dialog

        export_dialog(session.services(), run)

    def primary(page: AppTest) -> list[str]:
        buttons = [(each.proto.label, each.proto.type) for each in page.get("download_button")]
        return [
            label
            for label, kind in [*buttons, *((each.label, each.proto.type) for each in page.button)]
            if kind == "primary"
        ]

    def choose(page: AppTest, name: str) -> AppTest:
        (control,) = (each for each in page.get("button_group") if each.key == "export-format")
        return control.set_value(name).run()

    page = AppTest.from_function(draw, args=(run,), default_timeout=180).run()
    assert primary(page) == ["Create the file"] and not page.success
    page.button(key="write-model").click().run()
    assert not page.exception
    assert primary(page) == ["Save the model (5 bytes)"]
    assert primary(choose(page, "onnx")) == ["Create the file"] and not page.success
    assert primary(choose(page, "keras")) == ["Save the model (5 bytes)"]
    assert "Parity receipt: passed." in page.success[0].value
    assert services_module.get_services().engine.written == ["Mine-2nd-try.keras"]


def test_a_script_is_shown_with_what_it_leaves_out_before_it_is_saved(run) -> None:
    def draw(run) -> None:
        import streamlit as st

        from pages.components.kit import session
        from pages.components.runs.export import export_dialog

        st.session_state["export-format"] = "script"
        export_dialog(session.services(), run)

    page = AppTest.from_function(draw, args=(run,), default_timeout=180).run()
    assert not page.exception
    script, command = (code.value for code in page.code)
    compile(script, "script", "exec")
    assert "keras.datasets.cifar10.load_data()" in script
    assert command == f"python -m core export {run.id} --format script --out Mine-2nd-try-training.py"
    assert "the script cannot check that it reads the same" in words(page)
    assert [each.proto.label for each in page.get("download_button")] == ["Save the script"]
    assert "The weights of epoch" not in words(page)


def test_without_a_runtime_the_dialog_says_what_to_install(run, monkeypatch) -> None:
    found = formats.find_spec
    monkeypatch.setattr(
        formats, "find_spec", lambda module: None if module == "onnxruntime" else found(module)
    )

    def draw(run) -> None:
        import streamlit as st

        from pages.components.kit import session
        from pages.components.runs.export import export_dialog

        st.session_state["export-format"] = "onnx"
        export_dialog(session.services(), run)

    page = AppTest.from_function(draw, args=(run,), default_timeout=180).run()
    assert not page.exception
    assert page.warning[0].value.startswith("ONNX needs onnxruntime, which is not installed")
    assert ".venv/bin/pip install -r requirements-export.txt" in [code.value for code in page.code]
    assert page.button(key="write-model").disabled


def test_the_menu_of_downloads_is_closed_beneath_its_dialog(run) -> None:
    page = open_page("runs.py", runs=run.id)

    def menu() -> str:
        return next(
            block.proto.id or str(block.proto)
            for block in page.get("popover")
            if block.proto.popover.label == "Download"
        )

    before = menu()
    assert "Share as HTML" in [each.proto.label for each in page.get("download_button")]
    page.button(key="export-model").click().run()
    assert not page.exception
    assert any(button.key == "write-model" for button in page.button)
    assert menu() != before  # another one, which begins closed


def test_a_run_and_its_fork_are_compared_with_the_parent_as_the_one_to_measure_by(run, workspace) -> None:
    with Store(workspace) as store:
        fork = store.queue_run(RunRequest(run.config, "fork", parent_id=run.id))
    for ids in (f"{run.id},{fork.id}", f"{fork.id},{run.id}"):
        page = open_page("runs.py", run=ids)
        link = next(each.proto for each in page.get("page_link") if each.proto.label == "Compare")
        assert "Share as HTML" not in [each.proto.label for each in page.get("download_button")]
        asked = parse_qs(link.query_string)
        assert asked["baseline"] == [run.id]
        assert run.id in asked["where"][0] and fork.id in asked["where"][0]
