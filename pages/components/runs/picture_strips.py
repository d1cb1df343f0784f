"""Single pictures followed through a training: each with a strip over the epochs, as one Vega-Lite chart. No `st.*`.

The spec is constant while the run grows, so that its chart keeps its node: see `pages.components.charts`. So the
order of the pictures and all that is written beside them travel as data.
"""

import base64
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from core.store.breakdowns import Followed
from core.store.class_accuracy import Counts
from core.system.frames import Pixels
from pages.components.charts.epoch_columns import EPOCHS_TEXT, cells, columns_of, epoch_encoding, named
from pages.components.kit.pictures import enlarge, png_bytes

ROW_HEIGHT = 52
THUMBNAIL = 42
WORDS_WIDTH = 104
ROOM_AROUND = 80  # legend and axis

TEXT = {"light": "#1B1F2A", "dark": "#E8EAF0"}  # as the theme, which a chart gives to its axes alone


def strip_data(epochs: Counts, followed: Followed) -> pd.DataFrame:
    """What `strip_spec` draws, a row for each picture and column of epochs, the most often forgotten picture first.

    Columns: `start`, `end`, `rank` as `cells` gives them; `picture`, its place in `followed`, int16; `right`, whether
    it was in at least half of the column's epochs, int8; `answer`, the class it was taken for in the last of them,
    int16; `probability` of its label, their mean, float32; `now`, 1 in the last column, else 0, int8. And for all
    epochs `learned` and `forgotten`, how often, int16; `confidence` and `variability`, float32.
    """
    order, columns = followed.most_forgotten_first, columns_of(epochs)
    frame = cells(epochs, len(order))
    right = np.array([followed.right[part][:, order].mean(axis=0) >= 0.5 for part in columns])
    answer = np.array([followed.answers[part[-1], order] for part in columns])
    probability = np.array([followed.probabilities[part][:, order].mean(axis=0) for part in columns])
    frame["picture"] = np.tile(order, len(columns)).astype(np.int16)
    frame["right"] = right.ravel().astype(np.int8)
    frame["answer"] = answer.ravel().astype(np.int16)
    frame["probability"] = probability.ravel().astype(np.float32)
    frame["now"] = (frame["end"] == frame["end"].max()).astype(np.int8)
    for name, values, kind in (
        ("learned", followed.learned, np.int16),
        ("forgotten", followed.forgotten, np.int16),
        ("confidence", followed.confidence, np.float32),
        ("variability", followed.variability, np.float32),
    ):
        frame[name] = np.tile(values[order], len(columns)).astype(kind)
    return frame


def strip_spec(
    followed: Followed, names: Sequence[str], thumbnails: Sequence[str] | None, theme: str
) -> dict[str, Any]:
    """For `strip_data`; `theme` is light or dark.

    `thumbnails` are the pictures as `data_uri` gives them, None when they are gone.
    """
    labels = [names[label] for label in followed.labels]
    truths = [names[label] for label in followed.true_labels]
    return {
        "height": ROOM_AROUND + ROW_HEIGHT * len(labels),
        "transform": [
            {"calculate": named("datum.picture", labels), "as": "label"},
            {"calculate": named("datum.picture", truths), "as": "truth"},
            {"calculate": named("datum.answer", names), "as": "taken_for"},
            {"calculate": "datum.right ? datum.probability : 1 - datum.probability", "as": "sureness"},
            EPOCHS_TEXT,
        ],
        "encoding": {
            "y": {
                "field": "rank",
                "type": "ordinal",
                "title": None,
                "scale": {"paddingInner": 0.5, "paddingOuter": 0.25},
                "axis": {
                    "labels": False, "ticks": False, "domain": False,
                    "minExtent": (0 if thumbnails is None else THUMBNAIL + 8) + WORDS_WIDTH,
                },
            }
        },
        "layer": [_strips(), *_words(TEXT[theme]), *_pictures(thumbnails)],
    }  # fmt: skip


def _strips() -> dict[str, Any]:
    return {
        "mark": {"type": "rect", "clip": True},
        "encoding": {
            **epoch_encoding(),
            "color": {
                "field": "right",
                "type": "nominal",
                "title": None,
                "scale": {"domain": [0, 1]},
                "legend": {"orient": "top", "labelExpr": "datum.value ? 'right' : 'wrong'"},
            },
            "opacity": {
                "field": "sureness",
                "type": "quantitative",
                "scale": {"domain": [0, 1], "range": [0.25, 1]},
                "legend": None,
            },
            "tooltip": [
                {"field": "epochs", "type": "nominal", "title": "Epoch"},
                {"field": "taken_for", "type": "nominal", "title": "Taken for"},
                {"field": "label", "type": "nominal", "title": "Its label"},
                {
                    "field": "probability",
                    "type": "quantitative",
                    "format": ".1%",
                    "title": "Probability of its label",
                },
            ],
        },
    }


def _words(color: str) -> list[dict[str, Any]]:
    """Left of each strip: the label, what the picture is taken for now, and how often it was forgotten."""
    # Who answers with a wrong label has learned the picture itself.
    right = "(datum.label == datum.truth ? 'right' : 'learned by heart')"
    texts = (
        (-14, "datum.label == datum.truth ? datum.label : datum.label + ' (wrong)'", "bold", 1),
        (0, f"datum.right ? {right} : 'taken for ' + datum.taken_for", "normal", 1),
        (14, "datum.forgotten ? 'forgotten ' + datum.forgotten + '×' : ''", "normal", 0.7),
    )
    return [
        {
            "transform": [{"filter": "datum.now"}, {"calculate": text, "as": "words"}],
            "mark": {
                "type": "text", "align": "left", "baseline": "middle", "dy": down, "fontWeight": weight,
                "fontSize": 11, "color": color, "limit": WORDS_WIDTH - 8, "opacity": opacity, "tooltip": None,
            },
            "encoding": {"x": {"value": -WORDS_WIDTH}, "text": {"field": "words"}},
        }
        for down, text, weight, opacity in texts
    ]  # fmt: skip


def _pictures(thumbnails: Sequence[str] | None) -> list[dict[str, Any]]:
    if thumbnails is None:
        return []
    known = {"values": [{"picture": index, "url": url} for index, url in enumerate(thumbnails)]}
    return [
        {
            "transform": [
                {"filter": "datum.now"},
                {"lookup": "picture", "from": {"data": known, "key": "picture", "fields": ["url"]}},
            ],
            "mark": {"type": "image", "width": THUMBNAIL, "height": THUMBNAIL, "align": "left"},
            "encoding": {
                "x": {"value": -(WORDS_WIDTH + THUMBNAIL + 8)},
                "url": {"field": "url"},
                "tooltip": [
                    {"field": "label", "type": "nominal", "title": "Its label"},
                    {"field": "truth", "type": "nominal", "title": "True class"},
                    {"field": "taken_for", "type": "nominal", "title": "Taken for now"},
                    {"field": "learned", "type": "quantitative", "title": "Times learned"},
                    {"field": "forgotten", "type": "quantitative", "title": "Times forgotten"},
                    {
                        "field": "confidence", "type": "quantitative", "format": ".1%",
                        "title": "Mean probability of its label",
                    },
                    {
                        "field": "variability", "type": "quantitative", "format": ".1%",
                        "title": "… standard deviation",
                    },
                ],
            },
        }
    ]  # fmt: skip


def data_uri(pixels: Pixels) -> str:
    """(height, width, 1 or 3) pixels as the address of a small PNG, enlarged so that each pixel is seen."""
    image = enlarge(pixels, 2 * THUMBNAIL)
    image.thumbnail((4 * THUMBNAIL, 4 * THUMBNAIL))
    return "data:image/png;base64," + base64.b64encode(png_bytes(np.atleast_3d(np.asarray(image)))).decode()
