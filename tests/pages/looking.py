"""The engine's request `look`, answered by the `predict` of an engine that stands in for it."""

import io
from typing import Any

import numpy as np
from PIL import Image

from core.engine.answers import Answer

COUNT = 16


def original() -> bytes:
    """A JPEG as the engine makes it of a picture twice as wide as high."""
    buffer = io.BytesIO()
    Image.new("RGB", (240, 120), "teal").save(buffer, "JPEG")
    return buffer.getvalue()


def answer_look(
    predict: Any, document: dict[str, Any], arrays: dict[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Every run says what `predict` says; variants vary by ten points, and one of them has another answer."""
    assert document["method"] == "look"
    pictures = [(name, arrays[str(index)].tobytes()) for index, name in enumerate(document["names"])]
    found: dict[str, Any] = {}
    answers, rows = [], [{"image": name, "error": None, "top": [], "notes": []} for name, _ in pictures]
    for place, run in enumerate(document["runs"]):
        said = predict(run["id"], pictures, document["crop"], with_known=run["with_known"])
        answers.append([_row(each, run["variants"]) for each in said])
        rows = answers[0]
        found |= {
            f"seen-{place}-{index}": each.seen for index, each in enumerate(said) if each.seen is not None
        }
    if document["original_side"]:
        good = [index for index, row in enumerate(rows) if not row["error"]]
        found |= {f"original-{index}": np.frombuffer(original(), np.uint8) for index in good}
    return {"rows": rows, "answers": answers}, found


def _row(answer: Answer, variants: int) -> dict[str, Any]:
    known = answer.knowledge
    row = {
        "image": answer.image, "error": answer.error, "notes": list(answer.notes),
        "top": [(each.name, each.probability) for each in answer.top],
        "knowledge": known and {
            "is_known": known.is_known, "percentile": known.percentile, "false_alarms": known.false_alarms,
            "neighbours": [(each.row, each.name, each.distance) for each in known.neighbours],
        },
    }  # fmt: skip
    if variants and answer.ok:
        classes = [
            (each.name, each.probability, 0.05, each.probability - 0.1, each.probability)
            for each in answer.top
        ]
        each = [({"rotation": "rotated +5°"}, answer.best, 0.5)] * variants
        row["variants"] = {"count": variants, "kept": variants - 1, "classes": classes, "each": each}
    return row
