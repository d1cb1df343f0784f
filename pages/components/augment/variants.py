"""Augment, first view: one picture in twelve variants, and a trained run's answer to each."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import streamlit as st

from core.augmentation.robustness import fitting_runs
from core.config import AugmentationConfig, ExperimentConfig
from core.datasets.prepare import ensure_dataset
from core.datasets.splits import resize
from core.datasets.storage import Dataset, list_datasets
from core.design.hints import LARGE_SHIFT
from core.formatting import percent
from core.server.services import Services
from core.store.records import Run
from core.system.frames import Pixels
from pages.components.augment.policy_form import render_policy
from pages.components.augment.run_choice import PARAMETER, choose_run
from pages.components.kit import session
from pages.components.kit.pictures import render_pixels
from pages.components.kit.text import literal

VARIANTS = 12
PICTURE_SIDE = 128
DRAW = "augment-draw"
MOST_DRAWS = 1_000_000


def render_variants(services: Services, config: ExperimentConfig, runs: Sequence[Run]) -> None:
    """Pictures left, so that on a phone they are above the policy's fields."""
    left, right = st.columns([3, 2], gap="large")
    with right:
        # Drawn first: the fields need not wait for the engine.
        render_policy(config)
    with left:
        with st.container(horizontal=True, vertical_alignment="bottom"):
            seed = _choose_draw() - 1
            with_values = st.toggle(
                "Values", True, key="augment-values", persist_state="session",
                help="Shows the drawn values below each picture. Turn this off to fit more pictures on a small screen.",
            )  # fmt: skip
            with st.popover("Picture and run", icon=":material/image:"):
                dataset = ensure_dataset(services.workspace, _choose_dataset(config.dataset.id))
                shape = dataset.image_shape
                if dataset.id == config.dataset.id:
                    shape = config.dataset.picture_shape(shape)
                original, label = _choose_picture(dataset, shape)
                fitting = fitting_runs(runs, dataset, shape)
                run = _choose_fitting_run(fitting, dataset, shape)
            if st.button("Use in a new run", type="primary", icon=":material/arrow_forward:"):
                st.switch_page("design.py")
        _explain_misfit(runs, run)
        if original is None:
            st.error(literal(label))
        elif not config.augmentation.is_active:
            render_pixels(original, PICTURE_SIDE, caption=literal(label), alt=f"{label}, the original")
            st.caption(
                "No augmentation is on yet. Choose a policy or move a slider to see what training would see."
            )
        else:
            _render_pictures(config.augmentation, dataset, original, label, seed, with_values, run)


def _choose_draw() -> int:
    number = st.number_input(
        "Draw", 1, MOST_DRAWS, key=DRAW, persist_state="session", width=140,
        help="Each number is one set of random draws. The same number gives the same pictures again.",
    )  # fmt: skip
    st.button("Draw again", icon=":material/casino:", on_click=session.next_draw, args=(DRAW, MOST_DRAWS))
    return int(number)


def _choose_dataset(preferred: str) -> str:
    infos = list_datasets(session.services().workspace)
    titles = {info.id: info.title for info in infos if info.state == "ready"}
    if len(titles) < 2:
        return next(iter(titles), "shapes")
    ids = list(titles)
    index = ids.index(preferred) if preferred in titles else 0
    return str(
        st.selectbox(
            "Data set", ids, index, format_func=titles.__getitem__, key="augment-dataset", persist_state="session"
        )
    )  # fmt: skip


def _choose_picture(dataset: Dataset, shape: tuple[int, int, int]) -> tuple[Pixels | None, str]:
    """A training picture by its number, or an upload, brought to `shape`; or None, and why."""
    number = st.number_input(
        "Picture", 0, len(dataset.x_train) - 1, 0, key=f"picture-{dataset.id}", persist_state="session",
        help="The number of a training picture, from 0.",
    )  # fmt: skip
    upload = st.file_uploader(
        "Or upload your own", key="augment-upload",
    )  # fmt: skip
    if upload is None:
        stored = np.asarray(dataset.x_train[number])
        pixels = stored if stored.shape == shape else resize(stored[None], shape[0])[0]
        return pixels, dataset.class_names[int(dataset.y_train[number])]
    with st.spinner("Reading the picture…"):
        picture = (upload.name, upload.getvalue())
        (decoded,) = session.services().engine.decode([picture], shape, dataset.crop or "center")
    return decoded.seen, decoded.error or "your picture"


def _choose_fitting_run(fitting: Sequence[Run], dataset: Dataset, shape: tuple[int, int, int]) -> Run | None:
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
    """Say so where the address asks for a run that was trained on other pictures."""
    asked = next((run for run in runs if run.id == st.query_params.get(PARAMETER)), None)
    if asked is None or asked.best_epoch is None or asked == chosen:
        return
    instead = "no run is asked" if chosen is None else f"“{literal(chosen.name)}” is asked instead"
    st.caption(f"“{literal(asked.name)}” was trained on different pictures, so {instead}.")


def _render_pictures(
    augmentation: AugmentationConfig, dataset: Dataset, original: Pixels, label: str, seed: int, with_values: bool,
    run: Run | None,
) -> None:  # fmt: skip
    mixes = augmentation.mixup_alpha > 0 or augmentation.cutmix_alpha > 0
    with st.spinner("Drawing variants…"):
        variants, captions = _variants(augmentation, dataset.id, original, seed, mixes)
    shift = max(augmentation.width_shift_fraction, augmentation.height_shift_fraction)
    side = min(original.shape[:2])
    if shift > LARGE_SHIFT:
        st.warning(
            f"Shifts of {100 * shift:.0f} % move the object by up to {shift * side:.0f} of {side} pixels, often out "
            f"of the picture.",
            icon=":material/warning:",
        )
    answers = _ask(run, [original, *variants]) if run is not None else None
    if run is not None and answers is not None:
        _render_flips(run, answers)
    with st.grid(4, min_column_width=72):
        for place, (variant, words) in enumerate(zip(variants, captions, strict=True), start=1):
            caption = " · ".join(words.values()) or "unchanged"
            said = f". {_in_words(answers[place], answers[0])}" if answers else ""
            with st.container(gap="xsmall"):
                render_pixels(
                    variant,
                    PICTURE_SIDE,
                    width="stretch",
                    alt=f"{label}: {caption}{said}",
                )
                lines = [_answer(answers[place], answers[0])] if answers else []
                if with_values:
                    lines.append(f":small[:gray[{caption}]]")
                if lines:
                    st.markdown("  \n".join(lines))
    if mixes:
        st.caption(
            "In training, a picture is mixed with the next one of its batch; here, with other pictures of the data set."
        )
    with st.container(horizontal=True, vertical_alignment="center"):
        render_pixels(original, 64, width=64, alt=f"{label}, the original")
        st.caption(f"The original: {literal(label)}")


def _render_flips(run: Run, answers: Sequence[tuple[str, float]]) -> None:
    name, sure = answers[0]
    flips = sum(answer != name for answer, _ in answers[1:])
    verb = "changes" if flips == 1 else "change"
    count = (
        f"**{flips} of {len(answers) - 1} variants {verb} its answer.**"
        if flips
        else "**No variant changes its answer.**"
    )
    st.markdown(f"“{literal(run.name)}” says the original is *{literal(name)}* ({percent(sure, 0)}). {count}")


def _answer(answer: tuple[str, float], on_original: tuple[str, float]) -> str:
    """The run's answer, in red with an icon where it differs from the one on the original."""
    words = f"{literal(answer[0])} · {percent(answer[1], 0)}"
    return (
        f":small[:red[:material/swap_horiz: **{words}**]]"
        if answer[0] != on_original[0]
        else f":small[{words}]"
    )


def _in_words(answer: tuple[str, float], on_original: tuple[str, float]) -> str:
    words = f"{answer[0]}, {percent(answer[1], 0)}"
    return f"The run changes its answer: {words}" if answer[0] != on_original[0] else f"The run says {words}"


def _ask(run: Run, pictures: Sequence[Pixels]) -> list[tuple[str, float]]:
    """The likeliest class of each picture, and its probability."""
    with st.spinner("Asking the run…"):
        # A run saves its best weights before it reports them.
        return _answers(run.id, (run.attempt, run.best_epoch), np.stack(pictures))


@st.cache_data(max_entries=32, show_spinner=False)
def _answers(run_id: str, weights: tuple[int, int | None], pictures: Pixels) -> list[tuple[str, float]]:
    probabilities, names = session.services().engine.answer(run_id, pictures)
    best = probabilities.argmax(axis=1)
    return [(names[place], float(row[place])) for place, row in zip(best, probabilities, strict=True)]


@st.cache_data(max_entries=32, show_spinner=False)
def _variants(
    augmentation: AugmentationConfig, dataset_id: str, original: Pixels, seed: int, mixes: bool
) -> tuple[list[Pixels], list[dict[str, Any]]]:
    services = session.services()
    batch = np.repeat(original[None], VARIANTS, axis=0)
    if mixes:
        others = ensure_dataset(services.workspace, dataset_id).x_train
        chosen = np.random.default_rng(seed).integers(0, len(others), VARIANTS)
        partners = np.asarray(others[np.sort(chosen)])
        if partners.shape[1:] != original.shape:
            partners = resize(partners, original.shape[0])
        batch = np.stack([batch, partners], axis=1).reshape(-1, *original.shape)
    varied, captions = services.engine.preview(augmentation, batch, seed)
    step = 2 if mixes else 1
    return list(varied[::step]), captions[::step]
