"""The tool that classifies a picture with a run."""

import base64
import binascii
from functools import partial
from pathlib import Path
from typing import Any

from core.errors import ConfigError, PictureError
from core.images import CROPS, MAX_FILE_BYTES
from core.importing.picture_files import PictureFile, picture_on_disk
from core.inspection.answers import BEST
from core.inspection.looking import asking_of, look_at, look_document
from core.mcp.schemas import RUN
from core.mcp.tool import Bench, Tool

MAX_BASE64_CHARACTERS = 4 * -(-MAX_FILE_BYTES // 3)
SENT = "picture"  # the name of one that came without


def tools() -> list[Tool]:
    """classify."""
    return [
        Tool(
            "classify", "Classify a picture",
            "What a run says of a picture: every class with its probability, the most probable first. `known` is false "
            "if the picture looks like nothing that the run was trained on, so that the answer means little. "
            "`warnings` say what else to know. The first picture takes some seconds more.",
            {
                "run": RUN,
                "path": {
                    "type": "string", "minLength": 1,
                    "description": "A picture on this machine: PNG, JPEG, WebP, BMP, GIF, TIFF or AVIF.",
                },
                "base64": {
                    "type": "string", "minLength": 1, "maxLength": MAX_BASE64_CHARACTERS, "contentEncoding": "base64",
                    "description": "Or the content of such a file.",
                },
                "crop": {
                    "type": "string", "enum": list(CROPS),
                    "description": "How the picture gets the network's shape. By default as in training.",
                },
                "epoch": {
                    "type": "string", "pattern": "^(best|last|[1-9][0-9]{0,8})$", "default": BEST,
                    "description": "The weights to use: of the best epoch, of the last, or of one that was kept.",
                },
            },
            _classify, required=("run",), reads_only=True,
        )
    ]  # fmt: skip


def _classify(bench: Bench, asked: dict[str, Any]) -> dict[str, Any]:
    picture = _picture_of(asked)
    run = bench.store.get_run(asked["run"])
    workspace, engine = bench.workspace, bench.engine
    asking, problems = asking_of(workspace, engine, [run], asked.get("crop"), epoch=asked.get("epoch", BEST))
    ((found,),) = look_at(workspace, engine, asking, [picture])
    (answer,) = found.answers
    if answer.error:
        raise PictureError(answer.error)
    warnings = [f"Whether the run knows such pictures cannot be told. {each}" for each in problems]
    if answer.knowledge is not None and not answer.knowledge.is_known:
        warnings.append("This looks like nothing that the run was trained on.")
    return look_document(asking, found, picture.path) | {"warnings": [*answer.notes, *warnings]}


def _picture_of(asked: dict[str, Any]) -> PictureFile:
    if ("path" in asked) == ("base64" in asked):
        raise ConfigError("", "Give either path or base64.")
    if "path" in asked:
        path = Path(asked["path"]).expanduser()
        if not path.is_absolute():
            raise PictureError(f"path must begin at the root of the file system, not {asked['path'][:60]!r}.")
        if not path.is_file():
            raise PictureError(f"There is no file {path.name[:60]!r} at this path.")
        return picture_on_disk(path)
    try:
        data = base64.b64decode(asked["base64"], validate=True)
    except (binascii.Error, ValueError):
        raise PictureError(
            "base64 is not valid base64: send the bytes of a picture file, without a prefix."
        ) from None
    return PictureFile(SENT, SENT, partial(bytes, data))
