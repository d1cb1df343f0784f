"""TensorBoard's event files: records, checksums, and what is in them."""

import numpy as np
import pytest

from core.errors import RecordError
from core.foreign.events import is_event_file, read_events
from tests.core.foreign.conftest import columns
from tests.core.foreign.written import CURVES, crc32c, event_file, field, record


def test_the_checksum_is_the_one_of_the_standard() -> None:
    assert crc32c(b"123456789") == 0xE3069283  # the check value of CRC-32C
    assert is_event_file(record(b"123456789")) and not is_event_file(b"123456789abc")


@pytest.mark.parametrize("as_tensor", [False, True])
def test_steps_and_values_come_by_tag(as_tensor: bool) -> None:
    data = event_file([(3, "a", 0.5), (2**40, "b", 1.25), (4, "a", float("inf"))], as_tensor=as_tensor)
    found, remarks = read_events(data, "f")
    assert remarks == [] and set(found) == {"a", "b"}
    np.testing.assert_array_equal(found["a"], [[3, 4], [0.5, np.inf]])
    np.testing.assert_array_equal(found["b"], [[2**40], [1.25]])


def test_every_byte_that_changes_is_noticed() -> None:
    data = event_file([(1, "loss", 0.5), (2, "loss", 0.25)])
    for at in range(len(data)):
        changed = bytearray(data)
        changed[at] ^= 0x10
        with pytest.raises(RecordError, match="checksum does not fit"):
            read_events(bytes(changed), "f")


def test_records_of_many_lengths_are_checked_together() -> None:
    """Each longer than the one before: pictures and histograms beside scalars are."""
    records = [record(field(3, b"x" * length)) for length in range(0, 3000, 7)]
    data = b"".join([records[-1], *records, event_file([(1, "loss", 2.0)])])
    found, _ = read_events(data, "it")
    assert [list(map(float, each)) for each in found["loss"]] == [[1.0], [2.0]]
    for at in (20, len(records[-1]) + len(records[0]) + 15, len(data) - 6):
        with pytest.raises(RecordError, match="a checksum does not fit"):
            read_events(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :], "it")


def test_a_last_record_that_is_cut_off_is_left_out() -> None:
    data = event_file([(1, "loss", 0.5), (2, "loss", 0.25)])
    found, remarks = read_events(data[:-3], "killed")
    np.testing.assert_array_equal(found["loss"], [[1], [0.5]])
    assert remarks == ["The last record of killed is cut off and was left out."]


@pytest.mark.parametrize(
    "data",
    [
        b"\x2a\xff",
        b"\x0a\x7f\x01",
        b"\x80" * 12,
        b"\x0b",
        b"\x2a\x04\x0a\x02\x0a\x05",
        b"\x2a\x06\x0a\x04\x0a\x02\xff\xfe",
    ],
)
def test_a_message_that_is_none_is_refused_in_a_sentence(data: bytes) -> None:
    with pytest.raises(RecordError, match=r"^f holds an event that cannot be read"):
        read_events(record(data), "f")


def test_folders_say_which_part_it_is(read) -> None:
    train = [
        (epoch, tag, row[at])
        for epoch, row in enumerate(CURVES)
        for at, tag in ((0, "epoch_loss"), (1, "epoch_accuracy"))
    ]
    val = [
        (epoch, tag, row[at])
        for epoch, row in enumerate(CURVES)
        for at, tag in ((2, "epoch_loss"), (3, "epoch_accuracy"))
    ]
    (found,) = read(
        {
            "logs/mine/train/events.out.tfevents.1.a": event_file(train, as_tensor=True),
            "logs/mine/validation/events.out.tfevents.2.a": event_file(val, as_tensor=True),
        }
    )
    assert (found.name, found.tool) == ("mine", "TensorBoard")
    assert found.mapped == {
        "train_loss": "train/epoch_loss",
        "train_accuracy": "train/epoch_accuracy",
        "val_loss": "validation/epoch_loss",
        "val_accuracy": "validation/epoch_accuracy",
    }
    assert [row.epoch for row in found.rows] == list(range(1, 13))
    np.testing.assert_allclose(
        columns(found, "train_loss", "train_accuracy", "val_loss", "val_accuracy"), CURVES, rtol=1e-6
    )


def test_files_without_folders_are_told_apart_by_what_keras_writes_for_validation_alone(read) -> None:
    (found,) = read(
        {
            "events.out.tfevents.1.v2": event_file([(0, "epoch_loss", 2.0), (1, "epoch_loss", 1.0)]),
            "events.out.tfevents.2.v2": event_file(
                [(0, "epoch_loss", 3.0), (1, "epoch_loss", 2.5), (9, "evaluation_loss_vs_iterations", 3.0)]
            ),
        }
    )
    assert columns(found, "epoch", "train_loss", "val_loss") == [(1, 2.0, 3.0), (2, 1.0, 2.5)]


def test_a_tag_says_the_epoch_of_each_step(read) -> None:
    rows = [(step, "epoch", float(step // 10)) for step in range(40)]
    rows += [(step, "train_loss", 4.0 - step // 10 + (0.5 if step % 2 else -0.5)) for step in range(40)]
    rows += [(step, "val_acc", step / 100) for step in (9, 19, 29, 39)]
    (found,) = read({"version_0/events.out.tfevents.1": event_file(rows)})
    assert [row.epoch for row in found.rows] == [1, 2, 3, 4]
    assert [row.train_loss for row in found.rows] == [4.0, 3.0, 2.0, 1.0]  # the mean of ten steps each
    np.testing.assert_allclose([row.val_accuracy for row in found.rows], [0.09, 0.19, 0.29, 0.39])
    assert "train_loss has several values per epoch: their mean is taken." in found.in_words()


def test_a_training_that_was_resumed_counts_from_where_it_continued(read) -> None:
    (found,) = read(
        {
            "run/events.out.tfevents.1": event_file(
                [(0, "epoch_loss", 5.0), (1, "epoch_loss", 4.0), (2, "epoch_loss", 9.0)]
            ),
            "run/events.out.tfevents.2": event_file([(2, "epoch_loss", 3.0), (3, "epoch_loss", 2.0)]),
        }
    )
    assert [row.train_loss for row in found.rows] == [5.0, 4.0, 3.0, 2.0]
