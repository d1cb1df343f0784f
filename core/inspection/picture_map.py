"""A map on which pictures that a network finds alike lie near each other: made by the engine, kept with the run."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from msgspec.structs import asdict
from numpy.typing import NDArray

from core.datasets.identity import check_same_data
from core.engine.answers import Answer
from core.engine.client import Engine
from core.engine.portions import Pictures, portions_of
from core.errors import UserError
from core.inspection.answers import (
    BEST,
    SPLITS,
    Advance,
    Numbers,
    SplitAnswers,
    Weights,
    check_epoch,
    weights_of,
)
from core.inspection.kept_arrays import read_arrays, write_arrays
from core.store.records import Run
from core.workspace import Workspace

FOLDER = "maps"
ARRAYS = ("rows", "tsne", "projected", "mean", "components", "explained", "turn")
NEIGHBOURS = 10
KINDS = ("tsne", "pca")

Places = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class PictureMap:
    """Up to 2,000 pictures of a `split` in the features of a run's last layer but one, by the weights of `epoch`.

    `rows` (pictures,) are rows of the stored test arrays. `tsne` and `pca` (pictures, 2) are places without a unit.
    `projected` (pictures, k) are the first k principal components, `mean` (units,) and `components` (k, units) give
    them for features of length 1; `explained` (k,) are their shares of the variance. `turn` (2, 2) rotates and mirrors
    the first two, so that maps of several epochs lie alike.
    """

    split: str
    epoch: int
    sha256: str
    rows: Numbers
    tsne: Places
    projected: Places
    mean: Places
    components: Places
    explained: Places
    turn: Places

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def pca(self) -> Places:
        """(pictures, 2)"""
        turned: Places = self.projected[:, :2] @ self.turn
        return turned

    def places(self, kind: str) -> Places:
        """(pictures, 2) of one of KINDS. Raises UserError on another."""
        if kind not in KINDS:
            raise UserError(f"kind must be one of {', '.join(KINDS)}, not {kind[:40]!r}.")
        return self.tsne if kind == "tsne" else self.pca

    def place(self, features: Places, kind: str) -> Places:
        """Where new pictures with `features` (n, units) of length 1 lie: (n, 2).

        By PCA it is their own place. t-SNE has none for a new picture: it gets the median place of the NEIGHBOURS
        nearest ones, measured in the principal components.
        """
        components = (features - self.mean) @ self.components.T
        missing = self.projected.shape[1] - components.shape[1]
        own = np.pad(components, ((0, 0), (0, missing))).astype(np.float32)
        if kind == "pca":
            turned: Places = own[:, :2] @ self.turn
            return turned
        distances = ((own[:, None] - self.projected[None]) ** 2).sum(axis=-1)
        nearest = np.argsort(distances, axis=1, kind="stable")[:, :NEIGHBOURS]
        return np.asarray(np.median(self.tsne[nearest], axis=1), np.float32)


@dataclass(frozen=True, eq=False)
class Placed:
    """A new picture: what the network says of it, and where it lies on the map, by kind; no places if unreadable."""

    answer: Answer
    places: dict[str, tuple[float, float]]

    def to_json(self) -> dict[str, Any]:
        """As the command line and REST give it: the answer's fields, and a place by each layout, or null."""
        said = self.answer.to_json()
        kept = {key: said[key] for key in ("image", "ok", "error", "top")}
        return {**kept, **{kind: _rounded([self.places[kind]])[0] if self.places else None for kind in KINDS}}


def answers_on(found: PictureMap, answers: SplitAnswers) -> SplitAnswers:
    """The answers to the pictures of the map, in its order."""
    order = np.argsort(answers.rows)
    places = order[np.searchsorted(answers.rows, found.rows, sorter=order)]
    return replace(
        answers, rows=answers.rows[places], labels=answers.labels[places],
        log_probabilities=answers.log_probabilities[places],
    )  # fmt: skip


def purity(places: Places, labels: Numbers) -> float:
    """How often, from 0 to 1, the NEIGHBOURS nearest pictures on a map have a picture's own class, on average."""
    count = min(NEIGHBOURS, len(places) - 1)
    if count < 1:
        return 1.0
    distances = ((places[:, None] - places[None]) ** 2).sum(axis=-1)
    np.fill_diagonal(distances, np.inf)
    nearest = np.argpartition(distances, count - 1, axis=1)[:, :count]
    return float((labels[nearest] == labels[:, None]).mean())


def map_document(
    run_id: str, found: PictureMap, answers: SplitAnswers, placed: Sequence[Placed] = ()
) -> dict[str, Any]:
    """As the command line and REST give it; `answers` are those to the part's pictures."""
    shown = answers_on(found, answers)
    return {
        "run": run_id,
        "split": found.split,
        "epoch": found.epoch,
        "n": len(found),
        "class_names": list(shown.class_names),
        "index": found.rows.tolist(),
        "label": shown.labels.tolist(),
        "predicted": shown.predicted.tolist(),
        "tsne": _rounded(found.tsne),
        "pca": _rounded(found.pca),
        "explained": [round(float(each), 4) for each in found.explained[:2]],
        "placed": [each.to_json() for each in placed],
    }


def picture_map(
    workspace: Workspace, engine: Engine, run: Run, split: str, epoch: int | str = BEST,
    advance: Advance | None = None,
) -> PictureMap:  # fmt: skip
    """The map of a run's weights. That of another epoch than the best begins at the map of the best, so that pictures
    stay near their places. `advance` is told how much of the work is done.

    Raises as `core.inspection.answers.answers_of` does.
    """
    if split not in SPLITS:
        raise UserError(f"split must be one of {', '.join(SPLITS)}, not {split[:40]!r}.")
    weights = weights_of(workspace, run, epoch)
    check_same_data(workspace, run)
    folder = workspace.run_folder(run.id) / FOLDER
    if (kept := _read(folder, split, weights)) is not None:
        return kept
    best = weights_of(workspace, run, BEST)
    first = None if weights.epoch == best.epoch else picture_map(workspace, engine, run, split, BEST, advance)
    made = _make(engine, run, split, weights, first, advance)
    check_epoch(made.epoch, weights, epoch)
    _write(folder, made)
    return made


def place_pictures(
    engine: Engine, run: Run, weights: Weights, found: PictureMap, pictures: Pictures, crop: str | None = None
) -> list[Placed]:
    """Where a person's pictures lie on the map `found` of the same `weights`. Raises as `Engine.predict` does."""
    placed = []
    for portion in portions_of(pictures):
        data = {str(place): np.frombuffer(content, np.uint8) for place, (_, content) in enumerate(portion)}
        asked = {
            "method": "features", "run_id": run.id, "which": weights.which, "crop": crop,
            "names": [name for name, _ in portion],
        }  # fmt: skip
        answer, arrays = engine.ask(asked, data)
        if answer["sha256"] != found.sha256:
            raise UserError("The run saved other weights meanwhile. Make the map again.")
        for place, row in enumerate(answer["rows"]):
            features = arrays.get(f"features-{place}")
            places = {}
            if features is not None:
                for kind in KINDS:
                    x, y = found.place(features[None], kind)[0]
                    places[kind] = float(x), float(y)
            placed.append(Placed(Answer.of_row(row, arrays.get(str(place))), places))
    return placed


def _make(
    engine: Engine, run: Run, split: str, weights: Weights, first: PictureMap | None, advance: Advance | None
) -> PictureMap:
    document = {
        "method": "make_map", "run_id": run.id, "which": weights.which, "dataset": asdict(run.config.dataset),
        "split": split,
    }  # fmt: skip
    start = {} if first is None else {"start": first.tsne}
    while True:
        answer, arrays = engine.ask(document, start)
        if advance is not None:
            advance(answer["done"], answer["of"])
        if answer["done"] >= answer["of"]:
            break
    turn = np.eye(2, dtype=np.float32)
    if first is not None and np.array_equal(first.rows, arrays["rows"]):
        turn = _turn_to(arrays["projected"][:, :2], first.pca)
    return PictureMap(split, answer["epoch"], answer["sha256"], turn=turn, **arrays)


def _turn_to(places: Places, others: Places) -> Places:
    """The rotation, or rotation and mirroring, (2, 2), that brings `places` nearest to `others` (Procrustes).

    Schönemann, Psychometrika 31, 1966, doi 10.1007/BF02289451.
    """
    left, _, right = np.linalg.svd(places.T.astype(np.float64) @ others.astype(np.float64))
    turned: Places = (left @ right).astype(np.float32)
    return turned


def _read(folder: Path, split: str, weights: Weights) -> PictureMap | None:
    """None where it was not made before, or the file cannot be read: then it is made again."""
    arrays = read_arrays(_path(folder, split, weights.epoch), weights.sha256)
    return (
        PictureMap(split, weights.epoch, weights.sha256, **arrays)
        if arrays is not None and set(arrays) == set(ARRAYS)
        else None
    )


def _write(folder: Path, made: PictureMap) -> None:
    """The newest few per run are kept. What cannot be written is made again the next time."""
    write_arrays(
        _path(folder, made.split, made.epoch), made.sha256, **{name: getattr(made, name) for name in ARRAYS}
    )


def _path(folder: Path, split: str, epoch: int) -> Path:
    return folder / f"{split}-{epoch:06d}.npz"


def _rounded(places: Iterable[Iterable[float]]) -> list[list[float]]:
    return [[round(float(x), 4), round(float(y), 4)] for x, y in places]
