"""Start a sweep; what it finds already trained; a trial by hand; a confirmation."""

from collections.abc import Mapping, Sequence
from typing import Any

from core.config import ExperimentConfig
from core.config.labels import label_of
from core.config.refusals import describe, whole_number
from core.datasets.identity import check_same_data
from core.datasets.lookup import check_dataset, find_dataset, values_for
from core.design.presets import get_preset
from core.errors import ConfigError, RunError, TrialTaken, UserError
from core.runs import control
from core.scheduling.service import ensure_scheduler
from core.store.records import MAX_NAME_CHARACTERS, Run, RunRequest
from core.store.states import RunState, TrialState
from core.store.store import Store
from core.store.sweeps import Sweep
from core.store.trials import NewTrialRun, Trial
from core.sweeps.configs import choices_of, configs_for, trial_runs
from core.sweeps.control import confirming, ended_early, queue_again
from core.sweeps.report import SweepReport, read_report
from core.sweeps.spec import (
    MAX_SEEDS,
    SOURCES,
    SweepSource,
    SweepSpec,
    changed,
    check_size,
    parse_spec,
    read_spec,
)
from core.visitors.person import check_not_visitor
from core.workspace import Workspace

CONFIRMED = 3
# Of three trials, one that is better by twice what a difference varies by between seeds is found in 92 % of
# confirmations with 7 seeds, in 62 % with 5 (decision record 31).
CONFIRM_SEEDS = 7
# Another process may add a trial at the same moment; it cannot do so again and again.
ATTEMPTS = 20
REPEATABLE = frozenset({TrialState.STOPPED, TrialState.FAILED})

Found = tuple[dict[str, Any], tuple[NewTrialRun, ...]]


def parse_sweep(workspace: Workspace, store: Store, asked: object) -> SweepSpec:
    """What a sweep's file asks, with the config that it starts from. Raises UserError, with the path of the fault."""
    if not isinstance(asked, Mapping):
        raise ConfigError("", f"A sweep is a JSON object, not {describe(asked)}.")
    return parse_spec(asked, find_source(workspace, store, asked))


def find_source(workspace: Workspace, store: Store, asked: Mapping[str, Any]) -> SweepSource:
    """The config of `preset`, `config` or `run`, with `dataset` and `set`. Raises UserError."""
    given = [key for key in SOURCES if asked.get(key) is not None]
    if len(given) != 1:
        raise ConfigError(
            given[1] if given else "preset", f"Give one of {', '.join(SOURCES)}: the config that is changed."
        )
    source = _named_source(store, given[0], asked[given[0]])
    config = source.config
    dataset = asked.get("dataset")
    if dataset is not None:
        info = find_dataset(workspace, str(dataset))
        config = config.with_values(values_for(info, config.dataset.num_train))
    values = asked.get("set")
    if values is not None:
        if not isinstance(values, Mapping):
            raise ConfigError("set", f"must be an object of paths and values, not {describe(values)}.")
        config = changed(config, values)
    return SweepSource(source.name, config, source.preset, source.run_id)


def _named_source(store: Store, kind: str, value: object) -> SweepSource:
    if kind == "config":
        return SweepSource("config", _config_at("config", value))
    if not isinstance(value, str):
        raise ConfigError(kind, f"must be text, not {describe(value)}.")
    if kind == "preset":
        return SweepSource(value, get_preset(value).config, value)
    run = store.get_run(value)
    return SweepSource(run.name, run.config, run.preset, run.id)


def _config_at(field: str, values: object) -> ExperimentConfig:
    try:
        return ExperimentConfig.from_dict(values)
    except ConfigError as error:
        raise ConfigError(f"{field}.{error.field}" if error.field else field, error.message) from None


def sweep_name(spec: SweepSpec) -> str:
    """`tiny: Optimizer, Learning rate`, cut to what a name may have."""
    name = f"{spec.source.name}: {', '.join(label_of(each.path) for each in spec.space.dimensions)}"
    return name if len(name) <= MAX_NAME_CHARACTERS else name[: MAX_NAME_CHARACTERS - 1] + "…"


def start_sweep(
    workspace: Workspace, spec: SweepSpec, name: str | None = None, token: str | None = None
) -> Sweep:
    """Start a sweep. Runs that are there already are its first trials. The same token gives the same sweep again.

    Raises:
        UserError: its data is not here, or the name is not allowed; nothing is started then.
    """
    check_not_visitor("start a sweep")
    workspace.ensure()
    check_dataset(workspace, spec.base.dataset)
    name = name if name is not None and str(name).strip() else sweep_name(spec)
    with Store(workspace) as store:
        if spec.source.run_id is not None:
            for run in store.get_runs([spec.source.run_id]):
                if run.dataset == spec.base.dataset.id:
                    check_same_data(workspace, run)
        found = find_trials(workspace, store, spec)[: spec.trials]
        sweep = store.sweeps.create(
            name, spec.to_json(), spec.trials, spec.concurrency, token=token, found=found
        )
    ensure_scheduler(workspace)
    return sweep


def find_trials(workspace: Workspace, store: Store, spec: SweepSpec) -> list[Found]:
    """Choices of the space that have been trained with all seeds of the search already, oldest first, and the requests
    for their runs.
    """
    if not spec.reuse:
        return []
    wanted: dict[str, Found] = {}
    data = control.with_data(workspace, RunRequest(spec.base)).data
    finished = {run.id: run for run in reversed(store.list_runs()) if run.state is RunState.FINISHED}
    for run in finished.values():
        choices = _choices_of_run(spec, run)
        if choices is not None and (key := repr(sorted(choices.items()))) not in wanted:
            configs = zip(spec.seeds, configs_for(spec, choices), strict=True)
            runs = tuple(
                NewTrialRun(seed, RunRequest(config, run.name, data=data)) for seed, config in configs
            )
            wanted[key] = (choices, runs)
    there = store.sweeps.reusable(each.request for _, runs in wanted.values() for each in runs)
    return [
        (choices, runs)
        for choices, runs in wanted.values()
        if all(there.get(each.request.config.config_id) in finished for each in runs)
    ]


def _choices_of_run(spec: SweepSpec, run: Run) -> dict[str, Any] | None:
    config = run.readable_config
    if config is None or config.seed not in spec.seeds:
        return None
    # Whole parts that are not searched are compared at once: most runs of a workspace are of something else.
    searched = {str(each.place.steps[0]) for each in spec.space.dimensions}
    for part in ("dataset", "model", "augmentation", "optimizer", "training"):
        if part not in searched and getattr(config, part) != getattr(spec.base, part):
            return None
    return choices_of(spec, config)


def add_trial(workspace: Workspace, sweep_id: str, values: Mapping[str, Any]) -> Trial:
    """Queue a trial with values that a person has chosen, one more than planned. What is left out is as in the base.

    Raises SweepNotFound; UserError where the values are not searched, cannot be trained or have been tried.
    """
    check_not_visitor("change a sweep")
    with Store(workspace) as store:
        sweep = store.sweeps.get(sweep_id)
        spec = read_spec(sweep.spec)
        choices = spec.space.check(values)
        for _ in range(ATTEMPTS):
            sweep, trials = store.sweeps.get(sweep_id), store.sweeps.trials(sweep_id)
            for trial in trials:
                # One without a result, because it was stopped, deleted or has failed, can be tried again.
                if trial.choices == choices and (trial.error or trial.state not in REPEATABLE):
                    raise RunError(f"Trial {trial.number} of “{sweep.name}” has these values already.")
            check_size(max(sweep.planned, len(trials)) + 1, spec.num_seeds)
            runs = trial_runs(workspace, spec, sweep.name, len(trials), choices)
            try:
                added = store.sweeps.add_trial(
                    sweep_id, len(trials), choices, runs, origin="hand", reuse=spec.reuse
                )
                break
            except TrialTaken:
                continue  # the search was quicker
        else:
            raise RunError(f"“{sweep.name}” gets too many trials at once. Try again.")
    ensure_scheduler(workspace)
    return added


def confirm_sweep(workspace: Workspace, sweep_id: str, num_seeds: int = CONFIRM_SEEDS) -> int:
    """Train the best three trials with `num_seeds` fresh seeds, the same for all. Returns how many runs were queued.

    Fresh are those that no trial of this sweep was chosen by, found ones neither. A run with such a seed that exists
    already is reused, if the sweep reuses runs. Seeds that a trial has been confirmed with already are not trained
    again; runs of an earlier confirmation that ended early are queued again. Raises SweepNotFound; UserError where
    fewer than two trials have finished, runs of the confirmation are still stopping, or the data is another one.
    """
    check_not_visitor("change a sweep")
    whole_number("seeds", num_seeds, 2, MAX_SEEDS)
    with Store(workspace) as store:
        report = read_report(workspace, store, sweep_id)
        if report.spec is None:
            raise UserError(str(report.problem))
        best = best_trials(report)
        if len(best) < 2:
            raise RunError(
                f"A confirmation compares trials, and {len(best)} of “{report.sweep.name}” can be compared. Wait "
                "until two have finished."
            )
        spec, name = report.spec, report.sweep.name
        seeds = spec.seeds_after(spec.num_seeds, num_seeds)  # found trials have been judged by spec.seeds too
        runs = {
            number: trial_runs(workspace, spec, name, number, report.trials[number].choices, seeds)
            for number in best
        }
        # All trials of a seed before the next seed, so that the first pair is complete as early as can be.
        wanted = [(number, runs[number][index]) for index in range(num_seeds) for number in best]
        again = ended_early(workspace, store, report.sweep, confirming)
        added = store.sweeps.add_runs(sweep_id, wanted, "confirm", reuse=spec.reuse)
        queued = added + queue_again(store, again)
    ensure_scheduler(workspace)
    return queued


def best_trials(report: SweepReport) -> list[int]:
    """The numbers of the trials that a confirmation would train now."""
    return _different(report.trials, report.ranking)[:CONFIRMED]


def num_to_confirm(report: SweepReport, num_seeds: int) -> int:
    """How many new runs a confirmation with `num_seeds` seeds in all would train."""
    assert report.spec is not None
    seeds = set(report.spec.seeds_after(report.spec.num_seeds, num_seeds))
    return sum(
        len(seeds - {each.seed for each in report.trials[number].confirm_runs})
        for number in best_trials(report)
    )


def _different(trials: Sequence[Trial], ranking: Sequence[int]) -> list[int]:
    """The ranking without trials that have the choices of a better one: they are the same runs."""
    found: list[int] = []
    for number in ranking:
        if all(trials[number].choices != trials[other].choices for other in found):
            found.append(number)
    return found
