"""The Runs page as a visitor uses it, without a browser."""

import shutil
import sqlite3
from types import SimpleNamespace

import pyarrow as pa
import pytest
from streamlit.testing.v1 import AppTest

from core.datasets.prepare import ensure_dataset
from core.design.presets import PRESETS
from core.epoch import EpochRow
from core.runs import control, trouble
from core.store.records import Run, RunRequest
from core.store.states import RunState
from core.store.store import Store
from core.workspace import PROJECT_ROOT
from pages.components.kit.text import literal

HOSTILE = "<script>alert(1)</script> ![](http://x/y.png) $x$ :red[a] *b*"


def begin(
    store: Store, name: str, num_epochs: int = 0, device: str = "cpu:0", config=PRESETS["tiny"].config
) -> Run:
    run = store.queue_run(RunRequest(config, name, "tiny"))
    store.claim(run.id, [device])
    store.record_started(run.id, 1, 10, 100, 0)
    for epoch in range(1, num_epochs + 1):
        add_epoch(store, run, epoch)
    return store.get_run(run.id)


def add_epoch(store: Store, run: Run, epoch: int) -> None:
    row = EpochRow(epoch, 2.0, 0.3, 1.9, 0.4 + 0.01 * epoch, 2.1, 0.3 + 0.01 * epoch, 0.001, 4.0, 900.0)
    store.record_epoch(run.id, 1, row)


def end(store: Store, run: Run, state: RunState, **fields: object) -> Run:
    return store.transition(run.id, state, expected=RunState.RUNNING, **fields)


def open_runs(query: str | None = None) -> AppTest:
    page = AppTest.from_file(PROJECT_ROOT / "pages" / "shell.py", default_timeout=180).run()
    if query is not None:
        page.query_params["run"] = query
    page.switch_page("runs.py").run()
    assert not page.exception
    return page


def words(page: AppTest) -> str:
    kinds = ("title", "subheader", "markdown", "caption", "error", "warning", "success", "info")
    return "\n".join(str(element.value) for kind in kinds for element in getattr(page, kind))


def labels(page: AppTest) -> set[str]:
    return {button.label for button in page.button}


def charts(page: AppTest):
    return [element.proto for element in page.get("vega_lite_chart")]


def test_a_full_disk_is_named_and_no_time_is_estimated(store, monkeypatch):
    run = begin(store, "the one", 2)
    estimate = "Epoch 3 of 10 on CPU 0, about 1 minute left"

    def open_all() -> list[AppTest]:
        home = AppTest.from_file(PROJECT_ROOT / "pages" / "shell.py", default_timeout=180).run()
        system = AppTest.from_file(PROJECT_ROOT / "pages" / "shell.py", default_timeout=180).run()
        return [open_runs(run.id), home, system.switch_page("system.py").run()]

    for page in open_all():
        assert "disk" not in "".join(error.value for error in page.error)
    assert estimate in progress(open_runs(run.id))

    monkeypatch.setattr(
        trouble, "shutil", SimpleNamespace(disk_usage=lambda path: SimpleNamespace(free=4096))
    )
    monkeypatch.setattr(trouble, "SILENT_SECONDS", -1.0)
    said = (
        "The disk of the workspace is full: 0.0 MB are free, about 1.1 MB are needed. Free some space. Training "
        "waits in epoch 3 and then continues by itself."
    )
    for page in open_all():
        assert [error.value for error in page.error if "disk" in error.value] == [literal(said)]
    assert "Epoch 3 of 10 on CPU 0" in progress(open_runs(run.id))
    assert "left" not in "".join(progress(open_runs(run.id)))

    waiting = store.queue_run(RunRequest(PRESETS["tiny"].config, "next"))
    shown = words(open_runs(waiting.id))
    assert literal("This run then starts in its turn.") in shown and "within a few seconds" not in shown


def test_on_a_nearly_full_disk_a_run_waits_for_what_it_really_waits_for(store, monkeypatch):
    run = begin(store, "the one", 2)
    waiting = store.queue_run(RunRequest(PRESETS["tiny"].config, "next"))
    usage = SimpleNamespace(free=500_000)
    monkeypatch.setattr(trouble, "shutil", SimpleNamespace(disk_usage=lambda path: usage))
    reason = "it starts when “the one” ends"
    page = open_runs(waiting.id)
    assert reason in words(page) and "disk" not in "".join(error.value for error in page.error)
    home = AppTest.from_file(PROJECT_ROOT / "pages" / "shell.py", default_timeout=180).run()
    assert reason in words(home)
    for page in (home, open_runs(run.id)):
        assert "nearly full" in "".join(error.value for error in page.error)


def progress(page: AppTest) -> list[str]:
    return [element.proto.text for element in page.get("progress")]


def test_without_runs_there_is_one_way_to_go(workspace):
    page = open_runs()
    assert "No run has been started yet." in words(page)
    assert not page.dataframe


def test_a_link_opens_its_run(store):
    run = end(store, begin(store, "the one", 5), RunState.FINISHED)
    end(store, begin(store, "newer", 2), RunState.FINISHED)

    page = open_runs(run.id)

    assert [heading.value for heading in page.subheader] == ["the one"]
    assert {metric.label: metric.value for metric in page.metric} == {
        "Best, at epoch 5": "35.0 %",
        "Gap in points": "10.0",
        "Learning rate": "0.001",
        "Seconds per epoch": "4.0",
        "Pictures per second": "900",
    }
    assert len(charts(page)) == 2


def test_without_a_link_the_active_run_is_shown(store):
    begin(store, "active", 1)
    store.queue_run(RunRequest(PRESETS["tiny"].config, "newer, waiting"))
    assert [heading.value for heading in open_runs().subheader] == ["active"]


@pytest.mark.parametrize("query", ["../../etc/passwd", "<b>x</b>", "aaaaaaaaaa", ",,,"])
def test_a_link_that_leads_nowhere_says_so(store, query):
    run = end(store, begin(store, "still here", 1), RunState.FINISHED)
    page = open_runs(f"{query},{run.id}")
    assert [heading.value for heading in page.subheader] == ["still here"]
    assert ("There is no run" in words(page)) == bool(query.strip(","))


def test_a_name_is_shown_as_it_is(store):
    run = end(store, begin(store, HOSTILE, 1), RunState.FAILED, error=f"Bad {HOSTILE}", next_step=HOSTILE)
    text = words(open_runs(run.id))
    assert "alert" in text
    for dangerous in ("![](", "$x$", ":red[", "*b*", "<script>"):
        assert dangerous not in text.replace("\\<", "").replace("\\$", "").replace("\\:", "").replace(
            "\\*", ""
        )


def test_the_chart_stays_the_same_while_its_run_grows(store):
    run = begin(store, "growing", 3)
    page = open_runs(run.id)
    before = charts(page)
    add_epoch(store, run, 4)
    page.run()
    after = charts(page)
    assert len(after) == 2
    for old, new in zip(before, after, strict=True):
        assert (old.id, old.spec, old.alt) == (new.id, new.spec, new.alt)
        assert old.data.data != new.data.data


def test_progress_tells_epoch_batch_device_and_time_left(store):
    run = begin(store, "active", 3)
    store.record_batch(run.id, 1, 25, 100, 1.5, 0.42, 800.0)
    page = open_runs(run.id)
    texts = [element.proto.text for element in page.get("progress")]
    assert texts == [
        "Epoch 4 of 10 on CPU 0, less than a minute left",
        "Batch 25 of 100, training accuracy so far 42.0 %",
    ]
    assert "Stop" in labels(page) and "Resume" not in labels(page)
    assert page.button(key="delete-runs").disabled


def test_a_process_that_died_is_noticed_before_the_scheduler_says_so(store):
    run = begin(store, "active", 1)
    store.set_process(run.id, 1, 2**22 + 1, 1.0)  # above the largest pid there can be
    assert "The training process is gone." in words(open_runs(run.id))


def test_a_waiting_run_says_what_it_waits_for(store):
    begin(store, "busy", 1)
    run = store.queue_run(RunRequest(PRESETS["tiny"].config, "patient"))
    assert "Next in the queue" in words(open_runs(run.id))


def test_a_failed_run_says_why_and_offers_to_resume(store):
    run = begin(store, "bad", 2)
    end(store, run, RunState.FAILED, error="The loss became infinite", next_step="Lower the learning rate")
    page = open_runs(run.id)
    assert "The loss became infinite" in page.error[0].value
    assert "Lower the learning rate" in page.error[0].value
    assert "Resume" in labels(page) and "Stop" not in labels(page)


def test_resume(store, monkeypatch):
    monkeypatch.setattr(control, "ensure_scheduler", lambda workspace: None)
    run = begin(store, "again", 2)
    end(store, run, RunState.STOPPED)
    page = open_runs(run.id)
    page.button(key="resume-runs").click().run()
    assert (store.get_run(run.id).state, store.get_run(run.id).attempt) == (RunState.WAITING, 2)
    assert "Resume" not in labels(page)
    assert len(charts(page)) == 2


def test_stop(store, monkeypatch):
    monkeypatch.setattr(control, "ensure_scheduler", lambda workspace: None)
    run = begin(store, "active", 2)
    page = open_runs(run.id)
    page.button(key="stop-runs").click().run()
    assert store.get_run(run.id).stop_requested
    assert page.button(key="stop-runs").label == "Stopping…"
    assert page.button(key="stop-runs").disabled


def test_several_runs_are_compared(store):
    first = end(store, begin(store, "first", 3), RunState.FINISHED)
    config = PRESETS["tiny"].config.with_values({"optimizer.learning_rate": 0.01})
    second = store.queue_run(RunRequest(config, "second"))
    page = open_runs(f"{first.id},{second.id}")
    assert [heading.value for heading in page.subheader] == ["2 runs side by side"]
    assert len(charts(page)) == 2
    differing = page.dataframe[-1].value
    assert differing.loc["Learning rate"].tolist() == ["0.001", "0.01"]
    assert len(differing) == 1


def test_runs_of_one_name_are_told_apart(store):
    runs = [end(store, begin(store, "same", 2), RunState.FINISHED) for _ in range(2)]
    page = open_runs(",".join(run.id for run in runs))
    for run in runs:
        name = f"same ({run.id})"
        assert f"**{literal(name)}**" in words(page)
        for chart in charts(page):
            assert name in chart.alt
            # Validation and clean training in the tooltip, and the legends of lines and points.
            assert chart.spec.count(f"{name}: ") == 2 and chart.spec.count(name) == 4


def break_settings(store: Store, run: Run) -> None:
    with sqlite3.connect(store.workspace.database) as connection:
        connection.execute("UPDATE runs SET config = '{\"later\": 1}' WHERE id = ?", (run.id,))
    connection.close()


def test_a_run_with_unreadable_settings_has_its_curves_nevertheless(store):
    run = begin(store, "from elsewhere", 3)
    break_settings(store, run)
    page = open_runs(run.id)
    assert "The settings of “from elsewhere” cannot be read" in words(page).replace("\\", "")
    assert len(charts(page)) == 2 and len(page.metric) == 5
    assert "Stop" in labels(page)


def test_unreadable_settings_hide_nothing_of_other_runs(store):
    broken = end(store, begin(store, "from elsewhere", 3), RunState.FINISHED)
    good = end(store, begin(store, "good", 3), RunState.FINISHED)
    slower = store.queue_run(RunRequest(PRESETS["tiny"].config.with_values({"seed": 5}), "other seed"))
    break_settings(store, broken)
    page = open_runs(f"{broken.id},{good.id},{slower.id}")
    assert len(page.error) == 1 and "cannot be read" in page.error[0].value
    assert len(charts(page)) == 2
    assert "from elsewhere: validation" in charts(page)[0].spec
    assert list(page.dataframe[-1].value) == ["good", "other seed"]


def test_many_runs_come_in_pages(store):
    for number in range(51):
        store.queue_run(RunRequest(PRESETS["tiny"].config, f"run {number}"))
    page = open_runs("none")
    assert len(page.dataframe[0].value) == 50
    page.text_input(key="find").set_value("run 50").run()
    assert page.dataframe[0].value["name"].tolist() == ["run 50"]
    page.text_input(key="find").set_value("no such thing").run()
    assert not page.dataframe and "No runs match this filter." in words(page)


def overfitting(store: Store, dataset: str) -> Run:
    """A finished run that learns its pictures of `dataset` by heart."""
    run = begin(store, "mine", config=PRESETS["tiny"].config.with_values({"dataset.id": dataset}))
    for epoch in range(1, 11):
        share = epoch / 10
        row = EpochRow(
            epoch, 1 - share, 0.5, 1 - 0.9 * share, 0.5 + 0.48 * share, 1 + share, 0.5, 0.001, 4.0, 900.0
        )
        store.record_epoch(run.id, 1, row)
    return end(store, run, RunState.FINISHED)


def test_a_mend_can_be_read_and_forks_the_run(store):
    run = overfitting(store, "shapes")
    page = open_runs(run.id)
    assert "Overfitting since epoch" in words(page)
    assert any("Rotation: 0° → 20°" in block.value for block in page.code)
    next(button for button in page.button if button.label == "Fork with this change").click().run()
    fork = store.list_runs()[0]
    assert fork.parent_id == run.id and fork.config.augmentation.is_active
    assert fork.name == "mine: Turn augmentation on"
    assert page.query_params["run"] in (f"{run.id},{fork.id}", [f"{run.id},{fork.id}"])


def test_what_was_changed_on_the_way_is_said_of_each_of_several(store):
    """Settings do not tell it: they are those of the start."""
    one, other = begin(store, "one", 2), begin(store, "other", 2, "cpu:1")
    asked = store.interventions.request(one.id, "learning_rate", 0.0005)
    store.interventions.mark_applied(one.id, 1, asked.number, 2, "Done.")
    text = words(open_runs(f"{one.id},{other.id}"))
    assert text.count("Changed during training") == 1
    assert literal("Changed during training, epoch 3: learning rate 0.0005.") in text


def test_mends_are_offered_again_when_a_data_set_comes_back(store):
    """None fits a network whose pictures nobody knows."""
    ensure_dataset(store.workspace, "shapes")
    own = store.workspace.datasets / "pictures"
    shutil.copytree(store.workspace.datasets / "shapes", own)
    run = overfitting(store, "pictures")
    aside = own.rename(store.workspace.root / "aside")
    page = open_runs(run.id)
    assert "Overfitting since epoch" in words(page)
    assert "Fork with this change" not in labels(page)
    aside.rename(own)
    assert "Fork with this change" in labels(page.run())


def test_a_fork_lies_over_its_parents_pale_curves(store):
    parent = end(store, begin(store, "parent", 4), RunState.FINISHED)
    config = parent.config.with_values({"augmentation.rotation_degrees": 20})
    fork = store.queue_run(RunRequest(config, "fork", parent_id=parent.id))
    store.claim(fork.id, ["cpu:0"])
    store.record_started(fork.id, 1, 10, 100, 0)
    add_epoch(store, fork, 1)
    page = open_runs(fork.id)
    assert f"Pale behind: parent. Here: {literal('rotation 0° → 20°')}." in words(page)
    epochs = pa.ipc.open_stream(charts(page)[0].data.data).read_pandas()
    assert epochs["g0_val"].tolist() == pytest.approx([0.31, 0.32, 0.33, 0.34])
    control.delete_run(store.workspace, parent.id)
    assert "Pale behind" not in words(page.run())
    pair = open_runs(f"{fork.id},{end(store, begin(store, 'other', 1, 'cpu:1'), RunState.FINISHED).id}")
    assert "(pale)" not in charts(pair)[0].spec


def test_what_was_changed_on_the_way_is_marked_at_the_first_epoch_that_felt_it(store):
    run = begin(store, "changed", 3)
    for kind, value in (("learning_rate", 0.0005), ("add_epochs", 4)):
        asked = store.interventions.request(run.id, kind, value)
        if asked.is_pending:
            store.interventions.mark_applied(run.id, 1, asked.number, 3, "Done.")
    store.interventions.request(run.id, "learning_rate", 0.0001)  # not in effect yet
    add_epoch(store, run, 4)
    data = pa.ipc.open_stream(charts(open_runs(run.id))[0].data.data).read_pandas()
    marked = data[data["r0_change"].notna()]
    assert marked[["epoch", "r0_change"]].values.tolist() == [[4, "learning rate 0.0005, +4 epochs"]]
