"""Parts of System: devices, queue and helpers live; disk and versions as they are."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from core.datasets.storage import DatasetInfo, describe_dataset
from core.doctor import CIFAR10_ADVICE
from core.engine.client import EngineState
from core.errors import ConvDeckError
from core.formatting import rough_duration
from core.runs.trash import empty_trash, trash_bytes
from core.runs.trouble import first_trouble
from core.scheduling.service import is_served
from core.scheduling.single import SEARCHER
from core.server.services import Services
from core.store.records import Run
from core.store.store import Store
from core.store.trash import KEPT_SECONDS
from core.system.devices import Device, DeviceReport, list_devices
from core.visitors.person import teacher_only
from core.workspace import DiskUsage, Workspace, disk_usage
from pages.components.kit import run_words, session
from pages.components.kit.destructive import destructive_button, render_confirmation
from pages.components.kit.fetching import fetch_button
from pages.components.kit.person import who
from pages.components.kit.redraw import draw_ticking
from pages.components.kit.text import error_text, literal

TICK_SECONDS = 2.0
MAX_QUEUE_ROWS = 20

ENGINE_STATES = {
    "stopped": ("Stopped", "It starts with the first picture."),
    "starting": (
        "Started",
        "No requests yet. The first answer takes longer, because it has to load TensorFlow.",
    ),
    "ready": ("Ready", None),
    "busy": ("Busy", None),
}


def render_machine(services: Services) -> None:
    """What changes by the second; polled only while a run waits or is active."""
    ticking = bool(services.store.active_runs() or services.store.waiting_runs())
    draw_ticking(_draw_machine, services, ticking, every=TICK_SECONDS if ticking else None)


def _draw_machine(services: Services, ticking: bool) -> None:
    store, engine = services.store, services.engine.state
    active, waiting = store.active_runs(), store.waiting_runs()
    if ticking != bool(active or waiting):
        st.rerun()  # polling begins or ends with the whole page
    leases, report = store.leases(), store.devices.usable(list_devices())
    served, searched = is_served(services.workspace), SEARCHER.is_running(services.workspace)
    num_free = sum(not device.is_in(leases) for device in report.devices)
    with st.grid(5, min_column_width=150):
        st.metric(
            "Free devices",
            f"{num_free} of {len(report.devices)}",
            border=True,
            help="A device is what a run trains on: a GPU, or a share of the CPU where there is no GPU. A run needs "
            "a free one to start.",
        )
        st.metric(
            "Waiting runs",
            len(waiting),
            border=True,
            help="Runs start in the order in which they were submitted.",
        )
        st.metric(
            "Scheduler",
            "Running" if served else "Not running" if waiting or active else "Idle",
            border=True,
            help="The background process that starts waiting runs. It exits when there is nothing to do and "
            "starts again with the next run.",
        )
        st.metric(
            "Searcher",
            "Running" if searched else "Not running" if store.needs_searcher() else "Idle",
            border=True,
            help="The background process that chooses the next trials of sweeps. The scheduler starts it, and it exits "
            "when there is nothing to search.",
        )
        st.metric(
            "Picture engine",
            ENGINE_STATES[engine.name][0],
            border=True,
            help="The background process that draws the variants on Augment and answers on Classify.",
        )
    if (waiting or active) and not served:
        st.error(
            "The scheduler is not running, so waiting runs do not start. While it is open, the dashboard tries "
            "to start it every two seconds. If this message stays, the scheduler's log below says why.",
            icon=":material/error:",
        )
    _render_engine_note(engine)
    st.subheader("Devices", anchor=False)
    names = {run.id: run.name for run in active}
    st.dataframe(
        device_rows(report.devices, leases, names),
        hide_index=True,
        placeholder="–",
        column_config=_device_columns(any(device.kind == "gpu" for device in report.devices)),
        alt="Devices with their memory, use and the run that holds each",
    )
    _render_aside(store, report)
    if report.note and report.devices:
        _render_gpu_help(report.note)
    st.subheader("Queue", anchor=False)
    if not waiting and not active:
        st.caption("No run is active or waiting.")
    if problem := first_trouble(services.workspace, [*active, *waiting]):
        st.error(literal(problem), icon=run_words.TROUBLE_ICON)
    for run in active:
        _queue_row(run, run_words.active_note(run))
    for run in waiting[:MAX_QUEUE_ROWS]:
        _queue_row(run, run_words.waiting_reason(run, waiting, active, report))
    if len(waiting) > MAX_QUEUE_ROWS:
        st.caption(f"And {len(waiting) - MAX_QUEUE_ROWS} more.")


def device_rows(
    devices: Sequence[Device], leases: Mapping[str, str], names: Mapping[str, str]
) -> pd.DataFrame:
    """A row per device; memory in GiB, of the whole computer for the CPU. `leases`: run ids by device key."""
    holders = [leases.get(device.key) or leases.get(device.id) for device in devices]
    return pd.DataFrame(
        {
            "device": [run_words.device_name(device.id) for device in devices],
            "name": [device.name for device in devices],
            "used_by": [names.get(holder or "", holder) for holder in holders],
            "memory": [_used_percent(device) for device in devices],
            "memory_text": [_memory_text(device) for device in devices],
            "utilization": [device.utilization_percent for device in devices],
            "temperature": [device.temperature_celsius for device in devices],
            "threads": [device.threads for device in devices],
        }
    )


def _device_columns(has_gpu: bool) -> dict[str, object]:
    column = st.column_config
    return {
        "device": column.TextColumn("Device", width="small"),
        "name": column.TextColumn("Name", width="medium"),
        "used_by": column.TextColumn("Used by", width="medium"),
        "memory": column.ProgressColumn(
            "Memory used",
            min_value=0,
            max_value=100,
            format="%d %%",
            help="By all programs, not by the run alone. If a GPU runs out of memory, its run fails.",
        ),
        "memory_text": column.TextColumn("Memory"),
        "utilization": column.ProgressColumn(
            "Busy", min_value=0, max_value=100, format="%d %%", help="Share of the time in which it computes."
        ),
        "temperature": column.NumberColumn("Temperature", format="%d °C") if has_gpu else None,
        "threads": column.NumberColumn("Threads", help="CPU threads that a run on it uses.", width="small"),
    }


def _render_engine_note(engine: EngineState) -> None:
    if note := ENGINE_STATES[engine.name][1]:
        st.caption(f"Picture engine: {note}")


def _render_aside(store: Store, report: DeviceReport) -> None:
    """GPUs that were lost, and what to do."""
    if report.note and not report.devices:
        st.error(literal(report.note), icon=":material/error:")
    for each in store.devices.aside():
        st.warning(
            literal(
                f"{each.title} is out of use, because {each.reason}. Once it answers, "
                f"python -m core devices --back {each.device} or a new start of the dashboard brings it back."
            ),
            icon=":material/warning:",
        )


def _render_gpu_help(note: str) -> None:
    st.caption(literal(note))
    with st.expander("How to train on a GPU", icon=":material/memory:"):
        st.markdown(
            "1. The computer needs an NVIDIA GPU and its driver: `nvidia-smi` in a terminal must list it.\n"
            "2. Install TensorFlow with CUDA (Linux, or WSL on Windows): "
            "`.venv/bin/pip install -r requirements-gpu.txt`\n"
            "3. Leave `CUDA_VISIBLE_DEVICES` unset, or name the GPUs to use.\n"
            "4. Start the dashboard again. GPUs then appear in the table above, one run on each."
        )


def _queue_row(run: Run, note: str) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(run_words.badge(run), width="content")
        st.page_link("runs.py", label=literal(run.name), query_params={"run": run.id}, width="content")
        st.caption(literal(note), width="content")


def render_storage(services: Services) -> None:
    """Where everything is kept, how large it is, what the trash holds, and how to move it."""
    workspace = services.workspace
    st.subheader("Storage", anchor=False)
    usage = _disk_usage(str(workspace.root))
    trashed = [each.run.id for each in services.store.trash.list_runs()]
    in_trash = trash_bytes(workspace, trashed)
    with st.grid(4, min_column_width=150):
        st.metric("Free on this disk", _size(usage.free), border=True)
        st.metric(
            "Data sets",
            _size(usage.datasets),
            border=True,
            help="Downloaded, generated and imported pictures.",
        )
        st.metric(
            "Runs",
            _size(usage.runs),
            border=True,
            help="Weights, checkpoints and logs, those of deleted runs in the trash included.",
        )
        st.metric("Database", _size(usage.database), border=True, help="Settings and curves of every run.")
    st.progress(
        1 - usage.free / usage.total, f"{_size(usage.total - usage.free)} of {_size(usage.total)} in use"
    )
    if trashed:
        _render_trash(workspace, len(trashed), in_trash)
    if who().is_visitor:
        return
    st.caption("The workspace, the folder that contains all of this:")
    st.code(str(workspace.root), language=None, wrap_lines=True)
    with st.expander("How to move the workspace", icon=":material/folder_open:"):
        st.markdown(
            "Stop the dashboard and wait until no run is active, "
            "move the folder, and start with `CONVDECK_HOME` set to the new location:"
        )
        st.code('CONVDECK_HOME="/new/location" make app', language="bash")


def _render_trash(workspace: Workspace, count: int, num_bytes: int) -> None:
    """How much deleted runs hold until they are deleted for good, and the button that does that now."""
    runs = "1 deleted run" if count == 1 else f"{count} deleted runs"
    days = rough_duration(KEPT_SECONDS).removeprefix("about ")
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(
            f"The trash has {runs}: {_size(num_bytes)}. Each is kept for {days} and can be restored on Runs.",
            width="content",
        )
        why = teacher_only("empty the trash")
        if destructive_button("Empty the trash", "empty-trash", disabled=why is not None, help=why):
            _empty_dialog(workspace, runs, num_bytes)


@st.dialog("Empty the trash?", icon=":material/delete:")
def _empty_dialog(workspace: Workspace, runs: str, num_bytes: int) -> None:
    st.write(f"{runs} with curves, weights and log, {_size(num_bytes)}. This cannot be undone.")
    render_confirmation("Delete permanently", "really-delete-trash", on_click=_empty, args=(workspace,))


def _empty(workspace: Workspace) -> None:
    try:
        empty_trash(workspace)
    except ConvDeckError as error:
        session.flash(literal(error_text(error)))
    _disk_usage.clear()


@st.cache_data(ttl=30, max_entries=4, show_spinner=False)
def _disk_usage(root: str) -> DiskUsage:
    return disk_usage(Workspace(Path(root)))


def render_advice(report: Mapping[str, Any], workspace: Workspace) -> None:
    """What is missing and how to get it, without the advice on GPUs, which stands beside the devices."""
    for advice in report["advice"]:
        if advice == CIFAR10_ADVICE:
            info = describe_dataset(workspace, "cifar10")
            if info is not None and info.state == "available":
                _render_download(info)
            elif info is not None:
                st.caption(f":material/lightbulb: {literal(info.description)}")
        elif advice != report["device_note"]:
            st.caption(f":material/lightbulb: {literal(advice)}")


def _render_download(info: DatasetInfo) -> None:
    st.caption(
        f":material/lightbulb: {literal(info.title)}, the pictures of the article, is not downloaded yet. "
        "Until then, designs start on Shapes, which is generated here."
    )
    fetch_button(info, info.title)


def render_versions(report: Mapping[str, Any]) -> None:
    """Packages by their installed metadata."""
    st.subheader("Versions", anchor=False, help="Of the software that ConvDeck uses.")
    rows = {"python": report["python"], **report["packages"], "sqlite": report["sqlite"]}
    table = pd.DataFrame(
        {"package": list(rows), "version": [version or "missing" for version in rows.values()]}
    )
    st.dataframe(
        table,
        hide_index=True,
        column_config={"package": "Package", "version": "Version"},
        alt="Installed packages and their versions",
    )
    st.caption(literal(report["platform"]))


def _used_percent(device: Device) -> float | None:
    if device.memory_used_mib is None or not device.memory_total_mib:
        return None
    return 100 * device.memory_used_mib / device.memory_total_mib


def _memory_text(device: Device) -> str | None:
    if device.memory_used_mib is None or device.memory_total_mib is None:
        return None
    return f"{device.memory_used_mib / 1024:.1f} of {device.memory_total_mib / 1024:.1f} GiB"


def _size(num_bytes: float) -> str:
    for unit in ("B", "kB", "MB", "GB"):
        if num_bytes < 1000:
            return f"{num_bytes:.0f} {unit}" if unit in ("B", "kB") else f"{num_bytes:.1f} {unit}"
        num_bytes /= 1000
    return f"{num_bytes:.1f} TB"
