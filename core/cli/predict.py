"""Commands about pictures: predict."""

import argparse
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path

from core.cli.arguments import add_epoch_argument
from core.cli.output import end_progress, print_json, progress_line
from core.engine.answers import Answer
from core.engine.client import Engine
from core.engine.looking import Look, Variants
from core.errors import DatasetError, UserError
from core.images import CROPS, Box
from core.importing.picture_files import PictureFile, open_pictures, picture_on_disk
from core.inspection.looking import (
    MOST_RUNS,
    Asking,
    asking_of,
    disagree,
    kept_in_words,
    look_at,
    look_document,
)
from core.store.store import Store
from core.workspace import Workspace

# On the command line the middle has the name that `datasets add` has for it, too.
CROP_NAMES = {"middle": "center", **{crop: crop for crop in CROPS}}


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add this module's commands to the parser."""
    predicting = commands.add_parser("predict", help="classify pictures with a run")
    predicting.add_argument(
        "--run", metavar="RUN", required=True, action="append", dest="runs",
        help=f"may be given up to {MOST_RUNS} times: all of them answer the same pictures",
    )  # fmt: skip
    predicting.add_argument(
        "images", metavar="IMAGE", type=Path, nargs="+", help="a picture, a folder of them or a .zip"
    )
    part = predicting.add_mutually_exclusive_group()
    part.add_argument(
        "--crop", choices=CROP_NAMES, help="how pictures get the network's shape (default: as in training)"
    )
    part.add_argument(
        "--box", metavar="LEFT,TOP,RIGHT,BOTTOM",
        help="the part of each picture to look at, in fractions of its width and height from 0 to 1, such as "
        "0.25,0,0.75,0.5; what of it is not in the network's proportions is cut off at the sides",
    )  # fmt: skip
    predicting.add_argument(
        "--vary", action="store_true",
        help="test-time augmentation: also answer variants of each picture, to see whether the answer stays",
    )  # fmt: skip
    add_epoch_argument(predicting)
    predicting.add_argument("--json", action="store_true", help="print one JSON document")
    predicting.set_defaults(handle=_predict)


def _predict(arguments: argparse.Namespace) -> int:
    workspace = Workspace.from_environment().ensure()
    box = None if arguments.box is None else Box.parse(arguments.box)
    runs = [Store(workspace).get_run(each) for each in arguments.runs]
    looks: list[Look] = []
    with ExitStack() as opened:
        pictures = [replace(each, box=box) for path in arguments.images for each in _pictures(path, opened)]
        engine = Engine(workspace)
        try:
            asking, problems = asking_of(
                workspace, engine, runs, CROP_NAMES.get(arguments.crop), vary=arguments.vary, epoch=arguments.epoch,
                advance=_advance,
            )  # fmt: skip
            for part in look_at(workspace, engine, asking, pictures):
                looks += part
                if len(looks) < len(pictures):
                    progress_line(f"{len(looks):,} of {len(pictures):,} pictures")
        finally:
            engine.close()
            end_progress()
    for problem in problems:
        progress_line(f"Whether the run knows such pictures cannot be told. {problem}")
        end_progress()
    paths = [picture.path for picture in pictures]
    if arguments.json:
        print_json([look_document(asking, *each) for each in zip(looks, paths, strict=True)])
    else:
        for found, path in zip(looks, paths, strict=True):
            _print(asking, found, path)
    return 0 if any(found.answers[0].ok for found in looks) else 2


def _pictures(path: Path, opened: ExitStack) -> list[PictureFile]:
    """The file, or the pictures in a folder or zip, which is read while `opened` is; one with a sentence otherwise."""
    if not path.is_dir() and path.suffix.lower() != ".zip":
        return [picture_on_disk(path)]
    try:
        pictures, others = open_pictures(opened, path, path.name)
    except DatasetError as error:
        return [PictureFile(str(path), path.name, partial(_refuse, f"{path.name}: {error}"))]
    if others:
        progress_line(f"{path.name}: left out: {others}")
        end_progress()
    return [replace(each, path=f"{path}/{each.path}") for each in pictures]


def _refuse(sentence: str) -> bytes:
    raise UserError(sentence)


def _print(asking: Asking, found: Look, path: str) -> None:
    sentences = [
        _sentence(answer, varied) for answer, varied in zip(found.answers, found.variants, strict=True)
    ]
    if len(sentences) == 1 or not found.answers[0].ok:
        print(f"{path}: {sentences[0]}")
        return
    print(f"{path}:{' the runs disagree' if disagree(found.answers) else ''}")
    for run, sentence in zip(asking.runs, sentences, strict=True):
        print(f"  {run.id} {run.name}: {sentence}")


def _sentence(answer: Answer, varied: Variants | None) -> str:
    said = [answer.error or _top_in_words([(each.name, each.probability) for each in answer.top])]
    if answer.knowledge is not None and not answer.knowledge.is_known:
        said.append("This looks like nothing that the run was trained on")
    if varied is not None:
        spread = ", ".join(
            f"{each.name} {100 * each.mean:.1f} ± {100 * each.deviation:.1f} %" for each in varied.classes[:3]
        )
        said += [f"Varied: {spread}", kept_in_words(varied, answer.best).rstrip(".")]
    return ". ".join(said)


def _top_in_words(top: Sequence[tuple[str, float]]) -> str:
    return ", ".join(f"{name} {100 * probability:.1f} %" for name, probability in top[:3])


def _advance(done: int, of: int) -> None:
    progress_line(f"Measuring what the run knows: {done:,} of {of:,} pictures")
