"""What a run will take, by a dry run: seconds per epoch, the whole run, memory, and a batch size that fits.

Why it measures what it measures, and how near it comes: docs/decisions/0012-dry-run.md.
"""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psutil
from filelock import FileLock, Timeout

from core.config import ExperimentConfig
from core.datasets.lookup import find_dataset
from core.errors import PreflightBusy, PreflightError
from core.preflight import child
from core.preflight.child import OutOfMemory, Tell, TooSlow
from core.runs.start import check_experiment
from core.store.store import Store
from core.system.devices import Device, DeviceReport, list_devices, suited
from core.workspace import Workspace

# Kept free for other programs: a machine that swaps is too slow to use.
RESERVE_MIB = 256
TIMED_SECONDS = 8.0
CGROUP = Path("/sys/fs/cgroup")

BUSY_NOTE = "A run was training on this machine at the same time; alone, this design is faster."
ROUGH_NOTE = "The first step was very slow, so only one more was timed and these figures are rough."

Ask = Callable[..., dict[str, Any]]


@dataclass(frozen=True)
class Preflight:
    """What a dry run of a config found. Seconds and MiB; what could not be measured is None.

    `epoch_seconds` are one epoch with its measuring and saving, of which `train_seconds`, `evaluation_seconds` and
    `saving_seconds` are parts; `total_seconds` are all epochs and `start_seconds`, when it does not stop early.
    `memory_mib` is the most that was taken of `memory_available_mib`: the GPU's, or this computer's. Where the
    config does not `fit`, `largest_batch_size` is the largest that does, found by halving, or None.
    """

    config_id: str
    device: str
    device_name: str
    parameters: int
    batch_size: int
    epochs: int
    fits: bool
    largest_batch_size: int | None = None
    steps: int | None = None
    step_seconds: float | None = None
    train_seconds: float | None = None
    evaluation_seconds: float | None = None
    saving_seconds: float | None = None
    epoch_seconds: float | None = None
    start_seconds: float | None = None
    total_seconds: float | None = None
    images_per_second: float | None = None
    memory_mib: int | None = None
    memory_available_mib: int | None = None
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)


def run_preflight(
    workspace: Workspace,
    config: ExperimentConfig,
    tell: Tell = lambda stage: None,
    *,
    memory_mib: int | None = None,
    seconds: float = TIMED_SECONDS,
    devices: Callable[[], DeviceReport] = list_devices,
    ask: Ask = child.ask,
) -> Preflight:
    """Take some real steps of this config in a process of its own; half a minute, more where it does not fit.

    `memory_mib` is how much of this computer's memory it may take (None: what is free), `seconds` for how long steps
    are timed. A workspace has one dry run at a time. It leases no device: where a run trains on the CPU, it measures
    beside that run, with a note; a GPU with a run on it is left alone, because that run may need the memory.

    Raises:
        UserError: the config cannot be trained here.
        PreflightBusy: another dry run is in progress, or every GPU is training.
        PreflightError: the process failed.
    """
    workspace.ensure()
    network = check_experiment(workspace, config)
    with alone(workspace), Store(workspace) as store:
        leased = set(store.leases())
        chosen, notes = choose_devices(config, usable_devices(store, devices()), leased)
        limit = available_mib() - RESERVE_MIB if memory_mib is None else memory_mib
        of_gpus = chosen[0].kind == "gpu"
        found = Preflight(
            config_id=config.config_id,
            device=",".join(device.id for device in chosen),
            device_name=chosen[0].name,
            parameters=network.parameters,
            batch_size=config.training.batch_size,
            epochs=config.training.epochs,
            fits=False,
            memory_available_mib=_free_of(chosen) if of_gpus else limit,
        )

        def attempt(task: str, attempted: ExperimentConfig) -> dict[str, Any]:
            return ask(workspace, task, attempted, chosen, limit, tell, seconds)

        try:
            timed = attempt("time", config)["timed"]
        except TooSlow:
            raise PreflightError(
                f"A step took more than {child.SILENCE_SECONDS:.0f} seconds and was cancelled: this design is too slow "
                "for this machine. Try smaller batches, fewer filters or smaller pictures."
            ) from None
        except OutOfMemory:
            num_train = config.dataset.num_train or find_dataset(workspace, config.dataset.id).num_train
            found, timed = _with(found, largest_batch_size=_largest(config, num_train, attempt)), None
        if leased or store.leases():
            notes = [BUSY_NOTE, *notes]
        if timed is not None:
            if timed["timed_steps"] < 2:
                notes.append(ROUGH_NOTE)
            found = _with(found, **_figures(timed, config.training.epochs))
        return _with(found, notes=tuple(notes))


def _figures(timed: dict[str, Any], epochs: int) -> dict[str, Any]:
    train = timed["steps"] * timed["step"] + timed["planning"]
    return {
        "fits": True,
        "parameters": timed["parameters"],
        "steps": timed["steps"],
        "step_seconds": timed["step"],
        "train_seconds": train,
        "evaluation_seconds": timed["evaluation"],
        "saving_seconds": timed["saving"],
        "epoch_seconds": timed["epoch"],
        "start_seconds": timed["start"],
        "total_seconds": timed["start"] + epochs * timed["epoch"],
        "images_per_second": timed["pictures"] / train,
        "memory_mib": timed["memory_mib"],
    }


def _with(found: Preflight, **changes: Any) -> Preflight:
    return Preflight(**{**found.to_dict(), **changes})


def usable_devices(store: Store, report: DeviceReport) -> tuple[Device, ...]:
    """Those that are not out of use. Raises PreflightBusy where every GPU is: runs wait then, and use no CPU."""
    aside = store.devices.aside()
    left = report.without({each.key for each in aside})
    if aside and not left.has_gpu:
        raise PreflightBusy(
            f"{aside[0].title} was lost, and there is no other GPU to measure on. System has it, with what to do."
        )
    return left.devices


def choose_devices(
    config: ExperimentConfig, devices: Sequence[Device], leased: set[str]
) -> tuple[list[Device], list[str]]:
    """The devices that a run of this config would be given, as the scheduler would choose them, and what to note."""
    candidates, wanted = suited(devices, config.training.num_gpus)
    gpus = [device for device in candidates if device.kind == "gpu"]
    # A CPU has no memory of its own to be taken away: its first slot is as good as any.
    free = sorted(
        (device for device in candidates if not device.is_in(leased)),
        key=lambda device: (device.memory_used_mib or 0, device.utilization_percent or 0),
    ) or ([] if gpus else list(candidates))
    if len(free) < wanted or not free:
        which = "Every GPU is" if wanted == 1 else f"{wanted} GPUs are needed, and too many are"
        raise PreflightBusy(
            f"{which} training: a dry run there could take memory that a run needs. Try again later."
        )
    notes = []
    if gpus and wanted < config.training.num_gpus:
        notes.append(f"The design asks for {config.training.num_gpus} GPUs; this computer has {wanted}.")
    return free[:wanted], notes


def _largest(
    config: ExperimentConfig, num_train: int, attempt: Callable[[str, ExperimentConfig], dict[str, Any]]
) -> int | None:
    """The largest of the half, the quarter, the eighth … of the batch that fits, by trying few of them."""
    sizes = smaller_batches(config.training.batch_size, num_train, config.training.num_gpus)

    def fits(size: int) -> bool:
        try:
            attempt("fit", config.with_values({"training.batch_size": size}))
        except (OutOfMemory, TooSlow):
            return False
        return True

    # Bisection, because smaller ones fit where larger ones do: 16 halvings are 4 or 5 tries.
    first, beyond = 0, len(sizes)
    while first < beyond:
        middle = (first + beyond) // 2
        if fits(sizes[middle]):
            beyond = middle
        else:
            first = middle + 1
    return sizes[first] if first < len(sizes) else None


def smaller_batches(batch_size: int, num_train: int, num_gpus: int) -> list[int]:
    """What is worth trying below a batch size, the largest first: halves that can be shared out over the GPUs.

    No batch holds more than all pictures, so larger ones are all the same.
    """
    sizes = []
    size = min(batch_size, num_train) // 2
    while size >= num_gpus:
        sizes.append(size - size % num_gpus)
        size //= 2
    return sizes


@contextlib.contextmanager
def alone(workspace: Workspace) -> Iterator[None]:
    """Nothing else in this workspace measures meanwhile. Raises PreflightBusy."""
    lock = FileLock(workspace.root / "preflight.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise PreflightBusy(
            "Another dry run is in progress; two at once would disturb each other. Try again in a minute."
        ) from None
    try:
        yield
    finally:
        lock.release()


def available_mib() -> int:
    """The memory in MiB that is available on this computer, or in this container where that is less."""
    free = int(psutil.virtual_memory().available)
    try:
        most, taken = (int((CGROUP / name).read_text()) for name in ("memory.max", "memory.current"))
        # The kernel gives cached files back when a process needs the memory.
        kept = next(
            int(line.split()[1])
            for line in (CGROUP / "memory.stat").read_text().splitlines()
            if line.startswith("inactive_file ")
        )
        free = min(free, most - taken + kept)
    except (OSError, ValueError, StopIteration):
        pass  # no container, or one without a limit
    return free // 2**20


def _free_of(gpus: Sequence[Device]) -> int | None:
    """Of the GPU that has the least."""
    free = [
        gpu.memory_total_mib - (gpu.memory_used_mib or 0) for gpu in gpus if gpu.memory_total_mib is not None
    ]
    return min(free) if free else None
