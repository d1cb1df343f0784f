from dataclasses import replace

import pytest

from core.design.presets import PRESETS
from core.store.records import RunRequest
from core.store.states import RunState
from core.store.store import Store
from pages.components.runs.selection import Selection, parse_selection, signature


@pytest.fixture
def runs(workspace):
    """Newest first; the middle one is running."""
    with Store(workspace) as store:
        for name in "abc":
            store.queue_run(RunRequest(PRESETS["tiny"].config, name))
        newest, middle, oldest = store.list_runs()
    return [
        replace(newest, state=RunState.FINISHED),
        replace(middle, state=RunState.RUNNING),
        replace(oldest, state=RunState.FINISHED),
    ]


def test_the_address_decides(runs):
    ids = [run.id for run in runs]
    assert parse_selection([f"{ids[2]},{ids[0]}"], [ids[1]], runs) == Selection((ids[2], ids[0]))
    assert parse_selection([ids[2], ids[0], ids[2]], None, runs) == Selection((ids[2], ids[0]))


def test_without_an_address_the_former_choice_counts(runs):
    assert parse_selection([], [runs[2].id, "deleted222"], runs) == Selection((runs[2].id,))


@pytest.mark.parametrize("before", [None, (), ("deleted222",)])
def test_at_first_the_active_run_is_chosen(runs, before):
    assert parse_selection([], before, runs) == Selection((runs[1].id,))
    assert parse_selection([], before, [runs[0], runs[2]]) == Selection((runs[0].id,))
    assert parse_selection([], before, []) == Selection(())


def test_nothing_can_be_chosen(runs):
    assert parse_selection(["none"], [runs[0].id], runs) == Selection(())


@pytest.mark.parametrize("asked", ["../../etc/passwd", "<script>", "a" * 100_000, "x,\x00,y", "%00"])
def test_what_is_unknown_is_named_and_does_no_harm(runs, asked):
    selection = parse_selection([f"{asked},{runs[0].id}"], None, runs)
    assert selection.ids == (runs[0].id,)
    assert selection.unknown == tuple(part.strip() for part in asked.split(","))


def test_the_signature_changes_with_what_buttons_depend_on(runs):
    run = runs[1]
    unlike = [
        replace(run, state=RunState.PAUSED), replace(run, attempt=2), replace(run, stop_requested=True),
        replace(run, name="x"), replace(run, best_epoch=1),
    ]  # fmt: skip
    assert len({signature([each]) for each in (run, *unlike)}) == 6
    assert signature([replace(run, epoch=7, batch=3)]) == signature([run])
