"""What a visit keeps of dialogs: which was opened, and which the page is to open when it is drawn next."""

import streamlit as st


def export_opened() -> None:
    """The visitor has opened the dialog that exports a model."""
    st.session_state["exports_opened"] = exports_opened() + 1


def exports_opened() -> int:
    """How often that was."""
    return int(st.session_state.get("exports_opened", 0))


def ask_for_import() -> None:
    """The visitor wants the dialog that imports a bundle; the page opens it when it is drawn next."""
    st.session_state["import_wanted"] = True


def take_import_request() -> bool:
    """Whether that was asked for, once."""
    return bool(st.session_state.pop("import_wanted", False))
