"""A sweep as a file: to copy for the command line, and a pasted or uploaded one into the form."""

import json
from typing import Any

import streamlit as st

from core.config import parse_json
from core.errors import ConfigError, UserError
from core.formatting import file_stem
from core.server.services import Services
from pages.components.kit import session
from pages.components.kit.text import error_text, literal
from pages.components.sweeps.base import read_file, replace_form

MOST_CHARACTERS = 200_000
PASTED, UPLOADED = "pasted-sweep", "uploaded-sweep"


def render_as_file(services: Services, values: dict[str, Any]) -> None:
    """The file of what the form asks for, its command, and a field for another one."""
    text = json.dumps(values, indent=2, ensure_ascii=False)
    st.caption("The same sweep from a terminal:")
    file = f"{file_stem(str(values.get('name') or ''), 'sweep')}.json"
    st.code(f"python -m core sweep {file} --wait", language="bash")
    st.code(text, language="json", height=320)
    st.download_button(
        f"Download {file}", text, file, "application/json", icon=":material/download:", on_click="ignore"
    )
    left, right = st.columns(2, gap="medium")
    with left:
        pasted = st.text_area(
            "Paste a sweep file", key=PASTED, placeholder="{ … }", max_chars=MOST_CHARACTERS,
            persist_state="session",
        )  # fmt: skip
        # Never disabled: the text is sent when the field is left, so the click that leaves it must count.
        if st.button("Load the pasted file"):
            if pasted.strip():
                _load(services, pasted)
            else:
                st.error("Paste a sweep file into the field first.")
    with right:
        uploaded = st.file_uploader("Or choose a file", type="json", key=UPLOADED, max_upload_size=1)
        if uploaded is not None and st.button("Load the chosen file"):
            _load_bytes(services, uploaded.getvalue())


def _load_bytes(services: Services, data: bytes) -> None:
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        st.error("This file is not text, so it cannot be a sweep file.", icon=":material/block:")
        return
    _load(services, text)


def _load(services: Services, text: str) -> None:
    """Fill the form, or say why not."""
    try:
        form = read_file(services, parse_json(text, "sweep"))
    except UserError as error:
        st.error(literal(_in_words(error)), icon=":material/block:")
        return
    replace_form(form)
    session.flash("The sweep file is loaded.")
    st.rerun()


def _in_words(error: UserError) -> str:
    """The error with the file's own path, which is what stands in the text."""
    if isinstance(error, ConfigError) and error.field:
        return f"{error.field}: {error.message}"
    return error_text(error)
