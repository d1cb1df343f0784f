"""What Prometheus scrapes at `/metrics`: queue, states, devices, disk, and how long answers and ticks take.

Gauges are read from the store when they are asked for, so they cost nothing in between, and a server that has just
started knows them all. It is loaded with the first scrape.
"""

import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.registry import Collector
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from core.api.events import num_listeners
from core.api.responses import answer
from core.scheduling.service import is_served
from core.server.crowd import num_open_pages
from core.server.services import Services, get_services
from core.server.timings import ANSWERS, BOUNDS, TICKS, Durations
from core.store.states import RunState, SweepState
from core.system.devices import Device, list_devices
from core.visitors.person import check_not_visitor

MIB = 2**20


class ServerCollector(Collector):
    """The metrics of one workspace and of the server's process."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def collect(self) -> Iterator[Metric]:
        """All of them as they are now. Raises ConvDeckError where the store cannot be read."""
        yield from self._of_queue()
        yield from self._of_devices()
        usage = shutil.disk_usage(self._services.workspace.root)
        yield gauge("disk_free_bytes", "Free space on the disk of the workspace.", [((), usage.free)])
        yield gauge("pages_open", "Pages of the dashboard that are open.", [((), num_open_pages())])
        yield gauge("event_listeners", "Listeners to events of runs.", [((), num_listeners())])
        yield histogram(
            "rest_answer_seconds",
            "Seconds until the answer of REST began, by method, address and status.",
            ("method", "route", "status"),
            ANSWERS,
        )
        yield histogram(
            "page_tick_seconds", "Seconds to draw a part of a page again by its timer.", ("part",), TICKS
        )

    def _of_queue(self) -> Iterator[Metric]:
        store = self._services.store
        counts = store.count_by_state()
        states = [((state.value,), counts.get(state, 0)) for state in RunState]
        yield gauge("runs", "Runs by state, without those in the trash.", states, ("state",))
        waiting = store.waiting_runs()
        oldest = max((time.time() - run.created_at for run in waiting), default=0.0)
        yield gauge("queue_length", "Runs that wait for a device.", [((), len(waiting))])
        yield gauge(
            "queue_oldest_seconds", "For how long the oldest run in the queue has been there.", [((), max(0.0, oldest))]
        )  # fmt: skip
        speed = sum(run.images_per_second or 0.0 for run in store.active_runs())
        yield gauge("training_images_per_second", "Pictures per second of all runs together.", [((), speed)])
        sweeps = Counter(sweep.state for sweep in store.sweeps.list_sweeps())
        of_sweeps = [((state.value,), sweeps[state]) for state in SweepState]
        yield gauge("sweeps", "Sweeps by state.", of_sweeps, ("state",))
        is_up = is_served(self._services.workspace)
        yield gauge(
            "scheduler_up", "1 while a scheduler runs; it ends when there is nothing to do.", [((), is_up)]
        )

    def _of_devices(self) -> Iterator[Metric]:
        devices, leases = list_devices().devices, self._services.store.leases()
        busy = [((each.id, each.kind, each.name), each.is_in(leases)) for each in devices]
        yield gauge("device_busy", "1 while a run holds the device.", busy, ("device", "kind", "name"))
        measures: tuple[tuple[str, str, Callable[[Device], float | None]], ...] = (
            ("device_memory_used_bytes", "Memory in use, of the CPU that of the computer.", _used),
            ("device_memory_total_bytes", "Memory in all.", _total),
            ("device_utilization_ratio", "From 0 to 1.", _utilization),
            ("device_temperature_celsius", "Temperature.", lambda device: device.temperature_celsius),
        )
        for name, about, value in measures:
            known = [((each.id,), found) for each in devices if (found := value(each)) is not None]
            yield gauge(name, about, known, ("device",))


def gauge(
    name: str, about: str, values: Iterable[tuple[Sequence[str], float]], labels: Sequence[str] = ()
) -> GaugeMetricFamily:
    """`convdeck_NAME` with a value for each tuple of labels."""
    family = GaugeMetricFamily(f"convdeck_{name}", about, labels=labels)
    for key, value in values:
        family.add_metric(key, float(value))
    return family


def histogram(name: str, about: str, labels: tuple[str, ...], durations: Durations) -> HistogramMetricFamily:
    """`convdeck_NAME`, whose buckets hold all that took up to their bound."""
    family = HistogramMetricFamily(f"convdeck_{name}", about, labels=labels)
    for key, counted in durations.all().items():
        total, buckets = 0, []
        for bound, number in zip((*map(str, BOUNDS), "+Inf"), counted.numbers, strict=True):
            total += number
            buckets.append((bound, float(total)))
        family.add_metric(key, buckets, counted.seconds)
    return family


def _used(device: Device) -> float | None:
    return None if device.memory_used_mib is None else device.memory_used_mib * MIB


def _total(device: Device) -> float | None:
    return None if device.memory_total_mib is None else device.memory_total_mib * MIB


def _utilization(device: Device) -> float | None:
    return None if device.utilization_percent is None else device.utilization_percent / 100


async def metrics_endpoint(scope: Scope, receive: Receive, send: Send) -> None:
    """Not for visitors of a class: it tells of everybody's runs and of the machine."""

    def make() -> Response:
        check_not_visitor("read the server's metrics")
        registry = CollectorRegistry(auto_describe=False)
        ProcessCollector(registry=registry)
        registry.register(ServerCollector(get_services()))
        return Response(generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_PLAIN_0_0_4})

    response = await answer(make)
    await response(scope, receive, send)
