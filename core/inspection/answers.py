"""A run's answers to all pictures of a part of its data set: asked of the engine once, then kept beside its weights."""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.datasets.identity import check_same_data
from core.engine.answers import Scores
from core.engine.client import Engine
from core.engine.portions import Portion
from core.epoch_weights import epoch_digest, kept_epochs
from core.errors import UserError
from core.inspection.kept_arrays import read_arrays, write_arrays
from core.store.records import Run
from core.store.states import RunState
from core.workspace import Workspace

SPLITS = ("validation", "test")
BEST, LAST = "best", "last"
FOLDER = "answers"
_NUMBER = re.compile(r"[1-9][0-9]{0,8}")

Numbers = NDArray[np.int64]
Fractions = NDArray[np.float64]
Advance = Callable[[int, int], None]  # pictures done, of how many


@dataclass(frozen=True)
class Weights:
    """Weights of a run that are kept: `which`, best, last or their epoch's number as text, their epoch, and their
    digest.
    """

    which: str
    epoch: int
    sha256: str


@dataclass(frozen=True, eq=False)
class SplitAnswers:
    """What the weights of `epoch` say of each picture of a `split`, `validation` or `test`.

    `rows` (pictures,) are the pictures' rows in the data set's stored test arrays, `labels` (pictures,) indices into
    `class_names`, `log_probabilities` (pictures, classes) natural logarithms. `dataset` is None, or another data set
    than the run's, see `core.inspection.elsewhere`; then `split` is `all`.
    """

    split: str
    epoch: int
    class_names: tuple[str, ...]
    rows: Numbers
    labels: Numbers
    log_probabilities: NDArray[np.float32]
    dataset: str | None = None

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def kind(self) -> str:
        """Which pictures they are, before the word “pictures”: `test`, `validation` or another data set's name."""
        return self.split if self.dataset is None else self.dataset

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
    path = workspace.run_folder(run.id) / FOLDER / f"{split}-{weights.epoch:06d}.npz"
    if (kept := read_answers(path, split, weights)) is not None:
        return kept

    def ask(start: int, stop: int) -> Scores:
        return engine.score(run.id, weights.which, run.config.dataset, split, start, stop)

    asked, sha256 = ask_for_all(run, split, ask, advance)
    check_epoch(asked.epoch, weights, epoch)
    write_answers(path.with_name(f"{split}-{asked.epoch:06d}.npz"), asked, sha256)
    return asked


def check_epoch(answered: int, weights: Weights, epoch: int | str) -> None:
    """Raises UserError where an `epoch` was asked for by number, and weights of another one have `answered`."""
    if answered != weights.epoch and epoch not in (BEST, LAST):
        raise UserError(
            f"The weights of epoch {weights.epoch} were replaced by those of epoch {answered} meanwhile. Ask again."
        )


def weights_of(workspace: Workspace, run: Run, epoch: int | str) -> Weights:
    """The weights that are kept of an epoch: `best`, `last` or its number. Raises UserError that lists them."""
    saved = _saved(workspace, run)
    for weights in saved:
        if epoch in (weights.which, weights.epoch, str(weights.epoch)):
            return weights
    folder = workspace.run_folder(run.id)
    number = int(epoch) if isinstance(epoch, int) or _NUMBER.fullmatch(epoch) else None
    if number is not None and (digest := epoch_digest(folder, number)) is not None:
        return Weights(str(number), number, digest)
    listed = [f"{each.which} (epoch {each.epoch})" for each in saved]
    if kept := kept_epochs(folder):
        listed.append(f"epochs {in_ranges(kept)}" if len(kept) > 1 else f"epoch {kept[0]}")
    raise UserError(
        f"There are no weights of epoch {str(epoch)[:20]} of “{run.name}”. There are: {_joined(listed)}."
    )


def which_weights(workspace: Workspace, run: Run, epoch: str) -> str:
    """What `Engine` calls the weights of an epoch: `best`, `last` or its number as text. Raises as `weights_of` does.

    What is the best it finds out itself, and says so where there is none.
    """
    return BEST if epoch == BEST else weights_of(workspace, run, epoch).which


def weights_by_epoch(workspace: Workspace, run: Run) -> dict[int, Weights]:
    """All weights of a run that are kept, by their epochs in order; the last ones where they are the best too are
    called best. Raises UserError where there are none.
    """
    found = {each.epoch: each for each in reversed(_saved(workspace, run))}
    folder = workspace.run_folder(run.id)
    for epoch in kept_epochs(folder):
        if epoch not in found and (digest := epoch_digest(folder, epoch)) is not None:
            found[epoch] = Weights(str(epoch), epoch, digest)
    return dict(sorted(found.items()))


def in_ranges(epochs: Sequence[int]) -> str:
    """Epochs in their order: `1 to 15`, `2, 4 and 6 to 9`."""
    spans: list[list[int]] = []
    for epoch in epochs:
        if spans and epoch == spans[-1][1] + 1:
            spans[-1][1] = epoch
        else:
            spans.append([epoch, epoch])
    words = [
        each
        for first, last in spans
        for each in ([f"{first} to {last}"] if last > first + 1 else map(str, range(first, last + 1)))
    ]
    return _joined(words)


def _joined(words: Sequence[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def _saved(workspace: Workspace, run: Run) -> list[Weights]:
    """The best, and of a run that has ended the last, as whole models."""
    folder, found = workspace.run_folder(run.id), []
    run.check_weights()
    for which in (BEST, LAST) if run.state in (RunState.FINISHED, RunState.STOPPED) else (BEST,):
        found += _newest(folder, which)
    if not found:
        raise UserError(f"The saved weights of “{run.name}” are damaged or gone. Train it again.")
    return found


def _newest(folder: Path, which: str) -> list[Weights]:
    """None or one, by the descriptions beside them: `core.training.saved_models`, which writes them, loads Keras."""
    for path in sorted(folder.glob(f"{which}-*.json"), reverse=True):
        try:
            values = json.loads(path.read_bytes())
            return [Weights(which, int(values["epoch"]), str(values["sha256"]))]
        except (OSError, ValueError, TypeError, KeyError):
            continue
    return []


def ask_for_all(
    run: Run, split: str, ask: Callable[[int, int], Scores], advance: Advance | None
) -> tuple[SplitAnswers, str]:
    """What `ask` gives for all pictures, from a start to a stop each time, with the digest of the weights."""
    parts: list[Scores] = []
    done, portion = 0, Portion()
    while True:
        with portion.timed():
            part = ask(done, done + portion.size)
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


def read_answers(path: Path, split: str, weights: Weights) -> SplitAnswers | None:
    """As `write_answers` kept them. None where there are none, or they cannot be read: then they are asked again."""
    stored = read_arrays(path, weights.sha256)
    if stored is None or not {"class_names", "rows", "labels", "log_probabilities"} <= set(stored):
        return None
    names = tuple(str(name) for name in stored["class_names"])
    return SplitAnswers(
        split, weights.epoch, names, stored["rows"], stored["labels"], stored["log_probabilities"]
    )


def write_answers(path: Path, answers: SplitAnswers, sha256: str) -> None:
    """The newest few per run are kept. What cannot be written is asked again the next time."""
    write_arrays(
        path, sha256, class_names=np.array(answers.class_names), rows=answers.rows, labels=answers.labels,
        log_probabilities=answers.log_probabilities,
    )  # fmt: skip
