"""How many heaps the C library makes for threads, with and without the limit, told by glibc itself."""

import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from core.workspace import PROJECT_ROOT

pytestmark = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="Only glibc has such heaps.")

# Seven threads hold memory at the same moment, then glibc writes what heaps it has. On one core it makes eight at most.
COUNT_HEAPS = """
import ctypes, sys, threading
barrier = threading.Barrier(8)

def hold():
    block = bytearray(100_000)
    barrier.wait(60)
    barrier.wait(60)

threads = [threading.Thread(target=hold) for _ in range(7)]
for thread in threads:
    thread.start()
barrier.wait(60)
libc = ctypes.CDLL(None)
libc.fopen.restype, libc.fopen.argtypes = ctypes.c_void_p, [ctypes.c_char_p, ctypes.c_char_p]
libc.malloc_info.argtypes, libc.fclose.argtypes = [ctypes.c_int, ctypes.c_void_p], [ctypes.c_void_p]
file = libc.fopen(sys.argv[1].encode(), b"w")
libc.malloc_info(0, file)
libc.fclose(file)
barrier.wait(60)
"""


def heaps(folder: Path, before: str, **environment: str) -> int:
    """How many a process has in which `before` was run, then seven threads."""
    report = folder / "malloc.xml"
    inherited = {name: value for name, value in os.environ.items() if name != "MALLOC_ARENA_MAX"}
    subprocess.run(
        [sys.executable, "-c", before + COUNT_HEAPS, str(report)],
        cwd=PROJECT_ROOT, env={**inherited, **environment}, check=True, timeout=120,
    )  # fmt: skip
    return report.read_text().count("<heap nr=")


def test_threads_share_two_heaps(tmp_path: Path) -> None:
    assert heaps(tmp_path, "") == 8
    assert (
        heaps(tmp_path, "from core.server.tuning import limit_malloc_arenas\nassert limit_malloc_arenas()\n")
        == 2
    )


def test_the_server_has_the_limit_from_its_start_on(tmp_path: Path) -> None:
    # What is imported before the limit holds may have brought one or two of its own.
    assert heaps(tmp_path, "import app\n", CONVDECK_HOME=str(tmp_path / "workspace")) <= 4


def test_what_the_environment_says_goes_before(tmp_path: Path) -> None:
    call = "from core.server.tuning import limit_malloc_arenas\nassert not limit_malloc_arenas()\n"
    assert heaps(tmp_path, call, MALLOC_ARENA_MAX="5") == 5


def test_arrow_takes_its_memory_from_the_c_library(tmp_path: Path) -> None:
    shown = "; import pyarrow; print(pyarrow.default_memory_pool().backend_name)"
    shared = "from core.server.tuning import share_heap_with_arrow; share_heap_with_arrow()"
    inherited = {name: value for name, value in os.environ.items() if name != "ARROW_DEFAULT_MEMORY_POOL"}

    def pool(before: str, **environment: str) -> str:
        command = [sys.executable, "-c", before + shown]
        return subprocess.run(
            command, cwd=PROJECT_ROOT, env={**inherited, **environment}, check=True, timeout=120, capture_output=True,
            text=True,
        ).stdout.strip()  # fmt: skip

    assert pool(shared) == "system"
    assert pool(shared, ARROW_DEFAULT_MEMORY_POOL="mimalloc") == "mimalloc"
