"""The command `report`: all that is known of a run as one HTML file."""

import argparse
import time
from pathlib import Path

from core.cli.inspection import advance, one_engine
from core.cli.output import print_json
from core.errors import UserError
from core.report.contents import report_of, summary
from core.report.render import render_report
from core.store.store import Store
from core.system.files import write_bytes
from core.workspace import Workspace


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add this module's command to the parser."""
    reporting = commands.add_parser("report", help="write all that is known of a run as one HTML file")
    reporting.add_argument("run", metavar="RUN")
    reporting.add_argument("--out", metavar="PATH", type=Path, required=True, help="HTML file to write")
    reporting.add_argument("--json", action="store_true", help="print one JSON document")
    reporting.set_defaults(handle=_report)


def _report(arguments: argparse.Namespace) -> int:
    workspace, out = Workspace.from_environment().ensure(), arguments.out
    store = Store(workspace)
    run = store.get_run(arguments.run)

    def tell(what: str, done: int, of: int) -> None:
        advance(done, of, f"({what.lower()})")

    with one_engine(workspace) as engine:
        report = report_of(workspace, store, engine, run, time.time(), tell)
    try:
        write_bytes(out, render_report(report).encode())
    except OSError as error:
        raise UserError(f"{out} cannot be written: {error.strerror or error}.") from error
    if arguments.json:
        print_json({"out": str(out), **summary(report)})
        return 0
    print(f"{run.name}: its report was written to {out} ({out.stat().st_size / 1e6:.1f} MB).")
    return 0
