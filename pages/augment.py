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


def main() -> None:
    """The page."""
    st.title("Augment", anchor=False)
    st.markdown(
        "Each time a picture comes round in training it is varied anew. These are such variants, drawn by the code "
        "that trains."
    )
    services = session.services()
    config = ensure_draft(services)
    left, right = st.columns([2, 3], gap="large")
    with left:
        render_strengths(config)
        render_knobs(config)
    with right:
        dataset = ensure_dataset(services.workspace, _choose_dataset(config.dataset.id))
        original, label = _choose_picture(dataset)
        if original is None:
            return
        if config.augmentation.is_active:
            _render_variants(config.augmentation, dataset, original, label)
        else:
            st.image(enlarge(original, PICTURE_SIDE), caption="original", alt=f"{label}, as it is")
            st.caption(
                "Nothing is turned on yet. Choose a policy or move a slider to see what training would see."
            )
        if st.button("Use in a new run", type="primary", icon=":material/arrow_forward:"):
            st.switch_page("design.py")


def _choose_dataset(preferred: str) -> str:
    ready = [info.id for info in list_datasets(session.services().workspace) if info.state == "ready"]
    ready = ready or ["shapes"]
    if len(ready) == 1:
        return ready[0]
    index = ready.index(preferred) if preferred in ready else 0
    return str(st.selectbox("Pictures of", ready, index, key="augment-dataset", persist_state="session"))


def _choose_picture(dataset: Dataset) -> tuple[NDArray[np.uint8] | None, str]:
    """A training picture by its number, or an upload brought to the data set's shape."""
    columns = st.columns([1, 2], vertical_alignment="top")
    with columns[0]:
        number = st.number_input(
            "Picture", 0, len(dataset.x_train) - 1, 0, key=f"picture-{dataset.id}",
            help="The number of a training picture.",
        )  # fmt: skip
    with columns[1]:
        upload = st.file_uploader(
            "or your own", type=["png", "jpg", "jpeg", "webp", "bmp", "gif"], key="augment-upload",
        )  # fmt: skip
    if upload is None:
        label = dataset.class_names[int(dataset.y_train[number])]
        return np.asarray(dataset.x_train[number]), label
    with st.spinner("Reading the picture…"):
        (row,) = session.services().engine.decode([(upload.name, upload.getvalue())], dataset.image_shape)
    if not row["ok"]:
        st.error(literal(row["error"]))
        return None, ""
    return row["seen"], "your picture"


def _render_variants(
    augmentation: AugmentationConfig, dataset: Dataset, original: NDArray[np.uint8], label: str
) -> None:
    seed = session.preview_seed()
    mixes = augmentation.mixup_alpha > 0 or augmentation.cutmix_alpha > 0
    with st.spinner("Drawing variants…"):
        variants, captions = _variants(augmentation, dataset.id, original, seed, mixes)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button("Draw again", icon=":material/casino:", on_click=session.draw_again)
        st.image(enlarge(original, 64), width=64, alt=f"{label}, as it is")
        st.caption(f"The original, {literal(label)}. Draw number {seed + 1}.")
    shift = max(augmentation.width_shift_fraction, augmentation.height_shift_fraction)
    side = min(original.shape[:2])
    if shift > LARGE_SHIFT:
        st.warning(
            f"Shifts of {100 * shift:.0f} % move the object by up to {shift * side:.0f} of {side} pixels, often out "
            f"of the picture.",
            icon=":material/warning:",
        )
    with st.grid(4, min_column_width=100):
        for variant, words in zip(variants, captions, strict=True):
            caption = " · ".join(words.values()) or "unchanged"
            with st.container():
                st.image(
                    enlarge(variant, PICTURE_SIDE),
                    width="stretch",
                    caption=caption,
                    alt=f"{label}: {caption}",
                )
    if mixes:
        st.caption(
            "Mixing takes the next picture of the batch; here these are other pictures of the data set."
        )


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
