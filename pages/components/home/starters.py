"""Presets that start in one click, cut to what this machine shows within a minute or two."""

import streamlit as st

from core.design.presets import PRESETS, Preset
from core.runs.start import has_cifar10, quick_for_here
from core.server.services import Services
from core.store.records import RunRequest
from core.system.devices import list_devices
from pages.components.kit import session
from pages.components.kit.starting import open_runs, start_run
from pages.components.kit.text import literal

STARTERS = ("article", "article-augmented", "tiny")


def render_starters(services: Services) -> None:
    """A card each."""
    with st.grid(3, min_column_width=280):
        for name in STARTERS:
            with st.container(border=True, height="stretch"):
                _render_starter(services, PRESETS[name])


def _render_starter(services: Services, preset: Preset) -> None:
    config = quick_for_here(services.workspace, preset.name)
    st.markdown(f"**{literal(preset.label)}**")
    st.markdown(literal(preset.commentary))
    pictures = f"{config.dataset.num_train:,}" if config.dataset.num_train else "all"
    data = "CIFAR-10" if config.dataset.id == "cifar10" else "Shapes"
    st.caption(f"{pictures} pictures of {data}, {config.training.epochs} epochs")
    with st.container(horizontal=True):
        if st.button("Start", key=f"start-{preset.name}", icon=":material/play_arrow:"):
            run = start_run(services, RunRequest(config, preset=preset.name))
            if run is not None:
                open_runs(run)
        if st.button("Change first", key=f"open-{preset.name}", type="tertiary"):
            session.set_design_config(config, preset=preset.name)
            st.switch_page("design.py")


def fallback_sentence(services: Services) -> str:
    """What training uses on this machine, and what is missing, in one sentence."""
    report = list_devices()
    gpus = [device for device in report.devices if device.kind == "gpu"]
    threads = report.devices[0].threads if report.devices else 1
    cpu = f"the CPU with {threads} thread{'' if threads == 1 else 's'}"
    place = ", ".join(literal(gpu.name) for gpu in gpus) or cpu
    shapes = "Shapes, simple pictures that this machine draws itself"
    if has_cifar10(services.workspace):
        return f"Training uses {place}." if gpus else f"There is no GPU here, so training uses {cpu}."
    if gpus:
        return f"Training uses {place}; CIFAR-10 is not downloaded yet, so networks are shown {shapes}."
    return f"There is no GPU and no CIFAR-10 here, so training uses {cpu} and {shapes}."
