"""A file made by a click, in Streamlit's own store of files."""

import ast

import pytest
from streamlit.runtime.media_file_manager import MediaFileManager
from streamlit.testing.v1 import AppTest

from tests.modules import project_modules, walk


def page() -> None:
    from pages.components.kit.downloads import download_made

    download_made("Get", lambda: "é,1\n", "a.csv", "text/csv", key="get", disabled=False)


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> tuple[MediaFileManager, str]:
    """Where the files of the page are, and what a click in it asks for."""
    found = []
    add_deferred = MediaFileManager.add_deferred

    def add(self: MediaFileManager, *arguments: object, **settings: object) -> str:
        found.append((self, add_deferred(self, *arguments, **settings)))
        return found[-1][1]

    monkeypatch.setattr(MediaFileManager, "add_deferred", add)
    assert not AppTest.from_function(page).run().exception
    ((files, clicked),) = found
    return files, clicked


def file_at(files: MediaFileManager, address: str) -> object:
    return files.read_file(address.rpartition("/")[2].partition(".")[0])


def test_it_outlives_what_is_drawn_before_the_browser_asks_for_it(drawn) -> None:
    files, clicked = drawn
    address = files.execute_deferred(clicked)
    for _ in range(5):
        files.remove_orphaned_files()  # as at the end of each drawing, whoever's it is
    file = file_at(files, address)
    assert (file.content, file.mimetype, file.filename) == ("é,1\n".encode(), "text/csv", "a.csv")


def test_it_goes_with_the_page_and_a_second_click_makes_it_again(drawn) -> None:
    files, clicked = drawn
    address = files.execute_deferred(clicked)
    assert files.execute_deferred(clicked) == address
    files.clear_session_refs("test session id")
    for _ in range(2):
        files.remove_orphaned_files()
    assert file_at(files, address) is None


def test_every_button_of_a_page_that_makes_a_file_is_of_this_kind() -> None:
    made = {
        module.name: ast.unparse(node.func)
        for module in project_modules()
        for node, _ in walk(module.tree)
        if isinstance(node, ast.Call) and any(isinstance(each, ast.Lambda) for each in node.args)
        if ast.unparse(node.func).endswith(("download_button", "download_made"))
    }
    assert len(made) >= 8 and set(made.values()) == {"download_made"}, made
