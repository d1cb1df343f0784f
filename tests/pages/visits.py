"""A visitor of the pages, without a browser."""

from streamlit.testing.v1 import AppTest

from core.config import ExperimentConfig
from core.workspace import PROJECT_ROOT

TEXTS = ("title", "subheader", "markdown", "caption", "error", "warning", "info")
FIELDS = ("number_input", "selectbox", "toggle", "pills", "slider")


def open_page(name: str, **query: str) -> AppTest:
    """A new session that opens a page through the shell, by a link with `query`."""
    page = AppTest.from_file(PROJECT_ROOT / "pages" / "shell.py", default_timeout=180).run()
    go_to(page, name, **query)
    return page


def go_to(page: AppTest, name: str, **query: str) -> AppTest:
    """Another page in the same session, as a link does it: with a query of its own."""
    page.query_params.clear()
    for key, value in query.items():
        page.query_params[key] = value
    page.switch_page(name).run()
    assert not page.exception
    return page


def words(page: AppTest) -> str:
    """Everything that can be read, without the backslashes and empty spans that keep it literal.

    The space that keeps a number with its unit is a plain one.
    """
    text = "\n".join(str(element.value) for kind in TEXTS for element in getattr(page, kind))
    return text.replace("\\", "").replace(":small[]", "").replace("\xa0", " ")


def address(page: AppTest, key: str) -> str:
    """What the address holds under `key`, whether a link or the page itself put it there."""
    value = page.query_params[key]
    return value if isinstance(value, str) else ",".join(value)


def unfold(page: AppTest, label: str | None = None) -> AppTest:
    """Open what is folded under this label, or all that is folded. AppTest has no click for it."""
    folded = [each.proto.id for each in page.expander if each.proto.id and label in (None, each.label)]
    assert folded
    for widget_id in folded:
        page.session_state[widget_id.split("-", 2)[2]] = True  # "$$ID-", a hash, "-", the key
    page.run()
    assert not page.exception
    return page


def draft(page: AppTest) -> ExperimentConfig:
    """The design that the session holds."""
    return page.session_state["draft"].config


def field(page: AppTest, path: str):
    """The widget that edits `path`."""
    for kind in FIELDS:
        for widget in getattr(page, kind, []):
            if (widget.key or "").startswith("design-") and widget.key.endswith(f"-{path}"):
                return widget
    raise AssertionError(f"No widget edits {path}.")


def change(page: AppTest, path: str, value: object) -> AppTest:
    """Set the widget that edits `path`."""
    field(page, path).set_value(value).run()
    assert not page.exception
    return page


def button(page: AppTest, label: str):
    """The button with this label, whatever its colour."""
    return next(each for each in page.button if each.label in (label, f":red[{label}]"))


def press(page: AppTest, label: str) -> AppTest:
    """Click the button with this label."""
    button(page, label).click().run()
    assert not page.exception
    return page
