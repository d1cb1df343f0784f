"""Commands about deleted runs: restore, trash."""

import argparse

from core.cli.output import in_minutes, print_json, print_table
from core.runs.trash import empty_trash, purge_expired, restore_run
from core.store.store import Store
from core.workspace import Workspace


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add this module's commands to the parser."""
    restore = commands.add_parser("restore", help="bring a deleted run back from the trash")
    restore.add_argument("run", metavar="RUN")
    restore.set_defaults(handle=_restore)

    trash = commands.add_parser(
        "trash", help="list the deleted runs that can be restored, the last deleted first"
    )
    trash.add_argument("--empty", action="store_true", help="delete all of them for good instead")
    trash.add_argument("--json", action="store_true", help="print one JSON document")
    trash.set_defaults(handle=_trash)


def _restore(arguments: argparse.Namespace) -> int:
    run = restore_run(Workspace.from_environment().ensure(), arguments.run)
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
