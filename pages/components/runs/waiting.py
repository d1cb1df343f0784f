"""A run that waits: its place in the queue, when it is about to start, and what there is to do meanwhile."""

import time
from collections.abc import Hashable

import streamlit as st

from core.formatting import rough_duration
from core.runs.control import stop_run
from core.runs.queue import seconds_until_start
from core.server.services import Services
from core.store.records import Run
from core.system.devices import DeviceReport, list_devices
from pages.components.kit import run_words
from pages.components.kit.cache import VersionedCache
from pages.components.kit.person import own_of
from pages.components.kit.redraw import act_and_redraw
from pages.components.kit.text import literal

_STARTS: VersionedCache[float | None] = VersionedCache(64)


def render_waiting(services: Services, run: Run, *, with_cancel: bool = False) -> None:
    """Why it waits and until about when, in a line; below, a run to watch, and with `with_cancel` a way out."""
    store = services.store
    report = store.devices.usable(list_devices())
    waiting, active = store.waiting_runs(), store.active_runs()
    told = run_words.waiting_reason(run, waiting, active, report)
    version = tuple((each.id, each.attempt, each.epoch, each.state) for each in (*active, *waiting))
    starts_at = _starts_at(services, run, report, version)
    if starts_at is not None and active:
        told += f" It starts in {rough_duration(max(0.0, starts_at - time.time()))}, by the pace so far."
    st.caption(literal(told))
    if not (active or with_cancel):
        return
    with st.container(horizontal=True, gap="small"):
        _, why = own_of(services, [run], "stop")
        if with_cancel and st.button(
            "Cancel", key=f"cancel-{run.id}", icon=":material/close:", disabled=why is not None, help=why
        ):
            act_and_redraw(lambda: stop_run(services.workspace, run.id))
        if active:
            st.page_link(
                "runs.py", label=f"Meanwhile, watch “{literal(active[0].name)}”", icon=":material/monitoring:",
                query_params={"run": active[0].id}, width="content",
            )  # fmt: skip


def _starts_at(services: Services, run: Run, report: DeviceReport, version: Hashable) -> float | None:
    """In unix seconds; forecast once for each epoch that ends and each change of the queue, for all visitors."""

    def forecast() -> float | None:
        seconds = seconds_until_start(services.workspace, services.store, run, report)
        return None if seconds is None else time.time() + seconds

    return _STARTS.get((services.workspace.root, run.id), version, forecast)
