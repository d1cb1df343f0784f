"""Where pictures come from: files, a folder or zip, the drawing pad, or the camera."""

import hashlib
import io
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import BinaryIO

import streamlit as st

from core.errors import ConvDeckError, UploadNotFound
from core.formatting import count_of
from core.images import FORMATS_IN_WORDS
from core.importing.picture_files import open_pictures
from core.importing.uploads import Upload, find_upload, keep_upload, remove_old_uploads, remove_upload
from core.server.services import Services
from pages.components.classify.cropping import chosen_part
from pages.components.classify.uploads import Picture
from pages.components.kit import session
from pages.components.kit.drawing_pad import drawing_pad
from pages.components.kit.own_files import OwnFile, Room, upload_field
from pages.components.kit.pictures import may_use_camera
from pages.components.kit.text import error_text, literal
from pages.components.kit.upload_box import zip_box

MOST_PICTURES = 5_000
FILES, PACKED, PAD, CAMERA = "files", "packed", "pad", "camera"
SOURCES = {FILES: "Pictures", PACKED: "Folder or zip", PAD: "Draw", CAMERA: "Camera"}
HELD = "classify-packed"  # the id of the visitor's folder or zip
# A folder or zip that is sent in portions lies on the disk.
OWN = Room("classify-uploads", MOST_PICTURES)
KINDS = f"{FORMATS_IN_WORDS}, whatever the file is called, or a zip of them."
UNTIL = "until you close or reload this tab"
PHOTO = Room("classify-photos", 1)


def choose_pictures(
    services: Services, image_shape: tuple[int, ...] | None, opened: ExitStack
) -> list[Picture]:
    """The fields, and the pictures that were chosen in them, which can be read for as long as `opened` is.

    `image_shape` is what the network reads, as far as it is known.
    """
    source = st.segmented_control(
        "Your pictures", list(SOURCES), default=FILES, required=True, format_func=SOURCES.__getitem__,
        key="classify-source", wrap=True, persist_state="session",
    )  # fmt: skip
    if source == PACKED:
        pictures = _packed(services, opened)
    elif source == PAD:
        pictures = _drawn(image_shape)
    elif source == CAMERA:
        pictures = _photographed()
    else:
        pictures = _chosen(opened)
    if len(pictures) > MOST_PICTURES:
        st.warning(f"Only the first {MOST_PICTURES:,} of {len(pictures):,} pictures are classified.")
    return [replace(each, box=chosen_part(each.id)) for each in pictures[:MOST_PICTURES]]


def _chosen(opened: ExitStack) -> list[Picture]:
    upload_field(OWN, "Your pictures", hidden_label=True)
    pictures: list[Picture] = []
    for file in OWN.held():
        if file.name.lower().endswith(".zip"):
            pictures += _open(opened, io.BytesIO(file.data), file.name, file.id)
        else:
            pictures.append(_of_file(OWN, file, file.name))
    _render_held(OWN)
    return pictures


def _render_held(room: Room) -> None:
    """How much is kept, until when, and a button to let go of it."""
    held = room.held()
    if not held:
        st.caption(f"{KINDS} Up to {room.in_words()} are kept {UNTIL}.")
        return
    size = sum(len(each.data) for each in held) / 1e6
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(
            f"{count_of(len(held), 'file')}, {max(0.1, size):,.1f} of {room.most_bytes / 1e6:,.0f} MB, kept {UNTIL}.",
            width="content",
        )
        st.button(
            "Remove all", icon=":material/close:", type="tertiary", key=f"{room.name}-remove", on_click=room.clear
        )  # fmt: skip


def _of_file(room: Room, file: OwnFile, name: str) -> Picture:
    return Picture(file.id, name, lambda: file.data, remove=partial(room.remove, file.id))


def _packed(services: Services, opened: ExitStack) -> list[Picture]:
    upload = _held(services)
    if upload is None:
        remove_old_uploads(services.workspace)
        st.caption(f"Up to {MOST_PICTURES:,} pictures. The answers are listed in a table, also as CSV.")
        if (upload_id := zip_box("classify-packing")) is not None:
            session.set_widget(HELD, upload_id)
            st.rerun()
        return []
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(
            f":material/folder_zip: **{literal(upload.name)}** ({max(0.1, upload.size / 1e6):,.1f} MB)",
            width="stretch",
        )
        if st.button("Remove", icon=":material/close:", type="tertiary", key="classify-remove-packed"):
            remove_upload(services.workspace, upload.id)
            session.set_widget(HELD, None)
            st.rerun()
    return _open(opened, upload.path, upload.name, upload.id)


def _held(services: Services) -> Upload | None:
    upload_id = session.widget_value(HELD)
    if upload_id is None:
        return None
    try:
        upload = find_upload(services.workspace, upload_id)
    except UploadNotFound:
        session.set_widget(HELD, None)
        st.warning("The uploaded file is no longer there. Choose it again.")
        return None
    keep_upload(upload)
    return upload


def _open(opened: ExitStack, file: Path | BinaryIO, name: str, upload_id: str) -> list[Picture]:
    """The pictures in a zip; it stays open as long as `opened` does. One that is hostile is a sentence."""
    try:
        pictures, others = open_pictures(opened, file, _file_name(name), 2 * MOST_PICTURES)
    except ConvDeckError as error:
        st.error(literal(error_text(error)), icon=":material/folder_off:")
        return []
    if others:
        st.caption(f":material/info: Left out: {literal(others)}")
    return [Picture(f"{upload_id}-{index}", each.path, each.read) for index, each in enumerate(pictures)]


def _file_name(name: str) -> str:
    """Without the folders that a browser may have put before it."""
    return name.replace("\\", "/").rpartition("/")[2]


def _drawn(image_shape: tuple[int, ...] | None) -> list[Picture]:
    grey = image_shape is not None and image_shape[2] == 1
    data = drawing_pad("classify-pad", dark=grey)
    if data is None:
        return []
    return [Picture(hashlib.sha256(data).hexdigest(), "drawing", lambda: data)]


def _photographed() -> list[Picture]:
    if not may_use_camera():
        st.caption(
            ":material/no_photography: Browsers give a page the camera on localhost and over https only. Choose "
            "files instead."
        )
        return []
    key = "classify-photo"
    st.camera_input("Take a picture", key=key, on_change=PHOTO.follow, args=(key,))
    return [_of_file(PHOTO, each, "camera") for each in PHOTO.held()]
