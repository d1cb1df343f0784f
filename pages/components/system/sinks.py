"""How the sinks are doing that copy runs and sweeps into other programs: one line each, with cause and next step."""

from collections.abc import Mapping
from typing import Any

import streamlit as st

from core.doctor import sink_words
from core.formatting import as_sentence
from core.sink_settings import TITLES
from pages.components.kit.text import literal


def render_sinks(report: Mapping[str, Any]) -> None:
    """Those of `report`, which is what `core.doctor.examine` found. Nothing where none is on."""
    if not report["sinks"]:
        return
    st.subheader(
        "Sinks",
        anchor=False,
        help="Other programs that get a copy of every epoch. One that fails never holds up a training; what it missed "
        "is sent later.",
    )
    for sink in report["sinks"]:
        is_failing = sink["failing_since"] is not None
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            if is_failing:
                st.badge("Failing", icon=":material/error:", color="red", width="content")
            elif sink["sent_at"] is None:
                st.badge("On", icon=":material/schedule:", color="gray", width="content")
            else:
                st.badge("Up to date", icon=":material/check:", color="green", width="content")
            st.markdown(f"**{TITLES[sink['kind']]}** {literal(sink['target'])}", width="content")
        st.caption(literal(as_sentence(sink_words(sink))))
