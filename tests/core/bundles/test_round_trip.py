"""A run that left by a bundle and came in elsewhere is the same run under a new id."""

import re
from dataclasses import replace

import numpy as np
import pytest

from core.bundles.importing import import_bundle, imported_in_words
from core.bundles.model_card import run_card
from core.bundles.packing import export_bundle
from core.engine.client import Engine
from core.errors import IllegalTransition, UserError
from core.inspection.prediction import known_temperature
from core.runs import control
from core.store.records import RunRequest
from core.store.states import RunState
from core.store.store import Store
from core.visitors.person import STRANGER, acting_as
from core.workspace import Workspace
from tests.core.bundles.conftest import is_empty
from tests.core.bundles.made import members_of, with_json
from tests.core.conftest import picture_file


def test_everything_of_the_run_is_there_under_a_new_id(exported, bundle, workspace, store, take) -> None:
    run = take(bundle)
    with Store(exported) as elsewhere:
        (old,) = elsewhere.list_runs()
        assert run.id != old.id and run.origin is not None and run.origin.run == old.id
        same = {"id": old.id, "origin_json": None}
        assert replace(run, **same) == replace(old, **same)
        for read in (
            lambda store, run_id: store.curves(run_id),
            lambda store, run_id: store.breakdowns.details(run_id),
            lambda store, run_id: store.marks.tags_of(run_id),
            lambda store, run_id: [(line.time, line.text) for line in store.log(run_id)],
            lambda store, run_id: [(note.expectation, note.outcome, note.created_at, note.changed_at)
                                   for note in [store.notes.find([run_id])]],
        ):  # fmt: skip
            assert read(store, run.id) == read(elsewhere, old.id)
    for name in ("best-000018.json", "best-000018.keras"):
        ours, theirs = workspace.run_folder(run.id) / name, exported.run_folder(old.id) / name
        assert ours.read_bytes() == theirs.read_bytes()
    assert take(bundle).id not in (run.id, old.id)


def test_it_can_be_exported_again_and_says_where_it_began(bundle, workspace, store, take) -> None:
    run = take(bundle)
    again = export_bundle(workspace, store, Engine(workspace), run.id, workspace.root / "again").path
    first, second = members_of(bundle), members_of(again.read_bytes())
    assert again.name == "again.zip" and first.keys() == second.keys()
    for name in first.keys() - {"manifest.json", "MODEL_CARD.md", "log.json"}:
        assert first[name] == second[name], name


@pytest.fixture(scope="module")
def moved(trained, engine, tmp_path_factory):
    """(run, the same run elsewhere, workspace and engine there)"""
    elsewhere = Workspace(tmp_path_factory.mktemp("elsewhere")).ensure()
    with Store(trained.workspace) as store, Store(elsewhere) as other:
        run = store.get_run(trained.run_id)
        path = export_bundle(trained.workspace, store, engine, run.id, elsewhere.root / "b.zip").path
        imported = import_bundle(elsewhere, other, path)
    there = Engine(elsewhere)
    yield run, imported, elsewhere, there
    there.close()


def test_it_answers_a_picture_the_same_without_the_data(trained, engine, moved, tmp_path) -> None:
    run, imported, elsewhere, there = moved
    picture = ("red.png", picture_file(tmp_path, "red.png").read_bytes())
    ours, theirs = engine.predict(run.id, [picture])[0], there.predict(imported.id, [picture])[0]
    assert [each.name for each in ours.top] == [each.name for each in theirs.top]
    np.testing.assert_array_equal(
        [each.probability for each in ours.top], [each.probability for each in theirs.top]
    )
    assert known_temperature(elsewhere, there, imported) == known_temperature(trained.workspace, engine, run)


def test_the_card_is_that_of_the_origin(trained, engine, moved) -> None:
    run, imported, elsewhere, there = moved
    with Store(trained.workspace) as store, Store(elsewhere) as other:
        ours = run_card(trained.workspace, store, engine, run)
        theirs = run_card(elsewhere, other, there, imported)
    for pattern in (r"\*\*.*validation pictures \(95 % interval.*", r"\| \w+ \| .*", r"- Expected calib.*"):
        assert re.findall(pattern, ours) == re.findall(pattern, theirs) != []
    assert "imported by a bundle" in theirs and "imported by a bundle" not in ours


def test_what_needs_the_data_says_so(bundle, workspace, take) -> None:
    run = take(with_json(bundle, "run.json", lambda run: run["config"]["dataset"].update(id="my-flowers")))
    (note,) = imported_in_words(workspace, run)
    assert "my-flowers" in note and "can be read" in note


def test_an_imported_run_cannot_go_on_and_answers_no_request(
    bundle, workspace, store, take, no_scheduler
) -> None:
    def stop(run) -> None:
        run["state"] = "STOPPED"
        run["total_epochs"] = run["config"]["training"]["epochs"] = 40

    run = take(with_json(bundle, "run.json", stop))
    assert run.state is RunState.STOPPED and not run.can_resume
    for change in (
        lambda: store.resume_run(run.id),
        lambda: control.add_epochs(workspace, run.id, 2),
        lambda: control.set_learning_rate(workspace, run.id, 0.1),
    ):
        with pytest.raises(IllegalTransition, match="was imported"):
            change()
    finished = take(bundle)
    queued = store.queue_or_reuse(RunRequest(finished.config, data=finished.data), reuse=True)
    assert not queued.is_shared


def test_a_fork_finds_its_parent_where_that_was_imported_too(bundle, store, workspace, take) -> None:
    parent = {"id": "deckexamp2", "name": "The parent"}
    fork = with_json(bundle, "run.json", lambda run: run.update(parent=parent))
    alone = take(fork)
    assert (alone.parent_id, alone.origin.parent_name) == ("deckexamp2", "The parent")
    assert "forked from “The parent” (deckexamp2)" in imported_in_words(workspace, alone)[-1]
    imported = take(bundle)
    assert take(fork).parent_id == imported.id


def test_a_run_that_trains_is_not_packed(workspace, store, tmp_path) -> None:
    from tests.core.scheduling.fakes import CONFIG

    run = store.queue_run(RunRequest(CONFIG))
    with pytest.raises(IllegalTransition, match="has ended"):
        export_bundle(workspace, store, Engine(workspace), run.id, tmp_path / "b")
    assert not list(tmp_path.glob("b*"))


def test_visitors_own_what_they_import(bundle, workspace, store, take, anna) -> None:
    with acting_as(anna):
        run = take(bundle)
        assert run.visitor == anna.id and store.rename_run(run.id, "Mine").name == "Mine"
    store.trash.put(run.id)
    with acting_as(STRANGER), pytest.raises(UserError, match="joined"):
        take(bundle)
    assert [each.id for each in store.list_runs()] == [] and not is_empty(workspace, store)


def test_the_card_says_whose_weights_it_started_from(bundle, workspace, store, take) -> None:
    def start(run) -> None:
        run["config"]["model"].update(start_from=known.id, frozen_blocks=1)

    known = take(bundle)
    started = take(with_json(bundle, "run.json", start))
    card = run_card(workspace, store, Engine(workspace), started)
    assert (
        f"- Did not start from random weights, but from those of run `{known.id}` (“{known.name}”, epoch 18), trained "
        f"on the data set `{known.dataset}`. 1 convolution block kept these weights.\n"
    ) in card
    store.trash.put(known.id)
    assert f"from those of run `{known.id}`. 1 conv" in run_card(workspace, store, Engine(workspace), started)
    assert "random weights" not in run_card(workspace, store, Engine(workspace), take(bundle))
