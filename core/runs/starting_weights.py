"""The run that another one starts from: what it has to be, which of its layers fit, and that its weights stay."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from core.config import ExperimentConfig
from core.design.architecture import Architecture, describe_network
from core.design.start_files import keep_start, saved_shape
from core.design.starting_weights import LayerStart, plan_start, summaries_of
from core.errors import ConfigError, RunNotFound, UserError
from core.formatting import count_of
from core.store.records import Run
from core.store.states import RunState
from core.store.store import Store
from core.workspace import Workspace

FIELD, FROZEN = "model.start_from", "model.frozen_blocks"

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class StartSource:
    """A finished run whose weights are there, and its network for the pictures and classes that it was trained on."""

    run: Run
    network: Architecture


def can_be_source(run: Run) -> bool:
    """Whether its weights can be started from, as far as its row says. A finished run never changes them again."""
    return run.state is RunState.FINISHED and run.has_weights


def find_source(workspace: Workspace, run_id: str) -> StartSource:
    """The run with this id. Raises ConfigError where another one cannot start from its weights."""
    with Store(workspace) as store:
        try:
            run = store.get_run(run_id)
        except RunNotFound as error:
            raise ConfigError(FIELD, f"cannot be {run_id}: {error} Or choose another run.") from None
    if run.state is not RunState.FINISHED:
        raise ConfigError(
            FIELD,
            f"needs a finished run, whose weights stay as they are: “{run.name}” is {run.state.lower()}. Wait until it "
            "has finished, or choose another run.",
        )
    saved = saved_shape(workspace, run.id) if can_be_source(run) else None
    if saved is None:
        raise ConfigError(FIELD, f"needs a run with weights: “{run.name}” has none. Choose another run.")
    try:
        return StartSource(run, describe_network(run.config.model, *saved))
    except UserError as error:
        raise ConfigError(FIELD, f"cannot be “{run.name}”: {error}") from None


def check_start(
    workspace: Workspace, config: ExperimentConfig, network: Architecture
) -> tuple[StartSource, tuple[LayerStart, ...]] | None:
    """What `network`, that of `config`, starts from, and which of its layers take those weights; None for random ones.

    Raises:
        ConfigError: the run is gone, has not finished or has no weights, no layer fits, or a block that is to be frozen
            has a layer that would stay random.
    """
    if config.model.start_from is None:
        return None
    source = find_source(workspace, config.model.start_from)
    plan = layers_taken(network, source)
    check_fit(network, source, plan)
    return source, plan


def layers_taken(network: Architecture, source: StartSource) -> tuple[LayerStart, ...]:
    """For each layer of `network` that has weights, whether it takes those of `source`."""
    return plan_start(summaries_of(network), summaries_of(source.network))


def check_fit(network: Architecture, source: StartSource, plan: Sequence[LayerStart]) -> None:
    """Raise ConfigError where no layer fits, or a block that is to be frozen has a layer that would stay random."""
    if not any(each.taken for each in plan):
        first = plan[0]
        raise ConfigError(
            FIELD,
            f"fits no layer of this network: “{source.run.name}” was built differently ({first.name}: {first.reason}). "
            "Choose another run, or begin with that run's design.",
        )
    blocks = {layer.name: layer.block for layer in network.layers if layer.frozen}
    for each in plan:
        block = blocks.get(each.name)
        if block is not None and not each.taken:
            instead = f"freeze only {count_of(block, 'block')}" if block else "freeze none"
            raise ConfigError(
                FROZEN,
                f"cannot hold block {block + 1}: {each.name} would start from random weights ({each.reason}) and stay "
                f"random. Give the block the settings that it has in “{source.run.name}”, or {instead}.",
            )


def keep_for_others(workspace: Workspace, store: Store, deleted: Sequence[str]) -> None:
    """Before files are deleted for good: give the weights to the runs that start from them and have not begun."""
    for run in _not_finished(store):
        config = run.readable_config
        source = None if config is None else config.model.start_from
        has_begun = any(workspace.run_folder(run.id).glob("*.checkpoint"))
        if source is not None and source in deleted and run.id not in deleted and not has_begun:
            try:
                keep_start(workspace, run.id, source)
            except OSError as error:
                logger.warning("The weights of %s could not be kept for %s: %s", source, run.id, error)


def _not_finished(store: Store) -> Iterator[Run]:
    for run in [*store.list_runs(), *(each.run for each in store.trash.list_runs())]:
        if run.state is not RunState.FINISHED:
            yield run
