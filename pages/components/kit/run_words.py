"""Runs in words: states with their looks, devices, and why a run waits. No `st.*`."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from core.errors import RunError, RunNotFound
from core.formatting import percent
from core.runs.breakdown import balanced_in_words
from core.store.records import Run
from core.store.states import RunState
from core.store.store import Store
from core.system.devices import DeviceReport
from pages.components.kit.text import error_text

Color = Literal["red", "orange", "blue", "green", "gray"]


@dataclass(frozen=True)
class Look:
    """How a state is shown."""

    label: str
    color: Color
    icon: str


LOOKS = {
    RunState.WAITING: Look("Waiting", "gray", ":material/schedule:"),
    RunState.STARTING: Look("Starting", "blue", ":material/hourglass_top:"),
    RunState.RUNNING: Look("Running", "blue", ":material/play_arrow:"),
    RunState.PAUSED: Look("Paused", "orange", ":material/pause:"),
    RunState.FINISHED: Look("Finished", "green", ":material/check_circle:"),
    RunState.STOPPED: Look("Stopped", "orange", ":material/stop_circle:"),
    RunState.FAILED: Look("Failed", "red", ":material/error:"),
    RunState.INTERRUPTED: Look("Interrupted", "red", ":material/power_off:"),
}
TROUBLE_ICON = ":material/hard_drive:"


def badge(run: Run) -> str:
    """Its state as Markdown, to stand in a line of text: an element of its own takes a whole line of a phone."""
    look = LOOKS[run.state]
    label = look.label
    if run.state.is_active and run.stop_requested:
        label = "Stopping"
    elif run.state is RunState.PAUSED and not run.pause_requested:
        label = "Resuming"
    elif run.state is RunState.RUNNING and run.pause_requested:
        label = "Pausing"
    return f":{look.color}-badge[{look.icon} {label}]"


def device_name(device: str | None) -> str | None:
    """`gpu:0,gpu:1` → `GPU 0, GPU 1`."""
    if device is None:
        return None
    parts = (part.partition(":") for part in device.split(","))
    return ", ".join(f"{kind.upper()} {number}".strip() for kind, _, number in parts)


def distinct_names(runs: Sequence[Run]) -> list[str]:
    """The name of each, with its id where others among them have the same name."""
    names = [run.name for run in runs]
    return [
        f"{name} ({run.id})" if names.count(name) > 1 else name for name, run in zip(names, runs, strict=True)
    ]


def best_in_words(run: Run) -> str:
    """The best validation accuracy, with the balanced one where classes are uneven: `62.4 % (balanced 51.2 %)`."""
    return f"{percent(run.best_val_accuracy)}{balanced_in_words(run)}"


def active_note(run: Run) -> str:
    """What a run that holds a device is doing, in a few words."""
    place = device_name(run.device)
    if run.state is RunState.STARTING:
        return f"starting on {place}"
    paused = "paused, " if run.state is RunState.PAUSED else ""
    return f"{paused}epoch {min(run.epoch + 1, run.total_epochs)} of {run.total_epochs} on {place}"


def waiting_reason(run: Run, waiting: Sequence[Run], active: Sequence[Run], report: DeviceReport) -> str:
    """Why a run has not started yet, in a sentence or two, names not escaped. `waiting` is the queue in its order."""
    if not report.devices:
        return report.note or "It waits for a device."
    ids = [each.id for each in waiting]
    place = ids.index(run.id) if run.id in ids else 0
    if place:
        ahead = f"the run “{waiting[0].name}”" if place == 1 else f"{place} runs"
        return f"Number {place + 1} in the queue, behind {ahead}."
    busy = [each for each in active if each.device]
    if busy and run.num_gpus > 1:
        return f"Next in the queue: it starts when {run.num_gpus} devices are free at once."
    if busy and len({device for each in busy for device in str(each.device).split(",")}) >= len(
        report.devices
    ):
        holders = ", ".join(f"“{each.name}”" for each in busy[:3]) + (" and others" if len(busy) > 3 else "")
        paused = [each for each in busy if each.state is RunState.PAUSED]
        hint = f" “{paused[0].name}” is paused: resume or stop it." if paused else ""
        return f"Next in the queue: it starts when {'one of ' if len(busy) > 1 else ''}{holders} ends.{hint}"
    return "Next in the queue: it starts within a few seconds."


def why_no_weights(store: Store, run_id: str) -> str:
    """Why a run that was asked for by its id is not among those that can classify pictures."""
    try:
        store.get_run(run_id).check_weights()
    except RunNotFound:
        pass
    except RunError as error:
        return error_text(error)
    return f"There is no run “{run_id[:40]}” with weights here."
