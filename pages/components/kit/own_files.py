"""Picture files that a visitor has uploaded: held for the visit, so that another page and back does not lose them.

Streamlit's own field forgets its files with its page, and its server keeps their bytes until the visit ends. So a file
is taken out of both as soon as it is there: of each place no more is held than it says.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.uploaded_file_manager import UploadedFile

from core.formatting import count_of, listed
from core.images import MAX_FILE_BYTES
from pages.components.kit import session
from pages.components.kit.text import literal

# Of each place and visitor, in the server's memory: for a class of thirty, 2 GB if all of them fill it.
MOST_BYTES = 64_000_000


@dataclass(frozen=True)
class OwnFile:
    """A file as it was uploaded; `id` is the SHA-256 of its name and its bytes."""

    id: str
    name: str
    data: bytes = field(repr=False)


@dataclass(frozen=True)
class Room:
    """A place where a visitor's files are held: its name, and how many files and bytes of all together."""

    name: str
    most_files: int
    most_bytes: int = MOST_BYTES

    @property
    def key(self) -> str:
        """Of the field. Another key is an empty field: what was uploaded is shown elsewhere."""
        return f"{self.name}-{session.widget_value(self._emptied, 0)}"

    @property
    def _emptied(self) -> str:
        return f"{self.name}-emptied"

    def held(self) -> Sequence[OwnFile]:
        """The files that are held, in the order in which they came."""
        return session.widget_value(f"{self.name}-held") or ()

    def hold(self, files: Sequence[OwnFile]) -> None:
        """These and no others."""
        session.set_widget(f"{self.name}-held", tuple(files))

    def remove(self, file_id: str) -> None:
        """Let go of one."""
        self.hold([each for each in self.held() if each.id != file_id])

    def clear(self) -> None:
        """Let go of all."""
        self.hold(())

    def take(self, key: str) -> None:
        """The callback of the field `key`: hold what was uploaded, as far as there is room, and empty the field."""
        uploads = _there(session.widget_value(key))
        if not uploads:
            return
        held = {each.id: each for each in self.held()}
        refused = []
        for upload in uploads:
            file = _file(upload)
            _take_out(upload)
            size = sum(len(each.data) for each in held.values()) + len(file.data)
            if file.id not in held and (len(held) >= self.most_files or size > self.most_bytes):
                refused.append(upload.name)
            else:
                held.setdefault(file.id, file)
        if refused:
            session.flash(
                f"Not kept: {literal(listed(refused, 3))}. At most {self.in_words()} are kept. Remove some first."
            )
        self.hold(list(held.values()))
        session.set_widget(self._emptied, session.widget_value(self._emptied, 0) + 1)

    def replace(self, key: str) -> None:
        """The same for a place of one file, where the new one takes the place of the one before."""
        if _there(session.widget_value(key)):
            self.clear()
            self.take(key)

    def follow(self, key: str) -> None:
        """The callback of a camera, for a place of one file: hold the photo that it shows, which it shows itself."""
        found = session.widget_value(key)
        if found is None or _there(found):
            self.hold([_file(photo) for photo in _there(found)])

    def in_words(self) -> str:
        """How much is held at most: `8 files` or `5,000 files and 64 MB`."""
        count = count_of(self.most_files, "file")
        return (
            count
            if self.most_bytes >= self.most_files * MAX_FILE_BYTES
            else f"{count} and {self.most_bytes / 1e6:,.0f} MB"
        )


def _there(found: Any) -> list[UploadedFile]:
    """The files of a field. After one was taken out, the browser names it once more, and Streamlit has a stand-in
    without bytes for it, which to it is a change.
    """
    return [
        each for each in (found if isinstance(found, list) else [found]) if isinstance(each, UploadedFile)
    ]


def _file(upload: UploadedFile) -> OwnFile:
    """Of a file that is too large, one byte more than is decoded: the decoder refuses it, in words."""
    data = upload.getvalue()[: MAX_FILE_BYTES + 1]
    return OwnFile(hashlib.sha256(upload.name.encode() + b"\0" + data).hexdigest(), upload.name, data)


def _take_out(upload: UploadedFile) -> None:
    """Of the memory of Streamlit's server."""
    context = get_script_run_ctx()
    if context is not None:
        context.uploaded_file_mgr.remove_file(context.session_id, upload.file_id)


def upload_field(room: Room, label: str, *, several: bool = True, hidden_label: bool = False) -> None:
    """The field. It takes files of any ending: what a picture is, the decoder says, in a sentence per file."""
    key = room.key
    st.file_uploader(
        label, accept_multiple_files=several, key=key, on_change=room.take if several else room.replace, args=(key,),
        label_visibility="collapsed" if hidden_label else "visible",
    )  # fmt: skip
