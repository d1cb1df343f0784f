"""The engine's client: starts the helper process, asks it, and starts it again when it is gone. Loads no Keras."""

import os
import queue
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from msgspec.structs import asdict
from numpy.typing import NDArray

from core.augmentation.batch_document import Batch
from core.config import AugmentationConfig, DatasetConfig, ExperimentConfig
from core.engine.answers import Answer, Scores
from core.engine.explanation import Explanation
from core.engine.portions import Pictures, portions_of
from core.errors import EngineError, UserError
from core.system.files import open_log
from core.system.frames import READY, Arrays, Frame, Pixels, collect_frames, write_frame
from core.system.processes import kill_and_reap
from core.workspace import PROJECT_ROOT, Workspace

START_DEADLINE_SECONDS = 120.0
REQUEST_DEADLINE_SECONDS = 60.0


@dataclass(frozen=True)
class EngineState:
    """What System shows of the engine: `stopped`, `starting`, `ready` or `busy`, and its process id."""

    name: str
    pid: int | None


class Engine:
    """One helper process that holds Keras on the CPU, so that the server never does.

    Requests are served one at a time, in order. A process that dies or overruns its deadline is ended, the
    request gets an EngineError in plain words, and the next request starts a new process.
    """

    def __init__(self, workspace: Workspace, command: Sequence[str] | None = None) -> None:
        self._workspace = workspace
        self._command = list(command) if command else [sys.executable, "-m", "core.engine"]
        self._turn = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._answers: queue.Queue[Frame | None] = queue.Queue()
        self._ready = False

    @property
    def state(self) -> EngineState:
        process = self._process
        if process is None or process.poll() is not None:
            return EngineState("stopped", None)
        if not self._ready:
            return EngineState("starting", process.pid)
        return EngineState("busy" if self._turn.locked() else "ready", process.pid)

    def start(self) -> None:
        """Start the process without waiting until it has loaded Keras. Does nothing when it runs."""
        if self._turn.acquire(blocking=False):
            try:
                self._ensure_process()
            finally:
                self._turn.release()

    def close(self) -> None:
        """End the process at once; a caller that waits for its answer gets an EngineError."""
        self._end()

    def predict(
        self, run_id: str, pictures: Pictures, crop: str | None = None, *, with_known: bool = False,
        which: str = "best",
    ) -> list[Answer]:  # fmt: skip
        """What a run's `which` weights (see `Loader.model`) say of each picture, in order, with every class.

        `with_known`: also whether the run knows such pictures, as far as `learn_known` has come to its end before; of
        its best weights alone.

        `crop` says how pictures are brought to the shape that the network reads, see `core.images.fit_picture`; None:
        as those were that it was trained on. Any number of pictures: they are sent in portions.

        Raises:
            UserError: the run has no such weights.
            EngineError: the engine crashed or overran its deadline.
        """
        document = {
            "method": "predict", "run_id": run_id, "crop": crop, "with_known": with_known, "which": which,
        }  # fmt: skip
        return self._ask_about_pictures(document, pictures)

    def learn_known(self, run_id: str, dataset: DatasetConfig) -> tuple[int, int]:
        """Measure a portion of what a run was trained on, `dataset`, for `predict`.

        Returns how much is done, of how much; both are the same in the end. Raises as `batch` does.
        """
        answer, _ = self.ask({"method": "learn_known", "run_id": run_id, "dataset": asdict(dataset)}, {})
        return answer["done"], answer["of"]

    def decode(
        self, pictures: Pictures, image_shape: tuple[int, int, int], crop: str = "center"
    ) -> list[Answer]:
        """Pictures brought to `image_shape`; no run is asked, so `top` is empty."""
        return self._ask_about_pictures(
            {"method": "decode", "image_shape": list(image_shape), "crop": crop}, pictures
        )

    def preview(
        self, augmentation: AugmentationConfig, pixels: Pixels, seed: int
    ) -> tuple[Pixels, list[dict[str, Any]]]:
        """Vary `pixels` (n, height, width, channels) as training would, with the values drawn for each.

        Returns the varied pixels, of the same shape, and one caption (a dict of drawn values) a picture.
        """
        document = {"method": "preview", "augmentation": asdict(augmentation), "seed": seed}
        answer, arrays = self.ask(document, {"pixels": pixels})
        return arrays["pixels"], answer["captions"]

    def answer(self, run_id: str, pixels: Pixels) -> tuple[NDArray[np.float32], tuple[str, ...]]:
        """What a run's best weights say of `pixels` (n, height, width, channels), which are of its own shape.

        Returns the probabilities (n, classes) and the classes' names. Raises as `predict` does.
        """
        answer, arrays = self.ask({"method": "answer", "run_id": run_id}, {"pixels": pixels})
        return arrays["probabilities"], tuple(answer["class_names"])

    def explain(
        self,
        run_id: str,
        name: str,
        picture: bytes,
        method: str,
        layer: str | None = None,
        class_name: str | None = None,
        crop: str | None = None,
        which: str = "best",
    ) -> Explanation:
        """What a run's `which` weights (see `Loader.model`) look at in a file `picture`, called `name`, for one class.

        `method` is one of `explanation.METHODS`. `layer`, for Grad-CAM alone, is a convolution layer, by default the
        last one; `class_name` is by default the network's answer; `crop` is as in `predict`.

        Raises:
            UserError: the run has no such weights, the picture cannot be read, or there is no such method, layer or
                class.
            EngineError: the engine crashed or overran its deadline.
        """
        asked = {"names": [name], "crop": crop, "which": which}
        arrays = {"0": np.frombuffer(picture, np.uint8)}
        return self._explain(run_id, name, asked, arrays, (method, layer, class_name))

    def explain_pixels(
        self,
        run_id: str,
        pixels: Pixels,
        method: str,
        layer: str | None = None,
        class_name: str | None = None,
        name: str = "The picture",
        which: str = "best",
    ) -> Explanation:
        """As `explain`, for `pixels` (height, width, channels) of the shape that the network reads.

        `name` is what sentences call the picture, `which` are the weights, as in `explain`. Raises UserError also
        where the shape is another one.
        """
        return self._explain(run_id, name, {"which": which}, {"pixels": pixels}, (method, layer, class_name))

    def _explain(
        self,
        run_id: str,
        name: str,
        asked: dict[str, Any],
        arrays: Arrays,
        how: tuple[str, str | None, str | None],
    ) -> Explanation:
        choices = dict(zip(("method_name", "layer", "class_name"), how, strict=True))
        row, maps = self.ask({"method": "explain", "run_id": run_id, **asked, **choices}, arrays)
        return Explanation.of_row(name, row, maps, row["notes"])

    def batch(self, config: ExperimentConfig, epoch: int, step: int, most: int) -> Batch:
        """The batch that training makes of `config` at `step` of `epoch`, counted from 0; its first `most` pictures.

        Raises:
            UserError: the data set is not here, or there is no such epoch or step.
            EngineError: the engine crashed or overran its deadline.
        """
        document = {"method": "batch", "config": config.to_dict(), "epoch": epoch, "step": step, "most": most}
        answer, arrays = self.ask(document, {})
        names = tuple(answer.pop("class_names"))
        return Batch(images=arrays["images"], labels=arrays["labels"], class_names=names, **answer)

    def count_right(
        self, run_id: str, dataset: DatasetConfig, knob: str, level: float, start: int, stop: int, most: int
    ) -> tuple[int, int]:
        """How many validation pictures from `start` to `stop` a run still recognises, of how many in all.

        All of them are distorted by `level` of `knob`, one of `robustness.KNOBS`. They are the first `most` in a fixed
        order, or as many as there are. Raises as `batch` does.
        """
        document = {
            "method": "count_right", "run_id": run_id, "dataset": asdict(dataset), "knob": knob, "level": level,
            "start": start, "stop": stop, "most": most,
        }  # fmt: skip
        answer, _ = self.ask(document, {})
        return answer["right"], answer["of"]

    def score(
        self, run_id: str, which: str, dataset: DatasetConfig, split: str, start: int, stop: int
    ) -> Scores:
        """What a run's `which` weights (see `Loader.model`) say of a part of its data set, `validation` or `test`.

        Of its pictures from `start` to `stop`, counted within the part. Raises as `batch` does.
        """
        document = {
            "method": "score", "run_id": run_id, "which": which, "dataset": asdict(dataset), "split": split,
            "start": start, "stop": stop,
        }  # fmt: skip
        return self._scores(document)

    def score_elsewhere(self, run_id: str, which: str, dataset_id: str, start: int, stop: int) -> Scores:
        """The same of all pictures of another data set: its test arrays first, then its training arrays.

        Raises UserError where the run does not know one of its classes, or its pictures have other channels.
        """
        document = {
            "method": "score_elsewhere", "run_id": run_id, "which": which, "dataset_id": dataset_id, "start": start,
            "stop": stop,
        }  # fmt: skip
        return self._scores(document)

    def _scores(self, document: dict[str, Any]) -> Scores:
        answer, arrays = self.ask(document, {})
        return Scores(
            answer["epoch"], answer["sha256"], answer["of"], tuple(answer["class_names"]), arrays["scores"],
            arrays["labels"], arrays["rows"],
        )  # fmt: skip

    def _ask_about_pictures(self, document: dict[str, Any], pictures: Pictures) -> list[Answer]:
        answers: list[Answer] = []
        for portion in portions_of(pictures):
            data = {
                str(index): np.frombuffer(content, np.uint8) for index, (_, content) in enumerate(portion)
            }
            answer, seen = self.ask({**document, "names": [name for name, _ in portion]}, data)
            answers += [Answer.of_row(row, seen.get(str(index))) for index, row in enumerate(answer["rows"])]
        return answers

    def ask(
        self, document: dict[str, Any], arrays: Mapping[str, NDArray[Any]]
    ) -> tuple[dict[str, Any], Arrays]:
        """Send one request of `core.engine.process` and wait for its answer.

        Raises:
            UserError: the request cannot be served, for a reason that a person can mend.
            EngineError: the engine crashed or overran its deadline.
        """
        with self._turn:
            process = self._ensure_process()
            assert process.stdin is not None
            deadline = REQUEST_DEADLINE_SECONDS if self._ready else START_DEADLINE_SECONDS
            overran = threading.Event()

            def end() -> None:
                overran.set()
                process.kill()

            # If the process does not read, the pipe fills and writing would never return. Killing the process ends
            # both the writing and the waiting for an answer.
            timer = threading.Timer(deadline, end)
            timer.daemon = True
            timer.start()
            try:
                write_frame(process.stdin, document, arrays)
                received = self._answers.get()
            except (OSError, ValueError):  # the pipe broke, or was closed by `close`
                received = None
            finally:
                timer.cancel()
            if received is None:
                self._end()
                raise EngineError(
                    f"The picture engine did not answer within {deadline:.0f} seconds and was stopped. Try again: "
                    f"it restarts by itself."
                    if overran.is_set()
                    else f"The picture engine ended unexpectedly. Try again: it restarts by itself. "
                    f"Its log is {self._log_path.name} in the workspace."
                )
            self._ready = True
        answer, answer_arrays = received
        if answer.get("user_error"):
            raise UserError(answer["user_error"])
        if answer.get("error"):
            raise EngineError(answer["error"])
        return answer, answer_arrays

    @property
    def _log_path(self) -> Path:
        return self._workspace.root / "engine.log"

    def _ensure_process(self) -> "subprocess.Popen[bytes]":
        if self._process is not None and self._process.poll() is None:
            return self._process
        self._end()
        self._workspace.ensure()
        environment = {
            **os.environ,
            "CONVDECK_HOME": str(self._workspace.root),
            "CUDA_VISIBLE_DEVICES": "-1",
            "TF_CPP_MIN_LOG_LEVEL": "2",
        }
        try:
            with open_log(self._log_path) as log:
                process = subprocess.Popen(
                    self._command,
                    cwd=PROJECT_ROOT,
                    env=environment,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=log,
                )
        except OSError as error:
            raise EngineError(f"The picture engine could not be started: {error.strerror}.") from error
        self._ready = False
        # Each process has its own queue: an answer that comes too late cannot reach the wrong request.
        answers: queue.Queue[Frame | None] = queue.Queue()
        self._answers = answers

        def put(frame: Frame | None) -> None:
            if frame is None or frame[0] != READY:
                answers.put(frame)
            elif self._answers is answers:
                self._ready = True  # Keras is loaded

        assert process.stdout is not None
        threading.Thread(
            target=collect_frames, args=(process.stdout, put), name="engine-reader", daemon=True
        ).start()
        # Set last: `close` takes no turn, and must not end a process that is still being set up.
        self._process = process
        return process

    def _end(self) -> None:
        process, self._process, self._ready = self._process, None, False
        if process is None:
            return
        kill_and_reap(process)
