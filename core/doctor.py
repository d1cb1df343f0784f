"""What this machine has, what is missing and how to get it, for the command line and the System page."""

import importlib.metadata
import platform
import shutil
import sqlite3
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from core.datasets.storage import list_datasets
from core.formatting import as_sentence, count_of, duration
from core.sink_settings import TITLES, read_sink_settings, sink_problems
from core.store.store import Store
from core.system.devices import list_devices
from core.workspace import Workspace

PACKAGES = ("streamlit", "tensorflow", "keras", "plotly", "pandas", "pillow", "numpy", "nvidia-ml-py")
LOW_DISK_BYTES = 2_000_000_000
CIFAR10_ADVICE = "CIFAR-10 is not downloaded yet: python -m core datasets add cifar10 downloads it (170 MB)."


def examine(workspace: Workspace) -> dict[str, Any]:
    """Everything `doctor` prints, as plain values."""
    workspace.ensure()
    packages = {name: _version(name) for name in PACKAGES}
    found = list_devices()
    datasets = [{"id": info.id, "state": info.state} for info in list_datasets(workspace)]
    free = shutil.disk_usage(workspace.root).free
    sinks, wrong = _sinks(workspace)
    with Store(workspace) as store:
        aside = [{**asdict(each), "reason": each.reason} for each in store.devices.aside()]
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "sqlite": sqlite3.sqlite_version,
        "packages": packages,
        "devices": [asdict(device) for device in found.devices],
        "device_note": found.note,
        "devices_aside": aside,
        "datasets": datasets,
        "workspace": str(workspace.root),
        "disk_free_bytes": free,
        "sinks": sinks,
        "advice": _advice(packages, found.note, datasets, free) + wrong,
    }


def in_lines(report: Mapping[str, Any]) -> list[str]:
    """What `examine` found, as text to read and to send to others."""
    return [
        f"Python {report['python']}, {report['platform']}",
        *(f"  {name}: {version or 'missing'}" for name, version in report["packages"].items()),
        f"Workspace {report['workspace']}: {report['disk_free_bytes'] / 1e9:.1f} GB free",
        *(f"Device {device['id']}: {device['name']}" for device in report["devices"]),
        *(
            f"Device {each['device']}: {each['name']}, out of use, because {each['reason']}"
            for each in report["devices_aside"]
        ),
        *(f"Data set {dataset['id']}: {dataset['state']}" for dataset in report["datasets"]),
        *(f"Sink {TITLES[sink['kind']]}, {sink['target']}: {sink_words(sink)}" for sink in report["sinks"]),
        *(f"→ {advice}" for advice in report["advice"]),
    ]


def sink_words(sink: Mapping[str, Any]) -> str:
    """How one of the report's sinks is doing, in sentences."""
    noun = "sweep" if sink["kind"] == "optuna" else "run"
    said = []
    if sink["failing_since"] is not None:
        said.append(f"failing for {_ago(sink['failing_since'])}. {sink['cause']} {sink['next_step']}")
    if sink["sent_at"] is None:
        said.append("nothing was sent yet.")
    else:
        said.append(f"has {count_of(sink['num_sent'], noun)}, the last news {_ago(sink['sent_at'])} ago.")
    if sink["num_refused"]:
        said.append(f"It did not take {count_of(sink['num_refused'], noun)}: {sink['refusal']}")
    return " ".join([said[0], *map(as_sentence, said[1:])])


def _ago(then: float) -> str:
    return duration(max(1.0, time.time() - then))


def _sinks(workspace: Workspace) -> tuple[list[dict[str, Any]], list[str]]:
    """(those that are on, and how they are doing; what is wrong with the settings)."""
    settings, problems = read_sink_settings(), sink_problems()
    if not settings:
        return [], problems
    with Store(workspace) as store:
        return [
            {"kind": each.kind, "target": each.shown, **asdict(store.sinks.state(each.kind, each.shown))}
            for each in settings
        ], problems


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _advice(
    packages: dict[str, str | None], device_note: str | None, datasets: list[dict[str, str]], free: int
) -> list[str]:
    advice = []
    missing = [name for name, version in packages.items() if version is None]
    if missing:
        advice.append(f"{', '.join(missing)} missing: {sys.executable} -m pip install -r requirements.txt")
    if device_note:
        advice.append(device_note)
    if any(entry["id"] == "cifar10" and entry["state"] != "ready" for entry in datasets):
        advice.append(CIFAR10_ADVICE)
    if free < LOW_DISK_BYTES:
        advice.append(f"Only {free / 1e9:.1f} GB are free: set CONVDECK_HOME to a folder on a larger disk.")
    return advice
