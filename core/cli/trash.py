"""Commands about deleted runs: delete, restore, trash."""

import argparse
import contextlib

from core.cli.output import in_minutes, print_json, print_table
from core.errors import RunNotFound
from core.runs.control import delete_run
from core.runs.trash import delete_runs, empty_trash, purge_expired, purge_run, restore_runs
from core.store.store import Store
from core.workspace import Workspace


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add this module's commands to the parser."""
    delete = commands.add_parser("delete", help="delete runs with their weights and curves, all or none")
    delete.add_argument("runs", metavar="RUN", nargs="+")
    delete.add_argument("--now", action="store_true", help="for good, also what is in the trash already")
    delete.set_defaults(handle=_delete)

    restore = commands.add_parser("restore", help="bring deleted runs back from the trash")
    restore.add_argument("runs", metavar="RUN", nargs="+")
    restore.set_defaults(handle=_restore)

    trash = commands.add_parser(
        "trash", help="list the deleted runs that can be restored, the last deleted first"
    )
    trash.add_argument("--empty", action="store_true", help="delete all of them for good instead")
    trash.add_argument("--json", action="store_true", help="print one JSON document")
    trash.set_defaults(handle=_trash)


def _delete(arguments: argparse.Namespace) -> int:
    workspace = Workspace.from_environment().ensure()
    purge_expired(workspace)
    if arguments.now:
        for run_id in arguments.runs:
            with contextlib.suppress(RunNotFound):  # it may be in the trash already
                delete_run(workspace, run_id)
            purge_run(workspace, run_id)
            print(f"{run_id} is deleted.")
        return 0
    batch = delete_runs(workspace, arguments.runs)
    ids = [run.id for run in batch.runs]
    for run_id in ids:
        print(f"{run_id} is deleted.")
    them = "it" if len(ids) == 1 else "them"
    print(f"Until {in_minutes(batch.kept_until)}, python -m core restore {' '.join(ids)} brings {them} back.")
    return 0


def _restore(arguments: argparse.Namespace) -> int:
    for run in restore_runs(Workspace.from_environment().ensure(), arguments.runs):
        print(f"{run.id} ({run.name}) is restored.")
    return 0


def _trash(arguments: argparse.Namespace) -> int:
    workspace = Workspace.from_environment().ensure()
    purge_expired(workspace)
    if arguments.empty:
        empty_trash(workspace)
    with Store(workspace) as store:
        found = store.trash.list_runs()
    if arguments.json:
        print_json(
            [
                {
                    "id": each.run.id, "name": each.run.name, "deleted_at": each.deleted_at,
                    "kept_until": each.kept_until,
                }
                for each in found
            ]
        )  # fmt: skip
        return 0
    rows = [
        (each.run.id, each.run.name, in_minutes(each.deleted_at), in_minutes(each.kept_until))
        for each in found
    ]
    print_table(("id", "name", "deleted", "kept until"), rows)
    return 0
