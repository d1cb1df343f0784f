"""Forks and verdicts by every face, on one real run."""

import pytest

from core.analysis.diagnosis import diagnose
from core.analysis.suggestions import suggestions_for
from core.design.presets import PRESETS
from core.epoch import EpochRow
from core.errors import ConfigError, RunError, RunNotFound
from core.runs import control
from core.runs.start import fork_experiment, fork_or_share_experiment
from core.runs.verdicts import suggestions_of, verdict_of
from core.store.records import RunRequest
from core.store.store import Store
from tests.core.conftest import run_json

SMALL = {"dataset.id": "shapes", "dataset.num_train": 40}


@pytest.fixture
def parent(workspace):
    return Store(workspace).queue_run(RunRequest(PRESETS["tiny"].config.with_values(SMALL), "mine", "tiny"))


def test_a_fork_is_its_parent_but_for_the_change(workspace, parent):
    fork = fork_experiment(workspace, parent.id, {"augmentation.rotation_degrees": 20})
    assert fork.config == parent.config.with_values({"augmentation.rotation_degrees": 20})
    assert (fork.parent_id, fork.preset, fork.name) == (
        parent.id, "tiny", "mine: rotation 0° → 20°",
    )  # fmt: skip
    again = fork_experiment(workspace, fork.id, {"augmentation.rotation_degrees": 30})
    assert (again.parent_id, again.name) == (fork.id, "mine: rotation 20° → 30°")


@pytest.mark.parametrize(
    ("values", "error"),
    [
        ({}, RunError),
        ({"training.epochs": 10}, RunError),
        ({"training.epochs": 0}, ConfigError),
        ({"dataset.num_train": 60_000}, ConfigError),
    ],
)
def test_a_fork_that_makes_no_sense_is_refused(workspace, parent, values, error):
    with pytest.raises(error):
        fork_experiment(workspace, parent.id, values)
    assert len(Store(workspace).list_runs()) == 1


def test_a_fork_of_nothing(workspace):
    with pytest.raises(RunNotFound):
        fork_experiment(workspace, "nobody", {"seed": 1})


def test_a_parent_that_was_deleted_takes_no_fork_along(workspace, parent):
    fork = fork_experiment(workspace, parent.id, {"seed": 1})
    control.stop_run(workspace, parent.id)
    control.delete_run(workspace, parent.id)
    assert Store(workspace).get_run(fork.id).parent_id == parent.id


def test_the_command_line_forks(workspace, parent):
    code, fork = run_json("fork", parent.id, "--set", "optimizer.learning_rate=0.01", "--name", "faster")
    assert code == 0
    assert (fork["parent"], fork["name"], fork["config"]["optimizer"]["learning_rate"]) == (
        parent.id,
        "faster",
        0.01,
    )
    assert run_json("fork", parent.id, "--set", "training.epochs=10")[0] == 2


def overfitting(store, run, num_epochs=15):
    """Clean training rises to 98 %, validation stays at 60 % and its loss grows."""
    store.claim(run.id, ["cpu:0"])
    store.record_started(run.id, 1, num_epochs, 2, 0)
    for epoch in range(1, num_epochs + 1):
        share = epoch / num_epochs
        clean, validation = min(0.98, 0.5 + share), min(0.6, 0.5 + share)
        row = EpochRow(
            epoch, 1 - 0.9 * share, clean, 1 - 0.9 * share, clean, 1 + share, validation, 0.001, 1.0, 100.0
        )
        store.record_epoch(run.id, 1, row)


def test_the_verdict_is_in_show_and_its_mends_can_be_taken(workspace, parent):
    store = Store(workspace)
    overfitting(store, parent)
    verdict = run_json("show", parent.id)[1]["verdict"]
    assert verdict["verdict"] == "overfitting"
    assert 1 < verdict["onset_epoch"] < 10
    assert verdict["gap"] == pytest.approx(0.38)  # 98 less 60 points
    run = store.get_run(parent.id)
    suggestions = suggestions_of(workspace, run, verdict_of(store, run, store.curves(run.id)))
    fork = fork_experiment(workspace, run.id, suggestions[0].changes)
    assert fork.config.augmentation.is_active


def test_without_its_data_set_a_run_still_has_a_verdict(workspace):
    store = Store(workspace)
    run = store.queue_run(RunRequest(PRESETS["tiny"].config.with_values({"dataset.id": "gone"})))
    overfitting(store, run)
    run, curves = store.get_run(run.id), store.curves(run.id)
    diagnosis = verdict_of(store, run, curves)
    assert diagnosis.verdict == "overfitting"
    assert suggestions_of(workspace, run, diagnosis) == ()


def curves_of(clean, validation):
    """Curves whose losses say the same as their accuracies."""
    return {
        "epoch": list(range(1, len(clean) + 1)),
        "train_loss": [2 * (1 - value) for value in clean], "train_accuracy": clean,
        "clean_train_loss": [2 * (1 - value) for value in clean], "clean_train_accuracy": clean,
        "val_loss": [2 * (1 - value) for value in validation], "val_accuracy": validation,
        "learning_rate": [0.001] * len(clean), "seconds": [1.0] * len(clean),
        "images_per_second": [100.0] * len(clean),
    }  # fmt: skip


def test_a_large_gap_that_still_learns_is_offered_what_closes_it():
    config = PRESETS["article"].config
    learning = diagnose(curves_of([0.5, 0.7, 0.9, 0.96, 0.97], [0.3, 0.38, 0.45, 0.5, 0.55]), num_classes=10)
    assert learning.verdict == "healthy" and learning.headline.startswith("Still gaining")
    assert [suggestion.id for suggestion in suggestions_for(learning, config, 5)][:1] == ["augment"]


def test_hardly_better_than_guessing_is_not_called_healthy():
    slow = [0.10, 0.11, 0.12, 0.13, 0.14, 0.15, 0.17, 0.19]
    diagnosis = diagnose(curves_of(slow, slow), num_classes=10)
    assert diagnosis.headline == "Little learned yet, validation 19 %"
    assert "guessing gives 10 %" in diagnosis.evidence


@pytest.mark.parametrize(("best", "offered"), [(396, False), (100, True)])
def test_stopping_is_offered_only_where_it_saves_something(best, offered):
    config = PRESETS["article"].config.with_values({"training.epochs": 400})
    rising = [min(0.99, 0.5 + 0.05 * epoch) for epoch in range(15)]
    diagnosis = diagnose(curves_of(rising, [min(0.6, value) for value in rising]), num_classes=10)
    assert diagnosis.verdict == "overfitting"
    assert (
        "stop-at-best" in [suggestion.id for suggestion in suggestions_for(diagnosis, config, best)]
    ) is offered


def test_identical_forks_are_shared_among_those_of_one_run(workspace, parent):
    """Each is drawn beside its parent, so that of another parent is no answer."""
    values = {"augmentation.rotation_degrees": 20}
    fork = fork_experiment(workspace, parent.id, values)
    shared = fork_or_share_experiment(workspace, parent.id, values, reuse=True)
    assert (shared.run.id, shared.is_shared) == (fork.id, True)
    with Store(workspace) as store:
        twin = store.queue_run(RunRequest(parent.config, "twin"))
    other = fork_or_share_experiment(workspace, twin.id, values, reuse=True)
    assert not other.is_shared and other.run.parent_id == twin.id
    assert not fork_or_share_experiment(workspace, parent.id, values, reuse=False).is_shared
