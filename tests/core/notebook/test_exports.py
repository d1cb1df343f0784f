"""The exports, read back by parsers that others wrote."""

import re
from html.parser import HTMLParser
from typing import Any

import pytest
from markdown_it import MarkdownIt

from core.epoch import CURVE_KEYS
from core.notebook import RunFacts, all_entries, render_html, render_markdown
from core.notebook.curves_svg import HEIGHT, LEFT, RIGHT, TOP, WIDTH, render_svg
from core.notebook.markdown_export import quoted
from core.store.records import RunRequest
from tests.core.notebook.conftest import CONFIG, HOSTILE, trained_run

DAY = 1_795_000_000.0  # 18 November 2026
ODD = [
    HOSTILE, "*stars* _lines_ `code` ~~gone~~", "# no heading", "1. no list\n2) nor this", "- no\n+ list\n> nor quote",
    "text\n===\nmore\n---", "[link](http://example.com) ![](http://example.com/x.png) <http://example.com>",
    "https://example.com www.example.com someone@example.com", "| no | table |\n|---|---|", "    no code\n\tnor here",
    "```\nno fence\n```", "a\\b \\* c", "&amp; &lt; &#35;", "one\n\n\ntwo", "trailing backslash\\\nnext", ":smile: $x$",
    "<!-- hidden -->", "[^1]: note\n[a]: http://example.com", "x" * 3000, "אבג (abc)", "<b\nonclick=x>",
]  # fmt: skip


class Document(HTMLParser):
    """What a browser would find: tags, attributes, and the text in each kind of element."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.open: list[str] = []
        self.keys: list[str] = []
        self.texts: dict[str, list[str]] = {}
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes) -> None:
        self.tags.append(tag)
        self.attributes += attributes
        if tag not in ("meta", "br"):
            key = self.key(tag, attributes)
            self.open.append(tag)
            self.keys.append(key)
            self.texts.setdefault(key, []).append("")

    def handle_startendtag(self, tag, attributes) -> None:
        self.tags.append(tag)
        self.attributes += attributes

    def handle_endtag(self, tag) -> None:
        assert self.open.pop() == tag
        self.keys.pop()

    def handle_data(self, data: str) -> None:
        if self.keys:
            self.texts[self.keys[-1]][-1] += data

    @staticmethod
    def key(tag, attributes) -> str:
        return f"{tag}.{dict(attributes).get('class') or ''}".rstrip(".")


@pytest.fixture
def entries(store):
    first = trained_run(store, f"A {HOSTILE}"[:100], [0.30, 0.512, 0.50])
    second = trained_run(store, "B", [0.3, 0.4], CONFIG.with_values({"seed": 1}))
    gone = trained_run(store, "gone", [0.3])
    waiting = store.queue_run(RunRequest(CONFIG, "waits", expectation="Slow.\n\nThen fast."))
    store.notes.write([first.id], outcome=HOSTILE)
    store.notes.write([first.id, second.id], outcome="Both learn.")
    store.notes.write([gone.id], outcome="It was good.")
    store.trash.put(gone.id)
    assert waiting
    return all_entries(store)


def test_the_html_holds_every_word_and_number_as_text(entries) -> None:
    document = Document(render_html(entries, DAY))
    assert document.open == []
    assert "script" not in document.tags and "img" not in document.tags and "a" not in document.tags
    assert HOSTILE in document.texts["p.words"]
    assert "Slow.\n\nThen fast." in document.texts["p.words"]
    facts = " ".join(document.texts["li"])
    for number in ("51.2 % at epoch 2", "gap of 10.0 points", "3 of 3 epochs in 7.5 s", "11.2 points below"):
        assert number in facts
    assert "gone (deleted)" in document.texts["h2"]
    assert document.tags.count("article") == 4
    assert document.tags.count("svg") == 2


def test_the_html_needs_nothing_from_anywhere(entries) -> None:
    text = render_html(entries, DAY)
    document = Document(text)
    names = {name for name, _ in document.attributes}
    assert not names & {"src", "href", "srcset", "xlink:href", "style", "background", "action", "data"}
    assert not any(name.startswith("on") for name in names)
    assert not {"link", "script", "iframe", "object", "embed", "image", "use", "base"} & set(document.tags)
    (style,) = re.findall(r"<style>(.*?)</style>", text, re.DOTALL)
    assert "url(" not in style and "@import" not in style
    assert ("content", "default-src 'none'; style-src 'unsafe-inline'") in document.attributes
    assert "prefers-color-scheme: dark" in style
    text.encode("utf-8")


def test_the_curve_is_drawn_to_scale(entries) -> None:
    """Three epochs from the left edge to the right; clean training goes up to 61.2 %, validation down to 30 %."""
    (entry,) = [entry for entry in entries if entry.runs[0].name.startswith("A") and len(entry.runs) == 1]
    picture = render_svg(entry.runs)
    (path,) = re.findall(r'class="run-0" d="([^"]+)"', picture)
    points = [tuple(map(float, pair.split())) for pair in re.findall(r"[ML]([\d.]+ [\d.]+)", path)]
    width, height = WIDTH - LEFT - RIGHT, HEIGHT - TOP - 22

    def y(accuracy: float) -> float:
        return TOP + (0.612 - accuracy) / (0.612 - 0.30) * height

    expected = [(LEFT, y(0.30)), (LEFT + width / 2, y(0.512)), (LEFT + width, y(0.50))]
    for point, place in zip(points, expected, strict=True):
        assert point == pytest.approx(place, abs=0.06)
    assert f'cx="{LEFT + width / 2:.1f}"' in picture  # the ring at the best epoch
    assert "61 %" in picture and "30 %" in picture


def test_a_curve_with_gaps_one_epoch_or_nothing(store) -> None:
    single = trained_run(store, "single", [0.4])
    note = store.notes.write([single.id], outcome="x")
    (entry,) = [entry for entry in all_entries(store) if entry.note.id == note.id]
    assert 'd="M44.0' in render_svg(entry.runs)
    run = entry.runs[0]
    run.curves["val_accuracy"][:] = [None]
    assert render_svg(entry.runs) == ""


def test_many_epochs_are_thinned_and_the_best_stays() -> None:
    accuracies = [0.3] * 1000
    accuracies[777] = 0.9
    curves: dict[str, list[Any]] = {key: [None] * 1000 for key in CURVE_KEYS}
    curves |= {"epoch": list(range(1, 1001)), "val_accuracy": accuracies}
    run = RunFacts("a", "long", epochs=1000, best_epoch=778, best_val_accuracy=0.9, curves=curves)
    picture = render_svg([run])
    assert len(picture) < 15_000
    assert re.search(r'class="run-0" d="[^"]*' + f"{LEFT + 777 / 999 * (WIDTH - LEFT - RIGHT):.1f} ", picture)


def test_the_markdown_says_the_same(entries) -> None:
    text = render_markdown(entries, DAY)
    html = MarkdownIt("commonmark").render(text)
    assert "<script" not in html and "<img" not in html and "<a " not in html
    assert html.count("<h2>") == 4
    for words in (
        "51.2 % at epoch 2", "gone (deleted)", "4 entries, 18 November 2026", "&lt;script&gt;alert(1)&lt;/script&gt;",
        "<p>Slow.</p>\n<p>Then fast.</p>", "No expectation was written before the first epoch ended.",
    ):  # fmt: skip
        assert words in html


@pytest.mark.parametrize("text", ODD)
def test_markdown_gives_back_what_was_typed(text: str) -> None:
    html = MarkdownIt("gfm-like", {"linkify": False}).render(quoted(text))
    plain = Document(html.replace("<br />\n", "\n").replace("<br>\n", "\n"))
    assert set(plain.tags) <= {"blockquote", "p"}
    paragraphs = [part.strip("\n") for part in plain.texts["p"]]
    typed = re.split(r"\n\n+", text)
    spaces = [line.expandtabs(4).replace(" ", "\u00a0") for line in typed]
    assert [part.replace(" ", "\u00a0") for part in paragraphs] == spaces


def test_an_empty_notebook_is_a_document_too() -> None:
    assert "0 entries" in render_markdown([], DAY)
    assert Document(render_html([], DAY)).open == []
