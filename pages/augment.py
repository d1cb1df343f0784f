"""Augment: one picture in twelve variants, made by the very code that trains."""

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from core.config import AugmentationConfig
from core.datasets.prepare import ensure_dataset
from core.datasets.storage import Dataset, list_datasets
from pages.components import session
from pages.components.drafts import ensure_draft
from pages.components.form_augmentation import render_knobs, render_strengths
from pages.components.pictures import enlarge
from pages.components.text import literal

VARIANTS = 12
LARGE_SHIFT = 0.15
PICTURE_SIDE = 128
DRAW = "augment-draw"
MOST_DRAWS = 1_000_000


def main() -> None:
    """The page."""
    st.title("Augment", anchor=False)
    st.markdown(
        "Each time a picture comes round in training it is varied anew. These are such variants, drawn by the code "
        "that trains."
    )
    services = session.services()
    config = ensure_draft(services)
    # The pictures come first, so that on a phone they are above the knobs and not below them all. The knobs are
    # drawn first: they need not wait for the engine.
    left, right = st.columns([3, 2], gap="large")
    with right:
        render_strengths(config)
        render_knobs(config)
    with left:
        with st.container(horizontal=True, vertical_alignment="bottom"):
            seed = _choose_draw() - 1
            with_values = st.toggle(
                "Values", True, key="augment-values", persist_state="session",
                help="What was drawn for each picture, below it. Without, more pictures fit on a small screen.",
            )  # fmt: skip
            with st.popover("Another picture", icon=":material/image:"):
                dataset = ensure_dataset(services.workspace, _choose_dataset(config.dataset.id))
                original, label = _choose_picture(dataset)
            if st.button("Use in a new run", type="primary", icon=":material/arrow_forward:"):
                st.switch_page("design.py")
        if original is None:
            st.error(literal(label))
        else:
            _render_pictures(config.augmentation, dataset, original, label, seed, with_values)


def _choose_draw() -> int:
    number = st.number_input(
        "Draw", 1, MOST_DRAWS, key=DRAW, persist_state="session", width=140,
        help="Each number is one set of draws: go back to one to see it again.",
    )  # fmt: skip
    st.button("Draw again", icon=":material/casino:", on_click=session.draw_again, args=(DRAW, MOST_DRAWS))
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
            "Pictures of", ids, index, format_func=titles.__getitem__, key="augment-dataset", persist_state="session"
        )
    )  # fmt: skip


def _choose_picture(dataset: Dataset) -> tuple[NDArray[np.uint8] | None, str]:
    """A training picture by its number, or an upload brought to the data set's shape; or None, and why."""
    number = st.number_input(
        "Picture", 0, len(dataset.x_train) - 1, 0, key=f"picture-{dataset.id}", persist_state="session",
        help="The number of a training picture.",
    )  # fmt: skip
    upload = st.file_uploader(
        "or your own", type=["png", "jpg", "jpeg", "webp", "bmp", "gif"], key="augment-upload",
    )  # fmt: skip
    if upload is None:
        return np.asarray(dataset.x_train[number]), dataset.class_names[int(dataset.y_train[number])]
    with st.spinner("Reading the picture…"):
        (row,) = session.services().engine.decode([(upload.name, upload.getvalue())], dataset.image_shape)
    return (row["seen"], "your picture") if row["ok"] else (None, row["error"])


def _render_pictures(
    augmentation: AugmentationConfig, dataset: Dataset, original: NDArray[np.uint8], label: str, seed: int,
    with_values: bool,
) -> None:  # fmt: skip
    if not augmentation.is_active:
        st.image(enlarge(original, PICTURE_SIDE), caption=literal(label), alt=f"{label}, as it is")
        st.caption(
            "Nothing is turned on yet. Choose a policy or move a slider to see what training would see."
        )
        return
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
    with st.grid(4, min_column_width=72):
        for variant, words in zip(variants, captions, strict=True):
            caption = " · ".join(words.values()) or "unchanged"
            with st.container():
                st.image(
                    enlarge(variant, PICTURE_SIDE),
                    width="stretch",
                    caption=caption if with_values else None,
                    alt=f"{label}: {caption}",
                )
    if mixes:
        st.caption(
            "Mixing takes the next picture of the batch; here these are other pictures of the data set."
        )
    with st.container(horizontal=True, vertical_alignment="center"):
        st.image(enlarge(original, 64), width=64, alt=f"{label}, as it is")
        st.caption(f"The original: {literal(label)}")


@st.cache_data(max_entries=32, show_spinner=False)
def _variants(
    augmentation: AugmentationConfig, dataset_id: str, original: NDArray[np.uint8], seed: int, mixes: bool
) -> tuple[list[NDArray[np.uint8]], list[dict[str, str]]]:
    services = session.services()
    batch = np.repeat(original[None], VARIANTS, axis=0)
    if mixes:
        others = ensure_dataset(services.workspace, dataset_id).x_train
        chosen = np.random.default_rng(seed).integers(0, len(others), VARIANTS)
        batch = np.stack([batch, others[np.sort(chosen)]], axis=1).reshape(-1, *original.shape)
    varied, captions = services.engine.preview(augmentation, batch, seed)
    step = 2 if mixes else 1
    return list(varied[::step]), captions[::step]


main()
