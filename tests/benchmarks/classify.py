"""From a picture handed over to its answer, with the engine warm, against `model.predict` alone in its own process."""

import io
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO

import numpy as np
from PIL import Image
from playwright.sync_api import Browser, Page

from core.engine.client import Engine
from core.engine.exporting import export_model
from core.store.store import Store
from core.workspace import PROJECT_ROOT, Workspace
from tests.benchmarks.browsing import chromium, new_tab, seconds_to_open, wait_until_drawn
from tests.benchmarks.rows import Row, Spread, alternate
from tests.benchmarks.servers import shapes_server, wait_until, wait_until_quiet
from tests.server import Server

ROUNDS = 25
UPLOADS = 7
MOST_SECONDS, MOST_TIMES = 0.25, 3.0
PHOTOS = {"640×480": (640, 480), "4000×3000": (4000, 3000)}
TRAIN = [
    "train", "--preset", "article", "--dataset", "shapes", "--set", "dataset.num_train=500", "--set",
    "training.epochs=1", "--wait", "--json",
]  # fmt: skip
# As somebody would write it who has the exported model and a decoded picture.
PREDICT = """
import sys, time
import keras, numpy as np
model = keras.models.load_model(sys.argv[1])
picture = np.load(sys.argv[2])[None]
for line in sys.stdin:
    began = time.perf_counter()
    model.predict(picture, verbose=0)
    print(time.perf_counter() - began, flush=True)
"""


class Predict:
    """`model.predict` on one decoded picture, again and again, in a process of its own."""

    def __init__(self, model: Path, picture: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", PREDICT, str(model), str(picture)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={**os.environ, "CUDA_VISIBLE_DEVICES": "-1", "TF_CPP_MIN_LOG_LEVEL": "2"},
        )

    def seconds(self) -> float:
        """Of one call."""
        _pipe(self._process.stdin).write("\n")
        _pipe(self._process.stdin).flush()
        return float(_pipe(self._process.stdout).readline())

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()


def measure() -> list[Row]:
    """Two sizes of photo through the engine, then one through the page, without and with variants."""
    with (
        tempfile.TemporaryDirectory() as folder,
        shapes_server(Path(folder) / "workspace", CONVDECK_STANDBY="off") as server,
        chromium() as browser,
    ):
        workspace = Workspace(server.root)
        run_id = _train(workspace)
        rows = _through_the_engine(workspace, run_id, Path(folder))
        wait_until(lambda: not Store(workspace).has_work(), "the run's process to end")
        wait_until_quiet(server.root)
        rows += [_through_the_page(server, browser, run_id, vary=vary) for vary in (False, True)]
    return rows


def _through_the_engine(workspace: Workspace, run_id: str, folder: Path) -> list[Row]:
    engine = Engine(workspace)
    photos = {name: photo(*size) for name, size in PHOTOS.items()}
    model, decoded = folder / "model.keras", folder / "picture.npy"
    try:
        export_model(engine, run_id, "keras", model)
        (answer,) = engine.predict(run_id, [("photo.jpg", photos["640×480"])])
        np.save(decoded, answer.seen)
        alone = Predict(model, decoded)
        try:
            measured = alternate(
                {
                    "alone": alone.seconds,
                    **{name: _asked(engine, run_id, data) for name, data in photos.items()},
                },
                rounds=ROUNDS,
            )
        finally:
            alone.close()
    finally:
        engine.close()
    base = Spread.of([1000 * value for value in measured["alone"]])
    rows = [
        Row(
            "model.predict alone, one picture of 32×32, p50", "–", "–", base.figure(" ms"), base.range(" ms"),
            None,
        )
    ]  # fmt: skip
    for name in photos:
        own = Spread.of([1000 * value for value in measured[name]])
        times = statistics.median(measured[name]) / statistics.median(measured["alone"])
        met = own.median <= 1000 * MOST_SECONDS and times <= MOST_TIMES
        rows.append(
            Row(
                f"JPEG of {name} handed over → prediction, warm, p50", "`model.predict` alone",
                f"≤ {1000 * MOST_SECONDS:g} ms, ≤ {MOST_TIMES:g}×", f"{own.figure(' ms')}, {times:.2f}×",
                own.range(" ms"), met,
            )
        )  # fmt: skip
    return rows


def _asked(engine: Engine, run_id: str, data: bytes) -> Callable[[], float]:
    def seconds() -> float:
        began = time.perf_counter()
        (answer,) = engine.predict(run_id, [("photo.jpg", data)])
        assert answer.ok and answer.top
        return time.perf_counter() - began

    return seconds


def _through_the_page(server: Server, browser: Browser, run_id: str, *, vary: bool) -> Row:
    page = new_tab(browser)
    # The first upload has the engine load the run's model.
    seconds = [_upload(page, server, run_id, number, vary=vary) for number in range(UPLOADS + 1)][1:]
    spread = Spread.of([1000 * value for value in seconds])
    what = f"JPEG of 640×480 chosen in Chromium → its answer {'and its variants ' if vary else ''}drawn, p50"
    return Row(what, "–", "≤ 250 ms", spread.figure(" ms", 0), spread.range(" ms", 0), spread.median <= 250)


def _upload(page: Page, server: Server, run_id: str, number: int, *, vary: bool) -> float:
    seconds_to_open(page, f"{server.url}/classify?run={run_id}", "Classify")
    if vary:
        page.get_by_text("Vary the picture", exact=True).click()
        wait_until_drawn(page, "Classify")
    chooser = page.locator('input[type="file"]')
    chooser.wait_for(state="attached")
    name = f"photo{number}.jpg"
    file = {"name": name, "mimeType": "image/jpeg", "buffer": photo(640, 480, number)}
    began = time.perf_counter()
    chooser.set_input_files([file])
    page.get_by_alt_text(f"{name}: the 32×32 pixels").first.wait_for()
    drawn = page.get_by_text("of 16 variants keep the answer") if vary else page.get_by_role("progressbar")
    drawn.first.wait_for()
    return time.perf_counter() - began


def _train(workspace: Workspace) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "core", *TRAIN],
        cwd=PROJECT_ROOT,
        env={**os.environ, "CONVDECK_HOME": str(workspace.root)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        check=True,
    )
    return str(json.loads(done.stdout)["id"])


def photo(width: int, height: int, seed: int = 0) -> bytes:
    """A JPEG with the coarse and fine detail that takes a camera's picture its time to decode."""
    random = np.random.default_rng(seed)
    coarse = random.integers(0, 256, (height // 40, width // 40, 3)).astype(np.uint8)
    pixels = np.asarray(Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC), np.int16)
    noise = random.integers(-8, 9, (height, width, 1)).astype(np.int16)
    buffer = io.BytesIO()
    Image.fromarray(np.clip(pixels + noise, 0, 255).astype(np.uint8)).save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


def _pipe(stream: IO[str] | None) -> IO[str]:
    assert stream is not None
    return stream
