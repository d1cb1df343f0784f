"""What Streamlit alone needs for a page change: ten pages that compute nothing, each with as much on it as ours.

    streamlit run tests/benchmarks/bare_app.py

Each has a title, a table of 20 rows, two charts of 20 points, six buttons and four fields to choose from.
"""

from collections.abc import Callable

import pandas as pd
import streamlit as st

PAGES = (
    "Runs", "Compare", "Home", "Design", "Studies", "Augment", "Notebook", "Classify", "Datasets", "System",
)  # fmt: skip
TABLE = pd.DataFrame({column: range(20) for column in "abcdefgh"})
CURVE = {
    "mark": {"type": "line", "point": True},
    "encoding": {"x": {"field": "a", "type": "quantitative"}, "y": {"field": "b", "type": "quantitative"}},
}


def page_of(name: str) -> Callable[[], None]:
    """What is drawn on the page with this name."""

    def draw() -> None:
        st.title(name, anchor=False)
        left, right = st.columns(2)
        for number in range(6):
            left.button(f"Button {number}", key=f"{name}-button-{number}")
        for number in range(4):
            right.selectbox(f"Field {number}", ["a", "b"], key=f"{name}-field-{number}")
        st.dataframe(TABLE)
        left.vega_lite_chart(TABLE, CURVE, key=f"{name}-left")
        right.vega_lite_chart(TABLE, CURVE, key=f"{name}-right")

    return draw


if __name__ == "__main__":
    st.set_page_config(page_title="Bare", layout="wide")
    st.navigation(
        [st.Page(page_of(name), title=name, url_path=name.lower(), default=name == "Home") for name in PAGES],
        position="top",
    ).run()
