"""`example`: trains the finished run that comes with ConvDeck again."""

import argparse
import tempfile
from pathlib import Path

from core.cli.output import end_progress, print_json
from core.cli.waiting import wait_until
from core.design.presets import quick_start
from core.errors import ConvDeckError
from core.formatting import percent
from core.onboarding.example import EXAMPLE_FILE, EXAMPLE_NAME, EXAMPLE_PRESET, write_example
from core.runs.verdicts import verdict_of
from core.scheduling.launcher import LocalLauncher
from core.store.records import Run, RunRequest
from core.store.states import RunState
from core.store.store import Store
from core.system.devices import list_devices
from core.workspace import Workspace

POLL_SECONDS = 0.2


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add this module's commands to the parser."""
    example = commands.add_parser(
        "example", help="train the run that comes with ConvDeck again and write it to a file"
    )
    example.add_argument("--out", metavar="PATH", type=Path, default=EXAMPLE_FILE)
    example.add_argument("--json", action="store_true", help="print one JSON document")
    example.set_defaults(handle=_example)


def _example(arguments: argparse.Namespace) -> int:
    out: Path = arguments.out.resolve()
    # A workspace of its own: it takes no place in a queue, and is deleted afterwards.
    with tempfile.TemporaryDirectory() as folder:
        workspace = Workspace(Path(folder).resolve()).ensure()
        with Store(workspace) as store:
            run = _train(workspace, store)
            curves = store.curves(run.id)
            details = store.breakdowns.details(run.id)
            write_example(run, curves, details, workspace.run_folder(run.id), out)
            verdict = verdict_of(store, run, curves)
    size = out.stat().st_size
    if arguments.json:
        print_json({"path": str(out), "bytes": size, "verdict": verdict.to_dict()})
    else:
        print(f"{out}: {size:,} bytes, best validation {percent(run.best_val_accuracy)}. {verdict.headline}.")
    return 0


def _train(workspace: Workspace, store: Store) -> Run:
    """The finished run, trained by a worker as any other. Raises ConvDeckError when it did not finish."""
    config = quick_start(EXAMPLE_PRESET, has_cifar10=False, has_gpu=False)
    device = list_devices().devices[0]
    run = store.claim(store.queue_run(RunRequest(config, EXAMPLE_NAME, EXAMPLE_PRESET)).id, [device.id])
    worker = LocalLauncher(workspace).launch(run, [device])
    try:
        wait_until(
            lambda _: worker.poll() is not None,
            lambda: store.get_run(run.id),
            lambda found: f"epoch {found.epoch} of {found.total_epochs}",
            workspace=None,
            poll_seconds=POLL_SECONDS,
        )
    finally:
        worker.signal("kill")
        end_progress()
    run = store.get_run(run.id)
    if run.state is not RunState.FINISHED:
        raise ConvDeckError(run.error or "The training ended before it had finished.")
    return run
