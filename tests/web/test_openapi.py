"""The API's own description: complete, true under random questions, and errors as RFC 9457 says."""

import re
from collections.abc import Callable

import pytest
import schemathesis
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings, strategies
from schemathesis.checks import (
    content_type_conformance,
    not_a_server_error,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from commentsvc.comments import editing
from commentsvc.web.api import openapi
from tests.cast import ARTICLE
from tests.visitors import Visitor, row

EXAMPLES = settings(
    max_examples=15, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck), database=None
)
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    response_headers_conformance,
]


def test_every_route_is_described_and_every_description_has_a_route(app: Flask) -> None:
    routes = {
        (method.lower(), re.sub(r"<(?:[a-z]+(?:\([^)]*\))?:)?(\w+)>", r"{\1}", rule.rule).replace("site_key", "site"))
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if rule.rule.startswith("/api/v1/") and not rule.defaults
    }
    described = {(method, path) for path, methods in openapi.document()["paths"].items() for method in methods}
    assert {one for one in routes if not one[1].endswith("/threads/{site}/")} == described


def test_the_document_names_this_server(client: FlaskClient) -> None:
    answer = client.get("/api/openapi.json")
    assert answer.json
    assert answer.json["servers"] == [{"url": "https://comments.example"}]
    assert answer.json["openapi"] == "3.1.0"
    assert answer.headers["Access-Control-Allow-Origin"] == "*"


def test_no_shape_that_goes_out_has_an_address() -> None:
    schemas = openapi.document()["components"]["schemas"]
    takes = {operation.takes.__name__ for operation in openapi.OPERATIONS if operation.takes}
    for name, schema in schemas.items():
        assert name in takes or "email" not in schema.get("properties", {}), name


@pytest.mark.slow
def test_random_questions_get_the_answers_that_are_described(
    app: Flask, bob: Visitor, rules: Callable[..., None]
) -> None:
    rules("blog", captcha="never", comments_per_minute=100_000)
    comment = row(bob.comment())
    token = editing.edit_token(comment)
    schema = schemathesis.openapi.from_wsgi("/api/openapi.json", app)
    for offered in schema.get_all_operations():
        operation = offered.ok()

        @EXAMPLES
        @given(case=operation.as_strategy(), is_ours=strategies.booleans())
        def asked(case: schemathesis.Case, is_ours: bool) -> None:
            if is_ours:
                name_what_is_there(case, comment.id, token)
            case.call_and_validate(checks=CHECKS, headers={"Accept-Encoding": "identity"})  # its client unpacks nothing

        asked()


def name_what_is_there(case: schemathesis.Case, comment: int, token: str) -> None:
    """Random texts never name our site; half of the questions do."""
    if "site" in case.path_parameters:
        case.path_parameters["site"] = "blog"
    if "comment_id" in case.path_parameters:
        case.headers["Authorization"] = f"Bearer {token}"
        case.path_parameters["comment_id"] = comment
    if case.operation.path in ("/api/v1/counts", "/api/v1/held"):
        case.query["site"] = "blog"
    if isinstance(case.body, dict) and "site" in case.body:
        case.body["site"] = "blog"
    if isinstance(case.body, dict) and case.operation.path.endswith("/comments"):
        case.body |= {"author": "Bob", "email": "", "website": "", "url": "", "parent_id": None, "notify": False}
        case.body["body"] = f"a text of its own {id(case)}"


class TestProblems:
    """What is refused is said alike everywhere."""

    @pytest.mark.parametrize(
        ("method", "path", "status"),
        [
            ("GET", "/api/v1/threads/nobody/x", 404),
            ("GET", "/api/v1/nothing", 404),
            ("PUT", f"/api/v1/threads/blog/{ARTICLE}", 405),
            ("GET", "/api/v1/counts?site=nobody", 404),
            ("POST", "/api/v1/preview", 400),
            ("PATCH", "/api/v1/comments/1", 400),
            ("DELETE", "/api/v1/comments/1", 403),
        ],
    )
    def test_as_problem_json(self, client: FlaskClient, method: str, path: str, status: int) -> None:
        answer = client.open(path, method=method)
        assert (answer.status_code, answer.mimetype) == (status, "application/problem+json")
        assert answer.json
        assert {"type", "title", "status"} <= set(answer.json)
        assert answer.json["status"] == status
