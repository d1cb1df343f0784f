"""The form that imports pictures: upload, name, how they are cut, and what to do about those that cannot be read."""

from time import monotonic

import streamlit as st

from core.datasets.storage import MAX_SIDE, DatasetInfo, Progress
from core.errors import UploadNotFound, UserError
from core.formatting import count_of, duration
from core.importing.process import import_dataset
from core.importing.reading import DEFAULT_SIZE, Reading
from core.importing.report import DamagedPictures
from core.importing.uploads import (
    MOST_CHARACTERS,
    Upload,
    find_upload,
    keep_upload,
    propose_name,
    remove_old_uploads,
    remove_upload,
)
from pages.components.datasets.report import render_files
from pages.components.kit import session, session_uploads
from pages.components.kit.address import is_linked
from pages.components.kit.cropping import CROPS
from pages.components.kit.text import error_text, literal
from pages.components.kit.upload_box import upload_box

WORTH_TELLING_SECONDS = 3.0
IN_ADDRESS = "upload"
CROP_HELP = (
    "How a picture that is not square becomes one. **Crop the middle** cuts off what is left and right, or above and "
    "below. **Pad** keeps everything and fills up with the mean colour of the edges. **Stretch** changes the "
    "proportions. Classify does the same with your pictures."
)


def render_import(infos: list[DatasetInfo], upload: Upload | None) -> None:
    """A place for the file; once it is uploaded, the form, and the pictures in it that cannot be read."""
    if upload is None:
        remove_old_uploads(session.services().workspace)
        st.markdown(
            "One folder per class, such as `roses` and `tulips`, as a `.zip` or as it is on your disk; or an `.npz` "
            "with arrays. If outer folders are called `train`, `validation` and `test`, these are the parts."
        )
        upload_id, refused = session_uploads.settled_upload() or (None, None)
        uploaded = (
            upload_box("upload", imported=upload_id)
            if refused is None
            else upload_box("upload", refused=(upload_id or "", refused))
        )
        if uploaded is not None:
            session_uploads.hold_upload(uploaded.id, collected=uploaded.collected)
            st.rerun()
        return
    _render_form(upload, [info.id for info in infos])


def held_upload() -> Upload | None:
    """The file that waits to be imported, if it is all there. The address names it, so that a reload keeps it, also one
    in the middle of the import.
    """
    upload = _find_held()
    if upload is not None and st.query_params.get(IN_ADDRESS) != upload.id:
        st.query_params[IN_ADDRESS] = upload.id
    if upload is None and IN_ADDRESS in st.query_params:
        del st.query_params[IN_ADDRESS]
    return upload


def _find_held() -> Upload | None:
    if session_uploads.held_upload() is None and is_linked() and IN_ADDRESS in st.query_params:
        session_uploads.hold_upload(st.query_params[IN_ADDRESS])
    upload_id = session_uploads.held_upload()
    if upload_id is None:
        return None
    try:
        upload = find_upload(session.services().workspace, upload_id)
    except UploadNotFound:
        upload = None
    if upload is None or not upload.is_whole:
        session_uploads.hold_upload(None)
        st.warning("The uploaded file is no longer there. Choose it again.")
        return None
    keep_upload(upload)
    return upload


def _render_form(upload: Upload, taken: list[str]) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        size = f"{upload.size / 1e6:,.1f} MB"
        st.markdown(f":material/folder_zip: **{literal(upload.name)}** ({literal(size)})", width="stretch")
        collected = session_uploads.is_collected()
        label, icon = ("Change the pictures", "edit") if collected else ("Choose another file", "close")
        if st.button(label, type="tertiary", icon=f":material/{icon}:"):
            damaged = session_uploads.damaged_pictures()
            remove_upload(session.services().workspace, upload.id)
            session_uploads.settle_upload(
                upload.id, [each.file for each in damaged[0].left_out] if damaged else []
            )
            st.rerun()
    columns = st.columns([3, 3, 2])
    # With the upload's id, so that the next file gets a name of its own.
    name = columns[0].text_input(
        "Name", propose_name(upload.name, taken), max_chars=MOST_CHARACTERS, key=f"import-name-{upload.id}",
        help="Lowercase letters, digits, `-` and `_`.", persist_state="session",
    )  # fmt: skip
    is_npz = upload.path.suffix == ".npz"
    with columns[1]:
        crop = st.segmented_control(
            "Pictures that are not square", list(CROPS), default="center", required=True, format_func=CROPS.__getitem__,
            key="import-crop", help=CROP_HELP, disabled=is_npz, persist_state="session",
        )  # fmt: skip
    side = columns[2].number_input(
        "Image size", 8, MAX_SIDE, DEFAULT_SIZE, 8, key="import-size", disabled=is_npz, persist_state="session",
        help="Pixels per side. Larger pictures show more and train slower; 32 is the size of CIFAR-10.",
    )  # fmt: skip
    if is_npz:
        st.caption("The pictures of an .npz stay as they are.")
    reading = Reading(int(side), crop or "center")
    if st.button("Import", type="primary", icon=":material/upload:", key="import"):
        _import(upload, name.strip(), reading)
    damaged = session_uploads.damaged_pictures()
    if damaged is not None:
        _render_damaged(upload, name.strip(), reading, *damaged)


def _render_damaged(
    upload: Upload, name: str, reading: Reading, damaged: DamagedPictures, seconds: float
) -> None:
    """All of them in place, and the way to go without them: all others are read again."""
    count = len(damaged.left_out)
    total = count_of(count + damaged.num_whole, "picture")
    them = "it" if count == 1 else "them"
    mend = (
        f"Press “Change the pictures” to remove or replace {them}"
        if session_uploads.is_collected()
        else f"Replace {them} in the file and upload it again"
    )
    st.warning(
        f"{count:,} of {total} cannot be read, so nothing was imported yet. {mend}, or leave {them} out.",
        icon=":material/broken_image:",
    )
    render_files(damaged.left_out, "damaged-pictures")
    these = "this one" if count == 1 else f"these {count:,}"
    time = f" (takes about {duration(round(seconds))})" if seconds >= WORTH_TELLING_SECONDS else ""
    if damaged.num_whole and st.button(
        f"Import the other {damaged.num_whole:,}, leave out {these}{time}",
        icon=":material/playlist_remove:", key="import-others",
    ):  # fmt: skip
        _import(upload, name, Reading(reading.image_size, reading.crop, skip_damaged=True))


def _import(upload: Upload, name: str, reading: Reading) -> None:
    workspace = session.services().workspace
    bar = st.progress(0.0, f"Reading {literal(upload.name)}")

    def report(progress: Progress) -> None:
        if progress.total:
            counted = f"{progress.stage}: {progress.done:,} of {progress.total:,}"
            bar.progress(min(progress.done / progress.total, 1.0), literal(counted))
        else:
            # What comes after reading does not say how far it is.
            bar.progress(0.0 if progress.stage.startswith("Reading") else 1.0, literal(progress.stage))

    began = monotonic()
    try:
        dataset = import_dataset(workspace, name, upload.path, reading, report, shown_name=upload.name)
    except DamagedPictures as error:
        session_uploads.set_damaged_pictures(error, monotonic() - began)
        st.rerun()
    except UserError as error:
        bar.empty()
        st.error(literal(error_text(error)), icon=":material/block:")
        return
    remove_upload(workspace, upload.id)
    session_uploads.settle_upload(upload.id, None)
    session_uploads.look_inside(dataset.id)
    session.flash(f"{literal(dataset.id)} is ready: {len(dataset.class_names)} classes.")
    st.rerun()
