"""The exception queue: it holds reminders, and what a person says of it is applied, kept, and can be undone."""

import pytest

from tests.contract.conftest import SinkDesk, answer

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

CUSTOMERS = """id,name,email,language
asker,Asker Ltd,ap@asker.test,en
disputer,Disputer SARL,compta@disputer.test,fr
bystander,Bystander SARL,compta@bystander.test,fr
"""
INVOICES = """number,customer_id,due_date,amount
A-1,asker,2025-03-03,500.00
A-2,asker,2025-03-03,60.00
D-1,disputer,2025-03-03,700.00
FA2025-0041,bystander,2025-03-03,80.00
"""
WRITTEN = "2025-03-06T12:00:00+01:00"
NEXT = "2025-03-13"


def left_out(desk: SinkDesk) -> dict[str, str]:
    """Invoice → why it is not asked for, a week later."""
    plan = desk("plan", "--on", NEXT, "--json").document()
    return {left["invoice"]: left["reason"] for left in plan["left_out"]}


def planned(desk: SinkDesk) -> set[str]:
    plan = desk("plan", "--on", NEXT, "--json").document()
    return {invoice["number"] for reminder in plan["reminders"] for invoice in reminder["invoices"]}


def test_a_person_settles_what_waits_and_can_take_it_back(desk: SinkDesk) -> None:
    desk.load("customers", CUSTOMERS, as_of="2025-03-06T07:00")
    desk.load("invoices", INVOICES, as_of="2025-03-06T07:00")
    desk.fresh("2025-03-06T07:00")
    desk.run("2025-03-06T10:00")
    desk.reply("ap@asker.test", "Hello,\n\nCould you send us a copy of both invoices?\n\nThanks,\nMary", at=WRITTEN)
    contest = "Bonjour,\n\nNous contestons cette facture : la marchandise n'a jamais été livrée.\n\nLuc Martin"
    desk.reply("compta@disputer.test", contest, at=WRITTEN)
    # Somebody whom nobody knows, in no thread, about an invoice whose number he has seen.
    raw = answer(
        None, "who@knows.test", "La facture FA2025-0041 est payée depuis longtemps.", at=WRITTEN,
        mailbox=desk.account.address, subject="Facture FA2025-0041",
    )  # fmt: skip
    desk.account.append(raw)
    desk.run("2025-03-06T15:00")
    desk.fresh("2025-03-13T07:00")

    items = {item["customer"]: item for item in desk.queue()}
    assert {customer: item["reason"] for customer, item in items.items()} == {
        "asker": "question", "disputer": "dispute", "bystander": "not_threaded",
    }  # fmt: skip
    assert [item["priority"] for item in desk.queue()] == sorted((i["priority"] for i in items.values()), reverse=True)
    assert desk.states() == {"A-1": "reminded", "A-2": "reminded", "D-1": "disputed", "FA2025-0041": "reminded"}
    assert left_out(desk) == dict.fromkeys(("A-1", "A-2", "D-1", "FA2025-0041"), "exception_open")
    question, stranger = (str(items[name]["id"]) for name in ("asker", "bystander"))

    shown = desk("queue", "show", question, "--json").document()
    assert (shown["id"], shown["customer"]) == (int(question), "asker")
    assert "copy of both invoices" in shown["text"]
    desk("queue", "take", question, "--by", "anna")
    assert desk("queue", "show", question, "--json").document()["state"] == "taken"

    # What can't be done says so, and changes nothing.
    assert "--as" in desk("queue", "resolve", question, "--by", "anna", code=1).err
    assert "--promise-date" in desk("queue", "resolve", question, "--as", "promise", "--by", "anna", code=1).err
    desk("queue", "resolve", "9999", "--as", "paid", code=1)
    desk("queue", "dismiss", question, code=2)
    assert desk.states("A-1", "A-2") == {"A-1": "reminded", "A-2": "reminded"}

    # Two invoices, two meanings, by a person's word; then not after all; then the one word for both.
    said = desk(
        "queue", "resolve", question, "--as", "promise", "--invoice", "A-1=paid", "--invoice", "A-2=promise",
        "--promise-date", "2025-03-20", "--by", "anna", "--json",
    ).document()  # fmt: skip
    assert (said["id"], said["state"]) == (int(question), "resolved")
    assert desk.states("A-1", "A-2") == {"A-1": "payment_reported", "A-2": "promised"}
    assert desk.invoices("A-2")["A-2"]["promise_date"] == "2025-03-20"
    undone = desk("queue", "undo", "--by", "anna", "--json").document()
    assert (undone["id"], undone["state"]) == (int(question), "open")
    assert desk.states("A-1", "A-2") == {"A-1": "reminded", "A-2": "reminded"}
    assert desk.invoices("A-2")["A-2"]["promise_date"] is None
    assert left_out(desk)["A-1"] == "exception_open"
    desk("queue", "resolve", question, "--as", "question", "--by", "anna")
    assert planned(desk) == {"A-1", "A-2"}, "answered: the plan goes on"

    # Put away, it is out of sight and holds all the same.
    desk("queue", "snooze", stranger, "--until", "2199-01-01", "--json")
    assert int(stranger) not in {item["id"] for item in desk.queue()}
    assert left_out(desk)["FA2025-0041"] == "exception_open"
    desk("queue", "dismiss", stranger, "--reason", "no customer of ours", "--json")
    assert planned(desk) == {"A-1", "A-2", "FA2025-0041"}

    # Once released, the same stranger is shown to a person and holds nobody's reminders any more.
    desk.account.append(raw.replace(b"@mailer.test>", b"-again@mailer.test>"))
    desk.run("2025-03-06T16:00")
    assert sorted(item["customer"] for item in desk.queue()) == ["bystander", "disputer"]
    assert "FA2025-0041" in planned(desk)

    assert "ok" in desk("audit", "verify").out


def test_a_dispute_that_is_decided_waits_for_nobody(desk: SinkDesk) -> None:
    desk.load("customers", CUSTOMERS, as_of="2025-03-06T07:00")
    desk.load("invoices", INVOICES, as_of="2025-03-06T07:00")
    desk.fresh("2025-03-06T07:00")
    desk.run("2025-03-06T10:00")
    contest = "Bonjour,\n\nNous contestons cette facture : la marchandise n'a jamais été livrée.\n\nLuc Martin"
    desk.reply("compta@disputer.test", contest, at=WRITTEN)
    desk.run("2025-03-06T15:00")
    desk("log", "dispute", "A-1", "--reason", "amount", "--by", "anna")
    assert {item["customer"]: item["reason"] for item in desk.queue()} == {"asker": "dispute", "disputer": "dispute"}
    desk("settle-dispute", "A-1", "--as", "rejected", "--by", "anna")
    desk("settle-dispute", "D-1", "--as", "rejected", "--by", "anna")
    assert desk.states("A-1", "D-1") == {"A-1": "reminded", "D-1": "reminded"}
    assert desk.queue() == []
    desk.fresh("2025-03-13T07:00")
    assert {"A-1", "D-1"} <= planned(desk)
