"""`python -m tests.benchmarks.strangers RUN DATASET ...`: how well a run tells what it was not trained on.

The run's own test pictures against those of other data sets, by three scores: the distance to the k-th nearest training
picture, which `predict` uses; the energy (Liu et al., arXiv 2010.03759), minus the logarithm of the sum of the
exponentials of the logits; and the probability of the answer. AUROC is the probability that of a pair the stranger has
the higher score. The last column is the share of pictures that `predict` does not count as known. Prints a table.
"""

import argparse
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp
from sklearn.metrics import roc_auc_score

from core.datasets.splits import resize, validation_and_test
from core.datasets.storage import load_dataset
from core.engine.client import Engine
from core.engine.familiarity import read_familiarity
from core.inspection.prediction import learn_known
from core.store.store import Store
from core.system.processes import choose_backend
from core.workspace import Workspace


def pictures_of(
    workspace: Workspace, dataset_id: str, image_shape: tuple[int, int, int]
) -> NDArray[np.uint8]:
    """A data set's test pictures, in a network's shape."""
    dataset = load_dataset(workspace, dataset_id)
    _, test = validation_and_test(np.asarray(dataset.y_test), dataset.num_validation)
    pictures = np.asarray(dataset.x_test[test])
    if pictures.shape[1:3] != image_shape[:2]:
        pictures = resize(pictures, image_shape[0])
    if pictures.shape[-1] < image_shape[-1]:
        pictures = np.repeat(pictures, image_shape[-1], axis=-1)
    return pictures


def measure(
    workspace: Workspace, run_id: str, others: Sequence[str]
) -> list[tuple[str, float, float, float, float]]:
    """(data set, AUROC by distance, energy and probability, share not known); first the run's own."""
    choose_backend()
    from core.training.saved_models import load_run_model
    from core.training.scores import Scorer

    run = Store(workspace).get_run(run_id)
    engine = Engine(workspace)
    try:
        problem = learn_known(workspace, engine, run)
    finally:
        engine.close()
    if problem:
        raise SystemExit(problem)
    saved = load_run_model(workspace.run_folder(run.id))
    found = read_familiarity(workspace.run_folder(run.id), saved.sha256)
    assert found is not None
    scorer = Scorer(saved.model)

    def scores(dataset_id: str) -> NDArray[np.float64]:
        features, log_probabilities = scorer.score(pictures_of(workspace, dataset_id, saved.image_shape))
        energy = -logsumexp(scorer.logits(features), axis=1)
        return np.stack([found.training.distances(features), energy, -log_probabilities.max(axis=1)])

    own = scores(run.dataset)
    rows = [(run.dataset, *[0.5] * 3, float((own[0] > found.known.threshold).mean()))]
    for other in others:
        strangers = scores(other)
        is_stranger = np.repeat([0, 1], [own.shape[1], strangers.shape[1]])
        by_each = [
            roc_auc_score(is_stranger, np.concatenate(pair)) for pair in zip(own, strangers, strict=True)
        ]
        rows.append((other, *by_each, float((strangers[0] > found.known.threshold).mean())))
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description="How well a run tells what it was not trained on.")
    parser.add_argument("run", metavar="RUN")
    parser.add_argument("datasets", metavar="DATASET", nargs="+")
    asked = parser.parse_args()
    print(
        "| test pictures of | distance | energy | probability | not known |\n| --- | --- | --- | --- | --- |"
    )
    for dataset, *by_each, unknown in measure(Workspace.from_environment(), asked.run, asked.datasets):
        shown = ["–"] * 3 if by_each == [0.5] * 3 else [f"{100 * each:.1f}" for each in by_each]
        print(f"| {dataset} | {' | '.join(shown)} | {100 * unknown:.1f} % |")


if __name__ == "__main__":
    main()
