"""A process that decodes pictures for the engine, one at a time, so that a picture that takes too long ends alone.

The engine talks to it as pages talk to the engine: frames in, frames out, and it ends when its input does.
"""

import contextlib
import math
import queue
import subprocess
import sys
import threading
from collections.abc import Sequence

import numpy as np
import psutil

from core.errors import EngineError, PictureError
from core.images import decode_picture, fit_picture, shorten
from core.system.frames import READY, Frame, Pixels, collect_frames, read_frame, write_frame
from core.system.processes import kill_and_reap, take_standard_output
from core.workspace import PROJECT_ROOT

# Of processor time, so that a busy machine does not count. The largest pictures that are taken need 0.3 to 0.8 s.
PICTURE_SECONDS = 5.0
# Once pictures of a request have lost this much, the others of it have to be quick: the request has a deadline.
LOST_SECONDS = 20.0
HURRIED_SECONDS = 0.5
LOOK_SECONDS = 0.1


class PictureTooSlow(PictureError):
    """Decoding was ended: it took too long."""


class Decoder:
    """One helper process, started when it is first needed and again after it was ended."""

    def __init__(self, command: Sequence[str] | None = None) -> None:
        self._command = list(command) if command else [sys.executable, "-m", "core.engine.decoder"]
        self._process: subprocess.Popen[bytes] | None = None
        self._is_ready = False
        self._answers: queue.Queue[Frame | None] = queue.Queue()

    def start(self) -> None:
        """Start the process without waiting until it has loaded what it needs. Does nothing when it runs."""
        if self._process is not None and self._process.poll() is None:
            return
        self.close()
        process = subprocess.Popen(
            self._command, cwd=PROJECT_ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self._answers = queue.Queue()
        threading.Thread(
            target=collect_frames,
            args=(process.stdout, self._answers.put),
            name="decoder-reader",
            daemon=True,
        ).start()
        self._process, self._is_ready = process, False

    def decode(
        self, name: str, data: bytes, image_shape: Sequence[int], crop: str, enough: int, seconds: float
    ) -> tuple[Pixels, tuple[str, ...]]:
        """`decode_picture` and `fit_picture` of one file: its pixels in `image_shape`, and the notes.

        Raises:
            PictureTooSlow: it took more than `seconds` of processor time.
            PictureError: it is no picture that is taken.
            EngineError: the process cannot be started.
        """
        self.start()
        process = self._process
        assert process is not None and process.stdin is not None
        if not self._is_ready and self._wait(process) is None:
            self.close()
            raise EngineError("The process that decodes pictures could not be started.")
        self._is_ready = True
        asked = {"name": name, "image_shape": list(image_shape), "crop": crop, "enough": enough}
        with contextlib.suppress(OSError):  # it has ended, which the reader says
            write_frame(process.stdin, asked, {"data": np.frombuffer(data, np.uint8)})
        try:
            answer = self._wait(process, seconds)
        except TimeoutError:
            self.close()
            raise PictureTooSlow(
                f"{shorten(name)} takes more than {seconds:g} seconds to decode, so it was left out. Save it again as "
                "PNG or as a plain JPEG."
            ) from None
        if answer is None:
            self.close()
            raise PictureError(f"{shorten(name)} cannot be decoded: its data is damaged.")
        document, arrays = answer
        if document["error"]:
            raise PictureError(document["error"])
        return arrays["pixels"], tuple(document["notes"])

    def close(self) -> None:
        """End the process at once."""
        process, self._process = self._process, None
        if process is None:
            return
        kill_and_reap(process)

    def _wait(self, process: "subprocess.Popen[bytes]", seconds: float = math.inf) -> Frame | None:
        """The next answer; None when the process has ended. Raises TimeoutError after `seconds` of processor time."""
        began = _processor_seconds(process.pid)
        while True:
            try:
                return self._answers.get(timeout=LOOK_SECONDS)
            except queue.Empty:
                if _processor_seconds(process.pid) - began > seconds:
                    raise TimeoutError from None


def _processor_seconds(pid: int) -> float:
    try:
        used = psutil.Process(pid).cpu_times()
        return float(used.user + used.system)
    except psutil.Error:
        return 0.0  # it has ended: the reader says so


def main() -> int:
    """Decode what comes in until the input ends."""
    outgoing = take_standard_output()
    write_frame(outgoing, READY, {})
    while True:
        try:
            asked, arrays = read_frame(sys.stdin.buffer)
        except EOFError:
            return 0
        try:
            picture = decode_picture(arrays["data"].tobytes(), asked["name"], asked["enough"])
            pixels = fit_picture(picture.pixels, asked["image_shape"], crop=asked["crop"])
            write_frame(outgoing, {"error": None, "notes": picture.notes}, {"pixels": pixels})
        except PictureError as error:
            write_frame(outgoing, {"error": str(error)}, {})


if __name__ == "__main__":
    sys.exit(main())
