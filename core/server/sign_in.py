"""Signing in with a browser: one small page without scripts or other files, and the answer to its form."""

import asyncio
import html
from urllib.parse import parse_qs, quote

from starlette.datastructures import Headers
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.types import Receive, Scope

from core.server.classroom import JOIN_PARAMETER
from core.server.key import SIGNED_IN_SECONDS, Key, SignedIn
from core.visitors.person import Person

FORM = "application/x-www-form-urlencoded"
MOST_FORM_BYTES = 4096
FORM_SECONDS = 20.0
WRONG_KEY = "That is not the key of this server. Check for missing or additional characters."
# The page needs nothing but its own style. A form may only be sent to this server.
POLICY = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
NO_STORE = {"Cache-Control": "no-store", "Content-Security-Policy": POLICY}

PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title} · ConvDeck</title>
<style>
:root {{
  --page: #F3F4F8; --card: #FFFFFF; --text: #1B1F2A; --soft: #5B6170; --line: #D9DCE5; --field: #8A90A0;
  --accent: #4F46E5; --bad: #B42318;
}}
@media (prefers-color-scheme: dark) {{
  :root {{
    --page: #0F121A; --card: #1A1F2B; --text: #E8EAF0; --soft: #A3AAB8; --line: #323949; --field: #717A8E;
    --accent: #5B57E8; --bad: #FF9C8F;
  }}
}}
* {{ box-sizing: border-box; }}
body {{
  margin: 0; min-height: 100vh; min-height: 100dvh; padding: 1rem; display: grid; place-items: center;
  background: var(--page); color: var(--text); font: 1rem/1.5 system-ui, sans-serif;
}}
main {{
  width: 100%; max-width: 24rem; padding: 2rem; background: var(--card); border: 1px solid var(--line);
  border-radius: .75rem;
}}
h1 {{ margin: 0 0 1.25rem; font-size: 1.5rem; line-height: 1.2; }}
p {{ margin: .5rem 0 0; color: var(--soft); font-size: .875rem; }}
label {{ display: block; margin-bottom: .375rem; font-weight: 600; }}
input {{
  width: 100%; padding: .625rem .75rem; font: inherit; color: inherit; background: transparent;
  border: 1px solid var(--field); border-radius: .5rem;
}}
button {{
  width: 100%; margin-top: 1.25rem; padding: .625rem; font: inherit; font-weight: 600; color: #FFFFFF;
  background: var(--accent); border: 0; border-radius: .5rem; cursor: pointer;
}}
button:hover {{ filter: brightness(1.1); }}
:focus-visible {{ outline: 2px solid var(--accent); outline-offset: 2px; }}
a {{ color: inherit; }}
.space {{ height: 1.25rem; }}
details {{ margin-top: 1.5rem; padding-top: 1rem; border-top: 1px solid var(--line); }}
summary {{ color: var(--soft); font-size: .875rem; cursor: pointer; }}
details form {{ margin-top: 1rem; }}
.problem {{ color: var(--bad); }}
</style>
</head>
<body>
<main>
<h1>{heading}</h1>
{content}
</main>
</body>
</html>
"""
SIGN_IN = """<form method="post">
<input name="username" autocomplete="username" value="ConvDeck" hidden>
<label for="key">Key</label>
<input id="key" name="key" type="password" autocomplete="current-password" required autofocus{described}>
{problem}<p>Ask the person who runs this server for it. You stay signed in on this device for 30 days.</p>
<button type="submit">Sign in</button>
</form>"""
SIGN_OUT = """<form method="post" action="./">
<input type="hidden" name="sign_out" value="1">
<p>This device is signed in. Pages that are open elsewhere in this browser stay connected until they are reloaded
or closed.</p>
{warning}<button type="submit">Sign out</button>
</form>
<p><a href="./">Back to the dashboard</a></p>"""


def asks_for_page(scope: Scope, headers: Headers) -> bool:
    """Whether a browser asks for a page to show, rather than a page or a program for something to read."""
    return (
        scope["type"] == "http"
        and scope["method"] in ("GET", "HEAD")
        and "text/html" in headers.get("accept", "")
        and not scope["path"].startswith("/api/")
    )


def is_form(scope: Scope, headers: Headers) -> bool:
    """Whether this is the form of the page below. It is sent to the address that was asked for; no page takes forms."""
    content_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    return (
        scope["type"] == "http"
        and scope["method"] == "POST"
        and content_type == FORM
        and not scope["path"].startswith(("/api/", "/_stcore/"))
    )


def render_sign_in(
    status: int, problem: str | None = None, retry: dict[str, str] | None = None
) -> HTMLResponse:
    """The page that asks for the key, with what was wrong with the last one, and the header that says when to retry."""
    said = f'<p class="problem" id="problem" role="alert">{html.escape(problem)}</p>\n' if problem else ""
    described = ' aria-describedby="problem" aria-invalid="true"' if problem else ""
    content = SIGN_IN.format(problem=said, described=described)
    page = PAGE.format(title="Sign in", heading="Sign in to ConvDeck", content=content)
    return HTMLResponse(page, status, {**NO_STORE, "WWW-Authenticate": "Bearer", **(retry or {})})


def render_sign_out(warning: str = "") -> HTMLResponse:
    """The page at `/sign-out`, with what else to know before."""
    said = f"<p>{html.escape(warning)}</p>\n" if warning else ""
    content = SIGN_OUT.format(warning=said)
    return HTMLResponse(PAGE.format(title="Sign out", heading="ConvDeck", content=content), headers=NO_STORE)


async def read_form(headers: Headers, receive: Receive) -> dict[str, str]:
    """The form's fields. Anybody may send one, so it is read here, apart from the bodies of those who have the key.

    Raises ValueError when it is larger than MOST_FORM_BYTES or cut off, TimeoutError after FORM_SECONDS.
    """
    size = headers.get("content-length", "")
    # Beside it, Content-Length says nothing: the body is as long as its chunks.
    if "transfer-encoding" in headers or not size.isdecimal() or int(size[:9]) > MOST_FORM_BYTES:
        raise ValueError(size[:9])
    body, more = bytearray(), True
    async with asyncio.timeout(FORM_SECONDS):
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
            if message["type"] != "http.request" or len(body) > MOST_FORM_BYTES:
                raise ValueError(len(body))
    return parse_form(bytes(body))


def parse_form(body: bytes) -> dict[str, str]:
    """The fields of a form that can be read, each once. Bytes that are not UTF-8 stay as surrogate escapes."""
    try:
        fields = parse_qs(body.decode("ascii"), errors="surrogateescape", max_num_fields=10)
    except ValueError:  # not ASCII, or too many fields
        return {}
    return {name: values[0] for name, values in fields.items()}


def signed_in(scope: Scope, key: Key, person: Person) -> Response:
    """The way back to the page that was asked for, with the cookie."""
    response = redirect_to_itself(scope)
    response.headers["Set-Cookie"] = cookie_header(scope, key, person)
    return response


def signed_in_as(headers: Headers, key: Key) -> SignedIn | None:
    """Whom the request's cookie lets in; None without one that holds."""
    cookie = cookie_of(headers, key)
    return None if cookie is None else key.signed_in(cookie)


def signed_out(scope: Scope, key: Key) -> Response:
    """The same page once more, without the cookie."""
    response = redirect_to_itself(scope)
    response.delete_cookie(key.cookie_name, httponly=True, samesite="lax", secure=scope["scheme"] == "https")
    return response


def cookie_header(scope: Scope, key: Key, person: Person) -> str:
    """A cookie that no script reads and that forms of other sites do not send. Links from elsewhere do send it."""
    response = Response()
    response.set_cookie(
        key.cookie_name,
        key.sign_in(person),
        max_age=SIGNED_IN_SECONDS,
        httponly=True,
        samesite="lax",
        secure=scope["scheme"] == "https",
    )
    return response.headers["set-cookie"]


def cookie_of(headers: Headers, key: Key) -> str | None:
    """The value of this key's cookie. A header may have other cookies in it that cannot be read."""
    for part in headers.get("cookie", "").split(";"):
        name, _, value = part.strip().partition("=")
        if name == key.cookie_name:
            return value.strip('"')
    return None


def redirect_to_itself(scope: Scope) -> Response:
    """To the same address, without a key that is in it."""
    # One slash at its beginning, so that no other server can be meant: //evil.example is one.
    path = "/" + quote(scope["path"].lstrip("/\\"), safe="/")
    parts = scope["query_string"].decode("latin-1").split("&")
    query = "&".join(part for part in parts if part.partition("=")[0] != JOIN_PARAMETER)
    location = f"{path}?{query}" if query else path
    return RedirectResponse(location, 303, {"Cache-Control": "no-store"})
