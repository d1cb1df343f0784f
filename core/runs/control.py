"""What pages, commands and REST do with runs: start, stop, pause, resume, change, rename, delete.

Each makes sure that a scheduler runs.
"""

from collections.abc import Sequence
from dataclasses import replace

from core.datasets.identity import check_same_data
from core.datasets.storage import describe_dataset
from core.errors import RunError
from core.runs.reserve import with_reserve
from core.runs.trash import wait_for_processes
from core.scheduling.service import ensure_scheduler
from core.store.records import Run, RunData, RunRequest
from core.store.reuse import Queued
from core.store.states import RunState
from core.store.store import Store
from core.store.trash import TrashedRun
from core.workspace import Workspace


def start_run(workspace: Workspace, request: RunRequest) -> Run:
    """Queue a run. Raises RunError as `Store.queue_run` does."""
    return start_or_share_run(workspace, request, reuse=False).run


def start_or_share_run(workspace: Workspace, request: RunRequest, *, reuse: bool) -> Queued:
    """Queue a run, or with `reuse` take an identical one. Raises RunError as `Store.queue_or_reuse` does."""
    return start_or_share_runs(workspace, [request], reuse=reuse)[0]


def start_or_share_runs(workspace: Workspace, requests: Sequence[RunRequest], *, reuse: bool) -> list[Queued]:
    """The same for several: where one is refused, none is queued."""
    workspace.ensure()
    with Store(workspace) as store:
        queued = store.queue_all([with_data(workspace, each) for each in requests], reuse=reuse)
    ensure_scheduler(workspace)
    return queued


def with_data(workspace: Workspace, request: RunRequest) -> RunRequest:
    """The request with what its data is now; unchanged where that is not here yet."""
    info = describe_dataset(workspace, request.config.dataset.id)
    if info is None or info.digest is None:
        return request
    data = RunData(info.digest, info.class_names, info.num_train, info.num_validation)
    return replace(request, data=data)


def stop_run(workspace: Workspace, run_id: str) -> Run:
    """Stop a run at its next batch and keep what it has learned. Raises RunNotFound, IllegalTransition."""
    with Store(workspace) as store:
        run = store.request_stop(run_id)
    ensure_scheduler(workspace)
    return run


def resume_run(workspace: Workspace, run_id: str) -> Run:
    """Resume a paused run, or queue a stopped, interrupted or failed one.

    Raises RunNotFound, IllegalTransition; DatasetError where the data that it was started on is gone or another one.
    """
    with Store(workspace) as store:
        run = store.get_run(run_id)
        if run.state.is_active and (run.state is RunState.PAUSED or run.pause_requested):
            return _request(workspace, run_id, "resume")
        if run.state.can_resume:
            check_same_data(workspace, run)
        run = store.resume_run(run_id)
    ensure_scheduler(workspace)
    return run


def pause_run(workspace: Workspace, run_id: str) -> Run:
    """Pause a run after its current batch; it keeps its process and device. Raises RunNotFound, IllegalTransition."""
    return _request(workspace, run_id, "pause")


def step_run(workspace: Workspace, run_id: str) -> Run:
    """Train a paused run until the end of an epoch. Raises RunNotFound, IllegalTransition."""
    return _request(workspace, run_id, "step")


def set_learning_rate(workspace: Workspace, run_id: str, value: float | None) -> Run:
    """Change the learning rate of a run from its next epoch on.

    For a waiting or stopped run that is the first epoch after its start. Raises RunNotFound, IllegalTransition when
    it has finished, RunError for a rate out of bounds.
    """
    return _request(workspace, run_id, "learning_rate", value)


def add_epochs(workspace: Workspace, run_id: str, add: int) -> Run:
    """Add epochs to a run.

    Raises RunNotFound, IllegalTransition when it has finished, RunError for a number out of bounds.
    """
    return _request(workspace, run_id, "add_epochs", add)


def _request(workspace: Workspace, run_id: str, kind: str, value: float | None = None) -> Run:
    with Store(workspace) as store:
        store.interventions.request(run_id, kind, value)
        run = store.get_run(run_id)
    ensure_scheduler(workspace)
    return run


def rename_run(workspace: Workspace, run_id: str, name: str) -> Run:
    """Raises RunNotFound, and RunError for a name that is not allowed."""
    with Store(workspace) as store:
        return store.rename_run(run_id, name)


def check_dataset_unused(workspace: Workspace, dataset_id: str) -> None:
    """Raise RunError while a run that has not ended needs the data set, or a sweep or study that may add runs, naming
    it.
    """
    with Store(workspace) as store:
        users = [
            run.name for run in store.list_runs() if run.dataset == dataset_id and not run.state.is_finished
        ]
        users += store.sweeps.open_on(dataset_id) + store.studies.open_on(dataset_id)
    if users:
        named = ", ".join(f"“{name}”" for name in users[:3]) + (" and others" if len(users) > 3 else "")
        raise RunError(
            f"The data set {dataset_id} is used by {named}. Stop it first, or wait until it has ended."
        )


def delete_run(workspace: Workspace, run_id: str, wait_seconds: float = 5.0) -> TrashedRun:
    """Move a run into the trash; `core.runs.trash` brings it back or deletes it for good.

    This waits for a process that is just ending, because it may still write. Raises RunNotFound; IllegalTransition
    while the run is active or its process does not end within `wait_seconds`.
    """
    ensure_scheduler(workspace)
    with Store(workspace) as store:
        wait_for_processes(store, [run_id], wait_seconds)
        return with_reserve(workspace, lambda: store.trash.put(run_id))
