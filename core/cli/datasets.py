"""Commands about data sets: list, add, remove."""

import argparse
import sys
from pathlib import Path

from core.cli.output import end_progress, print_json, print_table, progress_line
from core.datasets.prepare import ensure_dataset
from core.datasets.splits import counts_of
from core.datasets.storage import Progress, delete_dataset, list_datasets
from core.formatting import count_of
from core.importing.process import import_dataset
from core.importing.reading import Reading
from core.importing.report import DamagedPictures, ImportReport, load_report
from core.runs import control
from core.workspace import Workspace

# The names on the command line, and those of `core.images.fit_picture`.
CROPS = {"middle": "center", "pad": "pad", "stretch": "stretch"}


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
    add.add_argument(
        "--crop", choices=tuple(CROPS), default="middle",
        help="how a picture that is not square becomes one: its middle is cut out (the default), it is padded with the "
        "mean colour of its edges, or stretched",
    )  # fmt: skip
    add.add_argument(
        "--skip-damaged",
        action="store_true",
        help="leave out pictures that cannot be read, and import the others",
    )
    add.add_argument(
        "--json", action="store_true", help="print what was imported and left out as one JSON document"
    )
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
    name = arguments.name
    if arguments.path is None:
        dataset = ensure_dataset(workspace, name, progress=_tell)
    else:
        reading = Reading(arguments.image_size, CROPS[arguments.crop], arguments.skip_damaged)
        try:
            dataset = import_dataset(workspace, name, arguments.path, reading, progress=_tell)
        except DamagedPictures as error:
            end_progress()
            return _tell_damaged(name, error, as_json=arguments.json)
    end_progress()
    report = load_report(workspace, dataset.id) or ImportReport(counts_of(dataset))
    if arguments.json:
        print_json({"name": dataset.id, **report.to_json()})
        return 0
    shape = "×".join(map(str, dataset.image_shape))
    train, validation, test = (
        sum(getattr(each, part) for each in report.classes) for part in ("train", "validation", "test")
    )
    print(
        f"{dataset.id}: {train:,} training, {validation:,} validation and {test:,} test pictures of {shape}, "
        f"{len(dataset.class_names)} classes."
    )
    for sentence in report.sentences():
        print(f"- {sentence}")
    if report.left_out:
        print(f"- Left out: {count_of(len(report.left_out), 'file')}.")
        for each in report.left_out:
            print(f"    {each.file} {each.reason}")
    return 0


def _tell_damaged(name: str, error: DamagedPictures, *, as_json: bool) -> int:
    """All that cannot be read, and how to go on; nothing is stored."""
    if as_json:
        print_json({"name": name, **ImportReport((), error.left_out).to_json(), "error": str(error)})
    else:
        for each in error.left_out:
            print(f"{each.file} {each.reason}", file=sys.stderr)
    total = len(error.left_out) + error.num_whole
    print(
        f"convdeck: {len(error.left_out):,} of {count_of(total, 'picture')} cannot be read, so nothing was imported. "
        f"Replace them{f', or import the other {error.num_whole:,} with --skip-damaged' if error.num_whole else ''}.",
        file=sys.stderr,
    )
    return 1


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
