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
from core.bundles.importing import import_bundle, imported_in_words
from core.bundles.model_card import run_card
from core.bundles.packing import bundle_name, export_bundle
from core.errors import UserError
from core.export.formats import BUNDLE, SCRIPT
from core.inspection.run_export import zipped_export
from core.inspection.run_script import script_name, script_of
from core.runs.documents import run_summary
from core.server.services import Services, get_services
from core.store.records import Run

MAX_BYTES = 200_000_000
RECEIPT = "ConvDeck-Receipt"  # a header: whether the file's answers are those of the run


def routes() -> list[Route]:
    """The route that takes a bundle in, and that of exports: `?format=` is one of `core.export.formats.CHOICES`."""
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
    """The one file of a multipart form."""
    return await answer_files(
        request, lambda: True, _take, most=1, max_bytes=MAX_BYTES, what="The bundle is", line=SLOW_WORK
    )


def _take(files: list[UploadFile], form: FormData) -> Any:
    if len(files) != 1:
        raise UserError("Send one bundle as a file of a multipart form.")
    services = get_services()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bundle.zip"
        with path.open("wb") as out:
            shutil.copyfileobj(files[0].file, out)
        run = import_bundle(services.workspace, services.store, path, files[0].filename)
    return {**run_summary(run), "notes": imported_in_words(services.workspace, run)}
