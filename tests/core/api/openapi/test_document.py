"""The description of REST: valid by OpenAPI's own schema, and of exactly the routes that are there."""

import json
import re

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator
from starlette.applications import Starlette
from starlette.testclient import TestClient

from core.api.openapi.document import OPERATIONS, openapi_document
from core.api.responses import ANSWERS
from core.api.routes import build_routes
from core.errors import ConvDeckError
from core.server.problems import TITLES

DOCUMENT = openapi_document(build_routes())


def test_it_is_valid_and_has_every_route_and_no_other() -> None:
    OpenAPIV31SpecValidator(DOCUMENT).validate()
    routes = {(method, route.path) for route in build_routes() for method in route.methods - {"HEAD"}}
    assert set(OPERATIONS) == routes
    described = {
        (method.upper(), path) for path, operations in DOCUMENT["paths"].items() for method in operations
    }
    assert described == routes


def test_it_is_what_the_server_gives(workspace) -> None:
    with TestClient(Starlette(routes=build_routes())) as client:
        assert client.get("/api/v1/openapi.json").json() == DOCUMENT == json.loads(json.dumps(DOCUMENT))
        codes = client.get("/api/v1/problems").json()
    assert [each["code"] for each in codes] == list(TITLES)


def test_every_operation_has_a_summary_and_an_id_of_its_own() -> None:
    operations = [each for path in DOCUMENT["paths"].values() for each in path.values()]
    assert all(each["summary"] for each in operations)
    names = [each["operationId"] for each in operations]
    assert len(set(names)) == len(names) and all(re.fullmatch(r"[a-z0-9_]+", name) for name in names)


def test_each_schema_is_used() -> None:
    text = json.dumps(DOCUMENT)
    for name in DOCUMENT["components"]["schemas"]:
        assert f'"#/components/schemas/{name}"' in text


def errors_of(kind: type[ConvDeckError]) -> list[type[ConvDeckError]]:
    return [kind, *(each for child in kind.__subclasses__() for each in errors_of(child))]


@pytest.mark.parametrize("error", errors_of(ConvDeckError), ids=lambda error: error.__name__)
def test_every_error_has_a_status_and_a_code_that_is_listed(error) -> None:
    status, code = next(ANSWERS[each] for each in error.__mro__ if each in ANSWERS)
    assert code in TITLES and str(status) in DOCUMENT["components"]["responses"]


def fields_of(schema: dict) -> dict:
    """The properties of the one object in a schema, whether it may be null or not."""
    found = schema.get("$ref") or next(each["$ref"] for each in schema["anyOf"] if "$ref" in each)
    return DOCUMENT["components"]["schemas"][found.rpartition("/")[2]]["properties"]


def test_results_of_studies_and_comparisons_say_their_fields() -> None:
    """A client generator makes nothing of an object without any."""
    schemas = DOCUMENT["components"]["schemas"]
    result = fields_of(schemas["Study"]["properties"]["result"])
    assert {"configs", "effects", "sizes", "fractions", "difference", "decision"} <= result.keys()
    assert {"mean", "low", "high", "n", "p", "clear"} == fields_of(result["difference"]).keys()
    compared = schemas["Compared"]["properties"]
    for of, key in (("runs", "results"), ("groups", "means")):
        assert {key, "difference"} <= fields_of(compared[of]["items"]).keys()
    curves = schemas["ComparedCurves"]["properties"]["curves"]["items"]
    assert {"key", "epochs", "x", "y", "best"} <= fields_of(curves).keys()
