"""The whole loop through real servers: reminders leave, answers come, invoices move, the rest waits for a person."""

import re
from email.message import EmailMessage

import pytest

from tests.contract.conftest import Desk, answer, lacks, parsed
from tests.servers.dovecot import Account, Dovecot
from tests.servers.postfix import Postfix

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

AS_OF = "2025-03-06T07:00"
MORNING = "2025-03-06T10:00"
WRITTEN = "2025-03-06T12:00:00+01:00"
EVENING = "2025-03-06T15:00"
WEEK_LATER = "2025-03-13T10:00"

CUSTOMERS = """id;name;email;language
{rows}"""
INVOICES = """number;customer_id;issue_date;due_date;amount
FA-0101;payer;01/02/2025;03/03/2025;1 240,00
FA-0102;promiser;01/02/2025;03/03/2025;500,00
FA-0103;disputer;01/02/2025;03/03/2025;77,50
FA-0104;asker;01/02/2025;03/03/2025;310,00
FA-0105;both;01/02/2025;03/03/2025;640,00
FA-0106;both;01/02/2025;03/03/2025;99,90
FA-0107;dead;01/02/2025;03/03/2025;45,00
FA-0108;absent;01/02/2025;03/03/2025;88,00
FA-0109;victim;01/02/2025;03/03/2025;1 000,00
FA-0110;spoofed;01/02/2025;03/03/2025;1 001,00
FA-0111;silent;01/02/2025;03/03/2025;12,00
FA-0112;silent;01/03/2025;31/03/2025;13,00
"""
ENGLISH = ("promiser", "asker", "spoofed")

INVOICE_KEYS = (
    "number", "customer", "amount", "balance", "currency", "due_date", "state", "promise_date", "hold",
    "last_reminder", "next_step",
)  # fmt: skip
REMINDER_KEYS = ("id", "customer", "step", "invoices", "state", "message_id", "to", "subject", "sent_at")
MESSAGE_KEYS = (
    "id", "message_id", "direction", "kind", "state", "customer", "invoices", "primary", "received_at",
)  # fmt: skip
QUEUE_KEYS = (
    "id", "reason", "message_id", "customer", "invoices", "suggested", "state", "priority", "created_at",
)  # fmt: skip


class Customers:
    """The other end of the wire: each customer's own mailbox, and the way back through the border."""

    def __init__(self, dovecot: Dovecot, postfix: Postfix, ours: Account):
        self.postfix, self.ours = postfix, ours
        names = ("payer", "promiser", "disputer", "asker", "both", "absent", "silent")
        self.mailboxes = {name: dovecot.account(name, "good.test") for name in names}
        # Whom our border can't vouch for: their domains give it nothing to check.
        self.mailboxes |= {name: dovecot.account(name, f"{name}.test") for name in ("victim", "spoofed")}
        self.mailboxes["dead"] = dovecot.account("gone-dead", "nobody.test")

    def csv(self) -> str:
        return CUSTOMERS.format(
            rows="".join(
                f"{name};{name.title()} SARL;{box.address};{'en' if name in ENGLISH else 'fr'}\n"
                for name, box in self.mailboxes.items()
            )
        )

    def reminders(self, name: str, count: int = 1) -> list[EmailMessage]:
        return [parsed(raw) for raw in self.mailboxes[name].wait_for_mails(count)]

    def reply(self, name: str, text: str, *, envelope: str | None = None, headers: str = "") -> str:
        """Answer the first reminder; the answer's Message-ID."""
        sender = self.mailboxes[name].address
        to = str(self.reminders(name)[0]["Message-ID"])
        raw = answer(to, sender, text, at=WRITTEN, mailbox=self.ours.address, headers=headers)
        self.postfix.deliver(envelope or sender, self.ours.address, raw)
        return str(parsed(raw)["Message-ID"])


def test_answers_move_invoices_and_what_needs_a_person_waits_for_one(
    real_desk: Desk, dovecot: Dovecot, postfix: Postfix
) -> None:
    desk, people = real_desk, Customers(dovecot, postfix, real_desk.account)

    made = desk.load("customers", people.csv(), as_of=AS_OF)
    assert made["created"] == len(people.mailboxes)
    desk.load("invoices", INVOICES, as_of=AS_OF, encoding="cp1252")
    assert desk.load("invoices", INVOICES, as_of=AS_OF)["created"] == 0, "an import twice is an import once"

    plan = desk("plan", "--on", "2025-03-06", "--json").document()
    assert plan["reminders"] == []
    assert {left["reason"] for left in plan["left_out"]} == {"ledger_stale"}, "no payments were ever imported"
    assert "0 sent" in desk.run(MORNING).err
    desk.fresh(AS_OF)
    plan = desk("plan", "--on", "2025-03-06", "--json").document()
    assert {r["customer"] for r in plan["reminders"]} == set(people.mailboxes)
    assert {r["customer"]: [i["number"] for i in r["invoices"]] for r in plan["reminders"]}["both"] == [
        "FA-0105", "FA-0106",
    ]  # fmt: skip

    desk.run(MORNING)
    (reminder,) = people.reminders("both")
    assert {"FA-0105", "FA-0106"} <= set(re.findall(r"FA-\d+", str(reminder.get_body(("plain",)))))
    assert "Sauf erreur ou omission de notre part" in reminder.get_body(("plain",)).get_content()  # type: ignore[union-attr] # a mail without text fails right here
    assert reminder["Auto-Submitted"] == "auto-generated"
    made_rows = desk.rows("reminders")
    assert not lacks(made_rows[0], REMINDER_KEYS)
    assert {row["customer"]: row["state"] for row in made_rows} == dict.fromkeys(people.mailboxes, "sent")
    assert {row["message_id"] for row in made_rows if row["customer"] == "both"} == {reminder["Message-ID"]}
    assert len(desk.account.mails("Sent")) == len(people.mailboxes)

    written = {
        "payer": people.reply(
            "payer", "Bonjour,\n\nLa facture FA-0101 a été réglée par virement le 4 mars.\n\nCordialement,\nSophie"
        ),
        "promiser": people.reply(
            "promiser", "Hello,\n\nWe will pay invoice FA-0102 on 20 March 2025 by bank transfer.\n\nRegards,\nJohn"
        ),
        "disputer": people.reply(
            "disputer",
            "Bonjour,\n\nNous contestons la facture FA-0103 : la marchandise n'a jamais été livrée.\n\nLuc Martin",
        ),
        "asker": people.reply("asker", "Hello,\n\nCould you send us a copy of invoice FA-0104?\n\nThanks,\nMary"),
        "both": people.reply(
            "both",
            "Bonjour,\n\nLa facture FA-0105 a été réglée par virement le 3 mars. La FA-0106 sera payée le 20 mars 2025."
            "\n\nCordialement,\nAnne",
        ),
        "absent": people.reply(
            "absent",
            "Bonjour,\n\nJe suis absente jusqu'au 20 mars 2025 et répondrai à mon retour.\n\nNadia",
            headers="Auto-Submitted: auto-replied\n",
        ),
        # A stranger who writes what our border would have written, and knows the customer's address and the thread.
        "victim": people.reply(
            "victim",
            "Bonjour,\n\nLa facture FA-0109 a été réglée par virement hier.\n\nCordialement",
            envelope="stranger@elsewhere.test",
            headers="Authentication-Results: mx.example.test; dmarc=pass header.from=victim.test\n",
        ),
        # One whose own domain our border vouches for, but who writes another one into From.
        "spoofed": people.reply(
            "spoofed", "Hello,\n\nInvoice FA-0110 was paid by bank transfer yesterday.\n", envelope="thief@good.test"
        ),
    }
    desk.account.wait_for_mails(len(written) + 1)  # and Postfix' own word that nobody has the dead address
    desk.run(EVENING)

    items = {item["customer"]: item for item in desk.queue()}
    if two := items.pop("both", None):  # sure of two answers in one mail, or asking for both: but never wrong
        assert desk.states("FA-0105", "FA-0106") == {"FA-0105": "reminded", "FA-0106": "reminded"}
        said = ("--as", "paid", "--invoice", "FA-0105=paid", "--invoice", "FA-0106=promise")
        desk("queue", "resolve", str(two["id"]), *said, "--promise-date", "2025-03-20")
    assert desk.states() == {
        "FA-0101": "payment_reported", "FA-0102": "promised", "FA-0103": "disputed", "FA-0104": "reminded",
        "FA-0105": "payment_reported", "FA-0106": "promised", "FA-0107": "reminded", "FA-0108": "reminded",
        "FA-0109": "reminded", "FA-0110": "reminded", "FA-0111": "reminded", "FA-0112": "open",
    }  # fmt: skip
    shown = desk.invoices("FA-0102", "FA-0101", "FA-0111")
    assert set(shown) == {"FA-0102", "FA-0101", "FA-0111"}
    assert not any(lacks(row, INVOICE_KEYS) for row in shown.values())
    assert shown["FA-0102"]["promise_date"] == "2025-03-20"
    assert shown["FA-0101"]["amount"] == shown["FA-0101"]["balance"] == "1240.00", "a claim is no fact"
    assert shown["FA-0111"]["last_reminder"]["step"] == "friendly_reminder"
    assert shown["FA-0111"]["next_step"] == {"step": "firm_reminder", "on": "2025-03-13"}

    assert {customer: item["reason"] for customer, item in items.items()} == {
        "disputer": "dispute", "asker": "question", "dead": "dead_address", "victim": "unauthenticated",
        "spoofed": "unauthenticated",
    }  # fmt: skip
    assert not any(lacks(item, QUEUE_KEYS) for item in items.values())
    assert items["asker"]["message_id"] == written["asker"]
    assert items["asker"]["invoices"] == ["FA-0104"]
    assert items["asker"]["suggested"]["primary"] == "question"
    assert items["victim"]["suggested"]["primary"] == "paid"

    messages = {row["message_id"]: row for row in desk.rows("messages")}
    assert not any(lacks(row, MESSAGE_KEYS) for row in messages.values())
    incoming = [row for row in messages.values() if row["direction"] == "in"]
    assert len(incoming) == len(written) + 1, "mails seen are mails handled"
    assert {row["state"] for row in incoming} == {"applied", "queued"}
    assert messages[written["absent"]]["kind"] == "auto_reply"
    assert messages[written["payer"]] | {"id": 0} == messages[written["payer"]] | {
        "id": 0, "state": "applied", "primary": "paid", "customer": "payer", "invoices": ["FA-0101"], "kind": "human",
    }  # fmt: skip

    told = desk("explain", written["victim"]).out
    assert "FA-0109" in told
    assert "unauthenticated" in told
    told = desk("explain", written["payer"].strip("<>")).out
    assert "paid" in told
    assert "automatic" in told

    # Nothing new: nothing happens.
    before = (desk.states(), desk.queue(), len(desk.rows("messages")))
    assert "0 stored, 0 read, 0 applied, 0 queued" in desk.run(EVENING).err
    assert (desk.states(), desk.queue(), len(desk.rows("messages"))) == before

    # A week later only who owes and has not answered hears of it again, threaded under the first mail.
    desk.fresh("2025-03-13T07:00")
    left_out = {
        left["invoice"]: left["reason"] for left in desk("plan", "--on", "2025-03-13", "--json").document()["left_out"]
    }
    assert left_out | {"FA-0111": ""} == {
        "FA-0101": "payment_reported", "FA-0102": "promised", "FA-0103": "exception_open", "FA-0104": "exception_open",
        "FA-0105": "payment_reported", "FA-0106": "promised", "FA-0107": "exception_open", "FA-0108": "contact_away",
        "FA-0109": "exception_open", "FA-0110": "exception_open", "FA-0111": "",
    }  # fmt: skip
    desk.run(WEEK_LATER)
    assert len(desk.account.mails("Sent")) == len(people.mailboxes) + 1
    first, second = people.reminders("silent", 2)
    assert second["In-Reply-To"] == first["Message-ID"]
    assert "FA-0112" not in second.get_body(("plain",)).get_content()  # type: ignore[union-attr] # as above

    desk.fresh("2025-03-21T07:00")
    desk.run("2025-03-21T10:00")
    assert len(people.reminders("absent", 2)) == 2, "back from holiday"
    assert "call" in {task["kind"] for task in desk.rows("tasks") if task["customer"] == "silent"}
    assert "ok" in desk("audit", "verify").out
