"""What a run's process printed, kept in `worker.log` of its folder, attempt after attempt: tracebacks above all."""

import mmap
import re
from pathlib import Path

from core.store.records import Run
from core.workspace import Workspace

MAX_BYTES = 16_384
MAX_LAST_WORDS = 300

# What TensorFlow 2.16 to 2.21 prints on every computer while it is loaded. TF_CPP_MIN_LOG_LEVEL hides it only where the
# scheduler starts the worker. Each message is known by its words, so that nothing else is left out.
_NOISE = re.compile(
    r"WARNING: All log messages before absl::InitializeLog\(\) is called are written to STDERR"
    r"|To enable the following instructions: .*, in other operations, rebuild TensorFlow with the appropriate .*"
    r"|(?:[IWE]\d{4} |\d{4}-\d\d-\d\d ).*(?:"
    r"oneDNN custom operations are on\."
    r"|Could not find cuda drivers on your machine, GPU will not be used\."
    r"|This TensorFlow binary is optimized to use available CPU instructions"
    r"|Unable to register cu(?:DNN|FFT|BLAS) factory: Attempting to register factory for plugin cu"
    r"|computation placer already registered\."
    r"|TF-TRT Warning: Could not find TensorRT"
    r").*"
)
# On a run's own GPU this is what went wrong; a run on the CPU is shown no GPU, and asks for none.
_NO_GPU = re.compile(r"(?:E\d{4} |\d{4}-\d\d-\d\d ).*failed call to cuInit: .*")


def attempt_header(attempt: int) -> bytes:
    """The line that stands before what an attempt prints."""
    return f"\n=== Attempt {attempt} ===\n".encode()


def output_tail(workspace: Workspace, run: Run, num_lines: int = 100) -> str:
    """The last lines that the current attempt printed; empty when it printed nothing.

    Without what TensorFlow prints in any case; the file has that too.
    """
    printed = _printed(workspace.run_folder(run.id) / "worker.log", run.attempt)
    lines = without_noise(printed, on_cpu=run.device is not None and run.device.startswith("cpu"))
    return "\n".join("\n".join(lines).strip().splitlines()[-num_lines:])


def last_words(log_path: Path, attempt: int) -> str | None:
    """The last line that is not empty of what an attempt printed, None when it printed nothing."""
    lines = "\n".join(without_noise(_printed(log_path, attempt))).strip().splitlines()
    return lines[-1].strip()[:MAX_LAST_WORDS] if lines else None


def without_noise(printed: str, *, on_cpu: bool = False) -> list[str]:
    """The lines without those that TensorFlow prints in any case; `on_cpu`: a missing GPU is no news either."""
    lines = [line for line in printed.strip().splitlines() if not _NOISE.fullmatch(line.strip())]
    return [line for line in lines if not _NO_GPU.fullmatch(line.strip())] if on_cpu else lines


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
