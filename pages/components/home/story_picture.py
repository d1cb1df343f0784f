"""The picture that both networks of the story answer: a file, a drawing, a photo, or a sample until then."""

import hashlib
from collections.abc import Hashable
from dataclasses import astuple, dataclass, field, replace

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from core.datasets.storage import describe_dataset
from core.engine.looking import read_original
from core.errors import ConvDeckError
from core.images import Box
from core.server.services import Services
from core.store.records import Run
from pages.components.home.story_sample import render_another, sample_for
from pages.components.kit import session
from pages.components.kit.cropping import CROPS, ORIGINAL_SIDE, crop_frame
from pages.components.kit.drawing_pad import drawing_pad
from pages.components.kit.pictures import may_use_camera, png_bytes
from pages.components.kit.redraw import render_folded
from pages.components.kit.text import error_text, literal

FILE, PAD, CAMERA = "file", "pad", "camera"
SOURCES = {FILE: "Picture", PAD: "Draw", CAMERA: "Camera"}
AS_TRAINED = "trained"
WAYS = {AS_TRAINED: "As in training", **CROPS}
SHORT_LIST = 20  # classes that are listed without a click


@dataclass(frozen=True)
class Picture:
    """A picture file. `crop` says how it becomes square, None: as in training; `box` is the part of it that is chosen,
    None: all of it. `truth` is the true class of a sample.
    """

    id: str
    name: str
    data: bytes = field(repr=False)
    crop: str | None = None
    box: Box | None = None
    truth: str | None = None

    @property
    def version(self) -> Hashable:
        """Another one where other pixels are looked at."""
        return self.id, self.crop, None if self.box is None else astuple(self.box)


def choose_picture(services: Services, run: Run) -> Picture | None:
    """The fields, and what was chosen in them; without anything a sample, None where there is none either."""
    shape = _shape_of(services, run)
    source = st.segmented_control(
        "Your picture", list(SOURCES), default=FILE, required=True, format_func=SOURCES.__getitem__, key="story-source",
        wrap=True,
    )  # fmt: skip
    if source == PAD:
        picture = _drawn(is_grey=shape is not None and shape[2] == 1)
    else:
        picture = _photographed() if source == CAMERA else _uploaded()
        if picture is not None:
            return _with_part(services, picture, shape)
    return picture or _sample(services, run)


def render_classes(services: Services, run: Run) -> None:
    """What the networks can answer at all."""
    info = describe_dataset(services.workspace, run.dataset)
    names = run.class_names or (tuple(info.class_names) if info is not None else ())
    words = literal(", ".join(names))
    if len(names) > SHORT_LIST:
        render_folded(
            f"The {len(names)} classes they know", "story-classes", lambda: st.caption(words),
            icon=":material/category:",
        )  # fmt: skip
    elif names:
        st.caption(f"They know {len(names)} classes: {words}.")


def _shape_of(services: Services, run: Run) -> tuple[int, int, int] | None:
    """The (height, width, channels) that it reads; None where its settings or its data set cannot be read."""
    info, config = describe_dataset(services.workspace, run.dataset), run.readable_config
    return None if info is None or config is None else config.dataset.picture_shape(info.image_shape)


def _uploaded() -> Picture | None:
    return _of_upload(
        st.file_uploader("Your picture", key="story-photo", label_visibility="collapsed"),
        "Remove it to see samples again.",
    )


def _photographed() -> Picture | None:
    if may_use_camera():
        return _of_upload(st.camera_input("Take a picture", key="story-camera"), "")
    st.caption(
        ":material/no_photography: Browsers give a page the camera on localhost and over https only. Choose a picture "
        "or draw one instead."
    )
    return None


def _of_upload(upload: UploadedFile | None, hint: str) -> Picture | None:
    if upload is None:
        return None
    st.caption(f"{literal(upload.name)}. {hint}")
    return Picture(upload.file_id, upload.name, upload.getvalue())


def _drawn(*, is_grey: bool) -> Picture | None:
    data = drawing_pad("story-pad", dark=is_grey)
    return None if data is None else Picture(hashlib.sha256(data).hexdigest(), "drawing", data)


def _sample(services: Services, run: Run) -> Picture | None:
    sample = sample_for(services, run)
    if sample is None:
        return None
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption("Until then, a picture that neither network has seen:", width="content")
        render_another("photo")
    data = png_bytes(sample.pixels)
    return Picture(hashlib.sha256(data).hexdigest(), "sample", data, "stretch", truth=sample.truth)


def _with_part(services: Services, picture: Picture, shape: tuple[int, int, int] | None) -> Picture | None:
    """The part of it that is under the frame, or all of it as is chosen; None, with the reason, if it is no picture."""
    try:
        with st.spinner("Reading the picture…"):
            original = _original(picture.id, picture.name, picture.data)
    except ConvDeckError as error:
        st.error(literal(error_text(error)), icon=":material/broken_image:")
        return None
    box = None
    if shape is not None:
        box = crop_frame(original, f"{picture.name}, whole", shape, f"story-frame-{picture.id}")
    if box is not None:
        return replace(picture, box=box)
    way = st.segmented_control(
        "How it becomes square", list(WAYS), default=AS_TRAINED, required=True, format_func=WAYS.__getitem__,
        key="story-crop", wrap=True,
    )  # fmt: skip
    return picture if way == AS_TRAINED else replace(picture, crop=str(way))


@st.cache_data(max_entries=16, show_spinner=False)
def _original(file_id: str, name: str, _data: bytes) -> bytes:
    """The whole picture as the page shows it, kept for as long as it is this file."""
    return read_original(session.services().engine, name, _data, ORIGINAL_SIDE)
