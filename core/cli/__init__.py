"""The command line face: `python -m core COMMAND …`."""

from core.cli.main import build_parser, main

__all__ = ["build_parser", "main"]
