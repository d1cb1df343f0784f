"""How a visitor came to what a page shows: by a link, by Back, or from the page itself."""

from streamlit.runtime.scriptrunner import get_script_run_ctx

from pages.components.kit import session

_PAGE, _IS_ENTERED = "page-shown", "page-is-entered"


def enter_page(name: str) -> None:
    """Before a page is run: whether it is another one than before."""
    session.set_widget(_IS_ENTERED, session.widget_value(_PAGE) != name)
    session.set_widget(_PAGE, name)


def is_entered() -> bool:
    """Whether the page has just been opened, by whatever link; not when something was clicked on it.

    Only then does its address say something new: after a change that the page puts there, the browser's next request
    may still come with the address before.
    """
    return bool(session.widget_value(_IS_ENTERED))


def is_back() -> bool:
    """Whether the visitor went back or forward in the browser, to this page or within it.

    Streamlit knows it, so as not to add to the browser's history then, but does not offer it (1.67).
    """
    context = get_script_run_ctx()
    return context is not None and bool(getattr(context, "is_history_navigation", False))
