"""`streamlit`, but what scripts and fragments do is profiled; the costliest functions are printed at the end.

    python -m tests.benchmarks.profiled_server run app.py

takes the arguments of `streamlit`. PROFILE_RUNS=fragments counts the ticks of fragments alone, `pages` whole pages
alone. The clock is the thread's own seconds of CPU, which other work on the machine does not stretch. A profile makes
Python functions slower than they are: it says where the time goes, not how much there is. So every other run is only
timed as a whole. With PROFILE_FOLDER, each fragment's statistics go there for `pstats`, and its times beside them as
JSON.
"""

import cProfile
import json
import os
import pstats
import signal
import sys
import threading
import time
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from streamlit.runtime.scriptrunner.script_runner import ScriptRunner
from streamlit.web.cli import main

SHOWN = 130


@dataclass
class Runs:
    """What is known of the runs of one fragment, or of whole pages. Milliseconds of CPU.

    `times` are of those that were not profiled; `sending` is what the thread that holds the connections used from the
    begin of each run to the begin of the next.
    """

    profiles: list[cProfile.Profile] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    sending: list[float] = field(default_factory=list)


_lock = threading.Lock()
_runs: defaultdict[str, Runs] = defaultdict(Runs)
_wanted = os.environ.get("PROFILE_RUNS", "")
_run_script = ScriptRunner._run_script
_before: tuple[Runs, float] | None = None


def _profiled(self: ScriptRunner, rerun_data: Any) -> None:
    fragment = rerun_data.fragment_id or next(iter(rerun_data.fragment_id_queue), "")
    if _wanted and bool(fragment) != (_wanted == "fragments"):
        _run_script(self, rerun_data)
        return
    runs = _runs[fragment]
    _note_sending(runs)
    if len(runs.times) < len(runs.profiles):
        began = time.thread_time()
        _run_script(self, rerun_data)
        runs.times.append(1000 * (time.thread_time() - began))
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
        runs.profiles.append(profile)


def _note_sending(runs: Runs) -> None:
    """The main thread holds the connections. One visitor's runs come one after the other, so each has its share."""
    global _before
    ident = threading.main_thread().ident
    if ident is None or not hasattr(time, "pthread_getcpuclockid"):
        return
    with _lock:
        now = 1000 * time.clock_gettime(time.pthread_getcpuclockid(ident))
        if _before is not None:
            _before[0].sending.append(now - _before[1])
        _before = runs, now


def _show() -> None:
    known = {fragment: runs for fragment, runs in _runs.items() if runs.profiles}
    if not known:
        return
    if folder := os.environ.get("PROFILE_FOLDER"):
        for fragment, runs in known.items():
            file = Path(folder) / (fragment or "pages")
            pstats.Stats(*runs.profiles).dump_stats(file)
            file.with_suffix(".json").write_text(json.dumps({"times": runs.times, "sending": runs.sending}))
        return
    profiles = [profile for runs in known.values() for profile in runs.profiles]
    print(f"{len(profiles)} runs were profiled.", file=sys.stderr)
    stats = pstats.Stats(*profiles, stream=sys.stderr)
    for order in ("cumulative", "tottime"):
        stats.sort_stats(order).print_stats(SHOWN)


if __name__ == "__main__":
    ScriptRunner._run_script = _profiled  # type: ignore[method-assign]
    # The server gives SIGTERM back to whoever had it before, once it has stopped; by default that ends everything.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(_show()))
    main()
