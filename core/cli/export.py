"""The command that writes a run's best model to a file for use elsewhere, or a script that trains it again."""

import argparse
import sys
from pathlib import Path

from core.cli.bundles import write_bundle
from core.cli.output import print_json
from core.engine.client import Engine
from core.engine.exporting import ExportedModel
from core.errors import UserError
from core.export.formats import BUNDLE, CHOICES, FORMATS, SCRIPT
from core.export.netron_server import INSTALL, NetronServer, is_installed
from core.inspection.run_export import export_run
from core.inspection.run_script import script_of
from core.store.records import Run
from core.store.store import Store
from core.workspace import Workspace


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add this module's command to the parser."""
    export = commands.add_parser(
        "export", help="write a run's best model, a script, or all of it to a bundle"
    )
    export.add_argument("run", metavar="RUN")
    export.add_argument("--format", choices=list(CHOICES), required=True, dest="export_format")
    export.add_argument("--out", metavar="PATH", type=Path, required=True)
    export.add_argument(
        "--view", action="store_true", help="show the model in Netron, on this computer alone, until Ctrl-C"
    )
    export.add_argument("--json", action="store_true", help="print one JSON document")
    export.set_defaults(handle=_export)


def _export(arguments: argparse.Namespace) -> int:
    workspace = Workspace.from_environment().ensure()
    store = Store(workspace)
    run = store.get_run(arguments.run)
    if arguments.view:
        _check_view(arguments.export_format)
    if arguments.export_format == SCRIPT.name:
        return _write_script(arguments, workspace, store, run)
    engine = Engine(workspace)
    out = arguments.out.resolve()
    try:
        if arguments.export_format == BUNDLE.name:
            return write_bundle(workspace, store, engine, run, out, as_json=arguments.json)
        made = export_run(workspace, engine, run, arguments.export_format, out)
    finally:
        engine.close()
    if arguments.json:
        print_json(made.to_json())
    else:
        _print_export(run, made)
    if arguments.view:
        _view(made.path)
    return 0 if made.receipt.passed else 1


def _check_view(export_format: str) -> None:
    """Before anything is written. Raises UserError."""
    if export_format in (SCRIPT.name, BUNDLE.name):
        raise UserError(
            f"--view shows a model, and {export_format} is none. Leave it out, or choose {', '.join(FORMATS)}."
        )
    if not is_installed():
        raise UserError(f"--view needs netron, which is not installed. Install with: .venv/bin/{INSTALL}")


def _view(path: Path) -> None:
    server = NetronServer()
    try:
        print(f"Netron shows it at {server.open(path)} until you press Ctrl-C.", file=sys.stderr, flush=True)
        server.wait()
    except KeyboardInterrupt:
        pass
    finally:
        server.close()


def _write_script(arguments: argparse.Namespace, workspace: Workspace, store: Store, run: Run) -> int:
    out: Path = arguments.out.resolve()
    target = out if out.suffix == SCRIPT.suffix else out.with_name(out.name + SCRIPT.suffix)
    script = script_of(workspace, store, run, target.name)
    try:
        size = target.write_bytes(script.text.encode())
    except OSError as error:
        raise UserError(f"{target} cannot be written: {error.strerror}.") from error
    if arguments.json:
        print_json(
            {
                "path": str(target), "format": SCRIPT.name, "bytes": size, "receipt": None,
                "differences": list(script.differences),
            }
        )  # fmt: skip
        return 0
    print(f"{run.name}: a script that trains its network again was written to {target}.")
    print(f"Start it with: python {target}")
    for sentence in script.differences:
        print(f"Not as in the run: {sentence}")
    return 0


def _print_export(run: Run, made: ExportedModel) -> None:
    receipt = made.receipt
    print(f"{run.name}: best model written to {made.path} ({made.bytes / 1e6:.2f} MB).")
    print(f"Parity receipt: {'passed' if receipt.passed else 'FAILED'}. {receipt.sentence}")
    if receipt.milliseconds is not None:
        print(f"One picture takes {receipt.milliseconds:.2g} ms here.")
    for sentence in made.sentences:
        print(sentence)
    print(f"All of this is also in {made.recipe_path.name} beside it, and in the file itself.")
    print(f"\nA picture asked about in Python:\n\n{made.snippet}")
    print(f"\nThe answers of predict in Python:\n\n{made.python}")
