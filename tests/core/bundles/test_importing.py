"""An import that ends at any moment leaves the workspace as it was, or the whole run."""

import os
import subprocess
import sys

import pytest
from filelock import FileLock
from starlette.applications import Starlette
from starlette.testclient import TestClient

from core.api.routes import build_routes
from core.bundles import importing
from core.bundles.importing import remove_interrupted_imports
from core.errors import BundleError, CannotWrite
from core.workspace import PROJECT_ROOT
from tests.core.bundles.conftest import is_empty
from tests.core.conftest import run_command, run_json

# Kills itself at the n-th of the steps that can be seen from outside: a file synced, moved, or the database committed.
KILLED = """
import os, sys
from pathlib import Path
from core.bundles import importing, unpacking
from core.store import whole_runs
from core.store.store import Store
from core.system import files
from core.workspace import Workspace

left = int(sys.argv[2])

def step(*_):
    global left
    left -= 1
    if left < 0:
        os._exit(9)

def before_and_after(function):
    def stepped(*arguments, **named):
        step()
        answer = function(*arguments, **named)
        step()
        return answer
    return stepped

importing.unpack = before_and_after(importing.unpack)
importing.sync_folder = before_and_after(importing.sync_folder)
Path.replace = before_and_after(Path.replace)
whole_runs._add = before_and_after(whole_runs._add)
workspace = Workspace(Path(sys.argv[3]))
store = Store(workspace)
store.whole_runs.add = before_and_after(store.whole_runs.add)
run = importing.import_bundle(workspace, store, Path(sys.argv[1]))
print(run.id, left)
"""


def kill_at(step: int, path, workspace) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-c", KILLED, str(path), str(step), str(workspace.root)],
        cwd=PROJECT_ROOT, env=os.environ, capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip


def test_a_kill_at_any_step_leaves_nothing_or_all_of_it(bundle, workspace, store, tmp_path) -> None:
    path = tmp_path / "given.zip"
    path.write_bytes(bundle)
    whole = kill_at(10_000, path, workspace)
    assert whole.returncode == 0, whole.stderr
    _, left = whole.stdout.split()
    steps = 10_000 - int(left)
    assert steps >= 10
    kept = 0
    for step in (*range(1, steps, 3), steps - 1):
        assert kill_at(step, path, workspace).returncode == 9
        remove_interrupted_imports(workspace, store)
        runs = store.list_runs()
        assert {each.name for each in workspace.runs.iterdir()} == {run.id for run in runs}
        assert all(len(store.curves(run.id)["epoch"]) == 25 for run in runs)
        assert not list(workspace.imports.iterdir())
        kept = len(runs) - 1
    assert kept == 1  # the last step comes after the commit


@pytest.mark.parametrize("place", ["sync_folder", "add", "unpack"])
def test_a_fault_leaves_nothing(workspace, store, take, bundle, monkeypatch, place) -> None:
    def fail(*arguments) -> None:
        raise OSError(28, "No space left on device")

    if place == "add":
        monkeypatch.setattr(store.whole_runs, "add", fail)
    else:
        monkeypatch.setattr(importing, place, fail)
    with pytest.raises(CannotWrite, match="No space left"):
        take(bundle)
    assert is_empty(workspace, store)


def test_rest_takes_a_bundle_and_gives_one(workspace, bundle, tmp_path) -> None:
    with TestClient(Starlette(routes=build_routes())) as client:
        sent = client.post("/api/v1/imports", files={"file": ("b.zip", bundle)})
        assert sent.status_code == 200, sent.text
        run_id = sent.json()["id"]
        assert client.get(f"/api/v1/runs/{run_id}").json()["origin"]["run"] == "deckexamp2"
        again = client.get(f"/api/v1/runs/{run_id}/export?format=bundle")
        assert again.status_code == 200 and again.content[:2] == b"PK"
        refused = client.post("/api/v1/imports", files={"file": ("b.zip", bundle[:1000])})
        assert refused.status_code == 400 and "b.zip is no whole zip" in refused.json()["error"]


def test_the_command_says_what_came_and_refuses_with_2(workspace, bundle, tmp_path) -> None:
    path = tmp_path / "b.zip"
    path.write_bytes(bundle)
    code, answer = run_json("import", str(path))
    assert (code, answer["state"], answer["best_epoch"]) == (0, "FINISHED", 18)
    path.write_bytes(bundle[:1000])
    code, out, err = run_command("import", str(path))
    assert (
        (code, out) == (2, "")
        and err.startswith("convdeck: b.zip is no whole zip")
        and "Traceback" not in err
    )
    assert run_command("import", str(tmp_path / "none.zip"))[0] == 2


def test_two_imports_take_turns(workspace, store, take, bundle, monkeypatch) -> None:
    monkeypatch.setattr(importing, "LOCK_SECONDS", 0.05)
    with FileLock(workspace.imports_lock), pytest.raises(BundleError, match="Try again in a minute"):
        take(bundle)
    with FileLock(workspace.imports_lock):
        remove_interrupted_imports(workspace, store)
    assert take(bundle).best_epoch == 18
