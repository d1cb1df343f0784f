"""How confusions came and went: the matrix of the validation pictures after each epoch, as training measured it."""

import streamlit as st

from core.inspection.measures import largest_confusions
from core.runs.breakdown import why_no_confusions
from core.server.services import Services
from core.store.breakdowns import Confusions
from core.store.records import Run
from pages.components.charts.confusion import confusion_figure
from pages.components.charts.plotly_marks import CONFIG
from pages.components.inspect_run.confusion import choose_classes
from pages.components.kit import browser
from pages.components.kit.redraw import draw_alone, render_folded
from pages.components.kit.text import literal

MOST_CONFUSIONS = 8


def render_over_epochs(services: Services, run: Run, names: tuple[str, ...]) -> None:
    """A fold with a slider over all epochs of the run."""
    render_folded(
        "Over the epochs", f"inspect-over-epochs-{run.id}", lambda: _render(services, run, names),
        icon=":material/history:",
    )  # fmt: skip


def _render(services: Services, run: Run, names: tuple[str, ...]) -> None:
    found = services.store.breakdowns.confusions(run.id)
    if found is None:
        st.caption(why_no_confusions(run))
    elif found.num_classes != len(names):
        st.caption("The epochs were measured on other classes.")
    else:
        draw_alone(_render_epoch, run, found, names)


def _render_epoch(run: Run, found: Confusions, names: tuple[str, ...]) -> None:
    epochs = found.epochs.tolist()
    at = len(epochs) - 1
    if len(epochs) > 1:
        epoch = st.select_slider(
            "After epoch", epochs, epochs[-1], key=f"inspect-epoch-{run.id}-{len(epochs)}",
            help="Measured on the validation pictures while the run trained, so it is there for every epoch.",
        )  # fmt: skip
        at = epochs.index(epoch)
    confusion, first = found.matrix(at), found.matrix(0)
    left, right = st.columns([3, 2], gap="large")
    with left:
        # Those of the last epoch in every epoch, so that classes stay in their places while the slider moves.
        classes = choose_classes(
            found.matrix(len(epochs) - 1), names, f"inspect-over-epochs-classes-{run.id}"
        )
        st.plotly_chart(
            confusion_figure(confusion, names, is_narrow=browser.is_narrow(), classes=classes),
            key=f"inspect-over-epochs-map-{run.id}", config={**CONFIG, "displayModeBar": False}, width="stretch",
            alt=f"The confusion matrix of the validation pictures after epoch {epochs[at]:,}",
        )  # fmt: skip
    with right:
        st.markdown(f"**Largest confusions after epoch {epochs[at]:,}**")
        lines = [
            f"{count:,} × **{literal(names[label])}** taken for **{literal(names[answer])}** "
            f"(epoch {epochs[0]:,}: {int(first[label, answer]):,})"
            for label, answer, count in largest_confusions(confusion, MOST_CONFUSIONS)
        ]
        st.markdown("\n".join(f"- {line}" for line in lines) or "No picture is taken for something else.")
