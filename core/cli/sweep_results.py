"""Sweeps as text: what one will take, and how it stands."""

from core.cli.output import print_table
from core.config.labels import label_of
from core.formatting import count_of, percent, rough_duration
from core.sweeps.configs import choices_in_words
from core.sweeps.estimate import SweepEstimate
from core.sweeps.honesty import guessing
from core.sweeps.objective import DEFAULT
from core.sweeps.report import SweepReport


def print_estimate(estimate: SweepEstimate) -> None:
    """Counts and hours, then what to know about them."""
    runs = f"{count_of(estimate.num_trials, 'trial')} with {count_of(estimate.num_runs, 'run')} in all"
    if not estimate.num_to_train:
        print(f"{runs}, which are there already: nothing is trained.")
    else:
        about = "" if estimate.is_exact else "about "
        there = f" {about.capitalize()}{estimate.num_existing:,} of the runs are there already;"
        trained = count_of(estimate.num_to_train, "run")
        at_once = "one at a time" if estimate.num_parallel == 1 else f"{estimate.num_parallel} at a time"
        if estimate.num_existing:
            print(f"{runs}.{there} {about}{trained} would be trained, {at_once}.")
        else:
            print(f"{runs}. None is there already, so all would be trained, {at_once}.")
    if estimate.seconds is not None and estimate.pace is not None and estimate.num_to_train:
        low, expected, high = (
            rough_duration(value).removeprefix("about ")
            for value in (estimate.seconds.low, estimate.seconds.expected, estimate.seconds.high)
        )
        print(f"That takes about {expected} (between {low} and {high}), from {estimate.pace.source}.")
    for note in estimate.notes:
        print(note)


def print_report(report: SweepReport) -> None:
    """Where it stands, the best trial, the others as a table, the confirmation."""
    sweep = report.sweep
    print(f"{sweep.name} ({sweep.id}): {sweep.state}. {report.standing}")
    for sentence in (sweep.error, sweep.next_step, report.problem):
        if sentence:
            print(sentence)
    if report.best is not None:
        best = report.trials[report.best]
        print(
            f"\nThe best is trial {best.number}, {_objective(report, best.number)}: {choices_in_words(best.choices)}."
        )
        for sentence in (guessing(best), report.fresh_seeds_sentence(best.number)):
            if sentence:
                print(sentence)
    if report.front:
        print(f"Trials that no other beats in everything: {', '.join(map(str, report.front))}.")
    if report.trials:
        print(f"\n{count_of(len(report.trials), 'trial')}, numbered from 0:")
        rows = [
            (
                trial.number,
                trial.state,
                _objective(report, trial.number),
                sum(each.run.epoch for each in trial.search_runs),
                choices_in_words(trial.choices),
            )
            for trial in report.trials
        ]
        print_table(("TRIAL", "STATE", "OBJECTIVE", "EPOCHS", "VALUES"), rows)
    for trial in report.trials:
        if trial.error:
            print(f"Trial {trial.number}: {trial.error}")
    for sentences in (_luck(report), _confirmation(report)):
        if sentences:
            print("\n" + "\n".join(sentences))


def _luck(report: SweepReport) -> list[str]:
    """What of it may be chance."""
    found = []
    if report.honesty is not None:
        curve, curse = report.honesty.curve, report.honesty.curse
        found += [curve.sentence] if curve else []
        is_measured = report.best is not None and report.fresh_seeds_sentence(report.best) is not None
        found += [curse.sentence, curse.chance_sentence] if curse and not is_measured else []
        found += [report.honesty.count_sentence] if found and report.honesty.count_sentence else []
    stability = (report.sweep.insights or {}).get("stability")
    if stability:
        named = [f"{label_of(each['path'])} {percent(each['importance'], 0)}" for each in stability["ranks"]]
        found.append(f"Importance: {', '.join(named)}. {stability['sentence']}")
        found += [report.importance_note] if report.importance_note else []
    return found


def _confirmation(report: SweepReport) -> list[str]:
    if report.confirmation is None:
        return []
    return [each for each in (report.confirmation.sentence, report.confirmation.take_sentence) if each]


def _objective(report: SweepReport, number: int) -> str | None:
    if report.spec is None or number not in report.reached:
        return None
    objective = report.spec.objective
    if objective.is_weighted:
        return f"{report.reached[number][0]:.4g}"
    return ", ".join(
        percent(value) if name in (DEFAULT, "gap") else f"{value:,.6g}"
        for name, value in zip(objective.measures, report.reached[number], strict=True)
    )
