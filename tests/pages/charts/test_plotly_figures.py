"""Figures reach the browser as Plotly's own classes would send them."""

import json
import math
import subprocess
import sys

import numpy as np
import pytest

from core.workspace import PROJECT_ROOT
from pages.components.charts.confusion import confusion_figure
from pages.components.charts.plotly_figures import figure_json
from pages.components.charts.plotly_marks import axis, figure

# As the server does.
SENT = """
import gc, sys
import streamlit.elements.plotly_chart
from pages.components.charts.plotly_figures import drop_plotly_classes

if sys.argv[1] == "dropped":
    drop_plotly_classes()
gc.collect()
blocks = sys.getallocatedblocks()
import json, plotly.io, plotly.tools
figure = plotly.tools.return_figure_from_figure_or_data(json.loads(sys.argv[2]), validate_figure=True)
print(json.dumps([blocks, plotly.io.to_json(figure, validate=False)]))
"""
FIGURES = {
    "lines": figure([{"type": "scatter", "x": [1, 2], "y": [0.5, None]}], "Title", ["a"], 200, xaxis=axis("x")),
    "cells": confusion_figure(np.array([[7, 3], [1, 19]]), ["cat", "dog"]),
}  # fmt: skip


def sent(how: str, name: str) -> tuple[int, dict]:
    command = [sys.executable, "-c", SENT, how, json.dumps(FIGURES[name])]
    ran = subprocess.run(command, cwd=PROJECT_ROOT, check=True, capture_output=True, text=True)
    blocks, spec = json.loads(ran.stdout)
    return blocks, json.loads(spec)


@pytest.mark.parametrize("name", FIGURES)
def test_the_browser_gets_what_plotly_would_send(name: str) -> None:
    (held, own), (fewer, plain) = sent("whole", name), sent("dropped", name)
    assert plain == own
    assert plain["layout"]["template"]["layout"]["colorway"]  # Streamlit's theme
    assert fewer < held - 100_000


def test_no_number_is_no_value() -> None:
    values = {"x": [1.0, math.nan], "y": np.array([np.inf, 2.0]), "z": (np.float32(0.5),)}
    assert json.loads(figure_json({"data": [values], "layout": {}}))["data"] == [
        {"x": [1.0, None], "y": [None, 2.0], "z": [0.5]}
    ]
    assert json.loads(figure_json({"data": [{"x": np.arange(3)}], "layout": {}}))["data"] == [
        {"x": [0, 1, 2]}
    ]
    with pytest.raises(TypeError, match="object"):
        figure_json({"data": [object()], "layout": {}})
