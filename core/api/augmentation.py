"""REST about augmentation: a batch as training makes it, and how robust a run is."""

from typing import Any

from starlette.requests import Request
from starlette.routing import Route

from core.api.capacity import QUESTIONS, SLOW_WORK
from core.api.responses import route
from core.augmentation.batch_document import batch_document, png_base64
from core.augmentation.robustness import measure_robustness
from core.datasets.identity import check_same_data
from core.datasets.storage import load_dataset
from core.errors import ConfigError
from core.server.services import Services

MOST_PICTURES = 256


def routes() -> list[Route]:
    """The routes beneath a run that are about its augmentation."""
    return [
        route("/api/v1/runs/{id}/batch", "GET", _batch, QUESTIONS),
        route("/api/v1/runs/{id}/robustness", "GET", _robustness, SLOW_WORK),
    ]


def _batch(services: Services, request: Request) -> Any:
    run = services.store.get_run(request.path_params["id"])
    check_same_data(services.workspace, run)
    epoch, step = (_whole(request, name) for name in ("epoch", "step"))
    config = run.trained_config
    batch = services.engine.batch(config, epoch - 1, step - 1, MOST_PICTURES)
    document = batch_document(batch, config, epoch, step)
    for shown, pixels in zip(document["shown"], batch.images, strict=True):
        shown["png"] = png_base64(pixels)
    return document


def _robustness(services: Services, request: Request) -> Any:
    run = services.store.get_run(request.path_params["id"])
    stored = load_dataset(services.workspace, run.dataset).image_shape
    shape = run.config.dataset.picture_shape(stored)
    knob = request.query_params.get("knob", "rotation")
    *_, found = measure_robustness(services.workspace, services.engine, run, knob, shape)
    return found.to_dict()


def _whole(request: Request, name: str) -> int:
    """The number of the query, 1 where it is not there."""
    text = request.query_params.get(name, "1")
    try:
        return int(text) if len(text) <= 9 else int("none")
    except ValueError:
        raise ConfigError(name, f"must be a whole number of 1 or more, not {text[:40]!r}.") from None
