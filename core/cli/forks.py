"""The command that starts a run from another one."""

import argparse

from core.cli.configs import parse_assignment
from core.cli.runs import report
from core.runs.start import fork_experiment
from core.workspace import Workspace


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add this module's command to the parser."""
    fork = commands.add_parser(
        "fork", help="train a run again with something changed, from the same beginning"
    )
    fork.add_argument("run", metavar="RUN")
    fork.add_argument(
        "--set", metavar="PATH=VALUE", action="append", required=True, dest="values",
        help="what to change, such as augmentation.rotation_degrees=20; VALUE is JSON; may be repeated",
    )  # fmt: skip
    fork.add_argument("--name", metavar="TEXT", help="what to call the fork")
    fork.add_argument("--wait", action="store_true", help="stay until the run has ended, telling how it goes")
    fork.add_argument("--json", action="store_true", help="print one JSON document")
    fork.set_defaults(handle=_fork)


def _fork(arguments: argparse.Namespace) -> int:
    workspace = Workspace.from_environment().ensure()
    values = dict(parse_assignment(text) for text in arguments.values)
    run = fork_experiment(workspace, arguments.run, values, arguments.name)
    return report(workspace, run, wait=arguments.wait, as_json=arguments.json)
