"""A study as it stands: its runs, what is missing, and the result of those that have finished."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from core.datasets.splits import CLEAN_PICTURES
from core.datasets.storage import describe_dataset
from core.epoch import Curves
from core.errors import UserError
from core.runs.documents import run_summary
from core.store.records import Run
from core.store.states import RunState
from core.store.store import Store
from core.store.studies import Member, Study
from core.studies.ablation import AblationResult, analyse_ablation
from core.studies.decision import MOST_WITHOUT_A_PAIR, Decision, stalled_seeds
from core.studies.noise import NoiseResult, analyse_noise
from core.studies.plan import PlannedRun, RunRole, conditions_of, plan
from core.studies.run_results import Pictures, RunResult, summarise_run
from core.studies.seeds import SeedsResult, compare_seeds
from core.studies.spec import ABLATION, SEEDS, VOLUME, StudySpec
from core.studies.volume import VolumeResult, analyse_volume
from core.workspace import Workspace

Result = SeedsResult | AblationResult | VolumeResult | NoiseResult

# A run that was stopped half-way is no measurement of its config: only these count.
COUNTED = RunState.FINISHED


@dataclass(frozen=True)
class StudyReport:
    """`members` are its runs; `holes` were planned and are not there (any more). `result` is what the finished runs
    say, and `problem` why there is none, where what the study asked cannot be read.
    """

    study: Study
    spec: StudySpec | None
    members: tuple[Member, ...]
    holes: tuple[PlannedRun, ...]
    result: Result | None
    problem: str | None

    @property
    def num_planned(self) -> int:
        return len(self.members) + len(self.holes)

    @property
    def num_finished(self) -> int:
        """How many runs the result rests on."""
        return sum(member.run.state is COUNTED for member in self.members)

    @property
    def is_partial(self) -> bool:
        return self.num_finished < self.num_planned

    @property
    def under_way(self) -> tuple[Member, ...]:
        return tuple(member for member in self.members if not member.run.state.is_finished)

    @property
    def failed(self) -> tuple[Member, ...]:
        """Those that ended before they were done, for whatever reason."""
        return tuple(
            member
            for member in self.members
            if member.run.state.is_finished and member.run.state is not COUNTED
        )

    @property
    def decision(self) -> Decision | None:
        """How it stands with a comparison that adds seeds until it is decided; None with another study."""
        return self.result.decision if isinstance(self.result, SeedsResult) else None

    @property
    def is_decided(self) -> bool:
        """Whether it has added seeds until it was decided."""
        return self.decision is not None and self.decision.verdict is not None

    @property
    def adding(self) -> str | None:
        """What happens next with seeds that are added; None where none are, or nothing is left to say."""
        decision, spec = self.decision, self.spec
        if decision is None or spec is None or decision.verdict is not None:
            return None
        are_used = len(spec.seeds) >= decision.max_seeds
        if self.study.adds_seeds and (self.under_way or not are_used):
            return f"Seeds are added until it is decided, {decision.max_seeds} at most."
        if self.study.ended_by is not None:
            return f"No more seeds are added: {self.study.ended_by} Fix the cause, then continue the study."
        if are_used:
            return (
                f"All {decision.max_seeds} seeds are used. With a larger number it continues where it stands."
            )
        was_stopped = any(member.run.state is RunState.STOPPED for member in self.failed)
        if self.num_stalled >= MOST_WITHOUT_A_PAIR and not was_stopped:
            return (
                f"No more seeds are added: the last {self.num_stalled} have no pair of results. Fix the cause, then "
                "queue the missing runs again."
            )
        return "No more seeds are added, because it was stopped. It can be continued."

    @property
    def seeds_note(self) -> str | None:
        """See `StudySpec.seeds_note`."""
        return None if self.spec is None else self.spec.seeds_note

    @property
    def continuing(self) -> tuple[Member, ...]:
        """The runs that go on although it was stopped: others want them."""
        if not self.study.is_stopped:
            return ()
        return tuple(member for member in self.under_way if not member.run.stop_requested)

    @property
    def stopped(self) -> str | None:
        """That it was stopped, and what goes on; None where it was not, all has finished, or `adding` says it."""
        if not self.study.is_stopped or not self.is_partial:
            return None
        number = len(self.continuing)
        if not number:
            return "It was stopped." if self.adding is None else None
        runs, them = ("1 run continues", "it") if number == 1 else (f"{number} runs continue", "them")
        return (
            f"It was stopped. {runs}, because a person, a sweep or another study wants {them}; this study does not "
            "any more."
        )

    @property
    def full_standing(self) -> str:
        """How many of its runs have finished, and what happens next."""
        return " ".join(filter(None, (self.standing, self.stopped, self.adding)))

    @property
    def can_add(self) -> bool:
        """Whether a person can let it add more seeds than it has: it is not decided, and adds none at present."""
        is_open = self.decision is not None and self.decision.verdict is None
        return is_open and not self.study.adds_seeds and not self.under_way

    @property
    def num_stalled(self) -> int:
        """How many of the last seeds have no pair of results, one after the other."""
        if not isinstance(self.result, SeedsResult) or self.spec is None:
            return 0
        paired = [row.seed for row in self.result.rows if None not in row.accuracies]
        return stalled_seeds(self.spec, paired)

    @property
    def standing(self) -> str:
        """`3 of 6 runs have finished, 2 are under way, 1 was deleted.`"""
        parts = [f"{self.num_finished} of {self.num_planned} runs have finished"]
        parts += [
            f"{count} {one if count == 1 else several}"
            for count, one, several in (
                (len(self.under_way), "is running or waiting", "are running or waiting"),
                (len(self.failed), "did not finish", "did not finish"),
                (len(self.holes), "was deleted", "were deleted"),
            )
            if count
        ]
        return ", ".join(parts) + "."

    def to_dict(self) -> dict[str, Any]:
        """The one document of the command line and of REST."""
        return {
            **study_summary(self.study),
            "num_missing": len(self.holes),
            "partial": self.is_partial,
            "standing": self.full_standing,
            "problem": self.problem,
            "seeds_note": self.seeds_note,
            "headline": None if self.result is None else self.result.headline,
            "notes": [] if self.result is None else list(self.result.notes),
            "result": None if self.result is None else self.result.to_dict(),
            "runs": [
                {
                    **run_summary(member.run), "arms": member.role["arms"], "seed": member.role["seed"],
                    "reused": member.is_reused, "changed_while_training": member.is_changed,
                }
                for member in self.members
            ],
        }  # fmt: skip


def num_planned(study: Study) -> int:
    """How many runs it asks for, those that were deleted too; as many as it has where that cannot be read."""
    try:
        return len(plan(spec_of(study)))
    except UserError:
        return study.num_runs


def study_summary(study: Study) -> dict[str, Any]:
    """What `studies --json` lists. Times are unix seconds."""
    return {
        "id": study.id, "kind": study.kind, "name": study.name, "created_at": study.created_at,
        "num_planned": num_planned(study), "num_runs": study.num_runs, "num_finished": study.num_finished,
        "num_under_way": study.num_under_way, "until_decided": study.max_seeds is not None,
        "is_stopped": study.is_stopped, "adding_seeds": study.adds_seeds, "adding_ended_by": study.ended_by,
    }  # fmt: skip


def read_report(workspace: Workspace, store: Store, study_id: str) -> StudyReport:
    """The study as it stands now. Raises StudyNotFound."""
    study = store.studies.get(study_id)
    members = tuple(store.studies.members(study_id))
    try:
        spec = spec_of(study)
        planned = plan(spec)
    except UserError as error:
        return StudyReport(study, None, members, (), None, str(error))
    there = {RunRole.from_dict(member.role) for member in members}
    holes = tuple(each for each in planned if each.role not in there)
    counted = [member for member in members if member.run.state is COUNTED]
    curves = store.studies.curves([member.run.id for member in counted])
    pictures = _pictures(workspace, spec, [member.run for member in members])
    pictures = replace(pictures, by_class=_validation_by_class(store, counted))
    return StudyReport(
        study, spec, members, holes, analyse(spec, measured_of(counted, curves), pictures), None
    )


def measured_of(members: list[Member], curves: Mapping[str, Curves]) -> list[RunResult]:
    """The numbers of runs; one whose curves are gone, or hold no validation accuracy, is left out."""
    known = (
        summarise_run(RunRole.from_dict(member.role), curves[member.run.id], member.run.balanced_where_uneven)
        for member in members
        if member.run.id in curves
    )
    return [each for each in known if each is not None]


def analyse(spec: StudySpec, measured: list[RunResult], pictures: Pictures) -> Result:
    """What the runs that have finished say, by the kind of the study."""
    if spec.kind == SEEDS:
        return compare_seeds(spec, measured, pictures)
    if spec.kind == ABLATION:
        return analyse_ablation(spec, measured, pictures)
    if spec.kind == VOLUME:
        return analyse_volume(spec, measured, pictures)
    return analyse_noise(spec, measured, pictures)


def condition_names(report: StudyReport) -> dict[str, str]:
    """What each condition is called, by its key; empty where what the study asked cannot be read."""
    return (
        {}
        if report.spec is None
        else {condition.key: condition.name for condition in conditions_of(report.spec)}
    )


def spec_of(study: Study) -> StudySpec:
    """What a study asks, with the seeds that it has added. Raises UserError."""
    spec = read_spec(study.spec)
    return spec.with_seeds(study.added_seeds, study.max_seeds) if spec.until_decided else spec


@lru_cache(maxsize=64)
def read_spec(text: str) -> StudySpec:
    """The spec in the store's JSON, without added seeds: a live page asks for it each second. Raises UserError."""
    return StudySpec.from_json(text)


def _validation_by_class(store: Store, members: Sequence[Member]) -> tuple[int, ...] | None:
    """Of the first run whose classes are uneven: they are the same pictures in all runs of a study."""
    for member in members:
        run = member.run
        if run.balanced_where_uneven is not None and run.best_epoch is not None:
            classes = store.breakdowns.validation_at(run.id, run.best_epoch)
            return None if classes is None else tuple(int(count) for count in classes.count if count)
    return None


def _pictures(workspace: Workspace, spec: StudySpec, runs: Sequence[Run]) -> Pictures:
    """As the runs say themselves; where none does, as the data set that has the name of theirs now."""
    dataset = spec.bases[0].config.dataset
    known = {run.dataset_digest: run for run in runs if run.dataset_digest is not None}
    if len(known) > 1:
        return Pictures(None)
    info = describe_dataset(workspace, dataset.id)
    numbers = next(iter(known.values())).data if known else info
    if numbers is None or (numbers is info and info.state == "damaged"):
        return Pictures(None)
    clean = min(CLEAN_PICTURES, dataset.num_train or numbers.num_train)
    return Pictures(numbers.num_validation, clean, len(numbers.class_names), training=numbers.num_train)
