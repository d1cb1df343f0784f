"""REST about alerts: list, add, remove, test, and the log of their messages. Visitors of a class see none of it."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from core.alerts.rules import add_rule, delivery_document, rule_document, send_test
from core.api.pages import listed
from core.api.responses import answer_body, parse_body, route
from core.errors import NotAllowed
from core.server.services import Services, get_services
from core.system.addresses import FORWARDED, is_loopback
from core.visitors.person import check_not_visitor


def routes() -> list[Route]:
    """The routes under `/api/v1/alerts`."""
    return [
        route("/api/v1/alerts", "GET", _list),
        Route("/api/v1/alerts", _add, methods=["POST"]),
        route("/api/v1/alerts/log", "GET", _log),
        route("/api/v1/alerts/{name}", "DELETE", _remove),
        route("/api/v1/alerts/{name}/test", "POST", _test),
    ]


def is_from_here(request: Request) -> bool:
    """Whether a program on this computer sent it, and for no one else, as far as that can be told."""
    host = request.client.host if request.client else ""
    return is_loopback(host) and not any(name in request.headers for name in FORWARDED)


def _list(services: Services, request: Request) -> Any:
    check_not_visitor("see the alerts")
    return [rule_document(rule) for rule in services.store.alerts.list_rules()]


async def _add(request: Request) -> Response:
    """`{"name": NAME, "on": [KIND, …], "webhook": URL}`. A command is set on the computer itself."""

    def add(body: bytes) -> Any:
        asked = parse_body(body, {"name", "on", "webhook", "command"})
        if "command" in asked:
            check_not_visitor("change alerts")
            raise NotAllowed(
                "A command cannot be set by REST. Set it on this computer: with python -m core alerts add, or on its "
                "System page."
            )
        rule = add_rule(
            get_services().store, asked.get("name", ""), asked.get("on", []), webhook=asked.get("webhook", ""),
            is_local=is_from_here(request),
        )  # fmt: skip
        return rule_document(rule)

    return await answer_body(request, add)


def _remove(services: Services, request: Request) -> Any:
    check_not_visitor("change alerts")
    return rule_document(services.store.alerts.remove_rule(request.path_params["name"]))


def _test(services: Services, request: Request) -> Any:
    return delivery_document(send_test(services.store, request.path_params["name"]))


def _log(services: Services, request: Request) -> Any:
    check_not_visitor("see the alerts")
    found = services.store.alerts.log()
    return listed(request, found, lambda log: [delivery_document(each) for each in log])
