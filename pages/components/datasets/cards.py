"""One card per data set: its state, its numbers, and the buttons that get or remove it."""

from typing import Literal

import streamlit as st

from core.datasets.storage import DatasetInfo, delete_dataset
from core.errors import UserError
from core.runs import control
from core.visitors.person import teacher_only
from pages.components.datasets.report import serious_of
from pages.components.kit import session, session_uploads
from pages.components.kit.destructive import destructive_button
from pages.components.kit.fetching import fetch_button
from pages.components.kit.text import error_text, literal

STATES: dict[str, tuple[str, str | None, Literal["green", "gray", "red"]]] = {
    "ready": ("Ready", ":material/check_circle:", "green"),
    "available": ("Not here yet", None, "gray"),
    "damaged": ("Damaged", ":material/broken_image:", "red"),
}


def render_card(info: DatasetInfo) -> None:
    """What the data set is, its numbers, and the button that gets or removes it."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{literal(info.title)}**", width="stretch")
        label, icon, color = STATES[info.state]
        serious = serious_of(session.services().workspace, info)
        if serious:
            label, icon, color = "Warning", ":material/warning:", "orange"
        st.badge(label, icon=icon, color=color)
    st.markdown(literal(info.description))
    if info.class_names:
        size = "×".join(map(str, info.image_shape[:2])) + (" grey" if info.image_shape[2] == 1 else "")
        st.caption(
            f"{info.num_classes} classes, {size}; {info.num_train:,} training, {info.num_validation:,} validation and "
            f"{info.num_test:,} test pictures"
        )
    if serious:
        more = f" And {len(serious) - 1} more: look inside." if len(serious) > 1 else ""
        st.markdown(f":small[:orange[{literal(serious[0] + more)}]]")
    if info.state != "available":
        with st.container(horizontal=True):
            if info.state == "ready":
                st.button(
                    "Look inside", key=f"inside-{info.id}", type="tertiary", icon=":material/search:",
                    on_click=session_uploads.look_inside, args=(info.id,),
                )  # fmt: skip
            why = teacher_only("delete a data set")
            if destructive_button(
                "Remove", f"remove-{info.id}", type="tertiary", disabled=why is not None, help=why
            ):
                _confirm_removal(info)
    else:
        fetch_button(info)


@st.dialog("Remove a data set")
def _confirm_removal(info: DatasetInfo) -> None:
    st.markdown(
        f"This deletes **{literal(info.title)}** from the workspace. Runs that were trained on it keep their curves "
        "and weights. To resume or fork one, add the same pictures again under this name."
    )
    if destructive_button("Remove", f"really-remove-{info.id}"):
        workspace = session.services().workspace
        try:
            control.check_dataset_unused(workspace, info.id)
            delete_dataset(workspace, info.id)
        except UserError as error:
            st.error(literal(error_text(error)))
            return
        session.flash(f"{literal(info.title)} was removed.")
        st.rerun()
