"""Files of arrays beside a run: those of the weights that are asked for, or none; the newest are kept."""

import os

import numpy as np

from core.inspection.kept_arrays import MOST_KEPT, read_arrays, write_arrays

SHA = "ab" * 32


def test_what_was_written_is_read_for_the_same_weights_alone(tmp_path) -> None:
    path = tmp_path / "answers" / "test-000003.npz"
    write_arrays(path, SHA, rows=np.arange(3), names=np.array(["cat", "dog"]))
    found = read_arrays(path, SHA)
    assert found is not None and sorted(found) == ["names", "rows"]
    assert found["rows"].tolist() == [0, 1, 2] and found["names"].tolist() == ["cat", "dog"]
    assert read_arrays(path, "cd" * 32) is None
    assert read_arrays(path.with_name("other.npz"), SHA) is None


def test_what_is_damaged_or_no_such_file_is_none(tmp_path) -> None:
    path = tmp_path / "answers" / "test-000003.npz"
    write_arrays(path, SHA, rows=np.arange(3))
    whole = path.read_bytes()
    for damaged in (whole[: len(whole) // 2], b"", b"\x93NUMPY", whole[:60] + b"\xff\xff" + whole[62:]):
        path.write_bytes(damaged)
        assert read_arrays(path, SHA) is None
    np.savez(path, rows=np.arange(3))
    assert read_arrays(path, SHA) is None


def test_the_oldest_go_and_a_folder_that_cannot_be_written_is_no_fault(tmp_path) -> None:
    folder = tmp_path / "answers"
    for number in range(MOST_KEPT + 2):
        path = folder / f"{number:06d}.npz"
        write_arrays(path, SHA, rows=np.arange(1))
        os.utime(path, (number, number))
    assert len(list(folder.iterdir())) == MOST_KEPT
    assert read_arrays(folder / "000000.npz", SHA) is None
    assert read_arrays(folder / f"{MOST_KEPT + 1:06d}.npz", SHA) is not None
    (tmp_path / "file").write_bytes(b"")
    write_arrays(tmp_path / "file" / "000001.npz", SHA, rows=np.arange(1))
