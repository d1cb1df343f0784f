"""What a real run said of a few pictures after each of its epochs, and that no epoch is asked twice."""

import dataclasses

import numpy as np
import pytest

from core.datasets.storage import load_dataset
from core.epoch_weights import epoch_digest, epoch_path, read_epoch
from core.errors import UserError
from core.inspection import over_epochs
from core.inspection.over_epochs import EpochAnswers, OverEpochs
from core.store.store import Store


@pytest.fixture
def run(trained):
    return Store(trained.workspace).get_run(trained.run_id)


@pytest.fixture
def pictures(trained):
    return list(np.asarray(load_dataset(trained.workspace, "shapes").x_test[:2]))


def test_each_epoch_answers_as_keras_does_with_its_weights(trained, engine, run, pictures) -> None:
    from core.training.kept_weights import put_weights
    from core.training.saved_models import load_run_model

    told: list[tuple[int, int]] = []
    found = OverEpochs().of(
        trained.workspace, engine, run, pictures, lambda done, of: told.append((done, of))
    )
    model = load_run_model(trained.workspace.run_folder(run.id)).model
    assert [each.epochs for each in found] == [(1, 2, 3)] * 2
    assert found[0].class_names == load_dataset(trained.workspace, "shapes").class_names
    for place, epoch in enumerate((1, 2, 3)):
        put_weights(model, read_epoch(trained.workspace.run_folder(run.id), epoch)[1])
        expected = model.predict(np.stack(pictures), verbose=0)
        for each, probabilities in zip(found, expected, strict=True):
            # The best epoch has answered with its full precision.
            assert each.probabilities[place] == pytest.approx(probabilities, abs=1e-3)
    assert told[0] == (0, 3)


def test_only_what_is_new_is_asked(trained, engine, run, pictures, monkeypatch) -> None:
    asked: list[list[str]] = []
    ask = over_epochs._ask

    def note(engine, run_id, pixels, whiches):
        asked.append(list(whiches))
        return ask(engine, run_id, pixels, whiches[:2])  # as if there were no time for more

    monkeypatch.setattr(over_epochs, "_ask", note)
    remembered = OverEpochs()
    first = remembered.of(trained.workspace, engine, run, pictures[:1])
    assert [len(each) for each in asked] == [3, 1]
    again = remembered.of(trained.workspace, engine, run, pictures[:1])
    assert len(asked) == 2 and np.array_equal(first[0].probabilities, again[0].probabilities)
    # Of a run that trains, the next epoch alone; the best may be another one by then.
    folder, weights = (
        trained.workspace.run_folder(run.id),
        over_epochs.weights_by_epoch(trained.workspace, run),
    )
    early = {epoch: weights[epoch] for epoch in (1, 2)}
    remembered = OverEpochs()
    monkeypatch.setattr(over_epochs, "weights_by_epoch", lambda *_: early)
    assert remembered.of(trained.workspace, engine, run, pictures)[0].epochs == (1, 2)
    last = dataclasses.replace(weights[3], which="3", sha256=epoch_digest(folder, 3))
    monkeypatch.setattr(over_epochs, "weights_by_epoch", lambda *_: {**early, 3: last})
    assert remembered.of(trained.workspace, engine, run, pictures)[0].epochs == (1, 2, 3)
    assert asked[-1] == ["3"]


def test_an_epoch_that_is_damaged_costs_itself_alone(trained, engine, run, pictures) -> None:
    best = run.best_epoch
    epoch = next(each for each in (1, 2, 3) if each != best)
    path = epoch_path(trained.workspace.run_folder(run.id), epoch)
    whole = path.read_bytes()
    damaged = bytearray(whole)
    at = whole.index(b"conv_1/kernel.npy") + 300
    damaged[at] ^= 0xFF
    try:
        path.write_bytes(bytes(damaged))
        (found,) = OverEpochs().of(trained.workspace, engine, run, pictures[:1])
        assert found.epochs == tuple(each for each in (1, 2, 3) if each != epoch)
    finally:
        path.write_bytes(whole)


def test_pictures_of_another_shape_are_refused(trained, engine, run) -> None:
    with pytest.raises(UserError, match="needs pictures of 32×32×3, not 8×8×3"):
        OverEpochs().of(trained.workspace, engine, run, [np.zeros((8, 8, 3), np.uint8)])


def test_the_classes_worth_drawing() -> None:
    probabilities = np.array([[0.1, 0.6, 0.2, 0.1], [0.7, 0.1, 0.1, 0.1]], np.float32)
    answers = EpochAnswers((1, 2), ("a", "b", "c", "d"), probabilities)
    assert answers.most_seen(3) == [0, 1, 2]
    assert answers.most_seen(3, 3) == [3, 0, 1]
