"""The process that decodes pictures: what takes too long, or takes it down, ends alone."""

import io
import sys
import time
from collections.abc import Iterator

import numpy as np
import psutil
import pytest
from PIL import Image

from core.engine import picture_requests
from core.engine.decoder import Decoder, PictureTooSlow
from core.engine.process import Requests
from core.errors import EngineError, PictureError

SHAPE = (32, 32, 3)


def encoded(image: Image.Image, kind: str = "PNG", **settings: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **settings)
    return buffer.getvalue()


RED = encoded(Image.new("RGB", (48, 64), (255, 0, 0)))


def slow() -> bytes:
    """As many scans of as many pixels as are taken: a third of a second and more of work in a few kilobytes."""
    data = encoded(Image.new("L", (4990, 4990), 100), "JPEG", progressive=True)
    begin = data.rfind(b"\xff\xda")
    return data[:-2] + data[begin:-2] * (32 - data.count(b"\xff\xda")) + b"\xff\xd9"


@pytest.fixture
def decoder() -> Iterator[Decoder]:
    made = Decoder()
    yield made
    made.close()


def decode(decoder: Decoder, data: bytes, name: str = "x.png", seconds: float = 30) -> np.ndarray:
    return decoder.decode(name, data, SHAPE, "center", 512, seconds)[0]


def test_pictures_come_back_in_their_shape_with_notes(decoder: Decoder) -> None:
    assert (decode(decoder, RED) == (255, 0, 0)).all()
    clear = encoded(Image.new("RGBA", (40, 40), (0, 0, 0, 0)))
    pixels, notes = decoder.decode("x.png", clear, (28, 28, 1), "pad", 448, 30)
    assert pixels.shape == (28, 28, 1) and (pixels == 255).all()
    assert notes == ("Transparent parts are shown on white.",)
    with pytest.raises(PictureError, match=r"note\.txt is not a picture"):
        decode(decoder, b"hello", "note.txt")


def test_one_that_takes_too_long_ends_alone(decoder: Decoder) -> None:
    decode(decoder, RED)  # the process has loaded what it needs
    first = decoder._process.pid
    with pytest.raises(PictureTooSlow, match=r"bomb\.jpg takes more than 0\.05 seconds to decode"):
        decode(decoder, slow(), "bomb.jpg", seconds=0.05)
    assert not psutil.pid_exists(first)
    assert (decode(decoder, RED) == (255, 0, 0)).all()


def test_one_that_ends_the_process_is_called_damaged(decoder: Decoder) -> None:
    decode(decoder, RED)
    psutil.Process(decoder._process.pid).suspend()
    with pytest.raises(PictureError, match=r"x\.png cannot be decoded"):
        # It ends while it has the picture, as by a fault in a library.
        decoder._answers.put(None)
        decode(decoder, RED)
    assert (decode(decoder, RED) == (255, 0, 0)).all()


def test_a_process_that_does_not_start_is_the_engine_s_fault() -> None:
    with pytest.raises(EngineError, match="could not be started"):
        decode(Decoder([sys.executable, "-c", "pass"]), RED)


def test_it_ends_when_nobody_listens_any_more(decoder: Decoder) -> None:
    decode(decoder, RED)
    decoder._process.stdin.close()
    assert decoder._process.wait(timeout=30) == 0


def test_the_others_of_a_request_are_answered(workspace, decoder: Decoder, monkeypatch) -> None:
    """Two that take too long between two that are fine; after the first, the rest of the request is in a hurry."""
    monkeypatch.setattr(picture_requests, "PICTURE_SECONDS", 0.05)
    monkeypatch.setattr(picture_requests, "LOST_SECONDS", 0.04)
    monkeypatch.setattr(picture_requests, "HURRIED_SECONDS", 0.025)
    decode(decoder, RED)
    files = {"one.png": RED, "bomb.jpg": slow(), "two.png": RED, "again.jpg": slow(), "three.png": RED}
    asked = {"method": "decode", "image_shape": list(SHAPE), "crop": "center", "names": list(files)}
    arrays = {str(place): np.frombuffer(data, np.uint8) for place, data in enumerate(files.values())}
    began = time.monotonic()
    answer, seen = Requests(workspace, decoder).handle(asked, arrays)
    assert [row["error"] and row["error"].split(" to decode")[0] for row in answer["rows"]] == [
        None, "bomb.jpg takes more than 0.05 seconds", None, "again.jpg takes more than 0.025 seconds", None,
    ]  # fmt: skip
    assert list(seen) == ["0", "2", "4"]
    assert time.monotonic() - began < 30  # decoding both takes longer than this on no machine that we know
