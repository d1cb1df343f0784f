"""What a sweep would train, and how long that takes, before it starts."""

import json

import pytest

from core.sweeps.configs import trial_runs
from core.sweeps.estimate import Pace, Seconds, estimate_sweep
from core.sweeps.spec import read_spec
from core.sweeps.start import parse_sweep, start_sweep
from tests.core.sweeps.trials import BASE, add_next, begin, end_trial

PATH = "model.blocks[0].filters"


def test_a_sweep_is_counted_and_priced_before_it_starts(workspace, store):
    asked = {
        **BASE,
        "space": {
            "model.blocks[0].kernel_sizes": {"values": [[1], [3], [31]]},
            "model.blocks[0].padding": {"values": ["valid"]},
            "training.epochs": {"values": [1, 2]},
        },
        "method": "grid",
        "seeds": 2,
    }
    spec = parse_sweep(workspace, store, asked)
    nothing_known = estimate_sweep(workspace, store, spec, 2)
    assert (nothing_known.num_trials, nothing_known.num_runs, nothing_known.num_to_train) == (6, 8, 8)
    # 32 pixels less 30 are 2, pooled to 1, which the second block's pooling cannot halve again.
    assert nothing_known.num_infeasible == 2 and nothing_known.is_exact
    assert all(each.choices["model.blocks[0].kernel_sizes"] == [31] for each in nothing_known.infeasible)
    assert nothing_known.seconds is None and any("not known" in note for note in nothing_known.notes)

    pace = Pace(spec.base, epoch_seconds=10.0)
    priced = estimate_sweep(workspace, store, spec, 2, pace)
    low, expected, high = priced.seconds.low, priced.seconds.expected, priced.seconds.high
    # The base, with its kernels of 3 and padding, is the largest network there is: 8 runs, 12 epochs, two devices.
    assert 0 < low < expected < high <= 1.25 * 10.0 * 12 / 2
    one = estimate_sweep(workspace, store, spec, 1, pace)
    assert one.seconds.expected == pytest.approx(2 * expected)
    assert json.loads(json.dumps(priced.to_dict(), allow_nan=False)) == priced.to_dict()

    # What was trained costs nothing any more, and tells how long the rest takes.
    sweep = begin(store, **{key: asked[key] for key in ("space", "seeds")})
    end_trial(store, add_next(store, sweep), 0.5)
    again = estimate_sweep(workspace, store, spec, 2, pace)
    assert (again.num_existing, again.num_to_train) == (2, 6) and again.seconds.high < high


def test_an_estimate_counts_the_trials_that_the_start_would_find(workspace, store):
    asked = {"space": {PATH: {"low": 1, "high": 64}}, "method": "random", "seeds": 2}
    sweep = begin(store, **asked, trials=2)
    for number, filters in enumerate((5, 9)):
        choices = {PATH: filters}
        runs = trial_runs(workspace, read_spec(sweep.spec), "x", number, choices)
        assert not any(each.request.config.training.keep_epoch_weights for each in runs)
        end_trial(store, store.sweeps.add_trial(sweep.id, number, choices, runs), 0.5)
    # Another seed and another method: the same runs are there.
    for trials, to_train in ((2, 0), (5, 6)):
        spec = parse_sweep(workspace, store, {**BASE, **asked, "method": "tpe", "seed": 9, "trials": trials})
        priced = estimate_sweep(workspace, store, spec, 1, Pace(spec.base, 10.0))
        started = start_sweep(workspace, spec)
        assert priced.num_found == started.num_trials == 2
        assert (priced.num_existing, priced.num_to_train) == (4, to_train)
        note = priced.notes[0]
        if to_train:
            assert note == "2 of the 5 trials are there already; the search adds the others."
        else:
            assert note.startswith("All of its 2 trials are there already") and "“reuse” to false" in note
            assert priced.seconds == Seconds(0.0, 0.0, 0.0) and priced.is_exact
    spec = parse_sweep(workspace, store, {**BASE, **asked, "trials": 2, "reuse": False})
    assert estimate_sweep(workspace, store, spec, 1).num_found == 0


def test_a_space_without_an_end_is_priced_by_a_sample(workspace, store):
    space = {
        PATH: {"low": 1, "high": 64},
        "optimizer.learning_rate": {"low": 0.001, "high": 0.1, "log": True},
    }
    spec = parse_sweep(workspace, store, {**BASE, "space": space, "trials": 40, "pruning": "median"})
    found = estimate_sweep(workspace, store, spec, 4, Pace(spec.base, 10.0, 5.0))
    assert (found.num_trials, found.num_runs, found.is_exact, found.num_existing) == (40, 40, False, 0)
    assert found.seconds.low < found.seconds.expected < found.seconds.high
    assert found.notes[0] == (
        "How many runs exist already or cannot be trained, and how long they take, is estimated from 100 random "
        "choices; the search makes its own."
    )
    unknown = estimate_sweep(workspace, store, spec, 4)  # nothing like it was trained here
    assert unknown.seconds is None and unknown.notes[0] == (
        "How many runs exist already or cannot be trained is estimated from 100 random choices; the search makes its "
        "own."
    )
    assert found == estimate_sweep(workspace, store, spec, 4, Pace(spec.base, 10.0, 5.0))


@pytest.mark.parametrize(("pruning", "left"), [("median", 40), ("hyperband", 60), ("patience", 55)])
def test_the_lower_end_is_what_replays_left_of_the_epochs(workspace, store, pruning: str, left: int) -> None:
    """The table “What does giving up early cost?” in docs/results.md, rounded."""
    asked = {**BASE, "space": {PATH: {"low": 1, "high": 64}}, "trials": 12}
    pace = Pace(parse_sweep(workspace, store, asked).base, 10.0)
    whole, pruned = (
        estimate_sweep(workspace, store, parse_sweep(workspace, store, {**asked, "pruning": each}), 1, pace)
        for each in ("none", pruning)
    )
    assert pruned.seconds.low == pytest.approx(whole.seconds.low * left / 100)
    assert pruned.seconds.high == whole.seconds.high
    assert f"The lower end assumes that pruning leaves {left} % of the epochs." in pruned.notes
