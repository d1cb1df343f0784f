"""Event files, byte by byte: checksums by the RFC's own vectors, and files that were not written to their end."""

import struct

import pytest

from core.sinks.event_file import append_events, crc32c, masked_crc, record, restart_event, scalars_event


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        # RFC 3720, B.4; the last is the check value of the CRC catalogue.
        (bytes(32), 0x8A9136AA),
        (b"\xff" * 32, 0x62A8AB43),
        (bytes(range(32)), 0x46DD794E),
        (bytes(range(31, -1, -1)), 0x113FDB5C),
        (b"123456789", 0xE3069283),
        (b"", 0),
    ],
)
def test_crc32c(data: bytes, expected: int) -> None:
    assert crc32c(data) == expected


def test_a_record_has_its_length_and_both_checksums() -> None:
    made = record(b"123456789")
    length, of_length = struct.unpack("<QI", made[:12])
    assert (length, made[12:21]) == (9, b"123456789")
    # Masked: rotated right by 15 bits, plus a constant (tensorflow/core/lib/hash/crc32c.h).
    crc = 0xE3069283
    rotated = ((crc >> 15) | (crc << 17)) & 0xFFFFFFFF
    assert struct.unpack("<I", made[21:])[0] == (rotated + 0xA282EAD8) % 2**32 == masked_crc(b"123456789")
    assert of_length == masked_crc(made[:8])


def test_an_event_by_hand() -> None:
    # wall_time 1.0, step 300, one value `a` = 0.5.
    expected = bytes.fromhex("09000000000000f03f10ac022a0a0a080a0161150000003f")
    assert scalars_event(1.0, 300, {"a": 0.5}) == expected
    assert restart_event(1.0, 3) == bytes.fromhex("09000000000000f03f10033a020801")


def records_of(path) -> list[bytes]:
    data, found = path.read_bytes(), []
    while data:
        (length,) = struct.unpack("<Q", data[:8])
        found.append(data[12 : 12 + length])
        data = data[16 + length :]
    return found


def test_a_file_begins_with_its_version_once(tmp_path) -> None:
    path = tmp_path / "a folder" / "events"
    events = [scalars_event(1.0, step, {"a": 0.5}) for step in (1, 2)]
    append_events(path, events[:1])
    append_events(path, events[1:])
    first, *others = records_of(path)
    assert first == bytes.fromhex("09000000000000f03f1a0d") + b"brain.Event:2"
    assert others == events


@pytest.mark.parametrize("cut", [1, 5, 20])
def test_a_record_that_was_not_finished_is_cut_off(tmp_path, cut: int) -> None:
    path = tmp_path / "events"
    events = [scalars_event(1.0, step, {"a": 0.5}) for step in (1, 2, 3)]
    append_events(path, events[:2])
    path.write_bytes(path.read_bytes()[:-cut])
    append_events(path, events[2:])
    assert records_of(path)[1:] == [events[0], events[2]]
