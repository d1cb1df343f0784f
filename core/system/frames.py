"""Messages over a pipe: one JSON document and any number of arrays. Nothing is ever unpickled.

A frame is an 8-byte big-endian length, that many bytes of JSON, then the arrays' raw bytes in the order in
which the JSON's `arrays` lists them as `[name, dtype, shape]`.
"""

import contextlib
import json
import struct
from collections.abc import Callable, Mapping
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

Arrays = dict[str, NDArray[Any]]
Frame = tuple[dict[str, Any], Arrays]
Pixels = NDArray[np.uint8]  # pictures, (height, width, channels) or with a count before

# What a process sends unasked, once it has loaded all that it needs to answer.
READY: dict[str, Any] = {"ready": True}

_LENGTH = struct.Struct(">Q")
_MAX_HEADER_BYTES = 64 * 1024 * 1024


def write_frame(stream: IO[bytes], document: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write one frame and flush. Raises OSError when the other side is gone."""
    parts = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    listed = [[name, part.dtype.str, list(part.shape)] for name, part in parts.items()]
    header = json.dumps({"document": document, "arrays": listed}).encode()
    stream.write(_LENGTH.pack(len(header)))
    stream.write(header)
    for part in parts.values():
        stream.write(part.tobytes())
    stream.flush()


def read_frame(stream: IO[bytes]) -> Frame:
    """Read one frame. Raises EOFError when the stream ends before or inside it."""
    (length,) = _LENGTH.unpack(_read_exactly(stream, _LENGTH.size))
    if length > _MAX_HEADER_BYTES:
        raise EOFError("The stream does not hold a frame.")
    header = json.loads(_read_exactly(stream, length))
    arrays: Arrays = {}
    for name, dtype, shape in header["arrays"]:
        kind = np.dtype(dtype)
        count = int(np.prod(shape, dtype=np.int64))
        data = _read_exactly(stream, count * kind.itemsize)
        arrays[name] = np.frombuffer(data, dtype=kind).reshape(shape)
    return header["document"], arrays


def _read_exactly(stream: IO[bytes], count: int) -> bytes:
    data = b""
    if count:
        parts = []
        while count:
            part = stream.read(count)
            if not part:
                raise EOFError("The stream ended.")
            parts.append(part)
            count -= len(part)
        data = b"".join(parts)
    return data


def collect_frames(stream: IO[bytes], put: Callable[[Frame | None], None]) -> None:
    """Hand over each frame as it comes, and None once the stream has ended; for a thread of the reading side."""
    try:
        with stream, contextlib.suppress(EOFError, OSError, ValueError):
            while True:
                put(read_frame(stream))
    finally:
        put(None)
