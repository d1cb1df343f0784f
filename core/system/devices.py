"""What a run can train on: the GPUs that NVIDIA's management library (NVML) sees, else slots of the CPU."""

import contextlib
import ctypes
import importlib
import os
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import psutil

from core.system.cpu import cpu_name

CORES_PER_SLOT = 4


@dataclass(frozen=True)
class Device:
    """One GPU, or one share of the CPU. `id` is `gpu:0` or `cpu:0`; what cannot be read is None.

    Memory in MiB, of the whole computer for the CPU; utilization in percent. `threads` is how many a run on it
    should use.
    """

    id: str
    name: str
    kind: Literal["gpu", "cpu"]
    memory_total_mib: int | None
    memory_used_mib: int | None
    utilization_percent: float | None
    temperature_celsius: float | None
    threads: int


@dataclass(frozen=True)
class DeviceReport:
    """The devices that runs are given, and a note in words on the GPUs that are not among them, if that is known."""

    devices: tuple[Device, ...]
    note: str | None = None


def list_devices(nvml: Any = None, environment: Mapping[str, str] | None = None) -> DeviceReport:
    """All GPUs, or, when there is none, the CPU in slots. Takes 0.1 ms without NVIDIA's driver.

    `nvml` stands for the module `pynvml` (None: import it). CUDA_VISIBLE_DEVICES narrows the GPUs as it does for
    CUDA itself; CONVDECK_CPU_SLOTS says into how many slots the CPU is cut.
    """
    environment = os.environ if environment is None else environment
    gpus, note = _list_gpus(nvml, environment)
    return DeviceReport(tuple(gpus or _list_cpu_slots(environment)), note)


def _list_gpus(nvml: Any, environment: Mapping[str, str]) -> tuple[list[Device], str | None]:
    if nvml is None:
        if not _has_library():
            return [], "No NVIDIA driver is installed: training uses the CPU."
        try:
            nvml = importlib.import_module("pynvml")
        except ImportError:
            return (
                [],
                "The package nvidia-ml-py is not installed, so no GPU can be found: training uses the CPU.",
            )
    try:
        nvml.nvmlInit()
    except nvml.NVMLError as error:
        return [], f"No NVIDIA driver answers ({_reason(error)}): training uses the CPU."
    try:
        num_gpus = nvml.nvmlDeviceGetCount()
        if not num_gpus:
            return [], "NVIDIA's driver sees no GPU: training uses the CPU."
        gpus: dict[int, Device] = {}
        lost: dict[int, str] = {}
        uuids = [""] * num_gpus
        for index in range(num_gpus):
            try:  # each by itself: one that fell off the bus must not send every run to the CPU
                handle = nvml.nvmlDeviceGetHandleByIndex(index)
                uuids[index] = _text(nvml.nvmlDeviceGetUUID(handle))
                gpus[index] = _describe_gpu(nvml, index, handle)
            except nvml.NVMLError as error:
                lost[index] = _reason(error)
        visible = environment.get("CUDA_VISIBLE_DEVICES")
        kept = sorted(set(range(num_gpus) if visible is None else _visible(visible, uuids)))
        if not kept:
            return [], f"CUDA_VISIBLE_DEVICES is {visible!r} and hides every GPU: training uses the CPU."
        usable = [gpus[index] for index in kept if index in gpus]
        if not usable:
            return [], f"The GPUs cannot be read ({lost[kept[0]]}): training uses the CPU."
        notes = [
            f"GPU {index} cannot be read ({lost[index]}) and is left out." for index in kept if index in lost
        ]
        threads = max(1, num_cores() // len(usable))
        return [replace(gpu, threads=threads) for gpu in usable], " ".join(notes) or None
    except nvml.NVMLError as error:
        return [], f"The GPUs cannot be read ({_reason(error)}): training uses the CPU."
    finally:
        with contextlib.suppress(nvml.NVMLError):
            nvml.nvmlShutdown()


def _has_library() -> bool:
    """Whether NVIDIA's library can be loaded. Where it cannot, `pynvml` would take 3 MB to say so."""
    if sys.platform == "win32":
        return True  # pynvml looks in two places
    try:
        ctypes.CDLL("libnvidia-ml.so.1")
    except OSError:
        return False
    return True


def _describe_gpu(nvml: Any, index: int, handle: Any) -> Device:
    """A GPU as if it were the only one. Raises NVMLError when it is lost."""

    def read(function: str, *arguments: Any) -> Any:
        try:
            return getattr(nvml, function)(handle, *arguments)
        except nvml.NVMLError as error:
            if getattr(error, "value", None) == nvml.NVML_ERROR_GPU_IS_LOST:
                raise
            # A laptop's GPU has no fan, a slice of a data centre's no utilization: what is missing is left out.
            return None

    memory, rates = read("nvmlDeviceGetMemoryInfo"), read("nvmlDeviceGetUtilizationRates")
    temperature = read("nvmlDeviceGetTemperature", nvml.NVML_TEMPERATURE_GPU)
    return Device(
        id=f"gpu:{index}",
        name=_text(read("nvmlDeviceGetName") or "GPU"),
        kind="gpu",
        memory_total_mib=None if memory is None else int(memory.total) // 2**20,
        memory_used_mib=None if memory is None else int(memory.used) // 2**20,
        utilization_percent=None if rates is None else float(rates.gpu),
        temperature_celsius=None if temperature is None else float(temperature),
        threads=num_cores(),
    )


def _visible(value: str, uuids: list[str]) -> Iterable[int]:
    """The indices that CUDA_VISIBLE_DEVICES names, up to the first entry that names none, as CUDA reads it."""
    for entry in (part.strip() for part in value.split(",")):
        if entry.isascii() and entry.isdigit():
            found = [int(entry)] if int(entry) < len(uuids) else []
        else:
            found = [index for index, uuid in enumerate(uuids) if entry and uuid.startswith(entry)]
        if len(found) != 1:
            return
        yield found[0]


def _list_cpu_slots(environment: Mapping[str, str]) -> list[Device]:
    cores = num_cores()
    asked = environment.get("CONVDECK_CPU_SLOTS", "")
    slots = (
        int(asked)
        if asked.isascii() and asked.isdigit() and int(asked) > 0
        else max(1, cores // CORES_PER_SLOT)
    )
    memory = psutil.virtual_memory()
    utilization = psutil.cpu_percent(interval=None)  # since it was last asked for: a second time says 0
    return [
        Device(
            id=f"cpu:{index}",
            name=cpu_name(),
            kind="cpu",
            memory_total_mib=memory.total // 2**20,
            memory_used_mib=(memory.total - memory.available) // 2**20,
            utilization_percent=utilization,
            temperature_celsius=None,
            threads=max(1, cores // slots),
        )
        for index in range(slots)
    ]


def num_cores() -> int:
    """The cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _text(value: str | bytes) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else value


def _reason(error: Exception) -> str:
    return str(error) or type(error).__name__
