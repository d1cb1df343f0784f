"""Commands about studies: start one of each kind, list, show, stop, resume, delete."""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from core.cli.arguments import config_from, parse_assignment
from core.cli.output import print_json, print_table
from core.cli.study_results import print_result
from core.cli.waiting import wait_until
from core.store.store import Store
from core.store.studies import Member, Study
from core.studies.report import StudyReport, num_planned, read_report, study_summary
from core.studies.spec import (
    ABLATION,
    DEFAULT_MAX_SEEDS,
    KINDS,
    MODES,
    MOST_SEEDS,
    NOISE,
    SEEDS,
    SEEDS_AT_FIRST,
    SEEDS_OF,
    UNTIL_DECIDED,
    VOLUME,
    StudySource,
)
from core.studies.start import (
    base_fork,
    base_from_scratch,
    base_of_preset,
    base_of_run,
    complete_study,
    delete_study,
    make_spec,
    start_study,
    stop_study,
)
from core.studies.until_decided import expected_seeds
from core.workspace import Workspace

HELP = {
    SEEDS: "signal or noise? train one or two configs with several seeds",
    ABLATION: "which part of the augmentation does the work?",
    VOLUME: "how much do more training pictures help?",
    NOISE: "how much do wrong labels hurt?",
}


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add this module's commands to the parser."""
    study = commands.add_parser("study", help="several runs that answer one question")
    kinds = study.add_subparsers(dest="kind", required=True, metavar="KIND")
    for kind in KINDS:
        _add_kind(kinds.add_parser(kind, help=HELP[kind]), kind)

    listing = commands.add_parser("studies", help="list the studies, newest first")
    listing.add_argument("--json", action="store_true", help="print one JSON document")
    listing.set_defaults(handle=_studies)

    show = commands.add_parser("show-study", help="a study's runs and results")
    show.set_defaults(handle=_show)
    stop = commands.add_parser("stop-study", help="stop the runs that a study started")
    stop.set_defaults(handle=_change, action=stop_study)
    resume = commands.add_parser("resume-study", help="queue the missing runs of a study again")
    resume.set_defaults(handle=_resume)
    for command in (show, stop, resume):
        command.add_argument("study", metavar="STUDY")
        command.add_argument("--json", action="store_true", help="print one JSON document")
    resume.add_argument("--wait", action="store_true", help="wait until every run has ended")
    resume.add_argument(
        "--max-seeds",
        metavar="N",
        type=int,
        help="allow a study that adds seeds until it is decided this many",
    )

    delete = commands.add_parser(
        "delete-study", help="delete a study; its runs stay unless --with-runs is given"
    )
    delete.add_argument("study", metavar="STUDY")
    delete.add_argument("--with-runs", action="store_true", help="also delete the runs that it started")
    delete.set_defaults(handle=_delete)


def _add_kind(parser: argparse.ArgumentParser, kind: str) -> None:
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--preset", metavar="NAME", help="a named config")
    source.add_argument("--config", metavar="FILE", type=Path, help="a config as JSON")
    source.add_argument("--run", metavar="RUN", help="the config of this run")
    parser.add_argument("--dataset", metavar="NAME", help="train on this data set instead")
    parser.add_argument(
        "--set", metavar="PATH=VALUE", action="append", default=[], dest="values",
        help="replace one value of the config, or of both; VALUE is JSON; may be repeated",
    )  # fmt: skip
    if kind == SEEDS:
        other = parser.add_mutually_exclusive_group()
        other.add_argument("--against-preset", metavar="NAME", help="compare with a named config")
        other.add_argument("--against-run", metavar="RUN", help="compare with the config of this run")
        other.add_argument(
            "--against-scratch", action="store_true",
            help="compare a config that starts from another run's weights with the same from random weights",
        )  # fmt: skip
        parser.add_argument(
            "--against-set", metavar="PATH=VALUE", action="append", default=[],
            help="compare with a changed config: the one named, otherwise the first; may be repeated",
        )  # fmt: skip
        parser.add_argument(
            "--until-decided", action="store_true", default=None,
            help=f"begin with --seeds (default: {SEEDS_AT_FIRST[2]}) and add seeds until the difference is decided",
        )  # fmt: skip
        parser.add_argument(
            "--max-seeds", metavar="N", type=int,
            help=f"with --until-decided: seeds in all, up to {MOST_SEEDS} (default: {DEFAULT_MAX_SEEDS})",
        )  # fmt: skip
        parser.add_argument(
            "--smallest-difference", metavar="F", type=float,
            help="with --until-decided: also decided once the difference is surely smaller, such as 0.005 for half a "
            "point",
        )  # fmt: skip
    elif kind == ABLATION:
        parser.add_argument(
            "--mode", choices=MODES, action="append", dest="modes",
            help="leave out each transformation, or use each alone; give it twice for both (default: without)",
        )  # fmt: skip
    elif kind == VOLUME:
        parser.add_argument(
            "--sizes", metavar="N,N,…", type=_whole_numbers, help="numbers of training pictures"
        )
        parser.add_argument(
            "--num-sizes",
            metavar="N",
            type=int,
            help="number of sizes where --sizes is not given (default: 5)",
        )
    elif kind == NOISE:
        parser.add_argument(
            "--fractions",
            metavar="F,F,…",
            type=_fractions,
            help="fractions of wrong labels (default: 0,0.1,0.2,0.4)",
        )
    least, most, usual = SEEDS_OF[kind]
    parser.add_argument(
        "--seeds",
        metavar="N",
        type=int,
        dest="num_seeds",
        help=f"number of seeds, {least} to {most} (default: {usual})",
    )
    parser.add_argument("--name", metavar="TEXT", help="what to call the study")
    parser.add_argument(
        "--no-reuse", action="store_true", help="train every run again instead of reusing existing ones"
    )
    parser.add_argument("--wait", action="store_true", help="wait until every run has ended")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.set_defaults(handle=_start)


def _start(arguments: argparse.Namespace) -> int:
    workspace = Workspace.from_environment().ensure()
    asked = {
        key: getattr(arguments, key)
        for key in ("num_seeds", "modes", "sizes", "num_sizes", "fractions", *UNTIL_DECIDED)
        if getattr(arguments, key, None) is not None
    }
    with Store(workspace) as store:
        first = _first(store, arguments)
        second = _second(store, first, arguments) if arguments.kind == SEEDS else None
    spec = make_spec(workspace, arguments.kind, first, second, asked)
    study = start_study(workspace, spec, arguments.name, reuse=not arguments.no_reuse)
    if spec.until_decided and not arguments.json:
        with Store(workspace) as store:
            expected = expected_seeds(store, spec)
        if expected is not None:
            print(f"{expected.sentence} {expected.basis}")
    return _report(workspace, study, wait=arguments.wait, as_json=arguments.json)


def _first(store: Store, arguments: argparse.Namespace) -> StudySource:
    if arguments.run:
        return base_of_run(store, arguments.run, _values(arguments))
    if arguments.preset:
        return base_of_preset(arguments.preset, _values(arguments))
    is_given = "seed" in _values(arguments)
    return StudySource(_name_of(arguments.config), config_from(arguments), is_seed_given=is_given)


def _name_of(path: Path) -> str:
    """A file's name as part of the name of runs, which can hold less than that of a file."""
    plain = "".join(character if character.isprintable() else " " for character in path.stem)
    return plain.strip()[:60] or "config"


def _second(store: Store, first: StudySource, arguments: argparse.Namespace) -> StudySource | None:
    changes = dict(parse_assignment(text) for text in arguments.against_set)
    values = {**_values(arguments), **changes}
    if arguments.against_run:
        return base_of_run(store, arguments.against_run, values)
    if arguments.against_preset:
        return base_of_preset(arguments.against_preset, values)
    if arguments.against_scratch:
        first = base_from_scratch(first)
        return base_fork(first, changes) if changes else first
    return base_fork(first, changes) if changes else None


def _values(arguments: argparse.Namespace) -> dict[str, Any]:
    values = dict(parse_assignment(text) for text in arguments.values)
    return {**values, "dataset.id": arguments.dataset} if arguments.dataset else values


def _studies(arguments: argparse.Namespace) -> int:
    studies = Store(Workspace.from_environment().ensure()).studies.list_studies()
    if arguments.json:
        print_json([study_summary(study) for study in studies])
    elif not studies:
        print("No studies yet. Start one: python -m core study seeds --preset tiny --dataset shapes")
    else:
        rows = [
            (each.id, each.name, each.kind, f"{each.num_finished}/{num_planned(each)}") for each in studies
        ]
        print_table(("STUDY", "NAME", "KIND", "RUNS ENDED"), rows)
    return 0


def _show(arguments: argparse.Namespace) -> int:
    workspace = Workspace.from_environment().ensure()
    _print(read_report(workspace, Store(workspace), arguments.study), as_json=arguments.json)
    return 0


def _change(arguments: argparse.Namespace) -> int:
    workspace = Workspace.from_environment().ensure()
    action: Callable[[Workspace, str], int] = arguments.action
    action(workspace, arguments.study)
    study = Store(workspace).studies.get(arguments.study)
    return _report(workspace, study, wait=False, as_json=arguments.json)


def _resume(arguments: argparse.Namespace) -> int:
    workspace = Workspace.from_environment().ensure()
    complete_study(workspace, arguments.study, arguments.max_seeds)
    study = Store(workspace).studies.get(arguments.study)
    return _report(workspace, study, wait=arguments.wait, as_json=arguments.json)


def _delete(arguments: argparse.Namespace) -> int:
    workspace = Workspace.from_environment().ensure()
    kept = delete_study(workspace, arguments.study, with_runs=arguments.with_runs)
    for sentence in kept:
        print(sentence, file=sys.stderr)
    print(f"{arguments.study} is deleted.")
    return 1 if kept else 0


def _report(workspace: Workspace, study: Study, *, wait: bool, as_json: bool) -> int:
    """Print a study, with `wait` once its runs have ended and no more are added. Returns the exit code."""
    store = Store(workspace)
    if wait:
        _wait_for(workspace, store, study)
    report = read_report(workspace, store, study.id)
    if as_json or wait:
        _print(report, as_json=as_json)
    else:
        until = "" if report.adding is None else f" {report.adding}"
        print(f"{study.name}: {report.num_planned} runs, id {study.id}.{until}")
        if report.seeds_note is not None:
            print(report.seeds_note)
    # A seed without a pair does not matter once it is decided.
    return 1 if wait and report.is_partial and not report.is_decided else 0


def _wait_for(workspace: Workspace, store: Store, study: Study) -> None:
    def num_ended(members: list[Member]) -> int:
        return sum(member.run.state.is_finished for member in members)

    wait_until(
        lambda members: num_ended(members) == len(members) and not store.studies.get(study.id).adds_seeds,
        lambda: store.studies.members(study.id),
        lambda members: f"{study.name} ({study.id}): {num_ended(members)} of {len(members)} runs have ended",
        workspace=workspace,
        if_left=f"Its runs continue; stop them with: python -m core stop-study {study.id}",
    )


def _print(report: StudyReport, *, as_json: bool) -> None:
    if as_json:
        print_json(report.to_dict())
        return
    print(f"{report.study.name} ({report.study.id}): {report.full_standing}")
    if report.problem:
        print(report.problem)
    if report.seeds_note is not None:
        print(report.seeds_note)
    if report.result is not None:
        print(f"\n{report.result.headline}")
        for note in report.result.notes:
            print(note)
        print()
        print_result(report.result)
    for member in report.failed:
        run = member.run
        reasons = " ".join(each for each in (run.error, run.next_step) if each)
        print(f"{run.name} ({run.id}): {run.state}. {reasons}".rstrip())
    for hole in report.holes:
        print(f"{hole.name}: deleted.")
    for member in report.members:
        if member.is_changed:
            what = "changed during training, so it no longer matches the plan"
            print(f"{member.run.name} ({member.run.id}): {what}.")
    if report.failed or report.holes:
        print(f"Queue the missing runs again: python -m core resume-study {report.study.id}")


def _whole_numbers(text: str) -> list[int]:
    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise argparse.ArgumentTypeError(f"takes numbers such as 500,1500,5000, not {text[:60]!r}.") from None


def _fractions(text: str) -> list[float]:
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise argparse.ArgumentTypeError(f"takes numbers such as 0,0.1,0.4, not {text[:60]!r}.") from None
