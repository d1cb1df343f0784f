"""A class: visitors join with a key of their own and a name, and stay who they are."""

import html
import re
import time

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient, WebSocketDenialResponse

from core.server import access
from core.server.access import AccessMiddleware
from core.server.key import RENEWED_AFTER_SECONDS, SIGNED_IN_SECONDS, Key
from core.visitors.person import PERSON_HEADER, Person, acting_person

SECRET = "correct horse battery staple"
BEARER = {"Authorization": f"Bearer {SECRET}"}
BROWSER = {"Accept": "text/html"}


async def tell(request: Request) -> JSONResponse:
    person = acting_person()
    return JSONResponse([person.role, person.id, request.headers.getlist(PERSON_HEADER), request.url.query])


async def tell_socket(websocket) -> None:
    await websocket.accept()
    await websocket.send_json([acting_person().role, websocket.headers.getlist(PERSON_HEADER)])
    await websocket.close()


ROUTES = [
    WebSocketRoute("/_stcore/stream", tell_socket),
    Route("/{path:path}", tell, methods=["GET", "POST", "DELETE"]),
]


@pytest.fixture(scope="module")
def key() -> Key:
    return Key(SECRET, is_class=True)


@pytest.fixture
def make_client(workspace, monkeypatch):
    for name in ("WRONG_KEY_DELAY_SECONDS", "LATER_WRONG_KEY_DELAY_SECONDS"):
        monkeypatch.setattr(access, name, 0.0)

    def make(key: Key) -> TestClient:
        app = Starlette(routes=ROUTES, middleware=[Middleware(AccessMiddleware, list, key)])
        return TestClient(app, base_url="http://box.example:8501", follow_redirects=False)

    return make


def join(client: TestClient, key: Key, name: str, path: str = "/"):
    return client.post(path, data={"key": key.join_key, "name": name})


def test_a_join_key_can_be_typed_from_a_blackboard_and_says_nothing_of_the_secret(key):
    assert re.fullmatch("[a-z2-9]{4}-[a-z2-9]{4}", key.join_key)
    assert not set("01ilo") & set(key.join_key)
    assert Key(SECRET, is_class=True).join_key == key.join_key
    assert Key("another", is_class=True).join_key != key.join_key
    assert Key(SECRET).join_key is None
    for typed in (
        key.join_key,
        key.join_key.upper(),
        key.join_key.replace("-", ""),
        key.join_key.replace("-", " "),
    ):
        assert key.admits(typed.encode())
    for wrong in ("", "-", key.join_key[:-1], key.join_key + "a", SECRET):
        assert not key.admits(wrong.encode())
    assert not key.matches(key.join_key.encode())
    assert not Key(SECRET).admits(key.join_key.encode()) and not Key(SECRET).admits(b"")


def test_a_link_asks_for_a_name_and_lets_in_by_it(make_client, key, store):
    client = make_client(key)
    asked = client.get(f"/?lesson=noise&join={key.join_key}", headers=BROWSER)
    assert asked.status_code == 401 and "Join the class" in asked.text and "<script" not in asked.text
    assert f'type="hidden" name="key" value="{key.join_key}"' in asked.text
    made = re.search(r'name="name" value="([A-Z][a-z]+ [A-Z][a-z]+)"', asked.text)[1]
    answer = client.post(f"/?lesson=noise&join={key.join_key}", data={"key": key.join_key, "name": made})
    assert (answer.status_code, answer.headers["location"]) == (303, "/?lesson=noise")
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie and "SameSite=lax" in cookie and f"Max-Age={SIGNED_IN_SECONDS}" in cookie
    (visitor,) = store.visitors.list_visitors()
    assert visitor.name == made
    assert client.get("/?x=1").json() == ["visitor", visitor.id, [f"visitor {visitor.id}"], "x=1"]
    with client.websocket_connect("/_stcore/stream", headers={"Cookie": cookie.partition(";")[0]}) as socket:
        assert socket.receive_json() == ["visitor", [f"visitor {visitor.id}"]]
    again = client.get(f"/?join={key.join_key}&x=1", headers=BROWSER)
    assert (again.status_code, again.headers["location"]) == (303, "/?x=1")


def test_without_a_link_the_page_asks_for_the_key_of_the_class_too(make_client, key, store):
    client = make_client(key)
    asked = client.get("/runs", headers=BROWSER)
    assert (
        '<input id="join" name="key" value=""' in asked.text
        and "hidden" not in asked.text.partition("details")[0]
    )
    wrong = client.post("/runs", data={"key": "abcd-efgh", "name": "Anna"})
    assert wrong.status_code == 401 and 'value="Anna"' in wrong.text and 'value="abcd-efgh"' in wrong.text
    assert focused(asked.text) == focused(wrong.text) == "join"
    assert "not the key" in wrong.text and store.visitors.list_visitors() == []
    assert join(client, key, "Anna", "/runs").headers["location"] == "/runs"


def test_a_name_that_is_taken_or_not_allowed_is_asked_for_again(make_client, key, store):
    join(make_client(key), key, "Anna")
    taken = join(make_client(key), key, "anna")
    assert taken.status_code == 409 and 'value="anna 2"' in taken.text and "set-cookie" not in taken.headers
    assert focused(taken.text) == "name"
    bad = join(make_client(key), key, '<img src=x onerror="a">')
    assert bad.status_code == 400 and "<img" not in bad.text and html.escape("<img src=x") in bad.text
    assert join(make_client(key), key, "").status_code == 400
    assert client_names(store) == ["Anna"]


def focused(page: str) -> str:
    """The id of the one field with the cursor."""
    (found,) = re.findall(r'<input id="(\w+)"[^>]* autofocus', page)
    return found


def client_names(store) -> list[str]:
    return [visitor.name for visitor in store.visitors.list_visitors()]


def test_the_teacher_signs_in_with_their_own_key_on_the_same_page(make_client, key, store):
    for form in ({"key": SECRET}, {"key": SECRET, "name": "Anna"}):
        client = make_client(key)
        assert client.post("/", data=form).status_code == 303
        assert client.get("/").json()[:2] == ["teacher", None]
    assert make_client(key).get("/", headers=BEARER).json()[:3] == ["teacher", None, ["teacher"]]
    assert store.visitors.list_visitors() == []


def test_no_visitor_becomes_another_or_the_teacher(make_client, key):
    client = make_client(key)
    join(client, key, "Anna")
    value = client.cookies[key.cookie_name]
    visitor_id = value.partition(".")[0]
    for header in ("teacher", "visitor b2", "machine"):
        said = client.get("/", headers={PERSON_HEADER: header, "X-CONVDECK-PERSON": "teacher"}).json()
        assert said[:3] == ["visitor", visitor_id, [f"visitor {visitor_id}"]]
    _, rest = value.split(".", 1)
    other = make_client(key)
    for forged in (f"in.{rest}", f"{'0' * 16}.{rest}", value[:-1], "teacher", visitor_id):
        other.cookies.set(key.cookie_name, forged)
        assert other.get("/").status_code == 401
    other.cookies.clear()
    assert other.get("/", headers={"Authorization": f"Bearer {key.join_key}"}).status_code == 401
    assert other.get("/", headers={"Authorization": f"Bearer {visitor_id}"}).status_code == 401
    # With the join key the request goes on as its cookie says, not as the stolen header.
    assert client.get("/", headers={"Authorization": f"Bearer {key.join_key}"}).json()[0] == "visitor"


def test_cookies_of_visitors_count_in_a_class_alone(make_client, key):
    client = make_client(key)
    join(client, key, "Anna")
    without = make_client(Key(SECRET))
    without.cookies.set(key.cookie_name, client.cookies[key.cookie_name])
    assert without.get("/").status_code == 401
    assert without.post("/", data={"key": key.join_key, "name": "Ben"}).status_code == 401
    assert without.get("/", headers=BEARER).json()[:3] == ["machine", None, []]
    nobody = TestClient(Starlette(routes=ROUTES, middleware=[Middleware(AccessMiddleware, list)]))
    assert nobody.get("/", headers={"Host": "localhost"}).status_code in (200, 403)


def test_a_visitor_stays_the_same_when_the_cookie_is_renewed_and_is_warned_before_it_goes(
    make_client, key, monkeypatch
):
    client = make_client(key)
    join(client, key, "Anna")
    before = client.cookies[key.cookie_name].partition(".")[0]
    later = time.time() + RENEWED_AFTER_SECONDS + 60
    monkeypatch.setattr(time, "time", lambda: later)
    renewed = client.get("/", headers=BROWSER)
    assert renewed.cookies[key.cookie_name].partition(".")[0] == before
    assert "You are Anna." in client.get("/sign-out", headers=BROWSER).text
    assert client.post("/", data={"sign_out": "1"}).status_code == 303
    assert client.get("/").status_code == 401


def test_guessing_the_join_key_is_as_slow_as_guessing_the_key(make_client, key, monkeypatch):
    slept = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    monkeypatch.setattr(access.asyncio, "sleep", sleep)
    client = make_client(key)
    for guess in range(3):
        assert client.post("/", data={"key": f"abcd-efg{guess + 2}", "name": "Eve"}).status_code == 401
    assert len(slept) == 3


def test_while_many_guess_the_join_key_is_not_compared(make_client, key, monkeypatch, store):
    client = make_client(key)
    monkeypatch.setattr(access, "MOST_WAITING", 0)
    wrong = client.post("/", data={"key": "abcd-efgh", "name": "Eve"})
    right = client.post("/", data={"key": key.join_key, "name": "Eve"})
    for answer in (wrong, right):
        assert (answer.status_code, "Many wrong keys came just now." in answer.text) == (429, True)
        assert "set-cookie" not in answer.headers
    assert wrong.text.replace("abcd-efgh", key.join_key) == right.text
    assert store.visitors.list_visitors() == []
    assert client.post("/", data={"key": SECRET}).status_code == 303  # long enough to be compared
    monkeypatch.setattr(access, "MOST_WAITING", 1)
    assert join(make_client(key), key, "Anna").status_code == 303


def test_a_cookie_of_one_who_has_not_joined_this_workspace_asks_for_a_name(make_client, key, store):
    client = make_client(key)
    client.cookies.set(key.cookie_name, key.sign_in(Person("visitor", "a" * 16)))
    asked = client.get(f"/runs?join={key.join_key}", headers=BROWSER)
    assert asked.status_code == 401 and "Join the class" in asked.text and key.join_key in asked.text
    for path in ("/api/v1/runs", "/media/x.png"):
        assert client.get(path).status_code == 401
    with pytest.raises(WebSocketDenialResponse) as refused, client.websocket_connect("/_stcore/stream"):
        pass
    assert refused.value.status_code == 401
    joined = join(client, key, "Anna")
    client.cookies.clear()  # a browser has one cookie of that name
    client.headers["Cookie"] = joined.headers["set-cookie"].partition(";")[0]
    (visitor,) = store.visitors.list_visitors()
    assert client.get("/").json()[:2] == ["visitor", visitor.id]


def test_health_is_answered_to_strangers_without_rights(make_client, key):
    said = make_client(key).get("/_stcore/health").json()
    assert said[:2] == ["visitor", None]
