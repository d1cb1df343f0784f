"""The report of a real run, read back by a parser: its numbers are those of the commands, and it needs nothing else."""

import base64
import dataclasses
import io
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image
from starlette.applications import Starlette
from starlette.testclient import TestClient

from core.api.routes import build_routes
from core.datasets.storage import load_dataset
from core.report.contents import MOST_MISTAKES, Report, report_of
from core.report.render import MOST_IN_MATRIX, render_report
from core.store.store import Store
from tests.core.conftest import run_command, run_json

DAY = 1_795_000_000.0  # 18 November 2026
HOSTILE = "<script>alert('x')</script> & \"more\""
VOID = {"meta", "img", "br"}


class Document(HTMLParser):
    """What a browser would find."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attributes]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attributes]

    def handle_endtag(self, tag) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.text += data


@pytest.fixture(scope="module")
def told() -> list[tuple[str, int, int]]:
    return []


@pytest.fixture(scope="module")
def report(trained, engine, told) -> Report:
    store = Store(trained.workspace)
    run = store.get_run(trained.run_id)
    return report_of(trained.workspace, store, engine, run, DAY, lambda *each: told.append(each))


@pytest.fixture(scope="module")
def text(report) -> str:
    return render_report(report)


def spaced(text: str) -> str:
    return re.sub(r"\s+", " ", text)


def test_it_has_the_numbers_of_evaluate(home, text, told) -> None:
    _, expected = run_json("evaluate", "--run", home.run_id)
    said = spaced(Document(text).text)
    for key in ("accuracy", "top3_accuracy", "top5_accuracy"):
        assert f"{100 * expected[key]:.1f} %" in said, key
    assert f"{100 * expected['accuracy_low']:.1f} to {100 * expected['accuracy_high']:.1f} %" in said
    assert f"{expected['loss']:.3f}" in said
    assert f"is {100 * expected['ece']:.1f} points as the network answers" in said
    assert f"All below is of the weights of epoch {expected['epoch']} on the test pictures." in said
    assert "18 November" not in said and "2026-11-18" in said
    for name, row in zip(expected["class_names"], expected["confusion"], strict=True):
        assert name in said
        assert all(str(count) in said for count in row if count)
    assert {what for what, _, _ in told} >= {"What it looks at"}


def test_its_pictures_are_those_of_the_data_set_and_their_maps(home, report, text) -> None:
    mistakes = run_json("mistakes", "--run", home.run_id)[1][:MOST_MISTAKES]
    sources = [value for tag, name, value in Document(text).attributes if (tag, name) == ("img", "src")]
    assert len(sources) == 2 * len(mistakes) == 2 * len(report.mistakes)
    stored = load_dataset(home.workspace, "shapes").x_test
    for at, mistake in enumerate(mistakes):
        data = base64.b64decode(sources[2 * at].removeprefix("data:image/png;base64,"))
        assert np.array_equal(np.asarray(Image.open(io.BytesIO(data))), stored[mistake["index"]])
        assert f"with {100 * mistake['probability']:.1f} %" in spaced(Document(text).text)


def test_every_test_picture_is_a_point_with_a_name(text) -> None:
    document = Document(text)
    points = [
        tag for tag, name, value in document.attributes if tag in ("circle", "rect") and value in ("3", "5")
    ]
    assert len(points) >= 1500


def test_it_needs_nothing_from_anywhere(text) -> None:
    document = Document(text)
    assert document.open == []
    assert not {"script", "link", "iframe", "object", "embed", "a", "base", "form"} & set(document.tags)
    for tag, name, value in document.attributes:
        assert not name.startswith("on")
        if name in ("src", "href", "srcset", "data", "action"):
            assert (tag, name) == ("img", "src") and value.startswith("data:image/png;base64,")
    (style,) = re.findall(r"<style>(.*?)</style>", text, re.DOTALL)
    assert "url(" not in style and "@import" not in style and "prefers-color-scheme: dark" in style
    policy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
    assert ("meta", "content", policy) in document.attributes


def test_names_stay_text_and_no_map_or_explanation_is_no_hole(report) -> None:
    names = (HOSTILE, *report.test.answers.class_names[1:])
    answers = dataclasses.replace(report.test.answers, class_names=names)
    classes = (
        dataclasses.replace(report.test.classes[0], name=HOSTILE, precision=None),
        *report.test.classes[1:],
    )
    mistakes = [dataclasses.replace(report.mistakes[0], label=HOSTILE, answer=HOSTILE, explanation=None)]
    changed = dataclasses.replace(
        report,
        run=dataclasses.replace(report.run, name=HOSTILE),
        test=dataclasses.replace(report.test, answers=answers, classes=classes),
        mistakes=mistakes,
        places=None,
        shown=None,
    )
    document = Document(render_report(changed))
    assert document.open == [] and "script" not in document.tags
    assert document.text.count(HOSTILE) >= 5
    assert "Map of pictures" not in document.text and document.tags.count("img") == 1
    nothing_wrong = dataclasses.replace(changed, mistakes=[])
    assert "There are none." in Document(render_report(nothing_wrong)).text


def test_of_a_hundred_classes_the_most_confused_are_in_the_matrix(report) -> None:
    count = MOST_IN_MATRIX + 1
    confusion = np.eye(count, dtype=np.int64) * 5
    confusion[0, 1] = 3
    names = tuple(f"class {place}" for place in range(count))
    answers = dataclasses.replace(report.test.answers, class_names=names)
    test = dataclasses.replace(report.test, confusion=confusion, answers=answers, classes=())
    said = spaced(Document(render_report(dataclasses.replace(report, test=test, places=None))).text)
    assert f"These are 2 of {count} classes, those of the largest confusions" in said
    assert "class0class1class053class15Arowperclass" in said.replace(" ", "")
    assert "3 × class 0 taken for class 1 (37.5 % of the class)" in said


def test_the_command_writes_it_and_rest_sends_it(home, tmp_path) -> None:
    out = tmp_path / "run.html"
    code, document = run_json("report", home.run_id, "--out", str(out))
    assert code == 0, document
    assert document["out"] == str(out) and document["has_map"] and document["mistakes_shown"] == MOST_MISTAKES
    assert "Worst mistakes" in Document(out.read_text()).text
    code, _, err = run_command("report", home.run_id, "--out", str(tmp_path / "no" / "run.html"))
    assert code == 2 and "cannot be written" in err
    with TestClient(Starlette(routes=build_routes())) as client:
        answer = client.get(f"/api/v1/runs/{home.run_id}/report")
        assert answer.headers["content-type"].startswith("text/html")
        assert "Worst mistakes" in Document(answer.text).text
        missing = client.get("/api/v1/runs/nobody/report")
        assert missing.status_code == 404 and "nobody" in missing.json()["error"]
