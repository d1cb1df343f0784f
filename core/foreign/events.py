"""TensorBoard's event files, read without TensorFlow: records with their checksums, and the messages in them.

A file is a row of TFRecords: length (uint64), its masked CRC-32C, data, the CRC of the data
(tensorflow/core/lib/io/record_writer.h). The data is the protobuf message Event; its wire format has a few lines here,
for the fields of event.proto, summary.proto and tensor.proto that scalars need.
"""

import struct
from collections import defaultdict
from collections.abc import Iterator
from functools import cache

import numpy as np
from numpy.typing import NDArray

from core.errors import RecordError
from core.foreign.recorded import MAX_COLUMNS, MAX_POINTS, Numbers

MAX_SCALAR_BYTES = 65_536  # an event with scalars is far smaller; graphs and pictures need not be read
_HEAD, _FOOT = 12, 4
_MASK = 0xA282EAD8
_FLOAT, _DOUBLE = 1, 2  # tensor.proto: DataType

Wire = tuple[
    int, int, int, int
]  # field, wire type, and where its value begins and ends, or for numbers value and end


def is_event_file(head: bytes) -> bool:
    """Whether the first bytes are those of a TFRecord: 12 of them tell."""
    return len(head) >= _HEAD and _crc_fits(head, 0)


def read_events(data: bytes, shown: str) -> tuple[dict[str, tuple[Numbers, Numbers]], list[str]]:
    """Steps and values of each tag with scalars, in the order of the file, and remarks in sentences.

    A last record that is cut off is left out, as of a training that was killed. Raises RecordError.
    """
    places, is_cut = _records(data, shown)
    _check_data(data, places, shown)
    found: dict[str, tuple[list[int], list[float]]] = defaultdict(lambda: ([], []))
    count = 0
    try:
        for start, end in places:
            step = 0
            values = []
            for field, wire, at, stop in _fields(data, start, end):
                if field == 2 and wire == 0:
                    step = at if at < 1 << 63 else at - (1 << 64)
                elif field == 5 and wire == 2:
                    values += list(_scalars(data, at, stop))
            for tag, value in values:
                if tag not in found and len(found) >= MAX_COLUMNS:
                    raise RecordError(f"{shown} has more than {MAX_COLUMNS:,} tags, which is too many.")
                steps, numbers = found[tag]
                steps.append(step)
                numbers.append(value)
                count += 1
            if count > MAX_POINTS:
                raise RecordError(f"{shown} has more than {MAX_POINTS:,} values, which is too many.")
    except (IndexError, struct.error, UnicodeDecodeError, ValueError) as error:
        if isinstance(error, RecordError):
            raise
        raise RecordError(f"{shown} holds an event that cannot be read. Copy the file again.") from None
    remarks = [f"The last record of {shown} is cut off and was left out."] if is_cut else []
    return {
        tag: (np.array(steps, float), np.array(values)) for tag, (steps, values) in found.items()
    }, remarks


def _records(data: bytes, shown: str) -> tuple[list[tuple[int, int]], bool]:
    """Where the data of each record begins and ends; and whether the file ends in the middle of one."""
    places: list[tuple[int, int]] = []
    at, size = 0, len(data)
    while at < size:
        if at + _HEAD > size:
            return places, True
        if not _crc_fits(data, at):
            raise RecordError(
                f"{shown} is damaged at byte {at:,}: a checksum does not fit. Copy the file again."
            )
        (length,) = struct.unpack_from("<Q", data, at)
        end = at + _HEAD + length
        if end + _FOOT > size:
            return places, True
        if length <= MAX_SCALAR_BYTES:
            places.append((at + _HEAD, end))
        at = end + _FOOT
    return places, False


def _check_data(data: bytes, places: list[tuple[int, int]], shown: str) -> None:
    """All records side by side, a column of bytes after another, by numpy; the long ones go on alone."""
    if not places:
        return
    whole, table = np.frombuffer(data, np.uint8), _table()
    bounds = np.array(sorted(places, key=lambda place: place[0] - place[1]))  # the longest first
    starts, lengths = bounds[:, 0], bounds[:, 1] - bounds[:, 0]
    crc = np.full(len(starts), 0xFFFFFFFF, np.uint32)
    for offset in range(int(lengths[0])):
        count = int(np.searchsorted(-lengths, -offset))  # those that are longer than `offset`
        part = crc[:count]
        crc[:count] = table[(part ^ whole[starts[:count] + offset]) & 0xFF] ^ (part >> 8)
    stored = np.zeros(len(starts), np.uint32)
    for offset in range(_FOOT):
        stored |= whole[bounds[:, 1] + offset].astype(np.uint32) << np.uint32(8 * offset)
    wrong = starts[_masked(crc ^ np.uint32(0xFFFFFFFF)) != stored]
    if len(wrong):
        raise RecordError(
            f"{shown} is damaged at byte {int(wrong.min()):,}: a checksum does not fit. Copy the file again."
        )


@cache
def _table() -> NDArray[np.uint32]:
    """Of CRC-32C (Castagnoli), reflected: polynomial 0x82F63B78."""
    table = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        table = np.where(table & 1, (table >> 1) ^ np.uint32(0x82F63B78), table >> 1)
    return table


@cache
def _plain_table() -> list[int]:
    return [int(each) for each in _table()]


def _crc_fits(data: bytes, at: int) -> bool:
    crc, table = 0xFFFFFFFF, _plain_table()
    for byte in data[at : at + 8]:
        crc = table[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    crc ^= 0xFFFFFFFF
    masked = (((crc >> 15) | (crc << 17)) + _MASK) & 0xFFFFFFFF
    return struct.pack("<I", masked) == data[at + 8 : at + _HEAD]


def _masked(crc: NDArray[np.uint32]) -> NDArray[np.uint32]:
    return ((crc >> np.uint32(15)) | (crc << np.uint32(17))) + np.uint32(_MASK)


def _fields(data: bytes, at: int, end: int) -> Iterator[Wire]:
    """The fields of a message between two places. Raises ValueError, IndexError for what is none."""
    while at < end:
        key, at = _varint(data, at, end)
        field, wire = key >> 3, key & 7
        if wire == 0:
            value, at = _varint(data, at, end)
            yield field, wire, value, at
        elif wire in (1, 5):
            stop = at + (8 if wire == 1 else 4)
            if stop > end:
                raise ValueError("a number is cut off")
            yield field, wire, at, stop
            at = stop
        elif wire == 2:
            length, at = _varint(data, at, end)
            if at + length > end:
                raise ValueError("a field is longer than its message")
            yield field, wire, at, at + length
            at += length
        else:
            raise ValueError("unknown wire type")


def _varint(data: bytes, at: int, end: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if at >= end or shift > 63:
            raise ValueError("a number is cut off")
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7


def _scalars(data: bytes, start: int, end: int) -> Iterator[tuple[str, float]]:
    """Tag and value of each number in a Summary."""
    for field, wire, at, stop in _fields(data, start, end):
        if (field, wire) != (1, 2):
            continue
        tag, number = "", None
        for inner, kind, begin, until in _fields(data, at, stop):
            if (inner, kind) == (1, 2):
                tag = data[begin:until].decode()
            elif (inner, kind) == (2, 5):
                (number,) = struct.unpack_from("<f", data, begin)
            elif (inner, kind) == (8, 2):
                number = _tensor(data, begin, until)
        if tag and number is not None:
            yield tag, number


def _tensor(data: bytes, start: int, end: int) -> float | None:
    """The number in a tensor of one float or double; None for every other tensor."""
    kind, content = 0, b""
    for field, wire, at, stop in _fields(data, start, end):
        if (field, wire) == (1, 0):
            kind = at
        elif (wire == 2 and field in (4, 5, 6)) or (field, wire) in (
            (5, 5),
            (6, 1),
        ):  # tensor_content, float_val, double_val
            content = data[at:stop]
    if kind == _FLOAT and len(content) == 4:
        return float(struct.unpack("<f", content)[0])
    if kind == _DOUBLE and len(content) == 8:
        return float(struct.unpack("<d", content)[0])
    return None
