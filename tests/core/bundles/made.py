"""Bundles for tests: one of the example run, which takes no training, and what a hostile person makes of one."""

import hashlib
import io
import json
import struct
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from core.bundles.packing import export_bundle
from core.engine.client import Engine
from core.onboarding.example import read_example
from core.store.store import Store
from core.system.files import write_bytes
from core.workspace import Workspace

BEST = "weights/best-000018.keras"


def example_in(workspace: Workspace) -> str:
    """The id of the example run in a workspace, with a tag and a note."""
    example = read_example()
    with Store(workspace) as store:
        for name, data in example.files.items():
            path = workspace.run_folder(example.run.id) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            write_bytes(path, data)
        assert store.import_first(example.run)
        store.marks.add_tags([example.run.id], ["kept", "zweite Wahl"])
        store.notes.write([example.run.id], outcome="It overfits, as it was meant to.")
    return example.run.id


def example_bundle(workspace: Workspace, out: Path) -> bytes:
    """A bundle of it. Its data is not there, so the engine is never asked."""
    run_id = example_in(workspace)
    with Store(workspace) as store:
        return export_bundle(workspace, store, Engine(workspace), run_id, out).path.read_bytes()


def members_of(bundle: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(bundle)) as archive:
        return {info.filename: archive.read(info) for info in archive.infolist()}


def packed(members: Mapping[str, bytes], manifest: Callable[[dict[str, Any]], None] | None = None) -> bytes:
    """A bundle whose manifest fits its members, as somebody makes it who knows the format; `manifest` changes it."""
    said = json.loads(members["manifest.json"])
    said["members"] = {
        name: {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        for name, data in members.items()
        if name != "manifest.json"
    }
    if manifest is not None:
        manifest(said)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("manifest.json", json.dumps(said))
        for name, data in members.items():
            if name != "manifest.json":
                archive.writestr(name, data)
    return buffer.getvalue()


def with_json(bundle: bytes, name: str, change: Callable[[Any], Any]) -> bytes:
    """The bundle with a member of JSON changed, and a manifest that fits."""
    members = members_of(bundle)
    values = json.loads(members[name])
    changed = change(values)
    members[name] = json.dumps(values if changed is None else changed).encode()
    return packed(members)


def with_model(bundle: bytes, change: Callable[[dict[str, bytes]], None]) -> bytes:
    """The bundle with the files in its best model changed; description, measurements and manifest fit."""
    from core.model_description import Description

    members = members_of(bundle)
    files = members_of(members[BEST])
    change(files)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    members[BEST] = buffer.getvalue()
    described = json.loads(members[BEST.replace(".keras", ".json")])
    del described["seal"]
    described["sha256"] = hashlib.sha256(members[BEST]).hexdigest()
    described["image_shape"], described["class_names"] = (
        tuple(described["image_shape"]), tuple(described["class_names"]),
    )  # fmt: skip
    members[BEST.replace(".keras", ".json")] = Description(**described).to_json().encode()
    for name in ("temperature.json", "evaluation.json"):
        members.pop(name, None)
    return packed(members)


def with_flag(bundle: bytes, bit: int) -> bytes:
    """The bundle with a flag set in each entry of its list (APPNOTE.TXT, 4.3.12)."""
    data = bytearray(bundle)
    at = data.find(b"PK\1\2")
    while at >= 0:
        (flags,) = struct.unpack_from("<H", data, at + 8)
        struct.pack_into("<H", data, at + 8, flags | bit)
        at = data.find(b"PK\1\2", at + 4)
    return bytes(data)
