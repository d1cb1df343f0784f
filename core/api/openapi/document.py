"""The OpenAPI 3.1 document of REST: a route per operation, with the schemas of msgspec.

Its JSON Schema dialect is 2020-12, which is that of msgspec's schemas: https://spec.openapis.org/oas/v3.1.0
"""

import re
from collections.abc import Iterable
from functools import cache
from typing import Any

import msgspec
from starlette.routing import Route

from core.api.openapi import other_operations, run_operations
from core.api.openapi.operation import MEANINGS, Operation, is_media_type
from core.api.openapi.other_answers import Problem
from core.server.problems import PROBLEM_TYPE, TITLES

OPERATIONS = run_operations.OPERATIONS | other_operations.OPERATIONS
REFERENCE = "#/components/schemas/{name}"
DESCRIPTION = (
    "What the pages and the command line can do, for programs. On this computer it needs no key; from others it asks "
    "for the server's key as a bearer token. Errors are problems as in RFC 9457."
)
HEADERS = {
    "Idempotency-Key": "The same key starts only one, as `token` in the body does.",
    "Last-Event-ID": "The last event that arrived; those after it are sent.",
}
FILE_FIELDS = {"map": "placed"}


def openapi_document(routes: Iterable[Route]) -> dict[str, Any]:
    """Of the routes that are served. Raises KeyError for one that no operation describes."""
    schemas, components = _schemas()
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        for method in sorted((route.methods or {"GET"}) - {"HEAD", "OPTIONS"}):
            made = _operation(method, route.path, OPERATIONS[method, route.path], schemas, components)
            paths.setdefault(route.path, {})[method.lower()] = made
    statuses = {status for (_, path), each in OPERATIONS.items() for status in each.statuses(path)}
    in_place = {
        _name(schemas, part)
        for each in OPERATIONS.values()
        for part in (each.query, each.form)
        if part is not None
    }
    return {
        "openapi": "3.1.0",
        "info": {"title": "ConvDeck", "version": "1", "description": DESCRIPTION},
        "paths": paths,
        "components": {
            "schemas": {name: schema for name, schema in components.items() if name not in in_place},
            "responses": {str(status): _refusal(status) for status in sorted(statuses)},
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{}, {"key": []}],
    }


@cache
def _schemas() -> tuple[dict[str, Any], dict[str, Any]]:
    """(the schema of each type, by its text; the components that these name)."""
    types = {str(each): each for operation in OPERATIONS.values() for each in operation.types()}
    types[str(Problem)] = Problem
    made, components = msgspec.json.schema_components(types.values(), ref_template=REFERENCE)
    # Defaults are tuples until they are JSON.
    plain, named = msgspec.json.decode(msgspec.json.encode((made, components)))
    named["Problem"]["properties"]["code"]["enum"] = list(TITLES)
    return dict(zip(types, plain, strict=True)), named


def _name(schemas: dict[str, Any], of: Any) -> str:
    return str(schemas[str(of)]["$ref"]).rpartition("/")[2]


def _operation(
    method: str, path: str, operation: Operation, schemas: dict[str, Any], components: dict[str, Any]
) -> dict[str, Any]:
    words = [word.strip("{}") for word in re.split(r"[/.-]", path.removeprefix("/api/v1/"))]
    made: dict[str, Any] = {
        "operationId": "_".join([method.lower(), *words]),
        "summary": operation.summary,
        "parameters": [*_path_parameters(path), *_parameters(operation, schemas, components)],
        "responses": {
            str(operation.status): _answer(operation, schemas),
            **{
                str(status): {"$ref": f"#/components/responses/{status}"}
                for status in operation.statuses(path)
            },
        },
    }
    if operation.body is not None:
        content = {"application/json": {"schema": schemas[str(operation.body)]}}
        made["requestBody"] = {"required": not operation.is_body_optional, "content": content}
    elif operation.form is not None:
        schema = _form_schema(path, operation, components[_name(schemas, operation.form)])
        made["requestBody"] = {"required": True, "content": {"multipart/form-data": {"schema": schema}}}
    elif operation.binary:
        content = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}
        made["requestBody"] = {"required": False, "content": content}
    return made


def _path_parameters(path: str) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
        for name in re.findall(r"\{(\w+)\}", path)
    ]


def _parameters(
    operation: Operation, schemas: dict[str, Any], components: dict[str, Any]
) -> list[dict[str, Any]]:
    """The query, then the headers."""
    schema = {} if operation.query is None else components[_name(schemas, operation.query)]
    required = schema.get("required", ())
    found = []
    for name, own in schema.get("properties", {}).items():
        about = {"description": own["description"]} if "description" in own else {}
        plain = {key: value for key, value in own.items() if key not in ("description", "examples")}
        found.append({"name": name, "in": "query", "required": name in required, "schema": plain, **about})
    headers = [
        {"name": name, "in": "header", "schema": {"type": "string"}, "description": HEADERS[name]}
        for name in operation.headers
    ]
    return [*found, *headers]


def _form_schema(path: str, operation: Operation, fields: dict[str, Any]) -> dict[str, Any]:
    """The fields of a form and its files, whose field may have any name."""
    file = {"type": "string", "format": "binary"}
    several = {"type": "array", "items": file, "minItems": 1, "maxItems": operation.files}
    name = FILE_FIELDS.get(path.rpartition("/")[2], "picture")
    return {
        "type": "object",
        "properties": {name: file if operation.files == 1 else several, **fields["properties"]},
        "required": [name],
    }


def _answer(operation: Operation, schemas: dict[str, Any]) -> dict[str, Any]:
    if is_media_type(operation.answer):
        kinds = [kind for kind in (operation.answer, operation.or_file) if kind is not None]
        content: dict[str, Any] = {kind: {"schema": {"type": "string"}} for kind in kinds}
    else:
        content = {"application/json": {"schema": schemas[str(operation.answer)]}}
    made: dict[str, Any] = {"description": operation.summary, "content": content}
    if operation.answer_headers:
        made["headers"] = {
            name: {"schema": {"type": "string"}, "description": about}
            for name, about in operation.answer_headers
        }
    return made


def _refusal(status: int) -> dict[str, Any]:
    if status < 400:
        return {"description": MEANINGS[status]}
    schema = {"$ref": REFERENCE.format(name="Problem")}
    return {"description": MEANINGS[status], "content": {PROBLEM_TYPE: {"schema": schema}}}
