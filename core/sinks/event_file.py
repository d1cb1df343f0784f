"""Event files as TensorBoard reads them, written without TensorFlow.

A file is a row of TFRecords: length (8 bytes, little-endian), masked CRC-32C of it, data, masked CRC-32C of that. The
data is an `Event` of TensorFlow's `event.proto`; of it, only the few fields that follow are written, by hand:

    Event     1 wall_time (double), 2 step (varint), 3 file_version (text), 5 summary, 7 session_log
    Summary   1 value, repeated: 1 tag (text), 2 simple_value (float)
    SessionLog   1 status: 1 is START. TensorBoard then drops what it has from that step on.

Sources: tensorflow/core/lib/io/record_writer.h and tensorflow/core/util/event.proto; CRC-32C: RFC 3720, B.4.
"""

import contextlib
import struct
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import BinaryIO

VERSION = "brain.Event:2"
_HEADER, _FOOTER = 12, 4
_POLYNOMIAL = 0x82F63B78  # Castagnoli's, reversed
_MASK_DELTA = 0xA282EAD8
_VARINT, _DOUBLE, _BYTES, _FLOAT = 0, 1, 2, 5


def append_events(path: Path, events: list[bytes]) -> None:
    """Add events to a file, which begins with its version; all of them, or none. Raises OSError.

    A record that an earlier process did not finish is cut off first: TensorBoard would read nothing after it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("r+b" if path.exists() else "w+b") as file:
        whole = _whole_bytes(file)
        file.truncate(whole)
        file.seek(whole)
        first = [] if whole else [version_event(events)]
        try:
            file.write(b"".join(map(record, [*first, *events])))
            file.flush()
        except OSError:
            with contextlib.suppress(OSError):
                file.truncate(whole)
            raise


def version_event(events: list[bytes]) -> bytes:
    """The first event of a file, at the time of the next one."""
    time = events[0][:9] if events else _double(1, 0.0)
    return time + _text(3, VERSION)


def scalars_event(time: float, step: int, values: Mapping[str, float]) -> bytes:
    """Numbers by tag, at a step; `time` in unix seconds."""
    summary = b"".join(
        _message(1, _text(1, tag) + _key(2, _FLOAT) + struct.pack("<f", value))
        for tag, value in values.items()
    )
    return _double(1, time) + _number(2, step) + _message(5, summary)


def restart_event(time: float, step: int) -> bytes:
    """What was written from this step on no longer holds."""
    return _double(1, time) + _number(2, step) + _message(7, _number(1, 1))


def record(data: bytes) -> bytes:
    """Data as a TFRecord."""
    length = struct.pack("<Q", len(data))
    return length + struct.pack("<I", masked_crc(length)) + data + struct.pack("<I", masked_crc(data))


def masked_crc(data: bytes) -> int:
    """CRC-32C, rotated and shifted, because data may hold a CRC itself."""
    crc = crc32c(data)
    return ((crc >> 15 | crc << 17) + _MASK_DELTA) & 0xFFFFFFFF


def crc32c(data: bytes) -> int:
    """CRC-32C (Castagnoli): 0xE3069283 for b"123456789"."""
    table, crc = _table(), 0xFFFFFFFF
    for byte in data:
        crc = table[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    return crc ^ 0xFFFFFFFF


@cache
def _table() -> tuple[int, ...]:
    found = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (_POLYNOMIAL if value & 1 else 0)
        found.append(value)
    return tuple(found)


def _whole_bytes(file: BinaryIO) -> int:
    """How many bytes whole records take. Their lengths alone are read."""
    size = file.seek(0, 2)
    whole = 0
    while whole + _HEADER + _FOOTER <= size:
        file.seek(whole)
        (length,) = struct.unpack("<Q", file.read(8))
        end = whole + _HEADER + length + _FOOTER
        if end > size:
            break
        whole = end
    return whole


def _key(field: int, kind: int) -> bytes:
    return bytes((field << 3 | kind,))


def _double(field: int, value: float) -> bytes:
    return _key(field, _DOUBLE) + struct.pack("<d", value)


def _number(field: int, value: int) -> bytes:
    return _key(field, _VARINT) + _varint(value)


def _text(field: int, value: str) -> bytes:
    return _message(field, value.encode())


def _message(field: int, data: bytes) -> bytes:
    return _key(field, _BYTES) + _varint(len(data)) + data


def _varint(value: int) -> bytes:
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes((*found, value))
