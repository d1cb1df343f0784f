"""Figures on their way to the browser as they are, without Plotly's Python classes: those take 13 MB of the server to
load, and 10 MB more for the first figure that they check.
"""

import gc
import json
import sys
from collections.abc import Mapping
from types import ModuleType
from typing import Any

import numpy as np

Figure = dict[str, Any]
"""`data`, a list of traces, and `layout`, as plotly.js reads them (plotly.com/javascript/reference)."""

# narwhals is what Plotly reads tables with.
CLASSES = ("plotly", "_plotly_utils", "narwhals")


def drop_plotly_classes() -> None:
    """Let go of the classes that Streamlit loads for its theme, which stays: each figure has it as its template.

    From then on `st.plotly_chart` takes a `Figure` alone, and does not check it; tests have Plotly do that. Called
    before what is large is loaded, this gives the memory to what comes then.
    """
    import plotly.io

    template = plotly.io.templates[plotly.io.templates.default].to_plotly_json()
    del plotly
    for name in list(sys.modules):
        if name.partition(".")[0] in CLASSES:
            del sys.modules[name]
    gc.collect()
    _stand_in(template)


def _stand_in(template: Mapping[str, Any]) -> None:
    """The two functions that `st.plotly_chart` calls."""

    def themed(figure: Figure, validate_figure: bool = True) -> Figure:
        return {**figure, "layout": {"template": template, **figure["layout"]}}

    def to_json(figure: Figure, validate: bool = True) -> str:
        return figure_json(figure)

    whole, tools, io = (ModuleType(name) for name in ("plotly", "plotly.tools", "plotly.io"))
    tools.return_figure_from_figure_or_data = themed  # type: ignore[attr-defined]
    io.to_json = to_json  # type: ignore[attr-defined]
    whole.tools, whole.io = tools, io  # type: ignore[attr-defined]
    sys.modules.update({each.__name__: each for each in (whole, tools, io)})


def figure_json(figure: Figure) -> str:
    """JSON without spaces. What is no number (NaN) or infinite becomes null: no value, as plotly.js reads it."""
    try:
        return json.dumps(figure, default=_listed, allow_nan=False, separators=(",", ":"))
    except ValueError:
        return json.dumps(_finite(figure), separators=(",", ":"))


def _listed(value: Any) -> Any:
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} in a figure")


def _finite(value: Any) -> Any:
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if isinstance(value, Mapping):
        return {name: _finite(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(each) for each in value]
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return value
