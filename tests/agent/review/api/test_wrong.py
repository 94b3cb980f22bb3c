"""Wrong requests: each is refused with a reason that a program can read, and leaves every row as it was."""

import dataclasses
import json
import re
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import select

from agent.review.api.frame import Operation
from agent.review.api.operations import OPERATIONS
from models import ApiAnswer, ApiToken, Base
from models.user import Role
from tests.agent.review.api.test_api import Program, one_approval
from tests.agent.review.test_worklist import task
from tests.builders.desk import Office, answer, debtor

HUGE = "x" * 500_000
WRONG: tuple[Any, ...] = ({"a": {}}, [[1]], "\0", "\ud800", HUGE, 1.5, -(10**30), {"é" * 2_000: "paid"})
"""Values that no field takes, whatever its type."""
BROKEN = {
    b"{": 400, b"\xff\xfe{}": 400, b'{"a": "\xc3\x28"}': 400, b"[" * 100_000: 400, b"\0": 400,
    b'{"a": 1' + b"0" * 5_000: 400,
    b"[]": 422, b"1": 422, b'"x"': 422, b'{"a": NaN}': 422, b'{"nobody": "knows"}': 422,
    b'{"a": "' + b"x" * 1_000_001 + b'"}': 413,
}  # fmt: skip
"""Bodies that are wrong for every operation, and what each is answered with."""


@pytest.fixture
def desk(small_desk: Office) -> Office:
    """One entry of each kind, under the number 1; nothing begins a training."""
    small_desk._desk = dataclasses.replace(small_desk.desk, start=lambda *_: threading.Thread())
    one_approval(small_desk)
    with small_desk.database.write() as session:
        owner, invoices = debtor(session, "FA-2", id="K2", email="b@k2.example")
        answer(session, owner, invoices)
        task(session, "FA-3")
    return small_desk


def rows(desk: Office) -> dict[str, list[Any]]:
    """All rows but for those that every request of a program leaves: when its token was used last."""
    left_out = {ApiToken.__tablename__, ApiAnswer.__tablename__}
    with desk.database.read() as session:
        return {
            table.name: [tuple(row) for row in session.execute(select(table))]
            for table in Base.metadata.sorted_tables
            if table.name not in left_out
        }


def path_of(one: Operation) -> str:
    found = re.sub(
        r"/(customers|invoices)/\{\w+\}", lambda m: f"/{m[1]}/" + ("K2" if m[1] == "customers" else "FA-2"), one.path
    )
    return "/api/v1" + re.sub(r"\{\w+\}", "1", found.replace("{kind}", "item").replace("{name}", "aging"))


def told(answered: Any, *statuses: int) -> dict[str, Any]:
    """The problem that it tells, once it was seen to be one."""
    assert answered.status_code in statuses, (answered.request.url, answered.status_code, answered.text[:300])
    assert answered.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = answered.json()
    assert problem["status"] == answered.status_code
    assert problem["title"]
    assert problem["detail"]
    assert "Traceback" not in answered.text
    return problem


def names(model: Any) -> Iterator[str]:
    return iter([field.alias or name for name, field in model.model_fields.items()])


WRITING = [one for one in OPERATIONS if one.method == "POST"]
ASKING = [one for one in OPERATIONS if one.query is not None]


@pytest.mark.parametrize("one", WRITING, ids=lambda one: one.name)
def test_a_wrong_body_is_told_where_and_changes_nothing(desk: Office, one: Operation) -> None:
    program = Program(desk, role=Role.ADMIN)
    headers = {"Authorization": f"Bearer {program.token}", "Idempotency-Key": "k", "content-type": "application/json"}
    before = rows(desk)
    for body, status in BROKEN.items():
        desk.clock.passes(desk.settings.web.api_rate.period)
        problem = told(program.client.post(path_of(one), content=body, headers=headers), status)
        assert status != 422 or problem["errors"][0]["at"].startswith("body"), body
    for name in names(one.body) if one.body is not None else ():
        for value in WRONG:
            desk.clock.passes(desk.settings.web.api_rate.period)
            content = json.dumps({name: value})
            problem = told(program.client.post(path_of(one), content=content, headers=headers), 422)
            places = {each["at"] for each in problem["errors"]}
            assert places == {"body"} or any(at.startswith(f"body.{name}") for at in places), (name, ascii(value)[:20])
    assert rows(desk) == before


@pytest.mark.parametrize("one", ASKING, ids=lambda one: one.name)
def test_a_wrong_question_is_told_where(desk: Office, one: Operation) -> None:
    program = Program(desk, role=Role.ADMIN)
    assert one.query is not None
    told(program.get(path_of(one).removeprefix("/api/v1"), nobody="knows"), 422)
    twice = program.client.get(f"{path_of(one)}?limit=1&limit=2", headers={"Authorization": f"Bearer {program.token}"})
    told(twice, 422)
    for name in names(one.query):
        for value in ("x" * 5_000, "\0", "2026-13-45" if name in ("from", "to") else "y" * 700):
            problem = told(program.get(path_of(one).removeprefix("/api/v1"), **{name: value}), 400, 422)
            assert problem["status"] == 400 or problem["errors"][0]["at"] == f"query.{name}"


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31", "1989-12-31", "2200-01-01"])
def test_a_day_that_no_clock_can_tell_is_refused(desk: Office, day: str) -> None:
    program = Program(desk, role=Role.ADMIN)
    told(program.post("/work/item/1/snooze", {"until": day}), 422)
    told(program.post("/log", {"kind": "promise", "invoice": "FA-2", "day": day}), 422)
    told(program.get("/figures/dso", to=day), 422)
    page = desk.at_work("lea", Role.ADMIN)
    assert page.post("/work/item/1/snooze", {"until": day}).status_code == 409
    assert page.post("/log", {"kind": "promise", "invoice": "FA-2", "day": day}).status_code == 409
    assert page.get(f"/figures?from={day}&to={day}").status_code == 200


@pytest.mark.parametrize(
    "number", ["0", "-1", "1.0", "999999999", "99999999999999999999", "x", "%00", "1%20", "%D9%A3"]
)
@pytest.mark.parametrize("path", ["/work/item/{}", "/work/item/{}/take", "/mails/{}/source", "/views/{}/forget"])
def test_a_number_that_is_none_is_nowhere(desk: Office, path: str, number: str) -> None:
    program = Program(desk, role=Role.ADMIN)
    ask = program.post if path.endswith(("take", "forget")) else program.get
    told(ask(path.format(number)), 400, 404)


@pytest.mark.parametrize("one", OPERATIONS, ids=lambda one: one.name)
def test_another_method_is_told_so(desk: Office, one: Operation) -> None:
    program = Program(desk, role=Role.ADMIN)
    for method in ("PUT", "PATCH", "DELETE"):
        answered = program.client.request(method, path_of(one), headers={"Authorization": f"Bearer {program.token}"})
        told(answered, 405)


@pytest.mark.parametrize("given", [b"\xff\xfe", b"Bearer \xc3\xa9", b"Bearer " + b"x" * 5_000, b"Bearer rel_"])
def test_a_token_of_any_bytes_is_none(desk: Office, given: bytes) -> None:
    told(desk.client().get("/api/v1/work", headers={b"Authorization": given}), 401)
