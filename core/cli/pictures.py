"""Commands about pictures: predict, and a sheet of augmented variants."""

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from core.cli.configs import add_config_arguments, config_from
from core.cli.output import print_json
from core.datasets.prepare import ensure_dataset
from core.engine_client import Engine
from core.errors import UserError
from core.images.decode import CROPS, MAX_FILE_BYTES
from core.runs.store import Store
from core.workspace import Workspace

SHEET_SCALE = 4
SHEET_VARIANTS = 12


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add this module's commands to the parser."""
    predict = commands.add_parser("predict", help="classify pictures with a run")
    predict.add_argument("--run", metavar="RUN", required=True)
    predict.add_argument("images", metavar="IMAGE", type=Path, nargs="+")
    predict.add_argument("--crop", choices=CROPS, default="center")
    predict.add_argument("--json", action="store_true", help="print one JSON document")
    predict.set_defaults(handle=_predict)

    augment = commands.add_parser("augment", help="write a sheet of augmented variants as PNG")
    add_config_arguments(augment)
    augment.add_argument("--out", metavar="PATH", type=Path, required=True)
    augment.add_argument(
        "--pictures", type=int, default=4, metavar="N", help="rows: training pictures (1 to 20)"
    )
    augment.add_argument(
        "--image", type=Path, metavar="IMAGE", help="this picture instead of training pictures"
    )
    augment.add_argument("--seed", type=int, default=0, help="another seed draws other values")
    augment.set_defaults(handle=_augment)


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
                picture = path.name, _read_picture(path)
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


def _read_picture(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            return stream.read(MAX_FILE_BYTES + 1)  # one that is larger the engine refuses, in words
    except OSError as error:
        raise UserError(f"{path.name} cannot be read: {error.strerror}.") from error


def _augment(arguments: argparse.Namespace) -> int:
    config = config_from(arguments)
    if not 1 <= arguments.pictures <= 20:
        raise UserError(f"--pictures takes 1 to 20, not {arguments.pictures}.")
    workspace = Workspace.from_environment().ensure()
    dataset = ensure_dataset(workspace, config.dataset.id)
    originals = np.asarray(dataset.x_train[: arguments.pictures])
    engine = Engine(workspace)
    drawn: list[list[dict[str, str]]] = []
    try:
        if arguments.image is not None:
            picture = (arguments.image.name, _read_picture(arguments.image))
            (row,) = engine.decode([picture], dataset.image_shape)
            if not row["ok"]:
                raise UserError(row["error"])
            originals = row["seen"][None]
        columns = [originals]
        for variant in range(SHEET_VARIANTS):
            varied, values = engine.preview(
                config.augmentation, originals, arguments.seed * SHEET_VARIANTS + variant
            )
            columns.append(varied)
            drawn.append(values)
    finally:
        engine.close()
    sheet = np.concatenate([np.concatenate(list(column), axis=0) for column in columns], axis=1)
    image = Image.fromarray(sheet.squeeze(-1) if sheet.shape[-1] == 1 else sheet)
    size = (image.width * SHEET_SCALE, image.height * SHEET_SCALE)
    try:
        image.resize(size, Image.Resampling.NEAREST).save(arguments.out, format="PNG")
    except OSError as error:
        raise UserError(f"{arguments.out} cannot be written: {error.strerror or error}.") from error
    print(
        f"{arguments.out}: {len(originals)} pictures, the original first, then {SHEET_VARIANTS} variants each."
    )
    for place in range(len(originals)):
        for variant, values in enumerate(drawn, start=1):
            print(f"  {place + 1}.{variant}: {', '.join(values[place].values()) or 'unchanged'}")
    return 0
