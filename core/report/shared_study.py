"""What the shared page of a study says: its question, its verdict, each variant and run with its interval, curves."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from core.analysis.significance import Interval
from core.config.changes import describe_changes, settings_in_words
from core.epoch import Curves
from core.errors import UserError
from core.inspection.measures import Accuracy
from core.report.shared_curves import (
    MEASURES_OF_STUDY,
    OF_STUDY,
    epochs_per_run,
    measures_json,
    run_json,
    thinned,
)
from core.report.shared_run import accuracy_of
from core.runs.verdicts import verdict_of
from core.store.store import Store
from core.store.studies import Member
from core.studies.plan import Condition, conditions_of
from core.studies.report import COUNTED, StudyReport, read_report
from core.studies.run_results import accuracy_interval
from core.studies.spec import QUESTIONS, TITLES
from core.workspace import Workspace

MOST_CHANGES = 6


@dataclass(frozen=True)
class SharedVariant:
    """A condition of the study: what differs from the first one, and the mean of the best validation accuracies of its
    finished runs with its interval; None where none has finished.
    """

    name: str
    changes: str
    num_finished: int
    accuracy: Interval | None


@dataclass(frozen=True)
class SharedMember:
    """A run of the study. `variant` is the place of its first condition, `variants` names all; `headline` is its
    verdict in a few words, None before its first epoch.
    """

    member: Member
    variant: int
    variants: str
    accuracy: Accuracy | None
    headline: str | None
    onset_epoch: int | None
    curves: Curves

    @property
    def is_counted(self) -> bool:
        return self.member.run.state is COUNTED


@dataclass(frozen=True)
class SharedStudy:
    """`settings` are those of the first variant in words, empty where what the study asks cannot be read."""

    report: StudyReport
    title: str
    question: str
    variants: tuple[SharedVariant, ...]
    members: tuple[SharedMember, ...]
    settings: list[tuple[str, str]]

    @property
    def headline(self) -> str | None:
        """The verdict in a sentence."""
        return None if self.report.result is None else self.report.result.headline

    @property
    def notes(self) -> tuple[str, ...]:
        """What belongs to the verdict."""
        notes = () if self.report.result is None else self.report.result.notes
        return (*notes, *filter(None, (self.report.seeds_note,)))

    @property
    def standing(self) -> str:
        """How many runs have finished, and what happens next. An error that ended it is left out: it may name files."""
        adding = self.report.adding if self.report.study.ended_by is None else None
        return " ".join(filter(None, (self.report.standing, self.report.stopped, adding)))

    @property
    def has_curves(self) -> bool:
        """Whether an epoch of one of its runs has finished."""
        return any(each.curves["epoch"] for each in self.members)

    @property
    def num_validation(self) -> int | None:
        """On how many pictures the accuracies were measured; None where not known, or not of all runs the same."""
        return _num_validation([each.member for each in self.members])

    def to_json(self) -> dict[str, Any]:
        """What the page's script reads, and any other program may."""
        return {
            "kind": "study",
            "headline": self.headline,
            "measures": measures_json(MEASURES_OF_STUDY),
            "variants": [variant.name for variant in self.variants],
            "runs": [
                run_json(
                    each.member.run.id, each.member.run.name, each.curves, OF_STUDY, variant=each.variant,
                    best_epoch=each.member.run.best_epoch, onset_epoch=each.onset_epoch,
                )
                for each in self.members
                if each.curves["epoch"]
            ],
        }  # fmt: skip


def shared_study_of(workspace: Workspace, store: Store, study_id: str) -> SharedStudy:
    """As the study stands now. Raises StudyNotFound."""
    report = read_report(workspace, store, study_id)
    conditions = _conditions(report)
    places = {condition.key: place for place, condition in enumerate(conditions)}
    curves = store.studies.curves([member.run.id for member in report.members])
    there = [
        member for member in report.members if member.run.id in curves
    ]  # the others were deleted meanwhile
    most, num_validation = epochs_per_run(len(there)), _num_validation(there)
    members = []
    for member in there:
        run, keys = member.run, member.role["arms"]
        known = curves[run.id]
        verdict = verdict_of(store, run, known) if run.epoch else None
        members.append(
            SharedMember(
                member,
                next((places[key] for key in keys if key in places), 0),
                ", ".join(conditions[places[key]].name if key in places else key for key in keys),
                accuracy_of(run),
                None if verdict is None else verdict.headline,
                None if verdict is None else verdict.onset_epoch,
                thinned(known, most, run.best_epoch),
            )
        )
    return SharedStudy(
        report,
        TITLES.get(report.study.kind, report.study.kind),
        QUESTIONS.get(report.study.kind, ""),
        tuple(_variant(condition, conditions[0], there, num_validation) for condition in conditions),
        tuple(members),
        settings_in_words(conditions[0].config) if conditions else [],
    )


def _conditions(report: StudyReport) -> tuple[Condition, ...]:
    if report.spec is None:
        return ()
    try:
        return conditions_of(report.spec)
    except UserError:
        return ()


def _variant(
    condition: Condition, first: Condition, members: Sequence[Member], num_validation: int | None
) -> SharedVariant:
    values = [
        member.run.best_val_accuracy
        for member in members
        if member.run.state is COUNTED and condition.key in member.role["arms"]
    ]
    changes = "" if condition is first else describe_changes(first.config, condition.config, MOST_CHANGES)
    return SharedVariant(condition.name, changes, len(values), accuracy_interval(values, num_validation))


def _num_validation(members: Sequence[Member]) -> int | None:
    numbers = {member.run.data_num_validation for member in members}
    return numbers.pop() if len(numbers) == 1 else None
