"""Commands about runs: train, runs, show, fork, stop, resume, rename."""

import argparse
import datetime
import sys
from dataclasses import asdict
from typing import Any

import numpy as np

from core.cli.arguments import add_config_arguments, config_from, parse_assignment
from core.cli.interventions import print_interventions
from core.cli.output import print_json, print_table
from core.cli.waiting import wait_until
from core.datasets.class_counts import count_notes
from core.datasets.identity import data_problem
from core.formatting import percent, points
from core.runs import control
from core.runs.breakdown import (
    balanced_in_words,
    breakdown_document,
    class_names_of,
    memorised_in_words,
    why_no_breakdown,
)
from core.runs.documents import run_detail
from core.runs.start import fork_or_share_experiment, start_or_share_experiment
from core.runs.trouble import trouble_of
from core.runs.verdicts import class_counts_of, summaries_of, verdict_of
from core.scheduling.worker_log import output_tail
from core.store.breakdowns import Followed
from core.store.records import Run, RunRequest
from core.store.reuse import Queued
from core.store.states import RunState
from core.store.store import Store
from core.workspace import Workspace


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add this module's commands to the parser."""
    train = commands.add_parser("train", help="start a run")
    add_config_arguments(train)
    train.add_argument("--name", metavar="TEXT", help="what to call the run")
    _add_reuse_argument(train, "an identical run")
    train.add_argument("--wait", action="store_true", help="wait until the run has ended and report progress")
    train.add_argument("--json", action="store_true", help="print one JSON document")
    train.set_defaults(handle=_train)

    listing = commands.add_parser("runs", help="list the runs, newest first")
    listing.add_argument("--json", action="store_true", help="print one JSON document")
    listing.set_defaults(handle=_runs)

    show = commands.add_parser("show", help="state, config and every curve of a run")
    show.add_argument("run", metavar="RUN")
    show.add_argument(
        "--log", action="store_true", help="print its messages and its process's output instead"
    )
    show.add_argument(
        "--details", action="store_true", help="print accuracy by class and followed pictures instead"
    )
    show.add_argument("--json", action="store_true", help="print one JSON document")
    show.set_defaults(handle=_show)

    fork = commands.add_parser(
        "fork", help="train a run again with some settings changed, from the same initial weights"
    )
    fork.add_argument("run", metavar="RUN")
    fork.add_argument(
        "--set", metavar="PATH=VALUE", action="append", required=True, dest="values",
        help="what to change, such as augmentation.rotation_degrees=20; VALUE is JSON; may be repeated",
    )  # fmt: skip
    fork.add_argument("--name", metavar="TEXT", help="what to call the fork")
    _add_reuse_argument(fork, "an identical fork of the same run")
    fork.add_argument("--wait", action="store_true", help="wait until the run has ended and report progress")
    fork.add_argument("--json", action="store_true", help="print one JSON document")
    fork.set_defaults(handle=_fork)

    for name, action, text in (
        ("stop", control.stop_run, "end a run and keep what it has learned"),
        ("resume", control.resume_run, "resume a paused, stopped, interrupted or failed run"),
    ):
        command = commands.add_parser(name, help=text)
        command.add_argument("run", metavar="RUN")
        command.add_argument("--wait", action="store_true", help="wait until the run has ended")
        command.add_argument("--json", action="store_true", help="print one JSON document")
        command.set_defaults(handle=_change, action=action)

    rename = commands.add_parser("rename", help="rename a run")
    rename.add_argument("run", metavar="RUN")
    rename.add_argument("name", metavar="NAME")
    rename.set_defaults(handle=_rename)


def _add_reuse_argument(parser: argparse.ArgumentParser, what: str) -> None:
    parser.add_argument(
        "--reuse", action="store_true",
        help=f"if {what} has finished or is under way, take it instead of starting another",
    )  # fmt: skip


def _train(arguments: argparse.Namespace) -> int:
    workspace = Workspace.from_environment().ensure()
    request = RunRequest(config_from(arguments), arguments.name, arguments.preset)
    queued = start_or_share_experiment(workspace, request, reuse=arguments.reuse)
    return _report_queued(arguments, workspace, queued)


def _report_queued(arguments: argparse.Namespace, workspace: Workspace, queued: Queued) -> int:
    if queued.is_shared:
        print("An identical run exists already, so no other one was started.", file=sys.stderr)
    return report(workspace, queued.run, wait=arguments.wait, as_json=arguments.json, shared=queued.is_shared)


def _runs(arguments: argparse.Namespace) -> int:
    with Store(Workspace.from_environment().ensure()) as store:
        runs = store.list_runs()
        if arguments.json:
            print_json(summaries_of(store, runs))
            return 0
    if not runs:
        print("No runs yet. Start one: python -m core train --preset tiny --dataset shapes")
    else:
        uneven = any(run.uneven_classes for run in runs)
        header = (
            "RUN",
            "NAME",
            "STATE",
            "DATA SET",
            "EPOCHS",
            "BEST VALIDATION",
            *["BALANCED"][:uneven],
            "GAP",
        )
        print_table(header, [_row(run, uneven) for run in runs])
        for run in runs:
            if problem := trouble_of(store.workspace, run):
                print(f"\n{run.name} ({run.id}): {problem}")
    return 0


def _row(run: Run, with_balanced: bool) -> tuple[object, ...]:
    epochs = f"{run.epoch}/{run.total_epochs}"
    accuracies = [percent(run.best_val_accuracy)]
    if with_balanced:
        accuracies.append(percent(run.balanced_where_uneven))
    return run.id, run.name, run.state, run.dataset, epochs, *accuracies, points(run.gap)


def _show(arguments: argparse.Namespace) -> int:
    store = Store(Workspace.from_environment().ensure())
    run = store.get_run(arguments.run)
    if arguments.log:
        return _print_log(store, run, as_json=arguments.json)
    if arguments.details:
        print_details(store, run, as_json=arguments.json)
        return 0
    _print_run(store, run, as_json=arguments.json)
    return 0


def _change(arguments: argparse.Namespace) -> int:
    workspace = Workspace.from_environment().ensure()
    run = arguments.action(workspace, arguments.run)
    return report(workspace, run, wait=arguments.wait, as_json=arguments.json)


def _rename(arguments: argparse.Namespace) -> int:
    run = control.rename_run(Workspace.from_environment().ensure(), arguments.run, arguments.name)
    print(f"{run.id} is now called {run.name}.")
    return 0


def report(workspace: Workspace, run: Run, *, wait: bool, as_json: bool, shared: bool | None = None) -> int:
    """Print a run, with `wait` once it has ended. Returns the exit code.

    `shared`: whether it was there before this command; None where that was not asked.
    """
    store = Store(workspace)
    if wait:
        run = _wait_for(workspace, store, run)
    if as_json or wait:
        _print_run(store, run, as_json=as_json, shared=shared)
    else:
        print(f"{run.name}: {run.state}, id {run.id}.")
    return 1 if wait and run.state in (RunState.FAILED, RunState.INTERRUPTED) else 0


def _wait_for(workspace: Workspace, store: Store, run: Run) -> Run:
    return wait_until(
        lambda found: found.state.is_finished,
        lambda: store.get_run(run.id),
        lambda found: _progress(workspace, found),
        workspace=workspace,
        if_left=""
        if run.stop_requested
        else f"The run continues; stop it with: python -m core stop {run.id}",
    )


def _progress(workspace: Workspace, run: Run) -> str | None:
    if run.state.is_finished:
        return None  # the run is printed instead
    if problem := trouble_of(workspace, run):
        return f"{run.name} ({run.id}): {problem}"
    best = f", best validation accuracy {percent(run.best_val_accuracy)}" if run.epoch else ""
    text = f"{run.name} ({run.id}): {run.state}, {run.epoch} of {run.total_epochs} epochs{best}"
    # In a log, a line per epoch is enough.
    if run.total_batches and sys.stderr.isatty():
        text += f", batch {run.batch} of {run.total_batches}"
    return text


def _print_run(store: Store, run: Run, *, as_json: bool, shared: bool | None = None) -> None:
    curves = store.curves(run.id)
    history = store.interventions.history(run.id)
    diagnosis, problem = verdict_of(store, run, curves), trouble_of(store.workspace, run)
    counts = class_counts_of(store.workspace, run)
    if as_json:
        answer = {} if shared is None else {"shared": shared}
        print_json(run_detail(run, curves, diagnosis, history, problem, counts) | answer)
        return
    print(f"{run.name} ({run.id}): {run.state}")
    facts = [
        ("data set", run.dataset),
        ("data", data_problem(store.workspace, run)),
        ("device", run.device),
        ("epochs", f"{run.epoch} of {run.total_epochs}"),
        ("pictures", " ".join(count_notes(counts or ())) or None),
    ]
    facts += [("problem", problem), ("error", run.error), ("next step", run.next_step)]
    for name, value in facts:
        if value is not None:
            print(f"  {name}: {value}")
    if curves["epoch"]:
        print()
        header = ("EPOCH", "TRAIN", "CLEAN TRAIN", "VALIDATION", "TRAIN LOSS", "VALIDATION LOSS", "SECONDS")
        print_table(header, [_epoch_row(curves, index) for index in range(len(curves["epoch"]))])
        balanced = balanced_in_words(run)
        print(
            f"\nBest: epoch {run.best_epoch}, validation accuracy {percent(run.best_val_accuracy)}{balanced}."
        )
        print(f"{diagnosis.headline}. {diagnosis.evidence}")
    print_interventions(history)


def _print_log(store: Store, run: Run, *, as_json: bool) -> int:
    lines, output = store.log(run.id), output_tail(store.workspace, run)
    if as_json:
        print_json({"log": [asdict(line) for line in lines], "output": output})
        return 0
    for line in lines:
        stamp = datetime.datetime.fromtimestamp(line.time).astimezone().isoformat(" ", "seconds")
        print(f"{stamp}  {'' if line.level == 'info' else line.level + ': '}{line.text}")
    if output:
        print(f"\nOutput of the training process:\n{output}")
    return 0


def _epoch_row(curves: dict[str, list[Any]], index: int) -> tuple[object, ...]:
    accuracies = (percent(curves[f"{part}_accuracy"][index]) for part in ("train", "clean_train", "val"))
    losses = (_rounded(curves[f"{part}_loss"][index], 4) for part in ("train", "val"))
    return curves["epoch"][index], *accuracies, *losses, _rounded(curves["seconds"][index], 1)


def _rounded(value: float | None, digits: int) -> str | None:
    return None if value is None else f"{value:.{digits}f}"


def print_details(store: Store, run: Run, *, as_json: bool) -> None:
    """All epochs as JSON, or how it stands after the last one."""
    details = store.breakdowns.read(run.id)
    if as_json:
        print_json(breakdown_document(store.workspace, run, details))
        return
    print(f"{run.name} ({run.id}): {run.state}")
    if details is None:
        print(why_no_breakdown(run))
        return
    names = class_names_of(store.workspace, run, details.num_classes)
    epoch = int(details.epochs[-1])
    print(f"\nClasses at epoch {epoch}, largest gap first")
    clean, validation, gap = details.clean.accuracy[-1], details.validation.accuracy[-1], details.gap[-1]
    rows = [
        (names[i], percent(_or_none(clean[i])), percent(_or_none(validation[i])), points(_or_none(gap[i])))
        for i in np.argsort(-np.nan_to_num(gap, nan=-np.inf), kind="stable")
    ]
    print_table(("CLASS", "CLEAN TRAIN", "VALIDATION", "GAP"), rows)
    if details.corrupted:
        print(f"\n{memorised_in_words(epoch, details.corrupted)}")
    for title, followed in (
        ("training", details.training_pictures),
        ("validation", details.validation_pictures),
    ):
        print(f"\nFollowed {title} pictures, most often forgotten first")
        header = ("PICTURE", "LABEL", "ANSWER", "PROBABILITY OF LABEL", "LEARNED", "FORGOTTEN")
        print_table(header, [_picture(followed, index, names) for index in followed.most_forgotten_first])


def _picture(followed: Followed, index: int, names: tuple[str, ...]) -> tuple[object, ...]:
    label, true = names[followed.labels[index]], names[followed.true_labels[index]]
    return (
        index + 1,
        label if label == true else f"{label} (really {true})",
        names[followed.answers[-1, index]],
        percent(followed.probabilities[-1, index]),
        followed.learned[index],
        followed.forgotten[index],
    )


def _or_none(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _fork(arguments: argparse.Namespace) -> int:
    workspace = Workspace.from_environment().ensure()
    values = dict(parse_assignment(text) for text in arguments.values)
    queued = fork_or_share_experiment(workspace, arguments.run, values, arguments.name, reuse=arguments.reuse)
    return _report_queued(arguments, workspace, queued)
