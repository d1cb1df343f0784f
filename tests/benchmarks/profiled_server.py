"""`streamlit`, but what scripts and fragments do is profiled; the costliest functions are printed at the end.

    python -m tests.benchmarks.profiled_server run app.py

takes the arguments of `streamlit`. PROFILE_RUNS=fragments counts the ticks of fragments alone, `pages` whole pages
alone. The clock is the thread's own seconds of CPU, which other work on the machine does not stretch. A profile makes
Python functions slower than they are: it says where the time goes, not how much there is. So every other run is only
timed as a whole. With PROFILE_FILE, the statistics go there for `pstats`, and the times beside it as JSON.
"""

import cProfile
import json
import os
import pstats
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any

from streamlit.runtime.scriptrunner.script_runner import ScriptRunner
from streamlit.web.cli import main

SHOWN = 130

_lock = threading.Lock()
_profiles: list[cProfile.Profile] = []
_times: list[float] = []  # milliseconds of CPU of the runs that are not profiled
_wanted = os.environ.get("PROFILE_RUNS", "")
_run_script = ScriptRunner._run_script


def _profiled(self: ScriptRunner, rerun_data: Any) -> None:
    is_fragment = bool(getattr(rerun_data, "fragment_id", None) or rerun_data.fragment_id_queue)
    if _wanted and is_fragment != (_wanted == "fragments"):
        _run_script(self, rerun_data)
        return
    if len(_times) < len(_profiles):
        began = time.thread_time()
        _run_script(self, rerun_data)
        _times.append(1000 * (time.thread_time() - began))
        return
    profile = cProfile.Profile(time.thread_time)
    try:
        profile.enable()
    except ValueError:  # from Python 3.12 on, one at a time
        _run_script(self, rerun_data)
        return
    try:
        _run_script(self, rerun_data)
    finally:
        profile.disable()
        with _lock:
            _profiles.append(profile)


def _show() -> None:
    with _lock:
        if not _profiles:
            return
        stats = pstats.Stats(*_profiles, stream=sys.stderr)
    if file := os.environ.get("PROFILE_FILE"):
        stats.dump_stats(file)
        Path(file).with_suffix(".json").write_text(json.dumps({"profiled": len(_profiles), "times": _times}))
        return
    print(f"{len(_profiles)} runs were profiled.", file=sys.stderr)
    for order in ("cumulative", "tottime"):
        stats.sort_stats(order).print_stats(SHOWN)


if __name__ == "__main__":
    ScriptRunner._run_script = _profiled  # type: ignore[method-assign]
    # The server gives SIGTERM back to whoever had it before, once it has stopped; by default that ends everything.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(_show()))
    main()
