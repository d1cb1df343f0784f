"""Frames survive a pipe; what is no frame ends in EOFError."""

import io
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays_of

from core.system.frames import read_frame, write_frame

arrays = st.dictionaries(
    st.text(max_size=8),
    arrays_of.arrays(
        st.sampled_from([np.uint8, np.float32, np.int64]),
        arrays_of.array_shapes(min_dims=0, max_dims=4, min_side=0),
    ),
    max_size=3,
)
documents = st.dictionaries(
    st.text(max_size=8), st.none() | st.integers() | st.text() | st.booleans(), max_size=4
)


@given(st.lists(st.tuples(documents, arrays), max_size=3))
def test_frames_come_out_as_they_went_in(frames) -> None:
    stream = io.BytesIO()
    for document, parts in frames:
        write_frame(stream, document, parts)
    stream.seek(0)
    for document, parts in frames:
        read_document, read_parts = read_frame(stream)
        assert read_document == document
        assert list(read_parts) == list(parts)
        for name, part in parts.items():
            assert read_parts[name].dtype == part.dtype
            np.testing.assert_array_equal(read_parts[name], part)
    with pytest.raises(EOFError):
        read_frame(stream)


@given(st.integers(0, 200))
def test_a_frame_cut_anywhere_is_the_end_of_the_stream(length: int) -> None:
    stream = io.BytesIO()
    write_frame(stream, {"method": "decode"}, {"0": np.arange(40, dtype=np.uint8)})
    whole = stream.getvalue()
    with pytest.raises(EOFError):
        read_frame(io.BytesIO(whole[: min(length, len(whole) - 1)]))


def test_a_length_that_no_frame_has_is_refused_before_anything_is_read() -> None:
    with pytest.raises(EOFError):
        read_frame(io.BytesIO(struct.pack(">Q", 2**60)))
