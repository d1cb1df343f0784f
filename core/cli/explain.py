"""The command `explain`: what a run looks at in a picture."""

import argparse
from pathlib import Path

from core.cli.arguments import add_epoch_argument
from core.cli.output import print_json
from core.cli.predict import CROP_NAMES
from core.engine.client import Engine
from core.engine.explanation import METHODS
from core.engine.heat_map import render_explanation
from core.errors import UserError
from core.importing.picture_files import read_picture
from core.inspection.answers import which_weights
from core.inspection.prediction import explain
from core.store.store import Store
from core.system.files import write_bytes
from core.workspace import Workspace


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add this module's command to the parser."""
    explaining = commands.add_parser("explain", help="show what a run looks at in a picture")
    explaining.add_argument("--run", metavar="RUN", required=True)
    explaining.add_argument("image", metavar="IMAGE", type=Path)
    explaining.add_argument("--method", choices=METHODS, required=True)
    explaining.add_argument(
        "--layer", metavar="NAME", help="convolution layer for grad-cam (default: the last one)"
    )
    explaining.add_argument(
        "--class", dest="class_name", metavar="NAME", help="class to explain (default: the network's answer)"
    )
    explaining.add_argument(
        "--crop",
        choices=CROP_NAMES,
        help="how the picture gets the network's shape (default: as in training)",
    )
    add_epoch_argument(explaining)
    explaining.add_argument("--out", metavar="PATH", type=Path, required=True, help="PNG file to write")
    explaining.add_argument("--json", action="store_true", help="print one JSON document")
    explaining.set_defaults(handle=_explain)


def _explain(arguments: argparse.Namespace) -> int:
    workspace = Workspace.from_environment().ensure()
    run = Store(workspace).get_run(arguments.run)
    which = which_weights(workspace, run, arguments.epoch)
    picture, out = read_picture(arguments.image), arguments.out
    engine = Engine(workspace)
    try:
        explained = explain(
            workspace, engine, run, arguments.image.name, picture, arguments.method, arguments.layer,
            arguments.class_name, CROP_NAMES.get(arguments.crop), which,
        )  # fmt: skip
    finally:
        engine.close()
    try:
        write_bytes(out, render_explanation(explained))
    except OSError as error:
        raise UserError(f"{out} cannot be written: {error.strerror or error}.") from error
    if arguments.json:
        # Named as it was given, as `predict` does.
        print_json({"out": str(out), **explained.to_json(), "image": str(arguments.image)})
        return 0
    print(explained.sentence)
    return 0
