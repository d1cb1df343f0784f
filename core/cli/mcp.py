"""The command mcp: tools for MCP clients over standard input and output."""

import argparse
import sys
from importlib.util import find_spec

from core.errors import UserError
from core.workspace import Workspace

INSTALL = ".venv/bin/pip install -r requirements-mcp.txt"
NO_CLIENT = (
    "convdeck: this serves an MCP client, which starts it itself (README.md says how to add it there). "
    "Ctrl+C ends it."
)


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add this module's command to the parser."""
    serving = commands.add_parser(
        "mcp", help="serve tools to an MCP client on standard input and output, until its input closes"
    )
    serving.set_defaults(handle=_serve)


def check_installed() -> None:
    """Raise UserError that says what to install where the package mcp is missing. Nothing is loaded to find out."""
    if find_spec("mcp") is None:
        raise UserError(f"MCP needs the package mcp, which is not installed. Install with: {INSTALL}")


def _serve(arguments: argparse.Namespace) -> int:
    check_installed()
    from core.mcp.server import serve

    if sys.stdin.isatty():
        print(NO_CLIENT, file=sys.stderr)
    serve(Workspace.from_environment())
    return 0
