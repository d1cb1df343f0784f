"""What runs say of a person's own pictures: all of them asked at once, a few pictures at a time, and calibrated."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Protocol

from core.augmentation.variation import policy_in_words, variation_policy
from core.engine.answers import Answer
from core.engine.client import Engine
from core.engine.looking import Asked, File, Look, Variants, look
from core.engine.portions import portions_of
from core.errors import EngineError, UserError
from core.images import Box
from core.inspection.answers import BEST, Advance, which_weights
from core.inspection.prediction import known_temperature, learn_known
from core.inspection.temperature import calibrated
from core.store.records import Run
from core.workspace import Workspace

MOST_RUNS = 4
AT_ONCE = 24  # pictures per request: the engine answers others in between, and progress is seen
VARIED_AT_ONCE = 6
OF_BEST_ALONE = "What a run knows is measured with the weights of its best epoch alone."


class Picture(Protocol):
    """A picture file, such as `core.importing.picture_files.PictureFile`. `read` raises UserError."""

    @property
    def name(self) -> str: ...
    @property
    def read(self) -> Callable[[], bytes]: ...
    @property
    def box(self) -> Box | None: ...


@dataclass(frozen=True)
class Asking:
    """The runs that are asked, and how.

    `temperatures` correct the probabilities of each, None: they are the network's own. `known`: which of them say
    whether they know such pictures, after `learn_known`. `crop` is as in `Engine.predict`. `vary`: variants of each
    picture are asked about too. `epoch` says with which weights: `best`, `last` or a number.
    """

    runs: tuple[Run, ...]
    temperatures: tuple[float | None, ...]
    known: tuple[bool, ...]
    crop: str | None = None
    vary: bool = False
    epoch: str = BEST

    @property
    def at_once(self) -> int:
        """The number of pictures in one request."""
        return max(1, (VARIED_AT_ONCE if self.vary else AT_ONCE) // len(self.runs))


def asking_of(
    workspace: Workspace, engine: Engine, runs: Sequence[Run], crop: str | None = None, *, vary: bool = False,
    epoch: str = BEST, advance: Advance | None = None,
) -> tuple[Asking, list[str]]:  # fmt: skip
    """Measure what has to be known of the runs first, which takes seconds, once per run.

    Returns also why runs cannot tell whether they know such pictures, if some cannot, each reason once.
    Probabilities of the best weights are calibrated where a run's validation pictures are here to measure it.

    Raises UserError where there are no such weights, too many runs, or one of them twice.
    """
    if not 0 < len(runs) <= MOST_RUNS or len({run.id for run in runs}) < len(runs):
        raise UserError(f"1 to {MOST_RUNS} different runs can answer side by side.")
    for run in runs:
        run.check_weights()
    problems: list[str] = []
    known: list[bool] = []
    temperatures: list[float | None] = []
    for run in runs:
        is_best = which_weights(workspace, run, epoch) == BEST
        problem = _problem_of(workspace, engine, run, advance) if is_best else OF_BEST_ALONE
        problems += [] if problem is None or problem in problems else [problem]
        known.append(problem is None)
        temperatures.append(known_temperature(workspace, engine, run, advance) if is_best else None)
    return Asking(tuple(runs), tuple(temperatures), tuple(known), crop, vary, epoch), problems


def _problem_of(workspace: Workspace, engine: Engine, run: Run, advance: Advance | None) -> str | None:
    try:
        return learn_known(workspace, engine, run, advance)
    except EngineError as error:
        return str(error)


def look_at(
    workspace: Workspace, engine: Engine, asking: Asking, pictures: Sequence[Picture], original_side: int = 0
) -> Iterator[list[Look]]:
    """What the runs say of each picture, in order, `Asking.at_once` at a time; every class, calibrated.

    A picture is read when its turn comes. `original_side` is as in `core.engine.looking.look`. Raises as it does.
    """
    for start in range(0, len(pictures), asking.at_once):
        yield _look(workspace, engine, asking, pictures[start : start + asking.at_once], original_side)


def _look(
    workspace: Workspace, engine: Engine, asking: Asking, pictures: Sequence[Picture], original_side: int
) -> list[Look]:
    looks: dict[int, Look] = {}
    places: list[int] = []

    def files() -> Iterator[tuple[str, bytes]]:
        """In memory as many as one request takes."""
        for place, picture in enumerate(pictures):
            try:
                data = picture.read()
            except UserError as error:
                none = (None,) * len(asking.runs)
                looks[place] = Look((Answer(picture.name, str(error)),) * len(asking.runs), none, b"")
            else:
                places.append(place)
                yield picture.name, data

    done = 0
    for portion in portions_of(files()):
        own = places[done : done + len(portion)]
        asked = [
            File(name, data, pictures[place].box) for place, (name, data) in zip(own, portion, strict=True)
        ]
        done += len(portion)
        looks |= zip(own, _ask(workspace, engine, asking, asked, original_side), strict=True)
    return [looks[place] for place in range(len(pictures))]


def _ask(
    workspace: Workspace, engine: Engine, asking: Asking, files: Sequence[File], original_side: int
) -> list[Look]:
    asked = [
        Asked(
            run.id, known, temperature, run.config.augmentation if asking.vary else None,
            which_weights(workspace, run, asking.epoch),
        )
        for run, known, temperature in zip(asking.runs, asking.known, asking.temperatures, strict=True)
    ]  # fmt: skip

    def ask() -> list[Look]:
        return look(engine, asked, files, asking.crop, original_side=original_side)

    looks = ask()
    forgotten = [
        run
        for place, (run, known) in enumerate(zip(asking.runs, asking.known, strict=True))
        if known and any(each.answers[place].ok and each.answers[place].knowledge is None for each in looks)
    ]
    if forgotten:
        # The engine has restarted since, or was asked about other runs: it reads again what it had measured.
        for run in forgotten:
            learn_known(workspace, engine, run)
        looks = ask()
    return [_calibrated(each, asking.temperatures) for each in looks]


def _calibrated(each: Look, temperatures: Sequence[float | None]) -> Look:
    """The variants' probabilities the engine has corrected, before it took their mean."""
    answers = tuple(
        answer if temperature is None else calibrated(answer, temperature)
        for answer, temperature in zip(each.answers, temperatures, strict=True)
    )
    return replace(each, answers=answers)


def disagree(answers: Sequence[Answer]) -> bool:
    """Whether runs that could read the picture have different first answers."""
    return len({answer.best for answer in answers if answer.top}) > 1


def kept_in_words(varied: Variants, best: str) -> str:
    """“14 of 16 variants keep the answer, cat.” `best` is the answer to the picture as it is, not that of the mean."""
    return f"{varied.kept} of {varied.count} variants keep the answer, {best}."


def look_document(asking: Asking, found: Look, image: str) -> dict[str, Any]:
    """As the command line and REST print it: of one run its answer, of several their answers in `answers`."""
    rows = [
        replace(answer, image=image).to_json()
        | ({"variants": _spread(run, answer, varied)} if asking.vary else {})
        for run, answer, varied in zip(asking.runs, found.answers, found.variants, strict=True)
    ]
    if len(rows) == 1:
        return rows[0]
    shared = {key: rows[0][key] for key in ("image", "ok", "error")}
    agree = not disagree(found.answers) if found.answers[0].ok else None
    answers = [
        {"run": run.id, **{key: value for key, value in row.items() if key not in shared}}
        for run, row in zip(asking.runs, rows, strict=True)
    ]
    return {**shared, "agree": agree, "answers": answers}


def _spread(run: Run, answer: Answer, varied: Variants | None) -> dict[str, Any] | None:
    if varied is None or answer.seen is None:
        return None
    policy, is_own = variation_policy(run.config.augmentation, answer.seen.shape[2])
    return {
        "count": varied.count,
        "kept": varied.kept,
        "policy": policy_in_words(policy),
        "as_trained": is_own,
        "classes": [
            {"class": values.pop("name"), **values} for values in (asdict(each) for each in varied.classes)
        ],
        "each": [
            {"changes": dict(each.changes), "class": each.name, "probability": each.probability}
            for each in varied.each
        ],
    }
