"""REST about a trained run's answers: how good they are, and which are wrong."""

import re
from typing import Any

from starlette.requests import Request
from starlette.routing import Route

from core.api.responses import route
from core.errors import UserError
from core.inspection.answers import BEST, answers_of
from core.inspection.confusions import confusions_document
from core.inspection.evaluation import evaluate, evaluation_document
from core.inspection.mistakes import mistakes_of
from core.server.services import Services

LIMIT = re.compile(r"[1-9][0-9]{0,8}")


def routes() -> list[Route]:
    """The routes under `/api/v1/runs/{id}`. Where the engine is asked, `?split=validation|test` and
    `?epoch=N|best|last` say what.
    """
    return [
        route("/api/v1/runs/{id}/evaluate", "GET", _evaluate, asks_engine=True),
        route("/api/v1/runs/{id}/mistakes", "GET", _mistakes, asks_engine=True),
        route("/api/v1/runs/{id}/confusions", "GET", _confusions),
    ]


def _evaluate(services: Services, request: Request) -> Any:
    run, asked = services.store.get_run(request.path_params["id"]), request.query_params
    split, epoch = asked.get("split", "test"), asked.get("epoch", BEST)
    return evaluation_document(run.id, evaluate(services.workspace, services.engine, run, split, epoch))


def _mistakes(services: Services, request: Request) -> Any:
    """Also `?by=loss|confidence|doubt`, and `?limit=N`: the first N alone."""
    run, asked = services.store.get_run(request.path_params["id"]), request.query_params
    split, epoch, limit = asked.get("split", "test"), asked.get("epoch", BEST), asked.get("limit")
    most = None if limit is None else _limit_of(limit)
    answers = answers_of(services.workspace, services.engine, run, split, epoch)
    return [each.to_json() for each in mistakes_of(answers, asked.get("by", "loss"), most)]


def _confusions(services: Services, request: Request) -> Any:
    run = services.store.get_run(request.path_params["id"])
    return confusions_document(services.workspace, run, services.store.breakdowns.confusions(run.id))


def _limit_of(text: str) -> int:
    if not LIMIT.fullmatch(text):
        raise UserError(f"limit must be a whole number from 1 to 999999999, not {text[:20]!r}.")
    return int(text)
