"""What the pages and REST of one process share: the store and the engine of a workspace."""

import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from core.engine.client import Engine
from core.export.netron_server import NetronServer
from core.preflight.jobs import PreflightJobs, measure_design, try_rates
from core.server.listening import check_guarded
from core.store.store import Store
from core.workspace import Workspace

if TYPE_CHECKING:
    from core.design.rate_range import RateRange
    from core.preflight.measurement import Preflight

_lock = threading.Lock()
_services: dict[Path, "Services"] = {}


@dataclass(frozen=True)
class Services:
    """One workspace with its store, its engine and its dry runs; and what Netron shows."""

    workspace: Workspace
    store: Store
    engine: Engine
    preflights: "PreflightJobs[Preflight]"
    rate_ranges: "PreflightJobs[RateRange]"
    netron: NetronServer


def get_services() -> Services:
    """The services of the current workspace, made once per process.

    Raises UserError in a process that serves other computers, or ignores its key.
    """
    workspace = Workspace.from_environment()
    with _lock:
        if workspace.root not in _services:
            check_guarded()
            workspace.ensure()
            _services[workspace.root] = Services(
                workspace, Store(workspace), Engine(workspace), PreflightJobs(workspace, measure_design),
                PreflightJobs(workspace, try_rates), NetronServer(),
            )  # fmt: skip
        return _services[workspace.root]
