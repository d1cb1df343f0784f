"""What a new sweep starts from: the current design, a preset, a run, or the config of a file."""

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from core.config import ExperimentConfig, differences
from core.config.labels import label_at
from core.datasets.lookup import find_dataset, values_for
from core.design.presets import PRESETS, get_preset
from core.errors import ConfigError, DatasetError, UserError
from core.runs.start import preset_for_here
from core.server.services import Services
from core.store.records import Run
from core.sweeps.spec import SOURCES
from core.sweeps.start import find_source, parse_sweep
from pages.components.kit import session
from pages.components.kit.numbers import optional_number
from pages.components.kit.text import error_text, literal
from pages.components.kit.widget_values import first_value
from pages.components.sweeps.form_state import (
    DESIGN,
    FILE,
    FROM_TERMINAL,
    NO_FIELD,
    SweepForm,
    from_file,
    to_file,
)

FORM = "sweep-form"
RUNS_OFFERED = 100
DEFAULT_PRESET = "article"  # as on Design


def current_form() -> SweepForm:
    """The form of this visitor, which lasts as long as the visit."""
    form = session.widget_value(FORM)
    if not isinstance(form, SweepForm):
        form = SweepForm()
        session.set_widget(FORM, form)
    return form


def replace_form(form: SweepForm) -> None:
    """Go on with another form, whose fields are drawn again."""
    session.set_widget(FORM, form)


def render_base(services: Services, form: SweepForm) -> tuple[dict[str, Any], ExperimentConfig] | None:
    """What the trials start from, and two of its settings that decide what a sweep costs.

    Returns it as it stands in a sweep's file, and as a config; None where it cannot be used, with the reason.
    """
    runs = {f"run:{run.id}": run for run in _readable(services.store.list_runs())}
    options = _base_options(form, list(runs))
    key = f"sweep-base-{form.generation}"
    first_value(key, form.base)
    with st.grid(3, min_column_width=220):
        form.base = st.selectbox(
            "Start from", options, key=key, format_func=lambda option: _base_name(option, runs),
            help="Every trial is this design with other values of the settings below.",
        )  # fmt: skip
        try:
            entry = base_entry(services, form)
            config = find_source(services.workspace, services.store, entry).config
        except UserError as error:
            st.error(literal(error_text(error)), icon=":material/block:")
            return None
        _set_field(form, config, "training.epochs", None)
        _set_field(form, config, "dataset.num_train", _num_train(services, form, config))
    return entry, config


def read_file(services: Services, values: object) -> SweepForm:
    """The form that holds exactly what a sweep's file asks. Raises UserError where it is wrong or no form holds it."""
    workspace, store = services.workspace, services.store
    spec = parse_sweep(workspace, store, values)
    assert isinstance(values, Mapping)
    form = from_file(values, spec)
    kind = next(key for key in SOURCES if values.get(key) is not None)
    form.base, form.source = FILE, {kind: values[kind]}
    if kind == "run":
        form.base, form.source = f"run:{values[kind]}", None
    elif kind == "preset" and preset_for_here(workspace, values[kind]) == PRESETS[values[kind]].config:
        form.base, form.source = f"preset:{values[kind]}", None
    entry = base_entry(services, form)
    config = find_source(workspace, store, entry).config
    if values.get("dataset") is not None:
        info = find_dataset(workspace, str(values["dataset"]))
        form.sets = {**values_for(info, config.dataset.num_train), **form.sets}
    held = parse_sweep(workspace, store, to_file(form, entry, config)[0]).to_dict()
    lost = [key for key, value in spec.to_dict().items() if held[key] != value]
    if lost:
        raise ConfigError(lost[0], f"{NO_FIELD} {FROM_TERMINAL}")
    return form


def base_entry(services: Services, form: SweepForm) -> dict[str, Any]:
    """What the trials start from, as it stands in a sweep's file: short where a preset has most of it."""
    kind, _, name = form.base.partition(":")
    if kind == "run":
        return {"run": name}
    if kind == FILE and form.source is not None:
        return form.source
    draft = session.draft()
    if kind == "preset":
        config, preset = preset_for_here(services.workspace, get_preset(name).name), name
    elif draft is not None:
        config, preset = draft.config, draft.preset
    else:
        config, preset = preset_for_here(services.workspace, DEFAULT_PRESET), DEFAULT_PRESET
    known = PRESETS.get(preset or "")
    if known is None or _shape(known.config) != _shape(config):
        return {"config": config.to_dict()}
    changes = {path: value for path, _, value in differences(known.config, config)}
    return {"preset": known.name, **({"set": changes} if changes else {})}


def _shape(config: ExperimentConfig) -> tuple[int, int]:
    return len(config.model.blocks), len(config.model.dense)


def _num_train(services: Services, form: SweepForm, config: ExperimentConfig) -> int | None:
    try:
        return find_dataset(services.workspace, form.sets.get("dataset.id", config.dataset.id)).num_train
    except DatasetError:
        return None


def _base_options(form: SweepForm, runs: Sequence[str]) -> list[str]:
    shown = [option for number, option in enumerate(runs) if number < RUNS_OFFERED or option == form.base]
    own = [FILE] if form.source is not None else []
    options = [*own, DESIGN, *(f"preset:{name}" for name in PRESETS), *shown]
    # One that is gone is shown with the reason: another design would be searched in its place.
    return options if form.base in options else [form.base, *options]


def _base_name(option: str, runs: Mapping[str, Run]) -> str:
    kind, _, name = option.partition(":")
    if kind == "preset":
        return f"Preset: {PRESETS[name].label if name in PRESETS else name}"
    if kind == "run":
        run = runs.get(option)
        return f"Run: {run.name} ({run.id})" if run else f"Run {name}"
    return "The sweep's own design" if kind == FILE else "The current design"


def _set_field(form: SweepForm, config: ExperimentConfig, path: str, available: int | None) -> None:
    """A field for a setting of all trials, which stands in `set` while it differs from the base's."""
    if path in form.paths:
        return
    limits, own, label = config.limits(path), config.value(path), label_at(path)
    # Another base has another value to begin with.
    key = f"sweep-set-{form.generation}-{path}-{own}"
    name = label.name if available is None else f"{label.name} (of {available:,})"
    value = optional_number(
        name, limits, form.sets.get(path, own), 1, key=key, empty=label.empty, help=label.help
    )
    if value == own or (value is None and label.empty == "–"):
        form.sets.pop(path, None)
    else:
        form.sets[path] = value


def _readable(runs: Sequence[Run]) -> list[Run]:
    return [run for run in runs if run.readable_config is not None]
