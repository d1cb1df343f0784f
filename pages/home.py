"""Home: start something in one click, see what runs and what came out last."""

import streamlit as st

from core.errors import UserError
from core.experiments import start_experiment
from core.presets import PRESETS, Preset
from core.runs.devices import list_devices
from core.runs.progress import run_fraction
from core.runs.records import Run
from core.runs.store import Store
from core.services import Services
from pages.components import run_words, session
from pages.components.drafts import quick_for_here
from pages.components.text import literal

STARTERS = ("article", "article-augmented", "tiny")
TICK_SECONDS = 1.0
SHOWN_UNDER_WAY = 5
LAST_RESULTS = 5
WHAT_RESULTS_SAY = (
    "How many of the validation pictures, which it never trained on, a run got right in its best epoch. The gap is how "
    "much better it does on the pictures it was trained on: the larger, the more it overfits."
)


def main() -> None:
    """The page."""
    st.title("See how a network learns", anchor=False)
    st.markdown(
        "Start one of these, watch it learn or overfit, then change one thing and start again. "
        "Training goes on in the background, whatever you do with this page."
    )
    services = session.services()
    with st.grid(3, min_column_width=280):
        for number, name in enumerate(STARTERS):
            with st.container(border=True, height="stretch"):
                _render_starter(services, PRESETS[name], is_first=number == 0)
    st.caption(_device_sentence())
    ticking = bool(services.store.active_runs() or services.store.waiting_runs())
    st.fragment(_render_runs, run_every=TICK_SECONDS if ticking else None)(services.store, ticking)


def _render_starter(services: Services, preset: Preset, *, is_first: bool) -> None:
    config = quick_for_here(services.workspace, preset.name)
    st.subheader(preset.title, anchor=False)
    st.markdown(literal(preset.commentary))
    pictures = f"{config.dataset.num_train:,}" if config.dataset.num_train else "all"
    data = "CIFAR-10" if config.dataset.id == "cifar10" else "Shapes"
    st.caption(f"{pictures} pictures of {data}, {config.training.epochs} epochs")
    with st.container(horizontal=True):
        kind = "primary" if is_first else "secondary"
        if st.button("Start", key=f"start-{preset.name}", type=kind, icon=":material/play_arrow:"):
            try:
                run = start_experiment(
                    services.workspace, config, None, preset.name, session.idempotency_token(config)
                )
            except UserError as error:
                st.error(literal(str(error)))
            else:
                session.use_token()
                session.set_chosen_runs((run.id,))
                st.switch_page("runs.py", query_params={"run": run.id})
        if st.button("Change first", key=f"open-{preset.name}", type="tertiary"):
            session.set_design_config(config, preset=preset.name)
            st.switch_page("design.py")


def _device_sentence() -> str:
    report = list_devices()
    gpus = [device for device in report.devices if device.kind == "gpu"]
    if gpus:
        return f"Training uses {', '.join(literal(gpu.name) for gpu in gpus)}."
    threads = report.devices[0].threads if report.devices else 1
    return (
        f"No GPU was found: training uses the CPU with {threads} threads, and the starters are cut to that."
    )


def _render_runs(store: Store, ticking: bool) -> None:
    active, waiting = store.active_runs(), store.waiting_runs()
    if ticking != bool(active or waiting):
        st.rerun()  # polling begins or ends with the whole page
    under_way = [*active, *waiting]
    if under_way:
        st.subheader("Under way", anchor=False)
        report = list_devices()
        for run in under_way[:SHOWN_UNDER_WAY]:
            if run.state.is_active:
                _render_active(run)
            else:
                _render_line(run, run_words.waiting_reason(run, waiting, active, report))
        if len(under_way) > SHOWN_UNDER_WAY:
            st.caption(f"And {len(under_way) - SHOWN_UNDER_WAY} more.")
    # No more of them than are under way can be anything but results.
    newest = store.list_runs(limit=len(under_way) + LAST_RESULTS)
    done = [run for run in newest if run.state.is_finished][:LAST_RESULTS]
    if done:
        st.subheader("Last results", anchor=False, help=WHAT_RESULTS_SAY)
        for run in done:
            _render_line(run, _result(run))


def _render_active(run: Run) -> None:
    best = f", best validation accuracy {run_words.percent(run.best_val_accuracy)}" if run.epoch else ""
    _render_line(run, run_words.active_note(run) + best)
    st.progress(run_fraction(run))


def _render_line(run: Run, text: str) -> None:
    """Its state, name and `text`, then where to go from there."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"{run_words.badge(run)} **{literal(run.name)}**: {literal(text)}", width="stretch")
        label = "Curves" if run.state.is_finished else "Watch"
        st.page_link("runs.py", label=label, icon=":material/monitoring:", query_params={"run": run.id})
        if run.state.is_finished and run.best_epoch is not None:
            st.page_link(
                "classify.py", label="Try it", icon=":material/image_search:", query_params={"run": run.id}
            )


def _result(run: Run) -> str:
    if run.error:
        return run.error
    if run.best_val_accuracy is None:
        return "no epoch finished"
    gap = "" if run.gap is None else f", gap {run_words.points(run.gap)}"
    return f"{run_words.percent(run.best_val_accuracy)} on {run.dataset}{gap}"


main()
