"""The API keeps what its document promises: schemathesis makes up requests from it, right and wrong ones."""

import secrets
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.specs.openapi import checks as promised
from schemathesis.transport.asgi import ASGI_TRANSPORT

from agent.review.api import openapi
from agent.review.api.frame import Operation
from agent.review.api.operations import OPERATIONS
from agent.review.web.app import build
from models.user import Role
from tests.agent.review.api.test_api import Program, one_approval
from tests.builders.desk import Office, answer, debtor

EXAMPLES = 6
"""For each operation and each way of making requests."""
KEPT = [
    schemathesis.checks.not_a_server_error,
    promised.status_code_conformance,
    promised.content_type_conformance,
    promised.response_schema_conformance,
    promised.response_headers_conformance,
]
"""What needs more than the one answer (methods, log-ins) has tests of its own beside this one; so have wrong values, as
what is wrong in a schema (a number for a text) may be right once it stands in an address."""


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["right", "wrong"])
def test_every_answer_is_one_that_the_document_has(small_desk: Office, mode: GenerationMode) -> None:
    one_approval(small_desk)
    with small_desk.database.write() as session:
        owner, invoices = debtor(session, "FA-2", id="K2", email="b@k2.example")
        answer(session, owner, invoices)
    program = Program(small_desk, role=Role.ADMIN)
    document = schemathesis.openapi.from_dict(openapi.document())
    app = build(small_desk.desk)
    headers = {"Authorization": f"Bearer {program.token}"}

    def tried(operation: Operation) -> None:
        found = document[operation.path][operation.method]

        @settings(
            max_examples=EXAMPLES, deadline=None, database=None, phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        @given(case=found.as_strategy(generation_mode=mode), number=st.sampled_from([None, 1]))
        def run(case: Any, number: int | None) -> None:
            if number is not None and mode is GenerationMode.POSITIVE and "kind" not in case.path_parameters:
                case.path_parameters.update({"number": number} if "number" in case.path_parameters else {})
            case.headers.clear()  # a client trims them, so that a wrong one may be right when it comes; they are below
            wrong = {
                where.value for where, part in case.meta.components.items() if part.mode is GenerationMode.NEGATIVE
            }
            if wrong == {"header"}:
                return
            if operation.needs_key:
                case.headers["Idempotency-Key"] = secrets.token_hex(8)
            small_desk.clock.passes(small_desk.settings.web.api_rate.period)
            answered = ASGI_TRANSPORT.send(case, app=app, base_url="http://127.0.0.1/api/v1", headers=headers)
            case.validate_response(answered, checks=KEPT)

        run()

    for operation in OPERATIONS:
        tried(operation)


@pytest.mark.parametrize("key", ["", "a b", "é".encode(), "x" * 201])
def test_a_key_that_is_none_is_refused(small_desk: Office, key: str | bytes) -> None:
    answered = Program(small_desk).post("/outgoing/stop", {"reason": "x"}, **{"Idempotency-Key": key})  # type: ignore[arg-type]  # bytes too
    assert answered.status_code == 400
