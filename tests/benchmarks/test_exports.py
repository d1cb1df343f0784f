"""What the table of strangers says, and when it says that an answer is the app's."""

from dataclasses import replace

import pytest

from tests.benchmarks.exports import HEAD, Stranger, line_of, packages_of
from tests.benchmarks.report import table
from tests.benchmarks.rows import Table

SAME = Stranger(
    "onnx", ("onnxruntime 1.32.0", "numpy 2.4.6"), 321.6, 0.61, {"star": 0.75, "moon": 0.25}, ("star", 0.7503),
    {"star": 0.75003, "moon": 0.24997}, True,
)  # fmt: skip


def test_a_line_has_a_cell_for_each_head() -> None:
    line = line_of(SAME)
    assert line == (
        "`onnx`", "onnxruntime 1.32.0, numpy 2.4.6", "322", "0.6 s", "star 75.00 %", "star 75.03 %", "3e-05", "passed",
        "yes",
    )  # fmt: skip
    assert len(line) == len(HEAD)
    assert table(Table(("a", "b"), [("1", "2")])) == "| a | b |\n| --- | --- |\n| 1 | 2 |"


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, True),
        ({"snippet": ("moon", 0.75)}, False),
        ({"snippet": ("star", 0.77)}, False),
        ({"program": {"star": 0.7502, "moon": 0.2498}}, False),
        ({"format": "tflite-int8", "program": {"star": 0.7, "moon": 0.3}, "snippet": ("star", 0.7)}, True),
        ({"format": "tflite-int8", "program": {"star": 0.6, "moon": 0.4}}, False),
    ],
)
def test_what_counts_as_the_app_s_answer(changed: dict, expected: bool) -> None:
    assert replace(SAME, **changed).is_same is expected


def test_a_snippet_without_the_line_is_refused() -> None:
    assert packages_of("# pip install onnxruntime numpy\nimport json") == ["onnxruntime", "numpy"]
    with pytest.raises(ValueError, match="what to install"):
        packages_of("import json")
