"""How far studies are and what they would cost, reckoned anew from the database."""

import json
import re

import pytest

from core.runs.records import EpochRow
from core.runs.states import RunState
from tests.core.studies.ended import FLIPPED, TINY, create, end, spec
from tests.pages.numbers.readings import sql, texts_of
from tests.pages.visits import open_page


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
    assert f"So far: {ended} of {len(states)} runs have ended." in words
    assert f"{ended} of {len(states)}]" in words  # in the list of all studies
    (bar,) = page.get("progress")
    assert bar.proto.value == 100 * ended // len(states)
    assert bar.proto.text == f"{ended} of {len(states)} runs have ended, 1 is under way or waits."
    assert f"Its {len(states)} runs" in [expander.label for expander in page.expander]
    table = page.dataframe[-1].value.set_index("id")
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
