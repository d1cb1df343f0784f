"""A process that a workspace has one of: what becomes of one that cannot start."""

import sys
from types import SimpleNamespace

from core.scheduling import single
from core.scheduling.single import Single


def test_one_that_fails_is_started_again_after_longer_each_time(workspace, monkeypatch, clock, wait_for):
    monkeypatch.setattr(single, "time", SimpleNamespace(monotonic=lambda: clock.now))
    log = workspace.root / "log"
    process = Single(
        "searcher",
        (sys.executable, "-c", "print('begun', flush=True); raise SystemExit(1)"),
        lambda workspace: workspace.root / "lock",
        lambda workspace: log,
        "nothing goes on",
    )
    for begun, after in enumerate((0, 2, 4, 8), start=1):
        if after:
            clock.now += after - 0.1
            process.ensure(workspace, lambda: True)
            assert log.read_text().count("begun") == begun - 1
            clock.now += 0.2
        process.ensure(workspace, lambda: True)
        assert wait_for(lambda begun=begun: process._failures.get(workspace.root) == begun)
        assert log.read_text().count("begun") == begun
    clock.now += 1000  # one that has ended well begins the count again
    process.ensure(workspace, lambda: True, (sys.executable, "-c", "pass"))
    assert wait_for(lambda: process._failures[workspace.root] == 0)
