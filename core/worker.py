"""One training run in a process of its own: `python -m core.worker RUN --attempt N`.

The only joint between the store (`core.runs`) and Keras (`core.training`). Whatever happens, the run ends in a
state with a cause in words; what this process cannot say itself (it was killed) the scheduler says for it.
"""

import argparse
import os
import signal
import sys
import threading
import traceback
from collections.abc import Sequence
from types import FrameType

from core.datasets.prepare import ensure_dataset
from core.datasets.splits import load_split
from core.datasets.storage import Progress
from core.errors import StaleAttempt, TrainingError, UserError
from core.runs.reporter import RunReporter
from core.runs.store import Run, Store
from core.workspace import Workspace


class StopSignal:
    """SIGINT and SIGTERM ask the training to end at the next batch, so that what was learned is kept."""

    def __init__(self) -> None:
        self.received = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._receive)

    def _receive(self, number: int, frame: FrameType | None) -> None:
        self.received.set()


def main(arguments: Sequence[str] | None = None) -> int:
    """Train one attempt of one run. Returns 0 when it finished or was stopped, 1 when it failed."""
    parser = argparse.ArgumentParser(prog="python -m core.worker", description="One training run.")
    parser.add_argument("run")
    parser.add_argument("--attempt", type=int, required=True)
    parsed = parser.parse_args(arguments)
    stop = StopSignal()
    workspace = Workspace.from_environment()
    store = Store(workspace)
    run = store.get_run(parsed.run)
    reporter = RunReporter(store, run.id, parsed.attempt, interrupted=stop.received.is_set)
    try:
        _train(workspace, run, reporter)
    except StaleAttempt:
        return 0  # somebody else has this run now: what this process thinks of it no longer counts
    except TrainingError as error:
        reporter.failed(str(error), error.next_step)
        return 1
    except UserError as error:
        reporter.failed(str(error), "Change the design and start it again.")
        return 1
    except Exception as error:
        traceback.print_exc()
        reporter.failed(
            f"Training ended with {type(error).__name__}: {error}", "The run's log has the details."
        )
        return 1
    return 0


def _train(workspace: Workspace, run: Run, reporter: RunReporter) -> None:
    dataset_told: list[str] = []

    def tell(progress: Progress) -> None:
        if progress.stage not in dataset_told:
            dataset_told.append(progress.stage)
            reporter.log(progress.stage)

    ensure_dataset(workspace, run.config.dataset.id, progress=tell)
    arrays = load_split(workspace, run.config.dataset, run.config.seed)
    reporter.log("Loading TensorFlow.")
    from core.training.runtime import configure_runtime
    from core.training.train import train

    settings = run.config.training
    threads = int(os.environ.get("CONVDECK_THREADS", "0"))
    replicas = configure_runtime(settings.num_gpus, threads, deterministic=settings.deterministic)
    folder = workspace.run_folder(run.id)
    folder.mkdir(parents=True, exist_ok=True)
    outcome = train(run.config, arrays, folder, reporter, replicas=replicas)
    reporter.ended(outcome)


if __name__ == "__main__":
    sys.exit(main())
