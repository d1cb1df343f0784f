"""The command `share`: a run or a study as one interactive HTML file that opens offline."""

import argparse
import time
from pathlib import Path

from core.cli.output import print_json
from core.errors import UserError
from core.report.shared_page import find_shared, share_run, share_study
from core.store.records import Run
from core.store.store import Store
from core.system.files import write_bytes
from core.workspace import Workspace


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add this module's command to the parser."""
    sharing = commands.add_parser("share", help="write a run or a study as one interactive HTML file")
    sharing.add_argument("id", metavar="RUN|STUDY", help="the id of a run or of a study")
    sharing.add_argument("--out", metavar="PATH", type=Path, required=True, help="HTML file to write")
    sharing.add_argument("--json", action="store_true", help="print one JSON document")
    sharing.set_defaults(handle=_share)


def _share(arguments: argparse.Namespace) -> int:
    workspace, out = Workspace.from_environment().ensure(), arguments.out
    with Store(workspace) as store:
        shared = find_shared(store, arguments.id)
        if isinstance(shared, Run):
            text = share_run(workspace, store, shared, time.time())
        else:
            text = share_study(workspace, store, shared.id, time.time())
    data = text.encode()
    try:
        write_bytes(out, data)
    except OSError as error:
        raise UserError(f"{out} cannot be written: {error.strerror or error}.") from error
    kind = "run" if isinstance(shared, Run) else "study"
    if arguments.json:
        print_json({"out": str(out), "kind": kind, "id": shared.id, "bytes": len(data)})
        return 0
    print(
        f"{shared.name}: this {kind} was written to {out} ({len(data) / 1e3:.0f} kB). It opens in any browser."
    )
    return 0
