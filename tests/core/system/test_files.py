"""Files that are never half written."""

import errno
import subprocess
import sys

import pytest

from core.system.files import is_disk_full, is_write_refused, remove_leftovers, replacing, write_bytes
from core.workspace import PROJECT_ROOT

KILLED_WHILE_WRITING = """
import os, sys
from pathlib import Path
from core.system.files import replacing

with replacing(Path(sys.argv[1]) / "epoch-000002.checkpoint") as aside:
    aside.write_bytes(b"half")
    os._exit(9)
"""


def test_an_error_in_mid_write_leaves_the_old_file_and_nothing_beside_it(tmp_path) -> None:
    path = tmp_path / "last.json"
    write_bytes(path, b"old")
    with pytest.raises(OSError, match="full"), replacing(path) as aside:
        aside.write_bytes(b"ne")
        raise OSError("full")
    assert [(each.name, each.read_bytes()) for each in tmp_path.iterdir()] == [("last.json", b"old")]


def test_what_a_killed_process_was_writing_is_removed_and_nothing_else(tmp_path) -> None:
    write_bytes(tmp_path / "epoch-000001.checkpoint", b"whole")
    (tmp_path / "worker.log").write_text("")
    subprocess.run([sys.executable, "-c", KILLED_WHILE_WRITING, str(tmp_path)], cwd=PROJECT_ROOT, check=False)
    assert len(list(tmp_path.iterdir())) == 3
    remove_leftovers(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["epoch-000001.checkpoint", "worker.log"]


@pytest.mark.parametrize(
    ("error", "is_full", "is_refused"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), True, True),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), True, True),
        (OSError(errno.EROFS, "Read-only file system"), False, True),
        (PermissionError(errno.EACCES, "Permission denied"), False, True),
        # As h5py and NumPy 2.2 say it.
        (
            OSError("Can't write data (file write failed: time = x, errno = 28, error message = 'x')"),
            True,
            True,
        ),
        (OSError("Not enough free space to write 18432000 bytes after offset 128"), True, True),
        (FileNotFoundError(errno.ENOENT, "No such file"), False, False),
        (ValueError("a shape"), False, False),
    ],
)
def test_a_full_disk_and_a_folder_that_cannot_be_written_are_known(error, is_full, is_refused) -> None:
    assert (is_disk_full(error), is_write_refused(error)) == (is_full, is_refused)
    outer = RuntimeError("Unable to close file")
    outer.__context__ = error
    assert (is_disk_full(outer), is_write_refused(outer)) == (is_full, is_refused)
