"""The frame of every operation: who asks, how often, with what; and what goes back.

An operation is one line of a table (`Operation`) with a plain function of an `Ask`. A read has a session that reads; a
write has one transaction, in which its Idempotency-Key (where there is one) and its answer are kept as well, so that a
request that is sent twice is carried out once, whatever dies between.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

import structlog
from pydantic import BaseModel, ValidationError
from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from agent.review import files
from agent.review.api import problems, tokens
from agent.review.api.limits import Limiter
from agent.review.api.problems import Problem
from agent.review.files import File
from agent.review.rights import Actor, NotAllowed, Right
from agent.review.web.desk import Desk
from config.errors import RelanceError
from config.fields import Rate
from models import ApiAnswer

log = structlog.get_logger()

REFUSALS = Rate(30, timedelta(minutes=1))
"""Of one address: requests without a good token, before it has to wait."""
KEPT = timedelta(hours=24)
"""How long an Idempotency-Key counts."""
LONGEST_KEY = 200


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing that can be asked for. ``status``: of its success; ``right`` of the token's role."""

    name: str
    method: str
    path: str
    summary: str
    right: Right
    do: Callable[[Ask], BaseModel | File]
    answer: type[BaseModel] | str
    """The shape of what it answers; of a file its media type."""
    query: type[BaseModel] | None = None
    body: type[BaseModel] | None = None
    writes: bool = False
    """Whether it changes something in the frame's transaction, and so takes an Idempotency-Key. What has transactions
    of its own (several entries, a trained model) is harmless when it comes twice.
    """
    needs_key: bool = False
    """Whether it refuses a request without an Idempotency-Key."""
    keeps_session: bool = True
    """Whether the function wants a session; one that opens its own does not."""
    places: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """JSON Schemas of the names in the path."""


@dataclass(slots=True)
class Ask:
    """One request as an operation sees it."""

    desk: Desk
    actor: Actor
    now: datetime
    path: Mapping[str, Any]
    query: Any
    body: Any
    key: str
    _session: Session | None = None

    @property
    def session(self) -> Session:
        assert self._session is not None, "this operation was not given a session"
        return self._session

    @property
    def today(self) -> date:
        return self.now.astimezone(self.desk.settings.zone).date()


class Doors:
    """What all operations of one application share: how often who has asked."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self._asked = Limiter(desk.settings.web.api_rate)
        self._refused = Limiter(REFUSALS)

    def endpoint(self, operation: Operation) -> Callable[[Request], Any]:
        async def serve(request: Request) -> Response:
            raw = await request.body()
            return await run_in_threadpool(self._answer, operation, request, raw)

        return serve

    def _answer(self, operation: Operation, request: Request, raw: bytes) -> Response:
        try:
            with structlog.contextvars.bound_contextvars(operation=operation.name):
                return self._served(operation, request, raw)
        except Problem as problem:
            return problem.response()
        except RelanceError as error:
            return problems.of_error(error).response()

    def _served(self, operation: Operation, request: Request, raw: bytes) -> Response:
        desk, now = self.desk, self.desk.now()
        actor, token_id = self._who(request, now)
        if not actor.may(operation.right):
            raise NotAllowed(f"the role {actor.role.value} may not {operation.right.value}")
        key = _key_of(operation, request)
        ask = Ask(
            desk, actor, now, _path_of(operation, request), _query_of(operation, request), _body_of(operation, raw), key
        )
        if not operation.writes:
            if not operation.keeps_session:
                return _told(operation, operation.do(ask))
            with desk.database.read() as session:
                ask._session = session  # noqa: SLF001 the same module
                return _told(operation, operation.do(ask))
        fingerprint = hashlib.sha256(f"{request.method}\n{request.url}\n".encode() + raw).hexdigest()
        try:
            return self._written(operation, ask, token_id, fingerprint)
        except IntegrityError:
            # The same key on another connection was quicker: its answer is this answer.
            with desk.database.read() as session:
                before = _before(session, token_id, key, fingerprint)
            if before is None:
                log.warning("api.collided", exc_info=True)
                raise Problem(503, "somebody wrote the same at this moment", headers={"Retry-After": "1"}) from None
            return before

    def _written(self, operation: Operation, ask: Ask, token_id: int, fingerprint: str) -> Response:
        with ask.desk.database.write() as session:
            if ask.key:
                before = _before(session, token_id, ask.key, fingerprint)
                if before is not None:
                    return before
            ask._session = session  # noqa: SLF001 the same module
            row = None
            if ask.key:
                session.execute(delete(ApiAnswer).where(ApiAnswer.created_at < ask.now - KEPT))
                row = ApiAnswer(
                    token_id=token_id, key=ask.key, fingerprint=fingerprint, status=200, body={}, created_at=ask.now
                )
                session.add(row)
                session.flush()  # a second one on PostgreSQL waits here until this transaction is through
            answer = _told(operation, operation.do(ask))
            if row is not None:
                row.body = json.loads(bytes(answer.body))
            return answer

    def _who(self, request: Request, now: datetime) -> tuple[Actor, int]:
        address = request.client.host if request.client is not None else "?"
        if self._refused.is_empty(address, now):
            raise Problem(429, "too many requests without a valid token", headers={"Retry-After": "60"})
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        with self.desk.database.read() as session:
            row = tokens.holder(session, given.strip(), now) if scheme.lower() == "bearer" else None
        if row is None:
            self._refused.wait(address, now)
            raise Problem(401, headers={"WWW-Authenticate": 'Bearer realm="relance"'})
        if seconds := self._asked.wait(row.prefix, now):
            raise Problem(
                429, f"at most {self.desk.settings.web.api_rate} for one token", headers={"Retry-After": str(seconds)}
            )
        if tokens.is_use_to_be_noted(row, now):
            with self.desk.database.write() as session:
                tokens.note_use(session, row.id, now)
        return tokens.actor_of(row), row.id


def _before(session: Session, token_id: int, key: str, fingerprint: str) -> Response | None:
    """The answer that the same request was given before. Raises Problem where the key belongs to another request."""
    row = session.scalar(select(ApiAnswer).where(ApiAnswer.token_id == token_id, ApiAnswer.key == key))
    if row is None:
        return None
    if row.fingerprint != fingerprint:
        raise Problem(422, "this Idempotency-Key was used for another request")
    return Response(_dumped(row.body), row.status, {"Idempotency-Replayed": "true"}, "application/json")


def _told(operation: Operation, value: BaseModel | File) -> Response:
    if isinstance(value, File):
        return files.response(value)
    assert not isinstance(operation.answer, str), operation.name
    assert isinstance(value, operation.answer), operation.name
    return Response(_dumped(value.model_dump(mode="json", by_alias=True)), 200, media_type="application/json")


def _dumped(body: Any) -> str:
    return json.dumps(body, ensure_ascii=False)


def _key_of(operation: Operation, request: Request) -> str:
    key = request.headers.get("idempotency-key")
    if not operation.writes:
        return ""
    if key is None:
        if operation.needs_key:
            raise Problem(400, "this needs an Idempotency-Key: the same request sent twice must be one mail")
        return ""
    if not 0 < len(key) <= LONGEST_KEY or not all("!" <= letter <= "~" for letter in key):
        raise Problem(400, f"an Idempotency-Key has at most {LONGEST_KEY} visible ASCII characters")
    return key


def _path_of(operation: Operation, request: Request) -> Mapping[str, Any]:
    found: dict[str, Any] = dict(request.path_params)
    for name, schema in operation.places.items():
        if schema.get("type") == "integer":
            text = str(found[name])
            if not (text.isascii() and text.isdecimal() and len(text) <= 9):
                raise Problem(404)
            found[name] = int(text)
        elif "\x00" in found[name] or found[name] not in schema.get("enum", (found[name],)):
            raise Problem(404)
    return found


def _query_of(operation: Operation, request: Request) -> BaseModel | None:
    pairs = request.query_params.multi_items()
    if operation.query is None:
        if pairs:
            raise Problem(422, errors=[{"at": f"query.{name}", "detail": "is not known here"} for name, _ in pairs])
        return None
    names = [name for name, _ in pairs]
    if len(set(names)) != len(names):
        raise Problem(422, "a name stands in the query twice")
    return _checked("query", lambda: operation.query.model_validate_strings(dict(pairs)))  # type: ignore[union-attr]  # asked above


def _body_of(operation: Operation, raw: bytes) -> BaseModel | None:
    model = operation.body
    try:
        document = json.loads(raw or b"{}")
    except (ValueError, RecursionError):
        raise Problem(400, "the body is no JSON") from None
    if model is None:
        if document not in ({}, None):
            raise Problem(422, errors=[{"at": "body", "detail": "nothing is expected here"}])
        return None
    return _checked("body", lambda: model.model_validate_json(json.dumps(document), strict=True))


def _checked(where: str, read: Callable[[], BaseModel]) -> BaseModel:
    try:
        return read()
    except ValidationError as error:
        errors = [
            {"at": ".".join([where, *map(str, one["loc"])]), "detail": one["msg"].removeprefix("Value error, ")}
            for one in error.errors(include_url=False, include_input=False, include_context=False)[:20]
        ]
        raise Problem(422, errors=errors) from None
