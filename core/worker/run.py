"""One training run by this process, from its arguments to its end: `RUN --attempt N`.

The only place where the store meets Keras (`core.training`). Whatever happens, the run ends in a state with a cause
in words; where this process cannot record it (it was killed), the scheduler does.
"""

import argparse
import contextlib
import logging
import os
import signal
import sys
import threading
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from types import FrameType

from core.datasets.class_counts import count_notes
from core.datasets.identity import check_same_data
from core.datasets.prepare import ensure_dataset
from core.datasets.splits import load_split
from core.datasets.storage import Progress
from core.design.start_files import forget_start, start_folder
from core.errors import ConvDeckError, DatasetError, StaleAttempt, TrainingError, UserError
from core.store.records import Run, RunData
from core.store.store import Store
from core.system.files import is_disk_full
from core.system.processes import choose_backend, choose_fast_kernels
from core.worker.reporter import RunReporter
from core.workspace import Workspace

logger = logging.getLogger(__name__)

BACKEND_NAMES = {"tensorflow": "TensorFlow", "jax": "JAX", "torch": "PyTorch"}


class StopSignal:
    """SIGINT and SIGTERM end the training at the next batch, so that what was learned is kept."""

    def __init__(self) -> None:
        self.received = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._receive)

    def _receive(self, number: int, frame: FrameType | None) -> None:
        self.received.set()


@dataclass(frozen=True)
class Ending:
    """How an attempt ended: the exit `code` of a process that leaves after it, and whether the run `is_in_order`,
    finished or stopped as a person asked, so that the same process may train another one.
    """

    code: int
    is_in_order: bool


def train_attempt(arguments: Sequence[str]) -> Ending:
    """Train one attempt of one run. The code is 0 when it finished or was stopped, 1 when it failed."""
    parser = argparse.ArgumentParser(prog="python -m core.worker", description="One training run.")
    parser.add_argument("run")
    parser.add_argument("--attempt", type=int, required=True)
    parsed = parser.parse_args(arguments)
    choose_backend()
    choose_fast_kernels()
    stop = StopSignal()
    workspace = Workspace.from_environment()
    store = Store(workspace)
    run = store.get_run(parsed.run)
    reporter = RunReporter(store, run.id, parsed.attempt, interrupted=stop.received.is_set)
    try:
        _train(workspace, run, reporter)
    except StaleAttempt:
        # The run was given up, deleted or started again: what this process reports no longer counts.
        return Ending(0, is_in_order=False)
    except Exception as error:
        return Ending(_fail(reporter, error), is_in_order=False)
    finally:
        store.close()
    # Logical devices are set up once per process.
    return Ending(0, is_in_order=not stop.received.is_set() and run.config.training.num_gpus == 1)


def _fail(reporter: RunReporter, error: Exception) -> int:
    cause, next_step = explain(error)
    if not isinstance(error, ConvDeckError):
        with contextlib.suppress(OSError):  # its output is in the workspace, whose disk may be full
            traceback.print_exception(error)
    try:
        reporter.failed(cause, next_step)
    except StaleAttempt:
        return 0
    except ConvDeckError:
        # The store cannot take it either. The scheduler records the last line of a failed process instead.
        logger.error(cause)
    return 1


def explain(error: Exception) -> tuple[str, str]:
    """Why a training ended, in a sentence, and what to try next."""
    match error:
        case TrainingError():
            return str(error), error.next_step
        case DatasetError():
            return str(error), "Fix the data set, then resume."
        case UserError():
            return str(error), "Change the design and start a new run."
        case ConvDeckError():
            return str(error), "Resume continues from the last finished epoch."
        case OSError() if is_disk_full(error):
            return "The disk is full, so training could not continue.", "Free some space, then resume."
        case _:
            cause = f"Training ended with {type(error).__name__}: {error}"
            return cause, "The run's log has the details."


def _train(workspace: Workspace, run: Run, reporter: RunReporter) -> None:
    reported: list[str] = []

    def report(progress: Progress) -> None:
        if progress.stage not in reported:
            reported.append(progress.stage)
            reporter.report_log(progress.stage)

    dataset = ensure_dataset(workspace, run.config.dataset.id, progress=report)
    check_same_data(workspace, run)
    arrays = load_split(workspace, run.config.dataset, run.config.seed)
    num_train, num_validation = len(dataset.x_train), len(arrays.y_validation)
    reporter.report_data(RunData(dataset.digest, dataset.class_names, num_train, num_validation))
    if notes := count_notes(arrays.counts):
        reporter.report_log(" ".join(notes))
    backend = os.environ["KERAS_BACKEND"]
    name = BACKEND_NAMES.get(backend, backend)
    # A standby worker has loaded it, see core.worker.standby.
    reporter.report_log(f"{name} was already loaded." if "keras" in sys.modules else f"Loading {name}.")
    from core.training.loading import load_keras

    load_keras()
    from core.training.runtime import configure_runtime
    from core.training.train import train

    settings = run.config.training
    threads = int(os.environ.get("CONVDECK_THREADS", "0"))
    replicas = configure_runtime(settings.num_gpus, threads, deterministic=settings.deterministic)
    folder = workspace.run_folder(run.id)
    folder.mkdir(parents=True, exist_ok=True)
    source = run.config.model.start_from
    start = None if source is None else start_folder(workspace, run.id, source)
    outcome = train(run.config, arrays, folder, reporter, replicas=replicas, start=start)
    reporter.ended(outcome)
    if outcome.reason == "finished":
        forget_start(workspace, run.id)
