"""A page of its own with each hostile name in every kind of place that Streamlit has for text.

Started like `streamlit`: the script that it is told to run is replaced by this file.
"""

import sys
from pathlib import Path

import streamlit as st

sys.path.insert(0, str(Path(__file__).parents[2]))
from pages.components.kit.text import literal
from tests.hostile import NAMES


def draw() -> None:
    for number, name in enumerate(NAMES):
        shown = literal(name)
        with st.container(key=f"n{number}-markdown"):
            st.markdown(shown)
            st.markdown(f"**{shown}**: :small[{shown}] :red[“{shown}”]")
            st.caption(f"{shown}, {shown}.")
            st.subheader(shown, anchor=False)
            st.info(shown)
            st.metric(shown, 1)
            st.progress(0.5, f"{shown} 50 %")
            st.button(shown, key=f"button-{number}")
            st.popover(shown, key=f"popover-{number}")
            st.expander(shown, key=f"expander-{number}")
            st.checkbox(shown, key=f"checkbox-{number}")
            st.radio("one of", [number], format_func=lambda _, shown=shown: shown, key=f"radio-{number}")
            st.pills("some of", [number], format_func=lambda _, shown=shown: shown, key=f"pills-{number}")
            st.tabs([shown])
    with st.container(key="plain"):
        for number, name in enumerate(NAMES):
            st.selectbox("plain", [name], key=f"select-{number}")
            st.multiselect("plain", [name], [name], key=f"multi-{number}")
    st.caption("The end")


if __name__ == "__main__":
    if "run" in sys.argv:
        from streamlit.web.cli import main

        sys.argv[sys.argv.index("app.py")] = __file__
        main()
    else:
        draw()
