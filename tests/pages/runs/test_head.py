"""The head of the chosen runs."""

from dataclasses import replace

import pytest
from streamlit.testing.v1 import AppTest

from core.design.presets import PRESETS
from core.store.records import Run, RunRequest
from core.store.states import RunState
from core.store.store import Store
from pages.components.runs.head import differing_settings, times_in_words
from tests.core.conftest import known_data


def head_of(runs: list[Run]) -> list[str]:
    def draw(runs) -> None:  # its source is run without this module's imports
        from pages.components.kit import session
        from pages.components.runs.head import render_head

        render_head(session.services(), runs)

    page = AppTest.from_function(draw, args=(runs,), default_timeout=180).run()
    assert not page.exception
    return [str(element.value) for kind in ("subheader", "markdown", "caption") for element in page.get(kind)]


def test_two_data_sets_of_one_name_are_told_apart(workspace):
    config = PRESETS["tiny"].config
    with Store(workspace) as store:
        runs = [
            store.queue_run(RunRequest(config, name, data=data))
            for name, data in (("a", known_data("1" * 64)), ("b", known_data("2" * 64)), ("c", None))
        ]
    assert differing_settings(runs[::2]).empty
    assert differing_settings(runs).loc["Data set"].tolist() == [
        "cifar10, SHA-256 11111111…",
        "cifar10, SHA-256 22222222…",
        "cifar10, not known which",
    ]


@pytest.mark.parametrize("num_runs", [1, 2])
def test_nothing_in_it_grows_with_the_epochs(workspace, num_runs):
    """It stands outside the part of the page that ticks."""
    with Store(workspace) as store:
        runs = [store.queue_run(RunRequest(PRESETS["tiny"].config, name)) for name in "ab"[:num_runs]]
    runs = [replace(run, state=RunState.RUNNING) for run in runs]
    grown = [
        replace(run, epoch=7, best_epoch=6, best_val_accuracy=0.6, gap=0.1, batch=3, batch_accuracy=0.7)
        for run in runs
    ]
    assert head_of(runs) == head_of(grown)


def test_times_are_told_as_far_as_they_are_known(workspace):
    with Store(workspace) as store:
        run = store.queue_run(RunRequest(PRESETS["tiny"].config))
    run = replace(run, created_at=60.0, started_at=3_600.0)
    assert times_in_words(run) == "Queued 01 Jan 00:01:00, started 01 Jan 01:00:00"
    assert times_in_words(replace(run, ended_at=86_400.0)).endswith(", ended 02 Jan 00:00:00")


def test_settings_say_the_name_of_the_run_that_they_start_from(workspace):
    def draw(runs) -> None:  # its source is run without this module's imports
        from pages.components.runs.head import _render_settings

        _render_settings(runs[0])

    with Store(workspace) as store:
        source = store.queue_run(RunRequest(PRESETS["tiny"].config, "the first"))
        started = PRESETS["tiny"].config.with_values({"model.start_from": source.id})
        run = store.queue_run(RunRequest(started, "built on it", "tiny"))
    page = AppTest.from_function(draw, args=([run],), default_timeout=180).run()
    assert not page.exception
    values = dict(page.dataframe[0].value.itertuples(index=False, name=None))
    assert values["Starting weights"] == "“the first”"
    said = page.caption[0].value.replace("\\", "")
    assert "Starting weights: “the first” instead of random" in said
    assert page.caption[0].proto.help.replace("\\", "") == f"“the first” is the run {source.id}."
    assert source.id in page.dataframe[0].proto.columns
    differing = differing_settings([source, run])
    assert differing.loc["Starting weights"].tolist() == ["random", "“the first”"]
