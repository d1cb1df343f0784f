"""Augment, Classify and Datasets, with an engine that answers without Keras."""

from dataclasses import replace

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from core import services as services_module
from core.config import AugmentationConfig
from core.datasets.prepare import ensure_dataset
from core.errors import EngineError
from core.presets import PRESETS
from core.runs.records import EpochRow
from core.runs.states import RunState
from core.runs.store import Run, Store
from core.workspace import PROJECT_ROOT


class StandIn:
    """Answers as the engine does, at once: every picture is a circle, and previews come back mirrored."""

    def __init__(self) -> None:
        self.broken = False
        self.previews: list[tuple[AugmentationConfig, tuple[int, ...], int]] = []

    def preview(self, augmentation, pixels, seed):
        self.previews.append((augmentation, pixels.shape, seed))
        return pixels[:, :, ::-1], [{"flip_x": "mirrored"} if i % 2 else {} for i in range(len(pixels))]

    def predict(self, run_id, pictures, crop="center"):
        if self.broken:
            raise EngineError("The picture engine ended unexpectedly. Try again; it starts anew.")
        top = [{"class": "circle", "probability": 0.9}, {"class": "square", "probability": 0.1}]
        seen = np.zeros((32, 32, 3), np.uint8)
        return [
            {"image": name, "ok": True, "error": None, "top": top, "notes": [], "seen": seen}
            if data != b"bad"
            else {
                "image": name,
                "ok": False,
                "error": f"{name} is not a picture.",
                "top": [],
                "notes": [],
                "seen": None,
            }
            for name, data in pictures
        ]

    def decode(self, pictures, image_shape, crop="center"):
        return [
            {"image": "x", "ok": False, "error": "x is empty.", "notes": [], "seen": None} for _ in pictures
        ]


@pytest.fixture
def engine(workspace, monkeypatch) -> StandIn:
    stand_in = StandIn()
    shared = replace(services_module.get_services(), engine=stand_in)
    monkeypatch.setitem(services_module._services, workspace.root, shared)
    ensure_dataset(workspace, "shapes")
    return stand_in


@pytest.fixture
def run(workspace) -> Run:
    store = Store(workspace)
    config = PRESETS["tiny"].config.with_values({"dataset.id": "shapes"})
    run = store.create_run(config, "A *finished* run", "tiny")
    store.claim(run.id, ["cpu:0"])
    store.record_started(run.id, 1, 10, 100, 0)
    store.record_epoch(run.id, 1, EpochRow(1, 2.0, 0.3, 1.9, 0.4, 2.1, 0.35, 0.001, 4.0, 900.0))
    return store.transition(run.id, RunState.FINISHED, expected=RunState.RUNNING)


def open_page(name: str, **query: str) -> AppTest:
    page = AppTest.from_file(PROJECT_ROOT / "pages" / "shell.py", default_timeout=30).run()
    for key, value in query.items():
        page.query_params[key] = value
    page.switch_page(name).run()
    assert not page.exception
    return page


def words(page: AppTest) -> str:
    kinds = ("title", "subheader", "markdown", "caption", "error", "warning")
    return "\n".join(str(element.value) for kind in kinds for element in getattr(page, kind)).replace(
        "\\", ""
    )


def press(page: AppTest, label: str) -> AppTest:
    next(button for button in page.button if button.label == label).click().run()
    assert not page.exception
    return page


def choose_policy(page: AppTest, name: str) -> AppTest:
    next(group for group in page.get("button_group") if "policy" in (group.key or "")).set_value(name).run()
    assert not page.exception
    return page


def test_nothing_is_drawn_while_nothing_is_turned_on(engine) -> None:
    page = open_page("augment.py")
    assert "Nothing is turned on yet" in words(page)
    assert engine.previews == []


def test_a_policy_changes_the_draft_and_draws_twelve(engine) -> None:
    page = choose_policy(open_page("augment.py"), "Mild, as in the article")
    mild = PRESETS["article-augmented"].config.augmentation
    assert page.session_state["design_config"].augmentation == mild
    assert engine.previews[-1] == (mild, (12, 32, 32, 3), 0)
    press(page, "Draw again")
    assert engine.previews[-1][2] == 1
    choose_policy(page, "Too much")
    assert "often out of the picture" in words(page)


def test_mixing_gets_other_pictures_to_mix_with(engine) -> None:
    page = choose_policy(open_page("augment.py"), "Mild, as in the article")
    slider = next(s for s in page.slider if s.key.endswith("augmentation.mixup_alpha"))
    slider.set_value(0.5).run()
    assert engine.previews[-1][1] == (24, 32, 32, 3)
    assert "next picture of the batch" in words(page)


def test_classify_without_a_run_shows_the_way(engine) -> None:
    page = open_page("classify.py")
    assert "No run has weights yet" in words(page)


def test_samples_come_with_their_truth(engine, run) -> None:
    page = press(open_page("classify.py"), "Try sample pictures")
    text = words(page)
    assert "Sample pictures" in text
    assert text.count("it is:") == 8
    right = text.count("it is: **circle**")
    assert f"{right} of 8 right" in text
    assert "A *finished* run" in text


def test_a_bad_file_is_a_sentence_and_the_others_go_on(engine, run) -> None:
    page = open_page("classify.py", run=run.id)
    page.file_uploader[0].set_value([("a.png", b"good", "image/png"), ("b.png", b"bad", "image/png")]).run()
    assert not page.exception
    assert "b.png is not a picture." in words(page)
    assert "a.png: the 32×32 pixels" in words(page)


def test_a_broken_engine_is_a_sentence(engine, run) -> None:
    engine.broken = True
    page = press(open_page("classify.py"), "Try sample pictures")
    assert "Try again; it starts anew" in words(page)


def test_a_link_to_an_unknown_run_is_a_sentence(engine, run) -> None:
    assert "There is no run" in words(open_page("classify.py", run="../../x"))


def test_datasets_shows_what_is_here_and_what_can_be_had(engine) -> None:
    page = open_page("datasets.py")
    text = words(page)
    for title in ("Shapes", "CIFAR-10", "CIFAR-100", "MNIST", "Fashion-MNIST"):
        assert f"**{title}**" in text
    assert "6,000 training, 1,500 validation and 1,500 test pictures" in text
    assert any(button.label == "Download 170 MB" for button in page.button)


def test_an_import_without_a_file_is_told(engine) -> None:
    page = press(open_page("datasets.py"), "Import")
    assert "Choose a file first" in words(page)
