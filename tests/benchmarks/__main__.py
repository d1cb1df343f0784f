"""`python -m tests.benchmarks`: measure all sections, or those named, and write them into `docs/performance.md`.

What has to install packages is measured only where it is named.
"""

import argparse
import importlib
import os
import time

from tests.benchmarks.report import table, write_section

# Each is a module here whose `measure()` returns rows or a table.
SECTIONS = (
    "augmentation",
    "training",
    "start",
    "sweep",
    "server",
    "pages",
    "classroom",
    "memory",
    "classify",
)
IF_NAMED = ("exports",)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("sections", nargs="*", metavar="section", help=", ".join((*SECTIONS, *IF_NAMED)))
    parser.add_argument("--print", action="store_true", help="show the tables, write nothing")
    parsed = parser.parse_args()
    if unknown := set(parsed.sections) - {*SECTIONS, *IF_NAMED}:
        parser.error(f"no such section: {', '.join(sorted(unknown))}")
    # Compiled modules are kept, as they are for whoever starts the dashboard. Where this is set, every process that is
    # measured compiled all of core again, and nothing of Streamlit, which was compiled when it was installed.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    for name in parsed.sections or SECTIONS:
        began = time.perf_counter()
        rows = importlib.import_module(f"tests.benchmarks.{name}").measure()
        seconds = time.perf_counter() - began
        print(f"{name}, {seconds:.0f} s\n{table(rows)}\n", flush=True)
        if not parsed.print:
            write_section(name, rows, seconds)


if __name__ == "__main__":
    main()
