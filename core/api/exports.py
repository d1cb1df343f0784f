"""REST about a run's best model as a file for use elsewhere, and a script that trains it again."""

import shutil
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from core.api.capacity import RETRY_SECONDS, SLOW_WORK, busy
from core.api.responses import answer, answer_files
from core.api.streams import MOST_DOWNLOADS, download, num_downloads
from core.bundles.arrivals import Wishes, import_any, parse_format, runs_in_words
from core.bundles.model_card import run_card
from core.bundles.packing import bundle_name, export_bundle
from core.errors import UserError
from core.export.formats import BUNDLE, SCRIPT
from core.foreign.reading import Given
from core.inspection.run_export import zipped_export
from core.inspection.run_script import script_name, script_of
from core.runs.documents import run_summary
from core.server.services import Services, get_services
from core.store.records import Run

MAX_BYTES = 200_000_000
MAX_FILES = 20  # of one import
RECEIPT = "ConvDeck-Receipt"  # a header: whether the file's answers are those of the run


def routes() -> list[Route]:
    """The route that takes a bundle in, or what another tool has recorded; and that of exports, where `?format=` is one
    of `core.export.formats.CHOICES`.
    """
    return [
        Route("/api/v1/runs/{id}/export", _export, methods=["GET"]),
        Route("/api/v1/imports", _import, methods=["POST"]),
    ]


async def _export(request: Request) -> Response:
    """A zip, which takes seconds to make and is sent from disk; of a script, the file itself."""
    asked = request.query_params.get("format", "")

    def export() -> Response:
        services = get_services()
        run = services.store.get_run(request.path_params["id"])
        if asked == SCRIPT.name:
            return _script(services, run)
        if num_downloads() >= MOST_DOWNLOADS:
            return busy(
                f"{MOST_DOWNLOADS} files are being sent already. Try again in {RETRY_SECONDS} seconds."
            )
        return _bundle(services, run) if asked == BUNDLE.name else _model(services, run, asked)

    return await answer(export, line=SLOW_WORK)


def _script(services: Services, run: Run) -> Response:
    text = script_of(services.workspace, services.store, run).text
    headers = {"Content-Disposition": f'attachment; filename="{script_name(run)}"'}
    return Response(text.encode(), media_type="text/x-python", headers=headers)


def _bundle(services: Services, run: Run) -> Response:
    def make(folder: Path) -> Path:
        out = folder / bundle_name(run)
        return export_bundle(services.workspace, services.store, services.engine, run.id, out).path

    return download(make, "application/zip")


def _model(services: Services, run: Run, export_format: str) -> Response:
    workspace, engine, passed = services.workspace, services.engine, False

    def make(folder: Path) -> Path:
        nonlocal passed
        card = partial(run_card, workspace, services.store, engine, run)
        path, passed = zipped_export(workspace, engine, run, export_format, folder, card)
        return path

    answered = download(make, "application/zip")
    answered.headers[RECEIPT] = "passed" if passed else "failed"
    return answered


async def _import(request: Request) -> Response:
    """A bundle alone, or files of another tool, in a multipart form."""
    return await answer_files(
        request,
        lambda: True,
        _take,
        most=MAX_FILES,
        max_bytes=MAX_BYTES,
        what="The files are",
        line=SLOW_WORK,
    )


def _take(files: list[UploadFile], form: FormData) -> Any:
    if not files:
        raise UserError("Send a bundle, or files that another tool has recorded, in a multipart form.")
    services = get_services()
    with tempfile.TemporaryDirectory() as folder:
        given = []
        for number, file in enumerate(files):
            path = Path(folder) / f"file-{number}"  # its own name says something to people alone
            with path.open("wb") as out:
                shutil.copyfileobj(file.file, out)
            given.append(Given(path, file.filename or "file"))
        runs = import_any(services.workspace, services.store, given, _wishes(form))
    notes = runs_in_words(services.workspace, services.store, runs)
    return {**run_summary(runs[0]), "notes": notes, "runs": [run.id for run in runs]}


def _wishes(form: FormData) -> Wishes:
    texts = {key: value for key, value in form.items() if isinstance(value, str) and value.strip()}
    pictures = texts.get("validation_pictures")
    if pictures is not None and not (pictures.isascii() and pictures.isdigit() and len(pictures) < 12):
        raise UserError(f"validation_pictures must be a whole number, not {pictures[:40]!r}.")
    return Wishes(
        parse_format(texts.get("format")), texts.get("name"), None if pictures is None else int(pictures)
    )
