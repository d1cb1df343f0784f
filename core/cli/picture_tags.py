"""Commands about tags on test pictures: tag-picture, untag-picture, picture-tags."""

import argparse

from core.cli.output import print_json, print_table
from core.inspection.picture_tags import change_picture_tags, picture_tags_document
from core.store.store import Store
from core.workspace import Workspace


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add this module's commands to the parser."""
    for name, text in (
        ("tag-picture", "give a test picture tags"),
        ("untag-picture", "take tags from a test picture"),
    ):
        command = commands.add_parser(name, help=text)
        command.add_argument("--run", metavar="RUN", required=True, help="a run on the picture's data set")
        command.add_argument(
            "index", metavar="INDEX", type=int, help="the picture's row, as `mistakes` prints it"
        )
        command.add_argument("tags", metavar="TAG", nargs="+")
        command.set_defaults(handle=_change, adds=name == "tag-picture")
    listing = commands.add_parser("picture-tags", help="list the tagged test pictures of a run's data set")
    listing.add_argument("--run", metavar="RUN", required=True)
    listing.add_argument("--json", action="store_true", help="print one JSON document")
    listing.set_defaults(handle=_list)


def _change(arguments: argparse.Namespace) -> int:
    workspace = Workspace.from_environment().ensure()
    with Store(workspace) as store:
        run = store.get_run(arguments.run)
        changes = {"add" if arguments.adds else "remove": arguments.tags}
        row = change_picture_tags(workspace, store, run, arguments.index, **changes)
    print(f"Picture {row['index']:,} ({row['label']}): {', '.join(row['tags']) or 'no tags'}.")
    return 0


def _list(arguments: argparse.Namespace) -> int:
    workspace = Workspace.from_environment().ensure()
    with Store(workspace) as store:
        rows = picture_tags_document(workspace, store, store.get_run(arguments.run))
    if arguments.json:
        print_json(rows)
    elif not rows:
        print("No picture has a tag. Give one: python -m core tag-picture --run RUN INDEX 'wrong label'")
    else:
        print_table(
            ("row", "is", "tags"), [(each["index"], each["label"], ", ".join(each["tags"])) for each in rows]
        )
    return 0
