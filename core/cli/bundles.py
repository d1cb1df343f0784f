"""A run as a bundle, for another computer; and the command that takes one in, or what other tools have recorded."""

import argparse
from pathlib import Path

from core.bundles.arrivals import Wishes, import_any, runs_in_words
from core.bundles.packing import export_bundle
from core.cli.output import in_minutes, print_json
from core.engine.client import Engine
from core.export.formats import BUNDLE
from core.foreign.reading import FORMATS, Given
from core.runs.documents import run_summary
from core.store.records import Run
from core.store.store import Store
from core.workspace import Workspace


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add this module's command to the parser."""
    taken = commands.add_parser(
        "import", help="add a run from a bundle, or the curves that another tool has recorded"
    )
    taken.add_argument(
        "paths", metavar="PATH", type=Path, nargs="+",
        help="a bundle; or event files of TensorBoard, CSV, JSON, JSON lines, folders or zips of them",
    )  # fmt: skip
    taken.add_argument(
        "--format", choices=FORMATS, dest="file_format", help="what the files are, else told by content"
    )
    taken.add_argument("--name", help="what the run is called")
    taken.add_argument(
        "--validation-pictures",
        type=int,
        metavar="N",
        help="on how many pictures its validation rests, for the verdict",
    )
    taken.add_argument("--json", action="store_true", help="print one JSON document")
    taken.set_defaults(handle=_import)


def write_bundle(
    workspace: Workspace, store: Store, engine: Engine, run: Run, out: Path, *, as_json: bool
) -> int:
    """What `export --format bundle` does."""
    packed = export_bundle(workspace, store, engine, run.id, out)
    if as_json:
        document = {"run": run.id, "format": BUNDLE.name, "path": str(packed.path), "bytes": packed.bytes}
        print_json({**document, "model_card": packed.card})
        return 0
    print(f"{run.name}: bundle written to {packed.path} ({packed.bytes / 1e6:.2f} MB).")
    print("It holds settings, curves, log, note, tags, weights, receipts and a model card; no pictures.")
    print(f"On another computer: python -m core import {packed.path.name}")
    return 0


def _import(arguments: argparse.Namespace) -> int:
    workspace = Workspace.from_environment().ensure()
    store = Store(workspace)
    wishes = Wishes(arguments.file_format, arguments.name, arguments.validation_pictures)
    given = [Given(path, _called(path)) for path in arguments.paths]
    runs = import_any(workspace, store, given, wishes)
    notes = runs_in_words(workspace, store, runs)
    if arguments.json:
        print_json({**run_summary(runs[0]), "notes": notes, "runs": [run.id for run in runs]})
        return 0
    for run in runs:
        origin = run.origin
        assert origin is not None
        if origin.tool is not None:
            print(f"“{run.name}” imported as {run.id} from {origin.tool}.")
        elif origin.exported_at is not None:
            print(
                f"“{run.name}” imported as {run.id}, exported {in_minutes(origin.exported_at)} as {origin.run}."
            )
    for sentence in notes:
        print(f"- {sentence}")
    return 0


def _called(path: Path) -> str:
    """With the folders of a file that is no zip: `run/train` and `run/validation` tell what is in it."""
    return path.name or str(path) if path.is_dir() or path.suffix == ".zip" else "/".join(path.parts[-3:])
