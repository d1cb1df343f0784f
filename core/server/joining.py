"""Joining a class: a page that asks for a name, and the answer to its form. Made like the sign-in page."""

import html
from urllib.parse import unquote_plus

import anyio.to_thread
from starlette.responses import HTMLResponse, Response
from starlette.types import Scope

from core.errors import ConvDeckError, UserError
from core.server import sign_in
from core.server.classroom import JOIN_PARAMETER
from core.server.key import Key
from core.server.services import get_services
from core.store.visitors import NameTaken, Visitor
from core.visitors.names import MAX_NAME_CHARACTERS, friendly_name
from core.visitors.person import MACHINE, Person, acting_as

_MOST_KEY_CHARACTERS = 100
JOIN = """<form method="post">
{key}<label for="name">Your name</label>
<input id="name" name="name" value="{name}" maxlength="{most}" autocomplete="off" spellcheck="false"
required{described}>
{problem}<p>Others see it beside your runs. Keep this one or type your own.</p>
<button type="submit">Join</button>
</form>
<details>
<summary>I am the teacher</summary>
{teacher}
</details>"""
KEY_FIELD = """<label for="join">Key of the class</label>
<input id="join" name="key" value="{key}" autocomplete="off" autocapitalize="none" spellcheck="false"
required{described}>
{problem}<p>It is on the board, or beside the QR code.</p>
<div class="space"></div>
"""
KEPT_KEY = '<input type="hidden" name="key" value="{key}">\n'
TEACHER = """<form method="post">
<input name="username" autocomplete="username" value="ConvDeck" hidden>
<label for="key">Teacher's key</label>
<input id="key" name="key" type="password" autocomplete="current-password" required>
<p>The terminal in which ConvDeck was started shows it.</p>
<button type="submit">Sign in</button>
</form>"""
GOODBYE = (
    "You are {name}. Once you have signed out, only the teacher can stop or delete your runs: this name cannot be used "
    "again."
)


def join_key_of(scope: Scope) -> str:
    """The key in an address such as `/?join=kxm4-7qpt`; empty without one."""
    for part in scope["query_string"].decode("latin-1").split("&"):
        name, _, value = part.partition("=")
        if name == JOIN_PARAMETER:
            return unquote_plus(value)[:_MOST_KEY_CHARACTERS]
    return ""


async def render_join(
    status: int,
    key: str = "",
    name: str | None = None,
    problem: str | None = None,
    retry: dict[str, str] | None = None,
    *,
    is_key_wrong: bool = False,
) -> HTMLResponse:
    """The page that asks for a name, and for the key of the class where the address has none or a wrong one."""
    if name is None:
        name = await anyio.to_thread.run_sync(_free_name)
    key = html.escape(key[:_MOST_KEY_CHARACTERS].encode(errors="replace").decode())
    shown = html.escape(name[: 2 * MAX_NAME_CHARACTERS].encode(errors="replace").decode())
    # The cursor and what is wrong stand at the field that is to be filled in.
    asks_key = not key or is_key_wrong
    wrong = ' aria-describedby="problem" aria-invalid="true"' if problem else ""
    at_field = {
        "described": f" autofocus{wrong}",
        "problem": f'<p class="problem" id="problem" role="alert">{html.escape(problem)}</p>\n'
        if problem
        else "",
    }
    elsewhere = dict.fromkeys(at_field, "")
    field = (KEY_FIELD if asks_key else KEPT_KEY).format(key=key, **at_field)
    content = JOIN.format(
        key=field,
        name=shown,
        most=MAX_NAME_CHARACTERS,
        teacher=TEACHER,
        **(elsewhere if asks_key else at_field),
    )
    page = sign_in.PAGE.format(title="Join", heading="Join the class", content=content)
    headers = {**sign_in.NO_STORE, "WWW-Authenticate": "Bearer", **(retry or {})}
    return HTMLResponse(page, status, headers)


async def join(scope: Scope, key: Key, given: str, name: str) -> Response:
    """The way in, with a cookie for somebody new; or the page again with what is wrong with the name.

    `given` is a key that admits.
    """
    try:
        visitor = await anyio.to_thread.run_sync(_join, name)
    except NameTaken as error:
        return await render_join(409, given, error.free, str(error))
    except UserError as error:
        return await render_join(400, given, name, str(error))
    except ConvDeckError as error:
        return await render_join(503, given, name, str(error))
    return sign_in.signed_in(scope, key, Person("visitor", visitor.id))


async def has_joined(visitor_id: str) -> bool:
    """Whether the visitor of a cookie is in this workspace: the key may be that of another one too."""
    return await anyio.to_thread.run_sync(_find, visitor_id) is not None


async def render_sign_out(person: Person) -> HTMLResponse:
    """The page at `/sign-out`; it tells a visitor what is lost with the cookie."""
    if person.id is None:
        return sign_in.render_sign_out()
    visitor = await anyio.to_thread.run_sync(_find, person.id)
    return sign_in.render_sign_out(GOODBYE.format(name=visitor.name) if visitor else "")


def _join(name: str) -> Visitor:
    with acting_as(MACHINE):  # the visitor does not exist before
        return get_services().store.visitors.join(name)


def _find(visitor_id: str) -> Visitor | None:
    return get_services().store.visitors.get(visitor_id)


def _free_name() -> str:
    return friendly_name(get_services().store.visitors.taken_keys())
