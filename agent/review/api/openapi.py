"""The OpenAPI 3.1 document, made of the table of operations. Pure."""

import json
import sys
from typing import Any

from pydantic.json_schema import models_json_schema

from agent.review.api import told
from agent.review.api.frame import LONGEST_KEY, Operation
from agent.review.api.operations import OPERATIONS
from agent.review.api.problems import MEDIA_TYPE, TITLES

BASE = "/api/v1"
_SCHEMAS = "#/components/schemas/{model}"


def document() -> dict[str, Any]:
    """The whole document."""
    given = [model for one in OPERATIONS for model in (one.body, one.query) if model is not None]
    asked: list[Any] = [(model, "validation") for model in dict.fromkeys(given)]
    shapes: list[Any] = [(one.answer, "serialization") for one in OPERATIONS if not isinstance(one.answer, str)]
    shapes.append((told.ProblemTold, "serialization"))
    places, defined = models_json_schema(list(dict.fromkeys(asked + shapes)), ref_template=_SCHEMAS)
    paths: dict[str, dict[str, Any]] = {}
    for one in OPERATIONS:
        paths.setdefault(one.path, {})[one.method.lower()] = _operation(one, places, defined["$defs"])
    queries = {model.__name__ for model in given if any(model is one.query for one in OPERATIONS)}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "relance",
            "version": "1",
            "summary": "The review desk for programs.",
            "description": "Amounts are strings with a dot, days and moments ISO 8601. Lists go on from a page's "
            "`next`, given as `after`. Every write takes an Idempotency-Key: the same request with the same key is "
            "carried out once, and answered again for a day.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": BASE}],
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer", "description": "Made by `relance token add NAME`."}
            },
            "schemas": {name: schema for name, schema in defined["$defs"].items() if name not in queries},
        },
    }


def text() -> str:
    """The document as it is served and committed."""
    return json.dumps(document(), indent=1, ensure_ascii=False) + "\n"


def _operation(one: Operation, places: Any, defined: dict[str, Any]) -> dict[str, Any]:
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": dict(schema)} for name, schema in one.places.items()
    ]
    if one.query is not None:
        parameters += _parameters(defined[one.query.__name__])
    if one.writes:
        schema = {"type": "string", "minLength": 1, "maxLength": LONGEST_KEY, "pattern": "^[!-~]+$"}
        parameters.append({"name": "Idempotency-Key", "in": "header", "required": one.needs_key, "schema": schema})
    refusals = ["400", "401", "403", "404", "409", "422", "429", "503"]
    found: dict[str, Any] = {
        "operationId": one.name,
        "summary": one.summary,
        "description": f"Needs the right to {one.right.value}.",
        "parameters": parameters,
        "responses": {
            "200": {
                "description": "Done.",
                "content": _content(one, places),
            },
            **{
                status: {
                    "description": TITLES[int(status)],
                    "content": {MEDIA_TYPE: {"schema": places[told.ProblemTold, "serialization"]}},
                }
                for status in refusals
            },
            "413": {"description": TITLES[413]},
        },
    }
    if one.body is not None:
        schema = places[one.body, "validation"]
        needed = any(each.is_required() for each in one.body.model_fields.values())
        found["requestBody"] = {"required": needed, "content": {"application/json": {"schema": schema}}}
    return found


def _content(one: Operation, places: Any) -> dict[str, Any]:
    """What a success answers: a document, or a file under a name of its own."""
    if isinstance(one.answer, str):
        return {one.answer.partition(";")[0]: {"schema": {"type": "string", "format": "binary"}}}
    return {"application/json": {"schema": places[one.answer, "serialization"]}}


def _parameters(schema: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "query", "required": False, "schema": part} for name, part in schema["properties"].items()
    ]


if __name__ == "__main__":
    sys.stdout.write(text())
