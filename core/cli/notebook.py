"""Commands about the notebook: list it, export it, write into it."""

import argparse
import time
from pathlib import Path

from core.cli.output import print_json
from core.notebook import Entry, all_entries, entry_of, render_html, render_markdown
from core.store.store import Store
from core.system.files import write_bytes
from core.workspace import Workspace

RENDERERS = {"markdown": render_markdown, "html": render_html}


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add this module's commands to the parser."""
    command = commands.add_parser("notebook", help="what you expected of runs and how they turned out")
    command.add_argument("--json", action="store_true", help="print one JSON document")
    command.set_defaults(handle=_list)
    actions = command.add_subparsers(dest="action", metavar="ACTION")
    export = actions.add_parser("export", help="write the notebook to a file")
    export.add_argument("--format", choices=list(RENDERERS), required=True, dest="export_format")
    export.add_argument("--out", metavar="PATH", type=Path, required=True)
    export.set_defaults(handle=_export)

    note = commands.add_parser("note", help="show or write the note about a run, or about several")
    note.add_argument("runs", metavar="RUN[,RUN]", help="the id of a run, or several separated by commas")
    note.add_argument(
        "--expect", metavar="TEXT", help="what you expect; can be written until the first epoch has ended"
    )
    note.add_argument("--outcome", metavar="TEXT", help="how it turned out, in your words")
    note.add_argument("--delete", action="store_true", help="delete the note for good; the runs stay")
    note.add_argument("--json", action="store_true", help="print one JSON document")
    note.set_defaults(handle=_note)


def _list(arguments: argparse.Namespace) -> int:
    with Store(Workspace.from_environment().ensure()) as store:
        entries = all_entries(store)
    if arguments.json:
        print_json([entry.to_dict() for entry in entries])
    elif not entries:
        print('No notes yet. Write one: python -m core note RUN --expect "it overfits by epoch 5"')
    else:
        print("\n\n".join(_text(entry) for entry in entries))
    return 0


def _export(arguments: argparse.Namespace) -> int:
    with Store(Workspace.from_environment().ensure()) as store:
        entries = all_entries(store)
    out = arguments.out.resolve()
    write_bytes(out, RENDERERS[arguments.export_format](entries, time.time()).encode())
    print(f"{len(entries):,} {'entry' if len(entries) == 1 else 'entries'} written to {out}.")
    return 0


def _note(arguments: argparse.Namespace) -> int:
    ids = [part.strip() for part in arguments.runs.split(",") if part.strip()]
    with Store(Workspace.from_environment().ensure()) as store:
        if arguments.expect is None and arguments.outcome is None:
            for run_id in ids:
                store.get_run(run_id)
            note = store.notes.find(ids)
        else:
            note = store.notes.write(ids, expectation=arguments.expect, outcome=arguments.outcome)
        if arguments.delete and note is not None:
            store.notes.delete(note.id)
            note = None
        entry = None if note is None else entry_of(store, note)
    if arguments.json:
        print_json(None if entry is None else entry.to_dict())
    elif entry is None:
        print("There is no note about this" + (" any more." if arguments.delete else " yet."))
    else:
        print(_text(entry))
    return 0


def _text(entry: Entry) -> str:
    lines = [f"{entry.title}  ({', '.join(run.id for run in entry.runs)})"]
    for label, text in (("expected", entry.note.expectation), ("outcome", entry.note.outcome)):
        first, *others = (text or "–").split("\n")
        lines += [f"  {label + ':':<10}{first}", *(f"            {line}" for line in others)]
    return "\n".join([*lines, *(f"  → {line}" for line in entry.facts())])
