"""`delete`, `restore` and `trash`."""

import pytest

from core.store.records import RunRequest
from core.store.store import Store
from tests.core.conftest import run_command, run_json
from tests.core.scheduling.fakes import CONFIG

pytestmark = pytest.mark.usefixtures("no_scheduler")


def test_a_deleted_run_is_listed_restored_and_deleted_for_good(workspace, store) -> None:
    run = store.queue_run(RunRequest(CONFIG, name="mine"))
    folder = workspace.run_folder(run.id)
    folder.mkdir()
    assert run_command("delete", run.id)[0] == 0
    code, _, error = run_command("show", run.id)
    assert (code, error) == (
        2,
        f"convdeck: “mine” ({run.id}) is in the trash. Restore it on the Runs page, or with python -m core restore "
        f"{run.id}.\n",
    )
    (trashed,) = run_json("trash")[1]
    assert (trashed["id"], trashed["name"]) == (run.id, "mine")
    assert trashed["kept_until"] - trashed["deleted_at"] == 7 * 24 * 3600
    assert run_command("restore", run.id) == (0, f"{run.id} (mine) is restored.\n", "")
    assert run_json("trash") == (0, [])
    assert run_json("show", run.id)[1]["state"] == "STOPPED"

    assert run_command("delete", run.id, "--now") == (0, f"{run.id} is deleted.\n", "")
    assert not folder.exists()
    assert run_command("restore", run.id)[0] == 2
    assert run_command("delete", run.id)[0] == 2


def test_one_that_is_in_the_trash_is_deleted_for_good_too(workspace, store) -> None:
    first, second, third = (store.queue_run(RunRequest(CONFIG)).id for _ in range(3))
    for run_id in (first, second, third):
        run_command("delete", run_id)
    assert run_command("delete", second, "--now") == (0, f"{second} is deleted.\n", "")
    assert [each["id"] for each in run_json("trash")[1]] == [third, first]
    assert run_json("trash", "--empty") == (0, [])
    with Store(workspace) as other:
        assert other.trash.list_runs() == []
