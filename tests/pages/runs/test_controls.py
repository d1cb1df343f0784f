"""Pause, resume, step and changes on the Runs page, with a worker that the test plays."""

import pytest
from streamlit.testing.v1 import AppTest

from core.design.presets import PRESETS
from core.epoch import EpochRow
from core.formatting import rate_in_words
from core.store.interventions import Intervention
from core.store.records import Run, RunRequest
from core.store.states import ACTIVE, RunState
from core.store.store import Store
from pages.components.runs.controls import history_frame
from tests.pages.visits import button, open_page, press, unfold, words

pytestmark = pytest.mark.usefixtures("no_scheduler")

CONFIG = PRESETS["tiny"].config


def begin(store: Store, name: str = "mine", num_epochs: int = 2, config=CONFIG) -> Run:
    """A run at work after so many of its ten epochs, each at a rate of 0.001."""
    run = store.queue_run(RunRequest(config, name, "tiny"))
    store.claim(run.id, [f"cpu:{len(store.leases())}"])
    store.record_started(run.id, 1, 10, 100, 0)
    for epoch in range(1, num_epochs + 1):
        row = EpochRow(epoch, 2.0, 0.3, 1.9, 0.4, 2.1, 0.3, 0.001, 4.0, 900.0)
        store.record_epoch(run.id, 1, row)
    return store.get_run(run.id)


def hold(store: Store, run: Run) -> None:
    store.interventions.request(run.id, "pause")
    assert store.interventions.record_paused(run.id, 1, epoch_ended=True)


def labels(page: AppTest) -> list[str]:
    return [each.label for each in page.button]


def kinds(store: Store, run: Run) -> list[str]:
    return [each.kind for each in store.interventions.history(run.id)]


def test_pause_go_on_and_step(store) -> None:
    run = begin(store)
    page = open_page("runs.py", run=run.id)
    assert "Resume" not in labels(page) and "Step one epoch" not in labels(page)
    press(page, "Pause")
    assert store.get_run(run.id).pause_requested
    assert "Pausing after the current batch…" in words(page) and "Pausing" in words(page)
    assert "Pause" not in labels(page) and "Step one epoch" not in labels(page)

    assert store.interventions.record_paused(run.id, 1, epoch_ended=True)
    page.run()
    assert "Paused after epoch 2 of 10." in words(page)
    assert f"python -m core resume {run.id}" in words(page)
    assert {"Resume", "Step one epoch", "Stop"} <= set(labels(page))
    assert not page.warning
    assert next(bar.proto.text for bar in page.get("progress")) == "Epoch 3 of 10 on CPU 0, paused"

    press(page, "Step one epoch")
    assert store.interventions.record_resumed(run.id, 1)
    page.run()
    assert "Pausing after this epoch…" in words(page)
    store.record_epoch(run.id, 1, EpochRow(3, learning_rate=0.001))
    assert store.interventions.record_paused(run.id, 1, epoch_ended=True)
    page.run()
    assert "Paused after epoch 3 of 10." in words(page)
    assert not button(page, "Step one epoch").disabled

    press(page, "Resume")
    assert "Resuming…" in words(page)
    assert "Step one epoch" not in labels(page)
    assert kinds(store, run) == ["pause", "step", "resume"]


def test_a_pause_in_the_middle_of_an_epoch_says_where(store) -> None:
    run = begin(store)
    store.record_batch(run.id, 1, 25, 100, 1.5, 0.42, 800.0)
    store.interventions.request(run.id, "pause")
    store.interventions.record_paused(run.id, 1, epoch_ended=False)
    assert "Paused in epoch 3 of 10." in words(open_page("runs.py", run=run.id))


def test_several_runs_are_held_and_let_go_together(store) -> None:
    runs = [begin(store, name) for name in ("one", "two", "three")]
    hold(store, runs[0])
    page = open_page("runs.py", run=",".join(run.id for run in runs))
    assert {"Pause 2", "Resume 1 paused", "Stop 3"} <= set(labels(page))
    assert "Step one epoch" not in labels(page)
    press(page, "Pause 2")
    assert all(store.get_run(run.id).pause_requested for run in runs)
    press(page, "Resume 3 paused")
    assert not any(store.get_run(run.id).pause_requested for run in runs)


def test_what_a_run_refuses_is_a_sentence(store) -> None:
    run = begin(store)
    page = open_page("runs.py", run=run.id)
    store.transition(run.id, RunState.FINISHED, expected=ACTIVE)
    press(page, "Halve: 0.0005")
    assert [toast.value.replace("\\", "") for toast in page.toast] == [
        "“mine” has finished. Fork it with another learning rate instead."
    ]


def test_the_learning_rate_by_a_click_or_a_number(store) -> None:
    run = begin(store)
    page = open_page("runs.py", run=run.id)
    assert "Epoch 2 was trained at 0.001." in words(page)
    assert {"Double: 0.002", "Halve: 0.0005", "A tenth: 0.0001"} <= set(labels(page))
    press(page, "Halve: 0.0005")
    assert "0.0005 is requested and takes effect when the next epoch begins." in words(page).replace("*", "")
    assert "Halve: 0.00025" in labels(page)
    page.number_input(key=f"rate-{run.id}-0.0005").set_value(0.0003)
    press(page, "Set")
    assert [each.value for each in store.interventions.history(run.id)] == [0.0005, 0.0003]
    page.number_input(key=f"rate-{run.id}-0.0003").set_value(-1.0)
    press(page, "Set")
    assert "A learning rate is a number above 0" in page.toast[0].value.replace("\\", "")
    assert len(kinds(store, run)) == 2


@pytest.mark.parametrize("values", [{"schedule": "one_cycle"}, {"schedule": "cosine", "warmup_epochs": 2}])
def test_before_a_rising_schedule_is_measured_no_part_of_its_top_is_offered(store, values) -> None:
    """A half of the top, set where it begins, would take the top itself to many times what it is."""
    settings = {f"optimizer.{name}": value for name, value in values.items()}
    run = begin(store, num_epochs=0, config=CONFIG.with_values(settings))
    page = open_page("runs.py", run=run.id)
    top = rate_in_words(CONFIG.optimizer.learning_rate)
    assert f"It starts low and rises to {top}" in words(page) and "It starts at" not in words(page)
    assert not [label for label in labels(page) if label.startswith(("Double", "Halve", "A tenth"))]
    press(page, "Set")
    assert "A learning rate is a number above 0" in page.toast[0].value.replace("\\", "")
    page.number_input(key=f"rate-{run.id}-0").set_value(0.0004)
    press(page, "Set")
    assert [each.value for each in store.interventions.history(run.id)] == [0.0004]
    assert "Halve: 0.0002" in labels(page)


def test_epochs_are_added(store) -> None:
    run = begin(store, config=CONFIG.with_values({"optimizer.schedule": "cosine"}))
    page = open_page("runs.py", run=run.id)
    page.number_input(key=f"epochs-{run.id}").set_value(7)
    press(page, "Add")
    assert store.get_run(run.id).total_epochs == 17
    assert "It trains for 17 epochs, 7 more than its design says." in words(page)
    assert "of 17 on" in next(bar.proto.text for bar in page.get("progress"))


@pytest.mark.parametrize(
    ("state", "when"),
    [
        ("RUNNING", "during training."),
        ("STOPPED", "before resuming."),
        ("FAILED", "before resuming."),
        ("FINISHED", None),
    ],
)
def test_what_is_finished_cannot_be_changed(store, state: str, when: str | None) -> None:
    run = begin(store)
    if state != "RUNNING":
        store.transition(run.id, RunState(state), expected=ACTIVE)
    page = open_page("runs.py", run=run.id)
    shown = [
        block.proto.popover.help
        for block in page.get("popover")
        if block.proto.popover.label.startswith("Change")
    ]
    assert len(shown) == (when is not None) and all(each.endswith(str(when)) for each in shown)


def test_the_history_is_there_once_something_was_done(store) -> None:
    run = begin(store)
    page = open_page("runs.py", run=run.id)
    assert "Changed during training" not in [each.label for each in page.expander]
    store.interventions.request(run.id, "learning_rate", 0.0005)
    hold(store, run)
    page.run()
    assert "Changed during training" in [each.label for each in page.expander]
    assert not page.table
    table = unfold(page, "Changed during training").table[0].value
    assert table["What"].tolist() == ["Pause", "Learning rate 0.0005"]
    assert table["Outcome"].tolist() == ["Paused after epoch 2.", "Takes effect when the next epoch begins."]
    assert table["After epoch"].tolist() == ["2", "–"]


def test_each_kind_has_words() -> None:
    rows = [
        Intervention(1, "add_epochs", 5.0, 0.0, 1, 0.0, 2, "The run now trains 15 epochs in total."),
        Intervention(2, "step", None, 60.0, 1, None, None, None),
        Intervention(3, "resume", None, 120.0, 1, None, None, "The run ended first."),
    ]
    frame = history_frame(rows)
    assert frame["What"].tolist() == ["Resume", "Step one epoch", "More epochs 5"]
    assert frame["When"].tolist() == ["01 Jan 00:02:00", "01 Jan 00:01:00", "01 Jan 00:00:00"]
    assert frame["Outcome"].tolist()[1] == "Trains to the end of this epoch."
