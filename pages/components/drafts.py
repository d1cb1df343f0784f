"""Where a draft comes from: the address, a preset, a former run."""

import streamlit as st

from core.config import ExperimentConfig
from core.datasets.storage import is_ready
from core.errors import UserError
from core.presets import PRESETS, get_preset, quick_start
from core.runs.devices import list_devices
from core.services import Services
from core.workspace import Workspace
from pages.components import session
from pages.components.text import literal

DEFAULT_PRESET = "article"


def ensure_draft(services: Services) -> ExperimentConfig:
    """The draft. `?preset=NAME` or `?from=RUN` in the address begins a new one; so does a first visit."""
    asked, source = st.query_params.get("preset"), st.query_params.get("from")
    if asked is not None or source is not None:
        try:
            if source is not None:
                session.set_design_config(services.store.get_run(source).config, preset="")
            else:
                load_preset(services, get_preset(asked or "").name)
        except UserError as error:
            st.warning(literal(str(error)), icon=":material/link_off:")
        # Taken once: what is edited from here on must not fall back at the next rerun.
        st.query_params.clear()
    config = session.design_config()
    if config is None:
        load_preset(services, DEFAULT_PRESET)
        config = session.design_config()
        assert config is not None
    return config


def load_preset(services: Services, name: str) -> None:
    """Make a preset the draft, on the data set that is at hand."""
    session.set_design_config(preset_for_here(services.workspace, name), preset=name)


def preset_for_here(workspace: Workspace, name: str) -> ExperimentConfig:
    """The preset on CIFAR-10 where it is at hand, otherwise cut to fit Shapes."""
    if is_ready(workspace, "cifar10"):
        return PRESETS[name].config
    return quick_start(name, has_cifar10=False, has_gpu=False)


def quick_for_here(workspace: Workspace, name: str) -> ExperimentConfig:
    """The preset cut to what this machine shows within a minute or two."""
    has_gpu = any(device.kind == "gpu" for device in list_devices().devices)
    return quick_start(name, has_cifar10=is_ready(workspace, "cifar10"), has_gpu=has_gpu)
