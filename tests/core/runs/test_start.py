"""What can be told before a start, hints, and the starters of Home."""

import pytest

from core.config import ExperimentConfig
from core.datasets.lookup import dataset_shape
from core.design.architecture import describe_network
from core.design.hints import Hint, advise
from core.design.presets import PRESETS, quick_start
from core.errors import ConfigError, DatasetError
from core.runs.start import check_experiment, fork_experiment, start_experiment
from core.store.records import RunRequest
from core.store.store import Store


@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize("has_cifar10", [True, False])
def test_every_starter_can_be_built(workspace, name: str, has_cifar10: bool) -> None:
    config = quick_start(name, has_cifar10=has_cifar10, has_gpu=False)
    image_shape, num_classes = dataset_shape(workspace, config.dataset)
    assert describe_network(config.model, image_shape, num_classes).layers[-1].output_shape == (10,)


def test_a_data_set_that_is_not_here_says_how_to_get_it(workspace) -> None:
    with pytest.raises(DatasetError, match="datasets add cifar10"):
        check_experiment(workspace, PRESETS["article"].config)


def test_a_damaged_data_set_is_refused_before_anything_is_queued(workspace) -> None:
    (workspace.datasets / "mine").mkdir(parents=True)
    config = PRESETS["tiny"].config.with_values({"dataset.id": "mine"})
    with pytest.raises(DatasetError, match=r"mine is damaged \(dataset\.json.*Remove it and add it again"):
        start_experiment(workspace, RunRequest(config))
    assert Store(workspace).list_runs() == []


def test_more_pictures_than_there_are(workspace) -> None:
    config = PRESETS["article"].config.with_values({"dataset.id": "shapes", "dataset.num_train": 6001})
    with pytest.raises(ConfigError) as caught:
        start_experiment(workspace, RunRequest(config))
    assert caught.value.field == "dataset.num_train"
    assert Store(workspace).list_runs() == []


def test_the_image_size_counts_for_what_fits(workspace) -> None:
    config = PRESETS["article"].config.with_values({"dataset.id": "shapes", "dataset.image_size": 8})
    with pytest.raises(ConfigError, match="pool_2"):
        check_experiment(workspace, config)


def test_muon_that_would_train_nothing_is_refused(workspace) -> None:
    shapes = {"dataset.id": "shapes", "optimizer.name": "muon"}
    tiny = PRESETS["tiny"].config.with_values(shapes)
    former = tiny.with_values({"optimizer.muon_convolutions": False})
    check_experiment(workspace, tiny)
    with pytest.raises(ConfigError, match="must be on: without it Muon would train nothing"):
        start_experiment(workspace, RunRequest(former))
    with Store(workspace) as store:
        assert store.list_runs() == []
        # As an earlier version has stored it: it can be resumed, but a fork has to be another optimizer.
        run = store.queue_run(RunRequest(former, "Stored"))
        assert not store.get_run(run.id).config.optimizer.muon_convolutions
        with pytest.raises(ConfigError, match="must be on"):
            fork_experiment(workspace, run.id, {"seed": 7})
        assert store.list_runs() == [run]


@pytest.mark.parametrize(
    ("values", "word"),
    [
        ({"augmentation.width_shift_fraction": 0.5}, "out of a picture of 32 pixels"),
        ({"dataset.num_train": 500}, "overfit"),
        ({"dataset.num_train": 500}, "momentum"),
        ({"model.blocks": [{"filters": 8, "kernel_sizes": [1], "pool": "none"}]}, "see 1 of 32 pixels"),
        ({"optimizer.learning_rate": 0.5}, "high for adam"),
        ({"optimizer.name": "muon"}, "Muon trains the kernels of 1 convolution and 2 hidden dense layers"),
    ],
)
def test_hints_name_what_will_go_wrong(values, word: str) -> None:
    config = PRESETS["article"].config.with_values(values)
    hints = advise(config, describe_network(config.model), 32, config.dataset.num_train or 50_000)
    assert any(word in hint.text for hint in hints)


def test_the_hint_on_averages_that_will_lag_cures_itself() -> None:
    config = PRESETS["article"].config.with_values({"dataset.num_train": 500})

    def lagging(config: ExperimentConfig) -> list[Hint]:
        hints = advise(config, describe_network(config.model), 32, 500)
        return [hint for hint in hints if "lags behind" in hint.text]

    (hint,) = lagging(config)
    assert (hint.title, hint.changes) == (
        "Use precise batch normalisation", {"training.precise_batch_norm": True},
    )  # fmt: skip
    assert lagging(config.with_values(hint.changes)) == []
    for values in (
        {"optimizer.weight_averaging": 0.99},
        {"model.batch_norm_momentum": 0.9},
        {f"model.blocks[{index}].batch_norm": False for index in (0, 1)},
        {"training.batch_size": 3},
        # Frozen blocks keep the statistics of the run that they come from.
        {"model.start_from": "deckexampl", "model.frozen_blocks": 2},
    ):
        assert lagging(config.with_values(values)) == []
    one = {"model.start_from": "deckexampl", "model.frozen_blocks": 1}
    assert lagging(config.with_values(one)) == [hint]


def test_a_sound_design_gets_no_hint() -> None:
    config = PRESETS["vgg"].config
    assert advise(config, describe_network(config.model), 32, 50_000) == []
