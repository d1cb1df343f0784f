"""The picture that Augment varies: one of the data set, chosen by its thumbnail, or the visitor's own."""

from collections.abc import Hashable
from dataclasses import dataclass, field

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from core.datasets.splits import resize
from core.datasets.storage import Dataset
from core.engine.answers import Answer
from core.server.services import Services
from core.system.frames import Pixels
from pages.components.kit import session
from pages.components.kit.cache import KEPT, VersionedCache, last_answer
from pages.components.kit.own_files import Room, upload_field
from pages.components.kit.picture_grid import picture_grid
from pages.components.kit.pictures import contact_sheet

SHOWN, COLUMNS = 12, 6
PAGE = "augment-thumbnails"
MOST_PAGES = 1_000_000
DECODED = "augment-own-decoded"
OWN = Room("augment-own", 1)

ImageShape = tuple[int, int, int]
# Rows by turns, one of each class, so that every page shows many classes.
_by_turns: VersionedCache[NDArray[np.int64]] = VersionedCache(KEPT)
_sheets: VersionedCache[bytes] = VersionedCache(KEPT)


@dataclass(frozen=True, eq=False)
class Original:
    """The picture as the network gets it, uint8, what it is, and a `version` that no other picture has."""

    pixels: Pixels = field(repr=False)
    label: str
    version: Hashable


def choose_original(services: Services, dataset: Dataset, shape: ImageShape) -> Original | str | None:
    """The thumbnails, and the picture in `shape`; why it cannot be read; None as long as it is being decoded."""
    rows = rows_by_turns(dataset)
    _render_thumbnails(dataset, shape, rows)
    with st.container(horizontal=True):
        if len(rows) > SHOWN:
            st.button(
                "Other pictures", icon=":material/casino:", type="tertiary", on_click=session.next_draw,
                args=(PAGE, MOST_PAGES),
            )  # fmt: skip
        with st.popover("Your own", icon=":material/add_a_photo:", type="tertiary"):
            upload_field(OWN, "Your own picture", several=False)
            if has_own():
                st.button("Remove it", icon=":material/close:", on_click=OWN.clear, key="augment-own-remove")
    return decoded_own(services, dataset, shape) if has_own() else _stored(dataset, shape)


def has_own() -> bool:
    """Whether the visitor's own picture is shown."""
    return bool(OWN.held())


def decoded_own(services: Services, dataset: Dataset, shape: ImageShape) -> Original | str | None:
    """The visitor's own picture in `shape`; why it cannot be read; None as long as it is being decoded."""
    (own,) = OWN.held()
    crop = dataset.crop or "center"
    version = "own", str(services.workspace.root), own.id, shape, crop
    found: list[Answer] | str | None = last_answer(
        DECODED, version, lambda: services.engine.decode([(own.name, own.data)], shape, crop)
    )
    if found is None or isinstance(found, str):
        return found
    (answer,) = found
    return answer.error or "" if answer.seen is None else Original(answer.seen, "your picture", version)


def rows_by_turns(dataset: Dataset) -> NDArray[np.int64]:
    """All training rows: the first of each class, then the second of each, and so on."""

    def order() -> NDArray[np.int64]:
        labels = np.asarray(dataset.y_train)
        by_class = np.argsort(labels, kind="stable")
        counts = np.bincount(labels)
        turns = np.empty(len(labels), np.int64)
        turns[by_class] = np.arange(len(labels)) - np.repeat(np.cumsum(counts) - counts, counts)
        return np.lexsort((labels, turns))

    return _by_turns.get(dataset.id, dataset.digest, order)


def _render_thumbnails(dataset: Dataset, shape: ImageShape, rows: NDArray[np.int64]) -> None:
    page = int(session.widget_value(PAGE) or 1) - 1
    shown = np.take(rows, np.arange(page * SHOWN, page * SHOWN + min(SHOWN, len(rows))), mode="wrap")
    sheet = _sheets.get(
        (dataset.id, shape, page), dataset.digest,
        lambda: contact_sheet(_in_shape(dataset, shown, shape), COLUMNS, scale=1, gap=0),
    )  # fmt: skip
    names = [dataset.class_names[int(label)] for label in np.asarray(dataset.y_train)[shown]]
    at = np.flatnonzero(shown == _row(dataset))
    picked = picture_grid(
        sheet, (shape[1], shape[0]), COLUMNS, [("Choose a picture", names)], f"augment-thumbnails-{dataset.id}",
        picks=True, is_roomy=True, chosen=-1 if has_own() or not len(at) else int(at[0]),
    )  # fmt: skip
    if picked is not None:
        session.set_widget(_chosen(dataset), int(shown[picked]))
        OWN.clear()
        st.rerun()


def _in_shape(dataset: Dataset, rows: NDArray[np.int64], shape: ImageShape) -> Pixels:
    stored = np.asarray(dataset.x_train[rows])
    return stored if stored.shape[1:] == shape else resize(stored, shape[0])


def _stored(dataset: Dataset, shape: ImageShape) -> Original:
    row = _row(dataset)
    (pixels,) = _in_shape(dataset, np.array([row]), shape)
    label = dataset.class_names[int(dataset.y_train[row])]
    return Original(pixels, label, (dataset.id, dataset.digest, row, shape))


def _row(dataset: Dataset) -> int:
    """The training row that is chosen; of a data set that was replaced by a smaller one, the first."""
    row = int(session.widget_value(_chosen(dataset)) or 0)
    return row if row < len(dataset.y_train) else 0


def _chosen(dataset: Dataset) -> str:
    return f"augment-picture-{dataset.id}"
