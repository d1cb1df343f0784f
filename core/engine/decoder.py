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
from dataclasses import astuple, dataclass
from typing import Any

import numpy as np
import psutil

from core.errors import EngineError, PictureError
from core.images import (
    MAX_PHOTO_PIXELS,
    PIXELS_AVERAGED,
    Box,
    decode_picture,
    encode_small,
    fit_picture,
    shorten,
)
from core.system.frames import READY, Frame, Pixels, collect_frames, read_frame, write_frame
from core.system.processes import kill_and_reap, take_standard_output
from core.workspace import PROJECT_ROOT

# Of processor time, so that a busy machine does not count. The largest pictures that are taken need 0.3 to 0.8 s.
PICTURE_SECONDS = 5.0
# Once pictures of a request have lost this much, the others of it have to be quick: the request has a deadline.
LOST_SECONDS = 20.0
HURRIED_SECONDS = 0.5
LOOK_SECONDS = 0.1
SMALLEST_PART = 1 / MAX_PHOTO_PIXELS  # of a side: less is below a pixel


class PictureTooSlow(PictureError):
    """Decoding was ended: it took too long."""


# A shape, (height, width, 1 or 3), and how a picture is brought to it, see `core.images.fit_picture`.
Target = tuple[tuple[int, ...], str]


@dataclass(frozen=True)
class Views:
    """What is wanted of a file: its pixels for each of `targets`, of the part `box` alone where one is given.

    Where `original_side` is not 0: also the whole picture, upright, no side of which is longer.
    """

    targets: tuple[Target, ...]
    box: Box | None = None
    original_side: int = 0

    @property
    def enough(self) -> int:
        """The pixels that each side of the picture needs: see `core.images.decode_picture`."""
        sides = [max(shape[:2]) for shape, _ in self.targets]
        part = 1.0 if self.box is None else max(SMALLEST_PART, min(self.box.width, self.box.height))
        return max(math.ceil(PIXELS_AVERAGED * max(sides, default=0) / part), self.original_side)


@dataclass(frozen=True, eq=False)
class Viewed:
    """The pixels for each target, notes on what was done to the picture, and `original`: a JPEG file, or nothing."""

    pixels: tuple[Pixels, ...]
    notes: tuple[str, ...]
    original: bytes


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
        """One file brought to `image_shape`: its pixels, and the notes. Raises as `view`."""
        viewed = self._view(name, data, Views(((tuple(image_shape), crop),)), enough, seconds)
        return viewed.pixels[0], viewed.notes

    def view(self, name: str, data: bytes, views: Views, seconds: float) -> Viewed:
        """One file, decoded once, as each of those who look at it needs it.

        Raises:
            PictureTooSlow: it took more than `seconds` of processor time.
            PictureError: it is no picture that is taken.
            EngineError: the process cannot be started.
        """
        return self._view(name, data, views, views.enough, seconds)

    def _view(self, name: str, data: bytes, views: Views, enough: int, seconds: float) -> Viewed:
        self.start()
        process = self._process
        assert process is not None and process.stdin is not None
        if not self._is_ready and self._wait(process) is None:
            self.close()
            raise EngineError("The process that decodes pictures could not be started.")
        self._is_ready = True
        asked = {
            "name": name, "enough": enough, "targets": [[list(shape), crop] for shape, crop in views.targets],
            "box": None if views.box is None else astuple(views.box), "original_side": views.original_side,
        }  # fmt: skip
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
        pixels = tuple(arrays[str(index)] for index in range(len(views.targets)))
        original = arrays["original"].tobytes() if "original" in arrays else b""
        return Viewed(pixels, tuple(document["notes"]), original)

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
            write_frame(outgoing, *_views_of(asked, arrays["data"].tobytes()))
        except PictureError as error:
            write_frame(outgoing, {"error": str(error)}, {})


def _views_of(asked: dict[str, Any], data: bytes) -> Frame:
    picture = decode_picture(data, asked["name"], asked["enough"])
    whole, arrays = picture.pixels, {}
    part = whole if asked["box"] is None else Box(*asked["box"]).pixels_of(whole)
    for index, (image_shape, crop) in enumerate(asked["targets"]):
        # A part was chosen in the network's proportions: what rounding leaves over is cut off.
        how = crop if asked["box"] is None else "center"
        arrays[str(index)] = fit_picture(part, image_shape, crop=how)
    if asked["original_side"]:
        arrays["original"] = np.frombuffer(encode_small(whole, asked["original_side"]), np.uint8)
    return {"error": None, "notes": picture.notes}, arrays


if __name__ == "__main__":
    sys.exit(main())
