"""Commands about pictures: predict."""

import argparse
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from core.cli.output import end_progress, print_json, progress_line
from core.engine.answers import Answer
from core.engine.client import Engine
from core.errors import UserError
from core.images import CROPS, MAX_FILE_BYTES
from core.inspection.prediction import predict
from core.store.store import Store
from core.workspace import Workspace

# On the command line the middle has the name that `datasets add` has for it, too.
CROP_NAMES = {"middle": "center", **{crop: crop for crop in CROPS}}


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add this module's commands to the parser."""
    predicting = commands.add_parser("predict", help="classify pictures with a run")
    predicting.add_argument("--run", metavar="RUN", required=True)
    predicting.add_argument("images", metavar="IMAGE", type=Path, nargs="+")
    predicting.add_argument(
        "--crop", choices=CROP_NAMES, help="how pictures get the network's shape (default: as in training)"
    )
    predicting.add_argument("--json", action="store_true", help="print one JSON document")
    predicting.set_defaults(handle=_predict)


def _predict(arguments: argparse.Namespace) -> int:
    workspace = Workspace.from_environment().ensure()
    run = Store(workspace).get_run(arguments.run)
    answers: dict[int, Answer] = {}
    asked = []

    def pictures() -> Iterator[tuple[str, bytes]]:
        """Each file is read when the engine is ready for it, so that thousands do not have to be in memory."""
        for place, path in enumerate(arguments.images):
            try:
                picture = path.name, read_picture(path)
            except UserError as error:
                answers[place] = Answer(path.name, str(error))
            else:
                asked.append(place)
                yield picture

    engine = Engine(workspace)
    try:
        predicted, problem = predict(
            workspace, engine, run, pictures(), CROP_NAMES.get(arguments.crop), _advance
        )
    finally:
        engine.close()
        end_progress()
    if problem:
        progress_line(f"Whether the run knows such pictures cannot be told. {problem}")
        end_progress()
    answers.update(zip(asked, predicted, strict=True))
    # Named as they were given: two folders may hold a file of the same name.
    named = [replace(answers[place], image=str(path)) for place, path in enumerate(arguments.images)]
    if arguments.json:
        print_json([each.to_json() for each in named])
    else:
        for answer in named:
            print(f"{answer.image}: {_sentence(answer)}")
    return 0 if any(answer.ok for answer in named) else 2


def _sentence(answer: Answer) -> str:
    said = answer.error or ", ".join(f"{each.name} {100 * each.probability:.1f} %" for each in answer.top[:3])
    if answer.knowledge is not None and not answer.knowledge.is_known:
        said += ". This looks like nothing that the run was trained on"
    return said


def _advance(done: int, of: int) -> None:
    progress_line(f"Measuring what the run knows: {done:,} of {of:,} pictures")


def read_picture(path: Path) -> bytes:
    """At most as much of the file as is taken. Raises UserError when it cannot be read."""
    try:
        with path.open("rb") as stream:
            return stream.read(MAX_FILE_BYTES + 1)  # one that is larger the engine refuses, in words
    except OSError as error:
        raise UserError(f"{path.name} cannot be read: {error.strerror}.") from error
