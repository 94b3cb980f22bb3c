"""What a person does by hand: holds, notes, answers heard on the phone, a stop of everything; and the three modes."""

import pytest

from tests.contract.conftest import SinkDesk

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

CUSTOMERS = """id,name,email,language
one,One Ltd,ap@one.test,en
two,Two SARL,compta@two.test,fr
three,Three SARL,compta@three.test,fr
"""
INVOICES = """number,customer_id,due_date,amount
H-1,one,2025-03-03,500.00
H-2,one,2025-03-03,60.00
H-3,two,2025-03-03,700.00
H-4,three,2025-03-03,80.00
"""
MORNING = "2025-03-06T10:00"


@pytest.fixture
def owed(desk: SinkDesk) -> SinkDesk:
    desk.load("customers", CUSTOMERS, as_of="2025-03-06T07:00")
    desk.load("invoices", INVOICES, as_of="2025-03-06T07:00")
    desk.fresh("2025-03-06T07:00")
    return desk


def left_out(desk: SinkDesk) -> dict[str, str]:
    plan = desk("plan", "--on", "2025-03-06", "--json").document()
    return {left["invoice"]: left["reason"] for left in plan["left_out"]}


def test_what_a_person_says_holds_until_a_person_says_otherwise(owed: SinkDesk) -> None:
    desk = owed
    desk("hold", "H-1", "--reason", "under discussion", "--until", "2199-01-01", "--by", "anna")
    desk("hold", "--customer", "two", "--reason", "sales asked", "--by", "anna")
    assert left_out(desk) == {"H-1": "held", "H-3": "customer_held"}
    held = desk.invoices("H-1", "H-3")
    assert held["H-1"]["hold"]["by"] == "anna"
    assert held["H-3"]["hold"]["reason"] == "sales asked"
    assert held["H-1"]["state"] == "open", "a hold is no state"

    desk("stop-sending", "--reason", "wrong prices", "--by", "anna")
    assert set(left_out(desk).values()) == {"sending_stopped"}
    desk.run(MORNING)
    assert desk.sink.mails == []
    desk("resume-sending", "--by", "anna")
    desk.run(MORNING)
    assert {mail.recipients for mail in desk.sink.mails} == {("ap@one.test",), ("compta@three.test",)}
    (mail,) = desk.sent_to("ap@one.test")
    assert "H-2" in mail.as_string()
    assert "H-1" not in mail.as_string()

    desk("release", "H-1", "--by", "anna")
    desk("release", "--customer", "two", "--by", "anna")
    desk.run(MORNING)
    assert len(desk.sent_to("compta@two.test")) == 1
    assert len(desk.sent_to("ap@one.test")) == 1, "the gap counts from the last mail, whatever ended"

    desk("log", "call", "H-3", "--text", "nobody there", "--by", "anna")
    desk("log", "note", "--customer", "two", "--text", "asks for a new contact", "--by", "anna")
    desk("log", "promise", "H-3", "--date", "2199-01-02", "--by", "anna")
    desk("log", "dispute", "H-4", "--reason", "amount", "--text", "ten too much", "--by", "anna")
    assert desk.states("H-3", "H-4") == {"H-3": "promised", "H-4": "disputed"}
    assert desk.invoices("H-3")["H-3"]["promise_date"] == "2199-01-02"
    assert desk.waiting() == {"three": "dispute"}
    desk("hold", "H-99", "--reason", "no such invoice", code=1)
    desk("log", "promise", "H-3", "--date", "tomorrow", code=2)

    actors = {event["kind"]: event["actor"] for event in desk.rows("audit", "list", "--last", "500")}
    by_hand = ("hold.placed", "hold.released", "call.logged", "note.logged", "promise.open", "dispute.open")
    assert {actors[kind] for kind in by_hand} == {"anna"}
    assert "ok" in desk("audit", "verify").out


def test_observing_changes_nothing_and_suggesting_waits_for_a_persons_word(owed: SinkDesk) -> None:
    desk = owed
    desk.configure(mode="observe")
    assert desk("plan", "--on", "2025-03-06", "--json").document()["mode"] == "observe"
    desk.run(MORNING)
    assert desk.sink.mails == []
    assert desk.rows("reminders") == []

    desk.configure(mode="suggest")
    desk.run(MORNING)
    assert desk.sink.mails == []
    waiting = {row["customer"]: row for row in desk.rows("approvals")}
    assert set(waiting) == {"one", "two", "three"}
    desk("approvals", "approve", str(waiting["one"]["id"]), str(waiting["two"]["id"]), "--by", "anna")
    desk("approvals", "skip", str(waiting["three"]["id"]), "--reason", "called them", "--by", "anna")
    desk.run("2025-03-06T11:00")
    assert {mail.recipients for mail in desk.sink.mails} == {("ap@one.test",), ("compta@two.test",)}
    assert desk.rows("approvals") == []

    claim = "Bonjour,\n\nCette facture a été réglée par virement hier.\n\nCordialement,\nLéa Petit"
    desk.reply("compta@two.test", claim, at="2025-03-06T12:00:00+01:00")
    desk.run("2025-03-06T15:00")
    assert desk.states("H-3") == {"H-3": "reminded"}
    (item,) = desk.queue()
    assert (item["reason"], item["suggested"]["primary"]) == ("suggested", "paid")
    desk("queue", "resolve", str(item["id"]), "--as", "paid", "--by", "anna")
    assert desk.states("H-3") == {"H-3": "payment_reported"}

    desk.configure(mode="observe")
    paid = "Hello,\n\nBoth invoices were paid by bank transfer yesterday.\n\nKind regards,\nJo Field"
    desk.reply("ap@one.test", paid, at="2025-03-06T15:30:00+01:00")
    desk.run("2025-03-06T16:00")
    assert desk.waiting() == {"one": "observed"}
    assert desk.states("H-1", "H-2") == {"H-1": "reminded", "H-2": "reminded"}
