"""The caller's side of a child process that is given one line of JSON and answers in lines."""

import contextlib
import json
import queue
import subprocess
import threading
from collections.abc import Iterator, Mapping
from typing import Any


@contextlib.contextmanager
def conversation(
    process: "subprocess.Popen[str]", request: Mapping[str, Any]
) -> Iterator["queue.Queue[str]"]:
    """Give the process its request, and its lines as they come.

    A line that does not end with a line feed is the last: the process has ended, or was cut off in mid-line. Once the
    caller has heard enough, the process is ended, and nothing of it is left. Its pipes are text.
    """
    assert process.stdin is not None and process.stdout is not None
    asked, answers, lines = process.stdin, process.stdout, queue.Queue[str]()

    def ask() -> None:
        with contextlib.suppress(OSError, ValueError):  # it has ended already: the missing answer tells
            asked.write(json.dumps(request) + "\n")
            asked.flush()

    def read() -> None:
        for line in answers:
            lines.put(line)
        lines.put("")

    # Both in threads, because a child that does not read lets nobody write more than a pipe holds.
    threads = [threading.Thread(target=each, name="child-lines", daemon=True) for each in (ask, read)]
    for thread in threads:
        thread.start()
    try:
        yield lines
    finally:
        process.kill()
        process.wait()
        for thread in threads:
            thread.join()  # both pipes have lost their other end
        with contextlib.suppress(OSError):
            asked.close()
        answers.close()
