"""An engine that answers without Keras, and a run for it, for tests of what pages make of its answers."""

from dataclasses import replace

import numpy as np
import streamlit as st
from pytest import MonkeyPatch

from core.config import AugmentationConfig
from core.datasets.prepare import ensure_dataset
from core.design.presets import PRESETS
from core.engine.answers import Answer, Knowledge, Neighbour, RankedClass
from core.epoch import EpochRow
from core.errors import EngineError, UserError
from core.server import services as services_module
from core.store.records import Run, RunRequest
from core.store.states import RunState
from core.store.store import Store
from core.workspace import Workspace
from tests.pages.looking import answer_look


class StandIn:
    """Answers as the engine does, at once: every picture is a circle, and previews come back mirrored."""

    def __init__(self) -> None:
        self.broken = False
        self.learned = 0
        self.forgets = False
        self.gone = ""
        self.asked: list[tuple[str, int, str]] = []
        self.boxes: list[tuple[float, ...]] = []
        self.requests: list[list[str]] = []  # the runs of each look
        self.says: dict[str, str] = {}  # by run, what it says instead
        self.previews: list[tuple[AugmentationConfig, tuple[int, ...], int]] = []

    def preview(self, augmentation, pixels, seed):
        self.previews.append((augmentation, pixels.shape, seed))
        return pixels[:, :, ::-1], [{"flip_x": "mirrored"} if i % 2 else {} for i in range(len(pixels))]

    def learn_known(self, run_id, dataset):
        if self.gone:
            raise UserError(self.gone)
        self.learned += 1
        return self.learned, max(self.learned, 3)

    def predict(self, run_id, pictures, crop=None, *, with_known=False):
        # Home, where every visit begins, asks about its one sample in a thread of its own, at any time.
        if (len(pictures), crop) != (1, "stretch"):
            self.asked.append((run_id, len(pictures), crop))
        if self.broken:
            raise EngineError("The picture engine ended unexpectedly. Try again: it restarts by itself.")
        first, second = ("square", "circle") if self.says.get(run_id) == "square" else ("circle", "square")
        top = (RankedClass(first, 0.9), RankedClass(second, 0.1))
        seen = np.zeros((32, 32, 3), np.uint8)
        forgotten, self.forgets = self.forgets, False
        return [
            Answer(name, f"{name} is not a picture.")
            if data == b"bad"
            else Answer(
                name, top=top, seen=seen, knowledge=_knowledge(data) if with_known and not forgotten else None
            )
            for name, data in pictures
        ]

    def ask(self, document, arrays):
        self.requests.append([each["id"] for each in document["runs"]])
        self.boxes += [tuple(box) for box in document["boxes"] if box]
        return answer_look(self.predict, document, arrays)

    def explain_pixels(self, run_id, pixels, method, layer=None, class_name=None, name="The picture"):
        raise EngineError("The picture engine ended unexpectedly. Try again: it restarts by itself.")

    def decode(self, pictures, image_shape, crop="center"):
        return [Answer("x", "x is empty.") for _ in pictures]


def _knowledge(data: bytes) -> Knowledge:
    """Only pictures that say so themselves are strange."""
    near = tuple(Neighbour(row, "circle", 0.125 + row / 8) for row in range(5))
    return Knowledge(b"strange" not in data, 99.25 if b"strange" in data else 40.0, 0.0625, near)


def use_stand_in(workspace: Workspace, monkeypatch: MonkeyPatch) -> StandIn:
    """Instead of the engine of this process's services; the data set Shapes is there."""
    stand_in = StandIn()
    st.cache_data.clear()
    shared = replace(services_module.get_services(), engine=stand_in)
    monkeypatch.setitem(services_module._services, workspace.root, shared)
    ensure_dataset(workspace, "shapes")
    return stand_in


def finished_run(workspace: Workspace, name: str = "A *finished* run") -> Run:
    """On Shapes, by what the store says; nothing was trained."""
    store = Store(workspace)
    config = PRESETS["tiny"].config.with_values({"dataset.id": "shapes"})
    run = store.queue_run(RunRequest(config, name, "tiny"))
    store.claim(run.id, ["cpu:0"])
    store.record_started(run.id, 1, 10, 100, 0)
    store.record_epoch(run.id, 1, EpochRow(1, 2.0, 0.3, 1.9, 0.4, 2.1, 0.35, 0.001, 4.0, 900.0))
    return store.transition(run.id, RunState.FINISHED, expected=RunState.RUNNING)
