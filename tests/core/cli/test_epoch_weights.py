"""`epoch-weights`: which epochs are kept, what they take, and that they can be deleted; the same by REST."""

import numpy as np
import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from core.api.routes import build_routes
from core.epoch_weights import compact, epoch_path, kept_epochs, write_epoch
from core.store.records import RunRequest
from tests.core.conftest import run_command, run_json
from tests.core.scheduling.fakes import CONFIG

pytestmark = pytest.mark.usefixtures("no_scheduler")

WEIGHTS = {"fc1/kernel": np.ones((500, 1000), np.float32)}  # 1 MB in half precision


@pytest.fixture
def run(workspace, store):
    """A run of which three epochs are kept."""
    made = store.queue_run(RunRequest(CONFIG, name="mine"))
    folder = workspace.run_folder(made.id)
    folder.mkdir()
    for epoch in (1, 2, 4):
        write_epoch(folder, epoch, compact(WEIGHTS))
    return made


def test_the_command_lists_and_deletes(workspace, run) -> None:
    folder = workspace.run_folder(run.id)
    size = sum(epoch_path(folder, epoch).stat().st_size for epoch in (1, 2, 4))
    assert run_command("epoch-weights", run.id) == (
        0,
        f"{run.id}: The weights of epochs 1, 2 and 4 are kept and take 3 MB.\n",
        "",
    )
    expected = {"run": run.id, "epochs": [1, 2, 4], "every": 1, "bytes": size}
    assert run_json("epoch-weights", run.id) == (0, [{**expected, "deleted": 0, "freed_bytes": 0}])
    code, printed, _ = run_command("epoch-weights", run.id, "--delete")
    assert (code, printed) == (0, f"{run.id}: The weights of 3 epochs are deleted: 3 MB are free.\n")
    assert kept_epochs(folder) == ()
    _, printed, _ = run_command("epoch-weights", run.id, "--delete")
    assert printed == f"{run.id}: There were no weights of single epochs.\n"
    assert run_command("epoch-weights", "nobody")[0] == 2


def test_rest_does_the_same(run, workspace) -> None:
    address = f"/api/v1/runs/{run.id}/epoch-weights"
    with TestClient(Starlette(routes=build_routes())) as client:
        kept = client.get(address).json()
        assert kept["epochs"] == [1, 2, 4] and kept["bytes"] > 3_000_000
        gone = client.delete(address).json()
        assert gone == {
            "run": run.id, "epochs": [], "every": 1, "bytes": 0, "deleted": 3, "freed_bytes": kept["bytes"],
        }  # fmt: skip
        assert client.delete(address).json()["deleted"] == 0
        assert client.get("/api/v1/runs/nobody/epoch-weights").status_code == 404


def test_a_folder_that_cannot_be_changed_is_said_in_words(run, monkeypatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("core.inspection.kept_epochs.delete_epochs", refuse)
    code, _, error = run_command("epoch-weights", run.id, "--delete")
    assert code == 2 and "“mine” cannot be deleted: Permission denied." in error
