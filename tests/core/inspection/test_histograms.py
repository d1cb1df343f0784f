"""What of histograms is worth a sentence, which epochs are looked at, and that they are measured once."""

import shutil

import numpy as np

from core.engine.histograms import Distribution, EpochHistograms
from core.inspection.answers import Weights
from core.inspection.histograms import FOLDER, findings, histograms_document, histograms_of, some_epochs
from core.store.store import Store


def distribution(part: str, layer: str, rms: float, *, zeros: int = 0, strange: int = 0) -> Distribution:
    """A hundred numbers of this size."""
    return Distribution(part, layer, np.zeros(256, np.int64), 0, 100, zeros, strange, 0.0, 100 * rms**2)


def epoch(number: int, *found: Distribution) -> EpochHistograms:
    return EpochHistograms(number, 256, found)


def test_gradients_far_apart_are_said_with_both_layers() -> None:
    last = epoch(12, distribution("gradients", "conv_1", 1e-6), distribution("gradients", "fc1", 1.2e-3))
    assert findings([last]) == [
        "In epoch 12 the gradients at conv_1 are 1,200 times smaller than at fc1: conv_1 hardly learns any more by "
        "comparison."
    ]
    near = epoch(12, distribution("gradients", "conv_1", 2e-5), distribution("gradients", "fc1", 1.2e-3))
    assert findings([near]) == []
    later = epoch(12, distribution("gradients", "conv_1", 1.2e-3), distribution("gradients", "fc1", 1e-6))
    assert findings([later]) == []


def test_what_grew_is_dead_or_no_number() -> None:
    first = epoch(1, distribution("weights", "fc1", 0.1), distribution("gradients", "fc1", 1.0))
    last = epoch(
        9, distribution("weights", "fc1", 1.5), distribution("gradients", "fc1", 0.0),
        distribution("activations", "conv_1", 0.1, zeros=97),
        distribution("activations", "conv_2", 0.1, strange=3),
    )  # fmt: skip
    assert findings([first, last]) == [
        "In epoch 9 there are numbers that are NaN or infinite in conv_2: training diverged.",
        "No gradient reaches fc1 in epoch 9: nothing is learned there.",
        "The weights of fc1 are 15 times as large in epoch 9 as in epoch 1.",
        "97.0 % of the numbers that conv_1 gives in epoch 9 are 0. Dead units say which channels never respond.",
    ]


def test_of_many_epochs_the_first_the_last_and_the_best_are_among_those_looked_at() -> None:
    kept = {each: Weights("best" if each == 37 else str(each), each, "") for each in range(1, 101)}
    found = [each.epoch for each in some_epochs(kept)]
    assert len(found) <= 16 and found[0] == 1 and found[-1] == 100 and 37 in found
    assert found == sorted(found)
    few = {each: kept[each] for each in (1, 2, 3)}
    assert some_epochs(few) == list(few.values())


def test_a_run_is_measured_once_also_by_another_server(trained, engine) -> None:
    run = Store(trained.workspace).get_run(trained.run_id)
    folder = trained.workspace.run_folder(run.id) / FOLDER
    shutil.rmtree(folder, ignore_errors=True)
    first = histograms_of(trained.workspace, engine, run)
    kept = histograms_of(trained.workspace, None, run)  # no engine is asked
    assert histograms_document(run.id, kept) == histograms_document(run.id, first)
    assert sorted(path.name for path in folder.iterdir()) == [f"{each.epoch:06d}.npz" for each in first]
    damaged = folder / f"{first[0].epoch:06d}.npz"
    damaged.write_bytes(damaged.read_bytes()[:200])
    again = histograms_of(trained.workspace, engine, run)
    assert histograms_document(run.id, again) == histograms_document(run.id, first)
