"""Buttons that make their file once they are clicked, and keep it until the browser has it."""

import threading
from collections.abc import Callable
from typing import Any

import streamlit as st
from streamlit import runtime
from streamlit.runtime.media_file_manager import MediaFileManager
from streamlit.runtime.scriptrunner import add_script_run_ctx, get_script_run_ctx
from streamlit.runtime.scriptrunner_utils.script_run_context import ScriptRunContext


def download_made(
    label: str, make: Callable[[], bytes | str], file_name: str, mime: str, *, key: str, **settings: Any
) -> None:
    """A download button for what `make` gives. A click draws nothing again.

    Streamlit 1.67 takes a file that it made for a click for one that no page needs: it is gone after the second time
    that any visitor's page, or a ticking part of it, has been drawn. With a dozen pages open, that was before the
    browser asked for one in seven. Here it belongs to the visitor's page until that is drawn again as a whole.
    """
    context = get_script_run_ctx(suppress_warning=True)
    files = runtime.get_instance().media_file_mgr if runtime.exists() else None

    def made() -> bytes:
        content = make()
        data = content.encode() if isinstance(content, str) else content
        if context is not None and files is not None:
            _keep(files, context, data, mime, f"download-{key}", file_name)
        return data

    st.download_button(label, made, file_name, mime, on_click="ignore", key=key, **settings)


def _keep(
    files: MediaFileManager, context: ScriptRunContext, data: bytes, mime: str, place: str, file_name: str
) -> None:
    """Make it the page's file at `place`, instead of the one that was there.

    The same bytes, kind and name are the same file as what Streamlit then makes of the click. Whose it is, it takes
    from the thread: the one that answers a click is no one's.
    """
    thread = threading.Thread(
        target=files.add, args=(data, mime, place, file_name), kwargs={"is_for_static_download": True}
    )  # fmt: skip
    add_script_run_ctx(thread, context)
    thread.start()
    thread.join()
