"""A run's answers to all pictures of a part of its data set: asked of the engine once, then kept beside its weights."""

import io
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.datasets.identity import check_same_data
from core.engine.answers import Scores
from core.engine.client import Engine
from core.errors import UserError
from core.store.records import Run
from core.store.states import RunState
from core.system.files import write_bytes
from core.workspace import Workspace

SPLITS = ("validation", "test")
BEST, LAST = "best", "last"
PICTURES_AT_ONCE = 1000  # per request: the engine answers others in between
FOLDER = "answers"
MOST_KEPT = 6  # files per run

Numbers = NDArray[np.int64]
Fractions = NDArray[np.float64]
Advance = Callable[[int, int], None]  # pictures done, of how many


@dataclass(frozen=True, eq=False)
class SplitAnswers:
    """What the weights of `epoch` say of each picture of a `split`, `validation` or `test`.

    `rows` (pictures,) are the pictures' rows in the data set's stored test arrays, `labels` (pictures,) indices into
    `class_names`, `log_probabilities` (pictures, classes) natural logarithms.
    """

    split: str
    epoch: int
    class_names: tuple[str, ...]
    rows: Numbers
    labels: Numbers
    log_probabilities: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.labels)

    @cached_property
    def probabilities(self) -> Fractions:
        """(pictures, classes) from 0 to 1."""
        probabilities: Fractions = np.exp(self.log_probabilities.astype(np.float64))
        return probabilities

    @cached_property
    def predicted(self) -> Numbers:
        """(pictures,) the most probable class."""
        predicted: Numbers = self.log_probabilities.argmax(axis=1).astype(np.int64)
        return predicted

    @cached_property
    def right(self) -> NDArray[np.bool_]:
        """(pictures,) whether that is the label."""
        right: NDArray[np.bool_] = self.predicted == self.labels
        return right

    @cached_property
    def confidence(self) -> Fractions:
        """(pictures,) the probability of the predicted class."""
        return self.probabilities[np.arange(len(self)), self.predicted]

    @cached_property
    def losses(self) -> Fractions:
        """(pictures,) the cross-entropy: minus the log-probability of the label."""
        losses: Fractions = -self.log_probabilities[np.arange(len(self)), self.labels].astype(np.float64)
        return losses


def answers_of(
    workspace: Workspace,
    engine: Engine,
    run: Run,
    split: str,
    epoch: int | str = BEST,
    advance: Advance | None = None,
) -> SplitAnswers:
    """The answers of a run's weights, of its `best` or `last` epoch or of one of them by number.

    Raises:
        UserError: there is no such split, or there are no weights of this epoch.
        DatasetError: the data set that the run was trained on is not here any more.
        EngineError: the engine crashed or overran its deadline.
    """
    if split not in SPLITS:
        raise UserError(f"split must be one of {', '.join(SPLITS)}, not {split[:40]!r}.")
    which, wanted = weights_of(run, epoch)
    check_same_data(workspace, run)
    folder = workspace.run_folder(run.id) / FOLDER
    if (kept := _read(folder, split, wanted)) is not None:
        return kept
    asked = _ask(engine, run, split, which, advance)
    _write(folder, asked)
    return asked


def weights_of(run: Run, epoch: int | str) -> tuple[str, int]:
    """(`best` or `last`, number of that epoch) of the weights that are kept. Raises UserError that lists them."""
    kept = {}
    if run.best_epoch is not None:
        kept[BEST] = run.best_epoch
        if run.state in (RunState.FINISHED, RunState.STOPPED):
            kept[LAST] = run.epoch
    if not kept:
        raise UserError(f"“{run.name}” has no weights yet: it has to finish its first epoch.")
    for which, number in kept.items():
        if epoch in (which, number, str(number)):
            return which, number
    listed = " and ".join(f"{which} (epoch {number})" for which, number in kept.items())
    raise UserError(f"There are no weights of epoch {str(epoch)[:20]} of “{run.name}”. There are: {listed}.")


def _ask(engine: Engine, run: Run, split: str, which: str, advance: Advance | None) -> SplitAnswers:
    parts: list[Scores] = []
    done = 0
    while True:
        part = engine.score(run.id, which, run.config.dataset, split, done, done + PICTURES_AT_ONCE)
        if parts and part.epoch != parts[0].epoch:  # a better epoch has ended meanwhile
            parts, done = [], 0
            continue
        parts.append(part)
        done += len(part.labels)
        if advance is not None:
            advance(done, part.of)
        if done >= part.of:
            break
    scores = np.concatenate([part.log_probabilities for part in parts])
    if not np.isfinite(scores).all():
        raise UserError(f"The weights of “{run.name}” give no probabilities: their loss is NaN.")
    labels, rows = (
        np.concatenate(each) for each in zip(*((part.labels, part.rows) for part in parts), strict=True)
    )
    return SplitAnswers(split, parts[0].epoch, parts[0].class_names, rows, labels, scores)


def _read(folder: Path, split: str, epoch: int) -> SplitAnswers | None:
    """None where it was not asked before, or the file cannot be read: then it is asked again."""
    try:
        with np.load(io.BytesIO(_path(folder, split, epoch).read_bytes()), allow_pickle=False) as stored:
            names = tuple(str(name) for name in stored["class_names"])
            return SplitAnswers(
                split, epoch, names, stored["rows"], stored["labels"], stored["log_probabilities"]
            )
    except (OSError, ValueError, KeyError, zipfile.BadZipFile):
        return None


def _write(folder: Path, answers: SplitAnswers) -> None:
    """The newest few per run are kept. What cannot be written is asked again the next time."""
    buffer = io.BytesIO()
    np.savez(
        buffer, class_names=np.array(answers.class_names), rows=answers.rows, labels=answers.labels,
        log_probabilities=answers.log_probabilities,
    )  # fmt: skip
    try:
        folder.mkdir(exist_ok=True)
        write_bytes(_path(folder, answers.split, answers.epoch), buffer.getvalue())
        for old in sorted(folder.glob("*.npz"), key=lambda path: path.stat().st_mtime)[:-MOST_KEPT]:
            old.unlink(missing_ok=True)
    except OSError:
        return


def _path(folder: Path, split: str, epoch: int) -> Path:
    return folder / f"{split}-{epoch:06d}.npz"
