"""Where a draft comes from: the address, a preset, a former run. And where it is kept."""

from collections.abc import Sequence
from dataclasses import replace

import streamlit as st

from core.config import ExperimentConfig
from core.datasets.lookup import find_dataset, values_for
from core.design.drafts import load_draft, new_draft_id, save_draft
from core.design.presets import get_preset
from core.errors import ConfigError, UserError
from core.runs.start import preset_for_here
from core.server.services import Services
from core.workspace import Workspace
from pages.components.kit import session
from pages.components.kit.address import is_back, is_entered, is_linked
from pages.components.kit.session import DraftPlace
from pages.components.kit.text import error_text, literal

DEFAULT_PRESET = "article"
# The fields for what the draft's run is to be called, and for what is expected of it.
RUN_NAME, EXPECTATION = "run-name", "run-expectation"
LINKS = ("from", "preset")  # in this order: what begins a draft
ADDRESS = ("draft", *LINKS)


def ensure_draft(
    services: Services, keep: Sequence[str] = (), *, begins_again: bool = True, first: str = DEFAULT_PRESET
) -> ExperimentConfig:
    """The draft's config, at the beginning of a page that edits it.

    `?preset=NAME` or `?from=RUN` in the address begins a new draft, and so does a first visit. It stays there until
    the first change, so that Back leads to the page with the link. From then on it is `?draft=ID`, which brings the
    draft back. `?dataset=ID` changes the draft to that data set, `?weights=RUN` has it start from that run's weights.
    The link that this draft began with begins it once more where the page is entered by it; not without `begins_again`,
    for a page to which Design leads with that link to show the design as it is now. `first` is the preset of a first
    visit.
    """
    session.forget_standing_errors()
    _take_link(services, begins_again=begins_again)
    if session.draft() is None:
        load_preset(services, first)
        # Each page has a first preset of its own, so that of another page is in the address: a refresh keeps it.
        link = None if first == DEFAULT_PRESET else ("preset", first)
        session.set_draft_place(DraftPlace(kept=session.draft(), link=link))
    _take_dataset(services)
    _take_weights()
    _keep(services.workspace, keep)
    config = session.design_config()
    assert config is not None
    return config


def _take_link(services: Services, *, begins_again: bool) -> None:
    draft_id, place = st.query_params.get("draft"), session.draft_place()
    link = next(((name, st.query_params[name]) for name in LINKS if name in st.query_params), None)
    try:
        if link is not None:
            # The link that this draft began with brings nothing new, unless it was followed once more: the address
            # may be a step behind what was typed, and Back leads there.
            if link != place.link or (begins_again and is_entered() and not is_back()):
                _follow(services, *link)
                session.set_draft_place(DraftPlace(kept=session.draft(), link=link))
        # The session's own ids bring nothing new: the address may be a step behind what was typed.
        elif draft_id is not None and draft_id not in (place.own_id, place.source_id):
            found = load_draft(services.workspace, draft_id)
            session.set_draft(found)
            session.set_widget(RUN_NAME, found.name)
            session.set_widget(EXPECTATION, found.expectation)
            session.set_draft_place(DraftPlace(source_id=draft_id, kept=found))
    except UserError as error:
        st.warning(literal(error_text(error)), icon=":material/link_off:")


def _follow(services: Services, name: str, value: str) -> None:
    if name == "from":
        session.set_design_config(services.store.get_run(value).config)
    else:
        load_preset(services, get_preset(value).name)


def _take_dataset(services: Services) -> None:
    dataset_id, config = st.query_params.get("dataset"), session.design_config()
    if dataset_id is None or config is None:
        return
    try:
        info = find_dataset(services.workspace, dataset_id)
        session.alter_design(config.with_values(values_for(info, config.dataset.num_train)))
    except UserError as error:
        st.warning(literal(error_text(error)), icon=":material/link_off:")


def _take_weights() -> None:
    run_id, config = st.query_params.get("weights"), session.design_config()
    # The address may be a step behind, and what was chosen since must stay.
    if run_id is None or config is None or not is_linked():
        return
    try:
        session.alter_design(config.with_values({"model.start_from": run_id, "model.frozen_blocks": 0}))
    except ConfigError as error:
        st.warning(literal(error_text(error)), icon=":material/link_off:")


def _keep(workspace: Workspace, others: Sequence[str]) -> None:
    """Write the draft if it changed, into a file that this session alone writes, and put its id into the address."""
    draft, place = session.draft(), session.draft_place()
    if draft is not None and draft != place.kept:
        place = replace(place, own_id=place.own_id or new_draft_id(), kept=draft)
        try:
            save_draft(workspace, str(place.own_id), draft)
        except OSError as error:
            st.warning(f"A refresh of this page would lose the design: it cannot be kept ({error.strerror}).")
        session.set_draft_place(place)
    asked = st.query_params.to_dict()
    address = {**draft_address(), **{name: asked[name] for name in others if name in asked}}
    # Also takes out `dataset` and `weights`: what is edited from here on must not fall back at the next rerun.
    if asked != address:
        st.query_params.from_dict(address)


def draft_address() -> dict[str, str]:
    """What an address needs to bring the draft back: its id, or while it is unchanged the link that it began with."""
    place = session.draft_place()
    if shown := place.own_id or place.source_id:
        return {"draft": shown}
    return dict([place.link]) if place.link else {}


def load_preset(services: Services, name: str) -> None:
    """Begin a design with a preset, on the data set that is available."""
    session.set_design_config(preset_for_here(services.workspace, name), preset=name)
