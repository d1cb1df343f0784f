"""Commands about a run's answers to whole parts of its data set: evaluate, mistakes, confusions."""

import argparse
import contextlib
from collections.abc import Iterator

from core.cli.arguments import add_epoch_argument
from core.cli.output import end_progress, print_json, print_table, progress_line
from core.datasets.file_names import file_names
from core.engine.client import Engine
from core.errors import UserError
from core.formatting import percent, points
from core.inspection.answers import SPLITS, Advance
from core.inspection.elsewhere import answers_about
from core.inspection.evaluation import SplitEvaluation, evaluate, evaluation_document
from core.inspection.measures import largest_confusions
from core.inspection.mistakes import ORDERS, mistakes_of
from core.runs.breakdown import class_names_of, confusions_document, why_no_confusions
from core.store.store import Store
from core.workspace import Workspace

MOST_PRINTED = 20


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add this module's commands to the parser."""
    evaluating = commands.add_parser("evaluate", help="measure a run on its validation or test pictures")
    add_split_and_epoch(evaluating)
    _add_dataset(evaluating)
    evaluating.set_defaults(handle=_evaluate)
    mistakes = commands.add_parser("mistakes", help="list the pictures that a run gets wrong")
    add_split_and_epoch(mistakes)
    _add_dataset(mistakes)
    mistakes.add_argument(
        "--by", choices=ORDERS, default="loss",
        help="the largest loss first (default), the surest wrong answers first, or the most doubtful first",
    )  # fmt: skip
    mistakes.set_defaults(handle=_mistakes)
    confusions = commands.add_parser("confusions", help="show which classes a run confused over its epochs")
    confusions.add_argument("--run", metavar="RUN", required=True)
    confusions.add_argument("--epoch", type=int, metavar="N", help="of one epoch alone")
    confusions.add_argument("--json", action="store_true", help="print one JSON document")
    confusions.set_defaults(handle=_confusions)


def add_split_and_epoch(parser: argparse.ArgumentParser) -> None:
    """`--run`, `--split`, `--epoch` and `--json`."""
    parser.add_argument("--run", metavar="RUN", required=True)
    parser.add_argument(
        "--split", choices=SPLITS, default="test", help="the pictures to measure on (default: test)"
    )
    add_epoch_argument(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON document")


def _add_dataset(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--dataset",
        metavar="NAME",
        help="instead, on all pictures of another data set whose classes it knows",
    )


@contextlib.contextmanager
def one_engine(workspace: Workspace) -> Iterator[Engine]:
    """One for the length of the command; its progress is left standing."""
    engine = Engine(workspace)
    try:
        yield engine
    finally:
        engine.close()
        end_progress()


def _asked(arguments: argparse.Namespace) -> tuple[str, str, Advance, str | None]:
    return arguments.split, arguments.epoch, advance, arguments.dataset


def _evaluate(arguments: argparse.Namespace) -> int:
    workspace = Workspace.from_environment().ensure()
    run = Store(workspace).get_run(arguments.run)
    with one_engine(workspace) as engine:
        evaluation = evaluate(workspace, engine, run, *_asked(arguments))
    if arguments.json:
        print_json(evaluation_document(run.id, evaluation))
    else:
        _print(evaluation)
    return 0


def _mistakes(arguments: argparse.Namespace) -> int:
    workspace = Workspace.from_environment().ensure()
    run = Store(workspace).get_run(arguments.run)
    with one_engine(workspace) as engine:
        answers = answers_about(workspace, engine, run, *_asked(arguments))
    files = file_names(workspace, answers.dataset or run.dataset)
    found = mistakes_of(answers, arguments.by, files=files)
    if arguments.json:
        print_json([each.to_json() for each in found])
        return 0
    print(f"{len(found):,} of {len(answers):,} {answers.kind} pictures are wrong.")
    rows = [
        (
            each.index,
            each.label,
            each.predicted,
            percent(each.probability),
            f"{each.loss:.2f}",
            each.file or "–",
        )
        for each in found[:MOST_PRINTED]
    ]
    if rows:
        print_table(("row", "is", "taken for", "probability", "loss", "file"), rows)
    return 0


def _confusions(arguments: argparse.Namespace) -> int:
    workspace = Workspace.from_environment().ensure()
    store = Store(workspace)
    run = store.get_run(arguments.run)
    found = store.breakdowns.confusions(run.id)
    if arguments.json:
        print_json(confusions_document(workspace, run, found, arguments.epoch))
        return 0
    if found is None:
        print(why_no_confusions(run))
        return 0
    names = class_names_of(workspace, run, found.num_classes)
    epochs = found.epochs.tolist()
    if arguments.epoch is not None and arguments.epoch not in epochs:
        raise UserError(
            f"Epoch {arguments.epoch} was not measured. There are epochs {epochs[0]} to {epochs[-1]}."
        )
    at = len(epochs) - 1 if arguments.epoch is None else epochs.index(arguments.epoch)
    first = found.matrix(0)
    rows = [
        (names[label], names[answer], first[label, answer], count)
        for label, answer, count in largest_confusions(found.matrix(at), MOST_PRINTED)
    ]
    print_table(("is", "taken for", f"epoch {epochs[0]}", f"epoch {epochs[at]}"), rows)
    return 0


def advance(done: int, of: int, noun: str = "pictures") -> None:
    """Show on the terminal how far it is."""
    progress_line(f"{done:,} of {of:,} {noun}")


def _print(evaluation: SplitEvaluation) -> None:
    answers, accuracy, show = evaluation.answers, evaluation.accuracy, percent
    print(
        f"Epoch {answers.epoch} is right on {show(accuracy.value)} of {len(answers):,} {answers.kind} pictures (95 % "
        f"interval: {show(accuracy.low)} to {show(accuracy.high)}), on {show(evaluation.top3)} with three guesses"
        f"{'' if evaluation.top5 is None else f', on {show(evaluation.top5)} with five'}."
    )
    print(
        f"Its probabilities are off by {points(evaluation.ece)} on average (ECE); with temperature "
        f"{evaluation.temperature:.2f} by {points(evaluation.ece_calibrated)}."
    )
    rows = [
        (each.name, _or_dash(each.precision), _or_dash(each.recall), _or_dash(each.f1), each.support)
        for each in evaluation.classes
    ]
    print_table(("class", "precision", "recall", "F1", "pictures"), rows)


def _or_dash(value: float | None) -> str:
    return "–" if value is None else percent(value)
