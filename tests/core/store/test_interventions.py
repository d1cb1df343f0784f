import sqlite3

import pytest

from core.epoch import EpochRow
from core.errors import IllegalTransition, RunError, RunNotFound, StaleAttempt
from core.store.interventions import KINDS, Intervention
from core.store.records import RunRequest
from core.store.states import ACTIVE, RunState
from core.store.store import Store
from tests.core.scheduling.at_work import last, paused, running
from tests.core.scheduling.fakes import CONFIG, Clock


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def store(workspace, clock):
    with Store(workspace, clock=clock) as store:
        yield store


class TestAsking:
    def test_pause_and_going_on_as_a_whole(self, store, clock):
        run_id = running(store, epochs=2)
        wishes = store.interventions
        assert wishes.request(run_id, "pause") == Intervention(1, "pause", None, 1000.0, 1, None, None, None)
        assert (store.get_run(run_id).state, store.get_run(run_id).pause_requested) == ("RUNNING", True)
        store.record_batch(run_id, 1, 12, 100, None, None, None)
        clock.now = 1001.0
        assert wishes.record_paused(run_id, 1, epoch_ended=False)
        assert store.get_run(run_id).state == "PAUSED"
        clock.now = 1100.0
        assert not wishes.record_resumed(run_id, 1)
        assert wishes.request(run_id, "resume").is_pending
        assert store.get_run(run_id).state == "PAUSED", "the worker says when it goes on"
        clock.now = 1101.0
        assert wishes.record_resumed(run_id, 1)
        run = store.get_run(run_id)
        assert (run.state, run.pause_requested, run.heartbeat) == ("RUNNING", False, 1101.0)
        assert wishes.history(run_id) == [
            Intervention(1, "pause", None, 1000.0, 1, 1001.0, 2, "Paused in epoch 3, after batch 12 of 100."),
            Intervention(2, "resume", None, 1100.0, 1, 1101.0, 2, "Resumed in epoch 3."),
        ]

    def test_asked_twice_is_asked_once(self, store):
        run_id = running(store)
        assert store.interventions.request(run_id, "pause") == store.interventions.request(run_id, "pause")
        run_id = paused(store)
        assert store.interventions.request(run_id, "step") == store.interventions.request(run_id, "step")

    def test_a_pause_that_is_taken_back_before_it_came(self, store):
        run_id = running(store)
        store.interventions.request(run_id, "pause")
        store.interventions.request(run_id, "resume")
        assert not store.interventions.record_paused(run_id, 1, epoch_ended=True)
        assert store.get_run(run_id).state == "RUNNING"
        pause, resume = store.interventions.history(run_id)
        assert (pause.applied_at, pause.outcome) == (None, "The run was resumed first.")
        assert resume.outcome == "The pause was cancelled before it took effect."

    def test_going_on_that_is_taken_back_before_it_came(self, store):
        run_id = paused(store)
        store.interventions.request(run_id, "resume")
        store.interventions.request(run_id, "pause")
        assert not store.interventions.record_resumed(run_id, 1)
        assert store.get_run(run_id).state == "PAUSED"
        assert store.interventions.pending(run_id, 1) == []

    def test_a_step_ends_with_the_epoch(self, store):
        run_id = paused(store)
        wishes = store.interventions
        wishes.request(run_id, "step")
        assert wishes.record_resumed(run_id, 1)
        assert not wishes.record_paused(run_id, 1, epoch_ended=False)
        store.record_epoch(run_id, 1, EpochRow(3))
        assert wishes.record_paused(run_id, 1, epoch_ended=True)
        assert store.get_run(run_id).state == "PAUSED"
        step = last(store, run_id)
        assert (step.epoch, step.outcome) == (2, "Resumed, and paused again after epoch 3.")
        assert not wishes.record_resumed(run_id, 1), "one step is one epoch"

    def test_a_pause_cuts_a_step_short(self, store):
        run_id = paused(store)
        store.interventions.request(run_id, "step")
        store.interventions.record_resumed(run_id, 1)
        store.interventions.request(run_id, "pause")
        assert store.interventions.record_paused(run_id, 1, epoch_ended=False)
        assert [each.kind for each in store.interventions.pending(run_id, 1)] == []

    def test_a_pause_before_anything_was_trained(self, store):
        run_id = store.queue_run(RunRequest(CONFIG)).id
        store.claim(run_id, ["cpu:0"])
        store.interventions.request(run_id, "pause")
        store.record_started(run_id, 1, 10, 100, 0)
        assert store.interventions.record_paused(run_id, 1, epoch_ended=False)
        assert last(store, run_id).outcome == "Paused before the first epoch."

    @pytest.mark.parametrize("kind", ["pause", "step", "resume"])
    def test_a_run_that_ends_answers_what_is_left(self, store, kind):
        run_id = running(store) if kind == "pause" else paused(store)
        store.interventions.request(run_id, kind)
        store.transition(run_id, RunState.INTERRUPTED, expected=ACTIVE)
        assert not store.get_run(run_id).pause_requested
        assert (last(store, run_id).applied_at, last(store, run_id).outcome) == (
            None,
            "The run ended first.",
        )

    def test_a_learning_rate_outlives_an_attempt_and_is_applied_again_where_it_was(self, store, clock):
        run_id = running(store, epochs=2)
        wishes = store.interventions
        wishes.request(run_id, "learning_rate", 0.5)
        wishes.request(run_id, "learning_rate", 0.25)
        (rate,) = wishes.learning_rates(run_id, 1, epoch=2)
        wishes.mark_applied(run_id, 1, rate.number, 2, "Set.")
        assert wishes.learning_rates(run_id, 1, epoch=3) == []
        store.transition(run_id, RunState.INTERRUPTED, expected=ACTIVE)
        wishes.request(run_id, "learning_rate", 0.125)
        store.resume_run(run_id)
        store.claim(run_id, ["cpu:0"])
        store.record_started(run_id, 2, 10, 100, 2)
        assert [each.value for each in wishes.learning_rates(run_id, 2, epoch=2)] == [0.25, 0.125]
        assert [each.value for each in wishes.learning_rates(run_id, 2, epoch=1)] == [0.125]
        replaced, applied, _ = wishes.history(run_id)
        assert (replaced.applied_at, replaced.outcome) == (
            None,
            "Replaced by another learning rate before it took effect.",
        )
        assert (applied.value, applied.applied_at, applied.epoch, applied.outcome) == (
            0.25,
            1000.0,
            2,
            "Set.",
        )

    def test_a_step_that_the_end_of_the_run_cut_short_was_one(self, store):
        run_id = paused(store, epochs=9)
        store.interventions.request(run_id, "step")
        store.interventions.record_resumed(run_id, 1)
        store.record_epoch(run_id, 1, EpochRow(10))
        store.transition(run_id, RunState.FINISHED, expected=ACTIVE)
        assert last(store, run_id).outcome == "Resumed, and then the run ended."

    def test_a_learning_rate_does_not_come_back_after_a_later_one(self, store):
        """The newest checkpoint was damaged, so the run resumes before the place where the former took effect."""
        run_id = running(store, epochs=5)
        wishes = store.interventions
        wishes.mark_applied(run_id, 1, wishes.request(run_id, "learning_rate", 0.5).number, 5, "Set.")
        store.transition(run_id, RunState.INTERRUPTED, expected=ACTIVE)
        wishes.request(run_id, "learning_rate", 0.125)
        store.resume_run(run_id)
        store.claim(run_id, ["cpu:0"])
        store.record_started(run_id, 2, 10, 100, 4)
        (rate,) = wishes.learning_rates(run_id, 2, epoch=4)
        wishes.mark_applied(run_id, 2, rate.number, 4, "Set.")
        assert [each.value for each in wishes.learning_rates(run_id, 2, epoch=4)] == [0.125]
        assert wishes.learning_rates(run_id, 2, epoch=5) == []

    @pytest.mark.parametrize("state", ["STOPPED", "FAILED", "INTERRUPTED"])
    def test_a_learning_rate_waits_for_a_run_that_can_be_resumed(self, store, state):
        run_id = running(store, epochs=2)
        store.interventions.request(run_id, "learning_rate", 0.5)
        store.transition(run_id, RunState(state), expected=ACTIVE)
        store.resume_run(run_id)
        store.claim(run_id, ["cpu:0"])
        store.record_started(run_id, 2, 10, 100, 2)
        assert [each.value for each in store.interventions.learning_rates(run_id, 2, epoch=2)] == [0.5]

    def test_a_finished_run_never_gets_its_learning_rate(self, store):
        run_id = running(store, epochs=10)
        store.interventions.request(run_id, "learning_rate", 0.5)
        store.transition(run_id, RunState.FINISHED, expected=ACTIVE)
        assert last(store, run_id).outcome == "The run ended first."

    @pytest.mark.parametrize("state", ["WAITING", "RUNNING", "PAUSED", "STOPPED", "FAILED", "INTERRUPTED"])
    def test_epochs_are_added_at_once_and_survive_a_resume(self, store, state):
        run_id = store.queue_run(RunRequest(CONFIG)).id if state == "WAITING" else paused(store)
        if state in ("STOPPED", "FAILED", "INTERRUPTED"):
            store.transition(run_id, RunState(state), expected=ACTIVE)
        if state == "RUNNING":
            store.interventions.request(run_id, "resume")
            store.interventions.record_resumed(run_id, 1)
        assert store.get_run(run_id).state == state
        added = store.interventions.request(run_id, "add_epochs", 4)
        run = store.get_run(run_id)
        assert (run.total_epochs, run.added_epochs) == (14, 4)
        assert (added.epoch, added.outcome) == (run.epoch, "The run now trains 14 epochs in total.")
        if run.state.is_active:
            assert store.record_epoch(run_id, 1, EpochRow(3)) == 14
            return
        if run.state.can_resume:
            store.resume_run(run_id)
        store.claim(run_id, ["cpu:0"])
        assert store.record_started(run_id, store.get_run(run_id).attempt, 10, 100, 0) == 14
        assert store.get_run(run_id).total_epochs == 14

    def test_epochs_are_added_to_those_that_were_added(self, store):
        run_id = running(store, epochs=2)
        store.interventions.request(run_id, "add_epochs", 4)
        store.interventions.request(run_id, "add_epochs", 3)
        store.transition(run_id, RunState.STOPPED, expected=ACTIVE)
        store.resume_run(run_id)
        store.claim(run_id, ["cpu:0"])
        assert store.record_started(run_id, 2, 10, 100, 2) == 17

    @pytest.mark.parametrize(
        ("schedule", "said"),
        [
            ("constant", None),
            ("plateau", None),
            ("cosine", "schedule's final learning rate"),
            ("step", "by its steps"),
        ],
    )
    def test_added_epochs_say_what_becomes_of_the_learning_rate(self, store, schedule, said):
        run_id = running(store, config=CONFIG.with_values({"optimizer.schedule": schedule}))
        outcome = store.interventions.request(run_id, "add_epochs", 1).outcome
        assert (said or "in total.") in outcome
        assert (outcome == "The run now trains 11 epochs in total.") == (said is None)

    def test_no_epoch_is_added_to_a_run_that_is_just_ending(self, store):
        run_id = running(store, epochs=9)
        assert store.record_epoch(run_id, 1, EpochRow(10)) == 10, "the worker ends now"
        with pytest.raises(IllegalTransition, match=r"just trained its last epoch\. Fork it with 11 epochs"):
            store.interventions.request(run_id, "add_epochs", 1)
        store.transition(run_id, RunState.FINISHED, expected=ACTIVE)
        with pytest.raises(IllegalTransition, match=r"so no epochs can be added\. Fork it with 12 epochs"):
            store.interventions.request(run_id, "add_epochs", 2)
        with pytest.raises(IllegalTransition, match="Fork it with another learning rate"):
            store.interventions.request(run_id, "learning_rate", 0.1)

    def test_settings_that_cannot_be_read_are_no_reason_to_refuse(self, store, workspace):
        run_id = running(store)
        with sqlite3.connect(workspace.database) as connection:
            connection.execute("UPDATE runs SET config = '{}x'")
        connection.close()
        assert (
            store.interventions.request(run_id, "add_epochs", 1).outcome
            == "The run now trains 11 epochs in total."
        )


class TestRefusing:
    @pytest.mark.parametrize(
        ("kind", "values"),
        [
            ("learning_rate", [None, 0, -0.1, float("nan"), float("inf"), 1e31, 10**400, True, "0.1", [0.1]]),
            ("add_epochs", [None, 0, -1, 1.5, float("nan"), 100_001, 10**400, True, "1"]),
            ("pause", [1.0]),
            ("delete", [None]),
            (None, [None]),
        ],
    )
    def test_values_out_of_bounds_in_a_sentence(self, store, kind, values):
        run_id = running(store)
        for value in values:
            with pytest.raises(RunError) as caught:
                store.interventions.request(run_id, kind, value)
            assert str(caught.value).endswith(".") and len(str(caught.value)) < 150
        assert store.interventions.history(run_id) == []

    def test_no_more_epochs_than_a_config_may_have(self, store):
        run_id = running(store)
        store.interventions.request(run_id, "add_epochs", 99_990)
        with pytest.raises(RunError, match="at most 100,000 epochs; “mine” has 100,000 already"):
            store.interventions.request(run_id, "add_epochs", 1)

    def test_each_state_says_why(self, store):
        waiting = store.queue_run(RunRequest(CONFIG)).id
        with pytest.raises(IllegalTransition, match="has not started, so there is nothing to pause"):
            store.interventions.request(waiting, "pause")
        for kind in ("step", "resume"):
            with pytest.raises(IllegalTransition, match="is waiting"):
                store.interventions.request(waiting, kind)
        run_id = running(store)
        with pytest.raises(IllegalTransition, match="is running; pause it first"):
            store.interventions.request(run_id, "step")
        with pytest.raises(IllegalTransition, match="is running, not paused"):
            store.interventions.request(run_id, "resume")
        stopped = paused(store)
        with pytest.raises(IllegalTransition, match="is already paused"):
            store.interventions.request(stopped, "pause")
        store.request_stop(stopped)
        for kind, value in (("step", None), ("resume", None), ("learning_rate", 0.1), ("add_epochs", 1)):
            with pytest.raises(IllegalTransition, match="is stopping"):
                store.interventions.request(stopped, kind, value)
        store.transition(stopped, RunState.STOPPED, expected=ACTIVE)
        for kind in ("pause", "step", "resume"):
            with pytest.raises(IllegalTransition, match="is stopped"):
                store.interventions.request(stopped, kind)
        for kind in KINDS:
            with pytest.raises(RunNotFound):
                store.interventions.request("nobody", kind, 1)

    def test_what_is_written_for_an_attempt_that_is_over(self, store):
        run_id = paused(store)
        store.transition(run_id, RunState.INTERRUPTED, expected=ACTIVE)
        wishes = store.interventions
        for after in (lambda: None, lambda: store.resume_run(run_id), lambda: store.trash.put(run_id)):
            after()
            for write in (
                lambda: wishes.pending(run_id, 1),
                lambda: wishes.mark_applied(run_id, 1, 1, 1, "x"),
                lambda: wishes.learning_rates(run_id, 1, 1),
                lambda: wishes.is_pause_due(run_id, 1),
                lambda: wishes.record_paused(run_id, 1, epoch_ended=True),
                lambda: wishes.record_resumed(run_id, 1),
                lambda: wishes.beat(run_id, 1),
            ):
                with pytest.raises(StaleAttempt):
                    write()


def test_what_was_asked_is_deleted_with_its_run(store):
    run_id = paused(store)
    store.transition(run_id, RunState.STOPPED, expected=ACTIVE)
    store.trash.put(run_id)
    store.trash.begin_purge(run_id=run_id)
    store.trash.end_purge(run_id)
    with store._database.reading() as connection:
        assert connection.execute("SELECT count(*) FROM interventions").fetchone() == (0,)
