"""How far a run's probabilities can be believed, before and after a temperature corrects them."""

import streamlit as st

from core.formatting import percent, points
from core.inspection.evaluation import SplitEvaluation
from pages.components.charts.plotly_marks import CONFIG
from pages.components.charts.reliability import reliability_figure
from pages.components.kit.text import unbroken

ECE = (
    "The expected calibration error: how far sureness and accuracy are apart, on average over all pictures. 0 is best; "
    "a few points come by chance alone."
)
TEMPERATURE = (
    "All outputs of the network are divided by it before softmax. Above 1 makes it less sure, below 1 surer. "
    "Which class is the most probable stays the same, and so does the accuracy. Classify and exported models use it."
)


def render_calibration(evaluation: SplitEvaluation, key: str) -> None:
    """The reliability diagram, the numbers, and what they mean."""
    st.subheader("Can its probabilities be believed?", anchor=False)
    st.markdown(unbroken(sureness_in_words(evaluation)))
    with st.container(horizontal=True, gap="small"):
        st.metric("ECE, in points", in_points(evaluation.ece), border=True, width=160, help=ECE)
        st.metric("Temperature", f"{evaluation.temperature:.2f}", border=True, width=140, help=TEMPERATURE)
        st.metric(
            "ECE with it", in_points(evaluation.ece_calibrated), border=True, width=140,
            help=f"With the temperature, in points. {ECE}",
        )  # fmt: skip
    st.plotly_chart(
        reliability_figure(evaluation.bins, evaluation.calibrated_bins),
        key=f"inspect-reliability-{key}", config={**CONFIG, "displayModeBar": False},
        width="stretch", alt="How often the run is right over how sure it is, before and after the temperature",
    )  # fmt: skip
    st.caption(unbroken(temperature_in_words(evaluation)))


def in_points(value: float) -> str:
    """A difference of two fractions in points of a hundred, for a tile whose label names them."""
    return points(value).removesuffix(" points")


def sureness_in_words(evaluation: SplitEvaluation) -> str:
    """`When it says 98 %, it is right in 91 % … On average it is 84 % sure and right in 71 %: too sure.`"""
    surest = evaluation.bins[-1]
    confidence, accuracy = float(evaluation.answers.confidence.mean()), evaluation.accuracy
    verdict = "about as sure as it is right"
    if confidence > accuracy.high:
        verdict = "too sure"
    elif confidence < accuracy.low:
        verdict = "not sure enough"
    return (
        f"When it is surest, it says {percent(surest.confidence, 0)} and is right in {percent(surest.accuracy, 0)} (of "
        f"{surest.count:,} pictures). Over all pictures it says {percent(confidence, 0)} and is right in "
        f"{percent(accuracy.value, 0)}: it is {verdict}."
    )


def temperature_in_words(evaluation: SplitEvaluation) -> str:
    """What the temperature does, where it comes from, and how to read the chart."""
    temperature = evaluation.temperature
    does = "leaves its probabilities as they are"
    if temperature > 1.005:
        does = "makes it less sure"
    elif temperature < 0.995:
        does = "makes it surer"
    where = "It was fitted on the validation pictures"
    where += (
        "; on the test pictures its effect is measured honestly."
        if evaluation.answers.split == "test"
        else ", so that here the ECE after it flatters."
    )
    if evaluation.fitted.note:
        where = evaluation.fitted.note
    elif does.startswith("makes") and evaluation.ece_calibrated >= evaluation.ece:
        where += " Here it brings nothing: the ECE does not fall."
    return (
        f"A temperature of {temperature:.2f} {does}. {where} Each point holds as many pictures as the others, with "
        "its 95 % interval (bootstrap). Below the dashed line it is too sure, above it not sure enough."
    )
