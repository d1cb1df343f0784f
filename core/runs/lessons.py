"""A lesson with the runs that were started for it: how long they take, the number to guess, and what came out."""

from collections.abc import Sequence

from core.analysis.signals import gaps_of
from core.epoch import Curves
from core.formatting import percent, points
from core.onboarding.lessons import Guess, Lesson, LessonRun
from core.runs.control import with_data
from core.runs.pace import estimate_each
from core.store.records import Run, RunRequest
from core.store.store import Store
from core.workspace import Workspace


def reusable_run(workspace: Workspace, store: Store, wanted: LessonRun) -> str | None:
    """The id of a run that serves as well, where the lesson takes any; None where it is to be trained.

    Also the run that came with ConvDeck, of which no digest is known: it is only held against the other.
    """
    if not wanted.any_will_do:
        return None
    known = store.studies.reusable([with_data(workspace, RunRequest(wanted.config))])
    return known.get(wanted.config.config_id)


def lesson_seconds(
    workspace: Workspace, store: Store, lessons: Sequence[Lesson], num_devices: int
) -> list[float | None]:
    """About how long the training of each takes here; None where no run of its network was measured here.

    Beside 200 runs of their network it took 170 ms for all five lessons one by one, and takes 30 ms together.
    """
    configs = [
        [each.config for each in lesson.runs if reusable_run(workspace, store, each) is None]
        for lesson in lessons
    ]
    return estimate_each(workspace, store, configs, num_devices)


def guessed_curve(guess: Guess, curves: Sequence[Curves]) -> list[tuple[int, float]]:
    """(epoch, value in percent or points) of the number that is guessed, for each epoch that has one.

    A gap is that of `core.analysis.signals.gaps_of`, so that the last is the gap of the run.
    """
    if guess.measure == "difference":
        first, last = (_known(each, "val_accuracy") for each in (curves[0], curves[-1]))
        return [(epoch, 100 * (last[epoch] - first[epoch])) for epoch in sorted(first.keys() & last.keys())]
    own = curves[guess.run]
    if guess.measure == "gap":
        both = _known(own, "clean_train_accuracy").keys() & _known(own, "val_accuracy").keys()
        return [(epoch, 100 * gap) for epoch, gap in zip(sorted(both), gaps_of(own), strict=True)]
    return [(epoch, 100 * value) for epoch, value in _known(own, guess.measure).items()]


def results_in_words(lesson: Lesson, runs: Sequence[Run], curves: Sequence[Curves]) -> str:
    """The lesson's sentence with the numbers of its runs: accuracies after the last epoch, and the gap of each."""
    values = {}
    for place, (run, own) in enumerate(zip(runs, curves, strict=True)):
        for name, key in (("val", "val_accuracy"), ("train", "clean_train_accuracy")):
            known = _known(own, key)
            values[f"{name}_{place}"] = percent(known[max(known)] if known else None)
        values[f"gap_{place}"] = points(run.gap)
    return lesson.result.format(**values)


def _known(curves: Curves, key: str) -> dict[int, float]:
    """The values of a curve by epoch, where there are any."""
    rows = zip(curves["epoch"], curves[key], strict=True)
    return {int(epoch): float(value) for epoch, value in rows if value is not None}
