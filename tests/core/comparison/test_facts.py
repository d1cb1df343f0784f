"""What is known of each run: read once, and again where it changed."""

import pytest

from core.comparison.facts import read_facts
from core.comparison.quantities import number_of, quantity, show_value, title_of, value_of, varying_settings
from core.config import ExperimentConfig
from core.epoch import EpochRow
from core.errors import ConvDeckError, UserError
from core.store.records import RunRequest
from core.store.states import RunState
from core.store.store import Store
from tests.core.comparison.made import facts, stored
from tests.core.conftest import known_data, own_data

EPOCHS = [
    {"val_accuracy": 0.4, "clean_train_accuracy": 0.5, "val_loss": 1.2, "seconds": 5.0},
    {"val_accuracy": 0.7, "clean_train_accuracy": 0.8, "val_loss": 0.9, "seconds": 2.0},
    {"val_accuracy": 0.6, "clean_train_accuracy": 0.9, "val_loss": 0.8, "seconds": 2.0},
]


def test_the_best_value_counts_and_not_the_last(store) -> None:
    run_id = stored(store, epochs=EPOCHS, name="mine")
    store.marks.add_tags([run_id], ["b", "a"])
    (found,) = read_facts(store)
    assert found.results == {
        "val_accuracy": 0.7, "balanced_accuracy": None, "gap": pytest.approx(0.1), "train_accuracy": 0.8,
        "val_loss": 0.8, "seconds_per_epoch": 3.0, "seconds": 9.0, "epochs": 3, "best_epoch": 2,
        # By hand, on 32×32 pixels in colour and 10 classes: convolution 3·3·3·32 + 32, batch normalisation 4·32,
        # 15·15·32 features to 10 classes. FLOPs as core.design.architecture counts them, layer by layer.
        "parameters": 896 + 128 + 72_010,
        "flops": 3_072 + (1_555_200 + 57_600) + 57_600 + 28_800 + 144_020,
    }  # fmt: skip
    assert (found.id, found.name, found.tags, found.hidden, found.outcome) == (
        run_id, "mine", ("a", "b"), False, "finished",
    )  # fmt: skip
    assert (found.num_train, found.num_validation, found.seed) == (600, 500, 0)
    assert found.settings["model.blocks[0].kernel_sizes"] == [3]


def test_parameters_are_those_of_keras(trained) -> None:
    import keras

    from core.training.models import build_model

    with Store(trained.workspace) as store:
        found = next(each for each in read_facts(store) if each.id == trained.run_id)
        config = found.config
        model = build_model(config, (32, 32, 3), 10)
        assert isinstance(model, keras.Model) and found.results["parameters"] == model.count_params()
        assert found.results["epochs"] == 3 and found.results["seconds"] > 0
        assert found.results["val_accuracy"] == max(store.curves(found.id)["val_accuracy"])


def test_only_what_changed_is_made_again(store) -> None:
    first, second = stored(store, epochs=EPOCHS), stored(store, epochs=EPOCHS[:1], state=RunState.RUNNING)
    before = {each.id: each for each in read_facts(store)}
    assert before[second].outcome == "under way" and not before[second].counts
    store.record_epoch(second, 1, EpochRow(2, val_accuracy=0.9, seconds=1.0))
    after = {each.id: each for each in read_facts(store)}
    assert after[first] is before[first]
    assert after[second].results["val_accuracy"] == 0.9 and after[second].results["seconds"] == 6.0
    for change in (
        lambda: store.rename_run(first, "other"),
        lambda: store.marks.add_tags([first], ["t"]),
        lambda: store.marks.set_hidden([first], True),
    ):
        former = after[first]
        change()
        after = {each.id: each for each in read_facts(store)}
        assert after[first] is not former
    assert (after[first].name, after[first].tags, after[first].hidden) == ("other", ("t",), True)
    store.trash.put(first)
    assert [each.id for each in read_facts(store)] == [second]
    store.trash.restore(first)
    assert {each.id for each in read_facts(store)} == {first, second}


def test_a_person_s_changes_make_another_run_of_it(store) -> None:
    run_id = stored(store, epochs=EPOCHS, state=RunState.RUNNING)
    store.interventions.request(run_id, "add_epochs", 5)
    store.interventions.request(run_id, "learning_rate", 0.01)
    (found,) = read_facts(store)
    assert found.learning_rate_changed and found.settings["training.epochs"] == 15
    assert found.beyond_settings == ("d" * 64, True)


def test_of_data_that_is_gone_or_another_one_the_cost_is_not_known(workspace, store) -> None:
    config = ExperimentConfig().with_values({"dataset.id": "pets"})
    pets = own_data(workspace)
    for digest in (pets.digest, "another", None):
        store.queue_run(RunRequest(config, name=str(digest), data=digest and known_data(digest)))
    found = {each.name: each for each in read_facts(store)}
    # 16×16 in colour: a convolution of 3×3×3×32 + 32, batch normalisation 4 × 32, 7×7×32 features × 2 classes + 2.
    assert found[pets.digest].results["parameters"] == found["None"].results["parameters"] == 896 + 128 + 3138
    assert found["another"].results["parameters"] is None
    assert (found["None"].num_train, found["another"].num_train) == (24, 24)


def test_settings_that_another_version_wrote_are_no_end(store) -> None:
    run_id = stored(store, epochs=EPOCHS)
    with store._database.writing() as connection:
        connection.execute("UPDATE runs SET config = '{\"new\": 1}' WHERE id = ?", (run_id,))
    (found,) = read_facts(store)
    assert found.settings == {} and found.config is None and found.results["val_accuracy"] == 0.7
    assert value_of(found, "model.blocks") is None and value_of(found, "model.blocks[*].filters") is None


def test_a_damaged_row_is_said_in_words(store) -> None:
    run_id = stored(store, epochs=EPOCHS)
    with store._database.writing() as connection:
        connection.execute("UPDATE runs SET state = 'LOST' WHERE id = ?", (run_id,))
    with pytest.raises(ConvDeckError, match="is damaged: a run cannot be read"):
        read_facts(store)


def test_values_by_name() -> None:
    blocks = [{"kernel_sizes": [3, 5], "padding": "same"}, {"filters": 8, "dropout": 0.25}]
    run = facts(1, {"model.blocks": blocks, "training.early_stopping_patience": None}, val_accuracy=0.712)
    expected = {
        "val_accuracy": (0.712, "71.2 %"),
        "gap": (None, "–"),
        "state": ("FINISHED", "FINISHED"),
        "tags": ((), "–"),
        "hidden": (False, "no"),
        "model.blocks": (2, "2"),
        "model.dense": (0, "0"),
        "model.blocks[0].kernel_sizes": ((3, 5), "3×3 and 5×5"),
        "model.blocks[1].kernel_sizes": (3, "3×3"),
        "model.blocks[*].kernel_sizes": (("…", (3, 5), 3), "3×3 and 5×5, 3×3"),
        "model.blocks[*].activation": ("relu", "ReLU"),
        "model.blocks[2].filters": (None, "–"),
        "training.early_stopping_patience": (None, "off"),
        "optimizer.learning_rate": (0.001, "0.001"),
    }
    found = {name: (value_of(run, name), show_value(name, value_of(run, name))) for name in expected}
    assert found == expected
    assert title_of("model.blocks[*].kernel_sizes") == "Kernel sizes of all blocks"
    assert title_of("model.blocks[1].filters") == "Filters of block 2"
    assert number_of(run, "optimizer.nesterov") is None and number_of(run, "model.blocks") == 2
    with pytest.raises(UserError, match="neither a result nor a setting"):
        value_of(run, "model.block")


def test_quantities_have_axes_and_directions() -> None:
    assert (quantity("gap").title, quantity("gap").direction, quantity("gap").scale) == ("Gap (%)", -1, 100)
    assert quantity("parameters").show(1_234_567) == "1.23 M"
    label_noise = quantity("dataset.label_noise")
    assert (label_noise.show(0.2), label_noise.scale, label_noise.is_setting) == ("20 %", 100, True)


def test_which_settings_vary() -> None:
    runs = [facts(1, {"model.blocks[0].filters": filters}) for filters in (8, 16, 8)]
    assert varying_settings(runs) == {"model.blocks[0].filters": 2}
