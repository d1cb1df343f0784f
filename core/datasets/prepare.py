"""Makes a data set available: draws it, or downloads its official archives and checks them."""

import hashlib
import http.client
import shutil
import urllib.error
import urllib.request
from pathlib import Path

from filelock import FileLock, Timeout

from core.datasets.catalogue import SHAPES_TEST, SHAPES_TRAIN, SOURCES, Archive, Source
from core.datasets.readers import Arrays, read_official
from core.datasets.saving import save_dataset
from core.datasets.shapes import draw_shapes
from core.datasets.storage import Dataset, Progress, Report, check_is_free, is_ready, load_dataset
from core.errors import DatasetError
from core.workspace import Workspace

TIMEOUT_SECONDS = 30.0
ATTEMPTS = 4  # without any progress; one that brings a part does not count
CHUNK_BYTES = 1 << 16


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
            f"There is no data set {dataset_id} here. Available by name: {', '.join(SOURCES)}. "
            f"Import your own from a file or folder: python -m core datasets add {dataset_id} PATH"
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
    """The default where no progress is asked for."""


def download_official(workspace: Workspace, source: Source, report: Report) -> Arrays:
    """The arrays of `source`, downloading what is not here. The caller holds the data set's lock.

    The archives stay until `forget_download`, so that a full disk does not cost the download too.

    Raises:
        DatasetError: a server cannot be reached or gives something else; what has come so far is kept.
    """
    folder = _folder(workspace, source)
    folder.mkdir(parents=True, exist_ok=True)
    paths = [_fetch(archive, folder, source, report) for archive in source.archives]
    report(Progress(f"Unpacking {source.title}"))
    return read_official(source, paths)


def forget_download(workspace: Workspace, source: Source) -> None:
    """Delete the archives of a data set that is stored now."""
    shutil.rmtree(_folder(workspace, source), ignore_errors=True)


def _folder(workspace: Workspace, source: Source) -> Path:
    return workspace.datasets / f".{source.id}.download"


def _fetch(archive: Archive, folder: Path, source: Source, report: Report) -> Path:
    path = folder / archive.file_name
    problem, failures, furthest = "", 0, 0
    while failures < ATTEMPTS:
        have = path.stat().st_size if path.exists() else 0
        try:
            _download_rest(archive, path, have, source, report)
        except (OSError, EOFError, ValueError, http.client.HTTPException) as error:
            problem = str(getattr(error, "reason", error))
        else:
            # Always judged from the disk: after a power cut a file can have its size and not its content.
            if _digest(path, archive.algorithm) == archive.digest:
                return path
            problem = "the downloaded file is not the official one"
            path.unlink()
            if have == 0:
                break
        now = path.stat().st_size if path.exists() else 0
        failures = 0 if now > furthest else failures + 1
        furthest = max(now, furthest)
    raise DatasetError(
        f"{source.title} could not be downloaded from {archive.url} ({problem}). Try again later: the download "
        f"continues where it stopped. Or import a file that you have: python -m core datasets add {source.id} PATH"
    )


def _download_rest(archive: Archive, path: Path, have: int, source: Source, report: Report) -> None:
    """Append what is missing of the archive to `path`. Raises EOFError when the connection ends early."""
    if have == archive.size_bytes:
        return
    request = urllib.request.Request(archive.url, headers={"User-Agent": "ConvDeck"})
    if 0 < have < archive.size_bytes:
        request.add_header("Range", f"bytes={have}-")
    with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as response:
        # A server that does not know ranges sends everything: begin again.
        resumes = response.status == 206
        have = have if resumes else 0
        with path.open("ab" if resumes else "wb") as stream:
            while chunk := response.read(CHUNK_BYTES):
                have += len(chunk)
                if have > archive.size_bytes:
                    break
                stream.write(chunk)
                report(Progress(f"Downloading {source.title}", have, archive.size_bytes))
    if have < archive.size_bytes:
        raise EOFError("the connection ended early")


def _digest(path: Path, algorithm: str) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, algorithm).hexdigest()
