"""What has become true of a run, a sweep or a study, judged by what the pages show: verdict, report, result."""

import re
import time
from collections.abc import Callable, Sequence

from core.alerts.message import Advice, message_of
from core.analysis.diagnosis import Diagnosis, Verdict
from core.analysis.search_luck import shown
from core.formatting import as_sentence, count_of, percent
from core.runs.verdicts import suggestions_of, verdict_of
from core.store.alerts import NewFact, Subject
from core.store.records import Run
from core.store.states import RunState, SweepState
from core.store.store import Store
from core.studies.report import read_report as read_study
from core.sweeps.report import SweepReport
from core.sweeps.report import read_report as read_sweep

TOLD_VERDICTS = {
    Verdict.OVERFITTING: "overfitting",
    Verdict.DIVERGED: "diverged",
    Verdict.PLATEAU: "plateau",
}


def facts_of(store: Store, subject: Subject, subject_id: str) -> Sequence[NewFact]:
    """All that is true of it now and could be told. Raises its `…NotFound` where it is gone."""
    found: dict[str, Callable[[Store, str], Sequence[NewFact]]] = {
        "run": _of_run,
        "sweep": _of_sweep,
        "study": _of_study,
    }
    return found[subject](store, subject_id)


def _of_run(store: Store, run_id: str) -> Sequence[NewFact]:
    """Nothing of one that was not trained here, or that a sweep or a study has begun: that is told of as a whole."""
    run = store.get_run(run_id)
    if run.started_at is None or run.origin_json is not None or store.alerts.is_one_of_several(run_id):
        return []
    diagnosis = verdict_of(store, run, store.curves(run_id))
    advice = _advice_of(store, run, diagnosis)
    facts = []
    kind = TOLD_VERDICTS.get(diagnosis.verdict)
    if kind is not None:
        title = f"“{run.name}”: {diagnosis.headline}."
        since = _epoch_of(diagnosis) or run.epoch
        facts.append(_run_fact(run, kind, since, run.epoch, title, diagnosis.evidence, advice, run.ended_at))
    if run.ended_at is not None and run.state is RunState.FINISHED:
        title = f"“{run.name}” has finished: {_reached(run)}."
        facts.append(
            _run_fact(
                run, "finished", run.ended_at, run.ended_at, title, diagnosis.evidence, advice, run.ended_at
            )
        )
    if run.ended_at is not None and run.state in (RunState.FAILED, RunState.INTERRUPTED):
        how = "failed" if run.state is RunState.FAILED else "was interrupted"
        title = f"“{run.name}” {how} in epoch {run.epoch + 1}."
        if diagnosis.verdict is not Verdict.DIVERGED or advice is None:
            advice = Advice(run.next_step, {}) if run.next_step else None
        evidence = run.error or "Its training ended without a cause."
        facts.append(
            _run_fact(run, "failed", run.ended_at, run.ended_at, title, evidence, advice, run.ended_at)
        )
    return facts


def _run_fact(
    run: Run, kind: str, since: float, known: float, title: str, evidence: str, advice: Advice | None,
    at: float | None,
) -> NewFact:  # fmt: skip
    message = message_of(
        kind, "run", run.id, run.name, title=title, epoch=run.epoch, evidence=evidence, advice=advice,
        time=time.time() if at is None else at,
    )  # fmt: skip
    return NewFact(kind, since, known, run.attempt, at, message)


def _advice_of(store: Store, run: Run, diagnosis: Diagnosis) -> Advice | None:
    """The first suggestion after the verdict, as the run's page has it first."""
    first = next(iter(suggestions_of(store.workspace, run, diagnosis)), None)
    return None if first is None else Advice(f"{as_sentence(first.title)}. {first.why}", first.changes)


def _epoch_of(diagnosis: Diagnosis) -> int | None:
    """The epoch in which it began: that of overfitting, else the one that the headline names."""
    named = re.search(r"epoch (\d+)", diagnosis.headline)
    return diagnosis.onset_epoch or (int(named[1]) if named else None)


def _reached(run: Run) -> str:
    if run.best_val_accuracy is None:
        return f"{run.epoch} of {run.total_epochs} epochs"
    return f"validation accuracy {percent(run.best_val_accuracy)} in epoch {run.best_epoch}, the best of {run.epoch}"


def _of_sweep(store: Store, sweep_id: str) -> Sequence[NewFact]:
    report = read_sweep(store.workspace, store, sweep_id)
    sweep = report.sweep
    if sweep.ended_at is None or sweep.state not in (SweepState.FINISHED, SweepState.FAILED):
        return []
    if sweep.state is SweepState.FINISHED:
        kind, title, evidence = (
            "sweep_decided",
            f"“{sweep.name}” is decided: {_best(report)}.",
            report.standing,
        )
        best = None if report.best is None else report.trials[report.best]
        advice = (
            None if best is None else Advice("Train on with the settings of the best trial.", best.choices)
        )
    else:
        kind, title, evidence = "failed", f"“{sweep.name}” was given up.", sweep.error or report.standing
        advice = Advice(sweep.next_step, {}) if sweep.next_step else None
    message = message_of(
        kind, "sweep", sweep.id, sweep.name, title=title, epoch=None, evidence=evidence, advice=advice,
        time=sweep.ended_at,
    )  # fmt: skip
    return [NewFact(kind, sweep.ended_at, sweep.ended_at, None, sweep.ended_at, message)]


def _best(report: SweepReport) -> str:
    if report.spec is None or report.best is None:
        return "no trial has a result"
    reached = report.reached[report.best][0]
    if report.spec.objective.is_pareto:
        front = count_of(len(report.front), "trial")
        return f"{front} on the front, of which trial {report.best} has the best first measure"
    return f"trial {report.best} is the best, with {shown(reached, report.spec.objective.is_in_points)}"


def _of_study(store: Store, study_id: str) -> Sequence[NewFact]:
    """It has finished once no run of it is under way and it adds none; not where a person stopped it."""
    report = read_study(store.workspace, store, study_id)
    study = report.study
    if study.adds_seeds or study.is_stopped or not report.members or report.under_way:
        return []
    ended = [
        study.created_at,
        *(each.run.ended_at for each in report.members if each.run.ended_at is not None),
    ]
    headline = report.standing if report.result is None else report.result.headline
    title = f"“{study.name}” has finished: {headline.rstrip('.')}."
    message = message_of(
        "study_finished", "study", study.id, study.name, title=title, epoch=None, evidence=report.full_standing,
        advice=None, time=max(ended),
    )  # fmt: skip
    return [NewFact("study_finished", max(ended), max(ended), None, max(ended), message)]
