"""Downloads the official archives: resumed when cut, checked against size and digest, kept only when whole."""

import hashlib
import urllib.error
import urllib.request
from pathlib import Path

from core.datasets.catalogue import Archive, Source
from core.datasets.readers import Arrays, read_official
from core.datasets.storage import Progress, Report
from core.errors import DatasetError
from core.workspace import Workspace

TIMEOUT_SECONDS = 30.0
ATTEMPTS = 4
CHUNK_BYTES = 1 << 16


def download_official(workspace: Workspace, source: Source, report: Report) -> Arrays:
    """The arrays of `source`, downloading what is not here. The caller holds the data set's lock.

    Raises:
        DatasetError: a server cannot be reached or gives something else; what has come so far is kept.
    """
    folder = workspace.datasets / f".{source.id}.download"
    folder.mkdir(parents=True, exist_ok=True)
    paths = [_fetch(archive, folder, source, report) for archive in source.archives]
    report(Progress(f"Unpacking {source.title}"))
    arrays = read_official(source, paths)
    for path in paths:
        path.unlink(missing_ok=True)
    folder.rmdir()
    return arrays


def _fetch(archive: Archive, folder: Path, source: Source, report: Report) -> Path:
    whole, part = folder / archive.file_name, folder / f"{archive.file_name}.part"
    if whole.exists():
        return whole
    problem = ""
    for _ in range(ATTEMPTS):
        try:
            _go_on(archive, part, source, report)
        except (urllib.error.URLError, OSError, EOFError) as error:
            problem = str(getattr(error, "reason", error))
            continue
        if part.stat().st_size == archive.size_bytes and _digest(part, archive.algorithm) == archive.digest:
            part.rename(whole)
            return whole
        problem = "what came is not the official file"
        part.unlink()
    raise DatasetError(
        f"{source.title} could not be downloaded from {archive.url} ({problem}). Try again later: it goes on where "
        f"it was cut. Or import a file you have: python -m core datasets add {source.id} PATH"
    )


def _go_on(archive: Archive, part: Path, source: Source, report: Report) -> None:
    """Append what is missing of `part`. Raises EOFError when the connection ends early."""
    have = part.stat().st_size if part.exists() else 0
    if have >= archive.size_bytes:
        if have > archive.size_bytes:
            part.unlink()
            raise EOFError("too much came")
        return
    request = urllib.request.Request(archive.url, headers={"User-Agent": "ConvDeck"})
    if have:
        request.add_header("Range", f"bytes={have}-")
    with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as response:
        # A server that does not know ranges sends everything: begin again.
        resumes = have > 0 and response.status == 206
        have = have if resumes else 0
        with part.open("ab" if resumes else "wb") as stream:
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
