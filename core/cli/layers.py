"""Commands about what is inside a run's network: layers, histograms."""

import argparse
from pathlib import Path
from typing import Any

import numpy as np

from core.cli.inspection import one_engine
from core.cli.output import print_json, print_table, progress_line
from core.cli.predict import CROP_NAMES
from core.engine.calculation import digits
from core.engine.client import Engine
from core.engine.layers import DeadUnits
from core.errors import UserError
from core.importing.picture_files import read_picture
from core.inspection.answers import BEST
from core.inspection.histograms import findings, histograms_document, histograms_of
from core.inspection.layers import network_document, picture_document, stored_picture
from core.store.records import Run
from core.store.store import Store
from core.system.files import write_bytes
from core.system.frames import Pixels
from core.workspace import Workspace

MOST_PRINTED = 20


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add this module's commands to the parser."""
    layers = commands.add_parser(
        "layers", help="show what is inside a run's network, and what it makes of a picture"
    )
    layers.add_argument("--run", metavar="RUN", required=True)
    picture = layers.add_mutually_exclusive_group()
    picture.add_argument("image", metavar="IMAGE", type=Path, nargs="?")
    picture.add_argument(
        "--index", type=int, metavar="N", help="the picture in this row of the data set's test arrays, from 0"
    )
    layers.add_argument("--layer", metavar="NAME", help="what this layer gives for the picture")
    layers.add_argument(
        "--at", metavar="PLACE",
        help="how one number of the layer comes about: row,column,channel, or unit, from 0",
    )  # fmt: skip
    layers.add_argument("--epoch", metavar="N|best|last", default=BEST, help="the weights (default: best)")
    layers.add_argument("--crop", choices=CROP_NAMES, help="how IMAGE gets the network's shape")
    layers.add_argument("--out", metavar="PATH", type=Path, help="PNG file to write: all maps of the layer")
    layers.add_argument("--json", action="store_true", help="print one JSON document")
    layers.set_defaults(handle=_layers)
    histograms = commands.add_parser(
        "histograms", help="how weights, activations and gradients changed over a run's epochs"
    )
    histograms.add_argument("--run", metavar="RUN", required=True)
    histograms.add_argument("--json", action="store_true", help="print one JSON document")
    histograms.set_defaults(handle=_histograms)


def _layers(arguments: argparse.Namespace) -> int:
    workspace = Workspace.from_environment().ensure()
    run = Store(workspace).get_run(arguments.run)
    has_picture = arguments.image is not None or arguments.index is not None
    for name, value in (("--layer", arguments.layer), ("--out", arguments.out), ("--at", arguments.at)):
        if value is not None and not has_picture:
            raise UserError(f"{name} needs a picture: name a file, or a row of the data set with --index.")
        if value is not None and arguments.layer is None:
            raise UserError(f"{name} needs a layer: name one with --layer.")
    with one_engine(workspace) as engine:
        if not has_picture:
            document, dead = network_document(workspace, engine, run, arguments.epoch, _advance)
        else:
            pixels = _pixels(arguments, workspace, engine, run)
            document, sheet = picture_document(
                workspace, engine, run, arguments.epoch, pixels, arguments.layer, arguments.at
            )
            if arguments.out is not None and sheet is not None:
                _write(arguments.out, sheet)
                document["out"] = str(arguments.out)
    if arguments.json:
        print_json(document)
    elif has_picture:
        _print_picture(document)
    else:
        _print_layers(document["layers"], dead)
    return 0


def _pixels(arguments: argparse.Namespace, workspace: Workspace, engine: Engine, run: Run) -> Pixels:
    if arguments.index is not None:
        return stored_picture(workspace, run, arguments.index)
    picture = arguments.image.name, read_picture(arguments.image)
    (answer,) = engine.predict(run.id, [picture], CROP_NAMES.get(arguments.crop))
    if answer.error or answer.seen is None:
        raise UserError(answer.error or f"{arguments.image.name} cannot be read.")
    return answer.seen


def _write(path: Path, sheet: bytes) -> None:
    try:
        write_bytes(path, sheet)
    except OSError as error:
        raise UserError(f"{path} cannot be written: {error.strerror or error}.") from error


def _advance(done: int, of: int) -> None:
    progress_line(f"Looking for dead units: {done:,} of {of:,} pictures")


def _print_layers(layers: list[dict[str, Any]], dead: DeadUnits) -> None:
    rows = [
        (
            each["name"], each["kind"], "×".join(map(str, each["output_shape"])), f"{each['parameters']:,}",
            len(dead.dead[each["name"]]) if each["name"] in dead.dead else None,
        )
        for each in layers
    ]  # fmt: skip
    print_table(("layer", "kind", "output", "parameters", "dead"), rows)
    for found in dead.of:
        if dead.dead[found.name]:
            print(f"{dead.in_words(found)}: 0 in all of {dead.pictures:,} validation pictures.")


def _print_picture(document: dict[str, Any]) -> None:
    if "layers" in document:
        rows = [
            (each["layer"], "×".join(map(str, each["output_shape"])), _largest(each), each["silent"])
            for each in document["layers"]
        ]
        print_table(("layer", "output", "largest", "channels at 0"), rows)
        return
    order = np.argsort([-abs(each["max"] or 0) for each in document["channels"]], kind="stable")[
        :MOST_PRINTED
    ]
    channels = [document["channels"][place] for place in order]
    print_table(
        ("channel", "mean", "max"),
        [(each["channel"], _short(each["mean"]), _short(each["max"])) for each in channels],
    )
    if "calculation" in document:
        print(f"{digits(document['calculation']['value'])}: {document['calculation']['sentence']}")


def _largest(layer: dict[str, Any]) -> str | None:
    known = [each["max"] for each in layer["channels"] if each["max"] is not None]
    return _short(max(known)) if known else None


def _short(value: float | None) -> str | None:
    return None if value is None else digits(value)


def _histograms(arguments: argparse.Namespace) -> int:
    workspace = Workspace.from_environment().ensure()
    run = Store(workspace).get_run(arguments.run)
    with one_engine(workspace) as engine:
        found = histograms_of(
            workspace, engine, run, lambda done, of: progress_line(f"{done} of {of} epochs")
        )
    if arguments.json:
        print_json(histograms_document(run.id, found))
        return 0
    rows = [
        (each.part, each.layer, *(_short(epoch.of(each.part)[each.layer].rms) for epoch in found))
        for each in found[-1].distributions
    ]
    print("Root mean square, by epoch:")
    print_table(("numbers", "layer", *(str(each.epoch) for each in found)), rows)
    for sentence in findings(found):
        print(sentence)
    return 0
