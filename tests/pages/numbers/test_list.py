"""README.md of this folder is complete: no module of the pages and no test is left out, and none is made up."""

import re
from pathlib import Path

from core.workspace import PROJECT_ROOT

HERE = Path(__file__).parent
LIST = (HERE / "README.md").read_text(encoding="utf-8")
NAMED = set(re.findall(r"`(\w+)`", LIST))
MODULE = re.compile(r"`([\w/]+)`")  # `home` is pages/home.py, `runs/head` is pages/components/runs/head.py


def test_every_module_of_the_pages_is_listed_once() -> None:
    pages = PROJECT_ROOT / "pages"
    components = pages / "components"
    modules = {path.stem for path in pages.glob("*.py")} | {
        path.relative_to(components).with_suffix("").as_posix() for path in components.glob("**/*.py")
    }
    table, _, without = LIST.partition("## Modules without")
    with_numbers = {
        name
        for line in table.splitlines()
        if line.startswith("| `")
        for name in MODULE.findall(line.split("|")[1])
    }
    silent = set(MODULE.findall(without))
    assert with_numbers | silent == modules
    assert not with_numbers & silent


def test_every_test_is_listed_and_there() -> None:
    there = {
        name
        for path in HERE.glob("test_*.py")
        if path != Path(__file__)
        for name in re.findall(r"^def (test_\w+)", path.read_text(encoding="utf-8"), re.MULTILINE)
    }
    assert {name for name in NAMED if name.startswith("test_")} == there
