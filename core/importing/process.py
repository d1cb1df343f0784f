"""Imports in a process of their own: the files are untrusted, and must not take the server down.

Both ends are here. `import_apart` starts `python -m core.importing.process`, which loads no Keras, gives it one
line of JSON with what to do, and gets lines back: progress, and at last `done` or an `error` in one sentence. The
process has limits on its memory and its silence; a decoder that crashes ends only this process.
"""

import contextlib
import json
import os
import queue
import subprocess
import sys
from dataclasses import asdict, astuple
from pathlib import Path
from typing import Any

import psutil

from core.datasets.storage import MAX_ARRAY_BYTES, Dataset, Progress, Report, load_dataset
from core.errors import DatasetError
from core.formatting import printable, reason
from core.importing.reading import Reading
from core.importing.report import DamagedPictures, LeftOut
from core.system.lines import Say, conversation, receive_request
from core.workspace import PROJECT_ROOT, Workspace

# Pictures are in memory twice while some are held out, and an archive's bytes beside the arrays made of them.
MAX_MEMORY_BYTES = 2 * MAX_ARRAY_BYTES + 1_000_000_000
SILENCE_SECONDS = (
    300.0  # progress is reported while pictures are read; storing 4 GB on a slow disk takes some minutes
)


def import_dataset(
    workspace: Workspace,
    name: str,
    path: Path,
    reading: Reading | None = None,
    progress: Report | None = None,
    shown_name: str | None = None,
) -> Dataset:
    """Store what is at `path` as the data set `name`, in a process of its own.

    `reading` says how pictures of a folder or zip are read. Known names (`cifar10`, …) must hold what they are known
    for. `shown_name` is what the file is called in every sentence, where its name on disk is not the one that the
    person gave it. What was left out, and what else is worth knowing, is in the data set's `ImportReport`.

    Raises:
        DatasetError: in one sentence what is wrong with the name or the data; nothing is stored then. It is
            DamagedPictures where leaving some pictures out would help.
    """
    import_apart(
        workspace,
        name,
        path,
        reading or Reading(),
        progress or (lambda progress: None),
        shown_name=shown_name,
    )
    return load_dataset(workspace, name)


def import_apart(
    workspace: Workspace,
    name: str,
    path: Path,
    reading: Reading,
    report: Report,
    *,
    shown_name: str | None = None,
    memory_bytes: int | None = None,
    silence_seconds: float = SILENCE_SECONDS,
) -> None:
    """`importing.import_here` in a process that may take `memory_bytes` (by default most of what is free).

    Raises:
        DatasetError: what `import_here` says, or that the process ended, or said nothing for `silence_seconds`.
    """
    if memory_bytes is None:
        memory_bytes = min(MAX_MEMORY_BYTES, psutil.virtual_memory().available * 3 // 4)
    request = {
        "workspace": str(workspace.root.absolute()),
        "name": name,
        "path": str(path.absolute()),
        "reading": asdict(reading),
        "shown_name": shown_name,
        "memory_bytes": memory_bytes,
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "core.importing.process"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=PROJECT_ROOT,
        # Each of its threads would reserve memory, and nothing here multiplies matrices.
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
        text=True,
        encoding="utf-8",
    )
    with conversation(process, request) as lines:
        _listen(lines, printable(shown_name or path.name, 60), report, silence_seconds)


def _listen(lines: "queue.Queue[str]", shown: str, report: Report, silence_seconds: float) -> None:
    while True:
        try:
            line = lines.get(timeout=silence_seconds)
        except queue.Empty:
            raise DatasetError(
                f"Reading {shown} was cancelled after {silence_seconds:.0f} seconds without progress. Pack it again, "
                "or remove what is unusually large."
            ) from None
        if not line.endswith("\n"):  # nothing any more, or a line that was cut off
            raise DatasetError(
                f"The process that read {shown} ended unexpectedly, perhaps because memory ran out; nothing was "
                "stored. The server's log may say more."
            )
        answer = json.loads(line)
        if "damaged" in answer:
            raise DamagedPictures([LeftOut(*each) for each in answer["damaged"]], answer["num_whole"])
        if "error" in answer:
            raise DatasetError(answer["error"])
        if "done" in answer:
            return
        report(Progress(*answer["progress"]))


def main() -> int:
    """Do the one import that standard input describes."""
    request, say = receive_request()
    limit_memory(request["memory_bytes"])
    say(_import(request, say))
    return 0


def _import(request: dict[str, Any], say: Say) -> dict[str, Any]:
    from core.importing.importing import import_here

    path = Path(request["path"])
    shown = printable(request["shown_name"] or path.name, 60)
    try:
        import_here(
            Workspace(Path(request["workspace"])), request["name"], path, Reading(**request["reading"]),
            lambda progress: say({"progress": astuple(progress)}), request["shown_name"],
        )  # fmt: skip
    except DamagedPictures as error:
        return {"damaged": [astuple(each) for each in error.left_out], "num_whole": error.num_whole}
    except DatasetError as error:
        return {"error": str(error)}
    except MemoryError:
        taken = request["memory_bytes"] // 1_000_000
        return {
            "error": f"{shown} needs more memory than the {taken:,} MB that are available now. Choose a smaller image "
            "size or fewer pictures, or wait until other work has finished."
        }
    except OSError as error:
        return {"error": f"{shown} could not be imported: {reason(error)}."}
    return {"done": True}


def limit_memory(memory_bytes: int) -> None:
    """Limit memory to this much beyond what is mapped now. Windows has no such limit, and macOS refuses it."""
    try:
        import resource
    except ImportError:
        return
    limit = psutil.Process().memory_info().vms + memory_bytes
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_AS, (limit, resource.getrlimit(resource.RLIMIT_AS)[1]))


if __name__ == "__main__":
    sys.exit(main())
