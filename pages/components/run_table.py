"""The table of runs: filter, pages of 50, ticked rows."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from core.runs.records import Run
from core.runs.states import RunState
from core.runs.store import Store
from pages.components import run_words, session
from pages.components.run_selection import signature, write_selection
from pages.components.ticking import draw_ticking

ROWS_PER_PAGE = 50
ROWS_VISIBLE = 8
ROW_PIXELS = 35
TICK_SECONDS = 2.0
SPARKLINE_EPOCHS = 200
SPARKLINE_POINTS = 50

# What people look for, rather than each state on its own.
GROUPS = {
    "Running": {RunState.STARTING, RunState.RUNNING, RunState.PAUSED},
    "Waiting": {RunState.WAITING},
    "Finished": {RunState.FINISHED},
    "Stopped": {RunState.STOPPED},
    "Failed": {RunState.FAILED, RunState.INTERRUPTED},
}


def filter_runs(runs: Sequence[Run], text: str, group: str | None) -> list[Run]:
    """Those of a status group whose name, data set or preset holds each word of `text`, or whose id begins with it."""
    words, beginning = text.casefold().split(), text.strip()
    kept = []
    for run in runs:
        described = f"{run.name} {run.dataset} {run.preset or ''}".casefold()
        fits = all(word in described for word in words) or run.id.startswith(beginning)
        if fits and (group is None or run.state in GROUPS.get(group, ())):
            kept.append(run)
    return kept


def table_rows(
    runs: Sequence[Run], sparklines: Mapping[str, Sequence[float | None]], queue: Sequence[str]
) -> pd.DataFrame:
    """A row per run, as shown. `queue` are the ids of waiting runs in order; times are UTC."""
    return pd.DataFrame(
        {
            "status": [[run_words.LOOKS[run.state].label] for run in runs],
            "name": [run.name for run in runs],
            "dataset": [run.dataset for run in runs],
            "best": [_times_100(run.best_val_accuracy) for run in runs],
            "gap": [_times_100(run.gap) for run in runs],
            "curve": [_thinned(sparklines.get(run.id, ())) for run in runs],
            "epochs": [f"{run.epoch} / {run.total_epochs}" for run in runs],
            "device": [_place(run, queue) for run in runs],
            "when": pd.to_datetime([run.started_at or run.created_at for run in runs], unit="s", utc=True),
            "id": [run.id for run in runs],
        }
    )


def render_run_table(store: Store, runs: Sequence[Run], chosen: Sequence[str]) -> None:
    """Draw filter and table; it refreshes itself while a run waits or is active. Ticks go into the address."""
    lively = _is_lively(runs)
    drawn = signature(run for run in runs if run.id in chosen)
    draw_ticking(_draw, store, tuple(chosen), drawn, lively, every=TICK_SECONDS if lively else None)


def _draw(store: Store, chosen: tuple[str, ...], drawn: Any, lively: bool) -> None:
    runs = store.list_runs()
    if _is_lively(runs) != lively or signature(run for run in runs if run.id in chosen) != drawn:
        st.rerun()
    shown = _page_of(_filtered(runs))
    if not shown:
        st.caption("No run fits this filter.")
        return
    ids = tuple(run.id for run in shown)
    ticked = tuple(ids[row] for row in _table(store, shown, chosen).selection.rows if row < len(ids))
    # What another page of the table or a filter hides stays chosen.
    now = tuple(run_id for run_id in chosen if run_id in ticked or run_id not in ids)
    now += tuple(run_id for run_id in ticked if run_id not in now)
    if now != chosen:
        session.note_ticked_runs(now)
        write_selection(now)
        st.rerun()


def _table(store: Store, shown: Sequence[Run], chosen: tuple[str, ...]) -> Any:
    ids = tuple(run.id for run in shown)
    queue = [run.id for run in store.waiting_runs()]
    return st.dataframe(
        table_rows(shown, store.last_val_accuracies(ids, SPARKLINE_EPOCHS), queue),
        key=session.run_table_key(ids, chosen),
        on_select="rerun",
        selection_mode="multi-row",
        selection_default={
            "selection": {"rows": [row for row, run_id in enumerate(ids) if run_id in chosen]}
        },
        hide_index=True,
        height=ROW_PIXELS * (min(len(shown), ROWS_VISIBLE) + 1) + 2,
        row_height=ROW_PIXELS,
        placeholder="–",
        column_config=_columns(),
        alt="Table of runs: status, name, data set, best validation accuracy, gap, epochs, device and start",
    )


def _filtered(runs: Sequence[Run]) -> list[Run]:
    if len(runs) < 4:
        return list(runs)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        text = st.text_input(
            "Find",
            key="find",
            placeholder="Name, data set or id",
            icon=":material/search:",
            max_chars=100,
            label_visibility="collapsed",
            width=280,
            live=True,
            bind="query-params",
        )
        counts = {group: sum(run.state in states for run in runs) for group, states in GROUPS.items()}
        group = st.pills(
            "Status",
            list(GROUPS),
            key="status",
            format_func=lambda name: f"{name} {counts[name]}",
            label_visibility="collapsed",
            bind="query-params",
        )
    return filter_runs(runs, text or "", group)


def _page_of(runs: list[Run]) -> list[Run]:
    num_pages = -(-len(runs) // ROWS_PER_PAGE)
    if num_pages < 2:
        return runs
    page = min(st.pagination(num_pages, key=f"page-of-{num_pages}"), num_pages)
    return runs[(page - 1) * ROWS_PER_PAGE : page * ROWS_PER_PAGE]


def _columns() -> dict[str, Any]:
    """Together they fit into 1,110 pixels, a window of 1,280."""
    column = st.column_config
    labels = [run_words.LOOKS[state] for state in RunState]
    return {
        "status": column.MultiselectColumn(
            "Status",
            options=[look.label for look in labels],
            color=[look.color for look in labels],
            width=105,
        ),
        "name": column.TextColumn("Name", width="medium"),
        "dataset": column.TextColumn("Data set", width=90),
        "best": column.NumberColumn(
            "Best validation",
            format="%.1f %%",
            help="The highest validation accuracy of any epoch.",
            width=115,
        ),
        "gap": column.NumberColumn(
            "Gap",
            format="%.1f",
            help="Clean training accuracy minus validation accuracy at the last epoch, in points of a hundred: "
            "what overfitting costs.",
            width="small",
        ),
        "curve": column.LineChartColumn(
            "Curve",
            y_min=0.0,
            y_max=1.0,
            help="Validation accuracy in its last epochs, from 0 to 100 %.",
            width=110,
        ),
        "epochs": column.TextColumn("Epochs", width="small"),
        "device": column.TextColumn(
            "Device", width="small", help="What it trains on, or its place in the queue."
        ),
        "when": column.DatetimeColumn("Started", format="distance", width=130),
        "id": column.TextColumn("Id", width=100, help="For the command line and for links."),
    }


def _thinned(values: Sequence[float | None]) -> list[float]:
    known = [value for value in values if value is not None]
    step = -(-len(known) // SPARKLINE_POINTS) or 1
    return known[::step]


def _place(run: Run, queue: Sequence[str]) -> str | None:
    """Its device, or its place in the queue."""
    if run.id in queue:
        return f"queue: {queue.index(run.id) + 1}"
    return run_words.device_name(run.device)


def _times_100(value: float | None) -> float | None:
    return None if value is None else 100 * value


def _is_lively(runs: Sequence[Run]) -> bool:
    return any(not run.state.is_finished for run in runs)
