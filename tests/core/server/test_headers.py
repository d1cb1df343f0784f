"""What browsers are told about each answer."""

import base64
import hashlib

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import HTMLResponse, PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from core.server.access import AccessMiddleware
from core.server.headers import content_security_policy


async def page(request) -> PlainTextResponse:
    return PlainTextResponse("a page")


async def own(request) -> HTMLResponse:
    return HTMLResponse(
        "", headers={"Content-Security-Policy": "default-src 'none'", "X-Frame-Options": "SAMEORIGIN"}
    )


def test_every_answer_says_what_browsers_must_not_do() -> None:
    guard = Middleware(AccessMiddleware, allowed_hosts=lambda: ["localhost"], policy="default-src 'self'")
    app = Starlette(routes=[Route("/", page), Route("/own", own)], middleware=[guard])
    with TestClient(app, base_url="http://localhost") as client:
        refused = client.get("/", headers={"Host": "evil.example"})
        assert refused.status_code == 421
        for answer in (client.get("/"), client.get("/nothing"), refused):
            assert answer.headers["x-frame-options"] == "DENY"
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert answer.headers["referrer-policy"] == "same-origin"
            assert answer.headers["content-security-policy"] == "default-src 'self'"
        kept = client.get("/own").headers
        assert (kept["content-security-policy"], kept["x-frame-options"]) == (
            "default-src 'none'",
            "SAMEORIGIN",
        )


def test_only_the_scripts_of_the_page_itself_run() -> None:
    script = "\n      window.ready = false\n    "
    policy = content_security_policy(f'<script>{script}</script><script src="a.js"></script>')
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    scripts = next(part for part in policy.split("; ") if part.startswith("script-src"))
    assert scripts == f"script-src 'self' 'wasm-unsafe-eval' 'sha256-{digest}'"
    assert "frame-ancestors 'none'" in policy.split("; ")
