"""Files that are never half written."""

import subprocess
import sys

import pytest

from core.system.files import remove_leftovers, replacing, write_bytes
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
