"""Conventions that are executed: what the program can do is written down, and what is written down exists."""

import argparse
import re
from pathlib import Path

import pytest

from core.api.routes import build_routes
from core.cli import build_parser
from core.design.presets import PRESETS
from tests.test_layering import FLOORS

ROOT = Path(__file__).resolve().parent.parent
COMMAND_LINE = (ROOT / "docs" / "command-line.md").read_text(encoding="utf-8")
REST = (ROOT / "docs" / "rest.md").read_text(encoding="utf-8")
README = (ROOT / "README.md").read_text(encoding="utf-8")
ARCHITECTURE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
SHIMS = {"core.standby"}  # for a scheduler of the former layout
DOCUMENTS = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "tests").rglob("*.md")]


def subcommands(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    """Every command of a parser, by its words: `datasets`, `datasets add`, …"""
    found = {}
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, command in action.choices.items():
                if command.get_default("handle"):  # else it only leads to others
                    found[name] = command
                found |= {f"{name} {inner}": deeper for inner, deeper in subcommands(command).items()}
    return found


COMMANDS = subcommands(build_parser())
SYNOPSES = {
    " ".join(words): line
    for line in COMMAND_LINE.splitlines()
    if line.startswith("python -m core ") and not re.search(r"=[\d'\[]", line)
    for words in [
        re.match(r"((?:[a-z][a-z-]* )*[a-z][a-z-]*)", line.removeprefix("python -m core "))[1].split()
    ]
}


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_and_option_is_documented(command: str) -> None:
    assert command in SYNOPSES
    for action in COMMANDS[command]._actions:
        for option in action.option_strings:
            if option.startswith("--") and option != "--help":
                assert option in SYNOPSES[command]


@pytest.mark.parametrize("command", SYNOPSES)
def test_every_documented_command_exists_with_its_options(command: str) -> None:
    assert command in COMMANDS
    known = {option for action in COMMANDS[command]._actions for option in action.option_strings}
    assert set(re.findall(r"--[a-z-]+", SYNOPSES[command])) <= known


def test_the_contract_s_commands_are_there() -> None:
    contract = {
        "datasets",
        "datasets add",
        "train",
        "runs",
        "show",
        "stop",
        "pause",
        "resume",
        "predict",
        "export",
        "doctor",
    }
    assert contract <= set(COMMANDS)


def test_every_route_is_documented() -> None:
    for route in build_routes():
        for method in route.methods - {"HEAD"}:
            assert f"{method} {route.path}" in REST


def test_every_preset_is_in_the_readme() -> None:
    for name in PRESETS:
        assert f"`{name}`" in README


def test_links_between_documents_lead_somewhere() -> None:
    for document in DOCUMENTS:
        for target in re.findall(r"\]\(([^)#\s]+)", document.read_text(encoding="utf-8")):
            if not re.match(r"[a-z]+:", target):
                assert (document.parent / target).exists(), f"{document.name} links to {target}"


def missing_places(text: str) -> list[str]:
    """Files such as `core/x/y.py` and modules such as `core.x.y`, or names in them, that a text names in vain."""
    missing = [
        path for path in re.findall(r"\b(?:core|pages|tests)/[\w/]+\.\w+", text) if not (ROOT / path).exists()
    ]
    for module in re.findall(r"\b(?:core|pages|tests)(?:\.[A-Za-z_]\w*)+", text):
        parent, _, name = module.rpartition(".")
        # A module itself, or a class, function or constant in one.
        sources = [ROOT / f"{parent.replace('.', '/')}.py", ROOT / parent.replace(".", "/") / "__init__.py"]
        is_module = any(
            (ROOT / f"{module.replace('.', '/')}{end}").exists() for end in (".py", "/__init__.py")
        )
        if not is_module and not any(
            re.search(
                rf"^(?:def |class |from .*\b)?{name}\b", source.read_text(encoding="utf-8"), re.MULTILINE
            )
            for source in sources
            if source.exists()
        ):
            missing.append(module)
    return missing


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_files_and_modules_in_the_documents_exist(document: Path) -> None:
    assert missing_places(document.read_text(encoding="utf-8")) == []


def test_a_place_that_is_gone_is_found() -> None:
    named = "`core/gone.py`, core/errors.py, `core.gone`, `core.errors.Gone`, `core.errors.ConvDeckError`"
    assert missing_places(named) == ["core/gone.py", "core.gone", "core.errors.Gone"]


def folders(*tops: str) -> set[str]:
    found = {path for top in tops for path in (ROOT / top).iterdir() if path.is_dir()}
    return {path.name for path in found if path.name != "__pycache__"}


def test_the_architecture_page_has_every_folder_and_loose_module() -> None:
    tree = ARCHITECTURE.split("```")[1]
    named = set(re.findall(r"(\w+)/", tree))
    assert folders("core", "pages/components") <= named
    assert named <= folders(".", "core", "pages", "pages/components", "tests", "tests/pages", "docs")
    loose = {path.name for path in (ROOT / "core").glob("*.py")} - {"__init__.py", "standby.py"}
    assert loose <= set(re.findall(r"\w+\.py", tree))


def test_the_architecture_page_has_the_floors() -> None:
    rows = re.findall(r"^\| (\d+) \| (.*) \|$", ARCHITECTURE, re.MULTILINE)
    named = {room: int(floor) for floor, rooms in rows for room in re.findall(r"`(\w+)`", rooms)}
    assert named == {room.removeprefix("core."): floor for room, floor in FLOORS.items() if room not in SHIMS}


def test_what_the_architecture_page_names_exists() -> None:
    sources = [path for top in ("core", "pages", "tests") for path in (ROOT / top).rglob("*.py")]
    defined = {
        name
        for path in sources
        for name in re.findall(r"^ *(?:async )?def (\w+)", path.read_text("utf-8"), re.MULTILINE)
    }
    assert set(re.findall(r"`(\w+)\(\)`", ARCHITECTURE)) <= defined
    files = {path.name for path in sources} | {"app.py"}
    assert set(re.findall(r"(?<![\w/])\w+\.py\b", ARCHITECTURE)) <= files
