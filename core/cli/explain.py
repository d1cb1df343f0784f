"""The command `explain`: what a run looks at in a picture."""

import argparse
from pathlib import Path

from core.cli.output import print_json
from core.cli.predict import CROP_NAMES, read_picture
from core.engine.client import Engine
from core.engine.explanation import METHODS
from core.engine.heat_map import render_explanation
from core.errors import UserError
from core.store.store import Store
from core.system.files import write_bytes
from core.workspace import Workspace


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add this module's command to the parser."""
    explain = commands.add_parser("explain", help="show what a run looks at in a picture")
    explain.add_argument("--run", metavar="RUN", required=True)
    explain.add_argument("image", metavar="IMAGE", type=Path)
    explain.add_argument("--method", choices=METHODS, required=True)
    explain.add_argument(
        "--layer", metavar="NAME", help="convolution layer for grad-cam (default: the last one)"
    )
    explain.add_argument(
        "--class", dest="class_name", metavar="NAME", help="class to explain (default: the network's answer)"
    )
    explain.add_argument(
        "--crop",
        choices=CROP_NAMES,
        help="how the picture gets the network's shape (default: as in training)",
    )
    explain.add_argument("--out", metavar="PATH", type=Path, required=True, help="PNG file to write")
    explain.add_argument("--json", action="store_true", help="print one JSON document")
    explain.set_defaults(handle=_explain)


def _explain(arguments: argparse.Namespace) -> int:
    workspace = Workspace.from_environment().ensure()
    run = Store(workspace).get_run(arguments.run)
    picture, out = read_picture(arguments.image), arguments.out
    engine = Engine(workspace)
    try:
        explained = engine.explain(
            run.id, arguments.image.name, picture, arguments.method, arguments.layer, arguments.class_name,
            CROP_NAMES.get(arguments.crop),
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
