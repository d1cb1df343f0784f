"""Bring a data set to hand: draw it, or download it."""

from filelock import FileLock, Timeout

from core.datasets.catalogue import SHAPES_TEST, SHAPES_TRAIN, SOURCES
from core.datasets.official import download_official, forget_download
from core.datasets.readers import Arrays
from core.datasets.shapes import draw_shapes
from core.datasets.storage import (
    Dataset,
    Progress,
    Report,
    check_is_free,
    is_ready,
    load_dataset,
    save_dataset,
)
from core.errors import DatasetError
from core.workspace import Workspace


def ensure_dataset(workspace: Workspace, dataset_id: str, progress: Report | None = None) -> Dataset:
    """The data set, drawn or downloaded first if it is not here yet. Two callers at once do it once.

    Raises:
        DatasetError: it is neither here nor known, or the download failed; what was downloaded is kept.
    """
    if is_ready(workspace, dataset_id):
        return load_dataset(workspace, dataset_id)
    source = SOURCES.get(dataset_id)
    if source is None:
        raise DatasetError(
            f"There is no data set {dataset_id} here. Known by name are {', '.join(SOURCES)}; "
            f"your own come from a file or folder: python -m core datasets add {dataset_id} PATH"
        )
    report = progress or _ignore
    workspace.ensure()
    lock = FileLock(workspace.datasets / f".{dataset_id}.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        report(Progress(f"Waiting: {source.title} is being prepared already"))
        lock.acquire()
    try:
        if is_ready(workspace, dataset_id):
            return load_dataset(workspace, dataset_id)
        check_is_free(workspace, dataset_id)  # what is there is damaged: say so before the download
        if source.kind == "drawn":
            report(Progress("Drawing Shapes"))
            x_train, y_train = draw_shapes(SHAPES_TRAIN, 0)
            x_test, y_test = draw_shapes(SHAPES_TEST, 1)
            arrays: Arrays = {"x_train": x_train, "y_train": y_train, "x_test": x_test, "y_test": y_test}
        else:
            arrays = download_official(workspace, source, report)
        dataset = save_dataset(
            workspace, source.id, source.title, source.description, source.class_names, arrays
        )
        forget_download(workspace, source)
        return dataset
    finally:
        lock.release()


def _ignore(progress: Progress) -> None:
    """Nobody wants to know."""
