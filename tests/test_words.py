"""Words that the project does not use where people read: each has a plainer one, which is the common one too.

Read are the strings of core/ and pages/ without their docstrings, README, CONTRIBUTING, CHANGELOG and docs/*.md.
Decision records are dated and stay as they were written.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SOURCES = sorted([ROOT / "app.py", *ROOT.glob("core/**/*.py"), *ROOT.glob("pages/**/*.py")])
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])

# What to write instead, by what is not written. Case does not matter.
INSTEAD = {
    r"anew": "again",
    r"aside": "temporary",
    r"nobody": "no one, or the actor's name",
    r"whoever": "who it is",
    r"reckon(s|ed|ing)?": "calculate",
    r"heed(s|ed|ing)?": "follow",
    r"to be had": "available",
    r"at hand": "available",
    r"for ever": "forever",
    r"so (many|much|long)": "the number, or “up to this many”",
    r"mend(s|ed|ing)?": "fix; a suggestion",
    r"go(es|ing)? on|went on": "resume, continue",
    r"workers? that waits?": "standby worker",
    r"what came of": "outcome, result",
    r"(seconds|pictures|minutes|steps|epochs) an? [a-z]+": "per",
    r"(runs?|networks?|models?) (can |could )?stands?": "how robust a run is to",
}
OLD_WORDS = {re.compile(rf"\b{pattern}\b", re.IGNORECASE): instead for pattern, instead in INSTEAD.items()}

# Texts that may hold one, each with its reason.
ALLOWED: dict[str, str] = {}
# A string without spaces is a key, a name or a path: programs read it, and it stays as it is.
KEY = re.compile(r"[\w.:/…-]*[_.:/-][\w.:/…-]*")


def test_a_string_of_the_program_has_no_old_word() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{line} {complaint}"
        for path in SOURCES
        for line, text in strings(path.read_text(encoding="utf-8"))
        if not KEY.fullmatch(text)
        for complaint in complaints(text)
    ]
    assert found == []


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_document_has_no_old_word(path: Path) -> None:
    assert list(complaints(prose(path.read_text(encoding="utf-8")))) == []


def strings(source: str) -> Iterator[tuple[int, str]]:
    """Every string of a module with its line, f-strings with `…` for what is put in; no docstrings."""

    def visit(node: ast.AST) -> Iterator[tuple[int, str]]:
        if isinstance(node, ast.JoinedStr):
            parts = (each.value if isinstance(each, ast.Constant) else "…" for each in node.values)
            yield node.lineno, "".join(map(str, parts))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.lineno, node.value
        for child in ast.iter_child_nodes(node):
            is_docstring = isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant)
            in_f_string = isinstance(node, ast.JoinedStr) and isinstance(child, ast.Constant)
            if not is_docstring and not in_f_string:
                yield from visit(child)

    yield from visit(ast.parse(source))


def prose(markdown: str) -> str:
    """A document without code."""
    return re.sub(r"```.*?```|`[^`\n]*`", "…", markdown, flags=re.DOTALL)


def complaints(text: str) -> Iterator[str]:
    """Each old word in a text, in its surroundings, with what to write instead."""
    text = " ".join(text.split())
    for sentence in ALLOWED:
        text = text.replace(sentence, "…")
    for pattern, instead in OLD_WORDS.items():
        for match in pattern.finditer(text):
            around = text[max(0, match.start() - 40) : match.end() + 40]
            yield f"“{match[0]}” in “{around}”; better: {instead}"


def test_old_words_are_found_where_people_read() -> None:
    source = (
        '"""Anew."""\nshow(f"{pace:.1f} seconds an epoch", "at" " hand")  # aside\ndef f():\n    "Mend."\n'
    )
    assert [complaint for _, text in strings(source) for complaint in complaints(text)] == [
        "“seconds an epoch” in “… seconds an epoch”; better: per",
        "“at hand” in “at hand”; better: available",
    ]
    assert KEY.fullmatch("mend-…-…") and not KEY.fullmatch("Go on") and not KEY.fullmatch("anew")
    assert list(complaints(prose("`aside`\n```\nfor ever\n```\nrecommend commands, amended\n"))) == []
