"""Which commands there are, and the one place where errors become exit codes."""

import argparse
import sys
from collections.abc import Sequence

from core.cli import datasets, doctor, forks, networks, pictures, runs
from core.errors import ConvDeckError, UserError

DONE, RUN_FAILED, BAD_ARGUMENTS = 0, 1, 2


def build_parser() -> argparse.ArgumentParser:
    """The whole command line. Each subcommand's `handle` takes the parsed arguments and returns an exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m core", description="Train, watch and try small image classifiers.", allow_abbrev=False
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for module in (datasets, runs, forks, pictures, networks, doctor):
        module.add_commands(commands)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. Returns 0 when it is done, 1 when the run failed, 2 on bad arguments."""
    parsed = build_parser().parse_args(arguments)
    try:
        code: int = parsed.handle(parsed)
        return code
    except UserError as error:
        print(f"convdeck: {error}", file=sys.stderr)
        return BAD_ARGUMENTS
    except ConvDeckError as error:
        print(f"convdeck: {error}", file=sys.stderr)
        return RUN_FAILED
    except BrokenPipeError:
        return DONE
    except KeyboardInterrupt:
        return 130
