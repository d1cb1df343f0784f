"""A run packed into a bundle: what its store and its folder hold of it, and a manifest with the digest of each part."""

import hashlib
import json
import time
import zipfile
from dataclasses import dataclass
from pathlib import Path

import msgspec

from core.bundles.contents import (
    EPOCHS,
    EVALUATION,
    FORMAT,
    LOG,
    MANIFEST,
    MAX_ALL_TEXT_BYTES,
    MAX_WEIGHTS_BYTES,
    RUN,
    TEMPERATURE,
    VERSION,
    Manifest,
    Member,
    convdeck_version,
    most_bytes,
)
from core.bundles.model_card import run_card
from core.engine.client import Engine
from core.errors import UserError
from core.formatting import file_stem
from core.inspection import temperature
from core.inspection.answers import Advance
from core.inspection.kept_receipts import FOLDER as RECEIPTS
from core.inspection.kept_receipts import kept_receipts
from core.inspection.run_export import CARD
from core.model_description import Description
from core.store.records import Run
from core.store.store import Store
from core.system.cpu import cpu_name
from core.system.files import replacing, sha256_of
from core.workspace import Workspace

SUFFIX = ".zip"
_COPY_BYTES = 1 << 20
_MANIFEST_BYTES = 100_000  # of text too; it takes some 150 bytes for each member


@dataclass(frozen=True)
class PackedBundle:
    """A bundle that was written, its size, and the model card in it."""

    path: Path
    bytes: int
    card: str


def bundle_name(run: Run) -> str:
    """What its file is called: `A-finished-run-bundle.zip`."""
    return f"{file_stem(run.name, run.id)}-bundle{SUFFIX}"


def export_bundle(
    workspace: Workspace, store: Store, engine: Engine, run_id: str, out: Path, advance: Advance | None = None
) -> PackedBundle:
    """Write a run that has ended to `out`, to which `.zip` is added.

    The engine measures what the model card says where the run's data is here. Raises RunNotFound, IllegalTransition for
    a run that has not ended, UserError where it cannot be packed or `out` cannot be written.
    """
    target = out if out.suffix == SUFFIX else out.with_name(out.name + SUFFIX)
    run = store.get_run(run_id)
    whole = store.whole_runs.read(run_id, cpu_name())
    whole.check()
    folder = workspace.run_folder(run_id)
    models = _models(folder)
    best = next((each for name, each in models.items() if name.startswith("best-")), None)
    if best is None and run.best_epoch is not None:
        raise UserError(
            f"The saved weights of “{run.name}” are damaged or gone, so there is no bundle of it. Train it again."
        )
    card = run_card(workspace, store, engine, run, advance)
    texts = {
        RUN: _lines(msgspec.json.encode(whole.record)),
        EPOCHS: msgspec.json.encode(whole.epochs),
        LOG: msgspec.json.encode(whole.log),
        CARD: card.encode(),
    }
    for name, description in models.items():
        texts[f"weights/{name}.json"] = description.to_json().encode()
    if best is not None:
        texts |= _measured(folder, best.sha256)
    for name, data in texts.items():
        if len(data) > most_bytes(name):
            raise UserError(f"{name} of “{run.name}” is too long for a bundle ({len(data) / 1e6:.0f} MB).")
    if (total := sum(map(len, texts.values()))) > MAX_ALL_TEXT_BYTES - _MANIFEST_BYTES:
        raise UserError(f"Epochs and log of “{run.name}” are too long for a bundle ({total / 1e6:.0f} MB).")
    if not target.parent.is_dir():
        raise UserError(f"{target} cannot be written: its folder is not there.")
    try:
        with replacing(target) as temporary:
            _write(temporary, run_id, texts, folder, list(models))
        return PackedBundle(target, target.stat().st_size, card)
    except OSError as error:
        raise UserError(f"{target} cannot be written: {error.strerror or error}.") from error


def _models(folder: Path) -> dict[str, Description]:
    """The newest best and last model that pass their hash, by their names without suffix."""
    found = {}
    for which in ("best", "last"):
        for path in sorted(folder.glob(f"{which}-*.json"), reverse=True):
            model = path.with_suffix(".keras")
            try:
                description = Description.from_json(path.read_bytes())
                if description is not None and sha256_of(model) == description.sha256:
                    if model.stat().st_size > MAX_WEIGHTS_BYTES:
                        raise UserError("The weights of this run are too large for a bundle.")
                    found[path.stem] = description
                    break
            except OSError:
                continue
    return found


def _measured(folder: Path, sha256: str) -> dict[str, bytes]:
    """Temperature, what the card says and receipts, of the weights with this digest."""
    found = {}
    for name, path in ((TEMPERATURE, folder / temperature.FILE), (EVALUATION, folder / EVALUATION)):
        try:
            data = path.read_bytes()
            if json.loads(data)["sha256"] == sha256:
                found[name] = data
        except (OSError, ValueError, TypeError, KeyError):
            continue
    for name, kept in kept_receipts(folder, sha256).items():
        found[f"{RECEIPTS}/{name}.json"] = msgspec.json.encode(kept)
    return found


def _write(target: Path, run_id: str, texts: dict[str, bytes], folder: Path, models: list[str]) -> None:
    members = {
        name: Member(len(data), hashlib.sha256(data).hexdigest()) for name, data in sorted(texts.items())
    }
    for name in models:
        path = folder / f"{name}.keras"
        members[f"weights/{name}.keras"] = Member(path.stat().st_size, sha256_of(path))
    manifest = Manifest(FORMAT, VERSION, convdeck_version(), time.time(), run_id, members)
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(MANIFEST, _lines(msgspec.json.encode(manifest)))
        for name, data in texts.items():
            archive.writestr(name, data)
        for name in models:
            # Weights are numbers that hardly shrink.
            info = zipfile.ZipInfo(f"weights/{name}.keras", time.localtime()[:6])
            with (folder / f"{name}.keras").open("rb") as stream, archive.open(info, "w") as out:
                while data := stream.read(_COPY_BYTES):
                    out.write(data)


def _lines(data: bytes) -> bytes:
    return msgspec.json.format(data, indent=2)
