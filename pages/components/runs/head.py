"""The head of the chosen runs: name, badges, what went wrong."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from core.config import differences
from core.config.changes import setting_of_each, settings_in_words
from core.config.labels import label_of
from core.design.presets import PRESETS
from core.errors import RunNotFound
from core.formatting import points, rough_duration
from core.server.services import Services
from core.store.records import Run
from pages.components.kit import run_words
from pages.components.kit.person import started_by
from pages.components.kit.redraw import render_folded
from pages.components.kit.setting_columns import sources_here
from pages.components.kit.text import literal, local_time

MOST_SWEEPS = 3


def render_head(services: Services, runs: Sequence[Run]) -> None:
    """In a line what is looked at, and what went wrong. Numbers that grow are no part of it: it is drawn once."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if len(runs) == 1:
            run = runs[0]
            st.subheader(literal(run.name), anchor=False, width="content")
            st.markdown(run_words.badge(run), width="content")
            st.caption(
                literal(_describe(run) + started_by(services.store, run)),
                width="content",
                help=literal(times_in_words(run)),
            )
        else:
            st.subheader(f"{len(runs)} runs side by side", anchor=False, width="content")
        _render_sweeps(services, runs)
        if len(runs) == 1:
            _render_start(services, runs[0])
    for run in runs:
        if run.recorded_by is None and (problem := run.unreadable):
            st.error(literal(problem), icon=":material/broken_image:")
        if run.state.is_finished and run.error:
            name = "" if len(runs) == 1 else f"{literal(run.name)}: "
            step = f"  \n{literal(run.next_step)}" if run.next_step else ""
            st.error(f"**{name}{literal(run.error)}**{step}", icon=run_words.LOOKS[run.state].icon)


def _render_sweeps(services: Services, runs: Sequence[Run]) -> None:
    """Links to the sweeps that these runs belong to, with the trial where it is one run."""
    places = services.store.sweeps.places([run.id for run in runs])
    found = {place.sweep_id: place for each in places.values() for place in each}
    for place in list(found.values())[:MOST_SWEEPS]:
        trial = f"Trial {place.trial} of the sweep" if len(runs) == 1 else "From the sweep"
        st.page_link(
            "sweeps.py", label=f"{trial} “{literal(place.sweep_name)}”", icon=":material/travel_explore:",
            query_params={"sweep": place.sweep_id}, width="content",
        )  # fmt: skip


def _render_start(services: Services, run: Run) -> None:
    """A link to the run whose weights this one starts from; its log says which layers took them."""
    config = run.readable_config
    source_id = None if config is None else config.model.start_from
    if source_id is None:
        return
    try:
        source = services.store.get_run(source_id)
    except RunNotFound:
        st.caption(f"Starts from the weights of {source_id}, which is not here.", width="content")
        return
    st.page_link(
        "runs.py", label=f"Starts from “{literal(source.name)}”", icon=":material/move_up:",
        query_params={"run": source.id}, width="content",
        help="This run starts from that run's weights. Which layers took them is in the log.",
    )  # fmt: skip


def render_line(run: Run, name: str) -> None:
    """One of several runs in a line: its state, what it is called here, and its numbers."""
    numbers = f"{run.epoch} of {run.total_epochs} epochs"
    if run.epoch:
        gap = "" if run.gap is None else f", gap {points(run.gap)}"
        numbers = f"best validation {run_words.best_in_words(run)}, {numbers}{gap}"
    st.markdown(f"{run_words.badge(run)} **{literal(name)}**: {numbers}")


def render_settings(runs: Sequence[Run]) -> None:
    """What the runs were told to do: where they differ, or where one differs from its preset, and all of it."""
    several = len(runs) > 1
    runs = [run for run in runs if run.unreadable is None]
    if len(runs) < (2 if several else 1):
        return
    icon = ":material/tune:"
    if several:
        render_folded(
            "What differs", "what-differs", lambda: _render_differences(runs), icon=icon, expanded=True
        )
    else:
        render_folded("Settings", "settings", lambda: _render_settings(runs[0]), icon=icon)


def _render_differences(runs: Sequence[Run]) -> None:
    table = differing_settings(runs)
    if table.empty:
        st.caption("Nothing: these runs have the same settings and the same seed.")
    else:
        st.dataframe(table, alt="The settings in which the runs differ, with the value of each run")


def _render_settings(run: Run) -> None:
    preset, sources = PRESETS.get(run.preset or ""), sources_here([run.config])
    tooltip = None if sources.ids_in_words is None else literal(sources.ids_in_words)
    if preset is not None:
        changes = sources.words(
            "; ".join(
                f"{label_of(path)}: {' instead of '.join(setting_of_each((run.config, preset.config), path))}"
                for path, _, _ in differences(preset.config, run.config)
            )
        )
        said = f"Preset {preset.label}{f'. {changes}' if changes else ', unchanged'}."
        st.caption(literal(said), help=tooltip)
    rows = [(name, sources.words(value)) for name, value in settings_in_words(run.config)]
    table = pd.DataFrame(rows, columns=["Setting", "Value"])
    st.dataframe(
        table, hide_index=True, alt="Each setting of this run with its value",
        column_config={"Value": st.column_config.TextColumn(help=tooltip)},
    )  # fmt: skip
    st.caption("The same as JSON, as the command line and REST read it:")
    st.json(run.config.to_dict(), expanded=False)


def differing_settings(runs: Sequence[Run]) -> pd.DataFrame:
    """A row per setting that is not the same in all runs, a column per run, values as text."""
    configs = [run.config for run in runs]
    paths = dict.fromkeys(path for other in configs[1:] for path, _, _ in differences(configs[0], other))
    sources = sources_here(configs)
    rows = {
        label_of(path): [sources.words(value) for value in setting_of_each(configs, path)] for path in paths
    }
    data = {(run.dataset, run.dataset_digest) for run in runs if run.dataset_digest is not None}
    names = [name for name, _ in data]
    if len(names) > len(set(names)):  # several data sets had one name, one after another
        rows[label_of("dataset.id")] = [f"{run.dataset}, {_short(run.dataset_digest)}" for run in runs]
    table = pd.DataFrame.from_dict(rows, orient="index", columns=run_words.distinct_names(runs))
    table.index.name = "Setting"
    return table


def times_in_words(run: Run) -> str:
    """When it was queued, started and ended, by the visitor's clock: the table says how long ago."""
    known = (("Queued", run.created_at), ("started", run.started_at), ("ended", run.ended_at))
    return ", ".join(f"{what} {local_time(time)}" for what, time in known if time is not None)


def _short(digest: str | None) -> str:
    return "not known which" if digest is None else f"SHA-256 {digest[:8]}…"


def _describe(run: Run) -> str:
    parts = [run.dataset if run.recorded_by is None else f"data {run.dataset}"]
    if run.unreadable is None and run.config.dataset.num_train is not None:
        parts[0] += f", {run.config.dataset.num_train:,} training pictures"
    if device := run_words.device_name(run.device):
        parts.append(device)
    if run.attempt > 1:
        parts.append(f"attempt {run.attempt}")
    if run.started_at is not None and run.ended_at is not None:
        parts.append(f"took {rough_duration(max(0.0, run.ended_at - run.started_at))}")
    return " · ".join([*parts, f"id {run.id}"])
