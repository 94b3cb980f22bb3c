"""Everything that a page does, a program can do: each deed of a page beside the operation that does the same."""

import pytest

from agent.review.api.operations import OPERATIONS
from agent.review.web.app import PLACES, Place

OPERATION = {one.name: one for one in OPERATIONS}
SAME = {
    "POST /undo": "undo",
    "POST /work/bulk": "bulk",
    "POST /views": "keep_view",
    "POST /views/{number}/forget": "forget_view",
    "POST /work/{kind}/{number}/take": "take",
    "POST /work/{kind}/{number}/give-back": "give_back",
    "POST /work/{kind}/{number}/assign": "assign",
    "POST /work/{kind}/{number}/snooze": "snooze",
    "POST /work/item/{number}/consequence": "preview",
    "POST /work/item/{number}/settle": "decide",
    "POST /work/item/{number}/verdict": "end_disputes",
    "POST /work/item/{number}/dismiss": "dismiss",
    "POST /work/item/{number}/answer": "answer",
    "POST /work/task/{number}/done": "finish_task",
    "POST /work/task/{number}/consequence": "preview_audit",
    "POST /work/task/{number}/done/consequence": "preview_task",
    "POST /work/task/{number}/audit": "judge_audit",
    "POST /work/task/{number}/letter": "letter",
    "POST /work/approval/{number}/edit": "edit",
    "POST /work/approval/{number}/approve": "approve",
    "POST /work/approval/{number}/reject": "skip",
    "POST /log": "log",
    "POST /outgoing/stop": "stop_sending",
    "POST /outgoing/resume": "resume_sending",
    "POST /model/train": "train",
    "POST /model/rollback": "rollback",
    "POST /model/{name}/compare": "compare",
    "POST /model/{name}/promote": "promote",
    "GET /": "work",
    "GET /work/counts": "counts",
    "GET /work/item/{number}": "item",
    "GET /work/task/{number}": "task",
    "GET /work/task/{number}/hand-over": "hand_over",
    "GET /work/approval/{number}": "approval",
    "GET /work/item/{number}/draft": "drafts",
    "GET /mail/{number}/attachment/{place}": "attachment",
    "GET /mail/{number}/source": "source",
    "GET /mail/{number}/why": "why",
    "GET /customers": "customers",
    "GET /customers/{customer:path}": "customer",
    "GET /invoices/{invoice:path}": "invoice",
    "GET /invoices/{invoice:path}/dossier": "dossier",
    "GET /invoices/{invoice:path}/documents/{number}": "document",
    "GET /outgoing": "outgoing",
    "GET /outgoing/calendar": "calendar",
    "GET /figures": "figures",
    "GET /figures.xlsx": "workbook",
    "GET /figures/{name}.csv": "figures_csv",
    "GET /model": "models",
    "GET /model/training": "models",
}
OF_BROWSERS = {
    "GET /login": "a program has a token",
    "POST /login": "a program has a token",
    "POST /logout": "a token is revoked by command",
    "GET /login/oidc": "a program has a token",
    "GET /login/oidc/return": "a program has a token",
    "GET /logout/oidc": "a program has a token",
    "POST /language": "a program gets codes and English sentences",
    "POST /work/{kind}/{number}/skip": "the next entry is the next of the list",
    "GET /work/hands": "what a list that stands open asks again; an entry says who has taken it, and its state",
    "GET /work/{kind}/{number}/presence": "who has a page open; an entry says who has taken it",
    "GET /mail/{number}/html": "what a browser may show; a program has the text and the source",
}
"""What only somebody with a browser needs, and why."""


def test_every_deed_and_sight_of_the_pages_has_its_operation() -> None:
    assert {f"{one.method} {one.path}" for one in PLACES} == set(SAME) | set(OF_BROWSERS)
    assert not set(SAME) & set(OF_BROWSERS)


@pytest.mark.parametrize("place", PLACES, ids=lambda one: f"{one.method} {one.path}")
def test_the_operation_asks_for_the_same_right_as_the_page(place: Place) -> None:
    name = SAME.get(f"{place.method} {place.path}")
    if name is not None:
        assert OPERATION[name].right is place.right


def test_what_the_api_has_besides_is_known() -> None:
    beside = {one.name for one in OPERATIONS} - set(SAME.values())
    assert beside == {"views", "words", "invoices"}, "lists that stand in a page's HTML"
