"""The tool that waits for a run: until its next epoch, another verdict or its end, for a limited time."""

import time
from collections.abc import Callable
from typing import Any

import anyio
import anyio.to_thread

from core.formatting import percent
from core.mcp.schemas import RUN
from core.mcp.tool import Bench, Progress, Tool
from core.runs.verdicts import summary_of
from core.scheduling.service import ensure_scheduler
from core.store.states import RunState

POLL_SECONDS = 0.25
SCHEDULER_CHECK_SECONDS = 2.0
# Many clients give a tool a minute.
USUAL_SECONDS, MOST_SECONDS = 50.0, 600.0
UNTIL = ("epoch", "verdict", "end")


def tools() -> list[Tool]:
    """wait_for_run."""
    return [
        Tool(
            "wait_for_run", "Wait for a run",
            "Wait until a run has ended, or, by `until`, earlier: at its next epoch, or when its verdict is another "
            "one. Returns its summary with `reason`: end, epoch, verdict or timeout. The run continues whatever "
            "happens to this call.",
            {
                "run": RUN,
                "until": {
                    "type": "string", "enum": list(UNTIL), "default": "end",
                    "description": "epoch: the next epoch, another verdict or the end; verdict: another verdict or "
                    "the end; end: the end alone.",
                },
                "since_epoch": {
                    "type": "integer", "minimum": 0,
                    "description": "The last epoch that you have seen, so that none is missed between two calls.",
                },
                "timeout_seconds": {
                    "type": "number", "minimum": 0, "maximum": MOST_SECONDS, "default": USUAL_SECONDS,
                    "description": "Return after this long in any case, and call again if it has not ended.",
                },
            },
            wait=_wait_for_run, required=("run",), reads_only=True,
        )
    ]  # fmt: skip


async def _wait_for_run(bench: Bench, asked: dict[str, Any], progress: Progress) -> dict[str, Any]:
    until, deadline = (
        asked.get("until", "end"),
        time.monotonic() + asked.get("timeout_seconds", USUAL_SECONDS),
    )

    def look() -> dict[str, Any]:
        return summary_of(bench.store, bench.store.get_run(asked["run"]))

    def keep_served() -> None:
        ensure_scheduler(bench.workspace)

    found = await _in_thread(look)
    first_epoch, verdict = asked.get("since_epoch", found["epoch"]), _verdict_of(found)
    reported, checked = -1, 0.0
    while True:
        if found["epoch"] != reported:
            reported = found["epoch"]
            await progress(reported, found["total_epochs"], _in_words(found))
        if RunState(found["state"]).is_finished:
            return {"reason": "end", **found}
        if until != "end" and _verdict_of(found) != verdict:
            return {"reason": "verdict", **found}
        if until == "epoch" and found["epoch"] > first_epoch:
            return {"reason": "epoch", **found}
        if time.monotonic() >= deadline:
            return {"reason": "timeout", **found}
        if time.monotonic() - checked > SCHEDULER_CHECK_SECONDS:
            await _in_thread(keep_served)
            checked = time.monotonic()
        await anyio.sleep(min(POLL_SECONDS, max(0.0, deadline - time.monotonic())))
        found = await _in_thread(look)


async def _in_thread(work: Callable[[], Any]) -> Any:
    return await anyio.to_thread.run_sync(work, abandon_on_cancel=True)


def _verdict_of(found: dict[str, Any]) -> tuple[Any, Any]:
    return found["verdict"]["verdict"], found["verdict"]["onset_epoch"]


def _in_words(found: dict[str, Any]) -> str:
    best = f", best validation accuracy {percent(found['best_val_accuracy'])}" if found["epoch"] else ""
    return f"{found['state']}, {found['epoch']} of {found['total_epochs']} epochs{best}"
