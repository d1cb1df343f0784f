"""The script of a run: what happened to it is said, and visitors are not told where files lie."""

import pytest

from core.config import DatasetConfig, ExperimentConfig
from core.datasets.storage import delete_dataset
from core.design.presets import PRESETS
from core.epoch import EpochRow
from core.errors import UserError
from core.inspection.run_script import script_name, script_of
from core.store.records import RunRequest
from core.store.states import RunState
from core.store.store import Store
from core.visitors.person import Person, acting_as
from tests.core.conftest import own_data


@pytest.fixture
def store(workspace):
    with Store(workspace) as store:
        yield store


def queued(store, config: ExperimentConfig, name: str = "Pets: 1"):
    return store.queue_run(RunRequest(config, name))


def test_the_script_reads_the_folder_of_the_data_set_but_visitors_are_not_told_where(
    workspace, store
) -> None:
    own_data(workspace)
    run = queued(store, ExperimentConfig(dataset=DatasetConfig("pets")))
    assert script_name(run) == "Pets-1-training.py"
    assert f'DATA = "{workspace.datasets / "pets"}"' in script_of(workspace, store, run).text
    with acting_as(Person("visitor", "v1")):
        text = script_of(workspace, store, run).text
    assert 'DATA = "datasets/pets"' in text and str(workspace.root) not in text


def test_without_its_data_set_there_is_no_script(workspace, store) -> None:
    own_data(workspace)
    run = queued(store, ExperimentConfig(dataset=DatasetConfig("pets")))
    delete_dataset(workspace, "pets")
    with pytest.raises(UserError, match="pets"):
        script_of(workspace, store, run)


def test_known_data_sets_need_not_be_here(workspace, store) -> None:
    script = script_of(workspace, store, queued(store, PRESETS["article"].config))
    assert "keras.datasets.cifar10.load_data()" in script.text and "FINGERPRINT" not in script.text
    assert "cannot check" in script.differences[-1]


def test_what_people_changed_while_it_trained_is_said(workspace, store) -> None:
    run = queued(store, PRESETS["resnet"].config)
    store.claim(run.id, ["cpu:0"])
    store.record_started(run.id, 1, 20, 100, 0)
    store.record_epoch(run.id, 1, EpochRow(1, val_accuracy=0.412))
    store.interventions.request(run.id, "add_epochs", 2)
    script = script_of(workspace, store, store.get_run(run.id))
    assert "\nEPOCHS = 22\n" in script.text and "\nPLANNED_EPOCHS = 20 " in script.text
    assert "somebody added 2." in script.differences[0]
    assert "41.2 % validation accuracy after epoch 1" in script.text
    store.transition(run.id, RunState.STOPPED, expected=RunState.RUNNING)
    assert any("over after 1 of 22 epochs (stopped)" in each for each in
               script_of(workspace, store, store.get_run(run.id)).differences)  # fmt: skip
