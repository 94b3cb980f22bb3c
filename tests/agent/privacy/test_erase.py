"""Erasing, in the rows: nothing of the person is left, the chain of events holds, and what must stay stays."""

import json
import zipfile
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import inspect, select, text

from agent.privacy import erase, store
from agent.privacy.export import export
from agent.replies import apply
from agent.replies.explain import explain
from agent.replies.word import Word
from config.errors import NeedsPerson
from models import Base, Blob, Contact, Correction, Customer, Invoice, Message
from models.blob import EMPTY
from models.states import InvoiceState
from tests.builders import mail
from tests.builders.office import NOW, Office
from tests.builders.replies import prediction

SECRET = "quarante-deux perroquets"
YEARS = timedelta(days=3000)


def everything(office: Office) -> str:
    """All that stands in the tables but the log, and the raw mails as text."""
    found = []
    with office.database.read() as session:
        for table in Base.metadata.sorted_tables:
            if table.name not in ("event", "blob"):
                found += [str(tuple(row)) for row in session.execute(select(table))]
        found += [row.content.decode("utf-8", "replace") for row in session.scalars(select(Blob))]
    return "\n".join(found)


def settle_the_invoice(office: Office, state: InvoiceState = InvoiceState.PAID) -> None:
    """As an import of payments would have left it; how it comes to that is the ledger's story."""
    with office.database.write() as session:
        session.execute(text("UPDATE invoice SET state = :state, balance = 0"), {"state": state.value})


def answered(office: Office, words: str = SECRET) -> int:
    """An answer of Anna's that a person has labelled: stored, read, predicted, decided, corrected."""
    number = office.arrives(mail.reply(office.reminder_id, f"{words}\n"), prediction("other", confidence=0.2))
    apply.drain(office.database, office.settings, NOW)
    office.says(Word(by="Anna", intent="other"))
    return number


def erase_anna(office: Office, **more: Any) -> erase.Erased:
    return erase.erase_person(
        office.database, mail.CUSTOMER, actor="Paul", now=NOW + timedelta(days=1), reason="asked_for", **more
    )


def test_nothing_of_a_person_is_left_but_that_there_was_a_mail(office: Office) -> None:
    number = answered(office)
    with office.database.write() as session:
        session.add(Contact(customer_id="C1", email="second@customer.test", created_at=NOW))
        session.execute(text("UPDATE customer SET email = 'second@customer.test'"))
    settle_the_invoice(office)
    assert SECRET in everything(office)
    done = erase_anna(office)
    assert (done.mails, done.contacts, done.kept) == (2, 1, [])
    left = everything(office)
    assert SECRET not in left
    assert mail.CUSTOMER not in left
    with office.database.read() as session:
        message = session.get_one(Message, number)
        assert (message.blob_sha256, message.kind, message.erased_at is not None) == (EMPTY, "human", True)
        assert "erased" in " ".join(explain(session, message)["sentences"])
        assert [c.labels for c in session.scalars(select(Correction))] == [{}]


def test_what_is_still_owed_stays_and_says_so(office: Office) -> None:
    answered(office)
    done = erase_anna(office)
    assert done.mails == 0
    assert {kept.why for kept in done.kept} == {"FA-1 is not settled"}
    assert SECRET in everything(office)


def test_what_is_in_collection_is_still_owed(office: Office) -> None:
    answered(office)
    settle_the_invoice(office, InvoiceState.IN_COLLECTION)
    assert erase_anna(office).mails == 0


def test_a_mail_that_waits_for_a_person_stays(office: Office) -> None:
    office.answers("question", confidence=0.2)
    settle_the_invoice(office)
    assert "still waits to be settled" in {kept.why for kept in erase_anna(office).kept}


def test_a_legal_hold_keeps_everything_until_it_is_lifted(office: Office) -> None:
    answered(office)
    settle_the_invoice(office)
    with office.database.write() as session:
        store.place_legal_hold(session, "C1", "a case in court", actor="Paul", at=NOW)
    assert {kept.why for kept in erase_anna(office).kept} == {"under a legal hold: a case in court"}
    with office.database.write() as session:
        assert store.release_legal_holds(session, "C1", actor="Paul", at=NOW) == 1
    assert erase_anna(office).mails == 2


def test_a_dry_run_tells_the_same_and_erases_nothing(office: Office) -> None:
    answered(office)
    settle_the_invoice(office)
    before = everything(office)
    told = erase_anna(office, dry_run=True)
    assert everything(office) == before
    assert asdict(told) == asdict(erase_anna(office))


def test_erasing_twice_is_harmless(office: Office) -> None:
    answered(office)
    settle_the_invoice(office)
    erase_anna(office)
    before = everything(office)
    assert erase_anna(office).mails == 0
    assert everything(office) == before


def test_somebody_of_whom_nothing_is_known_is_told(office: Office) -> None:
    with pytest.raises(NeedsPerson, match="nothing is known of nobody@"):
        erase.erase_person(office.database, "nobody@x.test", actor="Paul", now=NOW, reason="asked_for")


def test_a_customer_that_is_a_person_becomes_nobody(office: Office) -> None:
    answered(office)
    settle_the_invoice(office)
    done = erase.erase_customer(office.database, "C1", actor="Paul", now=NOW, reason="asked_for")
    assert (done.customers, done.mails) == (1, 2)
    left = everything(office)
    assert mail.CUSTOMER not in left
    assert "Customer C1" not in left
    with office.database.read() as session:
        assert session.scalars(select(Invoice.number)).all() == ["FA-1"]
        assert session.get_one(Customer, "C1").name == "(erased)"


def test_a_bystanders_mail_is_not_touched(office: Office) -> None:
    answered(office)
    other = office.arrives(mail.letter("Bonjour, c'est Bob.\n", sender="bob@elsewhere.test"))
    settle_the_invoice(office)
    erase_anna(office)
    with office.database.read() as session:
        assert session.get_one(Message, other).erased_at is None


def test_time_erases_what_may_go(office: Office) -> None:
    answered(office)
    settle_the_invoice(office)
    assert erase.drain(office.database, office.settings, NOW + timedelta(days=1000)).mails == 0
    assert erase.drain(office.database, office.settings, NOW + YEARS, dry_run=True).mails == 2
    assert erase.drain(office.database, office.settings, NOW + YEARS).mails == 2
    assert SECRET not in everything(office)
    assert erase.drain(office.database, office.settings, NOW + YEARS).mails == 0


def test_time_erases_nothing_that_is_owed(office: Office) -> None:
    answered(office)
    assert erase.drain(office.database, office.settings, NOW + YEARS).mails == 0


def test_further_contacts_of_a_quiet_customer_go_in_time(office: Office) -> None:
    with office.database.write() as session:
        session.add(Contact(customer_id="C1", email="former@customer.test", name="Former", created_at=NOW))
    settle_the_invoice(office)
    assert erase.drain(office.database, office.settings, NOW + YEARS).contacts == 1
    with office.database.read() as session:
        assert [c.email for c in session.scalars(select(Contact))] == [mail.CUSTOMER]


def test_an_export_holds_the_rows_and_the_mails_as_they_came(office: Office, tmp_path: Path) -> None:
    answered(office)
    file = tmp_path / "anna.zip"
    assert export(office.database, mail.CUSTOMER, None, file, NOW) == 2
    assert file.stat().st_mode & 0o777 == 0o600
    with zipfile.ZipFile(file) as archive:
        data = json.loads(archive.read("data.json"))
        raws = [archive.read(name) for name in archive.namelist() if name.endswith(".eml")]
    assert any(SECRET.encode() in raw for raw in raws)
    assert data["contacts"][0]["email"] == mail.CUSTOMER
    assert {event["kind"] for event in data["log"]} >= {"message.read"}
    with pytest.raises(NeedsPerson, match="is there already"):
        export(office.database, mail.CUSTOMER, None, file, NOW)


def test_every_column_of_text_about_a_mail_was_thought_of(office: Office) -> None:
    """A new column that could hold a person's words has to be named here, once erasing knows of it."""
    known = {
        "message": {"dkey", "direction", "mailbox", "message_id", "blob_sha256", "kind", "sender", "subject",
                    "provider_thread", "customer_id", "state", "error", "owner"},
        "reading": {"reader_version", "document"},
        "prediction": {"model_version", "primary", "document"},
        "decision": {"action", "rule", "reason", "document", "decided_by"},
        "correction": {"labels", "model_version", "corrected_by"},
        "delivery": {"customer_id", "mailbox", "recipient", "copies", "state", "owner", "reply", "settled_by"},
    }  # fmt: skip
    with office.database.read() as session:
        for table, columns in known.items():
            found = {
                c["name"] for c in inspect(session.connection()).get_columns(table)
                if any(word in str(c["type"]).upper() for word in ("CHAR", "TEXT", "JSON"))
            }  # fmt: skip
            assert found == columns, table
