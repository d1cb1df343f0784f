"""Small pictures and archives, made by the tests."""

import io
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image


def png(color: str | tuple[int, int, int] = "red", size: tuple[int, int] = (40, 30)) -> bytes:
    return encoded(Image.new("RGB", size, color), "PNG")


def encoded(image: Image.Image, kind: str, **settings) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **settings)
    return buffer.getvalue()


def noise(seed: int, size: tuple[int, int] = (12, 12)) -> bytes:
    """A picture that no other seed has."""
    pixels = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3)).astype(np.uint8)
    return encoded(Image.fromarray(pixels), "PNG")


def pictures(*folders: str, count: int = 8, seed: int = 0) -> dict[str, bytes]:
    """`count` different pictures in each folder."""
    return {
        f"{folder}/{index}.png": noise(hash_of(folder, index, seed))
        for folder in folders
        for index in range(count)
    }


def hash_of(folder: str, index: int, seed: int) -> int:
    return int.from_bytes(folder.encode()) % 1_000_003 * 1000 + 100 * seed + index


def make_zip(path: Path, entries: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return path


def make_folder(path: Path, entries: dict[str, bytes]) -> Path:
    for name, data in entries.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(data)
    return path
