"""The process of a worker, seen from the scheduler: how it is started, told of a run, heard, and ended."""

import contextlib
import json
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Any, BinaryIO

from core.system.processes import Signal, detached, is_alive, process_started, signal_group
from core.workspace import PROJECT_ROOT


class WorkerProcess:
    """A worker's process, which may take run after run. It leads a group of its own, so that none outlives its run.

    Its standard input is a socket where that can be: what comes back says that a run has ended in order, and that the
    process waits for another one.
    """

    def __init__(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        output: BinaryIO,
        arguments: Sequence[str] = (),
        *,
        stays: bool = True,
    ) -> None:
        """Start `command` with `arguments`, its first run, if it is to have one. Raises OSError.

        With `stays` it is told of further runs.
        """
        self.stays = stays and sys.platform != "win32"
        self._arguments = list(arguments)
        self._heard = b""
        self._socket: socket.socket | None = None
        theirs: socket.socket | None = None
        if self.stays:
            self._socket, theirs = socket.socketpair()
            self._socket.setblocking(False)
        try:
            self._process: subprocess.Popen[bytes] = subprocess.Popen(
                [*command, *arguments],
                stdin=theirs.fileno() if theirs else subprocess.DEVNULL if arguments else subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=PROJECT_ROOT,
                env=dict(environment),
                **detached(),
            )
        except BaseException:
            self._close()
            raise
        finally:
            if theirs is not None:
                theirs.close()
        self.pid = self._process.pid
        self.started = process_started(self.pid) or 0.0

    def send(self, order: Mapping[str, Any]) -> None:
        """Hand a run over, whose `arguments` are in the order. Raises OSError."""
        line = json.dumps(order).encode() + b"\n"
        self._arguments = list(order["arguments"])
        if self._socket is not None:
            self._socket.sendall(line)
            return
        assert self._process.stdin is not None
        self._process.stdin.write(line)
        self._process.stdin.close()

    def waits_again(self) -> bool:
        """Whether it has said that the run which it was given last has ended in order."""
        if self._socket is None:
            return False
        with contextlib.suppress(OSError):
            self._heard += self._socket.recv(65_536)
        line, found, rest = self._heard.partition(b"\n")
        if not found:
            return False
        self._heard = rest
        with contextlib.suppress(ValueError):
            return bool(json.loads(line) == self._arguments)
        return False

    def poll(self) -> int | None:
        """Its exit code; None while it runs. Once it has ended, nothing of it is left."""
        if self._process.returncode is None:
            if is_alive(self.pid, self.started):
                return None
            # It has ended but is not reaped, so that its pid cannot be given away: what it left behind goes too.
            signal_group(self.pid, "kill")
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(timeout=5)
        if self._process.returncode is not None:
            self._close()
        return self._process.returncode

    def signal(self, kind: Signal) -> None:
        """Send a signal to it and to the processes that it started, unless it has ended."""
        if self._process.poll() is None:
            signal_group(self.pid, kind)

    def end(self) -> None:
        """End it at once."""
        self.signal("kill")
        self._close()
        with contextlib.suppress(OSError):
            if self._process.stdin is not None:
                self._process.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=5)

    def _close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None
