"""A shared page as a browser finds it: what can run, what is text, and the block of data."""

import json
from html.parser import HTMLParser
from typing import Any

VOID = {"meta", "br", "img"}


class SharedDocument(HTMLParser):
    """`scripts` are (type, text) in order; `text` is what stands on the page, in one line."""

    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=True)
        self.source = source
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.scripts: list[tuple[str, str]] = []
        self.rows: dict[str, list[list[str]]] = {}
        self._open: list[str] = []
        self._words: list[str] = []
        self._table = ""
        self.feed(source)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag, attributes) -> None:
        given = {name: value or "" for name, value in attributes}
        self.tags.append(tag)
        self.attributes += [(tag, name, value) for name, value in given.items()]
        if tag not in VOID:
            self._open.append(tag)
        if tag == "script":
            self.scripts.append((given.get("type", ""), ""))
        elif tag == "table":
            self._table = given.get("class", "settings").split()[0]
            self.rows[self._table] = []
        elif tag == "tr":
            self.rows[self._table].append([])
        elif tag in ("td", "th"):
            self.rows[self._table][-1].append("")

    def handle_startendtag(self, tag, attributes) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attributes]

    def handle_endtag(self, tag) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] == "script":
            kind, text = self.scripts[-1]
            self.scripts[-1] = kind, text + data
        elif "style" not in self._open:
            self._words.append(data)
            if {"td", "th"} & set(self._open):
                self.rows[self._table][-1][-1] += data

    @property
    def text(self) -> str:
        return " ".join("".join(self._words).split())

    @property
    def data(self) -> dict[str, Any]:
        ((_, text),) = [each for each in self.scripts if each[0] == "application/json"]
        return json.loads(text)

    @property
    def body(self) -> dict[str, list[list[str]]]:
        """The rows of each table by its class, cells without space around them."""
        return {name: [[cell.strip() for cell in row] for row in rows] for name, rows in self.rows.items()}
