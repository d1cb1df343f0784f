"""The table of runs or groups: settings that differ, best values, values at the epoch line, ticked rows."""

import hashlib
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
import streamlit as st

from core.analysis.significance import Interval
from core.comparison.comparison import Comparison
from core.comparison.facts import RunFacts
from core.comparison.groups import Group
from core.comparison.quantities import RESULTS, title_of, value_of
from core.comparison.query import Query
from core.store.states import RunState
from pages.components.compare.address import field
from pages.components.compare.curves import MEASURE_WORDS
from pages.components.compare.settings import (
    SEED,
    item_names,
    key_of,
    shared_value,
)
from pages.components.kit import browser, run_words, session
from pages.components.kit.setting_columns import (
    START,
    column_of,
    column_values,
    offered_names,
    scaled,
    sources_here,
    varying_names,
)
from pages.components.kit.text import literal

ROW_PIXELS, ROWS_VISIBLE = 35, 11
NAME_PIXELS, GROUP_PIXELS, NARROW_PIXELS = 200, 360, 190
LINE_PIXELS, CHARACTER_PIXELS = 20, 5.8
WRAPPED_PIXELS = 65  # Streamlit 1.67 wraps nothing in rows of up to 4 rem, 64 pixels
# A name that needs more room than its column has is wrapped, in rows that are higher: names of groups are long.
MOST_GROUP_LINES, MOST_LINES = 5, 3
MOST_SETTINGS = 6
TICKED = "compare-ticked"
RESULT_COLUMNS = ("val_accuracy", "gap", "best_epoch", "epochs", "seconds", "parameters")
GROUP_RESULTS = ("val_accuracy", "gap", "seconds", "parameters")


@dataclass(frozen=True)
class Shown:
    """What the table shows: the items in its order, and those of them whose rows are ticked."""

    items: tuple[RunFacts | Group, ...]
    ticked: tuple[RunFacts | Group, ...]

    @property
    def ticked_runs(self) -> tuple[RunFacts, ...]:
        """The runs of the ticked rows; of a group all that are in it."""
        found: dict[str, RunFacts] = {}
        for item in self.ticked:
            for run in item.runs if isinstance(item, Group) else (item,):
                found[run.id] = run
        return tuple(found.values())


def render_table(comparison: Comparison, measured: Mapping[str, Mapping[str, Interval]]) -> Shown:
    """Draw it with all its rows: it scrolls, and nothing is on another page."""
    query = comparison.query
    items: tuple[RunFacts | Group, ...] = comparison.groups if query.is_grouped else comparison.runs
    keys = [key_of(item) for item in items]
    data = (
        group_data(comparison.groups, comparison, measured)
        if query.is_grouped
        else run_data(comparison.runs, comparison, measured)
    )
    # Other rows are another table: a late click on old ones cannot tick a wrong run.
    digest = hashlib.sha256(" ".join(keys).encode()).hexdigest()[:16]
    width, most_lines = (
        (GROUP_PIXELS, MOST_GROUP_LINES) if query.is_grouped else (name_pixels(data["name"]), 1)
    )
    if browser.is_narrow():
        width, most_lines = NARROW_PIXELS, max(most_lines, MOST_LINES)
    row = row_pixels(data["name"], width, most_lines)
    most = max(3, ROW_PIXELS * ROWS_VISIBLE // row)
    event = st.dataframe(
        data, key=f"compare-table-{digest}", on_select="rerun", selection_mode="multi-row", hide_index=True,
        height=row * min(len(items), most) + ROW_PIXELS + 2, row_height=row, placeholder="–",
        column_config=_columns(data, query, width, _ids_of_sources(comparison, data)),
        alt=f"Table of {'groups' if query.is_grouped else 'runs'} with settings and results",
    )  # fmt: skip
    rows = event.selection.rows
    shown = Shown(items, tuple(items[row] for row in rows if row < len(items)))
    note_ticked(len(shown.ticked))
    return shown


def note_ticked(number: int) -> None:
    """Remember how many rows are ticked; 0 where there is no table."""
    session.set_widget(TICKED, number)


def num_ticked() -> int:
    """How many rows were ticked when the table was drawn last."""
    return session.widget_value(TICKED) or 0


def name_pixels(names: Iterable[str]) -> int:
    """How wide the names of runs are, in pixels. Trials of a sweep begin alike: only the end tells them apart."""
    longest = max(map(len, names), default=0)
    return NAME_PIXELS if longest * CHARACTER_PIXELS + 16 <= NAME_PIXELS else GROUP_PIXELS


def row_pixels(names: Iterable[str], width: int, most_lines: int) -> int:
    """The height of a row in pixels for its longest name, in a column of `width` pixels and `most_lines` lines."""
    longest = max(names, key=len, default="")
    lines = len(textwrap.wrap(longest, int((width - 16) / CHARACTER_PIXELS)))
    lines = min(lines, most_lines)
    return max(WRAPPED_PIXELS, ROW_PIXELS + LINE_PIXELS * (lines - 1)) if lines > 1 else ROW_PIXELS


def run_data(
    runs: Sequence[RunFacts], comparison: Comparison, measured: Mapping[str, Mapping[str, Interval]]
) -> pd.DataFrame:
    """A row per run; accuracies in percent, the gap in points, settings as numbers or words."""
    query, baseline = comparison.query, comparison.baseline
    columns: dict[str, Any] = {
        "state": [[run_words.LOOKS[run.run.state].label] for run in runs],
        "name": [run.name for run in runs],
        "tags": [list(run.tags) for run in runs],
    }
    if not any(run.tags for run in runs):
        del columns["tags"]
    if any(run.hidden for run in runs):
        columns["hidden"] = [run.hidden for run in runs]
    if query.epoch is not None:
        columns["at epoch"] = [_at(measured, run.id, query) for run in runs]
    for key in RESULT_COLUMNS:
        columns[key] = [scaled(key, run.results[key]) for run in runs]
        if key in ("val_accuracy", "gap") and baseline is not None:
            columns[f"{key} change"] = [
                scaled(key, _minus(run.results[key], baseline.results[key])) for run in runs
            ]
    for name in chosen_columns(comparison):
        columns[name] = column_values(name, [value_of(run, name) for run in runs], runs)
    columns["created"] = pd.to_datetime([run.run.created_at for run in runs], unit="s", utc=True)
    columns["id"] = [run.id for run in runs]
    return pd.DataFrame(columns)


def group_data(
    groups: Sequence[Group], comparison: Comparison, measured: Mapping[str, Mapping[str, Interval]]
) -> pd.DataFrame:
    """A row per group: means over the runs that finished, with n and the interval of the accuracy."""
    query, names = comparison.query, item_names(comparison)
    columns: dict[str, Any] = {
        "name": [names[group.key] for group in groups],
        "n": [group.n for group in groups],
        "others": [group.counted_in_words.partition(", ")[2] or None for group in groups],
    }
    if not any(columns["others"]):
        del columns["others"]
    if any(group.mixed for group in groups):
        columns["mixed"] = [group.differs_in for group in groups]
    if query.epoch is not None:
        columns["at epoch"] = [_at(measured, group.key, query) for group in groups]
        columns["n at epoch"] = [_n_at(measured, group.key, query) for group in groups]
    for key in GROUP_RESULTS:
        means = [group.mean_of(key) for group in groups]
        columns[key] = [None if mean is None else scaled(key, mean.mean) for mean in means]
        if key == "val_accuracy":
            for end in ("low", "high"):
                columns[end] = [None if mean is None else scaled(key, getattr(mean, end)) for mean in means]
    names = [name for name in chosen_columns(comparison) if name not in (SEED, *query.group_by)]
    for name in [*(path for path in query.group_by if path != "all-but-seed"), *names]:
        columns[name] = column_values(
            name, [shared_value(group, name) for group in groups], [group.runs[0] for group in groups]
        )
    medians = [group.median_run for group in groups]
    columns["median"] = [None if run is None else run.name for run in medians]
    return pd.DataFrame(columns)


def chosen_columns(comparison: Comparison) -> list[str]:
    """The settings in the table: those that were chosen, else the first that differ, the seed last."""
    if comparison.query.columns:
        return list(comparison.query.columns)
    varying = list(varying_names(comparison.runs))
    others = [path for path in varying if path != SEED]
    return [*others[:MOST_SETTINGS], *([SEED] if SEED in varying else [])]


def render_columns_field(comparison: Comparison) -> None:
    """Which settings have a column, with how many of those that differ have none."""
    varying = list(varying_names(comparison.runs))
    chosen = chosen_columns(comparison)
    left = len([path for path in varying if path not in chosen])
    # Drawn while it is open: a choice that is set before its field is in the browser does not reach it, and the next
    # one made there would replace it.
    popover = st.popover(
        f"Columns: {left} more differ" if left else "Columns",
        icon=":material/view_column:",
        key="compare-columns-menu",
        on_change="rerun",
    )
    if not popover.open:
        return
    with popover:
        st.multiselect(
            "Settings and results in the table", offered_names(comparison.runs, chosen),
            format_func=title_of, placeholder="Those that differ", width=420,
            help="Without a choice, the first settings that differ. Parallel coordinates have an axis for each.",
            **field("columns", chosen, lambda names: {"columns": tuple(names)}),
        )  # fmt: skip


def _at(measured: Mapping[str, Mapping[str, Interval]], key: str, query: Query) -> float | None:
    interval = measured.get(key, {}).get(query.measure)
    if interval is None:
        return None
    return 100 * interval.mean if query.measure.endswith("accuracy") else interval.mean


def _n_at(measured: Mapping[str, Mapping[str, Interval]], key: str, query: Query) -> int:
    interval = measured.get(key, {}).get(query.measure)
    return 0 if interval is None else interval.n


def _minus(value: float | None, other: float | None) -> float | None:
    return None if value is None or other is None else value - other


def _columns(data: pd.DataFrame, query: Query, name_width: int, ids: str | None) -> dict[str, Any]:
    """`ids` says which runs the names in the column of starting weights are."""
    column = st.column_config
    looks = [run_words.LOOKS[state] for state in RunState]
    accuracy, title = MEASURE_WORDS[query.measure], "Group" if query.is_grouped else "Name"
    own: dict[str, Any] = {
        "state": column.MultiselectColumn(
            "Status", options=[look.label for look in looks], color=[look.color for look in looks], width=105
        ),
        "name": column.TextColumn(title, width=name_width),
        "tags": column.ListColumn("Tags", width=120),
        "hidden": column.CheckboxColumn("Hidden", width="small"),
        "n": column.NumberColumn("n", width=50, help="Seeds of the runs that finished: means are over these."),
        "others": column.TextColumn(
            "Also", width=130, help="Runs that are in no mean; before them all runs where a seed was trained again."
        ),
        "mixed": column.TextColumn(
            "Differ in", width=200, help="What else is not the same in its runs: its mean is over more than chance."
        ),
        "at epoch": column.NumberColumn(
            f"Epoch {query.epoch}", format="%.1f %%" if query.measure.endswith("accuracy") else "%.4g", width=95,
            help=f"{accuracy} at epoch {query.epoch}. Empty: the run has no such epoch.",
        ),
        "n at epoch": column.NumberColumn(
            f"n at {query.epoch}", width=70, help=f"Runs that have epoch {query.epoch}: its mean is over these.",
        ),
        "val_accuracy": _accuracy("Best validation", RESULTS["val_accuracy"].help),
        "low": _accuracy("95 % from", "The lower end of the 95 % interval of the mean."),
        "high": _accuracy("95 % to", "The upper end of the 95 % interval of the mean."),
        "val_accuracy change": column.NumberColumn(
            "vs baseline", format="%+.1f", width=95, help="Best validation accuracy minus the baseline's, in points."
        ),
        "gap": column.NumberColumn("Gap", format="%.1f", width=65, help=RESULTS["gap"].help),
        "gap change": column.NumberColumn(
            "Gap vs baseline", format="%+.1f", width=115, help="Gap minus the baseline's, in points."
        ),
        "best_epoch": column.NumberColumn("Best epoch", width=90, help=RESULTS["best_epoch"].help),
        "epochs": column.NumberColumn("Epochs", width=70),
        "seconds": column.NumberColumn("Seconds", format="%.0f", width=80, help=RESULTS["seconds"].help),
        "parameters": column.NumberColumn("Parameters", format="localized", width=100),
        "created": column.DatetimeColumn("Created", format="distance", width=120),
        "median": column.TextColumn("Median run", width=140, help="The run in the middle by validation accuracy."),
        "id": column.TextColumn("Id", width=105, help="For the command line and for links."),
    }  # fmt: skip
    for name in data.columns:
        if name not in own:
            tooltip = ids if name == START else None
            own[name] = column_of(name, is_number=pd.api.types.is_numeric_dtype(data[name]), help=tooltip)
    return own


def _ids_of_sources(comparison: Comparison, data: pd.DataFrame) -> str | None:
    if START not in data:
        return None
    words = sources_here(run.config for run in comparison.runs).ids_in_words
    return None if words is None else literal(words)


def _accuracy(title: str, words: str) -> Any:
    return st.column_config.NumberColumn(title, format="%.1f %%", width=105, help=words)
