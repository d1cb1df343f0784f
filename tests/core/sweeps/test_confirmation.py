"""When a confirmation has a verdict, of which runs, and what it says of those that have no result."""

import math
import statistics

import pytest

from core.analysis.anytime import evidence
from core.searcher.searcher import Searcher
from core.store.states import RunState, SweepState
from core.sweeps.report import read_report
from core.sweeps.start import confirm_sweep, num_to_confirm
from tests.core.studies.ended import end
from tests.core.sweeps.trials import add_next, begin, end_trial


def begin_with(store, *accuracies):
    sweep = begin(store)
    for accuracy in accuracies:
        end_trial(store, add_next(store, sweep), accuracy)
    return sweep


def end_seeds(store, sweep, accuracies, seeds, state=RunState.FINISHED):
    """Waiting runs of the confirmation with these seeds end, by trial; hardly different from seed to seed."""
    for trial in store.sweeps.trials(sweep.id):
        for each in trial.confirm_runs:
            if each.seed in seeds and trial.number in accuracies and not each.run.state.is_finished:
                value = accuracies[trial.number] + 0.001 * (each.seed % 3) * (trial.number + 1)
                end(store, each.run, (0.1, value), value, state)


def confirmation(workspace, store, sweep):
    return read_report(workspace, store, sweep.id).confirmation


def test_no_verdict_before_all_runs_have_ended_and_one_that_holds_at_all_looks_afterwards(workspace, store):
    sweep = begin_with(store, 0.5, 0.7)
    confirm_sweep(workspace, sweep.id, 2)
    confirm_sweep(workspace, sweep.id, 5)  # nothing has finished: this is the plan
    assert store.sweeps.get(sweep.id).confirm_seeds == 5
    end_seeds(store, sweep, {0: 0.5, 1: 0.7}, range(1, 5))
    found = confirmation(workspace, store, sweep)
    assert (found.winner, found.leader, found.take, found.differences, found.take_sentence) == (
        None,
        None,
        None,
        (),
        None,
    )
    assert (
        found.sentence == "So far, 8 of 10 runs with fresh seeds have ended. The answer comes when all have."
    )
    assert [(each.interval.n, each.interval.low) for each in found.trials] == [(4, None), (4, None)]
    assert (
        read_report(workspace, store, sweep.id).fresh_seeds_sentence(1) is None
    )  # a mean before there is a verdict
    end_seeds(store, sweep, {0: 0.5, 1: 0.7}, [5])
    first = confirmation(workspace, store, sweep)
    assert (first.winner, first.take_sentence) == (1, "Take trial 1.")
    assert confirm_sweep(workspace, sweep.id, 5) == 0  # nothing is added: it is still the plan
    assert confirmation(workspace, store, sweep) == first
    confirm_sweep(workspace, sweep.id, 6)
    assert store.sweeps.get(sweep.id).confirm_seeds is None
    # The same pairs with the intervals that hold at all looks, which are wider.
    wider = confirmation(workspace, store, sweep)
    assert wider.differences[0].n == 5 and wider.differences[0].high - wider.differences[0].low > 1.5 * (
        first.differences[0].high - first.differences[0].low
    )
    assert wider.sentence.endswith("So far, 10 of 12 runs with fresh seeds have ended.")


def half_width(n, trials, error):
    """Of the confidence sequence in standard deviations, from the t statistic at which its evidence is 1 / error."""
    low, high = 0.0, 1e6
    for _ in range(200):
        t = (low + high) / 2
        is_enough = evidence(t, n) > math.comb(trials, 2) / error
        low, high = (low, t) if is_enough else (t, high)
    return high / math.sqrt(n)


def test_a_trial_that_is_added_after_the_verdict_is_a_later_look(workspace, store):
    """With the same seeds, all trials have as many runs as in a plan; but a person has looked, and looks again."""
    sweep = begin_with(store, 0.5, 0.7, 0.6)
    confirm_sweep(workspace, sweep.id, 8)
    end_seeds(store, sweep, {0: 0.5, 1: 0.7, 2: 0.6}, range(1, 9))
    assert confirmation(workspace, store, sweep).winner == 1
    end_trial(store, add_next(store, sweep), 0.8)
    report = read_report(workspace, store, sweep.id)
    assert num_to_confirm(report, 8) == 8
    assert (
        report.best == 3 and report.fresh_seeds_sentence(3) is None
    )  # it has none yet; the verdict is of the others
    assert confirm_sweep(workspace, sweep.id, 8) == 8
    end_seeds(store, sweep, {3: 0.71}, range(1, 9))
    found = confirmation(workspace, store, sweep)
    assert (found.leader, found.is_complete, found.num_seeds) == (3, True, 8)
    trials = {each.number: each.by_seed for each in found.trials}
    for each in found.differences:
        apart = [trials[3][seed] - trials[each.other][seed] for seed in range(1, 9)]
        wide = half_width(8, 4, 0.01) * statistics.stdev(apart)
        assert each.high - each.mean == pytest.approx(wide, rel=1e-6)


def test_a_run_in_place_of_a_deleted_one_is_a_later_look(workspace, store):
    sweep = begin_with(store, 0.5, 0.7)
    confirm_sweep(workspace, sweep.id, 6)
    end_seeds(store, sweep, {0: 0.5, 1: 0.7}, range(1, 7))
    planned = confirmation(workspace, store, sweep)
    store.trash.put(store.sweeps.trials(sweep.id)[1].confirm_runs[0].run.id)
    assert confirm_sweep(workspace, sweep.id, 6) == 1
    end_seeds(store, sweep, {1: 0.7}, [1])
    found = confirmation(workspace, store, sweep)
    assert found.trials[1].by_seed == planned.trials[1].by_seed
    assert (
        found.differences[0].high - found.differences[0].low
        > planned.differences[0].high - planned.differences[0].low
    )


def test_runs_that_a_person_stops_make_it_no_longer_the_plan(workspace, store):
    sweep = begin_with(store, 0.5, 0.7)
    confirm_sweep(workspace, sweep.id, 4)
    end_seeds(store, sweep, {0: 0.5, 1: 0.7}, range(1, 4))
    end_seeds(store, sweep, {0: 0.5, 1: 0.7}, [4], RunState.STOPPED)
    found = confirmation(workspace, store, sweep)
    assert found.is_complete and found.winner is None and "too few to tell: 3 pairs" in found.sentence


def test_runs_without_a_result_end_it_and_are_named(workspace, store):
    sweep = begin_with(store, 0.5, 0.7, 0.6)
    confirm_sweep(workspace, sweep.id, 3)
    end_seeds(store, sweep, {0: 0.5, 1: 0.7}, [1, 2])
    end_seeds(store, sweep, {0: 0.5}, [3], RunState.FAILED)
    end_seeds(store, sweep, {1: 0.7}, [3])
    end_seeds(store, sweep, {2: 0.6}, [1, 2, 3], RunState.FAILED)
    found = confirmation(workspace, store, sweep)
    assert (found.is_complete, found.num_missing, found.take) == (True, 4, 1)
    assert " over 2 fresh seeds" in found.sentence and found.take_sentence is not None
    assert found.sentence.endswith(
        "4 of 9 runs with fresh seeds have no result. Not compared, for want of any: trial 2."
    )


def test_no_trial_was_chosen_by_a_fresh_seed(workspace, store):
    first = begin_with(store, 0.5, 0.7)
    confirm_sweep(workspace, first.id, 2)
    end_seeds(store, first, {0: 0.5, 1: 0.7}, [1, 2])
    # Another sweep finds the trials, and reuses the runs with seeds that did not choose any of them.
    second = begin(store)
    assert [trial.origin for trial in store.sweeps.trials(second.id)] == ["found", "found"]
    confirm_sweep(workspace, second.id, 3)
    trials = store.sweeps.trials(second.id)
    chosen_by = {each.seed for trial in trials for each in trial.search_runs}
    fresh = {each.seed for trial in trials for each in trial.confirm_runs}
    assert (chosen_by, fresh) == ({0}, {1, 2, 3})
    assert confirmation(workspace, store, second).num_reused == 4


def test_an_interrupted_run_is_resumed_though_the_sweep_has_ended(workspace, store):
    sweep = begin_with(store, 0.5, 0.7)
    store.sweeps.change_state(sweep.id, SweepState.FINISHED, expected=SweepState.RUNNING)
    confirm_sweep(workspace, sweep.id, 2)
    assert not store.needs_searcher()
    end_seeds(store, sweep, {0: 0.5}, [1], RunState.INTERRUPTED)
    assert store.needs_searcher()
    end_seeds(store, sweep, {1: 0.7}, [1])
    end_seeds(store, sweep, {0: 0.5, 1: 0.7}, [2])
    # It has not ended yet: a verdict now would be a look before the last one.
    found = confirmation(workspace, store, sweep)
    assert (found.is_complete, found.winner, found.differences) == (False, None, ())
    assert found.sentence.startswith("So far, 3 of 4 runs with fresh seeds have ended.")
    Searcher(store).tick()
    (run,) = [each.run for each in store.sweeps.trials(sweep.id)[0].confirm_runs if each.seed == 1]
    assert run.state is RunState.WAITING and not store.needs_searcher()


def test_an_interrupted_run_of_a_sweep_that_was_stopped_has_ended(workspace, store):
    sweep = begin_with(store, 0.5, 0.7)
    confirm_sweep(workspace, sweep.id, 2)
    end_seeds(store, sweep, {0: 0.5, 1: 0.7}, [1])
    end_seeds(store, sweep, {0: 0.5, 1: 0.7}, [2], RunState.INTERRUPTED)
    assert not confirmation(workspace, store, sweep).is_complete
    store.sweeps.change_state(sweep.id, SweepState.STOPPED, expected=SweepState.RUNNING)
    found = confirmation(workspace, store, sweep)
    assert (found.is_complete, found.num_missing) == (True, 2)
