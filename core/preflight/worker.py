"""The heavy end of a dry run: `python -m core.preflight.worker`, one answer, then it ends.

Gets one line of JSON with what to do on standard input and gives lines of JSON on standard output: `stage` while it
works, at last one of `timed`, `fits`, `out_of_memory`, `user_error` and `error`.
"""

import contextlib
import json
import os
import signal
import sys
import threading
import time
import traceback
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

from core.config import ExperimentConfig
from core.datasets.prepare import ensure_dataset
from core.datasets.splits import load_split
from core.errors import ConvDeckError, UserError
from core.workspace import Workspace


def main() -> int:
    """Do the one dry run that standard input describes."""
    began = time.perf_counter()
    # Before Keras is imported, as in core.worker.
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C in the terminal: who started this process ends it
    # Libraries print to standard output when they like: keep the answers' pipe for answers alone.
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    request = json.loads(sys.stdin.readline())
    threading.Thread(target=_end_with_the_caller, daemon=True).start()
    _be_the_first_to_go()
    _say(answers, _answer(request, answers, began))
    return 0


def _answer(request: dict[str, Any], answers: IO[str], began: float) -> dict[str, Any]:
    try:
        return _work(request, answers, began)
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


def _work(request: dict[str, Any], answers: IO[str], began: float) -> dict[str, Any]:
    config = ExperimentConfig.from_dict(request["config"])
    workspace = Workspace.from_environment()

    def tell(stage: str) -> None:
        _say(answers, {"stage": stage})

    tell("Reading the data")
    ensure_dataset(workspace, config.dataset.id)
    arrays = load_split(workspace, config.dataset, config.seed)
    tell("Loading the training code")
    from core.training.runtime import configure_runtime, peak_memory_mib
    from core.training.timing import time_training, try_batch

    settings = config.training
    threads = int(os.environ.get("CONVDECK_THREADS", "0"))
    replicas = configure_runtime(settings.num_gpus, threads, deterministic=settings.deterministic)
    prepared = time.perf_counter() - began
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


def _say(answers: IO[str], answer: dict[str, Any]) -> None:
    answers.write(json.dumps(answer) + "\n")
    answers.flush()


def _end_with_the_caller() -> None:
    """Who started this process holds its standard input open, and is gone when that ends."""
    sys.stdin.read()
    os._exit(1)


def _be_the_first_to_go() -> None:
    """When memory runs out, Linux is to end this process and not somebody's training."""
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000")


if __name__ == "__main__":
    sys.exit(main())
