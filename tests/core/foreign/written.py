"""Files as other tools write them: event files by the formats' own definitions, and curves to put into all of them."""

import struct
from collections.abc import Iterable

# A network that overfits from epoch 6 on: (train_loss, train_accuracy, val_loss, val_accuracy) of each epoch.
CURVES = [
    (1.9, 0.30, 1.8, 0.33),
    (1.5, 0.45, 1.5, 0.46),
    (1.2, 0.56, 1.3, 0.55),
    (1.0, 0.64, 1.2, 0.60),
    (0.8, 0.71, 1.1, 0.63),
    (0.65, 0.77, 1.1, 0.64),
    (0.5, 0.83, 1.2, 0.64),
    (0.4, 0.87, 1.3, 0.64),
    (0.3, 0.90, 1.5, 0.63),
    (0.2, 0.93, 1.7, 0.63),
    (0.15, 0.95, 1.9, 0.63),
    (0.1, 0.97, 2.1, 0.62),
]
KEYS = ("train_loss", "train_accuracy", "val_loss", "val_accuracy")


def crc32c(data: bytes) -> int:
    """Bit by bit, as RFC 3720 defines it."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def masked(data: bytes) -> bytes:
    crc = crc32c(data)
    return struct.pack("<I", (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF)


def record(data: bytes) -> bytes:
    head = struct.pack("<Q", len(data))
    return head + masked(head) + data + masked(data)


def varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def field(number: int, content: bytes) -> bytes:
    return varint(number << 3 | 2) + varint(len(content)) + content


def event(step: int, tag: str, value: float, *, as_tensor: bool = False) -> bytes:
    """`tf.summary.scalar` writes a tensor, PyTorch's SummaryWriter a simple value."""
    if as_tensor:
        number = field(8, varint(1 << 3) + varint(1) + field(2, b"") + field(4, struct.pack("<f", value)))
    else:
        number = varint(2 << 3 | 5) + struct.pack("<f", value)
    summary = field(5, field(1, field(1, tag.encode()) + number))
    return varint(1 << 3 | 1) + struct.pack("<d", 1.7e9) + varint(2 << 3) + varint(step) + summary


def event_file(rows: Iterable[tuple[int, str, float]], *, as_tensor: bool = False) -> bytes:
    version = record(varint(1 << 3 | 1) + struct.pack("<d", 1.7e9) + field(3, b"brain.Event:2"))
    return version + b"".join(record(event(*row, as_tensor=as_tensor)) for row in rows)


def csv_of(header: str, rows: Iterable[Iterable[object]]) -> bytes:
    lines = [header, *(",".join("" if cell is None else str(cell) for cell in row) for row in rows)]
    return ("\n".join(lines) + "\n").encode()
