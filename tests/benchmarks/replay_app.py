"""What Streamlit and the browser need for our pages alone: each sends the recorded elements and computes nothing.

    CONVDECK_RECORDING=FILE streamlit run tests/benchmarks/replay_app.py

`record` writes the file from a running server. What a page takes beyond its replay is ours to make faster.
"""

import asyncio
import os
import pickle
from collections.abc import Callable, Iterable
from pathlib import Path

import streamlit as st
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime.scriptrunner import get_script_run_ctx

from tests.benchmarks.visitors import Visitor

VARIABLE = "CONVDECK_RECORDING"
HOME = "Home"


def record(url: str, pages: Iterable[str], path: Path) -> None:
    """Open each page of the server at `url` and write what it draws to `path`; timers are left out."""
    path.write_bytes(pickle.dumps({page: asyncio.run(_elements(url, page)) for page in pages}))


async def _elements(url: str, page: str) -> list[bytes]:
    heard: list[bytes] = []
    visitor = Visitor(url, _path_of(page), hear=heard.append)
    await visitor.open()
    await visitor.close()
    messages = [ForwardMsg.FromString(message) for message in heard]
    return [_drawn(message) for message in messages if message.WhichOneof("type") == "delta"]


def _drawn(message: ForwardMsg) -> bytes:
    """The element and its place, without the fragment that would draw it again."""
    drawn = ForwardMsg()
    drawn.delta.CopyFrom(message.delta)
    drawn.delta.fragment_id = ""
    drawn.metadata.delta_path.extend(message.metadata.delta_path)
    return drawn.SerializeToString()


def _path_of(page: str) -> str:
    return "" if page == HOME else page.lower()


@st.cache_resource
def _recording() -> dict[str, list[bytes]]:
    recorded: dict[str, list[bytes]] = pickle.loads(Path(os.environ[VARIABLE]).read_bytes())
    return recorded


def _page_of(name: str) -> Callable[[], None]:
    def draw() -> None:
        context = get_script_run_ctx()
        assert context is not None, "Started by `streamlit run`."
        for message in _recording()[name]:
            context.enqueue(ForwardMsg.FromString(message))

    return draw


if __name__ == "__main__":
    st.set_page_config(page_title="Replay", layout="wide")
    st.navigation(
        [
            st.Page(_page_of(name), title=name, url_path=name.lower(), default=name == HOME)
            for name in _recording()
        ],
        position="top",
    ).run()
