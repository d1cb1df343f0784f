"""What an explanation says in words and as JSON, by whether the map passes the sanity check."""

import json

import numpy as np
import pytest

from core.engine.answers import RankedClass
from core.engine.explanation import Explanation
from tests.core.engine.explained import explained


def test_the_sentence_names_answer_layer_and_check() -> None:
    assert explained(similarity=0.12).sentence == (
        "cat.png is taken for “cat” with 75.0 %; Grad-CAM at conv_2 for “dog” passes the sanity check (similarity to "
        "maps with random weights 0.12)."
    )
    assert explained(similarity=0.5, method="occlusion", layer=None).sentence == (
        "cat.png is taken for “cat” with 75.0 %; Occlusion for “dog” does not pass the sanity check (similarity to "
        "maps with random weights 0.50)."
    )


@pytest.mark.parametrize(
    ("similarity", "passes", "remark"),
    [
        (0.9, False, "looks much the same"),
        (0.49, True, None),
        (-0.9, True, None),
        (None, None, "the same everywhere"),
    ],
)
def test_a_map_that_looks_alike_with_random_weights_gets_a_remark(similarity, passes, remark) -> None:
    found = explained(similarity=similarity)
    assert found.passes is passes
    assert found.notes[0] == "as it was read"
    assert [remark in note for note in found.notes[1:]] == ([True] if remark else [])


def test_json_is_json_and_has_everything() -> None:
    found = json.loads(json.dumps(explained(similarity=0.25).to_json(), allow_nan=False))
    assert found == {
        "image": "cat.png",
        "top": [{"class": "cat", "probability": 0.75}, {"class": "dog", "probability": 0.25}],
        "method": "grad-cam", "class": "dog", "layer": "conv_2", "layers": ["conv_1", "conv_2"],
        "map": [[0.0, 0.3333], [1.0, 0.5]], "is_empty": False, "random_map": [[1.0, 0.0], [0.0, 0.0]],
        "similarity": 0.25, "passes": True, "sentence": explained(similarity=0.25).sentence,
        "notes": ["as it was read"],
    }  # fmt: skip


def test_classes_are_ranked() -> None:
    found: Explanation = explained(similarity=0.0)
    assert found.top == (RankedClass("cat", 0.75), RankedClass("dog", 0.25))
    assert found.best == found.top[0]
    assert np.asarray(found.map).dtype == np.float32
