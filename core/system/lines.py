"""Both sides of a conversation with a child process that gets one line of JSON and answers in lines of JSON."""

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from core.system.processes import take_standard_output

Say = Callable[[Mapping[str, Any]], None]


@contextlib.contextmanager
def conversation(
    process: "subprocess.Popen[str]", request: Mapping[str, Any]
) -> Iterator["queue.Queue[str]"]:
    """Give the process its request, and its lines as they come.

    A line that does not end with a line feed is the last: the process has ended, or was cut off in mid-line. When
    the block is left, the process is killed and reaped. Its pipes are text.
    """
    assert process.stdin is not None and process.stdout is not None
    asked, answers, lines = process.stdin, process.stdout, queue.Queue[str]()

    def ask() -> None:
        with contextlib.suppress(OSError, ValueError):  # it has ended already, and gives no answer
            asked.write(json.dumps(request) + "\n")
            asked.flush()

    def read() -> None:
        for line in answers:
            lines.put(line)
        lines.put("")

    # Both in threads, because writing blocks once the pipe is full and the child does not read.
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


def receive_request() -> tuple[dict[str, Any], Say]:
    """The child's side: its one request, and the function that says an answer. It ends when its caller does."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C in the terminal: who started this process ends it
    answers = take_standard_output()
    request: dict[str, Any] = json.loads(sys.stdin.readline())
    threading.Thread(target=_end_with_the_caller, daemon=True).start()

    def say(answer: Mapping[str, Any]) -> None:
        answers.write(json.dumps(answer).encode() + b"\n")
        answers.flush()

    return request, say


def _end_with_the_caller() -> None:
    """Who started this process holds its standard input open, and is gone when that ends."""
    sys.stdin.read()
    os._exit(1)
