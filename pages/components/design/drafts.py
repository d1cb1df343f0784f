"""Where a draft comes from: the address, a preset, a former run. And where it is kept."""

from collections.abc import Sequence
from dataclasses import replace

import streamlit as st

from core.config import ExperimentConfig
from core.datasets.lookup import find_dataset, values_for
from core.design.drafts import load_draft, new_draft_id, save_draft
from core.design.presets import get_preset
from core.errors import UserError
from core.runs.start import preset_for_here
from core.server.services import Services
from core.workspace import Workspace
from pages.components.kit import session
from pages.components.kit.session import DraftPlace
from pages.components.kit.text import error_text, literal

DEFAULT_PRESET = "article"


def ensure_draft(services: Services, keep: Sequence[str] = ()) -> ExperimentConfig:
    """The draft's config, at the beginning of a page that edits it.

    `?preset=NAME` or `?from=RUN` in the address begins a new draft, and so does a first visit. `?draft=ID` brings
    one back, and stands in the address from the first change on. `?dataset=ID` changes the draft to that data set.
    """
    session.forget_standing_errors()
    _take_link(services)
    if session.draft() is None:
        load_preset(services, DEFAULT_PRESET)
        session.set_draft_place(DraftPlace(kept=session.draft()))
    _take_dataset(services)
    _keep(services.workspace, keep)
    config = session.design_config()
    assert config is not None
    return config


def _take_link(services: Services) -> None:
    preset, run_id, draft_id = (st.query_params.get(name) for name in ("preset", "from", "draft"))
    place = session.draft_place()
    try:
        if run_id is not None:
            session.set_design_config(services.store.get_run(run_id).config)
            session.set_draft_place(DraftPlace())
        elif preset is not None:
            load_preset(services, get_preset(preset).name)
            session.set_draft_place(DraftPlace())
        # The session's own ids bring nothing new: the address may be a step behind what was typed.
        elif draft_id is not None and draft_id not in (place.own_id, place.source_id):
            found = load_draft(services.workspace, draft_id)
            session.set_draft(found)
            session.set_draft_place(DraftPlace(source_id=draft_id, kept=found))
    except UserError as error:
        st.warning(literal(error_text(error)), icon=":material/link_off:")


def _take_dataset(services: Services) -> None:
    dataset_id, config = st.query_params.get("dataset"), session.design_config()
    if dataset_id is None or config is None:
        return
    try:
        info = find_dataset(services.workspace, dataset_id)
        session.alter_design(config.with_values(values_for(info, config.dataset.num_train)))
    except UserError as error:
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
    shown = place.own_id or place.source_id
    asked = st.query_params.to_dict()
    address = {
        **({"draft": shown} if shown else {}),
        **{name: asked[name] for name in others if name in asked},
    }
    # Also takes out `preset`, `from` and `dataset`: what is edited from here on must not fall back at the next rerun.
    if asked != address:
        st.query_params.from_dict(address)


def load_preset(services: Services, name: str) -> None:
    """Begin a design with a preset, on the data set that is available."""
    session.set_design_config(preset_for_here(services.workspace, name), preset=name)
