"""A learning-rate range test of a config as a dry run: some hundred real steps in a process of its own, none kept."""

import math
from collections.abc import Callable

from core.config import ExperimentConfig
from core.design.rate_range import RateRange, find_rate
from core.errors import PreflightError
from core.preflight import child
from core.preflight.child import OutOfMemory, Tell, TooSlow
from core.preflight.measurement import RESERVE_MIB, Ask, alone, available_mib, choose_devices, usable_devices
from core.runs.start import check_experiment
from core.store.store import Store
from core.system.devices import DeviceReport, list_devices
from core.workspace import Workspace


def run_rate_range(
    workspace: Workspace,
    config: ExperimentConfig,
    tell: Tell = lambda stage: None,
    *,
    devices: Callable[[], DeviceReport] = list_devices,
    ask: Ask = child.ask,
) -> RateRange:
    """Train the config with a rate that rises from step to step, and say which rate suits it.

    Raises:
        UserError: the config cannot be trained here.
        PreflightBusy: another dry run is in progress, or every GPU is training.
        PreflightError: the process failed, a batch does not fit into memory, a step takes minutes, or the first loss is
            not a number.
    """
    workspace.ensure()
    check_experiment(workspace, config)
    with alone(workspace), Store(workspace) as store:
        one = config.with_values({"training.num_gpus": 1})
        chosen, _ = choose_devices(one, usable_devices(store, devices()), set(store.leases()))
        try:
            answer = ask(workspace, "rates", config, chosen, available_mib() - RESERVE_MIB, tell, 0.0)
        except (OutOfMemory, TooSlow):
            raise PreflightError(
                f"Batches of {config.training.batch_size:,} do not fit into memory, or take minutes, so rates could "
                "not be tried. Measure the design first."
            ) from None
    losses = [float("nan") if loss is None else loss for loss in answer["losses"]]
    if not any(map(math.isfinite, losses)):
        raise PreflightError(
            "The loss is not a number in the first step already, so no rate can be suggested. Check "
            "the design: float32 instead of half precision, batch normalisation, no very large layers."
        )
    return find_rate(answer["rates"], losses, diverged=answer["diverged"])
