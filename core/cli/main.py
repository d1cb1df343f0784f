"""Which commands there are, and the one place where errors become exit codes."""

import argparse
import io
import sys
from collections.abc import Sequence

from core.cli import (
    alerts,
    augmentation,
    bundles,
    compare,
    datasets,
    devices,
    doctor,
    epoch_weights,
    example,
    explain,
    export,
    inspection,
    interventions,
    layers,
    marks,
    mcp,
    notebook,
    picture_map,
    picture_tags,
    predict,
    preflight,
    presets,
    report,
    runs,
    share,
    studies,
    sweeps,
    trash,
)
from core.errors import ConvDeckError, UserError

DONE, FAILED, BAD_ARGUMENTS = 0, 1, 2


def build_parser() -> argparse.ArgumentParser:
    """The whole command line. Each subcommand's `handle` takes the parsed arguments and returns an exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m core",
        description="Train small image classifiers, watch them and try them out.",
        allow_abbrev=False,
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    modules = (
        datasets, preflight, runs, interventions, compare, marks, studies, sweeps, notebook, predict, explain,
        inspection, layers, picture_map, picture_tags, report, share, export, bundles, epoch_weights,
        augmentation, presets, doctor, devices, example, trash, alerts, mcp,
    )  # fmt: skip
    for module in modules:
        module.add_commands(commands)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. Returns 0 when it is done, 1 when the run or something else failed, 2 on bad arguments."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # Names of files and runs may hold what the terminal's encoding, or any encoding, does not have.
            stream.reconfigure(errors="backslashreplace")
    parsed = build_parser().parse_args(arguments)
    try:
        code: int = parsed.handle(parsed)
        return code
    except UserError as error:
        return _fail(BAD_ARGUMENTS, str(error))
    except ConvDeckError as error:
        return _fail(FAILED, str(error))
    except BrokenPipeError:
        return DONE
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        return _fail(FAILED, f"{where}{error.strerror or error}. Fix the cause and try again.")
    except KeyboardInterrupt:
        return 130


def _fail(code: int, message: str) -> int:
    print(f"convdeck: {message}", file=sys.stderr)
    return code
