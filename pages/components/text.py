"""Words that people typed, shown as they are."""

import re

_MARKDOWN = re.compile(r"([\\`*_{}\[\]()#+\-.!|$:~<>&])")


def literal(text: str) -> str:
    """Escape what Markdown and Streamlit's directives would take for their own."""
    return _MARKDOWN.sub(r"\\\1", text)
