"""What every face does with runs: start, stop, resume, rename, delete. Each sees to it that the queue is served."""

import shutil

from core.config import ExperimentConfig
from core.errors import RunError
from core.runs.records import Run
from core.runs.scheduler import ensure_scheduler
from core.runs.store import Store
from core.workspace import Workspace


def start_run(
    workspace: Workspace,
    config: ExperimentConfig,
    name: str | None = None,
    preset: str | None = None,
    token: str | None = None,
) -> Run:
    """Queue a run. The same token gives the same run again. Raises RunError for a name that is not allowed."""
    workspace.ensure()
    with Store(workspace) as store:
        run = store.create_run(config, name, preset, token)
    ensure_scheduler(workspace)
    return run


def stop_run(workspace: Workspace, run_id: str) -> Run:
    """End a run at its next batch and keep what it has learned. Raises RunNotFound, IllegalTransition."""
    with Store(workspace) as store:
        run = store.request_stop(run_id)
    ensure_scheduler(workspace)
    return run


def resume_run(workspace: Workspace, run_id: str) -> Run:
    """Queue a stopped, interrupted or failed run to go on. Raises RunNotFound, IllegalTransition."""
    with Store(workspace) as store:
        run = store.resume_run(run_id)
    ensure_scheduler(workspace)
    return run


def rename_run(workspace: Workspace, run_id: str, name: str) -> Run:
    """Raises RunNotFound, and RunError for a name that is not allowed."""
    with Store(workspace) as store:
        return store.rename_run(run_id, name)


def delete_run(workspace: Workspace, run_id: str) -> None:
    """Delete a run with its curves, weights and log. Raises RunNotFound; IllegalTransition while it is active."""
    with Store(workspace) as store:
        run = store.get_run(run_id)
        store.delete_run(run_id)
    try:
        shutil.rmtree(workspace.run_folder(run.id))
    except FileNotFoundError:
        pass  # it never got as far as writing anything
    except OSError as error:
        raise RunError(
            f"“{run.name}” is deleted, but files are left in {workspace.run_folder(run.id)}: {error.strerror}."
        ) from error
