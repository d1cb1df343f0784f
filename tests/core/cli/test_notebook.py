"""The notebook from the command line and by REST."""

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from core.api.routes import build_routes
from core.design.presets import PRESETS
from core.store.records import RunRequest
from tests.core.conftest import run_command, run_json
from tests.core.notebook.conftest import trained_run


@pytest.fixture
def client(workspace):
    with TestClient(Starlette(routes=build_routes())) as made:
        yield made


def test_a_note_is_written_shown_and_listed(store) -> None:
    run = store.queue_run(RunRequest(PRESETS["tiny"].config, "mine"))
    assert "no note" in run_command("note", run.id)[1]
    assert run_json("note", run.id) == (0, None)
    code, note = run_json("note", run.id, "--expect", "It learns.\nSlowly.")
    assert (code, note["expectation"], note["outcome"], note["is_open"]) == (
        0,
        "It learns.\nSlowly.",
        "",
        True,
    )
    assert run_json("notebook")[1] == [note] == [run_json("note", run.id)[1]]
    shown = run_command("notebook")[1]
    assert "  expected: It learns.\n            Slowly.\n  outcome:  –" in shown


def test_a_note_is_deleted_and_its_run_stays(store, client) -> None:
    for delete in (
        lambda run, note: run_command("note", run, "--delete"),
        lambda run, note: client.delete(f"/api/v1/notes/{note}"),
    ):
        run = store.queue_run(RunRequest(PRESETS["tiny"].config))
        note = run_json("note", run.id, "--expect", "It learns.")[1]
        delete(run.id, note["id"])
        assert run_json("note", run.id) == (0, None)
        assert store.get_run(run.id).id == run.id
    assert client.delete(f"/api/v1/notes/{note['id']}").status_code == 400
    assert "any more" in run_command("note", run.id, "--delete")[1]


def test_several_runs_and_what_comes_too_late(store) -> None:
    ids = ",".join(trained_run(store, name, [0.3, 0.4]).id for name in ("A", "B"))
    note = run_json("note", ids, "--outcome", "The same.")[1]
    assert [run["name"] for run in note["runs"]] == ["A", "B"]
    assert [run["best_val_accuracy"] for run in note["runs"]] == [0.4, 0.4]
    code, _, said = run_command("note", ids, "--expect", "I knew it.")
    assert code == 2 and "first epoch has ended" in said
    assert run_command("note", "aaaaaaaaaa")[0] == 2


def test_the_exports_are_the_documents_that_rest_gives(store, client, tmp_path) -> None:
    run = trained_run(store, "A", [0.3, 0.4])
    run_command("note", run.id, "--outcome", "<b>Fine</b>")
    for form, suffix, words in (("markdown", "md", r"\<b\>Fine\</b\>"), ("html", "html", "&lt;b&gt;Fine")):
        path = tmp_path / f"notebook.{suffix}"
        assert run_command("notebook", "export", "--format", form, "--out", str(path))[0] == 0
        answer = client.get(f"/api/v1/notebook.{suffix}")
        assert answer.status_code == 200 and words in answer.text
        assert path.read_text(encoding="utf-8") == answer.text
        assert answer.headers["content-disposition"] == f'attachment; filename="notebook.{suffix}"'
        assert answer.headers["x-content-type-options"] == "nosniff"
    missing = tmp_path / "no folder" / "x.md"
    assert run_command("notebook", "export", "--format", "markdown", "--out", str(missing))[0] == 1


def test_notes_by_rest(store, client) -> None:
    run = store.queue_run(RunRequest(PRESETS["tiny"].config, "mine"))
    answer = client.post("/api/v1/notes", json={"runs": [run.id], "expectation": "60 %"})
    assert answer.status_code == 201
    assert client.get("/api/v1/notes").json() == [answer.json()] == run_json("notebook")[1]


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({"runs": ["aaaaaaaaaa"], "outcome": "x"}, 404, None),
        ({"runs": "aaaaaaaaaa", "outcome": "x"}, 400, "runs"),
        ({"outcome": "x"}, 400, "runs"),
        ({"runs": [1], "outcome": "x"}, 400, "runs"),
        ({"runs": []}, 400, None),
        ({"runs": ["RUN"], "outcome": 7}, 400, None),
        ({"runs": ["RUN"], "outcome": "x", "text": "y"}, 400, "text"),
        ({"runs": ["RUN"], "outcome": "a\u0000b"}, 400, None),
    ],
)
def test_what_is_no_note_is_refused(store, client, body: dict, status: int, field: str | None) -> None:
    run = store.queue_run(RunRequest(PRESETS["tiny"].config))
    if body.get("runs") == ["RUN"]:
        body = body | {"runs": [run.id]}
    answer = client.post("/api/v1/notes", json=body)
    assert (answer.status_code, answer.json()["field"]) == (status, field)
    assert store.notes.list_notes() == []
