"""A key is asked of everybody, and a browser signs in once."""

from urllib.parse import quote

import anyio
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient, WebSocketDenialResponse

from core.server import access
from core.server.access import AccessMiddleware
from core.server.key import MOST_WRONG_KEYS, Key, WrongKeys
from core.server.listening import listening_addresses

SECRET = "correct horse battery staple"
OWN = "http://box.example:8501"
BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
BEARER = {"Authorization": f"Bearer {SECRET}"}


async def page(request: Request) -> PlainTextResponse:
    return PlainTextResponse(f"page {request.url.path}?{request.url.query}")


async def stream(websocket) -> None:
    await websocket.accept()
    await websocket.close()


ROUTES = [
    WebSocketRoute("/_stcore/stream", stream),
    Route("/{path:path}", page, methods=["GET", "POST", "PUT", "DELETE", "OPTIONS"]),
]


@pytest.fixture(scope="module")
def key() -> Key:
    return Key(SECRET)


@pytest.fixture
def make_client(key, monkeypatch):
    """A client that does not follow redirects, of a server with this key and only local names allowed."""
    for name in ("WRONG_KEY_DELAY_SECONDS", "LATER_WRONG_KEY_DELAY_SECONDS"):
        monkeypatch.setattr(access, name, 0.0)

    def make(base_url: str = OWN, key: Key | None = key) -> TestClient:
        guard = Middleware(AccessMiddleware, allowed_hosts=lambda: ["localhost"], key=key)
        app = Starlette(routes=ROUTES, middleware=[guard])
        return TestClient(app, base_url=base_url, follow_redirects=False)

    return make


@pytest.fixture
def client(make_client) -> TestClient:
    return make_client()


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE"])
@pytest.mark.parametrize(
    "path",
    [
        "/", "/runs", "/api/v1/runs", "/static/js/index.js", "/_stcore/upload_file/a/b", "/media/a.png", "//",
        "/_stcore/metrics", "/_stcore/health/", "/_stcore/health/x", "/api/v1/health/../runs", "/%5Fstcore/stream",
    ],
)  # fmt: skip
def test_every_address_asks_for_the_key(client, method: str, path: str) -> None:
    answer = client.request(method, path)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.headers["cache-control"] == "no-store"
    assert "set-cookie" not in answer.headers
    assert client.request(method, path, headers=BEARER).status_code != 401


@pytest.mark.parametrize("path", ["/_stcore/health", "/api/v1/health"])
def test_health_is_nobodys_secret(client, path: str) -> None:
    assert client.get(path).status_code == 200


def test_every_name_is_answered_to_those_who_have_the_key(client) -> None:
    for host in ("localhost", "192.0.2.1:8501", "evil.example"):
        assert client.get("/", headers={"Host": host}).status_code == 401
        assert client.get("/", headers={**BEARER, "Host": host}).status_code == 200


@pytest.mark.parametrize(
    "authorization",
    ["Bearer", "Bearer ", "Bearer wrong", f"Basic {SECRET}", SECRET, f"Bearer {SECRET} x", "Bearer \xff"],
)
def test_another_header_is_no_key(client, authorization: str) -> None:
    answer = client.get("/api/v1/runs", headers={"Authorization": authorization.encode("latin-1")})
    assert (answer.status_code, answer.json()["field"]) == (401, None)


def test_the_key_in_the_address_is_not_looked_at(client) -> None:
    assert client.get("/", params={"key": SECRET, "token": SECRET}).status_code == 401


def test_a_browser_signs_in_once_and_gets_the_page_that_it_asked_for(client) -> None:
    asked = client.get("/runs?run=abc&x=%2F", headers=BROWSER)
    assert asked.status_code == 401
    assert 'method="post"' in asked.text and "action=" not in asked.text
    answer = client.post("/runs?run=abc&x=%2F", data={"key": f"{SECRET}\n"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/runs?run=abc&x=%2F")
    cookie = answer.headers["set-cookie"]
    assert (
        "HttpOnly" in cookie and "SameSite=lax" in cookie and "Path=/;" in cookie and "Secure" not in cookie
    )
    assert SECRET not in cookie
    assert client.get(answer.headers["location"]).text == "page /runs?run=abc&x=%2F"
    # The form sent once more, from a second tab, also leads to the page.
    assert client.post("/runs", data={"key": SECRET}).status_code == 303


def test_the_cookie_of_https_is_kept_from_http(make_client) -> None:
    answer = make_client("https://box.example").post("/", data={"key": SECRET})
    assert "; Secure" in answer.headers["set-cookie"]


@pytest.mark.parametrize(
    "path",
    [
        "//evil.example",
        "//evil.example/runs",
        "/\\evil.example",
        "/%2F/evil.example",
        "///evil.example",
        "/%5C%5Cevil.example",
    ],
)
def test_signing_in_leads_to_no_other_server(client, path: str) -> None:
    location = client.post(f"{OWN}{path}", data={"key": SECRET}).headers["location"]
    assert location.startswith("/evil.example")


def test_signing_out_takes_the_cookie(client) -> None:
    client.post("/", data={"key": SECRET})
    assert "Sign out" in client.get("/sign-out").text
    answer = client.post("/", data={"sign_out": "1"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert client.get("/", headers=BROWSER).status_code == 401


def test_a_wrong_key_is_said_on_the_page(client) -> None:
    answer = client.post("/runs", data={"key": "<wrong>"})
    assert answer.status_code == 401
    assert "That is not the key of this server" in answer.text
    assert "&lt;wrong&gt;" not in answer.text and "<wrong>" not in answer.text
    for body in (b"", b"\xff=\xff", b"&".join(b"a=1" for _ in range(20))):
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        assert client.post("/", content=body, headers=form).status_code == 401
    assert client.post("/", data={"key": "x" * 5000}).status_code == 413


def test_guesses_of_others_do_not_keep_the_right_key_out(client, monkeypatch) -> None:
    """Visitors behind one router or proxy come from one address."""
    for _ in range(2 * MOST_WRONG_KEYS):
        assert client.get("/api/v1/runs", headers={"Authorization": "Bearer guess"}).status_code == 401
    assert client.get("/api/v1/runs", headers=BEARER).status_code == 200
    assert client.post("/", data={"key": SECRET}).status_code == 303


@pytest.mark.parametrize("source", [{}, {"X-Forwarded-For": "192.0.2.1"}])
def test_wrong_keys_wait_longer_after_ten(client, monkeypatch, source) -> None:
    waited = []

    async def sleep(seconds: float) -> None:
        waited.append(seconds)

    monkeypatch.setattr(access, "WRONG_KEY_DELAY_SECONDS", 1.0)
    monkeypatch.setattr(access, "LATER_WRONG_KEY_DELAY_SECONDS", 10.0)
    monkeypatch.setattr(access.asyncio, "sleep", sleep)
    for number in range(MOST_WRONG_KEYS + 2):
        guess = {"Authorization": f"Bearer {number}", **source}
        assert client.get("/api/v1/runs", headers=guess).status_code == 401
    assert waited == [1.0] * MOST_WRONG_KEYS + [10.0] * 2
    monkeypatch.setattr(access, "MOST_WAITING", 0)
    answer = client.get("/api/v1/runs", headers={"Authorization": "Bearer guess", **source})
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "10")
    assert client.get("/api/v1/runs", headers={**BEARER, **source}).status_code == 200


def test_a_short_key_is_not_found_by_guessing(make_client, monkeypatch) -> None:
    now = 1000.0
    monkeypatch.setattr(access, "WrongKeys", lambda: WrongKeys(clock=lambda: now))
    client = make_client(key=Key("secret"))
    for number in range(MOST_WRONG_KEYS):  # another address each, as any local program may claim
        guess = {"Authorization": "Bearer guess", "X-Forwarded-For": f"192.0.2.{number}"}
        assert client.get("/api/v1/runs", headers=guess).status_code == 401
    headers = {"Authorization": "Bearer secret", "X-Forwarded-For": "192.0.2.99"}
    answer = client.get("/api/v1/runs", headers=headers)
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "600")
    assert "10 minutes" in answer.json()["error"]
    now += 250
    page = client.post("/", data={"key": "secret"}, headers={"X-Forwarded-For": "192.0.2.99"})
    assert (page.status_code, page.headers["retry-after"]) == (429, "350")
    assert "6 minutes" in page.text
    assert client.get("/").status_code == 401  # nothing was guessed here
    now += 350
    assert client.get("/api/v1/runs", headers=headers).status_code == 200


@pytest.mark.parametrize("secret", [b"correct horse \xc3\xa0", b"correct horse \xff\xa0"])
def test_a_key_of_any_bytes_is_taken(make_client, secret: bytes) -> None:
    client = make_client(key=Key(secret.decode(errors="surrogateescape")))
    statuses = []

    async def send(message):
        statuses.append(message.get("status"))

    headers = [(b"authorization", b"Bearer  " + secret + b"\t")]  # the client would write them in UTF-8
    scope = {"type": "http", "method": "GET", "path": "/", "query_string": b"", "headers": headers}
    anyio.run(client.app, scope, None, send)
    assert statuses[0] == 200
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    assert client.post("/", content=b"key=" + quote(secret).encode(), headers=form).status_code == 303
    assert client.post("/", content=b"key=" + quote(secret[:-1]).encode(), headers=form).status_code == 401


def test_those_who_are_signed_in_do_not_wait_for_others(client, key) -> None:
    client.cookies.set(key.cookie_name, key.sign_in())
    for _ in range(MOST_WRONG_KEYS):
        client.post("/", data={"key": "guess"})
    assert client.get("/").status_code == 200


def test_regulars_stay_signed_in(client, key, monkeypatch) -> None:
    client.cookies.set(key.cookie_name, key.sign_in())
    assert "set-cookie" not in client.get("/", headers=BROWSER).headers
    monkeypatch.setattr(access, "RENEWED_AFTER_SECONDS", -1)
    renewed = client.get("/", headers=BROWSER).headers["set-cookie"]
    assert renewed.startswith(f"{key.cookie_name}=in.") and "HttpOnly" in renewed
    assert "set-cookie" not in client.get("/api/v1/runs").headers
    # Nobody gets one for a cookie that is not good.
    assert "set-cookie" not in client.get("/", headers={**BROWSER, "Cookie": f"{key.cookie_name}=x"}).headers


def test_a_short_key_is_a_warning(make_client, key, caplog) -> None:
    for given, warned in ((key, False), (Key("secret"), True)):
        caplog.clear()
        with make_client(key=given):
            assert ("CONVDECK_TOKEN is short" in caplog.text) is warned
            assert "secret" not in caplog.text


def test_a_forged_or_foreign_cookie_is_nothing(client, key) -> None:
    for value in ("in", key.sign_in()[:-1], Key("another").sign_in()):
        assert client.get("/", headers={"Cookie": f"{key.cookie_name}={value}"}).status_code == 401
        assert client.get("/", headers={"Cookie": f"a b; ={value}; ü".encode()}).status_code == 401


def test_a_websocket_needs_the_key_and_its_own_page(client, key) -> None:
    def status(**headers: str) -> int:
        try:
            with client.websocket_connect("/_stcore/stream", headers={"Host": "box.example:8501", **headers}):
                return 101
        except WebSocketDenialResponse as denied:
            return denied.status_code

    assert status() == 401
    assert status(**BEARER) == 101
    cookie = {"Cookie": f"{key.cookie_name}={key.sign_in()}"}
    assert status(**cookie, Origin=OWN) == 101
    for origin in ("http://evil.example", "http://box.example:9999", "https://evil.example:8501", "null"):
        assert status(**cookie, Origin=origin) == 403


def test_another_page_uploads_and_signs_in_nothing(client, key) -> None:
    cookie = {"Cookie": f"{key.cookie_name}={key.sign_in()}"}
    for method, path in (
        ("PUT", "/_stcore/upload_file/a/b"),
        ("DELETE", "/"),
        ("POST", "/_stcore/agent/interact"),
    ):
        assert client.request(method, path, headers={**cookie, "Origin": OWN}).status_code != 403
        assert (
            client.request(method, path, headers={**cookie, "Origin": "http://box.example"}).status_code
            == 403
        )
    answer = client.post("/", data={"key": SECRET}, headers={"Origin": "http://evil.example"})
    assert answer.status_code == 403 and "set-cookie" not in answer.headers


def test_without_a_key_another_page_opens_no_websocket_either(make_client) -> None:
    client = make_client("http://localhost:8501", None)

    def opens(**headers: str) -> bool:
        try:
            with client.websocket_connect("/_stcore/stream", headers={"Host": "localhost:8501", **headers}):
                return True
        except WebSocketDenialResponse as denied:
            assert denied.status_code == 403
            return False

    assert opens()
    assert opens(Origin="http://localhost:8501")
    # Streamlit itself takes any page of localhost, on every port, for its own.
    for origin in ("http://localhost:3000", "http://127.0.0.1:8501", "null", "http://evil.example"):
        assert not opens(Origin=origin)
    assert not opens(Host="evil.example")


def test_a_connection_from_outside_is_refused_where_there_is_no_key(make_client) -> None:
    client = make_client("http://192.0.2.1:8501", None)
    for path in ("/", "/api/v1/runs"):
        assert client.get(path, headers={"Host": "localhost"}).status_code == 403
    assert client.get("/_stcore/health").status_code == 200


def test_a_server_without_a_key_does_not_start_where_others_reach_it(make_client, key, monkeypatch) -> None:
    assert ("0.0.0.0", 8501) not in listening_addresses()
    monkeypatch.setattr(access, "listening_addresses", lambda: [("0.0.0.0", 8501)])
    with make_client():
        pass
    failed = []

    async def send(message):
        failed.append(message)

    async def receive():
        return {"type": "lifespan.startup"}

    app = make_client(key=None).app
    anyio.run(app, {"type": "lifespan", "app": app, "state": {}}, receive, send)
    assert [message["type"] for message in failed] == ["lifespan.startup.failed"]
    assert "CONVDECK_TOKEN" in failed[0]["message"]


def test_no_server_starts_under_a_path(key) -> None:
    """Streamlit would put its routes there, and REST and uploads would stay at the root."""
    sent = []

    async def send(message):
        sent.append(message)

    async def receive():
        return {"type": "lifespan.startup"}

    for given in (key, None):
        guard = AccessMiddleware(Starlette(), allowed_hosts=list, key=given, base_path="/deck/")
        anyio.run(guard, {"type": "lifespan", "state": {}}, receive, send)
        message = sent.pop()
        assert message["type"] == "lifespan.startup.failed" and not sent
        assert "server.baseUrlPath is '/deck/'" in message["message"]
