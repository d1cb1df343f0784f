"""Runs that a search has chosen were lucky with their seeds: a comparison by seeds begins after those."""

import pytest

from core.store.records import RunRequest
from core.store.store import Store
from core.studies import start
from core.studies.report import read_report
from core.studies.spec import StudySource, StudySpec, build_spec
from core.sweeps.start import confirm_sweep
from tests.core.conftest import run_command, run_json
from tests.core.studies.ended import FLIPPED, TINY
from tests.core.sweeps.trials import add_next, begin, end_trial

BOTH = "These runs were chosen by a search, so the study begins with a seed that the search has not seen."
ONE = BOTH.replace("These runs were", "One of these runs was")


@pytest.fixture
def sweep(store, monkeypatch):
    """One whose two trials, with seeds 0 and 1 each, have ended."""
    monkeypatch.setattr("core.sweeps.start.ensure_scheduler", lambda workspace: None)
    monkeypatch.setattr(start, "ensure_scheduler", lambda workspace: None)
    monkeypatch.setattr(start.control, "ensure_scheduler", lambda workspace: None)
    made = begin(store, seeds=2)
    for accuracy in (0.5, 0.6):
        end_trial(store, add_next(store, made), accuracy)
    return made


def runs_of(store: Store, sweep) -> list[str]:
    """The id of the first run of each trial."""
    return [trial.runs[0].run.id for trial in store.sweeps.trials(sweep.id)]


def ask(store: Store, first: StudySource, second: StudySource | None = None, **asked) -> StudySpec:
    return start.make_spec(store.workspace, "seeds", first, second, asked)


def test_a_study_of_trials_begins_after_what_their_search_has_seen(workspace, store, sweep):
    first, second = (start.base_of_run(store, run_id, {}) for run_id in runs_of(store, sweep))
    asked = ask(store, first, second)
    assert (asked.seeds, asked.seeds_note) == ((2, 3, 4), BOTH)
    assert ask(store, first, second, until_decided=True).seeds == (2, 3, 4, 5)
    alone = ask(store, first)
    assert alone.seeds == (2, 3, 4) and alone.seeds_note == BOTH.replace("These runs were", "This run was")
    # A fork is as lucky as its run, and a config beside it is trained with the same seeds.
    fork = start.base_fork(first, {"training.epochs": 3})
    assert ask(store, first, fork).seeds == (2, 3, 4)
    other = StudySource("other", FLIPPED.with_values({"training.epochs": 2}))
    assert (ask(store, other, first).seeds, ask(store, other, first).seeds_note) == ((2, 3, 4), ONE)

    study = start.start_study(workspace, asked)
    assert not any(member.is_reused for member in store.studies.members(study.id))
    shown = read_report(workspace, store, study.id)
    assert shown.spec == asked and shown.to_dict()["seeds_note"] == BOTH

    # Whoever has looked at a confirmation may have chosen by it.
    assert confirm_sweep(workspace, sweep.id, 3) == 6
    assert ask(store, first, second).seeds == (5, 6, 7)


def test_a_seed_that_a_person_gives_counts(store, sweep):
    first, second = (start.base_of_run(store, run_id, {"seed": 1}) for run_id in runs_of(store, sweep))
    asked = ask(store, first, second)
    assert (asked.seeds, asked.seeds_note) == ((1, 2, 3), None)


def test_other_runs_and_other_kinds_begin_with_their_own_seed(store, sweep):
    mine = store.queue_run(RunRequest(TINY.with_values({"seed": 7}), "mine"))
    asked = ask(store, start.base_of_run(store, mine.id, {}))
    assert (asked.seeds, asked.seeds_note) == ((7, 8, 9), None)
    assert "chosen" not in asked.to_json()
    trial = start.base_of_run(store, runs_of(store, sweep)[0], {})
    noise = start.make_spec(store.workspace, "noise", trial, None, {})
    assert (noise.seeds, noise.seeds_note) == ((0,), None)


@pytest.mark.parametrize(
    ("own", "seen", "seeds"),
    [
        (0, {0}, (1, 2)),
        (0, {0, 2}, (3, 4)),
        (0, {5}, (0, 1)),
        (2**31 - 2, {2**31 - 2, 2**31 - 1, 0}, (1, 2)),
    ],
)
def test_none_of_the_seeds_was_seen(own, seen, seeds):
    base = StudySource("a", TINY.with_values({"seed": own}))
    assert build_spec("seeds", [base], {"num_seeds": 2}, 6_000, seen).seeds == seeds


def test_the_command_line_says_so(workspace, store, sweep):
    first, second = runs_of(store, sweep)
    code, said, _ = run_command("study", "seeds", "--run", first, "--against-run", second)
    assert code == 0 and BOTH in said
    (study,) = store.studies.list_studies()
    code, shown = run_json("show-study", study.id)
    assert shown["seeds_note"] == BOTH and [run["seed"] for run in shown["runs"]] == [2, 2, 3, 3, 4, 4]
    assert BOTH in run_command("show-study", study.id)[1]
    code, given = run_json("study", "seeds", "--run", first, "--against-run", second, "--set", "seed=0")
    assert given["seeds_note"] is None and given["runs"][0]["reused"]
