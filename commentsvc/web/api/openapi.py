"""The API's description (OpenAPI 3.1), made from the shapes that views read and write."""

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from flask import Blueprint, Response, jsonify
from pydantic.json_schema import models_json_schema

from commentsvc import __version__, links
from commentsvc.comments.reading import MAX_COUNTS, Order
from commentsvc.fields import MAX_ID
from commentsvc.models.site import View
from commentsvc.web.api import shapes
from commentsvc.web.api.shapes import Shape
from commentsvc.web.visitor import HEADER as VISITOR_HEADER

blueprint = Blueprint("api_document", __name__)

Json = dict[str, Any]
HTML = "text/html"


@dataclass(frozen=True)
class Operation:
    """One operation: what it takes, and what it returns by status (a shape, HTML, or nothing)."""

    method: str
    path: str
    summary: str
    gives: dict[int, type[Shape] | str | None]
    takes: type[Shape] | None = None
    parameters: tuple[str, ...] = field(default=())
    is_ones_own: bool = False  # shown the edit token


OPERATIONS = (
    Operation(
        *("get", "/api/v1/threads/{site}/{key}", "A page of a thread, in reading order"),
        {200: shapes.PublicThread},
        parameters=("lang", "view", "sort", "page"),
    ),
    Operation(
        *("post", "/api/v1/threads/{site}/{key}/comments", "Post a comment; 202 where it waits for a moderator"),
        {201: shapes.OwnComment, 202: shapes.OwnComment},
        takes=shapes.NewComment,
        parameters=("lang", "Idempotency-Key", VISITOR_HEADER),
    ),
    Operation(
        *("get", "/api/v1/comments/{comment_id}", "One's own comment, with the token that posting it gave"),
        {200: shapes.PublicComment},
        parameters=("lang",),
        is_ones_own=True,
    ),
    Operation(
        *("patch", "/api/v1/comments/{comment_id}", "Edit one's own comment, until somebody replies"),
        {200: shapes.PublicComment},
        takes=shapes.NewText,
        parameters=("lang",),
        is_ones_own=True,
    ),
    Operation(
        *("delete", "/api/v1/comments/{comment_id}", "Delete one's own comment, until somebody replies"),
        {204: None},
        parameters=("lang",),
        is_ones_own=True,
    ),
    Operation(
        *("post", "/api/v1/challenges", "What a visitor must solve before writing"),
        {201: shapes.Challenge},
        takes=shapes.NewChallenge,
        parameters=("lang", VISITOR_HEADER),
    ),
    Operation(
        *("post", "/api/v1/preview", "How a text would look; nothing is stored"),
        {200: shapes.Rendered},
        takes=shapes.Draft,
        parameters=("lang",),
    ),
    Operation(
        *("get", "/api/v1/counts", f"How many comments threads have, at most {MAX_COUNTS} at once"),
        {200: shapes.Counts},
        parameters=("site", "keys", "lang"),
    ),
    Operation(
        *("get", "/api/v1/held", "What the visitor wrote under a thread and only they see yet"),
        {200: HTML},
        parameters=("site", "one key", "lang", VISITOR_HEADER),
    ),
)

TEXT: Json = {"type": "string"}
PARAMETERS: dict[str, Json] = {
    "lang": {"in": "query", "schema": TEXT, "description": "Language of sentences, such as `de`"},
    "view": {"in": "query", "schema": {"enum": [str(one) for one in View]}},
    "sort": {"in": "query", "schema": {"enum": [str(one) for one in Order]}},
    "page": {"in": "query", "schema": {"type": "integer", "minimum": 1}},
    "site": {"in": "query", "schema": TEXT, "required": True},
    "keys": {"in": "query", "name": "key", "schema": {"type": "array", "items": TEXT, "maxItems": MAX_COUNTS}},
    "one key": {"in": "query", "name": "key", "schema": TEXT},
    "Idempotency-Key": {"in": "header", "schema": TEXT, "description": "Repeated, it posts nothing again"},
    VISITOR_HEADER: {"in": "header", "schema": TEXT, "description": "The `visitor` of a challenge, without cookies"},
}
IN_PATH: dict[str, Json] = {
    "site": {"schema": TEXT, "description": "The blog's key"},
    "key": {"schema": TEXT, "description": "The article's path and query, or what its page says instead"},
    "comment_id": {"schema": {"type": "integer", "minimum": 0, "maximum": MAX_ID}},
}


@blueprint.get("/api/openapi.json")
def show() -> Response:
    """The document."""
    response = jsonify(document() | {"servers": [{"url": links.absolute("")}]})
    response.headers["Cache-Control"] = "public, max-age=3600"
    response.headers["Access-Control-Allow-Origin"] = "*"
    return response


@lru_cache(maxsize=1)
def document() -> Json:
    """Return the OpenAPI 3.1 document, without a server address."""
    paths: dict[str, Json] = {}
    for operation in OPERATIONS:
        paths.setdefault(operation.path, {})[operation.method] = _described(operation)
    return {
        "openapi": "3.1.0",
        "info": {"title": "commentsvc", "version": __version__},
        "paths": paths,
        "components": {
            "schemas": _schemas(),
            "securitySchemes": {
                "editToken": {"type": "http", "scheme": "bearer", "description": "The comment's `edit_token`"}
            },
        },
    }


def _described(operation: Operation) -> Json:
    described: Json = {
        "summary": operation.summary,
        "parameters": [*_in_path(operation.path), *(_parameter(name) for name in operation.parameters)],
        "responses": {str(status): _response(gives) for status, gives in operation.gives.items()},
    }
    for refused in ("4XX", "5XX"):
        described["responses"][refused] = _response(shapes.Problem, "application/problem+json")
    if operation.is_ones_own:
        described["security"] = [{"editToken": []}]
    if operation.takes:
        described["requestBody"] = {"required": True, "content": {"application/json": _schema_of(operation.takes)}}
    return described


def _in_path(path: str) -> list[Json]:
    return [
        {"name": name, "in": "path", "required": True, **known}
        for name, known in IN_PATH.items()
        if f"{{{name}}}" in path
    ]


def _parameter(name: str) -> Json:
    return {"name": name, **PARAMETERS[name]}


def _response(gives: type[Shape] | str | None, media_type: str = "application/json") -> Json:
    if gives is None:
        return {"description": "Done"}
    if isinstance(gives, str):
        return {"description": "A fragment", "content": {gives: {"schema": TEXT}}}
    return {"description": (gives.__doc__ or "").splitlines()[0], "content": {media_type: _schema_of(gives)}}


def _schema_of(shape: type[Shape]) -> Json:
    return {"schema": {"$ref": f"#/components/schemas/{shape.__name__}"}}


def _schemas() -> Json:
    given = {shape for operation in OPERATIONS for shape in operation.gives.values() if isinstance(shape, type)}
    taken = {operation.takes for operation in OPERATIONS if operation.takes}
    listed = [(shape, "serialization") for shape in given | {shapes.Problem}] + [(one, "validation") for one in taken]
    _, schemas = models_json_schema(
        sorted(listed, key=lambda pair: pair[0].__name__),  # type: ignore[arg-type]
        ref_template="#/components/schemas/{model}",
    )
    return dict(schemas["$defs"])
