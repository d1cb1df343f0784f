"""What a sweep would cost, why it cannot start, and the button that starts it."""

import hashlib

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.config.labels import label_of
from core.errors import UserError
from core.formatting import count_of, rough_duration
from core.server.services import Services
from core.sweeps.estimate import Pace, Seconds, SweepEstimate, estimate_sweep
from core.sweeps.spec import SweepSpec
from core.sweeps.start import start_sweep
from core.system.devices import list_devices
from core.visitors.person import teacher_only
from pages.components.design.preflight_card import render_preflight
from pages.components.kit.cache import VersionedCache
from pages.components.kit.numbers import render_problem
from pages.components.kit.redraw import render_folded
from pages.components.kit.starting import try_to_start
from pages.components.kit.text import error_text, literal
from pages.components.sweeps.address import open_sweep
from pages.components.sweeps.form_state import SweepForm
from pages.components.sweeps.plan import FIELDS, Plan
from pages.components.sweeps.settings import choices_in_words

MOST_FORMS = 64
_estimates: "VersionedCache[SweepEstimate]" = VersionedCache(MOST_FORMS)


def render_faults(plan: Plan, places: dict[str, DeltaGenerator]) -> None:
    """What is wrong or good to know, each below its field."""
    for key, sentence in plan.faults.items():
        with places[key] if key in places else st.container():
            render_problem(sentence)
    for key, sentence in plan.notes.items():
        places[key].caption(sentence)


def render_start(services: Services, form: SweepForm, plan: Plan) -> None:
    """The count and the price, live, and the button."""
    if plan.problem:
        st.error(literal(plan.problem), icon=":material/block:")
    if plan.spec is None:
        if plan.faults:
            names = ", ".join(FIELDS.get(key) or label_of(key) for key in plan.faults)
            st.markdown(f":small[:red[It cannot start yet. See the message at: {literal(names)}.]]")
        if not form.rows:
            st.caption("Choose at least one setting to search.")
        return
    spec = plan.spec
    try:
        estimate = _estimate(services, form, spec)
    except UserError as error:
        st.error(literal(error_text(error)), icon=":material/block:")
        return
    _render_price(estimate)
    if estimate.infeasible:
        render_folded(
            f"{_about(estimate)}{count_of(estimate.num_infeasible, 'trial')} cannot be trained",
            f"infeasible-{form.generation}", lambda: _render_infeasible(estimate), icon=":material/block:",
        )  # fmt: skip
    can_start = estimate.num_infeasible < estimate.num_trials
    why = teacher_only("start a sweep")
    if st.button(
        f"Start {count_of(estimate.num_trials, 'trial')}", key="start-sweep", type="primary",
        icon=":material/play_arrow:", disabled=not can_start or why is not None, help=why,
    ):  # fmt: skip
        _start(services, form, spec)
    if estimate.pace is None or estimate.pace.source == "a dry run":
        render_preflight(services, spec.base, can_start=can_start)


def _estimate(services: Services, form: SweepForm, spec: SweepSpec) -> SweepEstimate:
    """Worked out again when the form changes, a run was started, ended or deleted, or a dry run has measured."""
    measured = services.preflights.state(spec.base.config_id).result
    pace = None
    if measured is not None and measured.epoch_seconds is not None and measured.total_seconds is not None:
        start = max(0.0, measured.total_seconds - measured.epochs * measured.epoch_seconds)
        pace = Pace(spec.base, measured.epoch_seconds, start)
    devices = len(list_devices().devices)
    runs = [(run.id, run.state, run.epoch) for run in services.store.list_runs(200)]
    version = spec.to_json(), pace, devices, tuple(runs)
    return _estimates.get(
        (services.store, form.generation), version,
        lambda: estimate_sweep(services.workspace, services.store, spec, devices, pace),
    )  # fmt: skip


def _render_price(estimate: SweepEstimate) -> None:
    with st.grid(4, min_column_width=150):
        st.metric(
            "Runs to train", _figure(estimate.num_to_train, estimate),
            help=f"{count_of(estimate.num_trials, 'trial')}, {count_of(estimate.num_runs, 'run')} in all.",
        )  # fmt: skip
        st.metric(
            "Exist already", _figure(estimate.num_existing, estimate),
            help="Runs with exactly these settings are used, not trained again.",
        )  # fmt: skip
        st.metric(
            "Cannot be trained", _figure(estimate.num_infeasible, estimate),
            help="Values that do not go together, such as kernels larger than the picture. These trials fail.",
        )  # fmt: skip
        st.metric(
            "Time", "unknown" if estimate.seconds is None else _clock(estimate.seconds.expected),
            help="From earlier runs or a dry run of what the sweep starts from, by how much more or less each trial "
            "calculates.",
        )  # fmt: skip
    if estimate.seconds is not None:
        st.caption(_span(estimate.seconds, estimate.num_parallel))
    for note in estimate.notes:
        if "cannot be trained" not in note:  # these have a list of their own
            st.caption(f":material/info: {literal(note)}")


def _span(seconds: Seconds, at_once: int) -> str:
    where = "one run at a time" if at_once == 1 else f"{at_once} runs at a time"
    low, high = (rough_duration(each) for each in (seconds.low, seconds.high))
    if low == high:
        return f"{low.capitalize()}, {where}."
    return f"Between {low.removeprefix('about ')} and {high.removeprefix('about ')}, {where}."


def _clock(seconds: float) -> str:
    return rough_duration(seconds).replace("about ", "~ ").replace(" minutes", " min").replace(" hours", " h").replace(
        "less than a minute", "< 1 min"
    ).replace(" minute", " min").replace(" hour", " h")  # fmt: skip


def _figure(number: int, estimate: SweepEstimate) -> str:
    """A count; `~` where it is estimated and could be another one."""
    return f"{number:,}" if number in (0, estimate.num_runs) else f"{_about(estimate)}{number:,}"


def _about(estimate: SweepEstimate) -> str:
    return "" if estimate.is_exact else "~ "


def _render_infeasible(estimate: SweepEstimate) -> None:
    for each in estimate.infeasible:
        st.markdown(f"- {literal(choices_in_words(each.choices))}: {literal(each.reason)}")
    more = estimate.num_infeasible - len(estimate.infeasible)
    if more > 0:
        st.caption(f"And {_about(estimate)}{more:,} more.")


def _start(services: Services, form: SweepForm, spec: SweepSpec) -> None:
    # The same form gives the same sweep, however often it is clicked.
    asked = f"{form.generation} {form.name} {spec.to_json()}"
    token = hashlib.sha256(asked.encode()).hexdigest()
    sweep = try_to_start(lambda: start_sweep(services.workspace, spec, form.name or None, token))
    if sweep is not None:
        open_sweep(sweep.id)
        st.rerun()
