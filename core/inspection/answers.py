"""A run's answers to all pictures of a part of its data set: asked of the engine once, then kept beside its weights."""

import io
import json
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
from core.engine.portions import Portion
from core.errors import UserError
from core.store.records import Run
from core.store.states import RunState
from core.system.files import write_bytes
from core.workspace import Workspace

SPLITS = ("validation", "test")
BEST, LAST = "best", "last"
FOLDER = "answers"
MOST_KEPT = 6  # files per run

Numbers = NDArray[np.int64]
Fractions = NDArray[np.float64]
Advance = Callable[[int, int], None]  # pictures done, of how many


@dataclass(frozen=True)
class Weights:
    """Weights of a run that are kept: `which`, best or last, their epoch, and the digest of their file."""

    which: str
    epoch: int
    sha256: str


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
    weights = weights_of(workspace, run, epoch)
    check_same_data(workspace, run)
    folder = workspace.run_folder(run.id) / FOLDER
    if (kept := _read(folder, split, weights)) is not None:
        return kept
    asked, sha256 = _ask(engine, run, split, weights.which, advance)
    if asked.epoch != weights.epoch and epoch not in (BEST, LAST):
        raise UserError(
            f"The weights of epoch {weights.epoch} were replaced by those of epoch {asked.epoch} meanwhile. Ask again."
        )
    _write(folder, asked, sha256)
    return asked


def weights_of(workspace: Workspace, run: Run, epoch: int | str) -> Weights:
    """The weights that are kept of an epoch: `best`, `last` or its number. Raises UserError that lists them."""
    folder, kept = workspace.run_folder(run.id), []
    if run.best_epoch is not None:
        for which in (BEST, LAST) if run.state in (RunState.FINISHED, RunState.STOPPED) else (BEST,):
            kept += _newest(folder, which)
    if not kept:
        raise UserError(f"“{run.name}” has no weights yet: it has to finish its first epoch.")
    for weights in kept:
        if epoch in (weights.which, weights.epoch, str(weights.epoch)):
            return weights
    listed = " and ".join(f"{each.which} (epoch {each.epoch})" for each in kept)
    raise UserError(f"There are no weights of epoch {str(epoch)[:20]} of “{run.name}”. There are: {listed}.")


def _newest(folder: Path, which: str) -> list[Weights]:
    """None or one, by the descriptions beside them: `core.training.saved_models`, which writes them, loads Keras."""
    for path in sorted(folder.glob(f"{which}-*.json"), reverse=True):
        try:
            values = json.loads(path.read_bytes())
            return [Weights(which, int(values["epoch"]), str(values["sha256"]))]
        except (OSError, ValueError, TypeError, KeyError):
            continue
    return []


def _ask(
    engine: Engine, run: Run, split: str, which: str, advance: Advance | None
) -> tuple[SplitAnswers, str]:
    """With the digest of the weights that have answered."""
    parts: list[Scores] = []
    done, portion = 0, Portion()
    while True:
        with portion.timed():
            part = engine.score(run.id, which, run.config.dataset, split, done, done + portion.size)
        if parts and part.sha256 != parts[0].sha256:  # a better epoch has ended meanwhile
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
    answers = SplitAnswers(split, parts[0].epoch, parts[0].class_names, rows, labels, scores)
    return answers, parts[0].sha256


def _read(folder: Path, split: str, weights: Weights) -> SplitAnswers | None:
    """None where it was not asked before, or the file cannot be read: then it is asked again."""
    try:
        with np.load(
            io.BytesIO(_path(folder, split, weights.epoch).read_bytes()), allow_pickle=False
        ) as stored:
            if str(stored["sha256"]) != weights.sha256:
                return None  # the epoch was trained again
            names = tuple(str(name) for name in stored["class_names"])
            return SplitAnswers(
                split, weights.epoch, names, stored["rows"], stored["labels"], stored["log_probabilities"]
            )
    except (OSError, EOFError, ValueError, TypeError, KeyError, zipfile.BadZipFile):
        return None


def _write(folder: Path, answers: SplitAnswers, sha256: str) -> None:
    """The newest few per run are kept. What cannot be written is asked again the next time."""
    buffer = io.BytesIO()
    np.savez(
        buffer, class_names=np.array(answers.class_names), rows=answers.rows, labels=answers.labels,
        log_probabilities=answers.log_probabilities, sha256=np.array(sha256),
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
