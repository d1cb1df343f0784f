"""A run's answers to another data set whose classes it knows, such as a folder of a person's own pictures."""

import hashlib
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from core.datasets.storage import DatasetInfo, describe_dataset, list_datasets, load_dataset
from core.engine.answers import Scores
from core.engine.client import Engine
from core.errors import DatasetError, UserError
from core.inspection.answers import (
    BEST,
    FOLDER,
    Advance,
    SplitAnswers,
    answers_of,
    ask_for_all,
    read_answers,
    weights_of,
    write_answers,
)
from core.store.records import Run
from core.workspace import Workspace

ALL = "all"


def fitting_datasets(workspace: Workspace, run: Run) -> list[DatasetInfo]:
    """Other data sets that are here, with as many channels as the run's, whose classes it knows; by name."""
    own = describe_dataset(workspace, run.dataset)
    if own is None:
        return []
    known = set(run.class_names or own.class_names)
    return [
        info
        for info in list_datasets(workspace)
        if info.id != run.dataset
        and info.state == "ready"
        and info.image_shape[2] == own.image_shape[2]
        and info.class_names
        and known.issuperset(info.class_names)
    ]


def answers_elsewhere(
    workspace: Workspace, engine: Engine, run: Run, dataset_id: str, epoch: int | str = BEST,
    advance: Advance | None = None,
) -> SplitAnswers:  # fmt: skip
    """The answers to all pictures of another data set: `rows` count its stored test arrays, then its training arrays.

    Pictures of another size are resized, classes go by their names.

    Raises:
        UserError: the run does not know one of its classes, its pictures have other channels, or there are no weights
            of this epoch.
        DatasetError: there is no such data set here.
        EngineError: the engine crashed or overran its deadline.
    """
    if dataset_id == run.dataset:
        raise UserError(
            f"“{run.name}” was trained on {dataset_id}. Choose validation or test pictures of it."
        )
    info = describe_dataset(workspace, dataset_id)
    if info is None or info.state != "ready" or info.digest is None:
        raise DatasetError(f"There is no data set “{dataset_id[:60]}” here.")
    weights = weights_of(workspace, run, epoch)
    name = hashlib.sha256(f"{dataset_id} {info.digest}".encode()).hexdigest()[:16]
    path = workspace.run_folder(run.id) / FOLDER / f"elsewhere-{name}-{weights.epoch:06d}.npz"
    answers = read_answers(path, ALL, weights)
    if answers is None:

        def ask(start: int, stop: int) -> Scores:
            return engine.score_elsewhere(run.id, weights.which, dataset_id, start, stop)

        answers, sha256 = ask_for_all(run, ALL, ask, advance)
        write_answers(path.with_name(f"elsewhere-{name}-{answers.epoch:06d}.npz"), answers, sha256)
    return SplitAnswers(
        ALL,
        answers.epoch,
        answers.class_names,
        answers.rows,
        answers.labels,
        answers.log_probabilities,
        dataset_id,
    )


def answers_about(
    workspace: Workspace, engine: Engine, run: Run, split: str, epoch: int | str = BEST,
    advance: Advance | None = None, dataset: str | None = None,
) -> SplitAnswers:  # fmt: skip
    """Those to a part of the run's data set, or to another `dataset`. Raises as `answers_of` or `answers_elsewhere`."""
    if dataset is None:
        return answers_of(workspace, engine, run, split, epoch, advance)
    return answers_elsewhere(workspace, engine, run, dataset, epoch, advance)


def pictures_elsewhere(workspace: Workspace, dataset_id: str, rows: Iterable[int]) -> NDArray[np.uint8]:
    """(rows, height, width, channels) as they are stored. Raises DatasetError."""
    dataset = load_dataset(workspace, dataset_id)
    num_test = len(dataset.y_test)
    return np.stack(
        [dataset.x_test[row] if row < num_test else dataset.x_train[row - num_test] for row in rows]
    )
