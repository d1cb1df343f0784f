"""What each picture of an imported data set was called."""

import io

import numpy as np
from PIL import Image

from core.datasets.file_names import FILES, file_names, file_of
from core.datasets.prepare import ensure_dataset
from core.importing.importing import import_here
from core.importing.reading import Reading
from tests.core.importing.made import make_folder, make_zip, pictures


def test_each_row_has_the_file_that_its_pixels_come_from(workspace, tmp_path) -> None:
    entries = pictures("cats", "dogs")
    make_folder(tmp_path / "pets", entries)
    dataset = import_here(workspace, "pets", tmp_path / "pets", Reading(12))
    files = file_names(workspace, "pets")
    assert sorted(files) == sorted(entries)
    for stored, file in zip([*dataset.x_test, *dataset.x_train], files, strict=True):
        np.testing.assert_array_equal(stored, np.asarray(Image.open(io.BytesIO(entries[file]))))


def test_of_a_zip_too(workspace, tmp_path) -> None:
    entries = pictures("cats", "dogs")
    import_here(workspace, "pets", make_zip(tmp_path / "pets.zip", entries))
    assert sorted(file_names(workspace, "pets")) == sorted(entries)


def test_where_they_are_not_known_nothing_is_said(workspace) -> None:
    ensure_dataset(workspace, "shapes")
    assert file_names(workspace, "shapes") == file_names(workspace, "missing") == ()
    (workspace.datasets / "shapes" / FILES).write_text('{"x_test": 3}')
    assert file_names(workspace, "shapes") == ()
    assert (file_of((), 0), file_of(("a.png",), 0), file_of(("a.png",), 1)) == (None, "a.png", None)
