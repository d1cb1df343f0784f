"""How far studies are and what they would cost, calculated again from the database."""

import json
import re

import numpy as np
import pytest

from core.epoch import EpochRow
from core.store.records import RunRequest
from core.store.states import RunState
from core.studies import start
from tests.core.studies.ended import FLIPPED, SHAPES_TRAIN, TINY, create, end, spec
from tests.pages.numbers.readings import sql, texts_of
from tests.pages.visits import go_to, open_page, press, unfold


@pytest.fixture(autouse=True)
def idle(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody serves the queue."""
    monkeypatch.setattr(start, "ensure_scheduler", lambda workspace: None)
    monkeypatch.setattr(start.control, "ensure_scheduler", lambda workspace: None)


def test_how_many_runs_have_ended_and_each_of_them(store):
    study = create(store, spec("seeds", TINY, FLIPPED, num_seeds=2))
    members = store.studies.members(study.id)
    for index, member in enumerate(members[:3]):
        end(store, member.run, (0.3117, 0.4 + 0.0173 * index, 0.37), 0.6219)
    states = sql(
        store.workspace,
        """
        SELECT runs.*, (SELECT max(val_accuracy) FROM epochs WHERE run_number = number) AS best,
            (
                SELECT clean_train_accuracy - val_accuracy FROM epochs WHERE run_number = number ORDER BY epoch DESC
            ) AS last
        FROM runs JOIN study_runs ON run_number = number
        """,
    )
    ended = sum(row["state"] == "FINISHED" for row in states)
    page = open_page("studies.py", study=study.id)
    words = " ".join(texts_of(page))
    assert f"So far: {ended} of {len(states)} runs have finished." in words
    assert f"{ended} of {len(states)}]" in words  # in the list of all studies
    (bar,) = page.get("progress")
    assert bar.proto.value == 100 * ended // len(states)
    assert bar.proto.text == f"{ended} of {len(states)} runs have finished, 1 is running or waiting."
    table = unfold(page, "Runs in this study").dataframe[-1].value.set_index("id")
    for row in states:
        shown = table.loc[row["id"]]
        assert shown["epochs"] == f"{row['epoch']} of {row['total_epochs']}"
        assert shown["seed"] == json.loads(row["config"])["seed"]
        known = [] if row["best"] is None else [100 * row["best"], 100 * row["last"]]
        assert shown[["best", "gap"]].dropna().tolist() == pytest.approx(known)


def test_what_a_study_would_cost(store):
    study = create(store, spec("seeds", TINY, num_seeds=2))
    for member in store.studies.members(study.id):
        run = member.run
        store.claim(run.id, [run.id])
        store.record_started(run.id, 1, 3, 10, 0)
        for epoch, seconds in enumerate((90.0, 61.0, 47.0), start=1):
            store.record_epoch(run.id, 1, EpochRow(epoch, val_accuracy=0.3, seconds=seconds))
        store.transition(run.id, RunState.FINISHED, expected=RunState.RUNNING)
    run = store.list_runs()[0]
    page = open_page("studies.py", kind="seeds", runs=run.id)
    page.toggle(key="study-reuse").set_value(False).run()
    (cost,) = (text for text in texts_of(page) if "to train" in text)
    new = int(re.search(r"(\d+) runs to train", cost)[1])
    (devices,) = map(int, re.findall(r"over (\d+) devices", cost) or ["1"])
    # Three epochs of the median, as often as there are runs, shared out.
    seconds = new * 3 * 61.0 / devices
    assert f"about {round(seconds / 60)} minutes" in cost


def test_every_number_of_a_study_that_is_done(store):
    there = end(store, store.queue_run(RunRequest(TINY, "there")), (0.3, 0.41), 0.6)
    study = create(store, spec("seeds", TINY, num_seeds=3), reuse=True)
    for member in store.studies.members(study.id):
        if member.run.id != there.id:
            end(store, member.run, (0.3, 0.42), 0.6)
    roles = [json.loads(row["role"]) for row in sql(store.workspace, "SELECT role FROM study_runs")]
    reused = sum(role["reused"] for role in roles)
    assert (len(roles), reused) == (3, 1)
    page = open_page("studies.py", study=study.id)
    said = " ".join(texts_of(page))
    assert f"All {len(roles)} runs have finished. {reused} of its runs was reused, not trained again." in said
    assert f":green-badge[:material/check_circle: {len(roles)} runs]" in said
    dialog = press(page, "Delete")
    (box,) = (each.label for each in dialog.checkbox)
    assert box == f"Also delete the {len(roles) - reused} runs that it started"


def test_every_number_of_a_study_that_got_stuck(store):
    study = create(store, spec("seeds", TINY, FLIPPED, num_seeds=5))
    members = store.studies.members(study.id)
    end(store, members[0].run, (0.3, 0.4, 0.5), 0.6)
    for member in members[1:8]:
        end(store, member.run, (0.3, 0.4), 0.6, RunState.STOPPED)
    under_way = members[8].run
    store.claim(under_way.id, ["cpu:0"])
    store.record_started(under_way.id, 1, 3, 10, 0)
    store.record_epoch(under_way.id, 1, EpochRow(1, val_accuracy=0.3))
    store.record_batch(under_way.id, 1, 4, 10, 2.0, 0.3, 900.0)
    rows = sql(store.workspace, "SELECT runs.* FROM runs JOIN study_runs ON run_number = number")
    by_state = {
        state: [row for row in rows if row["state"] == state] for state in {row["state"] for row in rows}
    }
    stopped = by_state["STOPPED"]
    page = open_page("studies.py", study=study.id)
    labels = {button.label for button in page.button}
    assert {
        f"Stop all {len(by_state['RUNNING']) + len(by_state['WAITING'])}",
        f"Queue {len(stopped)} missing runs again",
    } <= labels
    said = " ".join(texts_of(page))
    for row in stopped[:5]:
        assert (
            f"**{row['name']}** is not counted: It was stopped after {row['epoch']} of {row['total_epochs']} epochs."
            in said
        )
    assert f"And {len(stopped) - 5} more that did not finish." in said
    (bar,) = page.get("progress")
    (running,) = by_state["RUNNING"]
    done = 8 + (running["epoch"] + running["batch"] / running["total_batches"]) / running["total_epochs"]
    assert bar.proto.value == int(100 * done / len(rows))
    assert bar.proto.text == (
        f"1 of {len(rows)} runs have finished, 2 are running or waiting, {len(stopped)} did not finish."
    )


def test_every_number_that_the_form_offers(store):
    run = end(store, store.queue_run(RunRequest(TINY, "there")), (0.3, 0.41), 0.6)
    store.queue_run(RunRequest(TINY.with_values({"seed": 1}), "waits"))
    page = open_page("studies.py", kind="seeds", runs=run.id)
    fields = {field.label: field.value for field in page.number_input}
    config = json.loads(sql(store.workspace, "SELECT config FROM runs WHERE id = ?", run.id)[0]["config"])
    assert fields[f"Training pictures (of {SHAPES_TRAIN:,})"] == config["dataset"]["num_train"]
    assert fields["Epochs"] == config["training"]["epochs"]
    # With these settings and one of the seeds, which begin with the config's own.
    seeds = range(config["seed"], config["seed"] + fields["Seeds"])
    there = [
        row for row in sql(store.workspace, "SELECT config FROM runs")
        if (found := json.loads(row["config"]))["seed"] in seeds and found | {"seed": 0} == config | {"seed": 0}
    ]  # fmt: skip
    new = fields["Seeds"] - len(there)
    said = " ".join(texts_of(page))
    assert re.search(rf"\b{new} runs? to train", said)
    assert f"{len(there)} of {fields['Seeds']} runs exist already." in said and len(there) == 2
    assert f"Start {new} run" in {button.label for button in page.button}

    go_to(page, "studies.py", kind="volume", runs=run.id)
    (sizes,) = (field.value for field in page.text_input if field.label == "Training set sizes")
    # From 500 to all in four equal steps of their logarithm, to two digits.
    steps = [float(f"{size:.2g}") for size in np.geomspace(500, SHAPES_TRAIN, 5)]
    assert [float(size) for size in sizes.split(", ")] == pytest.approx(steps)
    (help_text,) = (field.help for field in page.text_input if field.label == "Training set sizes")
    assert f"From 1 to {SHAPES_TRAIN:,}" in help_text

    go_to(page, "studies.py", kind="noise", runs=run.id)
    (shares,) = (field.value for field in page.text_input if field.label == "Wrong labels (%)")
    press(page, next(button.label for button in page.button if button.key == "start-study"))
    told = sql(store.workspace, "SELECT config FROM runs JOIN study_runs ON run_number = number")
    noises = {100 * json.loads(row["config"])["dataset"]["label_noise"] for row in told}
    assert {float(share) for share in shares.split(", ")} == noises
