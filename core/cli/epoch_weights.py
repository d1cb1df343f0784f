"""The command about the weights of a run's single epochs: epoch-weights."""

import argparse

from core.cli.output import print_json
from core.inspection.kept_epochs import delete_kept, deleted_in_words, kept_of
from core.store.store import Store
from core.workspace import Workspace


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add this module's commands to the parser."""
    weights = commands.add_parser(
        "epoch-weights", help="list the epochs of runs whose weights are kept, or delete these weights"
    )
    weights.add_argument("runs", metavar="RUN", nargs="+")
    weights.add_argument(
        "--delete", action="store_true", help="delete them for good; the best and the last model stay"
    )
    weights.add_argument("--json", action="store_true", help="print one JSON document")
    weights.set_defaults(handle=_epoch_weights)


def _epoch_weights(arguments: argparse.Namespace) -> int:
    workspace = Workspace.from_environment().ensure()
    with Store(workspace) as store:
        runs = [store.get_run(run_id) for run_id in dict.fromkeys(arguments.runs)]
    rows = []
    for run in runs:
        deleted = delete_kept(workspace, run) if arguments.delete else (0, 0)
        kept = kept_of(workspace, run)
        rows.append({**kept.to_json(), "deleted": deleted[0], "freed_bytes": deleted[1]})
        if not arguments.json:
            print(f"{run.id}: {deleted_in_words(*deleted) if arguments.delete else kept.sentence}")
    if arguments.json:
        print_json(rows)
    return 0
