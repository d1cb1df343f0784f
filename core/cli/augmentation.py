"""Commands about augmentation: a sheet of variants, a training batch, and how robust a run is."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from core.augmentation.batch_document import Batch, batch_document
from core.augmentation.generator_code import generator_code
from core.augmentation.keras_code import keras_code
from core.augmentation.robustness import KNOBS, Robustness, measure_robustness
from core.cli.arguments import add_config_arguments, config_from
from core.cli.output import end_progress, print_json, print_table, progress_line
from core.config import ExperimentConfig
from core.datasets.identity import check_same_data
from core.datasets.lookup import check_dataset
from core.datasets.prepare import ensure_dataset
from core.datasets.storage import load_dataset
from core.engine.client import Engine
from core.errors import UserError
from core.formatting import percent
from core.importing.picture_files import read_picture
from core.store.store import Store
from core.workspace import Workspace

SHEET_SCALE = 4
SHEET_VARIANTS = 12
SHEET_COLUMNS = 8
MOST_PICTURES = 256
CODES = {"layers": keras_code, "generator": generator_code}


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add this module's commands to the parser."""
    augment = commands.add_parser("augment", help="write a sheet of augmented variants as PNG")
    add_config_arguments(augment)
    augment.add_argument("--out", metavar="PATH", type=Path)
    augment.add_argument(
        "--pictures", type=int, default=4, metavar="N", help="rows: training pictures (1 to 20)"
    )
    augment.add_argument(
        "--image", type=Path, metavar="IMAGE", help="a picture to use instead of training pictures"
    )
    augment.add_argument("--seed", type=int, default=0, help="change the seed to draw other values")
    augment.add_argument("--run", metavar="RUN", help="a trained run that classifies each variant")
    augment.add_argument(
        "--code", nargs="?", const="layers", choices=list(CODES), metavar="WAY",
        help="print the policy as code instead: keras.layers (layers, the default) or ImageDataGenerator (generator)",
    )  # fmt: skip
    augment.set_defaults(handle=_augment)

    batch = commands.add_parser("batch", help="write a training batch as PNG, exactly as training makes it")
    add_config_arguments(batch, run=True)
    batch.add_argument("--epoch", type=int, default=1, metavar="N", help="counted from 1")
    batch.add_argument(
        "--step", type=int, default=1, metavar="N", help="step within the epoch, counted from 1"
    )
    batch.add_argument("--out", metavar="PATH", type=Path, required=True)
    batch.add_argument("--json", action="store_true", help="print one JSON document")
    batch.set_defaults(handle=_batch)

    robustness = commands.add_parser("robustness", help="accuracy of a run on distorted validation pictures")
    robustness.add_argument("run", metavar="RUN")
    robustness.add_argument("--knob", choices=list(KNOBS), default="rotation")
    robustness.add_argument("--json", action="store_true", help="print one JSON document")
    robustness.set_defaults(handle=_robustness)


def _augment(arguments: argparse.Namespace) -> int:
    config = config_from(arguments)
    workspace = Workspace.from_environment().ensure()
    if arguments.code:
        return _print_code(workspace, config, arguments.code)
    if arguments.out is None:
        raise UserError("--out PATH is required unless --code is given.")
    if not 1 <= arguments.pictures <= 20:
        raise UserError(f"--pictures takes 1 to 20, not {arguments.pictures}.")
    run = Store(workspace).get_run(arguments.run) if arguments.run else None
    dataset = ensure_dataset(workspace, config.dataset.id)
    originals = np.asarray(dataset.x_train[: arguments.pictures])
    engine = Engine(workspace)
    drawn: list[list[dict[str, str]]] = []
    answers: list[list[tuple[str, float]]] = []
    try:
        if arguments.image is not None:
            picture = (arguments.image.name, read_picture(arguments.image))
            (decoded,) = engine.decode([picture], dataset.image_shape, dataset.crop or "center")
            if decoded.seen is None:
                raise UserError(decoded.error or "")
            originals = decoded.seen[None]
        columns = [originals]
        for variant in range(SHEET_VARIANTS):
            varied, values = engine.preview(
                config.augmentation, originals, arguments.seed * SHEET_VARIANTS + variant
            )
            columns.append(varied)
            drawn.append(values)
        if run is not None:
            answers = [_answers(engine, run.id, column) for column in columns]
    finally:
        engine.close()
    _save(np.concatenate([np.concatenate(list(column), axis=0) for column in columns], axis=1), arguments.out)
    print(
        f"{arguments.out}: {len(originals)} pictures, the original first, then {SHEET_VARIANTS} variants each."
    )
    for place in range(len(originals)):
        if answers:
            print(f"  {place + 1}: {_told([each[place] for each in answers])}")
        for variant, values in enumerate(drawn, start=1):
            said = f": {_answer(answers[variant][place], answers[0][place])}" if answers else ""
            print(f"  {place + 1}.{variant}: {', '.join(values[place].values()) or 'unchanged'}{said}")
    return 0


def _print_code(workspace: Workspace, config: ExperimentConfig, way: str) -> int:
    found = CODES[way](config.augmentation, ensure_dataset(workspace, config.dataset.id).image_shape[2])
    print(found.text)
    for sentence in found.differences:
        print(f"# {sentence}")
    return 0


def _answers(engine: Engine, run_id: str, pixels: NDArray[np.uint8]) -> list[tuple[str, float]]:
    probabilities, names = engine.answer(run_id, pixels)
    best = probabilities.argmax(axis=1)
    return [(names[place], float(row[place])) for place, row in zip(best, probabilities, strict=True)]


def _told(answers: Sequence[tuple[str, float]]) -> str:
    (name, sure), *others = answers
    flips = sum(other != name for other, _ in others)
    return f"classified as {name} ({percent(sure)}); {flips} of {len(others)} variants change that"


def _answer(answer: tuple[str, float], on_original: tuple[str, float]) -> str:
    mark = " (another class)" if answer[0] != on_original[0] else ""
    return f"{answer[0]} {percent(answer[1])}{mark}"


def _batch(arguments: argparse.Namespace) -> int:
    workspace = Workspace.from_environment().ensure()
    config = config_from(arguments)
    check_dataset(workspace, config.dataset)
    ensure_dataset(workspace, config.dataset.id)
    if arguments.run:
        run = Store(workspace).get_run(arguments.run)
        if config.dataset.id == run.dataset:
            check_same_data(workspace, run)
        if run.added_epochs:
            # Those that were added are trained too, by the same plan.
            config = config.with_values({"training.epochs": max(config.training.epochs, run.total_epochs)})
    engine = Engine(workspace)
    try:
        batch = engine.batch(config, arguments.epoch - 1, arguments.step - 1, MOST_PICTURES)
    finally:
        engine.close()
    _save(_sheet(batch), arguments.out)
    document = batch_document(batch, config, arguments.epoch, arguments.step)
    if arguments.json:
        print_json({"out": str(arguments.out), **document})
        return 0
    print(
        f"{arguments.out}: epoch {arguments.epoch}, step {arguments.step} of {batch.steps:,}, seed {config.seed}: "
        f"{len(batch.images)} of {batch.pictures:,} pictures, {SHEET_COLUMNS} per row."
    )
    for number, shown in enumerate(document["shown"], start=1):
        label = ", ".join(f"{name} {percent(share)}" for name, share in shown["label"].items())
        wrong = " (a wrong label, on purpose)" if shown["corrupted"] else ""
        print(f"  {number}: {label}{wrong}: {', '.join(shown['drawn'].values()) or 'unchanged'}")
    return 0


def _sheet(batch: Batch) -> NDArray[np.uint8]:
    """(rows · height, columns · width, channels): the pictures row by row, black where there are none."""
    count, height, width, channels = batch.images.shape
    columns = min(SHEET_COLUMNS, count)
    rows = -(-count // columns)
    cells = np.zeros((rows * columns, height, width, channels), np.uint8)
    cells[:count] = batch.images
    sheet = cells.reshape(rows, columns, height, width, channels).swapaxes(1, 2)
    return sheet.reshape(rows * height, columns * width, channels)


def _save(sheet: NDArray[np.uint8], out: Path) -> None:
    image = Image.fromarray(sheet.squeeze(-1) if sheet.shape[-1] == 1 else sheet)
    size = (image.width * SHEET_SCALE, image.height * SHEET_SCALE)
    try:
        image.resize(size, Image.Resampling.NEAREST).save(out, format="PNG")
    except OSError as error:
        raise UserError(f"{out} cannot be written: {error.strerror or error}.") from error


def _robustness(arguments: argparse.Namespace) -> int:
    workspace = Workspace.from_environment().ensure()
    run = Store(workspace).get_run(arguments.run)
    stored = load_dataset(workspace, run.dataset).image_shape
    shape = run.config.dataset.picture_shape(stored)
    engine = Engine(workspace)
    found: Robustness | None = None
    try:
        for found in measure_robustness(workspace, engine, run, arguments.knob, shape):
            done = sum(value is not None for value in found.accuracy)
            progress_line(f"{KNOBS[arguments.knob].title}: {done} of {len(found.levels)} levels")
    finally:
        end_progress()
        engine.close()
    assert found is not None
    if arguments.json:
        print_json(found.to_dict())
        return 0
    rows: list[Sequence[Any]] = [
        (f"{level:g}", percent(accuracy), "trained" if _is_trained(found, level) else "")
        for level, accuracy in zip(found.levels, found.accuracy, strict=True)
    ]
    print_table((f"{arguments.knob.upper()} ({KNOBS[arguments.knob].unit})", "ACCURACY", ""), rows)
    print(f"\nOn {found.num_pictures:,} validation pictures, all distorted by the same amount.")
    return 0


def _is_trained(found: Robustness, level: float) -> bool:
    return found.trained is not None and found.trained[0] <= level <= found.trained[1]
