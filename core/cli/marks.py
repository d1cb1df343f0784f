"""Commands that keep order among many runs: tag, untag, hide, unhide, and saved views."""

import argparse
from dataclasses import asdict

from core.cli.output import print_json, print_table
from core.comparison.query import check_view
from core.formatting import count_of
from core.store.store import Store
from core.workspace import Workspace


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add this module's commands to the parser."""
    for name, text in (("tag", "give a run tags"), ("untag", "take tags from a run")):
        command = commands.add_parser(name, help=text)
        command.add_argument("run", metavar="RUN")
        command.add_argument("tags", metavar="TAG", nargs="+")
        command.set_defaults(handle=_tag, adds=name == "tag")
    for name, text in (
        ("hide", "keep runs out of the lists of Compare"),
        ("unhide", "list hidden runs again"),
    ):
        command = commands.add_parser(name, help=text)
        command.add_argument("runs", metavar="RUN", nargs="+")
        command.set_defaults(handle=_hide, hides=name == "hide")

    views = commands.add_parser("views", help="list the saved views of Compare")
    views.add_argument("--json", action="store_true", help="print one JSON document")
    views.set_defaults(handle=_views)
    save = commands.add_parser("save-view", help="save a view: what stands after the ? in a link to Compare")
    save.add_argument("name", metavar="NAME")
    save.add_argument("query", metavar="QUERY")
    save.set_defaults(handle=_save)
    delete = commands.add_parser("delete-view", help="delete a saved view; its runs stay")
    delete.add_argument("name", metavar="NAME")
    delete.set_defaults(handle=_delete)


def _tag(arguments: argparse.Namespace) -> int:
    with _store() as store:
        (store.marks.add_tags if arguments.adds else store.marks.remove_tags)([arguments.run], arguments.tags)
        tags = store.marks.tags_of(arguments.run)
    print(f"{arguments.run}: {', '.join(tags) or 'no tags'}.")
    return 0


def _hide(arguments: argparse.Namespace) -> int:
    with _store() as store:
        store.marks.set_hidden(arguments.runs, arguments.hides)
    done = "hidden" if arguments.hides else "listed again"
    print(f"{count_of(len(set(arguments.runs)), 'run')} {done}.")
    return 0


def _views(arguments: argparse.Namespace) -> int:
    with _store() as store:
        views = store.views.list_views()
    if arguments.json:
        print_json([asdict(view) for view in views])
    elif not views:
        print("No saved views yet. Save one: python -m core save-view finished 'where=state = FINISHED'")
    else:
        print_table(("NAME", "QUERY"), [(view.name, view.query) for view in views])
    return 0


def _save(arguments: argparse.Namespace) -> int:
    query = check_view(arguments.query)
    with _store() as store:
        view = store.views.save(arguments.name, query)
    print(f"Saved as “{view.name}”. Look through it: python -m core compare --view {view.name!r}")
    return 0


def _delete(arguments: argparse.Namespace) -> int:
    with _store() as store:
        view = store.views.delete(arguments.name)
    print(f"“{view.name}” is deleted.")
    return 0


def _store() -> Store:
    return Store(Workspace.from_environment().ensure())
