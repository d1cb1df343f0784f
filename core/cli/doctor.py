"""`doctor`: prints what this machine has."""

import argparse

from core.cli.output import print_json
from core.doctor import examine, in_lines
from core.workspace import Workspace


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add this module's commands to the parser."""
    doctor = commands.add_parser("doctor", help="what this machine has, what is missing and how to get it")
    doctor.add_argument("--json", action="store_true", help="print one JSON document")
    doctor.set_defaults(handle=_doctor)


def _doctor(arguments: argparse.Namespace) -> int:
    report = examine(Workspace.from_environment())
    if arguments.json:
        print_json(report)
        return 0
    print("\n".join(in_lines(report)))
    return 0
