"""Commands about pictures: predict, and a sheet of augmented variants."""

import argparse
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from core.cli.configs import add_config_arguments, config_from
from core.cli.output import print_json
from core.datasets.prepare import ensure_dataset
from core.engine_client import Engine
from core.errors import UserError
from core.runs.store import Store
from core.workspace import Workspace

MAX_PICTURE_BYTES = 50_000_000
SHEET_SCALE = 4
SHEET_VARIANTS = 12


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add this module's commands to the parser."""
    predict = commands.add_parser("predict", help="classify pictures with a run")
    predict.add_argument("--run", metavar="RUN", required=True)
    predict.add_argument("images", metavar="IMAGE", type=Path, nargs="+")
    predict.add_argument("--crop", choices=["center", "pad", "stretch"], default="center")
    predict.add_argument("--json", action="store_true", help="print one JSON document")
    predict.set_defaults(handle=_predict)

    augment = commands.add_parser("augment", help="write a sheet of augmented variants as PNG")
    add_config_arguments(augment)
    augment.add_argument("--out", metavar="PATH", type=Path, required=True)
    augment.add_argument(
        "--pictures", type=int, default=4, metavar="N", help="rows: training pictures (1 to 20)"
    )
    augment.add_argument("--seed", type=int, default=0, help="another seed draws other values")
    augment.set_defaults(handle=_augment)


def _predict(arguments: argparse.Namespace) -> int:
    workspace = Workspace.from_environment().ensure()
    run = Store(workspace).get_run(arguments.run)
    rows: list[dict[str, Any]] = [
        {"image": str(path), "ok": False, "error": None, "top": []} for path in arguments.images
    ]
    pictures = []
    for row, path in zip(rows, arguments.images, strict=True):
        try:
            pictures.append((row, path.name, _read_picture(path)))
        except UserError as error:
            row["error"] = str(error)
    if pictures:
        engine = Engine(workspace)
        try:
            answers = engine.predict(run.id, [(name, data) for _, name, data in pictures], arguments.crop)
        finally:
            engine.close()
        for (row, _, _), answer in zip(pictures, answers, strict=True):
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
            data = stream.read(MAX_PICTURE_BYTES + 1)
    except OSError as error:
        raise UserError(f"{path.name} cannot be read: {error.strerror}.") from error
    if len(data) > MAX_PICTURE_BYTES:
        raise UserError(f"{path.name} is larger than {MAX_PICTURE_BYTES // 1_000_000} MB.")
    return data


def _augment(arguments: argparse.Namespace) -> int:
    config = config_from(arguments)
    if not 1 <= arguments.pictures <= 20:
        raise UserError(f"--pictures takes 1 to 20, not {arguments.pictures}.")
    workspace = Workspace.from_environment().ensure()
    dataset = ensure_dataset(workspace, config.dataset.id)
    originals = np.asarray(dataset.x_train[: arguments.pictures])
    engine = Engine(workspace)
    try:
        columns = [originals]
        for variant in range(SHEET_VARIANTS):
            varied, _ = engine.preview(
                config.augmentation, originals, arguments.seed * SHEET_VARIANTS + variant
            )
            columns.append(varied)
    finally:
        engine.close()
    sheet = np.concatenate([np.concatenate(list(column), axis=0) for column in columns], axis=1)
    picture = Image.fromarray(sheet.squeeze(-1) if sheet.shape[-1] == 1 else sheet)
    size = (picture.width * SHEET_SCALE, picture.height * SHEET_SCALE)
    try:
        picture.resize(size, Image.Resampling.NEAREST).save(arguments.out, format="PNG")
    except OSError as error:
        raise UserError(f"{arguments.out} cannot be written: {error.strerror or error}.") from error
    print(
        f"{arguments.out}: {len(originals)} pictures, the original first, then {SHEET_VARIANTS} variants each."
    )
    return 0
