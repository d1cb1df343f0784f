"""Weights of every epoch on the disk: what half precision loses, what is listed, and files that are damaged."""

import numpy as np
import pytest

from core.epoch_weights import (
    compact,
    delete_epochs,
    epoch_digest,
    epoch_ordinal,
    epoch_path,
    forget_after,
    kept_count,
    kept_epochs,
    kept_spacing,
    read_epoch,
    spacing,
    thin,
    write_epoch,
)
from core.errors import UserError

GENERATOR = np.random.default_rng(0)
WEIGHTS = {
    "conv_1/kernel": GENERATOR.normal(0, 0.1, (3, 3, 3, 8)).astype(np.float32),
    "conv_1/bias": GENERATOR.normal(0, 1e-6, 8).astype(np.float32),
}


def test_what_was_written_is_read_within_half_precision(tmp_path) -> None:
    write_epoch(tmp_path, 3, compact(WEIGHTS))
    digest, read = read_epoch(tmp_path, 3)
    assert digest == epoch_digest(tmp_path, 3) and len(digest) == 64
    assert list(read) == list(WEIGHTS)
    assert {array.dtype for array in read.values()} == {np.dtype(np.float32)}
    # Half precision has 11 significant bits, down to 2^-24.
    np.testing.assert_allclose(read["conv_1/kernel"], WEIGHTS["conv_1/kernel"], rtol=2**-11, atol=2**-25)
    assert np.array_equal(read["conv_1/bias"], WEIGHTS["conv_1/bias"])
    with np.load(epoch_path(tmp_path, 3)) as stored:
        assert stored["conv_1/kernel"].dtype == np.float16


@pytest.mark.parametrize("value", [65_600.0, -1e30, np.inf, np.nan])
def test_what_half_precision_cannot_hold_stays_as_it_is(value: float) -> None:
    kernel = np.array([[0.1, value]], np.float32)
    (kept,) = compact({"fc1/kernel": kernel}).values()
    assert kept.dtype == np.float32 and np.array_equal(kept, kernel, equal_nan=True)
    (kept,) = compact({"fc1/kernel": np.zeros((0, 3), np.float32)}).values()
    assert kept.shape == (0, 3)


def test_epochs_are_listed_in_order_and_forgotten_from_one_on(tmp_path) -> None:
    assert kept_epochs(tmp_path) == ()
    forget_after(tmp_path, 0)
    for epoch in (1, 2, 11, 1_000_000):
        write_epoch(tmp_path, epoch, compact(WEIGHTS))
    (tmp_path / "epochs" / ".000012.77.npz").write_bytes(b"cut short")
    (tmp_path / "epochs" / "notes.npz").write_bytes(b"")
    assert kept_epochs(tmp_path) == (1, 2, 11, 1_000_000)
    forget_after(tmp_path, 2)
    assert kept_epochs(tmp_path) == (1, 2)
    assert not (tmp_path / "epochs" / ".000012.77.npz").exists()


def test_written_again_it_is_another_one(tmp_path) -> None:
    write_epoch(tmp_path, 1, compact(WEIGHTS))
    first = epoch_digest(tmp_path, 1)
    write_epoch(tmp_path, 1, compact({name: array + 1 for name, array in WEIGHTS.items()}))
    assert epoch_digest(tmp_path, 1) != first


def test_what_is_damaged_is_not_used(tmp_path) -> None:
    with pytest.raises(UserError, match="epoch 5 of this run were not kept"):
        read_epoch(tmp_path, 5)
    assert epoch_digest(tmp_path, 5) is None
    write_epoch(tmp_path, 5, compact(WEIGHTS))
    path = epoch_path(tmp_path, 5)
    whole = path.read_bytes()
    with np.load(path) as stored:
        arrays = dict(stored)
    for damaged in (whole[: len(whole) // 2], b"", b"\x93NUMPY", whole[:900] + b"\xff" + whole[901:]):
        path.write_bytes(damaged)
        with pytest.raises(UserError, match="epoch 5 are damaged"):
            read_epoch(tmp_path, 5)
    np.savez(path, **(arrays | {"conv_1/bias": arrays["conv_1/bias"] * 2}))
    with pytest.raises(UserError, match="epoch 5 are damaged"):
        read_epoch(tmp_path, 5)


def test_epochs_of_3_mb_are_thinned_by_halves() -> None:
    # 170 × 3 MB are 510 MB. Of 171, every second, the first, the best and the last: 88.
    assert spacing(170, 3e6) == 1 and kept_count(170, 1) == 170
    assert spacing(171, 3e6) == 2 and kept_count(171, 2) == 88
    # Every second of 334 with three more: 170 × 3 MB again.
    assert spacing(335, 3e6) == 2 and spacing(336, 3e6) == 4
    assert spacing(2, 1e9) == 2 and kept_count(2, 2) == 2
    words = ["every epoch", "every 2nd epoch", "every 4th epoch", "every 32nd epoch", "every 512th epoch"]
    assert [epoch_ordinal(each) for each in (1, 2, 4, 32, 512)] == words


@pytest.mark.parametrize("best", [None, 1, 7, 13])
def test_a_run_never_keeps_more_than_it_may_while_it_goes_on(tmp_path, best: int | None) -> None:
    write_epoch(tmp_path, 1, compact(WEIGHTS))
    size = epoch_path(tmp_path, 1).stat().st_size
    for epoch in range(1, 41):
        write_epoch(tmp_path, epoch, compact(WEIGHTS))
        reached = best if best is None or best <= epoch else None
        every = thin(tmp_path, reached, 10 * size)
        kept = kept_epochs(tmp_path)
        assert len(kept) <= 10 and every == kept_spacing(tmp_path, 10 * size)
        expected = {each for each in range(1, epoch + 1) if each % every == 0} | {1, epoch}
        assert expected <= set(kept) <= expected | {best}
    assert every == 8 and {1, 8, 16, 24, 32, 40} <= set(kept)
    assert (best in kept) is (best is not None)


def test_what_is_deleted_is_counted_and_a_writer_goes_on(tmp_path) -> None:
    assert delete_epochs(tmp_path) == (0, 0) and kept_spacing(tmp_path) == 1
    for epoch in (1, 2, 3):
        write_epoch(tmp_path, epoch, compact(WEIGHTS))
    writing = tmp_path / "epochs" / ".000004.77.npz"  # by a training, at this moment
    writing.write_bytes(b"begun")
    size = epoch_path(tmp_path, 1).stat().st_size
    assert delete_epochs(tmp_path) == (3, 3 * size)
    assert kept_epochs(tmp_path) == () and writing.exists()
    with pytest.raises(UserError, match="epoch 2 of this run were not kept"):
        read_epoch(tmp_path, 2)
    write_epoch(tmp_path, 4, compact(WEIGHTS))
    assert kept_epochs(tmp_path) == (4,)
