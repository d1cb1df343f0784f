"""A run as a bundle, for another computer; and the command that takes one in."""

import argparse
from pathlib import Path

from core.bundles.importing import import_bundle, imported_in_words
from core.bundles.packing import export_bundle
from core.cli.output import in_minutes, print_json
from core.engine.client import Engine
from core.export.formats import BUNDLE
from core.runs.documents import run_summary
from core.store.records import Run
from core.store.store import Store
from core.workspace import Workspace


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add this module's command to the parser."""
    taken = commands.add_parser("import", help="add a run from a bundle that export has written elsewhere")
    taken.add_argument("path", metavar="PATH", type=Path)
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
    run = import_bundle(workspace, Store(workspace), arguments.path)
    notes = imported_in_words(workspace, run)
    if arguments.json:
        print_json({**run_summary(run), "notes": notes})
        return 0
    origin = run.origin
    assert origin is not None
    print(f"“{run.name}” imported as {run.id}, exported {in_minutes(origin.exported_at)} as {origin.run}.")
    for sentence in notes:
        print(f"- {sentence}")
    return 0
