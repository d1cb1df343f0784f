"""The command that measures a design before it is trained."""

import argparse

from core.cli.arguments import add_config_arguments, config_from
from core.cli.output import end_progress, print_json, print_table, progress_line
from core.formatting import duration, rate_in_words
from core.preflight.measurement import Preflight, run_preflight
from core.preflight.rate_range import run_rate_range
from core.workspace import Workspace

ROWS = 20


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add this module's commands to the parser."""
    command = commands.add_parser(
        "preflight", help="a dry run: measure seconds per epoch, memory and time for the whole run"
    )
    add_config_arguments(command)
    command.add_argument("--json", action="store_true", help="print one JSON document")
    command.set_defaults(handle=_preflight)
    rates = commands.add_parser(
        "rate-range", help="a dry run: raise the learning rate step by step and suggest one"
    )
    add_config_arguments(rates)
    rates.add_argument("--json", action="store_true", help="print one JSON document")
    rates.set_defaults(handle=_rate_range)


def _preflight(arguments: argparse.Namespace) -> int:
    config = config_from(arguments)
    found = run_preflight(Workspace.from_environment().ensure(), config, progress_line)
    end_progress()
    if arguments.json:
        print_json(found.to_dict())
        return 0
    print("\n".join(sentences(found)))
    return 0


def _rate_range(arguments: argparse.Namespace) -> int:
    config = config_from(arguments)
    found = run_rate_range(Workspace.from_environment().ensure(), config, progress_line)
    end_progress()
    if arguments.json:
        print_json(found.to_dict())
        return 0
    every = max(1, len(found.rates) // ROWS)
    rows = list(zip(found.rates, found.smoothed, strict=True))[::every]
    print_table(("RATE", "SMOOTHED LOSS"), [(rate_in_words(rate), f"{loss:.4g}") for rate, loss in rows])
    print(found.sentence)
    if found.suggestion is not None:
        print(f"To use it: --set optimizer.learning_rate={found.suggestion:g}")
    return 0


def sentences(found: Preflight) -> list[str]:
    """What a dry run found, a line a thought."""
    lines = [f"{found.parameters:,} parameters on {found.device} ({found.device_name})."]
    if not found.fits:
        lines.append(f"Batches of {found.batch_size:,} do not fit into {_free(found)}.")
        lines.append(
            "Not even the smallest batch fits."
            if found.largest_batch_size is None
            else f"The largest batch size that fits: --set training.batch_size={found.largest_batch_size}"
        )
        return [*lines, *found.notes]
    assert found.epoch_seconds is not None and found.total_seconds is not None
    lines.append(
        f"An epoch takes {duration(found.epoch_seconds)}: {found.steps:,} steps {duration(found.train_seconds or 0)}, "
        f"measuring {duration(found.evaluation_seconds or 0)}, saving {duration(found.saving_seconds or 0)}."
    )
    lines.append(f"{found.epochs:,} epochs take {duration(found.total_seconds)}, including the start.")
    lines.append(f"Needs {found.memory_mib:,} MiB of memory, out of {_free(found)}.")
    return [*lines, *found.notes]


def _free(found: Preflight) -> str:
    if found.memory_available_mib is None:
        return "free memory"
    return f"{found.memory_available_mib:,} MiB of free memory"
