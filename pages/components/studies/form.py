"""A new study: its kind, what it starts from, its settings, how many runs that makes and about how long they take."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import streamlit as st

from core.config import ExperimentConfig
from core.config.changes import describe_changes
from core.config.labels import label_at, label_of
from core.datasets.lookup import find_dataset
from core.design.presets import PRESETS
from core.errors import ConfigError, UserError
from core.formatting import rough_duration
from core.runs.pace import estimate_seconds
from core.runs.start import quick_for_here
from core.server.services import Services
from core.store.records import Run
from core.studies.plan import PlannedRun, active_knobs
from core.studies.spec import (
    ABLATION,
    DEFAULT_FRACTIONS,
    DEFAULT_MAX_SEEDS,
    NOISE,
    ONLY,
    SEEDS,
    SEEDS_AT_FIRST,
    SEEDS_OF,
    VOLUME,
    WITHOUT,
    StudySource,
    StudySpec,
    ladder,
)
from core.studies.start import (
    base_from_scratch,
    base_of_run,
    check_study,
    configs_to_train,
    make_spec,
    start_study,
)
from core.studies.until_decided import expected_seeds
from core.system.devices import list_devices
from core.visitors.person import teacher_only
from pages.components.kit import session
from pages.components.kit.numbers import optional_number
from pages.components.kit.setting_columns import sources_here
from pages.components.kit.starting import try_to_start
from pages.components.kit.text import literal
from pages.components.kit.widget_values import first_value, show_value
from pages.components.studies.words import KINDS

RUNS_OFFERED = 100
KIND, FIRST, SECOND, ABLATED = "study-kind", "study-first", "study-second", "study-ablated"
ALONE, SCRATCH, SMALLEST = "alone", "scratch", "Smallest difference that matters (points)"
FIELDS = {
    "num_seeds": "Seeds",
    "sizes": "Training set sizes",
    "fractions": "Wrong labels",
    "max_seeds": "Seeds at most",
    "smallest_difference": SMALLEST,
}
MODES = {WITHOUT: "Leave one out", ONLY: "One at a time"}


def take_link(services: Services) -> None:
    """Fill the form from `?kind=KIND&runs=A,B`, and take these out of the address.

    `&against=scratch` compares one run with the same from random weights.
    """
    kind, runs = st.query_params.get("kind"), st.query_params.get("runs")
    second = SCRATCH if st.query_params.get("against") == SCRATCH else ALONE
    if kind is None and runs is None:
        return
    st.query_params.clear()
    if kind in KINDS:
        session.set_widget(KIND, kind)
    asked = [part.strip() for part in (runs or "").split(",") if part.strip()][:2]
    known = {run.id: run for run in services.store.list_runs()}
    found = []
    for run_id in asked:
        if run_id not in known:
            st.warning(f"There is no run “{literal(run_id[:40])}” here.", icon=":material/link_off:")
        elif (problem := known[run_id].unreadable) is not None:
            st.warning(literal(problem), icon=":material/link_off:")
        else:
            found.append(run_id)
    first = ABLATED if kind == ABLATION else FIRST
    for key, run_id in zip((first, SECOND), found, strict=False):
        session.set_widget(key, _run_option(run_id))
    if len(found) == 1:
        session.set_widget(SECOND, second)


def render_form(services: Services) -> None:
    """The whole form, from the question to the button that starts the study."""
    asked = session.widget_value(KIND)
    show_value(KIND, asked if asked in KINDS else SEEDS)
    kind = st.segmented_control(
        "What do you want to know?", list(KINDS), required=True, key=KIND,
        format_func=lambda kind: f"{KINDS[kind].icon} {KINDS[kind].title}", persist_state="session",
    )  # fmt: skip
    kind = kind if kind in KINDS else SEEDS
    st.caption(KINDS[kind].question)
    runs = _readable(services.store.list_runs())
    left, right = st.columns(2, gap="medium")
    with left:
        if kind == ABLATION:
            augmented = [run for run in runs if run.config.augmentation.is_active]
            presets = [name for name, preset in PRESETS.items() if preset.config.augmentation.is_active]
            first = _choose_base(services, augmented, presets, "Run or preset", ABLATED)
        else:
            first = _choose_base(services, runs, list(PRESETS), "Run or preset", FIRST)
    with right:
        second = (
            _choose_base(services, runs, list(PRESETS), "Compare with", SECOND, beside=first)
            if kind == SEEDS and first is not None
            else None
        )
    if first is None:
        return
    try:
        spec = _read_knobs(services, kind, first, second)
        planned = check_study(services.workspace, spec)
    except UserError as error:
        st.error(literal(_in_words(error)))
        return
    _render_start(services, spec, planned)


def _choose_base(
    services: Services,
    runs: Sequence[Run],
    presets: Sequence[str],
    label: str,
    key: str,
    *,
    beside: StudySource | None = None,
) -> StudySource | None:
    """A run or a preset. `beside` another one also nothing, or that one from random weights, if it builds on a run."""
    by_option = {_run_option(run.id): run for run in runs}
    asked = session.widget_value(key)
    shown = [option for number, option in enumerate(by_option) if number < RUNS_OFFERED or option == asked]
    others = [] if beside is None else [ALONE]
    if beside is not None and beside.config.model.start_from is not None:
        others.append(SCRATCH)
    options = others + [f"preset:{name}" for name in presets] + shown
    if asked is not None and asked not in options:
        session.reset_widget(key)  # its run was deleted
    if options:
        first_value(key, options[0])

    def describe(option: str) -> str:
        if option == ALONE:
            return "nothing (see what chance alone does)"
        if option == SCRATCH:
            return "the same from random weights (was it worth it?)"
        kind, _, name = option.partition(":")
        if kind == "preset":
            return f"Preset: {PRESETS[name].label}"
        run = by_option[option]
        return f"Run: {run.name} ({run.id})"

    option = st.selectbox(label, options, key=key, format_func=describe, persist_state="session")
    if option is None or option == ALONE:
        return None
    if option == SCRATCH and beside is not None:
        return base_from_scratch(beside)
    if option in by_option:
        return base_of_run(services.store, by_option[option].id, {})
    name = option.partition(":")[2]
    return StudySource(name, quick_for_here(services.workspace, name), name)


def _read_knobs(services: Services, kind: str, first: StudySource, second: StudySource | None) -> StudySpec:
    """The fields of this kind, filled with the values of what it starts from. Raises UserError."""
    until_decided = second is not None and _ask_until_decided()
    *_, usual = SEEDS_AT_FIRST if until_decided else SEEDS_OF[kind]
    asked: dict[str, Any] = {}
    values: dict[str, Any] = {}
    # Each config has its own fields, filled with its own values.
    key = f"{kind}-{first.config.config_id[:12]}"
    available = find_dataset(services.workspace, first.config.dataset.id).num_train
    # No field has limits of its own: the browser would refuse a number with a red frame, and say nothing.
    with st.grid(4, min_column_width=170):
        asked["num_seeds"] = st.number_input(
            "Seeds at first" if until_decided else "Seeds", value=usual, step=1,
            key=f"study-seeds-{kind}" + ("-at-first" if until_decided else ""),
            help="How many times each config is trained, each time from other initial weights and with another order "
            "of pictures. One seed says nothing about chance.",
        )  # fmt: skip
        if until_decided:
            _read_until_decided(asked)
        _number(values, first.config, "training.epochs", key)
        if kind != VOLUME:
            _number(values, first.config, "dataset.num_train", key, available)
        if kind == VOLUME:
            text = st.text_input(
                "Training set sizes", ", ".join(str(size) for size in ladder(available)),
                key=f"study-sizes-{first.config.dataset.id}", max_chars=200,
                help=f"From 1 to {available:,}, separated by commas. Each set contains all smaller ones.",
            )  # fmt: skip
            asked["sizes"] = _parse(text, "The training set sizes", int)
        if kind == NOISE:
            text = st.text_input(
                "Wrong labels (%)", ", ".join(f"{100 * fraction:g}" for fraction in DEFAULT_FRACTIONS),
                key="study-fractions", max_chars=200, help="From 0 to 100, separated by commas.",
            )  # fmt: skip
            # 29 / 100 is 0.29, as it is typed elsewhere; 29 * 0.01 is not.
            asked["fractions"] = [value / 100 for value in _parse(text, "The percentages", float)]
    if kind == ABLATION:
        asked["modes"] = st.pills(
            "Parts of the augmentation", list(MODES), default=[WITHOUT], selection_mode="multi",
            format_func=MODES.__getitem__, key="study-modes",
        )  # fmt: skip
        if not asked["modes"]:
            raise UserError("Choose at least one of “Leave one out” and “One at a time”.")
        if knobs := active_knobs(first.config.augmentation):
            st.caption(f"Parts that are on: {', '.join(knobs)}.")
    if second is not None:
        second = replace(second, config=second.config.with_values(values))
    first = replace(first, config=first.config.with_values(values))
    if second is not None:
        sources = sources_here([first.config, second.config])
        changes = sources.words(describe_changes(first.config, second.config, 6))
        st.caption(
            literal(f"What differs: {changes}."), help=sources.ids_in_words and literal(sources.ids_in_words)
        )
    return make_spec(services.workspace, kind, first, second, asked)


def _ask_until_decided() -> bool:
    return st.toggle(
        "Add seeds until decided", key="study-until-decided", persist_state="session",
        help="Trains both with one more seed at a time until the difference is clear, instead of a fixed number. "
        "The intervals are wider, so that they hold however often you look.",
    )  # fmt: skip


def _read_until_decided(asked: dict[str, Any]) -> None:
    asked["until_decided"] = True
    asked["max_seeds"] = st.number_input(
        "Seeds at most", value=DEFAULT_MAX_SEEDS, step=1, key="study-max-seeds",
        help="It stops there, decided or not. You can allow more later.",
    )  # fmt: skip
    smallest = st.number_input(
        SMALLEST, value=0.0, step=0.5, key="study-smallest", format="%g",
        help="Also decided once the difference is surely smaller than this. 0: only a clear difference decides.",
    )  # fmt: skip
    if not 0 <= smallest <= 100:
        raise UserError(f"{SMALLEST}: must lie between 0 and 100, not {smallest:g}.")
    asked["smallest_difference"] = smallest / 100 if smallest else None


def _number(
    values: dict[str, Any], config: ExperimentConfig, path: str, key: str, available: int | None = None
) -> None:
    """A field for one value. Only a changed one gets into `values`, so that a second config keeps its own.

    `available` is how many there are where the field may be left empty, which means all of them.
    """
    limits, own, label = config.limits(path), config.value(path), label_at(path)
    key = f"study-{path}-{key}"
    if available is None:
        value = st.number_input(label.name, value=own, step=1, key=key, help=label.help)
    else:
        name, empty = f"{label.name} (of {available:,})", f"{label.empty} {available:,}"
        value = optional_number(name, limits, own, 1, key=key, empty=empty, help=label.help)
    if value != own:
        values[path] = value


def _render_start(services: Services, spec: StudySpec, planned: Sequence[PlannedRun]) -> None:
    reuse = st.toggle(
        "Reuse existing runs", True, key="study-reuse",
        help="Uses a run with exactly these settings, finished or under way, instead of training it again.",
    )  # fmt: skip
    if spec.seeds_note is not None:
        st.caption(spec.seeds_note)
    configs = configs_to_train(services.store, planned, reuse=reuse)
    report = list_devices()
    seconds = estimate_seconds(services.workspace, services.store, configs, len(report.devices))
    st.caption(_cost(len(planned), len(configs), seconds, len(report.devices)))
    if spec.max_seeds is not None:
        expected = expected_seeds(services.store, spec)
        known = "" if expected is None else f" {expected.sentence} {expected.basis}"
        st.caption(f"Up to {_runs(2 * spec.max_seeds)} if it takes all {spec.max_seeds} seeds.{known}")
    new, all_runs = len(configs), len(planned)
    label = f"Start {_runs(new)}" if new else f"Show {_runs(all_runs)}"
    why = teacher_only("start a study")
    if st.button(
        label,
        key="start-study",
        type="primary",
        icon=":material/science:",
        disabled=why is not None,
        help=why,
    ):
        token = session.idempotency_token(spec.bases[0].config, f"study {spec.to_json()} {reuse}")
        study = try_to_start(
            lambda: start_study(services.workspace, spec, token=token, reuse=reuse), _in_words
        )
        if study is not None:
            st.switch_page("studies.py", query_params={"study": study.id})


def _cost(planned: int, new: int, seconds: float | None, devices: int) -> str:
    known = planned - new
    there = f" {known} of {_runs(planned)} {'exists' if known == 1 else 'exist'} already." if known else ""
    if not new:
        return f"All {planned} runs are finished or under way, so nothing needs to be trained."
    where = "one at a time" if devices == 1 else f"on {devices} devices"
    if seconds is None:
        unknown = "Their duration is unknown until a run of this network has been trained here."
        return f"{_runs(new)} to train, {where}.{there} {unknown}"
    return f"{_runs(new)} to train, {where}: {rough_duration(seconds)}.{there}"


def _in_words(error: UserError) -> str:
    """The error, with the field called as in this form."""
    if isinstance(error, ConfigError) and error.field:
        return f"{FIELDS.get(error.field, label_of(error.field))}: {error.message}"
    return str(error)


def _parse(text: str, name: str, kind: type) -> list[Any]:
    values = []
    for part in (part.strip() for part in text.replace(";", ",").split(",")):
        try:
            values += [kind(part)] if part else []
        except ValueError:
            what = "whole numbers" if kind is int else "numbers"
            raise UserError(f"{name} must be {what} separated by commas; {part[:30]!r} is not one.") from None
    return values


def _readable(runs: Sequence[Run]) -> list[Run]:
    """Those whose settings this version can read."""
    found = []
    for run in runs:
        try:
            run.config  # noqa: B018
        except UserError:
            continue
        found.append(run)
    return found


def _run_option(run_id: str) -> str:
    return f"run:{run_id}"


def _runs(number: int) -> str:
    return f"{number} run" + ("" if number == 1 else "s")
