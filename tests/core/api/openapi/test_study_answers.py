"""What each kind of study finds is what the description says of it, to the last key."""

import json

import pytest

from core.studies.ablation import analyse_ablation
from core.studies.noise import analyse_noise
from core.studies.run_results import Pictures
from core.studies.seeds import compare_seeds
from core.studies.volume import analyse_volume
from tests.core.api.described import misfits
from tests.core.studies.ended import FLIPPED, TINY, measured, spec
from tests.core.studies.results import ABLATION_NUMBERS, PICTURES, TWO_KNOBS, ablation_runs, three_seeds


def seeds() -> dict:
    return compare_seeds(*three_seeds(), PICTURES).to_dict()


def undecided() -> dict:
    """With an interval after each pair, the first ones without ends, and a forecast."""
    asked = spec("seeds", TINY, FLIPPED, until_decided=True)
    values = {"first": (0.7, 0.72, 0.71, 0.74), "second": (0.71, 0.7, 0.72, 0.7)}
    runs = [
        measured(name, seed, value) for name, all_of in values.items() for seed, value in enumerate(all_of)
    ]
    found = compare_seeds(asked, runs, PICTURES).to_dict()
    assert found["decision"]["forecast"] is not None and len(found["decision"]["looks"]) == 4
    return found


def nothing_yet() -> dict:
    return compare_seeds(spec("seeds", TINY, FLIPPED), [], Pictures(None)).to_dict()


def ablation() -> dict:
    asked = spec("ablation", TWO_KNOBS, num_seeds=3)
    return analyse_ablation(asked, ablation_runs(asked, ABLATION_NUMBERS), PICTURES).to_dict()


def ablation_of_one_seed() -> dict:
    asked = spec("ablation", TWO_KNOBS)
    return analyse_ablation(asked, ablation_runs(asked, ABLATION_NUMBERS), Pictures(None)).to_dict()


def volume() -> dict:
    asked = spec("volume", sizes=[60, 600, 6_000])
    runs = [measured(f"size:{size}", 0, value) for size, value in ((60, 0.3), (600, 0.5), (6_000, 0.66))]
    return analyse_volume(asked, runs, PICTURES).to_dict()


def noise() -> dict:
    asked = spec("noise", fractions=[0, 0.4], num_seeds=2)
    runs = [measured(f"noise:{part}", seed, 0.7 - seed / 9 - part) for part in (0.0, 0.4) for seed in (0, 1)]
    return analyse_noise(asked, runs, PICTURES).to_dict()


@pytest.mark.parametrize(
    "result", [seeds, undecided, nothing_yet, ablation, ablation_of_one_seed, volume, noise]
)
def test_results_are_as_described(result) -> None:
    found = json.loads(json.dumps(result()))
    assert found and misfits({"$ref": "#/components/schemas/StudyResult"}, found) == []
