"""A design as JSON and as a command line, and a field that loads a pasted config."""

import json
import shlex

import streamlit as st

from core.config import ExperimentConfig, differences
from core.design.presets import PRESETS
from core.errors import ConfigError
from pages.components.kit import session
from pages.components.kit.text import literal

MAX_PASTED = 1_000_000


def render_as_text(config: ExperimentConfig) -> None:
    """The command line, the JSON file, and a field that takes a pasted config."""
    st.caption("Start the same run from a terminal:")
    st.code(_command(config), language="bash", wrap_lines=True)
    st.download_button(
        "Download config.json", config.to_json(indent=2), "config.json", "application/json",
        icon=":material/download:", on_click="ignore",
    )  # fmt: skip
    pasted = st.text_area(
        "Paste a config",
        key="pasted-config",
        placeholder="{ … }",
        max_chars=MAX_PASTED,
        persist_state="session",
    )
    # Never disabled: the text is sent when the field is left, so the click that leaves it must count.
    if st.button("Load config"):
        try:
            session.set_design_config(ExperimentConfig.from_json(pasted))
        except ConfigError as error:
            st.error(literal(str(error)) if pasted.strip() else "Paste a config into the field first.")
        else:
            session.flash("The pasted config is loaded.")
            st.rerun()


def _command(config: ExperimentConfig) -> str:
    """The shortest command line that starts this config."""
    name = session.design_preset()
    if name is None or name not in PRESETS:
        return "python -m core train --config config.json"
    changes = differences(PRESETS[name].config, config, recording=True)
    shape = [(len(c.model.blocks), len(c.model.dense)) for c in (PRESETS[name].config, config)]
    if shape[0] != shape[1]:
        return "python -m core train --config config.json"
    assignments = [
        f"--set {shlex.quote(f'{path}={json.dumps(config.value(path))}')}" for path, _, _ in changes
    ]
    return " \\\n  ".join([f"python -m core train --preset {name}", *assignments])
