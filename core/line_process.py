"""The caller's side of a child process that is given one line of JSON and answers in lines."""

import contextlib
import json
import queue
import subprocess
import threading
from collections.abc import Iterator, Mapping
from typing import Any


@contextlib.contextmanager
def answering(process: "subprocess.Popen[str]", request: Mapping[str, Any]) -> Iterator["queue.Queue[str]"]:
    """Give the process its request, and its lines as they come.

    A line that does not end with a line feed is the last: the process has ended, or was cut off in mid-line. Once the
    caller has heard enough, the process is ended, and nothing of it is left. Its pipes are text.
    """
    assert process.stdin is not None and process.stdout is not None
    answers, lines = process.stdout, queue.Queue[str]()

    def read() -> None:
        with contextlib.suppress(ValueError):  # closed, because nobody wants to hear it any more
            for line in answers:
                lines.put(line)
        lines.put("")

    try:
        with contextlib.suppress(OSError):  # it has ended already: the missing answer tells
            process.stdin.write(json.dumps(request) + "\n")
            process.stdin.flush()
        threading.Thread(target=read, name="child-reader", daemon=True).start()
        yield lines
    finally:
        process.kill()
        process.wait()
        with contextlib.suppress(OSError):
            process.stdin.close()
        answers.close()
