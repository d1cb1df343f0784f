"""Optuna's storage: each sweep as a study that optuna-dashboard and Optuna itself open.

A study is brought to where its sweep is, whatever it holds by then: so nothing has to be kept of what was sent before.
Trials have the numbers that they have in the sweep. Optuna never changes a trial that has ended, so what happens to one
later (a run that is resumed) does not reach it.
"""

import datetime
from collections.abc import Mapping, Sequence
from typing import Any

from core.errors import SweepNotFound, UserError
from core.formatting import reason
from core.sinks.sink import SinkRefused, SinkUnavailable
from core.store.states import TrialState
from core.store.store import Store
from core.store.sweeps import Sweep
from core.store.trials import Trial
from core.sweeps.dimension import Dimension
from core.sweeps.objective import Measuring
from core.sweeps.search import distribution_of, load_optuna
from core.sweeps.space import text_of
from core.sweeps.spec import SweepSpec, read_spec

Curves = Mapping[str, Sequence[float | None]]


class OptunaSink:
    """Writes into one storage, which is opened with the first sweep."""

    def __init__(self, url: str, shown: str) -> None:
        self._url = url
        self._shown = shown
        self._storage: Any = None

    def send(self, store: Store, sweep_id: str, key: str | None) -> str:
        """Bring the study to where the sweep is. Returns its name. Raises SinkUnavailable, SinkRefused."""
        try:
            sweep = store.sweeps.get(sweep_id)
            spec = read_spec(sweep.spec)
            trials = store.sweeps.trials(sweep_id)
            seconds = store.sweeps.training_seconds(sweep_id) if "seconds" in spec.objective.measures else {}
            curves = store.sweeps.val_accuracies(sweep_id)
        except SweepNotFound as error:
            raise SinkRefused(str(error)) from None
        except UserError as error:
            raise SinkRefused(str(error)) from error
        measuring = Measuring(store.workspace, spec.objective, seconds)
        name = key or f"{sweep.name} ({sweep.id})"
        try:
            study = self._study(name, sweep, spec)
            _bring_up_to_date(study, spec, trials, measuring, curves)
        except SinkRefused:
            raise
        except Exception as error:  # of SQLAlchemy, of the database's driver, of Optuna
            self._storage = None
            raise SinkUnavailable(
                f"The storage {self._shown} cannot be used: {reason(error)}.",
                "Check CONVDECK_OPTUNA, the database and its driver. What was missed is sent later.",
            ) from error
        return name

    def _study(self, name: str, sweep: Sweep, spec: SweepSpec) -> Any:
        optuna = load_optuna()
        if self._storage is None:
            self._storage = optuna.storages.RDBStorage(self._url)
        study = optuna.create_study(
            storage=self._storage,
            study_name=name,
            directions=list(spec.objective.directions),
            load_if_exists=True,
        )
        said = {
            "convdeck_sweep": sweep.id, "state": str(sweep.state), "method": spec.method, "pruning": spec.pruning,
            "objective": spec.objective.to_asked(),
        }  # fmt: skip
        known = study.user_attrs
        for attribute, value in said.items():
            if known.get(attribute) != value:
                study.set_user_attr(attribute, value)
        return study


def _bring_up_to_date(
    study: Any, spec: SweepSpec, trials: Sequence[Trial], measuring: Measuring, curves: Curves
) -> None:
    storage = study._storage
    known = storage.get_all_trials(study._study_id, deepcopy=False)
    for trial in trials:
        wanted = as_optuna(spec, trial, measuring, curves)
        if trial.number >= len(known):
            storage.create_new_trial(study._study_id, template_trial=wanted)
            continue
        there = known[trial.number]
        if there.state.is_finished():
            continue
        for step, value in wanted.intermediate_values.items():
            if there.intermediate_values.get(step) != value:
                storage.set_trial_intermediate_value(there._trial_id, step, value)
        for attribute, value in wanted.user_attrs.items():
            if there.user_attrs.get(attribute) != value:
                storage.set_trial_user_attr(there._trial_id, attribute, value)
        # One that waits again, in another attempt, stays RUNNING: Optuna knows no way back.
        if wanted.state.is_finished() or (wanted.state.name, there.state.name) == ("RUNNING", "WAITING"):
            storage.set_trial_state_values(there._trial_id, wanted.state, wanted.values)


def as_optuna(spec: SweepSpec, trial: Trial, measuring: Measuring, curves: Curves) -> Any:
    """A trial as Optuna keeps it. Intermediate values are the validation accuracies of its first seed, by epoch.

    Values outside the space, which people may try by hand, are only in the attribute `choices`.
    """
    optuna = load_optuna()
    states = optuna.trial.TrialState
    results = measuring.of_trial(trial, spec.num_seeds)
    match trial.state:
        case TrialState.WAITING:
            state = states.WAITING
        case TrialState.RUNNING:
            state = states.RUNNING
        case TrialState.PRUNED:
            state = states.PRUNED
        case _:
            state = states.FAIL if results is None else states.COMPLETE
    params, distributions = {}, {}
    for dimension in spec.space.dimensions:
        if dimension.path in trial.choices:
            distribution = _readable_distribution(dimension)
            value = trial.choices[dimension.path]
            value = value if _is_plain(dimension) else text_of(value)
            try:
                inside = distribution._contains(distribution.to_internal_repr(value))
            except ValueError:
                inside = False
            if inside:
                params[dimension.path], distributions[dimension.path] = value, distribution
    attributes: dict[str, Any] = {
        "choices": trial.choices,
        "origin": trial.origin,
        "runs": [each.run.id for each in trial.search_runs],
    }
    if trial.error is not None:
        attributes["error"] = trial.error
    found = optuna.trial.create_trial(
        state=state,
        params=params,
        distributions=distributions,
        values=list(results) if results is not None and state is states.COMPLETE else None,
        user_attrs=attributes,
        intermediate_values=_intermediate(trial, curves),
    )
    found.datetime_start = None if state is states.WAITING else _date(trial.created_at)
    if state.is_finished():
        ended = [each.run.ended_at for each in trial.search_runs if each.run.ended_at is not None]
        found.datetime_complete = _date(max([trial.created_at, *ended]))
    return found


def _intermediate(trial: Trial, curves: Curves) -> dict[int, float]:
    if not trial.search_runs:
        return {}
    curve = curves.get(trial.search_runs[0].run.id, ())[: trial.pruned_at]
    return {epoch: value for epoch, value in enumerate(curve, start=1) if value is not None}


def _is_plain(dimension: Dimension) -> bool:
    """Whether Optuna takes its values as they are and tells them apart: 1 and true are one to it."""
    if dimension.values is None:
        return True
    kinds = (str, int, float, bool, type(None))
    return all(isinstance(each, kinds) for each in dimension.values) and len(set(dimension.values)) == len(
        dimension.values
    )


def _readable_distribution(dimension: Dimension) -> Any:
    if dimension.values is not None and _is_plain(dimension):
        return load_optuna().distributions.CategoricalDistribution(list(dimension.values))
    return distribution_of(dimension)


def _date(time: float) -> datetime.datetime:
    """As Optuna keeps times: local, without a zone."""
    return datetime.datetime.fromtimestamp(time)
