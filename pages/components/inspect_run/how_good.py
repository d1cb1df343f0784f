"""How good a run really is: accuracy on both parts with their intervals, and how far the validation part flatters."""

import streamlit as st

from core.formatting import percent, points
from core.inspection.answers import BEST, LAST
from core.inspection.measures import MORE, TOP, accuracy_difference, interval_in_words, span_in_words
from pages.components.inspect_run.evaluations import PARTS, Evaluated
from pages.components.kit.text import unbroken

INTERVAL = (
    "Below it is its 95 % interval (Wilson's): the accuracy on many more such pictures probably lies in it."
)


def render_how_good(evaluated: Evaluated, split: str) -> None:
    """The numbers of the part that is looked at, with the accuracy on both."""
    st.subheader("How good, really?", anchor=False)
    shown = evaluated.on(split)
    with st.container(horizontal=True, gap="small"):
        for part, name in PARTS.items():
            accuracy = evaluated.on(part).accuracy
            st.metric(
                f"{name} accuracy", percent(accuracy.value), interval_in_words(accuracy), delta_color="off",
                delta_arrow="off", border=True, width=170,
                help=f"The share of {name.lower()} pictures that are answered rightly. {INTERVAL}",
            )  # fmt: skip
        tops = {TOP: shown.top3 if len(shown.classes) > TOP else None, MORE: shown.top5}
        for most, value in tops.items():
            if value is not None:
                st.metric(
                    f"Top-{most} accuracy", percent(value), border=True, width=150, height="stretch",
                    help=f"How often the right class is among the {most} most probable ones.",
                )  # fmt: skip
        st.metric(
            "Loss", f"{shown.loss:.3f}", border=True, width=120, height="stretch",
            help="The cross-entropy: how surprised the network is by the right class, on average. 0 is perfect.",
        )  # fmt: skip
        st.metric(
            f"{PARTS[split]} pictures", f"{len(shown.answers):,}", border=True, width=150, height="stretch"
        )
    st.markdown(unbroken(flattery_in_words(evaluated)))


def flattery_in_words(evaluated: Evaluated) -> str:
    """What the validation accuracy is worth beside the test accuracy, and whether they differ by more than chance."""
    validation, test = evaluated.validation.accuracy, evaluated.test.accuracy
    epoch = evaluated.validation.answers.epoch
    if evaluated.which == BEST:
        begin = (
            f"Epoch {epoch} was chosen because its validation accuracy is the highest, so that number flatters: part "
            "of it is luck with these pictures. The test pictures had no say."
        )
    elif evaluated.which != LAST:
        begin = (
            f"These are the weights of epoch {epoch}. No accuracy chose them, unless you do: of several epochs, the "
            "one with the highest number flatters."
        )
    else:
        begin = f"These are the weights of the last epoch, {epoch}: no accuracy chose them."
    found = accuracy_difference(validation, test)
    gap = "both are the same"
    if found.value:
        gap = f"the validation accuracy is {points(abs(found.value))} {'higher' if found.value > 0 else 'lower'}"
    span = f"(95 % interval of the difference: {span_in_words(found)})"
    if found.low <= 0 <= found.high:
        return f"{begin} Here {gap} {span}{', which is within chance' if found.value else ''}."
    return f"{begin} Here {gap} {span}: more than chance explains. The two parts may also differ in kind."
