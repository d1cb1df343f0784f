"""What a run's process printed, kept in `worker.log` of its folder, attempt after attempt: tracebacks above all."""

import mmap
from pathlib import Path

from core.store.records import Run
from core.workspace import Workspace

MAX_BYTES = 16_384
MAX_LAST_WORDS = 300


def attempt_header(attempt: int) -> bytes:
    """The line that stands before what an attempt prints."""
    return f"\n=== Attempt {attempt} ===\n".encode()


def output_tail(workspace: Workspace, run: Run, num_lines: int = 100) -> str:
    """The last lines that the current attempt printed; empty when it printed nothing."""
    printed = _printed(workspace.run_folder(run.id) / "worker.log", run.attempt)
    return "\n".join(printed.strip().splitlines()[-num_lines:])


def last_words(log_path: Path, attempt: int) -> str | None:
    """The last line that is not empty of what an attempt printed, None when it printed nothing."""
    lines = _printed(log_path, attempt).strip().splitlines()
    return lines[-1].strip()[:MAX_LAST_WORDS] if lines else None


def _printed(log_path: Path, attempt: int) -> str:
    """The last 16 KB of what an attempt printed. A standby worker has no header in the log yet."""
    header = attempt_header(attempt)
    try:
        # The header may lie far before the end, behind all that was printed: in mapped memory it is found uncopied.
        with log_path.open("rb") as log, mmap.mmap(log.fileno(), 0, access=mmap.ACCESS_READ) as text:
            found = text.rfind(header)
            if found < 0:
                return ""
            return text[max(found + len(header), len(text) - MAX_BYTES) :].decode(errors="replace")
    except (OSError, ValueError):  # ValueError: an empty file cannot be mapped
        return ""
