"""Commands about pictures: predict."""

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from core.cli.output import print_json
from core.engine.client import Engine
from core.errors import UserError
from core.images import CROPS, MAX_FILE_BYTES
from core.store.store import Store
from core.workspace import Workspace


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add this module's commands to the parser."""
    predict = commands.add_parser("predict", help="classify pictures with a run")
    predict.add_argument("--run", metavar="RUN", required=True)
    predict.add_argument("images", metavar="IMAGE", type=Path, nargs="+")
    predict.add_argument("--crop", choices=CROPS, default="center")
    predict.add_argument("--json", action="store_true", help="print one JSON document")
    predict.set_defaults(handle=_predict)


def _predict(arguments: argparse.Namespace) -> int:
    workspace = Workspace.from_environment().ensure()
    run = Store(workspace).get_run(arguments.run)
    rows: list[dict[str, Any]] = [
        {"image": str(path), "ok": False, "error": None, "top": []} for path in arguments.images
    ]
    asked = []

    def pictures() -> Iterator[tuple[str, bytes]]:
        """Each file is read when the engine is ready for it, so that thousands do not have to be in memory."""
        for row, path in zip(rows, arguments.images, strict=True):
            try:
                picture = path.name, read_picture(path)
            except UserError as error:
                row["error"] = str(error)
            else:
                asked.append(row)
                yield picture

    engine = Engine(workspace)
    try:
        answers = engine.predict(run.id, pictures(), arguments.crop)
    finally:
        engine.close()
    for row, answer in zip(asked, answers, strict=True):
        row |= {key: answer[key] for key in ("ok", "error", "top")}
    if arguments.json:
        print_json(rows)
    else:
        for row in rows:
            print(f"{row['image']}: {_sentence(row)}")
    return 0 if any(row["ok"] for row in rows) else 2


def _sentence(row: dict[str, Any]) -> str:
    if not row["ok"]:
        return str(row["error"])
    return ", ".join(f"{entry['class']} {100 * entry['probability']:.1f} %" for entry in row["top"][:3])


def read_picture(path: Path) -> bytes:
    """At most as much of the file as is taken. Raises UserError when it cannot be read."""
    try:
        with path.open("rb") as stream:
            return stream.read(MAX_FILE_BYTES + 1)  # one that is larger the engine refuses, in words
    except OSError as error:
        raise UserError(f"{path.name} cannot be read: {error.strerror}.") from error
