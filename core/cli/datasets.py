"""Commands about data sets: list, add, remove."""

import argparse
import sys
from pathlib import Path

from core.cli.output import end_progress, print_json, print_table, progress_line
from core.datasets.import_process import import_dataset
from core.datasets.prepare import ensure_dataset
from core.datasets.storage import Progress, delete_dataset, list_datasets
from core.runs import control
from core.workspace import Workspace


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add this module's commands to the parser."""
    command = commands.add_parser("datasets", help="list the data sets, or add or remove one")
    command.add_argument("--json", action="store_true", help="print one JSON document")
    command.set_defaults(handle=_list)
    actions = command.add_subparsers(dest="action", metavar="ACTION")

    add = actions.add_parser(
        "add", help="import a data set from a file or folder, or download an official one"
    )
    add.add_argument("name", metavar="NAME", help="the data set's id: lowercase letters, digits, '-' and '_'")
    add.add_argument(
        "path",
        metavar="PATH",
        type=Path,
        nargs="?",
        help="a file or folder to import; without it, NAME is downloaded",
    )
    add.add_argument("--image-size", type=int, metavar="PIXELS", help="resize imported pictures to this side")
    add.set_defaults(handle=_add)

    remove = actions.add_parser("remove", help="delete a data set from the workspace")
    remove.add_argument("name", metavar="NAME")
    remove.set_defaults(handle=_remove)


def _list(arguments: argparse.Namespace) -> int:
    found = list_datasets(Workspace.from_environment())
    if arguments.json:
        print_json([info.to_dict() for info in found])
        return 0
    header = ("DATA SET", "STATE", "TRAINING", "VALIDATION", "TEST", "CLASSES", "PICTURE")
    rows = [
        (
            info.id,
            info.state,
            info.num_train,
            info.num_validation,
            info.num_test,
            info.num_classes,
            "×".join(map(str, info.image_shape)),
        )
        for info in found
    ]
    print_table(header, rows)
    return 0


def _add(arguments: argparse.Namespace) -> int:
    workspace = Workspace.from_environment().ensure()
    if arguments.path is None:
        dataset = ensure_dataset(workspace, arguments.name, progress=_tell)
    else:
        dataset = import_dataset(
            workspace, arguments.name, arguments.path, image_size=arguments.image_size, progress=_tell
        )
    end_progress()
    shape = "×".join(map(str, dataset.image_shape))
    print(
        f"{dataset.id}: {len(dataset.x_train):,} training and {len(dataset.x_test):,} test pictures of {shape}, "
        f"{len(dataset.class_names)} classes."
    )
    return 0


def _remove(arguments: argparse.Namespace) -> int:
    workspace = Workspace.from_environment().ensure()
    control.check_dataset_unused(workspace, arguments.name)
    delete_dataset(workspace, arguments.name)
    print(f"{arguments.name} is removed.")
    return 0


def _tell(progress: Progress) -> None:
    share = f" {100 * progress.done / progress.total:.0f} %" if progress.total else ""
    if sys.stderr.isatty():
        progress_line(f"{progress.stage}{share}")
