"""Start a study, stop it, queue what is missing, delete it."""

import contextlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from core.config import ExperimentConfig
from core.config.changes import describe_changes
from core.datasets.identity import check_same_data
from core.datasets.lookup import find_dataset
from core.design.presets import get_preset
from core.errors import ConfigError, ConvDeckError, IllegalTransition, RunNotFound
from core.runs import control
from core.runs.source_names import source_ids, source_names
from core.runs.start import check_experiment, fork_name
from core.scheduling.service import ensure_scheduler
from core.store.records import MAX_NAME_CHARACTERS
from core.store.store import Store
from core.store.studies import NewRun, Study
from core.studies.plan import PlannedRun, plan
from core.studies.report import read_report
from core.studies.spec import KINDS, SEEDS, VOLUME, StudySource, StudySpec, build_spec, check_max_seeds
from core.visitors.person import check_not_visitor
from core.workspace import Workspace

# How the runs of a study are called: a study of one of them is not of that seed alone.
_SEED = re.compile(r", seed \d+$")

TITLES = {
    "seeds": "Signal or noise",
    "ablation": "Augmentation ablation",
    "volume": "Data volume",
    "noise": "Label noise",
}


def base_of_run(store: Store, run_id: str, values: Mapping[str, Any]) -> StudySource:
    """A run's config, with `values` replaced by path. Raises RunNotFound, RunError, ConfigError."""
    run = store.get_run(run_id)
    config = run.config.with_values(values)
    name = _SEED.sub("", run.name) or run.name
    if config != run.config:
        names = source_names(store, source_ids((run.config, config)))
        name = fork_name(name, names.words(describe_changes(run.config, config)))
    return StudySource(name, config, run.preset, run.id, is_seed_given="seed" in values)


def base_fork(first: StudySource, values: Mapping[str, Any]) -> StudySource:
    """A base like another one but for `values`. Raises ConfigError."""
    config = first.config.with_values(values)
    name = fork_name(first.name, describe_changes(first.config, config))
    return replace(first, name=name, config=config)


def base_from_scratch(first: StudySource) -> StudySource:
    """The same from random weights, all of which are trained: was it worth it? Raises ConfigError where `first` starts
    from random weights itself.
    """
    if first.config.model.start_from is None:
        raise ConfigError(
            "against", f"cannot be random weights: “{first.name}” starts from random weights itself."
        )
    config = first.config.with_values({"model.start_from": None, "model.frozen_blocks": 0})
    return replace(first, name=fork_name(first.name, "random weights"), config=config)


def base_of_preset(name: str, values: Mapping[str, Any]) -> StudySource:
    """A preset's config, with `values` replaced by path. Raises UserError."""
    return StudySource(
        name, get_preset(name).config.with_values(values), name, is_seed_given="seed" in values
    )


def make_spec(
    workspace: Workspace, kind: str, first: StudySource, second: StudySource | None, asked: Mapping[str, Any]
) -> StudySpec:
    """A spec of what was asked for: see `build_spec` for `asked`. Two configs can be compared by seeds alone.

    A run that a search has chosen was lucky with its seed. Unless a person has asked for a seed, a comparison by seeds
    leaves out those that the trials of its search were trained with, of a confirmation too. Raises UserError.
    """
    if second is not None and kind in KINDS and kind != SEEDS:
        raise ConfigError("against", "is only allowed in a study of kind seeds, which compares two configs.")
    bases = [first] if second is None else [first, _called_differently(first, second)]
    seen: set[int] = set()
    if kind == SEEDS and not first.is_seed_given and (ids := {each.run_id for each in bases} - {None}):
        with Store(workspace) as store:
            by_run = store.sweeps.seeds_seen([each for each in ids if each is not None])
        bases = [replace(each, is_chosen=each.run_id in by_run) for each in bases]
        seen = seen.union(*by_run.values())
    num_available = find_dataset(workspace, first.config.dataset.id).num_train
    return build_spec(kind, bases, asked, num_available, seen)


def check_study(workspace: Workspace, spec: StudySpec) -> tuple[PlannedRun, ...]:
    """The runs of a study, once each of them can be trained here.

    Raises:
        UserError: one of them cannot; its name is said, unless it is true of all. Or a run that the study starts from
            was trained on other data that had the same name.
    """
    planned = plan(spec)
    _check_same_data(workspace, spec)
    if spec.kind == VOLUME:
        # The top of the ladder is "all", so that what is there now would be trained under the old number.
        info = find_dataset(workspace, spec.bases[0].config.dataset.id)
        if info.num_train != spec.num_available:
            raise ConfigError(
                "sizes",
                f"were chosen when there were {spec.num_available or 0:,} training pictures; {info.title} has "
                f"{info.num_train:,} now. Start a new study.",
            )
    checked = set()
    for each in planned:
        # What neither seed nor policy nor wrong labels change need not be looked at again.
        data, model, optimizer = each.config.dataset, each.config.model, each.config.optimizer
        key = (data.id, data.num_train, data.image_size, model, optimizer)
        if key not in checked:
            check_experiment(workspace, each.config)
            checked.add(key)
    return planned


def _check_same_data(workspace: Workspace, spec: StudySpec) -> None:
    """Raise DatasetError where the study would see other pictures than the run that it is about."""
    dataset_of = {base.run_id: base.config.dataset.id for base in spec.bases if base.run_id is not None}
    if dataset_of:
        with Store(workspace) as store:
            for run in store.get_runs(list(dataset_of)):
                if run.dataset == dataset_of[run.id]:
                    check_same_data(workspace, run)


def start_study(
    workspace: Workspace,
    spec: StudySpec,
    name: str | None = None,
    token: str | None = None,
    *,
    reuse: bool = True,
) -> Study:
    """Queue every run of a study, or none. The same token gives the same study again.

    Raises:
        UserError: one of its runs cannot be trained here, or the name is not allowed; nothing is queued then.
    """
    check_not_visitor("start a study")
    workspace.ensure()
    if spec.until_decided:
        spec = replace(spec, reuse=reuse)  # for the seeds that it will add
    planned = check_study(workspace, spec)
    runs = [to_new_run(workspace, each) for each in planned]
    name = name if name is not None and name.strip() else study_name(spec)
    with Store(workspace) as store:
        study = store.studies.create(
            spec.kind, name, spec.to_json(), runs, token=token, reuse=reuse, max_seeds=spec.max_seeds
        )
    ensure_scheduler(workspace)
    return study


def study_name(spec: StudySpec) -> str:
    """`Signal or noise: article and article-augmented`, cut to what a name may have."""
    name = f"{TITLES[spec.kind]}: {' and '.join(base.name for base in spec.bases)}"
    return name if len(name) <= MAX_NAME_CHARACTERS else name[: MAX_NAME_CHARACTERS - 1] + "…"


def complete_study(workspace: Workspace, study_id: str, max_seeds: int | None = None) -> int:
    """Queue the runs that did not finish and those that were deleted again. Returns how many.

    One that adds seeds until it is decided adds more, up to `max_seeds` if given, which may be more than before: its
    intervals hold however long it lasts. Raises StudyNotFound; UserError where the runs that were deleted cannot be
    trained here any more, or the data is not that of the study's other runs; nothing is queued then.
    """
    check_not_visitor("change a study")
    with Store(workspace) as store:
        report = read_report(workspace, store, study_id)
        until_decided = report.spec is not None and report.spec.until_decided
        if max_seeds is not None:
            if report.spec is None or not until_decided:
                raise ConfigError("max_seeds", "is only for a study that adds seeds until it is decided.")
            check_max_seeds(max_seeds, len(report.spec.seeds))
        queued = 0
        if report.holes or report.failed:
            for member in report.members:
                check_same_data(workspace, member.run)
        planned = check_study(workspace, report.spec) if report.spec is not None and report.holes else ()
        runs = [to_new_run(workspace, each) for each in planned]
        store.studies.resume(study_id)
        if runs:
            # Without reuse: the study may have been started so on purpose.
            queued = store.studies.fill(study_id, runs, reuse=False)
        for member in report.failed:
            # Another click or program may have been quicker.
            with contextlib.suppress(IllegalTransition, RunNotFound):
                store.resume_run(member.run.id)
                queued += 1
        if until_decided and not report.is_decided:
            store.studies.continue_adding(study_id, max_seeds)
    ensure_scheduler(workspace)
    return queued


def stop_study(workspace: Workspace, study_id: str) -> int:
    """End its runs and keep what they have learned, and add no more seeds. Returns how many. Raises StudyNotFound.

    Runs that a person started alone, and those that another study or a sweep wants, continue; this one no longer wants
    them, so the other may stop them.
    """
    check_not_visitor("stop a study")
    stopped = 0
    with Store(workspace) as store:
        store.studies.stop(study_id)
        # The last in the queue first: otherwise a stopped run makes room for the next one, which starts for nothing.
        for member in reversed(store.studies.members(study_id)):
            if not member.may_stop or member.run.state.is_finished:
                continue
            with contextlib.suppress(IllegalTransition, RunNotFound):
                store.request_stop(member.run.id)
                stopped += 1
    ensure_scheduler(workspace)
    return stopped


def delete_study(workspace: Workspace, study_id: str, *, with_runs: bool = False) -> Sequence[str]:
    """Forget a study. Its runs stay, or with `with_runs` go too: those that it began and no other study has.

    Returns why runs that should have gone are still there, a sentence each. Raises StudyNotFound.
    """
    check_not_visitor("delete a study")
    kept = []
    with Store(workspace) as store:
        members = store.studies.members(study_id)
        store.studies.delete(study_id)
    for member in members if with_runs else ():
        if not (member.is_reused or member.is_shared):
            try:
                control.delete_run(workspace, member.run.id)
            except ConvDeckError as error:
                kept.append(str(error))
    return kept


def configs_to_train(store: Store, planned: Sequence[PlannedRun], *, reuse: bool) -> list[ExperimentConfig]:
    """What a start would really train: the plan without the runs that are there already."""
    requests = [to_new_run(store.workspace, each).request for each in planned]
    known = store.studies.reusable(requests) if reuse else {}
    return [each.config for each in planned if each.config.config_id not in known]


def to_new_run(workspace: Workspace, planned: PlannedRun) -> NewRun:
    """For the store, with what the run's data is now. Raises DatasetError."""
    new = planned.to_new_run()
    return replace(new, request=control.with_data(workspace, new.request))


def _called_differently(first: StudySource, second: StudySource) -> StudySource:
    """The second, under a name that is not the first's."""
    if second.name != first.name:
        return second
    return replace(second, name=f"{second.name} (second)")
