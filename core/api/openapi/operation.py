"""One method of one address: what it takes, what it gives, and how it can refuse."""

from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypedDict

from msgspec import Meta

# Answers that are no JSON.
CSV, PARQUET, ZIP = "text/csv", "application/vnd.apache.parquet", "application/zip"
HTML, MARKDOWN, TEXT, EVENTS = "text/html", "text/markdown", "text/plain", "text/event-stream"
PYTHON = "text/x-python"

# By the access rules, whatever is asked: no key, a page of another site, another name, too many wrong keys.
OF_ACCESS = (401, 403, 421, 429)
OF_BODIES = (400, 408, 413)
MEANINGS = {
    204: "There is nothing more to come.",
    400: "What was asked cannot be done; the sentence says why and what is allowed.",
    401: "The key is missing or wrong. Only where the server has one.",
    403: "This is for someone else to do, or the request comes from a page of another site.",
    404: "There is nothing with this id.",
    408: "The body came too slowly.",
    409: "It conflicts with what is there or under way.",
    413: "The body is too large.",
    415: "The body is not application/json.",
    421: "The server does not answer under this name.",
    429: "Too many wrong keys came from this address.",
    503: "The server cannot do this now.",
    507: "There is no space for it.",
}

RunId = Annotated[str, Meta(description="The id of a run.", examples=["kd7m2qxv4a"])]
Epoch = Annotated[
    str,
    Meta(
        description="Of which epoch's weights: a number, `best` or `last`.",
        pattern="^(best|last|[1-9][0-9]{0,8})$",
    ),
]
Split = Annotated[Literal["validation", "test"], Meta(description="Of which part of the data set.")]
Crop = Annotated[
    Literal["center", "pad", "stretch"],
    Meta(description="How pictures become square; without it, as the run's training pictures were."),
]
Limit = Annotated[int, Meta(ge=1, le=1000, description="At most this many, from the newest on.")]
Cursor = Annotated[
    str, Meta(description="Where the page before this one ended; the header Link of that one has it.")
]
Token = Annotated[
    str,
    Meta(
        min_length=1, max_length=200,
        description="The same token starts only one. The header Idempotency-Key says the same.",
    ),
]  # fmt: skip
Base64Png = Annotated[
    str, Meta(extra_json_schema={"contentEncoding": "base64", "contentMediaType": "image/png"})
]


class Pages(TypedDict, total=False):
    """For lists that are long."""

    limit: Limit
    cursor: Cursor


LINK = (("Link", 'With `limit`: the address of the next page, as `rel="next"`, where there is one.'),)


@dataclass(frozen=True)
class Operation:
    """`answer` is the type of the JSON of a `status`, or the media type of a file; it may be `or_file` too.

    `query` is a TypedDict of parameters, `body` the type of a JSON body, `form` a TypedDict of the fields of a form
    that takes up to `files` files. `headers` are names of request headers, `answer_headers` names with what they say.
    `refusals` are the statuses beside those that follow from the rest.
    """

    summary: str
    answer: Any
    status: int = 200
    query: Any = None
    body: Any = None
    is_body_optional: bool = False
    form: Any = None
    files: int = 0
    binary: bool = False
    headers: tuple[str, ...] = ()
    or_file: str | None = None
    answer_headers: tuple[tuple[str, str], ...] = ()
    refusals: tuple[int, ...] = ()

    def statuses(self, path: str) -> list[int]:
        """Of all refusals, in their order."""
        found = {*OF_ACCESS, 503, *self.refusals}
        found |= {404} if "{id}" in path else set()
        found |= {400} if self.query is not None else set()
        found |= {*OF_BODIES, 415} if self.body is not None else set()
        found |= {*OF_BODIES} if self.form is not None or self.binary else set()
        return sorted(found)

    def types(self) -> list[Any]:
        """Those that need a schema."""
        answer = () if self.answer is None or is_media_type(self.answer) else (self.answer,)
        return [*answer, *(each for each in (self.query, self.body, self.form) if each is not None)]


def is_media_type(answer: Any) -> bool:
    """Whether an answer is a file of this media type, rather than JSON of this type."""
    return isinstance(answer, str)
