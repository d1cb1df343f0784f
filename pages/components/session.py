"""Every key of `st.session_state`, behind functions with names."""

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import streamlit as st

from core.config import AugmentationConfig, ExperimentConfig
from core.errors import ConfigError
from core.services import Services, get_services


def services() -> Services:
    """The collaborators of this process."""
    return get_services()


def chosen_runs() -> tuple[str, ...] | None:
    """The runs that this visitor looked at last; None on a first visit."""
    return st.session_state.get("chosen_runs")


def set_chosen_runs(ids: tuple[str, ...]) -> None:
    """Remember the runs that are looked at, for coming back to the page."""
    st.session_state["chosen_runs"] = ids


def run_table_key(ids: tuple[str, ...], chosen: tuple[str, ...]) -> str:
    """The widget key of the table with these rows and ticks.

    It stays while the visitor ticks. It is a new one when the rows changed, so that a late click on old rows cannot
    tick a wrong run, and when the choice came from elsewhere, so that the table shows it.
    """
    number, known_ids, known_chosen = st.session_state.get("run_table", (0, (), ()))
    if number == 0 or (known_ids, known_chosen) != (ids, chosen):
        number += 1
        st.session_state["run_table"] = (number, ids, chosen)
    return f"run-table-{number}"


def note_ticked_runs(chosen: tuple[str, ...]) -> None:
    """The table itself changed the choice: it stays the same table."""
    number, ids, _ = st.session_state["run_table"]
    st.session_state["run_table"] = (number, ids, chosen)


def flash(message: str) -> None:
    """Have a message shown once, after the next rerun."""
    st.session_state.setdefault("flashes", []).append(message)


def take_flashes() -> list[str]:
    """The messages to show now; they are given out once."""
    return st.session_state.pop("flashes", [])


def design_config() -> ExperimentConfig | None:
    """The config that this visitor is putting together; None before there is one."""
    return st.session_state.get("design_config")


def set_design_config(
    config: ExperimentConfig, preset: str | None = None, *, from_outside: bool = True
) -> None:
    """Replace the draft. `from_outside`: not by one of its own widgets, so these are made anew to show it."""
    st.session_state["design_config"] = config
    st.session_state["design_errors"] = {}
    if preset is not None:
        st.session_state["design_preset"] = preset
    if from_outside:
        st.session_state["design_generation"] = design_generation() + 1


def design_preset() -> str | None:
    """The preset that the draft began as."""
    return st.session_state.get("design_preset")


def design_generation() -> int:
    """Part of the key of each widget that edits the draft: a new number makes new widgets."""
    return st.session_state.get("design_generation", 0)


def design_error(path: str) -> str | None:
    """Why the last value typed at `path` was not taken."""
    return st.session_state.get("design_errors", {}).get(path)


def change_design(path: str, key: str, also: Callable[[Any], dict[str, Any]] | None = None) -> None:
    """A widget's callback: write its value into the draft at `path`, or keep the draft and remember why not.

    `also` gives further values that have to change with it.
    """
    value = st.session_state[key]
    errors = {
        place: text for place, text in st.session_state.get("design_errors", {}).items() if place != path
    }
    try:
        config = st.session_state["design_config"]
        values = {path: value, **(also(value) if also else {})}
        st.session_state["design_config"] = config.with_values(values)
        if len(values) > 1:
            st.session_state["design_generation"] = design_generation() + 1
    except ConfigError as error:
        errors[path] = error.message
    st.session_state["design_errors"] = errors


def idempotency_token(config: ExperimentConfig | None = None, name: str | None = None) -> str:
    """The same for the same config and name until `use_token`: a start that was cut short and is tried again starts
    one run, and a start of something else another. Without a config it is that of the draft.
    """
    secret = st.session_state.setdefault("start_secret", secrets.token_hex(16))
    config = config or design_config()
    started = f"{secret} {config.config_id if config else ''} {name or ''}"
    return hashlib.sha256(started.encode()).hexdigest()


def use_token() -> None:
    """The start went through: the same config and name again are another run."""
    st.session_state.pop("start_secret", None)


def text_of(key: str) -> str:
    """What stands in a text field."""
    return st.session_state.get(key, "")


def value_of(key: str) -> Any:
    """A widget's value, for callbacks."""
    return st.session_state.get(key)


def set_augmentation(augmentation: AugmentationConfig) -> None:
    """Replace the draft's augmentation as a whole."""
    config = design_config()
    if config is not None:
        set_design_config(replace(config, augmentation=augmentation))


def preview_seed() -> int:
    """The seed of the previews on Augment."""
    return st.session_state.get("preview_seed", 0)


def draw_again() -> None:
    """Other draws from now on."""
    st.session_state["preview_seed"] = preview_seed() + 1


def sample_seed() -> int:
    """Which sample pictures Classify shows; 0 for none yet."""
    return st.session_state.get("sample_seed", 0)


def draw_samples() -> None:
    """Other sample pictures from now on."""
    st.session_state["sample_seed"] = sample_seed() + 1
