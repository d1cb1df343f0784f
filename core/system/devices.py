"""What a run can train on: the GPUs that NVIDIA's management library (NVML) sees, else slots of the CPU."""

import contextlib
import ctypes
import importlib
import os
import sys
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import psutil

from core.system.cpu import cpu_name

CORES_PER_SLOT = 4


@dataclass(frozen=True)
class Device:
    """One GPU, a slice of one (MIG), or one share of the CPU. `id` is `gpu:0`, `gpu:0:1` or `cpu:0`, as people see it;
    what cannot be read is None.

    Memory in MiB, of the whole computer for the CPU; utilization in percent. `threads` is how many a run on it
    should use. `uuid` is NVML's, which stays when another GPU falls off the bus and the numbers of the others shift.
    """

    id: str
    name: str
    kind: Literal["gpu", "cpu"]
    memory_total_mib: int | None
    memory_used_mib: int | None
    utilization_percent: float | None
    temperature_celsius: float | None
    threads: int
    uuid: str | None = None

    @property
    def key(self) -> str:
        """What a lease is for: the UUID, or the id of a device that has none."""
        return self.uuid or self.id

    @property
    def is_slice(self) -> bool:
        """Whether it is a part of a GPU. A process can use one of them, not several."""
        return self.id.count(":") > 1

    def is_in(self, keys: Container[str]) -> bool:
        """Whether it is among them. A lease of a ConvDeck that knew no UUIDs has its id."""
        return self.key in keys or self.id in keys


@dataclass(frozen=True)
class DeviceReport:
    """The devices that runs are given, and a note in words on the GPUs that are not among them, if that is known.

    `present` are the keys of all GPUs that answer, those that CUDA_VISIBLE_DEVICES hides too; None where NVML did not
    tell of every GPU, so that one that is missing there need not be gone. `lost` are those of which NVML says that they
    are lost: what it says, by key, or by id where not even the UUID can be read.
    """

    devices: tuple[Device, ...]
    note: str | None = None
    present: frozenset[str] | None = None
    lost: Mapping[str, str] = field(default_factory=dict)

    @property
    def has_gpu(self) -> bool:
        return any(device.kind == "gpu" for device in self.devices)

    def without(self, keys: Container[str]) -> "DeviceReport":
        """Without those that are out of use. No share of the CPU takes their place."""
        return replace(self, devices=tuple(each for each in self.devices if each.key not in keys))


def list_devices(nvml: Any = None, environment: Mapping[str, str] | None = None) -> DeviceReport:
    """All GPUs, or, when there is none, the CPU in slots. Takes 0.1 ms without NVIDIA's driver.

    `nvml` stands for the module `pynvml` (None: import it). CUDA_VISIBLE_DEVICES narrows the GPUs as it does for
    CUDA itself; CONVDECK_CPU_SLOTS says into how many slots the CPU is cut.
    """
    environment = os.environ if environment is None else environment
    report = _list_gpus(nvml, environment)
    return report if report.devices else replace(report, devices=tuple(_list_cpu_slots(environment)))


def suited(devices: Sequence[Device], num_gpus: int) -> tuple[list[Device], int]:
    """(those that a run which asks for that many GPUs may be given, how many of them it gets): at most all GPUs, and
    one slice alone; one share of the CPU where there is no GPU.
    """
    gpus = [device for device in devices if device.kind == "gpu"]
    whole = [device for device in gpus if not device.is_slice]
    if num_gpus > 1 and len(whole) > 1:
        return whole, min(num_gpus, len(whole))
    return gpus or list(devices), 1


def _list_gpus(nvml: Any, environment: Mapping[str, str]) -> DeviceReport:
    if nvml is None:
        if not _has_library():
            return _no_gpu("No NVIDIA driver is installed")
        try:
            nvml = importlib.import_module("pynvml")
        except ImportError:
            return _no_gpu("The package nvidia-ml-py is not installed, so no GPU can be found")
    try:
        nvml.nvmlInit()
    except nvml.NVMLError as error:
        return _no_gpu(f"No NVIDIA driver answers ({_reason(error)})")
    try:
        return _ask_gpus(nvml, environment)
    except nvml.NVMLError as error:
        return _no_gpu(f"The GPUs cannot be read ({_reason(error)})")
    finally:
        with contextlib.suppress(nvml.NVMLError):
            nvml.nvmlShutdown()


def _no_gpu(
    why: str, present: frozenset[str] | None = None, lost: Mapping[str, str] | None = None
) -> DeviceReport:
    return DeviceReport((), f"{why}: training uses the CPU.", present, lost or {})


def _ask_gpus(nvml: Any, environment: Mapping[str, str]) -> DeviceReport:
    """Raises NVMLError where not even their number can be read."""
    num_gpus = nvml.nvmlDeviceGetCount()
    if not num_gpus:
        return _no_gpu("NVIDIA's driver sees no GPU", frozenset())
    gpus: dict[int, list[Device]] = {}
    left_out: dict[int, str] = {}
    lost: dict[str, str] = {}
    uuids = {f"gpu:{index}": "" for index in range(num_gpus)}
    is_complete = True
    for index in range(num_gpus):
        id = f"gpu:{index}"
        try:  # each by itself: one that fell off the bus must not send every run to the CPU
            handle = nvml.nvmlDeviceGetHandleByIndex(index)
            uuids[id] = _uuid(nvml, handle) or ""
            gpus[index] = _describe_gpu(nvml, index, handle)
        except nvml.NVMLError as error:
            left_out[index] = _reason(error)
            if _is_lost(nvml, error):
                lost[uuids[id] or id] = _reason(error)
            else:
                is_complete = False
    for device in (each for found in gpus.values() for each in found):
        uuids[device.id] = device.uuid or ""
    present = frozenset(filter(None, uuids.values())) - lost.keys() if is_complete else None
    visible = environment.get("CUDA_VISIBLE_DEVICES")
    kept = set(uuids if visible is None else _visible(visible, uuids))
    if not kept:
        return _no_gpu(f"CUDA_VISIBLE_DEVICES is {visible!r} and hides every GPU", present, lost)
    usable = [
        device
        for index in sorted(gpus)
        for device in gpus[index]
        if f"gpu:{index}" in kept or device.id in kept
    ]
    notes = [
        f"GPU {index} cannot be read ({why}) and is left out."
        for index, why in left_out.items()
        if f"gpu:{index}" in kept
    ]
    if not usable:
        why = next((why for index, why in left_out.items() if f"gpu:{index}" in kept), None)
        none = (
            "Every GPU is in MIG mode and has no slice" if why is None else f"The GPUs cannot be read ({why})"
        )
        return _no_gpu(none, present, lost)
    notes += [
        f"GPU {index} is in MIG mode and has no slice, so no run can use it."
        for index, found in gpus.items()
        if not found and f"gpu:{index}" in kept
    ]
    threads = max(1, num_cores() // len(usable))
    return DeviceReport(
        tuple(replace(gpu, threads=threads) for gpu in usable), " ".join(notes) or None, present, lost
    )


def _has_library() -> bool:
    """Whether NVIDIA's library can be loaded. Where it cannot, `pynvml` would take 3 MB to say so."""
    if sys.platform == "win32":
        return True  # pynvml looks in two places
    try:
        ctypes.CDLL("libnvidia-ml.so.1")
    except OSError:
        return False
    return True


def _is_lost(nvml: Any, error: Exception) -> bool:
    return bool(getattr(error, "value", None) == nvml.NVML_ERROR_GPU_IS_LOST)


def _read(nvml: Any, function: str, handle: Any, *arguments: Any) -> Any:
    """What a function of NVML says of a GPU, None where it cannot. Raises NVMLError when the GPU is lost."""
    try:
        return getattr(nvml, function)(handle, *arguments)
    except nvml.NVMLError as error:
        if _is_lost(nvml, error):
            raise
        # A laptop's GPU has no fan, a slice of a data centre's no utilization: what is missing is left out.
        return None


def _uuid(nvml: Any, handle: Any) -> str | None:
    found = _read(nvml, "nvmlDeviceGetUUID", handle)
    return None if found is None else _text(found)


def _describe_gpu(nvml: Any, index: int, handle: Any) -> list[Device]:
    """A GPU as if it were the only one, or its slices where it is in MIG mode. Raises NVMLError when it is lost."""
    mode = _read(nvml, "nvmlDeviceGetMigMode", handle)  # [now, after a reset]; few GPUs have it
    if not mode or mode[0] != nvml.NVML_DEVICE_MIG_ENABLE:
        return [_describe(nvml, f"gpu:{index}", handle)]
    slots = range(_read(nvml, "nvmlDeviceGetMaxMigDeviceCount", handle) or 0)
    # Slots without a slice have no handle.
    found = ((slot, _read(nvml, "nvmlDeviceGetMigDeviceHandleByIndex", handle, slot)) for slot in slots)
    return [_describe(nvml, f"gpu:{index}:{slot}", part) for slot, part in found if part is not None]


def _describe(nvml: Any, id: str, handle: Any) -> Device:
    memory = _read(nvml, "nvmlDeviceGetMemoryInfo", handle)
    rates = _read(nvml, "nvmlDeviceGetUtilizationRates", handle)
    temperature = _read(nvml, "nvmlDeviceGetTemperature", handle, nvml.NVML_TEMPERATURE_GPU)
    return Device(
        id=id,
        name=_text(_read(nvml, "nvmlDeviceGetName", handle) or "GPU"),
        kind="gpu",
        memory_total_mib=None if memory is None else int(memory.total) // 2**20,
        memory_used_mib=None if memory is None else int(memory.used) // 2**20,
        utilization_percent=None if rates is None else float(rates.gpu),
        temperature_celsius=None if temperature is None else float(temperature),
        threads=num_cores(),
        uuid=_uuid(nvml, handle),
    )


def _visible(value: str, uuids: Mapping[str, str]) -> Iterable[str]:
    """The ids that CUDA_VISIBLE_DEVICES names, up to the first entry that names none, as CUDA reads it. The id of a GPU
    stands for its slices too.
    """
    for entry in (part.strip() for part in value.split(",")):
        if entry.isascii() and entry.isdigit():
            found = [f"gpu:{int(entry)}"] if f"gpu:{int(entry)}" in uuids else []
        else:
            found = [id for id, uuid in uuids.items() if entry and uuid.startswith(entry)]
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
