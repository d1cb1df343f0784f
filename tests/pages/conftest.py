"""What pages that AppTest runs do not get from app.py and its server."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future
from functools import cache, partialmethod
from typing import Any

import pytest
from streamlit.components.v2 import manifest_scanner
from streamlit.runtime.scriptrunner import ScriptRunner, script_runner

from core.errors import ConvDeckError
from pages.components.kit import cache as page_cache
from pages.components.kit.text import render_error

UseBoundary = Callable[[Callable[[Exception], bool]], None]


@pytest.fixture(autouse=True, scope="session")
def quick_scripts() -> Iterator[None]:
    """Two things that cost these tests two thirds of their time, and a server of ours next to nothing.

    After each script Streamlit clears Keras's session where Keras is loaded: by other tests here, never in the server.
    Each runtime reads the metadata of all installed packages once: a server is one, and so is every AppTest.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(script_runner, "_clean_problem_modules", lambda: None)
        found_once = cache(manifest_scanner.scan_component_manifests)
        patch.setattr(manifest_scanner, "scan_component_manifests", found_once)
        yield


@pytest.fixture
def use_boundary(monkeypatch: pytest.MonkeyPatch) -> UseBoundary:
    """Have AppTest hand what a script raises to the given function, as `st.App(on_script_error=…)` does."""

    def use(on_script_error: Callable[[Exception], bool]) -> None:
        original = partialmethod(ScriptRunner.__init__, on_script_error=on_script_error)
        monkeypatch.setattr(ScriptRunner, "__init__", original)

    return use


@pytest.fixture(autouse=True)
def boundary(use_boundary: UseBoundary) -> None:
    """What nobody raised on purpose stays an exception of the page, so that a test fails by it."""
    use_boundary(lambda error: isinstance(error, ConvDeckError) and render_error(error))


class Nobody:
    """Takes questions and never answers."""

    def submit(self, ask: Callable[[], Any]) -> "Future[Any]":
        return Future()


@pytest.fixture(autouse=True)
def engine_is_loading(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Most tests open Home on their way: nobody starts an engine for the sample picture there."""
    monkeypatch.setattr(page_cache, "_threads", Nobody)
    page_cache._asked.clear()
    yield
    page_cache._asked.clear()
