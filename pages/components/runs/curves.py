"""The curves of the chosen runs as charts: which series, whose parent lies pale behind, what is marked."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import pyarrow as pa
import streamlit as st

from core.analysis.curves import curves_frame
from core.config import differences
from core.config.changes import describe_changes, setting_of_each
from core.config.labels import named_value
from core.epoch import Curves
from core.errors import RunError, RunNotFound
from core.formatting import rate_in_words, within_sentence
from core.server.services import Services
from core.store.interventions import Intervention
from core.store.records import Run
from core.store.store import Store
from pages.components.charts import curves as charts
from pages.components.charts.curves import RunCurves
from pages.components.charts.zoom import ZOOM
from pages.components.kit.cache import VersionedCache, epoch_version, per_epoch
from pages.components.kit.setting_columns import sources_here
from pages.components.kit.text import literal
from pages.components.runs.verdict import diagnosed

PARENT = "parent"
MARKS_OF_SEVERAL = "Ring: best epoch. Triangle: overfitting begins. Diamond: changed during training."


_charts: VersionedCache[dict[str, tuple[pa.Table, dict[str, Any]]]] = VersionedCache(32)


@per_epoch(64)
def curves_of(store: Store, run: Run) -> Curves:
    """The curves of a run, read again only when it has one more epoch; not to be changed."""
    return store.curves(run.id)


def render_charts(
    services: Services,
    runs: Sequence[Run],
    names: Sequence[str],
    curves: Sequence[Curves],
    *,
    linked: bool = False,
) -> None:
    """Accuracy and loss side by side. A fork lies over its parent's pale curves, labelled with the difference."""
    if len(runs) > charts.MAX_RUNS:
        st.caption(f"Only the first {charts.MAX_RUNS} runs are drawn.")
    runs = runs[: charts.MAX_RUNS]
    parent = _parent(services.store, runs[0]) if len(runs) == 1 else None
    shown = _choose_series(
        several=len(runs) > 1, has_parent=parent is not None, has_clean=any(map(_has_clean, curves))
    )
    ghost = None
    if parent is not None and PARENT in shown:
        ghost = parent
        st.caption(f"Pale behind: {literal(parent.name)}. Here: {literal(_difference(parent, runs[0]))}.")
    series = [name for name in charts.SERIES if name in shown] or ["val"]
    changes = [marked_changes(services.store.interventions.history(run.id)) for run in runs]
    # All that the charts are made of: they are made once per epoch, for all visitors, and not at each tick.
    known = (*runs, *([] if ghost is None else [ghost]))
    end = max(map(last_epoch, known))
    drawn = _charts.get(
        (services, tuple(run.id for run in known), tuple(names), tuple(series), linked),
        (tuple(map(epoch_version, known)), tuple(tuple(each.items()) for each in changes), end),
        lambda: _draw_charts(services, runs, names, curves, changes, ghost, series, end, linked),
    )
    # Another choice of runs or series is another chart; the same one keeps its node and its zoom.
    key = "-".join([*(run.id for run in runs), *series, *([] if ghost is None else [PARENT])])
    with st.container(key=_around(runs)):
        columns = st.columns(2, gap="medium")
    for column, (measure, (data, spec)) in zip(columns, drawn.items(), strict=True):
        column.vega_lite_chart(
            data,
            spec,
            key=f"{measure}-{key}",
            on_select="rerun",
            selection_mode=[ZOOM],
            width="stretch",
            alt=_describe(measure, names[: len(runs)]),
        )
    if len(runs) > 1:
        st.caption(MARKS_OF_SEVERAL)


def _around(runs: Sequence[Run]) -> str:
    """The key of what lies around both charts; with `st-key-` before it, its class on the page."""
    return "-".join(["curves", *(run.id for run in runs)])


def last_epoch(run: Run) -> int:
    """Where its curves end: all epochs that it is to train, or those of a run that has ended."""
    return run.epoch if run.state.is_finished else max(run.epoch, run.total_epochs)


def _draw_charts(
    services: Services, runs: Sequence[Run], names: Sequence[str], curves: Sequence[Curves],
    changes: Sequence[Mapping[int, str]], parent: Run | None, series: Sequence[str], end: int, linked: bool,
) -> dict[str, tuple[pa.Table, dict[str, Any]]]:  # fmt: skip
    """Data and spec of each measure."""
    ghost = None if parent is None else curves_frame(curves_of(services.store, parent))
    drawn = [
        _drawn(services, run, name, own, marks, ghost)
        for run, name, own, marks in zip(runs, names, curves, changes, strict=False)
    ]
    shown_names = [run.name for run in drawn]
    pale, labels = family(runs, shown_names)
    return {
        measure: (
            pa.Table.from_pandas(charts.curve_data(measure, drawn), preserve_index=False),
            charts.curve_spec(
                measure, shown_names, series, labels=labels, pale=pale, ghost=ghost is not None, last_epoch=end,
                within=(f".st-key-{_around(runs)}", _around(runs)) if linked else None,
            ),
        )
        for measure in charts.MEASURES
    }  # fmt: skip


def family(runs: Sequence[Run], names: Sequence[str] | None = None) -> tuple[set[int], dict[int, str]]:
    """(places of parents of others among the runs, what the legend says of runs instead of their name alone).

    Beside the name, which may be one of `names` that tell equal ones apart, stands what a fork changed, or else the
    settings in which the runs differ, unless the name says it.
    """
    names = [run.name for run in runs] if names is None else names
    places = {run.id: place for place, run in enumerate(runs)}
    differing = differing_in_words(runs)
    pale, labels = set(), {}
    for place, (run, name) in enumerate(zip(runs, names, strict=True)):
        if run.parent_id in places:
            parent = places[run.parent_id]
            pale.add(parent)
            words = _change(runs[parent], run)
        else:
            words = differing[place]
        labels[place] = name if not words or words in name else f"{name} · {words}"
    for place in pale:
        if runs[place].parent_id not in places:
            labels[place] = f"{names[place]} (pale)"
    return pale, {place: label for place, label in labels.items() if label != names[place]}


def differing_in_words(runs: Sequence[Run], most: int = 2) -> list[str]:
    """For each run the first settings in which the runs differ: `learning rate 0.01, seed 3`. Empty where they do not,
    and for a run whose settings cannot be read.
    """
    configs = {run.id: run.config for run in runs if run.unreadable is None}
    first, *others = list(configs.values()) or [None]
    paths = dict.fromkeys(path for other in others if first for path, _, _ in differences(first, other))
    chosen = list(paths)[:most]
    sources = sources_here(configs.values())
    values = {path: setting_of_each(list(configs.values()), path) for path in chosen}
    words = {
        run_id: sources.words(
            ", ".join(within_sentence(named_value(path, values[path][number])) for path in chosen)
        )
        for number, run_id in enumerate(configs)
    }
    return [words.get(run.id, "") for run in runs]


def _change(parent: Run, fork: Run) -> str:
    """In few words what a fork changed: the suggestion that made it, which ends its name, else its settings."""
    words = fork.name.removeprefix(f"{parent.name}: ")
    return words if words and words != fork.name else _difference(parent, fork, most=1)


def _difference(parent: Run, fork: Run, most: int = 3) -> str:
    try:
        words = describe_changes(parent.config, fork.config, most)
        return sources_here([parent.config, fork.config]).words(words)
    except RunError:
        return fork.name  # settings that this version cannot read


def _parent(store: Store, run: Run) -> Run | None:
    if run.parent_id is None:
        return None
    try:
        parent = store.get_run(run.parent_id)
    except RunNotFound:
        return None
    return parent if parent.epoch else None


def _drawn(
    services: Services, run: Run, name: str, curves: Curves, changes: Mapping[int, str], ghost: pd.DataFrame | None
) -> RunCurves:  # fmt: skip
    onset = diagnosed(services, run, curves).onset_epoch if curves["epoch"] else None
    return RunCurves(name, curves_frame(curves), run.best_epoch, onset, changes, ghost)


def marked_changes(history: Sequence[Intervention]) -> dict[int, str]:
    """What a person did to a run while it trained, in a few words, at the first epoch that was trained with it."""
    marks: dict[int, list[str]] = {}
    for each in history:
        if each.applied_at is None or each.epoch is None:
            continue
        match each.kind:
            case "learning_rate" if each.value is not None:
                words = f"learning rate {rate_in_words(each.value)}"
            case "add_epochs":
                words = f"+{each.value:.0f} epochs"
            case "pause":
                words = "paused"
            case _:
                continue  # resuming after a pause leaves no trace in the curve
        marks.setdefault(each.epoch + 1, []).append(words)
    return {epoch: ", ".join(dict.fromkeys(words)) for epoch, words in marks.items()}


def _has_clean(curves: Curves) -> bool:
    """Whether clean training was measured: other tools record none. Of a run that has only begun, it will be."""
    measured = (*curves["clean_train_accuracy"], *curves["clean_train_loss"])
    return not measured or any(value is not None for value in measured)


def _choose_series(several: bool, has_parent: bool, has_clean: bool) -> list[str]:
    """Which curves to draw; with several runs, training is left out at first, three per run are hard to read."""

    def describe(series: str) -> str:
        if series == PARENT:
            return "Parent (pale)"
        dash = f" ({charts.DASHES_IN_WORDS[series]})" if several else ""
        return f"{charts.SERIES[series]}{dash}"

    options = [name for name in charts.SERIES if has_clean or name != "clean_train"]
    options += [PARENT] if has_parent else []
    kind = "several" if several else "fork" if has_parent else "one"
    kind += "" if has_clean else "-without-clean"
    return list(
        st.pills(
            "Curves",
            options,
            default=[name for name in ("val", "clean_train") if name in options] if several else options,
            selection_mode="multi",
            format_func=describe,
            key=f"series-of-{kind}",
            label_visibility="collapsed",
            persist_state="session",
        )
    )


def _describe(measure: str, names: Sequence[str]) -> str:
    # Nothing that changes from epoch to epoch: another text makes Streamlit build the chart again.
    return (
        f"{charts.MEASURES[measure]} by epoch of training, validation and clean training: {', '.join(names)}"
    )
