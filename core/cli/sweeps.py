"""Commands about sweeps: start one from a file, list, show, pause, resume, stop, delete, extend, confirm."""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from core.cli.arguments import parse_assignment, read_text
from core.cli.output import end_progress, print_json, print_table, progress_line
from core.cli.sweep_results import print_estimate, print_report
from core.cli.waiting import wait_until
from core.config import parse_json
from core.errors import ConfigError
from core.formatting import count_of
from core.preflight.measurement import run_preflight
from core.store.store import Store
from core.store.sweeps import Sweep
from core.sweeps.control import change_sweep, delete_sweep, pause_sweep, resume_sweep, stop_sweep
from core.sweeps.estimate import Pace, earlier_pace, estimate_sweep
from core.sweeps.report import read_report, sweep_summary
from core.sweeps.spec import SweepSpec
from core.sweeps.start import CONFIRM_SEEDS, add_trial, confirm_sweep, parse_sweep, start_sweep
from core.system.devices import list_devices
from core.workspace import Workspace


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add this module's commands to the parser."""
    sweep = commands.add_parser("sweep", help="search over settings, as a file says")
    sweep.add_argument(
        "file",
        metavar="FILE",
        type=Path,
        help="what to search, as JSON; docs/sweeps/kernel-sizes.json is an example",
    )
    sweep.add_argument("--name", metavar="TEXT", help="what to call the sweep")
    sweep.add_argument(
        "--estimate", action="store_true", help="only count the trials and say how long they take"
    )
    sweep.set_defaults(handle=_start)

    listing = commands.add_parser("sweeps", help="list the sweeps, newest first")
    listing.set_defaults(handle=_sweeps)

    show = commands.add_parser("show-sweep", help="a sweep's trials and the best of them")
    show.set_defaults(handle=_show)
    pause = commands.add_parser("pause-sweep", help="start no new trials of a sweep until it is resumed")
    pause.set_defaults(handle=_change, action=pause_sweep)
    resume = commands.add_parser("resume-sweep", help="continue a paused, stopped or failed sweep")
    resume.set_defaults(handle=_change, action=resume_sweep)
    stop = commands.add_parser("stop-sweep", help="end a sweep and the runs that it started")
    stop.set_defaults(handle=_change, action=stop_sweep)

    change = commands.add_parser("change-sweep", help="another number of trials, or of trials at once")
    change.add_argument("--trials", metavar="N", type=int, help="the number of trials in all")
    change.add_argument(
        "--concurrency", metavar="N", type=_concurrency,
        help="the number of trials at once; 0: as many as there are devices",
    )  # fmt: skip
    change.add_argument("--name", metavar="TEXT", help="what to call the sweep")
    change.set_defaults(handle=_change_numbers)

    trial = commands.add_parser("add-trial", help="train a trial with values of your own")
    trial.add_argument(
        "--set", metavar="PATH=VALUE", action="append", default=[], dest="values",
        help="a value that is searched; VALUE is JSON; may be repeated; the others are as in the base config",
    )  # fmt: skip
    trial.set_defaults(handle=_add_trial)

    confirm = commands.add_parser("confirm-sweep", help="train the best three trials with fresh seeds")
    confirm.add_argument(
        "--seeds", metavar="N", type=int, default=CONFIRM_SEEDS,
        help=f"number of fresh seeds, 2 to 20 (default: {CONFIRM_SEEDS})",
    )  # fmt: skip
    confirm.set_defaults(handle=_confirm)

    for command in (show, pause, resume, stop, change, trial, confirm):
        command.add_argument("sweep", metavar="SWEEP")
    for command in (sweep, listing, show, pause, resume, stop, change, trial, confirm):
        command.add_argument("--json", action="store_true", help="print one JSON document")
    for command in (sweep, resume):
        command.add_argument("--wait", action="store_true", help="wait until the sweep has ended")
    confirm.add_argument("--wait", action="store_true", help="wait until every run has ended")

    delete = commands.add_parser(
        "delete-sweep", help="delete a sweep; its runs stay unless --with-runs is given"
    )
    delete.add_argument("sweep", metavar="SWEEP")
    delete.add_argument("--with-runs", action="store_true", help="also delete the runs that it started")
    delete.set_defaults(handle=_delete)


def _start(arguments: argparse.Namespace) -> int:
    workspace = Workspace.from_environment().ensure()
    asked = parse_json(read_text(arguments.file, "a sweep"), "sweep")
    with Store(workspace) as store:
        spec = parse_sweep(workspace, store, asked)
        if arguments.estimate:
            return _estimate(workspace, store, spec, as_json=arguments.json)
        sweep = start_sweep(workspace, spec, arguments.name or asked.get("name"))
        return _report(workspace, store, sweep, wait=arguments.wait, as_json=arguments.json)


def _estimate(workspace: Workspace, store: Store, spec: SweepSpec, *, as_json: bool) -> int:
    pace = earlier_pace(workspace, store, spec.base)
    if pace is None:
        found = run_preflight(workspace, spec.base, progress_line)
        end_progress()
        if found.epoch_seconds is not None:
            pace = Pace(spec.base, found.epoch_seconds, found.start_seconds or 0.0)
    estimate = estimate_sweep(workspace, store, spec, len(list_devices().devices), pace)
    if as_json:
        print_json(estimate.to_dict())
    else:
        print_estimate(estimate)
    return 0


def _sweeps(arguments: argparse.Namespace) -> int:
    sweeps = Store(Workspace.from_environment().ensure()).sweeps.list_sweeps()
    if arguments.json:
        print_json([sweep_summary(sweep) for sweep in sweeps])
    elif not sweeps:
        print("No sweeps yet. Start one from a file: python -m core sweep FILE")
    else:
        rows = [(each.id, each.name, each.state, f"{each.num_trials}/{each.planned}") for each in sweeps]
        print_table(("SWEEP", "NAME", "STATE", "TRIALS"), rows)
    return 0


def _show(arguments: argparse.Namespace) -> int:
    workspace = Workspace.from_environment().ensure()
    with Store(workspace) as store:
        return _report(
            workspace, store, store.sweeps.get(arguments.sweep), as_json=arguments.json, in_full=True
        )


def _change(arguments: argparse.Namespace) -> int:
    workspace = Workspace.from_environment().ensure()
    action: Callable[[Workspace, str], Any] = arguments.action
    action(workspace, arguments.sweep)
    with Store(workspace) as store:
        sweep = store.sweeps.get(arguments.sweep)
        wait = getattr(arguments, "wait", False)
        return _report(workspace, store, sweep, wait=wait, as_json=arguments.json)


def _change_numbers(arguments: argparse.Namespace) -> int:
    workspace = Workspace.from_environment().ensure()
    if arguments.trials is None and arguments.concurrency is None and arguments.name is None:
        raise ConfigError("", "Give --trials, --concurrency or --name: there is nothing to change.")
    changes = {"trials": arguments.trials, "concurrency": arguments.concurrency, "name": arguments.name}
    given = {key: value for key, value in changes.items() if value is not None}
    if arguments.concurrency == 0:
        given["concurrency"] = None
    change_sweep(workspace, arguments.sweep, given)
    with Store(workspace) as store:
        return _report(workspace, store, store.sweeps.get(arguments.sweep), as_json=arguments.json)


def _add_trial(arguments: argparse.Namespace) -> int:
    workspace = Workspace.from_environment().ensure()
    trial = add_trial(workspace, arguments.sweep, dict(parse_assignment(text) for text in arguments.values))
    with Store(workspace) as store:
        report = read_report(workspace, store, arguments.sweep)
    if arguments.json:
        print_json(report.to_dict()["trials"][trial.number])
    else:
        print(f"Trial {trial.number} of {report.sweep.name} is queued.")
    return 0


def _confirm(arguments: argparse.Namespace) -> int:
    workspace = Workspace.from_environment().ensure()
    added = confirm_sweep(workspace, arguments.sweep, arguments.seeds)
    with Store(workspace) as store:
        if arguments.wait:
            _wait_for_runs(workspace, store, arguments.sweep)
        report = read_report(workspace, store, arguments.sweep)
        if arguments.json:
            print_json(report.to_dict())
        elif arguments.wait:
            print_report(report)
        else:
            print(f"{report.sweep.name}: {added} runs with fresh seeds are queued.")
        complete = report.confirmation is not None and report.confirmation.is_complete
        return 1 if arguments.wait and not complete else 0


def _delete(arguments: argparse.Namespace) -> int:
    workspace = Workspace.from_environment().ensure()
    kept = delete_sweep(workspace, arguments.sweep, with_runs=arguments.with_runs)
    for sentence in kept:
        print(sentence, file=sys.stderr)
    if not kept:
        print(f"{arguments.sweep} is deleted.")
    return 1 if kept else 0


def _report(
    workspace: Workspace,
    store: Store,
    sweep: Sweep,
    *,
    wait: bool = False,
    as_json: bool,
    in_full: bool = False,
) -> int:
    """Print a sweep, with `wait` once it has ended. Returns the exit code."""
    if wait:
        _wait_for(workspace, store, sweep)
    report = read_report(workspace, store, sweep.id)
    if as_json:
        print_json(report.to_dict())
    elif wait or in_full:
        print_report(report)
    else:
        print(
            f"{report.sweep.name}: {report.sweep.planned} trials planned, {report.sweep.state}, id {sweep.id}."
        )
    return 1 if wait and (report.best is None or report.num_ended < report.sweep.planned) else 0


def _wait_for(workspace: Workspace, store: Store, sweep: Sweep) -> None:
    wait_until(
        lambda now: now.state.is_finished and not now.num_under_way,
        lambda: store.sweeps.get(sweep.id),
        lambda now: f"{now.name} ({now.id}): {now.num_trials} of {now.planned} trials, {_under_way(now)}",
        workspace=workspace,
        if_left=f"It continues; stop it with: python -m core stop-sweep {sweep.id}",
    )


def _wait_for_runs(workspace: Workspace, store: Store, sweep_id: str) -> None:
    wait_until(
        # One that lost its process is resumed in a moment.
        lambda now: not now.num_under_way and not store.sweeps.interrupted_confirmations(),
        lambda: store.sweeps.get(sweep_id),
        lambda now: f"{now.name} ({now.id}): {_under_way(now)}",
        workspace=workspace,
    )


def _under_way(sweep: Sweep) -> str:
    return f"{count_of(sweep.num_under_way, 'run')} waiting or running"


def _concurrency(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"takes a whole number, not {text[:60]!r}.") from None
