"""The API as an application of its own, which the pages' application mounts at its versioned path."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from agent.review.api import openapi
from agent.review.api.frame import Doors, Operation
from agent.review.api.operations import OPERATIONS
from agent.review.api.problems import TITLES, Problem
from agent.review.web.desk import Desk


def build(desk: Desk) -> Starlette:
    """The operations over one database, and the document that describes them."""
    doors = Doors(desk)
    document = openapi.text()

    async def described(_request: Request) -> Response:
        return Response(document, media_type="application/json")

    routes = [Route(_place(one), doors.endpoint(one), methods=[one.method], name=one.name) for one in OPERATIONS]
    return Starlette(
        routes=[Route("/openapi.json", described, methods=["GET"]), *routes],
        exception_handlers={HTTPException: _refused, Exception: _mistake},
    )


def _place(operation: Operation) -> str:
    """The path for the router: ids and numbers from the ledger may hold a slash, so they take all that is left."""
    path = operation.path
    for name, schema in operation.places.items():
        if schema["type"] == "string" and "enum" not in schema:
            path = path.replace(f"{{{name}}}", f"{{{name}:path}}")
    return path


async def _refused(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    status = error.status_code if error.status_code in TITLES else 400
    return Problem(status, headers=dict(error.headers or {})).response()


async def _mistake(_request: Request, _error: Exception) -> Response:
    return Problem(500, "It is written in the log.").response()
