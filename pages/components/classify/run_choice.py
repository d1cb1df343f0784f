"""Which runs are asked: the page's own, and up to three beside it. The address keeps them, and so does the visit."""

import streamlit as st

from core.formatting import percent
from core.inspection.looking import MOST_RUNS
from core.server.services import Services
from core.store.records import Run
from pages.components.kit import session
from pages.components.kit.address import is_linked
from pages.components.kit.run_words import why_no_weights
from pages.components.kit.text import literal
from pages.components.kit.widget_values import if_drawn, show_value

MOST_OTHERS = MOST_RUNS - 1
RUN, OTHERS, IN_ADDRESS = "classify-run", "classify-with", "with"
# What was chosen last, or asked for by a link: Streamlit forgets its fields with their page.
WANTED, WITH = "classify-wanted-run", "classify-wanted-with"


def choose_runs(services: Services) -> tuple[Run, ...]:
    """The page's own run first; none where no run has weights."""
    listed = services.store.list_runs(limit=500, alone_first=True)
    by_id = {run.id: run for run in listed if run.has_weights}
    _take_link()
    asked = session.widget_value(WANTED)
    if asked is not None and asked not in by_id:
        st.warning(literal(why_no_weights(services.store, asked)), icon=":material/link_off:")
    if not by_id:
        return ()

    def name_of(run_id: str) -> str:
        run = by_id[run_id]
        return f"{run.name} ({run.dataset}, {percent(run.best_val_accuracy)})"

    ids = list(by_id)
    left, right = st.columns(2, gap="medium")
    with left:
        show_value(RUN, asked if asked in by_id else ids[0])
        chosen = st.selectbox("Run", ids, format_func=name_of, key=RUN, on_change=_note, args=(RUN, WANTED))
    session.set_widget(WANTED, chosen)
    if st.query_params.get("run") != chosen:
        st.query_params["run"] = chosen
    wanted = session.widget_value(WITH) or []
    offered = [run_id for run_id in ids if run_id != chosen]
    kept = [run_id for run_id in wanted if run_id in offered]
    shown = list(dict.fromkeys(kept))[:MOST_OTHERS]
    session.set_widget(WITH, shown)
    show_value(OTHERS, shown)
    with right:
        others = st.multiselect(
            "Beside it", offered, format_func=name_of, key=OTHERS, max_selections=MOST_OTHERS,
            on_change=_note, args=(OTHERS, WITH), placeholder=f"Up to {MOST_OTHERS} other runs", disabled=not offered,
            help="They answer the same pictures, so that you see where runs disagree.",
        )  # fmt: skip
    _write_address(others)
    return by_id[chosen], *(by_id[run_id] for run_id in others)


def _take_link() -> None:
    """Remember what a link asks for; one without a run, as in the navigation, leaves what was chosen before."""
    if is_linked() and "run" in st.query_params:
        session.set_widget(WANTED, st.query_params["run"])
        session.set_widget(WITH, st.query_params.get(IN_ADDRESS, "").split(","))


@if_drawn
def _note(key: str, name: str) -> None:
    session.set_widget(name, session.widget_value(key))


def _write_address(others: list[str]) -> None:
    if others:
        if st.query_params.get(IN_ADDRESS) != ",".join(others):
            st.query_params[IN_ADDRESS] = ",".join(others)
    elif IN_ADDRESS in st.query_params:
        del st.query_params[IN_ADDRESS]
