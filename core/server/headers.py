"""What browsers are told about every answer: no frames, no guessing of types, and from where a page may load what."""

import base64
import hashlib
import re
from collections.abc import Iterable

from starlette.datastructures import MutableHeaders
from starlette.types import Message, Send

_INLINE_SCRIPT = re.compile(r"<script>(.*?)</script>", re.DOTALL)
# Streamlit sets styles as it draws. Charts are interpreted, not compiled, so nothing needs to evaluate text as code.
_POLICY = (
    "default-src 'self'",
    "script-src 'self' 'wasm-unsafe-eval'{scripts}",  # protobuf counts in WebAssembly
    "connect-src 'self' data:",  # the camera reads its picture from a data: address
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data: blob:",
    "media-src 'self' data: blob:",
    "font-src 'self' data:",
    "worker-src 'self' blob:",
    "frame-src 'none'",
    "object-src 'none'",
    "base-uri 'self'",
    "form-action 'self'",
    "frame-ancestors 'none'",
)
SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def content_security_policy(page: str) -> str:
    """The policy for `page`, whose own inline scripts are named by their digests: no other inline script runs."""
    digests = (hashlib.sha256(script.encode()).digest() for script in _INLINE_SCRIPT.findall(page))
    scripts = "".join(f" 'sha256-{base64.b64encode(digest).decode()}'" for digest in digests)
    return "; ".join(_POLICY).format(scripts=scripts)


def adding_headers(send: Send, headers: Iterable[tuple[str, str]]) -> Send:
    """The same `send`, which adds `headers` to an answer that does not set them itself."""

    async def add(message: Message) -> None:
        if message["type"] == "http.response.start":
            answered = MutableHeaders(scope=message)
            for name, value in headers:
                if name == "Set-Cookie":
                    answered.append(name, value)
                else:
                    answered.setdefault(name, value)
        await send(message)

    return add
