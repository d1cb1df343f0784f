"""Commands that change a run while it trains: pause, step, set-rate, add-epochs; and its history of them."""

import argparse
import datetime
from collections.abc import Sequence

from core.cli.output import print_json, print_table
from core.formatting import rate_in_words
from core.runs import control
from core.runs.verdicts import summary_of
from core.store.interventions import Intervention
from core.store.records import Run
from core.store.states import RunState
from core.store.store import Store
from core.workspace import Workspace

KINDS_IN_WORDS = {
    "learning_rate": "learning rate",
    "add_epochs": "more epochs",
    "pause": "pause",
    "resume": "resume",
    "step": "one epoch",
}


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add this module's commands to the parser."""
    pause = commands.add_parser("pause", help="pause a run until it is resumed, stepped or stopped")
    _finish(pause, _pause)

    step = commands.add_parser("step", help="train a paused run until the end of an epoch")
    _finish(step, _step)

    rate = commands.add_parser("set-rate", help="change a run's learning rate from its next epoch on")
    _finish(rate, _set_rate)
    rate.add_argument("value", metavar="VALUE", type=float)

    epochs = commands.add_parser("add-epochs", help="add epochs to a run")
    _finish(epochs, _add_epochs)
    epochs.add_argument("add", metavar="N", type=int)


def _finish(command: argparse.ArgumentParser, handle: object) -> None:
    command.add_argument("run", metavar="RUN")
    command.add_argument("--json", action="store_true", help="print one JSON document")
    command.set_defaults(handle=handle)


def _pause(arguments: argparse.Namespace) -> int:
    run = control.pause_run(_workspace(), arguments.run)
    text = f"{run.name} pauses after the current batch. Resume it with: python -m core resume {run.id}"
    return _report(arguments, run, text)


def _step(arguments: argparse.Namespace) -> int:
    run = control.step_run(_workspace(), arguments.run)
    return _report(arguments, run, f"{run.name} trains until the end of an epoch, then pauses again.")


def _set_rate(arguments: argparse.Namespace) -> int:
    run = control.set_learning_rate(_workspace(), arguments.run, arguments.value)
    when = "once it is resumed" if run.state.is_finished else "from its next epoch on"
    rate, config = rate_in_words(arguments.value), run.readable_config
    schedule = config.optimizer.schedule if config else "constant"
    if schedule in ("constant", "plateau"):
        told = f"has the learning rate {rate} {when}."
    elif config and schedule == "cosine" and config.optimizer.warmup_epochs and not run.epoch:
        told = f"warms up from 0 to the learning rate {rate}; its schedule ({schedule}) continues from there."
    else:
        told = (
            f"has the learning rate {rate} in the first step of its next epoch; its schedule ({schedule}) continues "
            "from there, so later steps have another one."
        )
    return _report(arguments, run, f"{run.name} {told}")


def _add_epochs(arguments: argparse.Namespace) -> int:
    run = control.add_epochs(_workspace(), arguments.run, arguments.add)
    text = f"{run.name} trains {run.total_epochs:,} epochs in total"
    if run.state.is_finished:
        text += f", once it is resumed with: python -m core resume {run.id}"
    elif run.state is RunState.WAITING:
        text += ", once it has started"
    return _report(arguments, run, f"{text}.")


def _report(arguments: argparse.Namespace, run: Run, text: str) -> int:
    if arguments.json:
        with Store(_workspace()) as store:
            print_json(summary_of(store, run))
    else:
        print(text)
    return 0


def _workspace() -> Workspace:
    return Workspace.from_environment().ensure()


def print_interventions(history: Sequence[Intervention]) -> None:
    """What people changed while a run trained, as a table under a heading; nothing when there was nothing."""
    if not history:
        return
    print("\nChanged while it trained:")
    print_table(("ASKED", "AFTER EPOCH", "WHAT", "OUTCOME"), [_row(each) for each in history])


def _row(each: Intervention) -> tuple[object, ...]:
    asked = datetime.datetime.fromtimestamp(each.asked_at).astimezone().isoformat(" ", "seconds")
    what = KINDS_IN_WORDS.get(each.kind, each.kind)
    if each.value is not None:
        what += f" {rate_in_words(each.value) if each.kind == 'learning_rate' else f'{each.value:g}'}"
    return asked, each.epoch, what, each.outcome or "Not yet."
