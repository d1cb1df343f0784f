"""What several runs say of one picture, and how sure a run stays when the picture is varied."""

from collections.abc import Sequence
from pathlib import Path

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.augmentation.variation import NUM_VARIANTS, policy_in_words, variation_policy
from core.engine.looking import VariedClass
from core.formatting import percent
from core.inspection.looking import kept_in_words
from core.store.records import Run
from pages.components.classify.uploads import LookedAt
from pages.components.kit.answers import render_bars
from pages.components.kit.browser import mount
from pages.components.kit.text import literal

PACKAGE = "convdeck_classify"
HERE = Path(__file__).parent
FILES: dict[str, tuple[str, str | None]] = {"spread": ("spread.js", "spread.css")}

SHOWN_EACH = 3  # classes, where several runs answer


def render_side_by_side(runs: Sequence[Run], looked: LookedAt, columns: Sequence[DeltaGenerator]) -> None:
    """What each run says, under its name, in a column of its own."""
    for place, (run, column) in enumerate(zip(runs, columns, strict=True)):
        with column:
            st.markdown(f"**{literal(run.name)}**")
            render_answer(looked, place, SHOWN_EACH)


def render_answer(looked: LookedAt, place: int, most: int) -> None:
    """The likeliest classes by the run at `place`, with their spread where the picture was varied."""
    varied = looked.look.variants[place]
    if varied is None:
        render_bars(looked.look.answers[place], most)
        return
    spread_bars(varied.classes[:most], f"spread-{place}-{looked.key}")
    st.caption(literal(kept_in_words(varied, looked.look.answers[place].best)))


def explain_variation(runs: Sequence[Run], num_channels: int) -> None:
    """How pictures are varied, per run where they differ, and what the bars show."""
    ways: dict[str, list[str]] = {}
    for run in runs:
        policy, is_own = variation_policy(run.config.augmentation, num_channels)
        how = "as in training" if is_own else "mildly, as the run was trained without augmentation"
        ways.setdefault(f"{how} ({policy_in_words(policy)})", []).append(run.name)
    said = "; ".join(
        how if len(ways) == 1 else f"{', '.join(map(literal, names))}: {how}" for how, names in ways.items()
    )
    st.caption(
        f"Bars are the mean over {NUM_VARIANTS} variants of each picture, ± one standard deviation in points; the line "
        f"is from the least to the most. Varied {said}."
    )


def spread_bars(classes: Sequence[VariedClass], key: str) -> None:
    """Bars of the mean probabilities, with the standard deviation in words and a line from the least to the most."""
    rows = [
        {
            "words": f"{each.name} " + f"{percent(each.mean)} ± {100 * each.deviation:.1f}".replace(" ", "\u00a0"),
            "mean": each.mean, "least": each.least, "most": each.most,
        }
        for each in classes
    ]  # fmt: skip
    mount(PACKAGE, HERE, FILES, "spread", key, {"classes": rows})
