"""What can be done with the chosen runs, as a visitor sees it."""

import json
from dataclasses import replace

import pytest
from streamlit.testing.v1 import AppTest

from core.design.presets import PRESETS
from core.engine.answers import ExportedModel
from core.epoch import EpochRow
from core.server import services as services_module
from core.store.records import RunRequest
from core.store.states import RunState
from core.store.store import Store
from tests.pages.visits import open_page, words

RECIPE = {
    "class_names": ["10", "2", "*b*"],
    "sentences": ["In this order: 0 10, 1 2, 2 *b*.", "Do not divide them."],
    "python": ["import keras", "print(1)"],
}


class StandIn:
    """Writes two small files, at once."""

    def __init__(self) -> None:
        self.written: list[str] = []

    def export(self, run_id, export_format, out):
        self.written.append(out.name)
        out.write_bytes(b"model")
        beside = out.with_name(out.name + ".json")
        beside.write_text(json.dumps(RECIPE))
        return ExportedModel(out, beside, RECIPE)


@pytest.fixture
def run(workspace, monkeypatch):
    shared = replace(services_module.get_services(), engine=StandIn())
    monkeypatch.setitem(services_module._services, workspace.root, shared)
    with Store(workspace) as store:
        run = store.queue_run(RunRequest(PRESETS["tiny"].config, "Mine: 2nd try"))
        store.claim(run.id, ["cpu:0"])
        store.record_started(run.id, 1, 10, 100, 0)
        store.record_epoch(run.id, 1, EpochRow(1, val_accuracy=0.4))
        return store.transition(run.id, RunState.FINISHED, expected=RunState.RUNNING)


def test_the_export_dialog_says_what_is_needed_to_use_the_file(run) -> None:
    def draw(
        run,
    ) -> None:  # a dialog closes when AppTest clicks in it; its source is run without these imports
        from pages.components.kit import session
        from pages.components.runs.actions import offer_model

        offer_model(session.services(), run)

    page = AppTest.from_function(draw, args=(run,), default_timeout=180).run()
    assert not page.exception
    text = words(page)
    assert "In this order: 0 10, 1 2, 2 *b*." in text and "Do not divide them." in text
    assert "import keras\nprint(1)" in [code.value for code in page.code]
    labels = [each.proto.label for each in page.get("download_button")]
    assert "Save 0.0 MB" in labels and "Save its description" in labels
    assert "Save the program" in labels
    assert services_module.get_services().engine.written == ["Mine-2nd-try.keras"]


def test_the_menu_of_downloads_is_closed_beneath_its_dialog(run) -> None:
    page = open_page("runs.py", runs=run.id)

    def menu() -> str:
        return next(
            block.proto.id or str(block.proto)
            for block in page.get("popover")
            if block.proto.popover.label == "Download"
        )

    before = menu()
    page.button(key="export-keras").click().run()
    assert not page.exception
    assert any(button.key == "write-keras" for button in page.button)
    assert menu() != before  # another one, which begins closed
