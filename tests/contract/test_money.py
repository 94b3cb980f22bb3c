"""Claims are not facts: what a customer says pauses, only the ledger closes, and time judges promises."""

from typing import Any

import pytest

from tests.contract.conftest import SinkDesk

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

CUSTOMERS = """id,name,email,language
keeper,Keeper Ltd,ap@keeper.test,en
breaker,Breaker Ltd,ap@breaker.test,en
claimer,Claimer SARL,compta@claimer.test,fr
silent,Silent SARL,compta@silent.test,fr
"""
INVOICES = """number,customer_id,due_date,amount
K-1,keeper,2025-03-03,500.00
B-1,breaker,2025-03-03,600.00
C-1,claimer,2025-03-03,700.00
S-1,silent,2025-03-03,80.00
S-2,silent,2025-03-03,90.00
"""
PAYMENTS = """id,date,amount,customer_id,invoice_number,reference
P1,2025-03-12,500.00,keeper,K-1,
P2,2025-03-12,90.00,silent,,transfer
P3,2025-03-12,10.00,silent,X-9,no such invoice
"""
WRITTEN = "2025-03-06T12:00:00+01:00"


def test_only_the_ledger_closes_and_a_promise_is_judged_by_what_came_in(desk: SinkDesk) -> None:
    desk.load("customers", CUSTOMERS, as_of="2025-03-06T07:00")
    desk.load("invoices", INVOICES, as_of="2025-03-06T07:00")
    desk.fresh("2025-03-06T07:00")
    desk.run("2025-03-06T10:00")
    promise = "Hello,\n\nYou will receive our payment on 12 March 2025.\n\nKind regards,\nJo Field"
    desk.reply("ap@keeper.test", promise, at=WRITTEN)
    desk.reply("ap@breaker.test", promise, at=WRITTEN)
    claim = "Bonjour,\n\nCette facture a été réglée par virement hier.\n\nCordialement,\nLéa Petit"
    desk.reply("compta@claimer.test", claim, at=WRITTEN)
    desk.run("2025-03-06T15:00")
    assert desk.states() == {
        "K-1": "promised", "B-1": "promised", "C-1": "payment_reported", "S-1": "reminded", "S-2": "reminded",
    }  # fmt: skip
    assert desk.queue() == []

    # The bank's word: by number, by exact amount, and one that names nothing known.
    first = desk.load("payments", PAYMENTS, as_of="2025-03-12T18:00")
    assert first["created"] == 3
    again = desk.load("payments", PAYMENTS, as_of="2025-03-12T18:00")
    assert (again["created"], again["changed"]) == (0, 0)
    shown = desk.invoices()
    assert {number: (row["state"], row["balance"]) for number, row in shown.items()} == {
        "K-1": ("paid", "0.00"), "B-1": ("promised", "600.00"), "C-1": ("payment_reported", "700.00"),
        "S-1": ("reminded", "80.00"), "S-2": ("paid", "0.00"),
    }  # fmt: skip
    assert shown["K-1"]["next_step"] is None
    (unknown,) = desk.queue()
    assert (unknown["reason"], unknown["message_id"], unknown["customer"]) == ("unknown_invoice", None, "silent")
    # No mail to say anything of: it is settled without an intent.
    desk("queue", "resolve", str(unknown["id"]))
    assert desk.queue() == []

    # Both waits are over, but the ledger does not know that yet: nobody is accused, nothing is sent.
    mails = len(desk.sink.mails)
    desk.run("2025-03-20T10:00")
    assert desk.states("B-1", "C-1") == {"B-1": "promised", "C-1": "payment_reported"}
    assert tasks(desk) == []
    assert len(desk.sink.mails) == mails

    # The ledger speaks for later: a person is told of both, and the plan goes on where it was.
    desk.fresh("2025-03-24T07:00")
    desk.run("2025-03-24T10:00")
    assert {(task["kind"], *task["invoices"]) for task in tasks(desk)} == {
        ("broken_promise", "B-1"), ("unpaid_claim", "C-1"),
    }  # fmt: skip
    shown = desk.invoices("B-1", "C-1", "S-1")
    assert {row["last_reminder"]["step"] for row in shown.values()} == {"firm_reminder"}
    assert {row["state"] for row in shown.values()} == {"reminded"}
    assert len(desk.sink.mails) == mails + 3
    assert len(desk.sent_to("ap@keeper.test")) == 1, "who has paid is not chased"

    # The bank takes a payment back: the invoice is open again, and its dunning begins with the first step.
    back = "id,date,amount,customer_id,invoice_number\nP1-BACK,2025-03-25,-500.00,keeper,K-1\n"
    desk.load("payments", back, as_of="2025-03-25T07:00")
    shown = desk.invoices("K-1")
    assert (shown["K-1"]["state"], shown["K-1"]["balance"]) == ("open", "500.00")
    desk.run("2025-03-25T10:00")
    assert desk.invoices("K-1")["K-1"]["last_reminder"]["step"] == "friendly_reminder"
    assert len(desk.sent_to("ap@keeper.test")) == 2

    kinds = [event["kind"] for event in desk.rows("audit", "list", "--last", "500")]
    assert "promise.kept" in kinds
    assert "promise.broken" in kinds
    assert desk("audit", "verify", "--json").document()["ok"] is True


def tasks(desk: SinkDesk) -> list[dict[str, Any]]:
    """All but the automatic actions, one in twenty, that are drawn for a person to look at."""
    return [task for task in desk.rows("tasks") if task["kind"] != "audit_sample"]
