"""What a study takes of a run, and results as JSON."""

import json

import pytest

from core.studies.ablation import analyse_ablation
from core.studies.noise import analyse_noise
from core.studies.plan import RunRole
from core.studies.run_results import Pictures, summarise_run
from core.studies.seeds import compare_seeds
from core.studies.volume import analyse_volume
from tests.core.studies.ended import measured, spec
from tests.core.studies.results import (
    ABLATION_NUMBERS,
    PICTURES,
    TWO_KNOBS,
    ablation_runs,
    three_seeds,
)


def test_a_run_s_numbers_by_hand():
    curves = {
        "epoch": [1, 2, 3], "val_accuracy": [0.5, 0.7, 0.6], "clean_train_accuracy": [0.5, 0.8, 0.9],
    }  # fmt: skip
    found = summarise_run(RunRole(("first",), 0), curves)
    assert (found.best_val_accuracy, found.last_val_accuracy) == (0.7, 0.6)
    assert found.gap == pytest.approx(0.1)  # the median of 0, 10 and 30 points
    assert found.val_accuracies == ((1, 0.5), (2, 0.7), (3, 0.6))
    nothing = {"epoch": [1], "val_accuracy": [None], "clean_train_accuracy": [None]}
    assert summarise_run(RunRole(("first",), 0), nothing) is None


def test_results_are_json_without_nan():
    asked = spec("ablation", TWO_KNOBS, modes=["without", "only"], num_seeds=2)
    for result in (
        compare_seeds(*three_seeds()),
        compare_seeds(spec("seeds"), []),
        analyse_ablation(asked, [], PICTURES),
        analyse_ablation(asked, ablation_runs(asked, ABLATION_NUMBERS), PICTURES),
        analyse_volume(spec("volume"), [], PICTURES),
        analyse_volume(
            spec("volume"), [measured("size:500", 0, 0.3), measured("size:6000", 0, 0.5)], PICTURES
        ),
        analyse_noise(spec("noise"), [], PICTURES),
        analyse_noise(spec("noise"), [measured("noise:0.1", 0, 0.3)], Pictures(None)),
    ):
        assert json.loads(json.dumps(result.to_dict(), allow_nan=False)) == result.to_dict()
        assert result.headline
