"""Which runs can be started from, what is refused and how it is said, and that weights outlive their run."""

import pytest

from core.design.start_files import FOLDER, forget_start, start_folder
from core.errors import ConfigError, RunNotFound
from core.runs import control, trash
from core.runs.start import check_experiment, fork_experiment, start_experiment, start_or_share_experiment
from core.runs.starting_weights import check_start
from core.store.records import RunRequest
from core.store.states import RunState
from core.visitors.person import acting_as
from tests.core.studies.ended import TINY, end, save_weights

pytestmark = pytest.mark.usefixtures("no_scheduler")


@pytest.fixture
def source(workspace, store):
    """A finished run of the tiny network with ten classes."""
    run = end(store, start_experiment(workspace, RunRequest(TINY, "first")))
    save_weights(workspace, run)
    return run


def started(source, **changes):
    return TINY.with_values({"model.start_from": source.id, "seed": 3, **changes})


def refusal(workspace, config) -> tuple[str, str]:
    with pytest.raises(ConfigError) as caught:
        check_experiment(workspace, config)
    return caught.value.field, caught.value.message


def test_what_fits_is_told_before_the_start(workspace, source) -> None:
    config = started(source, **{"model.frozen_blocks": 2})
    network = check_experiment(workspace, config)
    found = check_start(workspace, config, network)
    assert found is not None
    assert found[0].run == source
    assert [(each.name, each.taken) for each in found[1]] == [
        ("conv_1", True), ("batch_norm_1", True), ("conv_2", True), ("batch_norm_2", True), ("softmax", False),
    ]  # fmt: skip
    assert check_start(workspace, TINY, network) is None


def test_a_run_that_is_gone_or_in_the_trash(workspace, store, source) -> None:
    config = started(source)
    control.delete_run(workspace, source.id)
    field, message = refusal(workspace, config)
    assert field == "model.start_from"
    assert "“first”" in message and f"python -m core restore {source.id}" in message
    trash.purge_run(workspace, source.id)
    assert "There is no run with the id" in refusal(workspace, config)[1]
    assert refusal(workspace, config)[1].endswith("Or choose another run.")


@pytest.mark.parametrize("state", [RunState.STOPPED, RunState.FAILED])
def test_a_run_that_may_go_on_is_refused_because_its_weights_would_change(workspace, store, state) -> None:
    run = start_experiment(workspace, RunRequest(TINY, "other"))
    assert "“other” is waiting" in refusal(workspace, started(run))[1]
    end(store, run, state=state)
    save_weights(workspace, run)
    assert refusal(workspace, started(run)) == (
        "model.start_from",
        f"needs a finished run, whose weights stay as they are: “other” is {state.lower()}. Wait until it has "
        "finished, or choose another run.",
    )


def test_a_run_without_weights(workspace, store, source) -> None:
    (workspace.run_folder(source.id) / "best-000002.keras").unlink()
    assert refusal(workspace, started(source)) == (
        "model.start_from", "needs a run with weights: “first” has none. Choose another run.",
    )  # fmt: skip


def test_other_pictures_are_no_obstacle_to_convolutions_but_other_channels_are(workspace, source) -> None:
    save_weights(workspace, source, image_shape=(64, 64, 3))
    check_experiment(workspace, started(source, **{"model.frozen_blocks": 2}))
    save_weights(workspace, source, image_shape=(32, 32, 1))
    # The first layers are new, later ones fit.
    check_experiment(workspace, started(source))
    field, message = refusal(workspace, started(source, **{"model.frozen_blocks": 1}))
    assert field == "model.frozen_blocks"
    assert message == (
        "cannot hold block 1: conv_1 would start from random weights (reads 3 channels instead of 1) and stay random. "
        "Give the block the settings that it has in “first”, or freeze none."
    )


def test_a_network_of_other_layers(workspace, source) -> None:
    blocks = [{"filters": 8}, {"filters": 10}]
    field, message = refusal(workspace, started(source, **{"model.blocks": blocks}))
    assert field == "model.start_from"
    assert "fits no layer" in message and "(conv_1: 8 channels instead of 16)" in message
    blocks = [TINY.to_dict()["model"]["blocks"][0], {"filters": 10}]
    config = started(source, **{"model.blocks": blocks, "model.frozen_blocks": 2})
    assert "cannot hold block 2: conv_2 would start" in refusal(workspace, config)[1]
    assert "or freeze only 1 block." in refusal(workspace, config)[1]


def test_the_same_start_is_the_same_run_and_another_one_is_not(workspace, store, source) -> None:
    other = end(store, start_experiment(workspace, RunRequest(TINY.with_values({"seed": 1}), "second")))
    save_weights(workspace, other)
    first = start_experiment(workspace, RunRequest(started(source)))
    assert start_or_share_experiment(workspace, RunRequest(started(source)), reuse=True).run == first
    for config in (
        started(other),
        started(source, **{"model.frozen_blocks": 1}),
        TINY.with_values({"seed": 3}),
    ):
        assert not start_or_share_experiment(workspace, RunRequest(config), reuse=True).is_shared
    fork = fork_experiment(workspace, first.id, {"seed": 8})
    assert fork.config.model.start_from == source.id


def test_one_s_own_run_may_start_from_that_of_another_visitor(workspace, store, source, anna, ben) -> None:
    with acting_as(anna):
        theirs = start_experiment(workspace, RunRequest(TINY.with_values({"seed": 5}), "Anna's"))
    end(store, theirs)
    save_weights(workspace, theirs)
    with acting_as(ben):
        run = start_experiment(workspace, RunRequest(started(theirs)))
    assert run.visitor == ben.id


def test_a_run_that_waits_keeps_the_weights_of_one_that_is_deleted_for_good(workspace, store, source) -> None:
    waiting = start_experiment(workspace, RunRequest(started(source)))
    stopped = start_experiment(workspace, RunRequest(started(source, seed=4)))
    begun = start_experiment(workspace, RunRequest(started(source, seed=5)))
    control.stop_run(workspace, stopped.id)
    workspace.run_folder(begun.id).mkdir()
    (workspace.run_folder(begun.id) / "epoch-000001.checkpoint").write_bytes(b"goes on by itself")
    control.delete_run(workspace, source.id)
    assert start_folder(workspace, waiting.id, source.id) == workspace.run_folder(source.id)
    trash.empty_trash(workspace)
    assert not workspace.run_folder(source.id).exists()
    with pytest.raises(RunNotFound):
        store.get_run(source.id)
    for run in (waiting, stopped):
        own = start_folder(workspace, run.id, source.id)
        assert own == workspace.run_folder(run.id) / FOLDER
        assert (own / "best-000002.keras").read_bytes() == b"weights"
    assert not (workspace.run_folder(begun.id) / FOLDER).exists()
    forget_start(workspace, waiting.id)
    assert start_folder(workspace, waiting.id, source.id) == workspace.run_folder(source.id)


def test_several_that_are_deleted_together_keep_nothing_for_each_other(workspace, store, source) -> None:
    other = start_experiment(workspace, RunRequest(started(source)))
    control.stop_run(workspace, other.id)
    trash.delete_runs(workspace, [source.id, other.id])
    assert trash.empty_trash(workspace) == 2
    assert list(workspace.runs.iterdir()) == []
