"""Which run is inspected, on which part of its data set, and with the weights of which epoch."""

from collections.abc import Mapping

import streamlit as st

from core.epoch_weights import kept_epochs, kept_spacing
from core.errors import UserError
from core.formatting import percent
from core.inspection.answers import BEST, LAST, weights_of
from core.inspection.kept_epochs import thinned_in_words
from core.server.services import Services
from core.store.records import Run
from core.workspace import Workspace
from pages.components.inspect_run.address import View, field, show_run
from pages.components.inspect_run.evaluations import PARTS
from pages.components.kit import session
from pages.components.kit.run_words import why_no_weights
from pages.components.kit.text import error_text, literal

MOST_RUNS = 500


def runs_with_weights(services: Services, *wanted: str | None) -> dict[str, Run]:
    """By their ids, the newest first; the `wanted` ones also where there are very many."""
    listed = services.store.list_runs(limit=MOST_RUNS, alone_first=True)
    missing = [run_id for run_id in wanted if run_id and run_id not in {run.id for run in listed}]
    return {
        run.id: run
        for run in [*listed, *services.store.get_runs(missing)]
        if run.has_weights
    }  # fmt: skip


def choose_run(services: Services, runs: Mapping[str, Run], view: View) -> Run:
    """The run of the address, or the one that was looked at on Runs, or the first one; and the field for another."""
    looked_at = session.chosen_runs() or ()
    chosen = next(run_id for run_id in (view.run, *looked_at, *runs) if run_id in runs)
    if view.run is not None and view.run != chosen:
        st.warning(literal(why_no_weights(services.store, view.run)), icon=":material/link_off:")
    if view.run != chosen:
        show_run(chosen)
    st.selectbox(
        "Run",
        list(runs),
        format_func=lambda run_id: in_words(runs[run_id]),
        width=420,
        **field("run", chosen),
    )
    return runs[chosen]


def choose_part_and_weights(workspace: Workspace, run: Run, view: View) -> str:
    """The fields for both. Returns `best`, `last` or the number of a kept epoch."""
    st.segmented_control(
        "Pictures of", list(PARTS), required=True, format_func=PARTS.__getitem__,
        help="**Test** pictures had no part in training or in choosing an epoch. **Validation** pictures chose the "
        "best epoch.", **field("split", view.split),
    )  # fmt: skip
    kept = _weights(workspace, run)
    try:
        which = weights_of(workspace, run, view.epoch).which
    except UserError as error:
        st.warning(literal(error_text(error)), icon=":material/link_off:")
        which = next(iter(kept), BEST)
    if kept.get(LAST) == kept.get(BEST):  # the same weights, twice on the disk
        kept.pop(LAST, None)
        which = BEST if which == LAST else which
    _render_weights(workspace, run, kept, which)
    return which


def _render_weights(workspace: Workspace, run: Run, saved: Mapping[str, int], which: str) -> None:
    """A field for the weights: two buttons, or a list where those of other epochs were kept."""
    titles = {
        each: f"{'Best' if each == BEST else 'Last'} epoch ({epoch:,})" for each, epoch in saved.items()
    }
    folder = workspace.run_folder(run.id)
    others = [epoch for epoch in kept_epochs(folder) if epoch not in saved.values()]
    help_ = "The best epoch is the one with the highest validation accuracy."
    if others:
        if (every := kept_spacing(folder)) > 1:
            help_ += f" {thinned_in_words(every)}"
        titles |= {str(epoch): f"Epoch {epoch:,}" for epoch in others}
        st.selectbox(
            "Weights of", list(titles), format_func=titles.__getitem__, width=180, help=help_,
            **field("epoch", which),
        )  # fmt: skip
    elif len(saved) > 1:
        st.segmented_control(
            "Weights of", list(titles), required=True, format_func=titles.__getitem__, help=help_,
            **field("epoch", which),
        )  # fmt: skip


def in_words(run: Run) -> str:
    """`tiny 1 (shapes, 62.4 %)`"""
    return f"{run.name} ({run.dataset}, {percent(run.best_val_accuracy)})"


def _weights(workspace: Workspace, run: Run) -> dict[str, int]:
    kept = {}
    for which in (BEST, LAST):
        try:
            kept[which] = weights_of(workspace, run, which).epoch
        except UserError:
            continue
    return kept
