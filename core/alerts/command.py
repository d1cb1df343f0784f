"""Runs a command with a message on its standard input: without a shell, with a deadline, its output cut."""

import contextlib
import os
import subprocess
import tempfile
import threading
import time
from collections.abc import Sequence

from core.formatting import reason
from core.system.processes import detached, signal_group

MOST_OUTPUT_BYTES = 2_000
_OUTPUT_SECONDS = 1.0  # for the rest of the output, once the process has ended


def run_command(
    command: Sequence[str], body: bytes, deadline_seconds: float
) -> tuple[bool, int | None, str, bool]:
    """(whether it exited with 0, its exit code, the first of its output, False: another try may go well)."""
    output = bytearray()
    with tempfile.TemporaryFile() as given:  # no pipe: the program may end without reading it
        given.write(body)
        given.seek(0)
        try:
            process: subprocess.Popen[bytes] = subprocess.Popen(
                list(command), stdin=given, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                cwd=tempfile.gettempdir(), **detached(),
            )  # fmt: skip
        except OSError as error:
            return False, None, f"it could not be started: {reason(error)}", False
    reader = threading.Thread(target=_read, args=(process, output), name="read a command", daemon=True)
    reader.start()
    ends = time.monotonic() + deadline_seconds
    code: int | None = None
    with contextlib.suppress(subprocess.TimeoutExpired):
        code = process.wait(deadline_seconds)
    if code is not None:
        reader.join(min(_OUTPUT_SECONDS, max(0.0, ends - time.monotonic())))
    signal_group(process.pid, "kill")  # what it has left behind, too
    process.wait()
    text = bytes(output).decode(errors="replace")
    if code is None:
        return False, None, f"it did not end within {deadline_seconds:g} seconds and was ended", False
    return code == 0, code, text, False


def _read(process: "subprocess.Popen[bytes]", output: bytearray) -> None:
    """All of it, so that it is never held up; the first MOST_OUTPUT_BYTES are kept."""
    assert process.stdout is not None
    with process.stdout as stream, contextlib.suppress(OSError, ValueError):
        while data := os.read(stream.fileno(), 65_536):
            output.extend(data[: max(0, MOST_OUTPUT_BYTES - len(output))])
