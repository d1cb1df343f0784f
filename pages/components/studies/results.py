"""A study's result: the headline first, then charts, then the numbers as a table."""

from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st

from core.analysis.significance import Interval
from core.studies.ablation import AblationResult, Change
from core.studies.noise import NoiseResult
from core.studies.report import Result, StudyReport
from core.studies.seeds import SeedsResult
from core.studies.spec import WITHOUT, StudySpec
from core.studies.volume import VolumeResult
from pages.components.charts import study_conditions as charts
from pages.components.charts import study_ladders as ladders
from pages.components.charts.study_marks import times_100
from pages.components.charts.zoom import ZOOM
from pages.components.kit.text import literal, unbroken


def render_result(report: StudyReport, spec: StudySpec, result: Result) -> None:
    """The result of any kind."""
    with st.container(border=True):
        st.markdown(f"#### {unbroken(result.headline)}")
        for note in result.notes:
            st.markdown(unbroken(note))
        if report.is_partial and report.num_finished:
            st.caption(f"So far: {report.num_finished} of {report.num_planned} runs have finished.")
    if not report.num_finished:
        return
    if isinstance(result, SeedsResult):
        _render_seeds(report.study.id, result, spec)
    elif isinstance(result, AblationResult):
        _render_ablation(report.study.id, spec, result)
    elif isinstance(result, VolumeResult):
        _render_volume(report.study.id, result)
    else:
        _render_noise(report.study.id, result)


def _render_seeds(study_id: str, result: SeedsResult, spec: StudySpec) -> None:
    names = [condition.name for condition in result.conditions]
    columns = st.columns([3, 2], gap="medium") if len(names) > 1 else [st.container()]
    with columns[0]:
        _chart(charts.band_data(result), charts.band_spec(names), f"band-{study_id}",
               f"Mean validation accuracy by epoch with a 95 percent band: {' and '.join(names)}")  # fmt: skip
    if len(names) > 1:
        # Not in the charts, which would cut the names of runs.
        whose = f"{names[result.leader]} minus {names[1 - result.leader]}"
        # No leader in these names: Streamlit would rebuild the charts each time another config takes the lead.
        between = f"difference between {names[0]} and {names[1]} in points"
        with columns[1]:
            st.caption(unbroken(f"{whose}. One dot per seed; the line is the 95 % interval of the mean."))
            for measure, title in charts.DIFFERENCES.items():
                _chart(charts.difference_data(result, measure), charts.difference_spec(measure),
                       f"difference-{measure}-{study_id}", f"{title}: {between}")  # fmt: skip
        if result.decision is not None and result.decision.looks:
            _chart(charts.looks_data(result.decision, result.leader), charts.looks_spec(spec.smallest_difference),
                   f"looks-{study_id}", f"Accuracy after each seed: {between}")  # fmt: skip
            st.caption(
                f"{literal(whose)}. In 95 of 100 studies, all of these intervals contain the true difference."
            )
    rows: list[dict[str, Any]] = []
    for row in result.rows:
        entry: dict[str, Any] = {"Seed": str(row.seed)}
        for index in range(len(names)):
            entry[_column(names, index, "best")] = times_100(row.accuracies[index])
            entry[_column(names, index, "balanced")] = times_100(row.balanced[index])
            entry[_column(names, index, "gap")] = times_100(row.gaps[index])
        rows.append(entry)
    mean: dict[str, Any] = {"Seed": "mean"}
    for index, condition in enumerate(result.conditions):
        mean[_column(names, index, "best")] = _mean(condition.accuracy)
        mean[_column(names, index, "balanced")] = _mean(condition.balanced)
        mean[_column(names, index, "gap")] = _mean(condition.gap)
    numbers = [
        _column(names, index, what) for index in range(len(names)) for what in ("best", "balanced", "gap")
    ]
    _table([*rows, mean], numbers, "Best validation accuracy and gap of each seed")
    uneven = any(condition.balanced is not None for condition in result.conditions)
    balanced = " with the balanced one of that epoch" if uneven else ""
    st.caption(f"Best validation accuracy{balanced} in percent, gap in points.")


def _render_ablation(study_id: str, spec: StudySpec, result: AblationResult) -> None:
    for mode in spec.modes:
        effects = result.of_mode(mode)
        if all(effect.accuracy is None for effect in effects):
            continue  # axes without a bar say nothing
        names = [effect.name for effect in effects]
        against = "against the full augmentation" if mode == WITHOUT else "against no augmentation"
        for column, measure, title in zip(
            st.columns(2, gap="medium"), ("accuracy", "gap"), ("Validation accuracy", "Gap at the end"), strict=True
        ):  # fmt: skip
            with column:
                _chart(
                    charts.effect_data(effects, measure), charts.effect_spec(f"{title}, {against}", names),
                    f"effect-{study_id}-{mode}-{measure}",
                    f"Change of {title.lower()} in points {against}, one bar per part",
                )  # fmt: skip
        rows = [
            {
                "Condition": effect.name,
                **_change("Accuracy", effect.accuracy),
                **_change("Balanced", effect.balanced),
                **_change("Gap", effect.gap),
            }
            for effect in effects
        ]
        numbers = [
            f"{name}{end}"
            for name in ("Accuracy", "Balanced", "Gap")
            for end in ("", " from", " to", " st. error")
        ]
        _table(rows, numbers, f"Changes in points {against}", "%+.1f")
    st.caption(
        "All values are in points. Paler bars may be chance: their interval spans zero, or there is only one seed."
    )


def _render_volume(study_id: str, result: VolumeResult) -> None:
    data, sizes = ladders.ladder_data(result), [level.size for level in result.levels]
    left, right = st.columns([3, 2], gap="medium")
    with left:
        _chart(data, ladders.ladder_spec(sizes), f"ladder-{study_id}",
               "Best validation accuracy against the number of training pictures, with the fitted line")  # fmt: skip
    with right:
        _chart(data, ladders.residual_spec(sizes), f"residual-{study_id}",
               "Accuracy minus the fitted line for each number of training pictures, in points")  # fmt: skip
    rows = [
        {
            "Pictures": f"{level.size:,}", "Best validation %": _mean(level.accuracy),
            "Balanced %": _mean(level.balanced),
            "Line %": times_100(level.fitted), "Difference": times_100(level.residual),
            "Standard error": times_100(level.error), "Gap": _mean(level.gap),
        }
        for level in result.levels
    ]  # fmt: skip
    _table(
        rows, [name for name in rows[0] if name != "Pictures"], "Accuracy, line and difference of each size"
    )


def _render_noise(study_id: str, result: NoiseResult) -> None:
    _chart(ladders.noise_data(result), ladders.noise_spec(), f"noise-{study_id}",
           "Validation and clean training accuracy against the share of wrong training labels")  # fmt: skip
    rows = [
        {
            "Wrong labels": f"{100 * level.fraction:g} %", "Best validation %": _mean(level.best_validation),
            "Balanced %": _mean(level.balanced),
            "Last validation %": _mean(level.last_validation), "Clean training %": _mean(level.clean_training),
            "Memorised, at least %": times_100(level.memorised),
        }
        for level in result.levels
    ]  # fmt: skip
    _table(
        rows,
        [name for name in rows[0] if name != "Wrong labels"],
        "Accuracies for each share of wrong labels",
    )


def _chart(data: pd.DataFrame, spec: dict[str, Any], key: str, alt: str) -> None:
    # With a selection and a key, a tick updates the chart instead of building a new one.
    st.vega_lite_chart(
        data, spec, key=key, on_select="rerun", selection_mode=[ZOOM], width="stretch", alt=alt
    )


def _table(rows: Sequence[dict[str, Any]], numbers: Sequence[str], alt: str, form: str = "%.1f") -> None:
    frame = pd.DataFrame(list(rows)).astype(dict.fromkeys(numbers, "float64"))
    # Empty columns, such as the standard errors with several seeds, are left out.
    frame = frame.drop(columns=[name for name in numbers if frame[name].isna().all()])
    config = {
        name: st.column_config.NumberColumn(format="%.1f" if name.endswith("error") else form)
        for name in numbers
        if name in frame.columns
    }
    st.dataframe(frame, hide_index=True, placeholder="–", column_config=config, alt=alt)


def _column(names: Sequence[str], index: int, what: str) -> str:
    return what.capitalize() if len(names) == 1 else f"{names[index]}: {what}"


def _change(name: str, change: Change | None) -> dict[str, Any]:
    values = (None,) * 4 if change is None else (change.mean, change.low, change.high, change.error)
    ends = ("", " from", " to", " st. error")
    return {f"{name}{end}": times_100(value) for end, value in zip(ends, values, strict=True)}


def _mean(interval: Interval | None) -> float | None:
    return None if interval is None else 100 * interval.mean
