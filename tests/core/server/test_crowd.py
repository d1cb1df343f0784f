"""Pages tick less often, the more of them are open."""

import asyncio
from pathlib import Path

import pytest

from core.server import crowd
from tests.benchmarks.live_run import live_run
from tests.benchmarks.visitors import Visitor, open_all
from tests.server import UNHURRIED, running_server


@pytest.mark.parametrize(
    ("num_open", "times"), [(0, 1), (1, 1), (5, 1), (6, 2), (10, 2), (11, 3), (30, 6), (1000, 6)]
)
def test_ticks_of_all_pages_stay_as_many(num_open: int, times: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crowd, "_num_open", num_open)
    assert crowd.times_slower() == times


def test_only_a_websocket_is_an_open_page() -> None:
    before = crowd.times_slower()
    with crowd.counted({"type": "http"}):
        pages = [crowd.counted({"type": "websocket"}) for _ in range(6)]
        for page in pages:
            page.__enter__()
        assert crowd.times_slower() == before + 1
        for page in pages:
            page.__exit__(None, None, None)
    assert crowd.times_slower() == before


def test_pages_that_come_late_have_a_slower_timer(tmp_path: Path) -> None:
    async def watch(url: str, run_id: str) -> list[set[float]]:
        visitors = [Visitor(url, "runs", f"run={run_id}") for _ in range(6)]
        first, *_, last = visitors
        await open_all(visitors)
        seen = [set(first.fragments.values()), set(last.fragments.values())]
        # A tick leaves its timer: another would need all of the page, which closes an open dialog.
        await first.tick(min(first.fragments, key=lambda name: first.fragments[name]))
        seen.append(set(first.fragments.values()))
        await first.look(f"run={run_id}")
        for visitor in visitors:
            await visitor.close()
        return [*seen, set(first.fragments.values())]

    root = tmp_path / "workspace"
    with live_run(root, 1.0) as run, running_server(root, UNHURRIED) as server:
        first, last, ticked, drawn_again = asyncio.run(watch(server.url, run.id))
    assert first == ticked == {1.0, 2.0}
    assert last == drawn_again == {2.0, 4.0}
