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
    ticking = bool(_under_way(services.store))
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


def _under_way(store: Store) -> list[Run]:
    """Those that train, then those that wait, each in their order."""
    return [*store.active_runs(), *store.waiting_runs()]


def _render_runs(store: Store, ticking: bool) -> None:
    under_way = _under_way(store)
    if ticking != bool(under_way):
        st.rerun()  # polling begins or ends with the whole page
    if under_way:
        st.subheader("Under way", anchor=False)
        for run in under_way[:SHOWN_UNDER_WAY]:
            _render_under_way(run)
        if len(under_way) > SHOWN_UNDER_WAY:
            st.caption(f"And {len(under_way) - SHOWN_UNDER_WAY} more in the queue.")
    # No more of them than are under way can be anything but results.
    newest = store.list_runs(limit=len(under_way) + LAST_RESULTS)
    done = [run for run in newest if run.state.is_finished][:LAST_RESULTS]
    if done:
        st.subheader("Last results", anchor=False)
        for run in done:
            _render_result(run)


def _render_under_way(run: Run) -> None:
    look = run_words.LOOKS[run.state]
    best = f", best validation accuracy {run_words.percent(run.best_val_accuracy)}" if run.epoch else ""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.badge(look.label, icon=look.icon, color=look.color)
        st.progress(run_fraction(run), f"{literal(run.name)}: epoch {run.epoch} of {run.total_epochs}{best}")
        st.page_link("runs.py", label="Watch", icon=":material/monitoring:", query_params={"run": run.id})


def _render_result(run: Run) -> None:
    look = run_words.LOOKS[run.state]
    with st.container(horizontal=True, vertical_alignment="center"):
        st.badge(look.label, icon=look.icon, color=look.color)
        gap = "" if run.gap is None else f", gap {run_words.points(run.gap)}"
        best = (
            "no epoch finished" if run.best_val_accuracy is None else run_words.percent(run.best_val_accuracy)
        )
        st.markdown(f"**{literal(run.name)}** on {literal(run.dataset)}: {best}{gap}", width="stretch")
        st.page_link("runs.py", label="Curves", icon=":material/monitoring:", query_params={"run": run.id})
        if run.best_epoch is not None:
            st.page_link(
                "classify.py", label="Try it", icon=":material/image_search:", query_params={"run": run.id}
            )


main()
