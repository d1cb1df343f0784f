"""The table of runs: title, filter, pages of 50, ticked rows."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

import pandas as pd
import pyarrow as pa
import streamlit as st

from core.analysis.curves import GAP_IN_WORDS
from core.comparison.query import Query
from core.store.records import Run
from core.store.search import fits
from core.store.states import RunState
from core.store.store import Store
from pages.components.kit import run_words, session
from pages.components.kit.cache import VersionedCache, per_epoch
from pages.components.kit.person import starters, who
from pages.components.kit.redraw import draw_ticking
from pages.components.kit.setting_columns import column_of
from pages.components.runs.columns import (
    is_newest_first,
    read_view,
    render_view,
    setting_columns,
    sorted_runs,
)
from pages.components.runs.imports import render_import
from pages.components.runs.selection import PARAMETER, signature, write_selection

ROWS_PER_PAGE = 50
# Beneath fewer rows, the curves of the chosen runs are there without scrolling.
ROWS_VISIBLE, ROWS_ABOVE_CURVES = 10, 4
ROW_PIXELS, HEAD_PIXELS = 32, 37
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


class Filter(NamedTuple):
    """What the table shows: `states` None is any, `visitor` one of a class whose runs alone are shown."""

    text: str = ""
    states: Collection[RunState] | None = None
    visitor: str | None = None


class Row(NamedTuple):
    """What the table shows of a run: as long as that stays, so does the table. `curve` are accuracies."""

    state: RunState
    name: str
    dataset: str
    best_val_accuracy: float | None
    balanced: float | None
    gap: float | None
    curve: tuple[float, ...]
    epochs: str
    place: str | None
    time: float
    id: str
    by: str | None = None


def table_row(run: Run, curve: tuple[float, ...], queue: Sequence[str], by: str | None = None) -> Row:
    """`curve` are its validation accuracies, oldest first; `queue` the ids of waiting runs in order; `by` says who has
    started it, in a class.
    """
    return Row(
        run.state, run.name, run.dataset, run.best_val_accuracy, run.balanced_where_uneven, run.gap, curve,
        f"{run.epoch} / {run.total_epochs}", _place(run, queue), run.started_at or run.created_at, run.id, by,
    )  # fmt: skip


def table_data(rows: Sequence[Row], more: Mapping[str, Sequence[Any]] | None = None) -> pd.DataFrame:
    """The rows as the table shows them; accuracies in percent, times are UTC. Without the balanced accuracy where no
    run has uneven classes, and without who has started a run where there is no class. `more` are columns that were
    chosen.
    """
    table = pd.DataFrame(
        {
            "status": [[run_words.LOOKS[row.state].label] for row in rows],
            "name": [row.name for row in rows],
            "by": [row.by for row in rows],
            "dataset": [row.dataset for row in rows],
            "best": [_times_100(row.best_val_accuracy) for row in rows],
            "balanced": [_times_100(row.balanced) for row in rows],
            "gap": [_times_100(row.gap) for row in rows],
            **(more or {}),
            "curve": [list(row.curve) for row in rows],
            "epochs": [row.epochs for row in rows],
            "device": [row.place for row in rows],
            "when": pd.to_datetime([row.time for row in rows], unit="s", utc=True),
            "id": [row.id for row in rows],
        }
    )
    unused = {
        "balanced": all(row.balanced is None for row in rows),
        "by": all(row.by is None for row in rows),
    }
    return table.drop(columns=[name for name, is_unused in unused.items() if is_unused])


_tables: VersionedCache[pa.Table] = VersionedCache(64)


def render_run_table(store: Store, chosen: Sequence[Run]) -> None:
    """Draw the title with the filter beside it, and the table. They refresh themselves while a run waits or is active;
    ticks go into the address.
    """
    lively = _is_lively(store.count_by_state())
    ids, drawn = tuple(run.id for run in chosen), signature(chosen)
    draw_ticking(_draw, store, ids, drawn, lively, every=TICK_SECONDS if lively else None)


def _draw(store: Store, chosen: tuple[str, ...], drawn: Any, lively: bool) -> None:
    counts = store.count_by_state()
    chosen_runs = store.get_runs(chosen)
    if _is_lively(counts) != lively or signature(chosen_runs) != drawn:
        st.rerun()
    view = read_view()
    wanted = _render_filter(store, counts, view)
    # What a filter hides is not selected. A run that a link asks for, or that leaves the filter by itself, as when it
    # ends, is still looked at.
    fitting = tuple(run.id for run in chosen_runs if is_match(run, wanted))
    is_new = session.is_filter_new(tuple(wanted), at_first=PARAMETER not in st.query_params)
    if is_new and fitting != chosen:
        write_selection(fitting)
        st.rerun()
    shown = _page_of(store, wanted, view)
    if not shown:
        session.run_table_key((), chosen)  # the dialog that deletes says what cannot be seen
        st.caption("No runs match this filter.")
        return
    ids = tuple(run.id for run in shown)
    ticked = tuple(ids[row] for row in _table(store, shown, chosen, view).selection.rows if row < len(ids))
    if set(ticked) != set(ids).intersection(chosen):
        # What stands on another page of the table stays chosen.
        now = tuple(run_id for run_id in fitting if run_id in ticked or run_id not in ids)
        now += tuple(run_id for run_id in ticked if run_id not in now)
        session.note_ticked_runs(now)
        write_selection(now)
        st.rerun()


def is_match(run: Run, wanted: Filter) -> bool:
    """Whether the filter shows the run, on whatever page of the table."""
    return (
        (wanted.states is None or run.state in wanted.states)
        and (wanted.visitor is None or run.visitor == wanted.visitor)
        and fits(wanted.text, run.id, run.name, run.dataset, run.preset)
    )


def _table(store: Store, shown: Sequence[Run], chosen: tuple[str, ...], view: Query) -> Any:
    ids = tuple(run.id for run in shown)
    # Everybody's own runs are by “you”: in the version, each who looks would drop the table of the others.
    started_by = tuple(starters(store, shown))
    queue = store.queue()
    rows = tuple(
        table_row(run, _sparkline(store, run), queue, by) for run, by in zip(shown, started_by, strict=True)
    )
    more = setting_columns(store, view, ids)
    version = rows, tuple((name, tuple(values)) for name, values in more.items())
    return st.dataframe(
        _tables.get((store, ids, started_by), version, lambda: _arrow(rows, more)),
        key=session.run_table_key(ids, chosen),
        on_select="rerun",
        selection_mode="multi-row",
        selection_default={
            "selection": {"rows": [row for row, run_id in enumerate(ids) if run_id in chosen]}
        },
        hide_index=True,
        height=ROW_PIXELS * min(len(shown), ROWS_ABOVE_CURVES if chosen else ROWS_VISIBLE) + HEAD_PIXELS,
        row_height=ROW_PIXELS,
        placeholder="–",
        column_config={
            **{name: column_of(name, is_number=_is_number(values)) for name, values in more.items()},
            **_columns(),
        },
        alt="Table of runs: status, name, data set, best validation accuracy, gap, epochs, device and start",
    )


def _arrow(rows: tuple[Row, ...], more: Mapping[str, Sequence[Any]]) -> pa.Table:
    return pa.Table.from_pandas(table_data(rows, more), preserve_index=False)


def _is_number(values: Sequence[Any]) -> bool:
    return not any(isinstance(value, str) for value in values)


@per_epoch(4096)
def _sparkline(store: Store, run: Run) -> tuple[float, ...]:
    return thinned(store.last_val_accuracies([run.id], SPARKLINE_EPOCHS)[run.id])


def _render_filter(store: Store, counts: Mapping[RunState, int], view: Query) -> Filter:
    """The title, and beside it the text to look for, the states, and for visitors of a class whether only theirs."""
    # In one line from 1300 pixels on.
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
        st.title("Runs", anchor=False, width="content")
        if sum(counts.values()) < 4:
            render_view(store, view)
            render_import()
            return Filter()
        text = st.text_input(
            "Find",
            key="find",
            placeholder="Name, data set or id",
            icon=":material/search:",
            max_chars=100,
            label_visibility="collapsed",
            width=200,
            live=True,
            bind="query-params",
        )
        in_group = {group: sum(counts[state] for state in states) for group, states in GROUPS.items()}
        group = st.pills(
            "Status",
            list(GROUPS),
            key="status",
            format_func=lambda name: f"{name} {in_group[name]}",
            label_visibility="collapsed",
            bind="query-params",
        )
        person = who()
        mine = person.is_visitor and st.toggle(
            "Mine", key="mine", help="Only the runs that you have started."
        )
        render_view(store, view)
        render_import()
    states = None if group is None else GROUPS.get(group, frozenset())
    return Filter(text or "", states, person.id if mine else None)


def _page_of(store: Store, wanted: Filter, view: Query) -> tuple[Run, ...]:
    def runs_from(offset: int) -> tuple[tuple[Run, ...], int]:
        if is_newest_first(view):
            found = store.find_runs(
                wanted.text, wanted.states, limit=ROWS_PER_PAGE, offset=offset, visitor=wanted.visitor
            )
            return found.runs, found.total
        return sorted_runs(store, view, lambda run: is_match(run, wanted), ROWS_PER_PAGE, offset)

    runs, total = runs_from(0)
    num_pages = -(-total // ROWS_PER_PAGE)
    if num_pages < 2:
        return runs
    page = min(st.pagination(num_pages, key=f"page-of-{num_pages}"), num_pages)
    return runs if page == 1 else runs_from((page - 1) * ROWS_PER_PAGE)[0]


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
        "by": column.TextColumn("Started by", width=100),
        "dataset": column.TextColumn("Data set", width=90),
        "best": column.NumberColumn(
            "Best validation",
            format="%.1f %%",
            help="The highest validation accuracy of any epoch.",
            width=115,
        ),
        "balanced": column.NumberColumn(
            "Balanced",
            format="%.1f %%",
            help="Balanced accuracy at the best epoch: the mean of the classes' validation accuracies. Shown for runs "
            "whose classes are uneven, so that they do not count the same in accuracy.",
            width=90,
        ),
        "gap": column.NumberColumn(
            "Gap",
            format="%.1f",
            help=f"{GAP_IN_WORDS} The cost of overfitting.",
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
        "when": column.DatetimeColumn(
            "Started",
            format="distance",
            width=130,
            help="How long ago. When exactly is said beside the name of a ticked run.",
        ),
        "id": column.TextColumn("Id", width=100, help="For the command line and for links."),
    }


def thinned(values: Sequence[float | None]) -> tuple[float, ...]:
    """At most SPARKLINE_POINTS of those that are known, evenly spread."""
    known = tuple(value for value in values if value is not None)
    step = -(-len(known) // SPARKLINE_POINTS) or 1
    return known[::step]


def _place(run: Run, queue: Sequence[str]) -> str | None:
    """Its device, or its place in the queue."""
    if run.id in queue:
        return f"queue: {queue.index(run.id) + 1}"
    return run_words.device_name(run.device)


def _times_100(value: float | None) -> float | None:
    return None if value is None else 100 * value


def _is_lively(counts: Mapping[RunState, int]) -> bool:
    return any(count and not state.is_finished for state, count in counts.items())
