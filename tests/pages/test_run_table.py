from dataclasses import replace

import pytest

from core.presets import PRESETS
from core.runs.states import RunState
from core.runs.store import Store
from pages.components.run_table import GROUPS, filter_runs, table_rows


@pytest.fixture
def runs(workspace):
    with Store(workspace) as store:
        first = store.create_run(PRESETS["tiny"].config, "Grüße =1+1", "tiny")
        second = store.create_run(PRESETS["article"].config, "second", "article")
    finished = replace(
        first,
        state=RunState.FINISHED,
        epoch=7,
        best_val_accuracy=0.5,
        gap=0.25,
        device="gpu:1",
        started_at=60.0,
    )
    return [second, finished]


def test_every_state_is_in_one_group():
    assert sorted(state for states in GROUPS.values() for state in states) == sorted(RunState)


def test_filter(runs):
    second, first = runs

    def found(text="", group=None):
        return filter_runs(runs, text, group)

    assert found() == runs
    assert found("GRÜSSE") == [first]
    assert found("article second") == [second]
    assert found(first.id) == [first]
    assert found("nothing like it") == []
    assert found(group="Waiting") == [second]
    assert found("tiny", "Waiting") == []
    assert found(group="unknown") == []


def test_rows(runs):
    second, first = runs
    table = table_rows(runs, {first.id: [0.25, None, 0.5]}, [second.id])
    assert table["status"].tolist() == [["Waiting"], ["Finished"]]
    assert table["name"].tolist() == ["second", "Grüße =1+1"]
    assert table["best"].tolist()[1] == 50.0 and table["gap"].tolist()[1] == 25.0
    assert table["curve"].tolist() == [[], [0.25, 0.5]]
    assert table["epochs"].tolist() == ["0 / 200", f"7 / {first.total_epochs}"]
    assert table["device"].tolist() == ["queue: 1", "GPU 1"]
    assert str(table["when"][1]) == "1970-01-01 00:01:00+00:00"


def test_long_curves_are_thinned(runs):
    table = table_rows(runs[1:], {runs[1].id: [0.5] * 200}, [])
    assert 40 <= len(table["curve"][0]) <= 50
