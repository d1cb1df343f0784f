from dataclasses import replace

import pytest

from core.design.presets import PRESETS
from core.store.records import RunRequest
from core.store.states import RunState
from core.store.store import Store
from pages.components.runs.table import GROUPS, table_data, table_row, thinned


@pytest.fixture
def runs(workspace):
    with Store(workspace) as store:
        first = store.queue_run(RunRequest(PRESETS["tiny"].config, "Grüße =1+1", "tiny"))
        second = store.queue_run(RunRequest(PRESETS["article"].config, "second", "article"))
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


def test_rows(runs):
    second, first = runs
    queue = [second.id]
    table = table_data([table_row(second, (), queue), table_row(first, (0.25, 0.5), queue)])
    assert table["status"].tolist() == [["Waiting"], ["Finished"]]
    assert table["name"].tolist() == ["second", "Grüße =1+1"]
    assert table["best"].tolist()[1] == 50.0 and table["gap"].tolist()[1] == 25.0
    assert table["curve"].tolist() == [[], [0.25, 0.5]]
    assert table["epochs"].tolist() == ["0 / 200", f"7 / {first.total_epochs}"]
    assert table["device"].tolist() == ["queue: 1", "GPU 1"]
    assert str(table["when"][1]) == "1970-01-01 00:01:00+00:00"


def test_long_curves_are_thinned():
    assert 40 <= len(thinned([0.5] * 200)) <= 50
    assert thinned([0.25, None, 0.5]) == (0.25, 0.5)
