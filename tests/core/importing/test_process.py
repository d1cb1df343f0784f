"""Imports in a process of their own: the same answers, and whatever a file does, it does to that process."""

import io
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import psutil
import pytest
from PIL import Image

from core.datasets.storage import Progress
from core.errors import DatasetError
from core.importing.process import import_apart, import_dataset
from core.importing.reading import Reading
from core.workspace import PROJECT_ROOT


def ignore(progress: Progress) -> None:
    pass


def pets(path: Path, count: int) -> Path:
    """A zip of two classes with so many red and blue pictures each."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, color in (("cats", "red"), ("dogs", "blue")):
            buffer = io.BytesIO()
            Image.new("RGB", (20, 20), color).save(buffer, "PNG")
            for index in range(count):
                archive.writestr(f"{name}/{index}.png", buffer.getvalue())
    return path


def test_what_is_read_apart_is_stored_and_its_progress_told(workspace, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    told: list[Progress] = []
    pets(tmp_path / "pets.zip", 100)
    dataset = import_dataset(workspace, "mine", Path("pets.zip"), Reading(8), progress=told.append)
    assert (len(dataset.x_train), len(dataset.x_test), dataset.image_shape) == (160, 40, (8, 8, 3))
    assert all((dataset.x_train[dataset.y_train == 1] == (0, 0, 255)).ravel())
    assert [each.stage for each in told if each.total == 0] == [
        "Reading pets.zip", "Looking for duplicates", "Storing",
    ]  # fmt: skip
    read = [each for each in told if each.stage == "Reading pictures"]
    assert read and {each.total for each in read} == {200}
    assert [each.done for each in read] == sorted({each.done for each in read})


def test_a_refusal_is_the_same_sentence(workspace, tmp_path) -> None:
    np.savez(tmp_path / "ä.npz", x_train=np.zeros(3))
    with pytest.raises(
        DatasetError,
        match=r"^ä.npz has x_train and no y_train.$",
    ):
        import_dataset(workspace, "mine", tmp_path / "ä.npz")
    assert not (workspace.datasets / "mine").exists()


@pytest.mark.skipif(sys.platform != "linux", reason="other systems limit no memory")
def test_more_memory_than_may_be_taken_is_a_sentence(workspace, tmp_path) -> None:
    x = np.full((300, 256, 256, 3), 9, np.uint8)  # 59 MB
    np.savez_compressed(tmp_path / "a.npz", x=x, y=np.arange(300) % 2)
    with pytest.raises(DatasetError, match=r"^a.npz needs more memory than the 40 MB that"):
        import_apart(workspace, "mine", tmp_path / "a.npz", Reading(), ignore, memory_bytes=40_000_000)
    assert not (workspace.datasets / "mine").exists()


@pytest.fixture
def pipe(tmp_path) -> Path:
    """A zip that never begins."""
    os.mkfifo(tmp_path / "pets.zip")
    return tmp_path / "pets.zip"


def readers() -> list[psutil.Process]:
    # The ended child of another test, not yet waited for, has no command line to ask for.
    lines = (
        (each, each.as_dict(["cmdline"], ad_value=[])["cmdline"]) for each in psutil.Process().children()
    )
    return [each for each, line in lines if "core.importing.process" in line]


def lives(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.mark.skipif(os.name != "posix", reason="needs named pipes")
def test_a_file_that_is_never_read_to_its_end_is_given_up(workspace, pipe) -> None:
    with pytest.raises(DatasetError, match=r"^Reading pets.zip was cancelled after 1 seconds"):
        # Long enough for the process to start, which counts too.
        import_apart(workspace, "mine", pipe, Reading(), ignore, silence_seconds=1.0)
    assert readers() == []


@pytest.mark.skipif(os.name != "posix", reason="needs named pipes")
def test_a_process_that_dies_is_a_sentence(workspace, pipe) -> None:
    def kill(progress: Progress) -> None:
        (reader,) = readers()
        reader.kill()

    with pytest.raises(DatasetError, match=r"^The process that read pets.zip ended unexpectedly"):
        import_dataset(workspace, "mine", pipe, progress=kill)


@pytest.mark.skipif(os.name != "posix", reason="needs named pipes")
def test_nobody_wanting_it_any_more_ends_the_process(workspace, pipe) -> None:
    def leave(progress: Progress) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        import_dataset(workspace, "mine", pipe, progress=leave)
    assert readers() == []


@pytest.mark.skipif(os.name != "posix", reason="needs named pipes")
def test_the_process_ends_with_who_started_it(workspace, pipe, wait_for) -> None:
    program = f"""
import os
from pathlib import Path
import psutil
from core.importing.process import import_dataset
from core.workspace import Workspace

def die(progress):
    print(psutil.Process().children()[0].pid, flush=True)
    os._exit(9)

import_dataset(Workspace(Path({str(workspace.root)!r})), "mine", Path({str(pipe)!r}), progress=die)
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=PROJECT_ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 9, done.stderr
    wait_for(lambda: not lives(int(done.stdout)), message="the orphan to end")


def test_no_keras_is_loaded_for_it() -> None:
    program = (
        "import core.importing.importing, sys\nprint({'keras', 'tensorflow', 'streamlit'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=PROJECT_ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "set()"
