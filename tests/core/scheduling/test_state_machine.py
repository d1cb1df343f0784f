"""Start, stop, pause, step, resume, delete, deaths of workers and schedulers in any order, against a small model."""

import dataclasses
import tempfile
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from core.epoch import EpochRow
from core.errors import IllegalTransition, RunNotFound, StaleAttempt
from core.scheduling.launcher import Exit
from core.scheduling.scheduler import Scheduler
from core.store.records import RunRequest
from core.store.states import RunState
from core.store.store import Store
from core.worker.reporter import RunReporter
from core.workspace import Workspace
from tests.core.scheduling.fakes import CONFIG, Clock, FakeLauncher, cpu, report

SLOTS = ("cpu:0", "cpu:1")
FINAL = {"FINISHED", "STOPPED", "FAILED", "INTERRUPTED"}
ACTIVE = {"STARTING", "RUNNING", "PAUSED"}


@dataclasses.dataclass
class Model:
    state: str = "WAITING"
    attempt: int = 1
    stop: bool = False
    pause: bool = False
    step: bool = False
    added: int = 0
    process: bool = False
    epochs: list[int] = dataclasses.field(default_factory=list)


class Runs(RuleBasedStateMachine):
    @initialize()
    def open(self):
        self.folder = tempfile.TemporaryDirectory()
        self.clock, self.monotonic = Clock(1e9), Clock(0.0)
        self.store = Store(Workspace(Path(self.folder.name)).ensure(), clock=self.clock)
        self.launcher = FakeLauncher()
        self.queue: list[str] = []
        self.models: dict[str, Model] = {}
        self.deleted: list[str] = []
        self.new_scheduler()

    def teardown(self):
        if hasattr(self, "store"):
            self.store.close()
            self.folder.cleanup()

    def run_ids(self):
        return list(self.models)

    def pick(self, data, among=None):
        among = self.run_ids() if among is None else among
        return data.draw(st.sampled_from(among))

    @rule()
    def new_scheduler(self):
        """Killed at any moment, and another takes its place."""
        devices = report(*(cpu(index) for index in range(len(SLOTS))))
        self.scheduler = Scheduler(self.store, self.launcher, lambda: devices, self.monotonic)

    @precondition(lambda self: len(self.models) < 5)
    @rule()
    def create(self):
        run = self.store.queue_run(RunRequest(CONFIG))
        self.models[run.id] = Model()
        self.queue.append(run.id)

    @precondition(lambda self: self.models)
    @rule(data=st.data())
    def stop(self, data):
        run_id = self.pick(data)
        model = self.models[run_id]
        if model.state in FINAL:
            with pytest.raises(IllegalTransition):
                self.store.request_stop(run_id)
            return
        self.store.request_stop(run_id)
        if model.state == "WAITING":
            model.state = "STOPPED"
            self.queue.remove(run_id)
        else:
            model.stop = True

    @precondition(lambda self: self.models)
    @rule(data=st.data())
    def pause(self, data):
        run_id = self.pick(data)
        model = self.models[run_id]
        already = model.state == "PAUSED" and model.pause and not model.step
        if model.state not in ACTIVE or model.stop or already:
            with pytest.raises(IllegalTransition):
                self.store.interventions.request(run_id, "pause")
            return
        self.store.interventions.request(run_id, "pause")
        model.pause, model.step = True, False

    @precondition(lambda self: self.models)
    @rule(data=st.data())
    def go_on(self, data):
        run_id = self.pick(data)
        model = self.models[run_id]
        if model.state not in ACTIVE or model.stop or not (model.pause or model.state == "PAUSED"):
            with pytest.raises(IllegalTransition):
                self.store.interventions.request(run_id, "resume")
            return
        self.store.interventions.request(run_id, "resume")
        model.pause = model.step = False

    @precondition(lambda self: self.models)
    @rule(data=st.data())
    def step(self, data):
        run_id = self.pick(data)
        model = self.models[run_id]
        if not model.step and (model.state != "PAUSED" or model.stop or not model.pause):
            with pytest.raises(IllegalTransition):
                self.store.interventions.request(run_id, "step")
            return
        self.store.interventions.request(run_id, "step")
        model.step = True

    @precondition(lambda self: self.models)
    @rule(data=st.data(), count=st.integers(1, 3))
    def add_epochs(self, data, count):
        run_id = self.pick(data)
        model = self.models[run_id]
        ending = model.state in {"RUNNING", "PAUSED"} and len(model.epochs) >= 10 + model.added
        if model.state == "FINISHED" or model.stop or ending:
            with pytest.raises(IllegalTransition):
                self.store.interventions.request(run_id, "add_epochs", count)
            return
        self.store.interventions.request(run_id, "add_epochs", count)
        model.added += count

    @precondition(lambda self: self.models)
    @rule(data=st.data())
    def resume(self, data):
        run_id = self.pick(data)
        model = self.models[run_id]
        if model.state not in FINAL - {"FINISHED"}:
            with pytest.raises(IllegalTransition):
                self.store.resume_run(run_id)
            return
        self.store.resume_run(run_id)
        model.state, model.attempt = "WAITING", model.attempt + 1
        self.queue.append(run_id)

    @precondition(lambda self: self.models)
    @rule(data=st.data())
    def delete(self, data):
        run_id = self.pick(data)
        if self.models[run_id].state in ACTIVE or self.models[run_id].process:
            with pytest.raises(IllegalTransition):
                self.store.trash.put(run_id)
            return
        self.store.trash.put(run_id)
        if self.models.pop(run_id).state == "WAITING":
            self.queue.remove(run_id)
        self.deleted.append(run_id)

    @precondition(lambda self: self.launcher.workers)
    @rule(
        data=st.data(),
        what=st.sampled_from(
            ["start", "epoch", "finish", "fail", "heed", "hold", "hold at the end", "go on"]
        ),
    )
    def worker_reports(self, data, what):
        """Any worker that ever lived may say anything: only the current one is listened to."""
        run_id, attempt = self.pick(data, list(self.launcher.workers))
        reporter = RunReporter(self.store, run_id, attempt, monotonic=self.monotonic)
        model = self.models.get(run_id)
        needed = {
            "start": {"STARTING"}, "fail": ACTIVE, "go on": {"PAUSED"}, "heed": {"RUNNING", "PAUSED"},
        }.get(what, {"RUNNING"})  # fmt: skip
        current = model is not None and model.attempt == attempt and model.state in ACTIVE
        if not current or model.state not in needed:
            if current and what != "start":
                return  # a worker that trains before it has started, or while it waits, does not exist
            with pytest.raises(StaleAttempt):
                self.say(reporter, what, model, data)
            return
        self.say(reporter, what, model, data)

    def say(self, reporter, what, model, data):
        if what == "start":
            kept = data.draw(st.integers(0, len(model.epochs) if model else 0))
            reporter.started(10, 100, resumed_from_epoch=kept)
            worker = self.launcher.workers[reporter._run_id, reporter._attempt]
            self.store.set_process(reporter._run_id, reporter._attempt, worker.pid, worker.started)
            model.state, model.epochs = "RUNNING", model.epochs[:kept]
        elif what == "epoch":
            epoch = len(model.epochs) + 1 if model else 1
            reporter.report_batch(epoch, 5, 100, 0.5, 0.5, 10.0)
            reporter.report_epoch(EpochRow(epoch, val_accuracy=0.5))
            model.epochs.append(epoch)
        elif what.startswith("hold"):
            at_end = what == "hold at the end"
            paused = self.store.interventions.record_paused(
                reporter._run_id, reporter._attempt, epoch_ended=at_end
            )
            assert paused == (model.pause and (at_end or not model.step))
            if paused:
                model.state, model.step = "PAUSED", False
        elif what == "go on":
            going_on = self.store.interventions.record_resumed(reporter._run_id, reporter._attempt)
            assert going_on == (not model.pause or model.step)
            if going_on:
                model.state = "RUNNING"
        elif what == "fail":
            reporter.failed("It did.")
            self.end(model, "FAILED")
        else:
            reporter.ended(SimpleNamespace(reason="stopped" if what == "heed" else "finished"))
            self.end(model, "STOPPED" if what == "heed" else "FINISHED")

    def end(self, model, state):
        model.state, model.stop, model.pause, model.step = state, False, False, False

    @precondition(lambda self: self.launcher.live())
    @rule(data=st.data(), code=st.sampled_from([0, 1, -9, None]))
    def worker_dies(self, data, code):
        self.launcher.workers[self.pick(data, list(self.launcher.live()))].exit = Exit(code)

    @rule(seconds=st.sampled_from([-86_400, -1, 1, 86_400]))
    def clock_jumps(self, seconds):
        self.clock.now += seconds

    @rule()
    def tick(self):
        """What must happen: the dead are noticed, then the queue is served in order as far as devices go."""
        for (run_id, attempt), worker in self.launcher.workers.items():
            model = self.models.get(run_id)
            if worker.exit is not None and model and model.attempt == attempt and model.state in ACTIVE:
                gave_up = worker.exit.code is not None and worker.exit.code > 0
                lost = "FAILED" if gave_up else "INTERRUPTED"
                self.end(model, "STOPPED" if model.stop else lost)
        self.scheduler.tick()
        for key in self.launcher.live():
            assert key[0] not in self.models or key[1] <= self.models[key[0]].attempt
        started = [run_id for run_id in self.queue if self.store.get_run(run_id).state == "STARTING"]
        assert started == self.queue[: len(started)], "the queue was not served in order"
        left = self.queue[len(started) :]
        if left and len(self.launcher.live()) < len(SLOTS):
            assert any(key[0] == left[0] for key in self.launcher.live()), "a device stood idle"
        for run_id in started:
            self.models[run_id].state = "STARTING"
        for run_id, model in self.models.items():
            model.process = any(key[0] == run_id for key in self.launcher.live())
        self.queue = left

    @invariant()
    def store_and_model_agree(self):
        if not hasattr(self, "store"):
            return
        runs = {run.id: run for run in self.store.list_runs()}
        assert runs.keys() == self.models.keys()
        for run_id, model in self.models.items():
            run = runs[run_id]
            assert (run.state, run.attempt, run.stop_requested) == (model.state, model.attempt, model.stop)
            assert (run.pause_requested, run.total_epochs) == (model.pause, 10 + model.added)
            kinds = {each.kind for each in self.store.interventions.history(run_id) if each.is_pending}
            assert ("step" in kinds) == model.step
            assert model.state in ACTIVE or not kinds
            assert self.store.curves(run_id)["epoch"] == model.epochs == list(range(1, len(model.epochs) + 1))
            assert run.epoch == len(model.epochs)
            assert (run.pid is not None) == model.process
            if run.ended_at is not None:
                assert run.ended_at >= (run.started_at or run.created_at) >= run.created_at
        assert set(self.store.leases().values()) == {
            i for i, model in self.models.items() if model.state in ACTIVE
        }
        assert [run.id for run in self.store.waiting_runs()] == self.queue
        for run_id in self.deleted[-1:]:
            with pytest.raises(RunNotFound):
                self.store.get_run(run_id)
        assert all(
            RunState(model.state).is_active == (model.state in ACTIVE) for model in self.models.values()
        )


TestRuns = Runs.TestCase
TestRuns.settings = settings(max_examples=30, stateful_step_count=40)
