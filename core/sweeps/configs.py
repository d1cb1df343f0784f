"""From choices to the runs that train them, and back: pure, and the same each time."""

from collections.abc import Mapping, Sequence
from typing import Any

from core.config import ExperimentConfig
from core.config.labels import named_value, shown_value
from core.errors import ConfigError
from core.runs import control
from core.runs.start import check_experiment
from core.store.records import MAX_NAME_CHARACTERS, RunRequest
from core.store.trials import NewTrialRun
from core.sweeps.spec import SweepSpec
from core.workspace import Workspace


def config_of(spec: SweepSpec, choices: Mapping[str, Any]) -> ExperimentConfig:
    """The config of a choice, with the base's seed. Raises ConfigError where these values do not go together."""
    return ExperimentConfig.from_dict(spec.space.applied(choices))


def configs_for(
    spec: SweepSpec, choices: Mapping[str, Any], seeds: Sequence[int] | None = None
) -> tuple[ExperimentConfig, ...]:
    """One for each seed, by default those of the search. Raises ConfigError where the values do not go together.

    Their runs keep no weights of every epoch: a search of many trials would fill the disk.
    """
    config = config_of(spec, choices).with_values({"training.keep_epoch_weights": False})
    return tuple(config.with_values({"seed": seed}) for seed in (spec.seeds if seeds is None else seeds))


def trial_runs(
    workspace: Workspace,
    spec: SweepSpec,
    sweep_name: str,
    number: int,
    choices: Mapping[str, Any],
    seeds: Sequence[int] | None = None,
) -> tuple[NewTrialRun, ...]:
    """The runs of a trial, checked, for `store.sweeps.add_trial`.

    Raises UserError where they cannot be trained: its sentence is the `error` of a trial that FAILED.
    """
    wanted = spec.seeds if seeds is None else tuple(seeds)
    configs = configs_for(spec, choices, wanted)
    check_experiment(workspace, configs[0])
    first = control.with_data(workspace, RunRequest(configs[0]))
    return tuple(
        NewTrialRun(
            seed,
            RunRequest(
                config,
                run_name(sweep_name, number, seed if len(wanted) > 1 or seeds is not None else None),
                spec.source.preset,
                data=first.data,
            ),
        )
        for seed, config in zip(wanted, configs, strict=True)
    )


def run_name(sweep_name: str, number: int, seed: int | None = None) -> str:
    """`Kernel sizes: trial 3, seed 1`, with the sweep's name cut where it would be too long."""
    ending = f": trial {number}" + ("" if seed is None else f", seed {seed}")
    most = MAX_NAME_CHARACTERS - len(ending)
    return (sweep_name if len(sweep_name) <= most else sweep_name[: most - 1] + "…") + ending


def choices_of(spec: SweepSpec, config: ExperimentConfig) -> dict[str, Any] | None:
    """The choices that make this config, whatever its seed; None where none do."""
    plain = config.to_dict()
    choices: dict[str, Any] = {}
    while dimension := spec.space.next_dimension(choices):
        value = spec.space.value_at(dimension.place, plain)
        try:
            choices[dimension.path] = dimension.settle(value)
        except ConfigError:
            return None
    try:
        made = config_of(spec, choices)
    except ConfigError:
        return None
    return choices if made.with_values({"seed": config.seed}) == config else None


def choices_in_words(choices: Mapping[str, Any]) -> str:
    """`Optimizer sgd, Momentum 0.9`; for a number of blocks their number."""
    return ", ".join(named_value(path, value_in_words(path, value)) for path, value in choices.items())


def value_in_words(path: str, value: Any) -> str:
    """As `shown_value`, also for what is no setting by itself."""
    try:
        return shown_value(path, value)
    except (KeyError, TypeError, ValueError):
        return str(value)
