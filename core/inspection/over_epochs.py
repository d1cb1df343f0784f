"""What a run said of single pictures after each epoch whose weights are kept: asked once per epoch, then remembered."""

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.engine.client import Engine
from core.errors import UserError
from core.inspection.answers import Advance, weights_by_epoch
from core.store.records import Run
from core.system.frames import Pixels
from core.workspace import Workspace

PICTURES_KEPT = 256


@dataclass(frozen=True, eq=False)
class EpochAnswers:
    """`probabilities` (epochs, classes), from 0 to 1, of one picture after each of `epochs`, in their order."""

    epochs: tuple[int, ...]
    class_names: tuple[str, ...]
    probabilities: NDArray[np.float32]

    def most_seen(self, most: int, *others: int) -> list[int]:
        """The classes worth drawing: `others`, then those that were most probable at some epoch, `most` in all."""
        peaks = np.argsort(-self.probabilities.max(axis=0), kind="stable").tolist()
        return list(dict.fromkeys([*others, *peaks]))[:most]


@dataclass
class _Known:
    class_names: tuple[str, ...]
    by_digest: dict[str, NDArray[np.float32]]


class OverEpochs:
    """Remembers the answers to the last pictures that were asked about; all visitors share it."""

    def __init__(self, most: int = PICTURES_KEPT) -> None:
        self._most = most
        self._known: OrderedDict[tuple[str, str, str], _Known] = OrderedDict()
        self._lock = threading.Lock()

    def of(
        self, workspace: Workspace, engine: Engine, run: Run, pictures: Sequence[Pixels],
        advance: Advance | None = None,
    ) -> list[EpochAnswers]:  # fmt: skip
        """The answers to each picture (height, width, channels) after every epoch that is kept by now.

        `advance` is called with how many epochs were asked, of how many, while there are any to ask.

        Raises:
            UserError: the run has no weights, or the pictures are not of the shape that it reads.
            EngineError: the engine crashed or overran its deadline.
        """
        weights = weights_by_epoch(workspace, run)
        known = [self._of(workspace, run, pixels) for pixels in pictures]
        missing = {
            each.which: each.sha256
            for each in weights.values()
            if any(each.sha256 not in of_one.by_digest for of_one in known)
        }
        total = len(missing)
        while missing and pictures:
            if advance is not None:
                advance(total - len(missing), total)
            whiches = list(missing)
            names, digests, found = _ask(engine, run.id, np.stack(pictures), whiches)
            # An epoch that was trained again meanwhile has another digest: it is asked for the next time.
            for which, digest, answers in zip(whiches, digests, found, strict=False):
                del missing[which]
                if digest is None:
                    continue
                for of_one, probabilities in zip(known, answers, strict=True):
                    of_one.class_names = names
                    of_one.by_digest[digest] = probabilities
        return [_in_order(run, of_one, {e: w.sha256 for e, w in weights.items()}) for of_one in known]

    def _of(self, workspace: Workspace, run: Run, pixels: Pixels) -> _Known:
        data = np.ascontiguousarray(pixels)
        name = (
            str(workspace.root),
            run.id,
            hashlib.sha256(data.tobytes() + str(data.shape).encode()).hexdigest(),
        )
        with self._lock:
            known = self._known.setdefault(name, _Known((), {}))
            self._known.move_to_end(name)
            while len(self._known) > self._most:
                self._known.popitem(last=False)
        return known


def _in_order(run: Run, known: _Known, digests: dict[int, str]) -> EpochAnswers:
    answered = {epoch: known.by_digest[each] for epoch, each in digests.items() if each in known.by_digest}
    if not answered:
        raise UserError(f"The weights of “{run.name}” were replaced while they were asked. Ask again.")
    return EpochAnswers(tuple(answered), known.class_names, np.stack(list(answered.values())))


def _ask(
    engine: Engine, run_id: str, pixels: Pixels, whiches: Sequence[str]
) -> tuple[tuple[str, ...], list[str | None], NDArray[np.float32]]:
    """The classes' names, then of the first of `whiches`, as many as take some seconds, the SHA-256 of the weights and
    the probabilities (weights, pictures, classes). Of weights that are damaged the SHA-256 is None.
    """
    document = {"method": "answer_over_epochs", "run_id": run_id, "whiches": list(whiches)}
    answer, arrays = engine.ask(document, {"pixels": pixels})
    return tuple(answer["class_names"]), answer["digests"], arrays["probabilities"]
