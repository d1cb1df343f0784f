"""The dry run's process, with Keras: `python -m core.preflight.worker` gives one answer and ends.

Gets one line of JSON with what to do on standard input and gives lines of JSON on standard output: `stage` while it
works, at last one of `timed`, `fits`, `rates`, `out_of_memory`, `user_error` and `error`.
"""

import contextlib
import math
import os
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from core.config import ExperimentConfig
from core.datasets.prepare import ensure_dataset
from core.datasets.splits import TrainingArrays, load_split
from core.errors import ConvDeckError, UserError
from core.system.lines import Say, receive_request
from core.system.processes import choose_backend, choose_fast_kernels, leave, prefer_oom_kill
from core.workspace import Workspace


def main() -> int:
    """Do the one dry run that standard input describes."""
    began = time.perf_counter()
    choose_backend()
    choose_fast_kernels()
    request, say = receive_request()
    prefer_oom_kill("1000")
    say(_answer(request, say, began))
    return 0


def _answer(request: dict[str, Any], say: Say, began: float) -> dict[str, Any]:
    try:
        return _work(request, say, began)
    except UserError as error:
        return {"user_error": str(error)}
    except ConvDeckError as error:
        return {"error": str(error)}
    except Exception as error:
        from core.training.runtime import is_out_of_memory

        if is_out_of_memory(error):
            return {"out_of_memory": True}
        traceback.print_exc()
        return {"error": f"The dry run ended with {type(error).__name__}: {error}"}


def _work(request: dict[str, Any], say: Say, began: float) -> dict[str, Any]:
    config = ExperimentConfig.from_dict(request["config"])
    workspace = Workspace.from_environment()

    def tell(stage: str) -> None:
        say({"stage": stage})

    tell("Reading the data")
    ensure_dataset(workspace, config.dataset.id)
    arrays = load_split(workspace, config.dataset, config.seed)
    tell("Loading the training code")
    from core.training.loading import load_keras

    load_keras()
    from core.training.runtime import configure_runtime, peak_memory_mib
    from core.training.timing import time_training, try_batch

    settings = config.training
    threads = int(os.environ.get("CONVDECK_THREADS", "0"))
    replicas = configure_runtime(settings.num_gpus, threads, deterministic=settings.deterministic)
    prepared = time.perf_counter() - began
    if request["task"] == "rates":
        return _try_rates(workspace, config, arrays, tell)
    if request["task"] == "fit":
        tell(f"Trying batches of {settings.batch_size:,}")
        try_batch(config, arrays, replicas)
        return {"fits": True}
    timings = time_training(config, arrays, replicas, tell, request["seconds"])
    memory = peak_memory_mib()
    return {
        "timed": {
            **asdict(timings),
            "epoch": timings.epoch,
            "start": prepared + timings.first_step,
            "memory_mib": peak_rss_mib() if memory is None else memory,
        }
    }


def _try_rates(
    workspace: Workspace, config: ExperimentConfig, arrays: TrainingArrays, tell: Callable[[str], None]
) -> dict[str, Any]:
    """The answer of a learning-rate range test; null for a loss that is no number."""
    from core.training.rate_range import measure_losses

    tell("Compiling the network and taking a first step")
    source = config.model.start_from
    start = None if source is None else workspace.run_folder(source)
    rates, losses, diverged = measure_losses(config, arrays, tell, start)
    known = [loss if math.isfinite(loss) else None for loss in losses]
    return {"rates": rates, "losses": known, "diverged": diverged}


def peak_rss_mib() -> int:
    """The most memory that this process has had in MiB, files that it maps included."""
    # Not getrusage first: on Linux its highest mark may be that of the process which started this one.
    with contextlib.suppress(OSError):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) // 1024
    try:
        import resource
    except ImportError:  # Windows
        import psutil

        return int(getattr(psutil.Process().memory_info(), "peak_wset", 0)) // 2**20
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak // (2**20 if sys.platform == "darwin" else 1024)


if __name__ == "__main__":
    leave(main())
