"""Augment, first view: a picture, its twelve variants, and a trained run's answer to each."""

from collections.abc import Sequence

import streamlit as st

from core.augmentation.robustness import fitting_runs
from core.config import AugmentationConfig, ExperimentConfig
from core.datasets.prepare import ensure_dataset
from core.datasets.storage import Dataset, list_datasets
from core.design.hints import LARGE_SHIFT
from core.formatting import percent
from core.server.services import Services
from core.store.records import Run
from core.system.frames import Pixels
from pages.components.augment.original import (
    ImageShape,
    Original,
    choose_original,
    decoded_own,
    has_own,
)
from pages.components.augment.policy_form import render_policy
from pages.components.augment.run_choice import choose_run, wanted_run
from pages.components.augment.varied import LAST, Question, RunAnswer, Varied, former_of, varied_of
from pages.components.design.fields import dataset_field
from pages.components.kit import session
from pages.components.kit.cache import forget_answer
from pages.components.kit.pictures import render_pixels
from pages.components.kit.redraw import draw_ticking
from pages.components.kit.text import literal
from pages.components.kit.widget_values import if_drawn, key_for, note_value

ORIGINAL_SIDE, PICTURE_SIDE = 256, 192
# Two beside each other on a phone, four in the page's wider column.
LEAST_WIDTH = 136
TICK_SECONDS = 0.2
DRAW = "augment-draw"
MOST_DRAWS = 1_000_000


def render_variants(services: Services, config: ExperimentConfig, runs: Sequence[Run]) -> None:
    """Pictures left, so that on a phone they are above the policy's fields."""
    left, right = st.columns([3, 2], gap="large")
    with right:
        render_policy(config)
    with left:
        picture, choice = st.columns([2, 3], gap="medium")
        with choice:
            dataset = ensure_dataset(services.workspace, _choose_dataset(config))
            shape = dataset.image_shape
            if dataset.id == config.dataset.id:
                shape = config.dataset.picture_shape(shape)
            original = choose_original(services, dataset, shape)
            run = _choose_fitting_run(fitting_runs(runs, dataset, shape), dataset, shape)
            _explain_misfit(runs, run)
        with picture:
            _render_original(original)
        if not isinstance(original, str):
            _render_rest(services, config.augmentation, dataset, shape, original, run)


def _render_original(original: Original | str | None) -> None:
    if isinstance(original, str):
        st.error(literal(original), icon=":material/broken_image:")
    elif original is None:
        st.skeleton(height=ORIGINAL_SIDE)
    else:
        render_pixels(
            original.pixels, ORIGINAL_SIDE, width="stretch", caption=f"The original: {literal(original.label)}",
            alt=f"{original.label}, the original",
        )  # fmt: skip


def _render_rest(
    services: Services, augmentation: AugmentationConfig, dataset: Dataset, shape: ImageShape,
    original: Original | None, run: Run | None,
) -> None:  # fmt: skip
    if original is None:
        draw_ticking(_wait_for_own, services, dataset, shape, every=TICK_SECONDS)
        return
    if not augmentation.is_active:
        st.caption(
            "No augmentation is on yet. Choose a policy or move a slider to see what training would see."
        )
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        seed = _choose_draw() - 1
        with_values = st.toggle(
            "Values", True, key="augment-values", persist_state="session",
            help="Shows the drawn values below each picture. Turn this off to fit more pictures on a small screen.",
        )  # fmt: skip
        if st.button("Use in a new run", type="primary", icon=":material/arrow_forward:"):
            st.switch_page("design.py")
    _warn_of_shifts(augmentation, original)
    question = Question(augmentation, dataset, original, seed, run)
    waits = varied_of(services, question) is None
    draw_ticking(_draw, services, question, with_values, waits, every=TICK_SECONDS if waits else None)


def _wait_for_own(services: Services, dataset: Dataset, shape: ImageShape) -> None:
    """Until the engine has decoded the visitor's own picture."""
    if not has_own() or decoded_own(services, dataset, shape) is not None:
        st.rerun()
    st.caption(":material/hourglass_empty: Reading the picture…")
    st.skeleton(height=3 * LEAST_WIDTH)


def _draw(services: Services, question: Question, with_values: bool, waits: bool) -> None:
    """The variants, as soon as the engine has drawn them; until then those before, or their place."""
    found = varied_of(services, question)
    if waits and found is not None:
        st.rerun()  # polling ends with the whole page
    if isinstance(found, str):
        st.error(literal(found), icon=":material/error:")
        st.button("Try again", icon=":material/refresh:", on_click=forget_answer, args=(LAST,))
        return
    shown = found or former_of(question)
    if found is None:
        st.caption(":material/hourglass_empty: Drawing variants…")
    elif question.run is not None:
        _render_flips(question.run, found.answers)
    if shown is None:
        st.skeleton(height=3 * LEAST_WIDTH)
        return
    _render_pictures(question.original.label, shown, with_values)
    if question.mixes:
        st.caption(
            "In training, a picture is mixed with the next one of its batch; here, with other pictures of the data set."
        )


def _choose_draw() -> int:
    """Its number: the button counts it on, so the field is another one for each that it shows."""
    now = int(session.widget_value(DRAW) or 1)
    key = key_for(DRAW, now)
    number = st.number_input(
        "Draw", 1, MOST_DRAWS, now, key=key, width=140, on_change=_take_draw, args=(key,),
        help="Each number is one set of random draws. The same number gives the same pictures again.",
    )  # fmt: skip
    st.button("Draw again", icon=":material/casino:", on_click=session.next_draw, args=(DRAW, MOST_DRAWS))
    return int(number)


@if_drawn
def _take_draw(key: str) -> None:
    number = session.widget_value(key)
    session.set_widget(DRAW, number)
    note_value(DRAW, number)


def _choose_dataset(config: ExperimentConfig) -> str:
    """That of the design, so that a run which is started from here trains on the pictures that were looked at.

    Where it is not here, the first one that is.
    """
    ready = [info for info in list_datasets(session.services().workspace) if info.state == "ready"]
    own = config.dataset.id
    shown = own if any(info.id == own for info in ready) or not ready else ready[0].id
    if len(ready) > 1 or shown != own:
        dataset_field(config, ready)
    if shown != own:
        title = next(info.title for info in ready if info.id == shown)
        st.caption(f"The design's data set is not here, so these are pictures of {literal(title)}.")
    return shown


def _choose_fitting_run(fitting: Sequence[Run], dataset: Dataset, shape: ImageShape) -> Run | None:
    if not fitting:
        st.caption(
            f"No run has been trained on {literal(dataset.title)} at {shape[1]}×{shape[0]} pixels yet. Once there is "
            "one, its answer to each variant is shown."
        )
        return None
    return choose_run(
        fitting, "Run to ask", help="Runs that were trained on pictures of this kind and size, newest first."
    )


def _explain_misfit(runs: Sequence[Run], chosen: Run | None) -> None:
    """Say so where a run is asked for that was trained on other pictures."""
    asked = next((run for run in runs if run.id == wanted_run()), None)
    if asked is None or not asked.has_weights or asked == chosen:
        return
    instead = "no run is asked" if chosen is None else f"“{literal(chosen.name)}” is asked instead"
    st.caption(f"“{literal(asked.name)}” was trained on different pictures, so {instead}.")


def _warn_of_shifts(augmentation: AugmentationConfig, original: Original) -> None:
    shift = max(augmentation.width_shift_fraction, augmentation.height_shift_fraction)
    if shift > LARGE_SHIFT:
        side = min(original.pixels.shape[:2])
        st.warning(
            f"Shifts of {100 * shift:.0f} % move the object by up to {shift * side:.0f} of {side} pixels, often out "
            f"of the picture.",
            icon=":material/warning:",
        )


def _render_pictures(label: str, varied: Varied, with_values: bool) -> None:
    with st.grid(4, min_column_width=LEAST_WIDTH):
        for place, (variant, words) in enumerate(zip(varied.variants, varied.captions, strict=True), start=1):
            answer = (varied.answers[place], varied.answers[0]) if varied.answers else None
            _render_variant(label, variant, " · ".join(words.values()) or "unchanged", answer, with_values)


def _render_variant(
    label: str, variant: Pixels, caption: str, answer: tuple[RunAnswer, RunAnswer] | None, with_values: bool
) -> None:
    said = f". {_in_words(*answer)}" if answer else ""
    with st.container(gap="xsmall"):
        render_pixels(variant, PICTURE_SIDE, width="stretch", alt=f"{label}: {caption}{said}")
        lines = [_answer(*answer)] if answer else []
        if with_values:
            lines.append(f":small[:gray[{caption}]]")
        if lines:
            st.markdown("  \n".join(lines))


def _render_flips(run: Run, answers: Sequence[RunAnswer]) -> None:
    name, sure = answers[0]
    flips = sum(answer != name for answer, _ in answers[1:])
    verb = "changes" if flips == 1 else "change"
    count = (
        f"**{flips} of {len(answers) - 1} variants {verb} its answer.**"
        if flips
        else "**No variant changes its answer.**"
    )
    st.markdown(f"“{literal(run.name)}” says the original is *{literal(name)}* ({percent(sure, 0)}). {count}")


def _answer(answer: RunAnswer, on_original: RunAnswer) -> str:
    """The run's answer, in red with an icon where it differs from the one on the original."""
    words = f"{literal(answer[0])} · {percent(answer[1], 0)}"
    return (
        f":small[:red[:material/swap_horiz: **{words}**]]"
        if answer[0] != on_original[0]
        else f":small[{words}]"
    )


def _in_words(answer: RunAnswer, on_original: RunAnswer) -> str:
    words = f"{answer[0]}, {percent(answer[1], 0)}"
    return f"The run changes its answer: {words}" if answer[0] != on_original[0] else f"The run says {words}"
