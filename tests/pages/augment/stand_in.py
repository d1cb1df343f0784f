"""What tests of the Augment page share: an engine that needs no Keras, runs, and what is clicked."""

from typing import Any

import numpy as np
from streamlit.testing.v1 import AppTest

from core.augmentation.batch_document import Batch
from core.design.presets import PRESETS
from core.engine.answers import Answer
from core.epoch import EpochRow
from core.errors import EngineError
from core.store.records import Run, RunRequest
from core.store.store import Store
from core.workspace import Workspace
from tests.core.conftest import known_data

NUM_TRAIN = 2000


class StandIn:
    """Previews come back as they are; every third of the pictures asked about is a square, the others circles."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.answered: list[tuple[str, tuple[int, ...]]] = []
        self.batches: list[tuple[str, int, int]] = []
        self.counted = 0
        self.broken = False
        self.previewed: list[tuple[int, int]] = []

    def decode(self, pictures, image_shape, crop):
        ((name, data),) = pictures
        if data == b"bad":
            return [Answer(name, f"{name} is not a picture.")]
        return [Answer(name, seen=np.zeros(image_shape, np.uint8))]

    def preview(self, augmentation, pixels, seed):
        self.asked.append("preview")
        self.previewed.append((len(pixels), int(pixels[0, 0, 0, 0])))
        return pixels, [{"rotation": "rotated +5°"} for _ in pixels]

    def answer(self, run_id, pixels):
        self.asked.append("answer")
        self.answered.append((run_id, pixels.shape))
        square = np.arange(len(pixels)) % 3 == 2
        return np.stack([np.where(square, 0.2, 0.9), np.where(square, 0.8, 0.1)], axis=1), (
            "circle",
            "square",
        )

    def batch(self, config, epoch, step, most):
        self.asked.append("batch")
        if self.broken:
            raise EngineError("The picture engine ended unexpectedly. Try again: it restarts by itself.")
        self.batches.append((config.config_id, epoch, step))
        labels = np.array([[1, 0], [0.25, 0.75], [0, 1]], np.float32)
        return Batch(
            images=np.zeros((3, 32, 32, 3), np.uint8), labels=labels, rows=[1, 2, 3],
            captions=[{}, {"mix_weight": "25 % of another picture"}, {"flip_x": "mirrored"}],
            corrupted=[False, False, True], class_names=("*cat*", "dog"), pictures=64, steps=9,
        )  # fmt: skip

    def count_right(self, run_id, dataset, knob, level, start, stop, most):
        self.asked.append("count_right")
        if self.broken:
            raise EngineError("The picture engine ended unexpectedly. Try again: it restarts by itself.")
        self.counted += 1
        return round(1000 * (0.9 - 0.002 * abs(level))), 1000


def trained_run(
    workspace: Workspace, name: str, parent: Run | None = None, digest: str | None = None, **values: Any
) -> Run:
    config = PRESETS["tiny"].config.with_values(
        {"dataset.id": "shapes", **{path.replace("__", "."): value for path, value in values.items()}}
    )
    with Store(workspace) as store:
        parent_id = parent.id if parent else None
        data = None if digest is None else known_data(digest)
        run = store.queue_run(RunRequest(config, name, parent_id=parent_id, data=data))
        store.claim(run.id, [run.id])
        store.record_started(run.id, 1, 10, 100, 0)
        store.record_epoch(run.id, 1, EpochRow(1, val_accuracy=0.35))
        workspace.run_folder(run.id).mkdir()
        return store.get_run(run.id)


def look_at(page: AppTest, view: str) -> AppTest:
    return switch(page, "augment-view", view)


def switch(page: AppTest, key: str, to: str) -> AppTest:
    next(group for group in page.get("button_group") if group.key == key).set_value(to).run()
    assert not page.exception
    return page


def policy(page: AppTest) -> object:
    return next(group for group in page.get("button_group") if group.key.startswith("policy-")).value


def choose(page: AppTest, policy: str) -> AppTest:
    next(group for group in page.get("button_group") if group.key.startswith("policy-")).set_value(
        policy
    ).run()
    assert not page.exception
    return page


def strength(page: AppTest):
    return next(each for each in page.slider if each.key.startswith("policy-strength-"))


def strengthen(page: AppTest, factor: float) -> AppTest:
    strength(page).set_value(factor).run()
    assert not page.exception
    return page
