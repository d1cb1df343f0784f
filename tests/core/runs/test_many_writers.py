"""Processes that write to one database at once: no row is lost, and nobody hears of a lock."""

import json
import os
import subprocess
import sys

import pytest

from core.runs.store import Store
from core.workspace import PROJECT_ROOT
from tests.core.runs.fakes import CONFIG

NUM_PROCESSES = int(os.environ.get("CONVDECK_TEST_WRITERS", "8"))
NUM_WRITES = int(os.environ.get("CONVDECK_TEST_WRITES", "40"))

WRITER = """
import json, sys, time
from core.runs.store import EpochRow, Store
from core.workspace import Workspace
store = Store(Workspace.from_environment(), journal_mode=sys.argv[2])
durations = []
for epoch in range(1, int(sys.argv[3]) + 1):
    began = time.perf_counter()
    if epoch % 2:
        store.record_epoch(sys.argv[1], 1, EpochRow(epoch, val_accuracy=0.5))
    else:
        store.record_log(sys.argv[1], 1, str(epoch))
    durations.append(time.perf_counter() - began)
print(json.dumps(durations))
"""


@pytest.mark.parametrize("journal_mode", ["truncate", "wal"])
def test_no_row_is_lost(workspace, journal_mode):
    store = Store(workspace, journal_mode=journal_mode)
    runs = [store.create_run(CONFIG).id for _ in range(NUM_PROCESSES)]
    for index, run_id in enumerate(runs):
        store.claim(run_id, [f"cpu:{index}"])
        store.record_started(run_id, 1, NUM_WRITES, 10, 0)
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, run_id, journal_mode, str(NUM_WRITES)],
            cwd=PROJECT_ROOT,
            stdout=subprocess.PIPE,
        )
        for run_id in runs
    ]
    durations = sorted(each for writer in writers for each in json.loads(writer.communicate()[0]))
    median, p99 = (1000 * durations[int(share * len(durations))] for share in (0.5, 0.99))
    print(f"{journal_mode}: {len(durations)} writes, median {median:.1f} ms, p99 {p99:.1f} ms")
    for run_id in runs:
        assert store.curves(run_id)["epoch"] == list(range(1, NUM_WRITES + 1, 2))
        assert [int(line.text) for line in store.log(run_id)] == list(range(2, NUM_WRITES + 1, 2))
    store.close()
