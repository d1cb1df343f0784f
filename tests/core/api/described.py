"""Answers held against the OpenAPI document that the server gives of itself, by jsonschema."""

from functools import cache
from typing import Any

from httpx2 import Response
from jsonschema import Draft202012Validator
from starlette.routing import compile_path

from core.api.openapi.document import openapi_document
from core.api.routes import build_routes


def check_answer(method: str, path: str, answer: Response) -> None:
    """Fails where an answer of a documented operation has another status, media type or JSON than the document says.

    Keys that the document does not have fail too, though programs have to take them.
    """
    operation = _operation_at(method, path)
    if operation is None:
        return
    responses = operation["responses"]
    told = f"{method} {path} answered {answer.status_code}: {answer.text[:300]}"
    assert str(answer.status_code) in responses, told
    said = _resolved(responses[str(answer.status_code)])
    content = said.get("content", {})
    kind = answer.headers.get("content-type", "").partition(";")[0]
    assert (kind in content) if content else not answer.content, f"{kind} is not described. {told}"
    if kind.endswith("json"):
        assert misfits(content[kind]["schema"], answer.json()) == [], told


def misfits(schema: dict[str, Any], value: Any) -> list[str]:
    """Where a value is not what a schema of the document says, which may name its components."""
    closed = {**_closed(schema), "components": _components()}
    errors = Draft202012Validator(closed).iter_errors(value)
    return [f"{error.json_path}: {error.message[:200]}" for error in errors]


@cache
def _document() -> dict[str, Any]:
    return openapi_document(build_routes())


@cache
def _components() -> Any:
    return _closed(_document()["components"])


def _operation_at(method: str, path: str) -> dict[str, Any] | None:
    for template, operations in _document()["paths"].items():
        if compile_path(template)[0].match(path):
            found: dict[str, Any] | None = operations.get(method.lower())
            return found
    return None


def _resolved(described: dict[str, Any]) -> dict[str, Any]:
    if "$ref" not in described:
        return described
    found: Any = _document()
    for key in described["$ref"].removeprefix("#/").split("/"):
        found = found[key]
    return found


def _closed(schema: Any) -> Any:
    """The same, with no other keys in objects than those that it names."""
    if isinstance(schema, list):
        return [_closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {key: _closed(value) for key, value in schema.items()}
    if isinstance(schema.get("properties"), dict) and schema.get("type") == "object":
        closed.setdefault("additionalProperties", False)
    return closed
