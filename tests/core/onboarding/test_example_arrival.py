"""The example comes into a new workspace once, whole or not at all."""

import errno
import threading

import numpy as np
import pytest

from core.cli.main import main
from core.datasets import prepare
from core.datasets.catalogue import SHAPES_CLASSES
from core.design.presets import PRESETS
from core.epoch import CURVE_KEYS
from core.epoch_weights import kept_epochs, read_epoch
from core.errors import ConvDeckError
from core.onboarding import example
from core.onboarding.example import EXAMPLE_ID, import_example, read_example
from core.runs import control
from core.runs.breakdown import class_names_of
from core.runs.verdicts import suggestions_of, verdict_of
from core.store.records import RunRequest
from core.store.states import RunState
from core.store.store import Store


@pytest.fixture(autouse=True)
def wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONVDECK_EXAMPLE", "on")


@pytest.fixture
def store(workspace) -> Store:
    return Store(workspace)


def test_a_new_workspace_gets_a_finished_run_like_any_other(workspace, store) -> None:
    assert import_example(workspace, store)
    (run,) = store.list_runs()
    assert (run.state, run.pid, run.error, run.stop_requested) == (RunState.FINISHED, None, None, False)
    assert (run.epoch, run.total_epochs) == (25, 25)
    rows = read_example().run.epochs
    curves = store.curves(run.id)
    assert curves == {key: [getattr(row, key) for row in rows] for key in CURVE_KEYS}
    best = max(range(25), key=lambda index: (curves["val_accuracy"][index], -index))
    assert (run.best_epoch, run.best_val_accuracy) == (best + 1, curves["val_accuracy"][best])
    last = [curves["clean_train_accuracy"][index] - curves["val_accuracy"][index] for index in (-3, -2, -1)]
    verdict = verdict_of(store, run, curves)
    assert run.gap == verdict.gap == sorted(last)[1]
    assert verdict.headline.startswith("Overfitting since epoch")
    assert suggestions_of(workspace, run, verdict)[0].id == "augment"
    folder = workspace.run_folder(run.id)
    assert {path.suffix for path in folder.iterdir() if path.is_file()} == {".keras", ".json"}
    assert kept_epochs(folder) == (1, 2, 4, 8, 16, 25)
    for epoch in kept_epochs(folder):
        read_epoch(folder, epoch)  # raises where one is damaged
    assert "comes with ConvDeck" in store.log(run.id)[0].text
    assert not store.has_work() and store.leases() == {}


def test_classes_confusions_and_followed_pictures_come_with_it(workspace, store) -> None:
    import_example(workspace, store)
    (run,) = store.list_runs()
    curves = store.curves(run.id)
    found, confusions = store.breakdowns.read(run.id), store.breakdowns.confusions(run.id)
    assert found is not None and confusions is not None
    assert found.epochs.tolist() == confusions.epochs.tolist() == list(range(1, 26))
    # Each class has as many pictures, so their mean is the accuracy.
    assert found.validation.balanced_accuracy == pytest.approx(curves["val_accuracy"])
    assert run.balanced_accuracy == pytest.approx(run.best_val_accuracy) and not run.uneven_classes
    hits = [np.trace(confusions.matrix(at)) / confusions.matrix(at).sum() for at in range(25)]
    assert hits == pytest.approx(curves["val_accuracy"])
    assert found.training_pictures.answers.shape == found.validation_pictures.answers.shape
    assert class_names_of(workspace, run, found.num_classes) == SHAPES_CLASSES


def test_no_start_is_answered_with_it(workspace, store) -> None:
    """Nobody could watch it train: its data has no digest, and so it is known to be identical with nothing."""
    import_example(workspace, store)
    (example_run,) = store.list_runs()
    assert example_run.dataset_digest is None
    prepare.ensure_dataset(workspace, "shapes")
    request = control.with_data(workspace, RunRequest(example_run.config))
    queued = store.queue_or_reuse(request, reuse=True)
    assert not queued.is_shared and queued.run.id != EXAMPLE_ID


def test_deleted_it_does_not_come_back(workspace, store) -> None:
    import_example(workspace, store)
    control.delete_run(workspace, EXAMPLE_ID)
    assert not import_example(workspace, store)
    assert store.list_runs() == []


def test_a_workspace_that_had_a_run_gets_none(workspace, store) -> None:
    run = store.queue_run(RunRequest(PRESETS["tiny"].config))
    store.request_stop(run.id)
    store.trash.put(run.id)
    assert not import_example(workspace, store)
    assert store.list_runs() == []


@pytest.mark.parametrize("value", ["off", "OFF", "0"])
def test_it_can_be_switched_off(workspace, store, monkeypatch, value: str) -> None:
    monkeypatch.setenv("CONVDECK_EXAMPLE", value)
    assert not import_example(workspace, store)
    assert store.list_runs() == []


def test_the_command_line_never_brings_it(workspace, capsys) -> None:
    assert main(["runs", "--json"]) == 0
    assert capsys.readouterr().out.strip() == "[]"


def test_two_servers_at_once_bring_it_once(workspace) -> None:
    barrier, added = threading.Barrier(4), []

    def start() -> None:
        with Store(workspace) as own:
            barrier.wait()
            added.append(import_example(workspace, own))

    threads = [threading.Thread(target=start) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(added) == [False, False, False, True]
    assert [run.id for run in Store(workspace).list_runs()] == [EXAMPLE_ID]


def full_disk(*arguments: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_full_disk_leaves_nothing_and_the_next_start_tries_again(workspace, store, monkeypatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(example, "write_bytes", full_disk)
        assert not import_example(workspace, store)
    assert not workspace.run_folder(EXAMPLE_ID).exists()
    assert store.list_runs() == []
    assert import_example(workspace, store)


def test_a_database_that_takes_nothing_leaves_nothing(workspace, store, monkeypatch) -> None:
    def refuse(run: object) -> None:
        raise ConvDeckError("The disk is full.")

    monkeypatch.setattr(store, "import_first", refuse)
    assert not import_example(workspace, store)
    assert not workspace.run_folder(EXAMPLE_ID).exists()


def test_what_a_crash_left_is_written_over(workspace, store) -> None:
    folder = workspace.run_folder(EXAMPLE_ID)
    folder.mkdir()
    (folder / ".best-000025.4711.keras").write_bytes(b"half")
    (folder / "best-000025.keras").write_bytes(b"from before the crash")
    assert import_example(workspace, store)
    found = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*.*")}
    assert found == read_example().files


def test_a_damaged_file_is_only_logged(workspace, store, monkeypatch, caplog) -> None:
    def damaged() -> None:
        raise ValueError("holds no example")

    monkeypatch.setattr(example, "read_example", damaged)
    assert not import_example(workspace, store)
    assert "The example is left out: holds no example" in caplog.text


def test_shapes_that_cannot_be_drawn_are_only_logged(workspace, monkeypatch, caplog) -> None:
    monkeypatch.setattr(prepare, "ensure_dataset", full_disk)
    example.draw_shapes_ahead(workspace)
    assert "Shapes could not be drawn ahead" in caplog.text
