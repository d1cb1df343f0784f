"""What a visitor reads when something goes wrong, wherever on a page it does."""

import subprocess
import sys

import pytest
from streamlit.testing.v1 import AppTest

from core.errors import ConvDeckError, EngineError, RunError
from core.workspace import PROJECT_ROOT
from pages.components.kit.text import UNEXPECTED, literal, render_error

SENTENCES = [
    (RunError("There is no run *x*."), r"There is no run \*x\*\."),
    (EngineError("The engine ended"), "The engine ended"),
    (ConvDeckError("$a$"), r"\$a\$"),
    (OSError(28, "No space left on device", "/secret/place"), UNEXPECTED),
    (ValueError("a traceback's business"), UNEXPECTED),
]


@pytest.fixture(autouse=True)
def boundary(use_boundary):
    use_boundary(render_error)


def on_the_page(error: Exception) -> None:
    import streamlit as st

    st.write("before")
    raise error


def in_a_fragment(error: Exception) -> None:
    import streamlit as st

    def draw() -> None:
        st.write("before")
        with st.container():
            raise error

    st.fragment(draw, run_every=1.0)()


def in_a_callback(error: Exception) -> None:
    import streamlit as st

    def act() -> None:
        raise error

    st.write("before")
    if st.button("Act", on_click=act):
        st.write("The click was taken.")


@pytest.mark.parametrize("script", [on_the_page, in_a_fragment, in_a_callback])
@pytest.mark.parametrize(("error", "sentence"), SENTENCES)
def test_it_is_one_sentence_where_it_happened(script, error, sentence, caplog):
    page = AppTest.from_function(script, args=(error,), default_timeout=180).run()
    for button in page.button:
        button.click().run()
    assert [shown.value for shown in page.error] == [sentence]
    assert not page.exception
    # A callback runs before anything of the page is drawn.
    drawn = [] if script is in_a_callback else ["before"]
    assert [text.value for text in page.markdown] == drawn


def test_the_app_has_this_boundary():
    # In a process of its own: app.py turns it into the server.
    looked_up = "import app; print(app.app._on_script_error.__qualname__)"
    ran = subprocess.run(
        [sys.executable, "-c", looked_up], cwd=PROJECT_ROOT, check=True, capture_output=True, text=True
    )
    assert ran.stdout.split()[-1] == render_error.__qualname__


# A pasted config and a sweep's file are edited by their keys; the studies' form calls fields by its own names first.
SAYS_IT_ITSELF = {"kit/text.py", "design/as_text.py", "studies/form.py", "sweeps/form_state.py"}


def test_every_page_names_a_setting_by_its_label_in_an_error() -> None:
    components = PROJECT_ROOT / "pages" / "components"
    paths = [*PROJECT_ROOT.glob("pages/*.py"), *components.rglob("*.py")]
    says = {path for path in paths if "str(error)" in path.read_text(encoding="utf-8")}
    assert says == {components / name for name in SAYS_IT_ITSELF}


@pytest.mark.parametrize(
    ("text", "markdown"),
    [
        ("article 1", "article 1"),
        ("12:30:05", r"12\:30\:05"),
        (":material/home:", r"\::small[]material/home\:"),
        ("http://x.y", r"http\::small[]//x\.y"),
        ("WWW.x", r"WWW:small[]\.x"),
        ("a@b.c", r"a@:small[]b\.c"),
        ("->", r"\-:small[]\>"),
        ("--set a", r"\-\-set a"),
        ("a\n===", "a\n\\=:small[]\\=:small[]\\="),
        ("abc\u202edef\u202c\u2066", "abcdef"),
    ],
)
def test_text_is_literal_where_a_backslash_is_not_enough(text: str, markdown: str) -> None:
    """That the browser shows each character as it is: `tests/browser/test_names.py`."""
    assert literal(text) == markdown
