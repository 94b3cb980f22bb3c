"""Statements of account, read back from the PDF that a customer opens; copies that there are, and those missing."""

import io
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pypdf import PdfReader
from sqlalchemy import select

from agent.reminders import approve, plan, store
from agent.reminders.interest import PartPayment
from agent.reminders.letter_values import LetterError
from agent.reminders.notice import Party
from agent.reminders.paper import as_pdf
from agent.reminders.statement import Heads, accounts_of, compose_statement
from agent.reminders.templates import catalogue_for, languages, mail_environment
from agent.reminders.values import CustomerView, InvoiceView
from config import ConfigError, Settings
from config.plans import load_plans
from models import Database, Delivery, Document, Event, blob
from models.invoice import InvoiceKind
from models.states import DeliveryState, InvoiceState
from tests.builders import ledger
from tests.builders.reminders import at, customer, invoice

ENVIRONMENT = mail_environment(None)
HEADS = Heads(Party("Ateliers Morel SAS", ("Lyon",)), "SIREN 000", Party("Dupont SARL", ("Paris",)))
NOW = at("2026-03-20")


def written(view: CustomerView) -> str:
    """What the PDF says, its spaces made plain."""
    pdf = as_pdf(compose_statement(view, HEADS, ENVIRONMENT, NOW))
    text = "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages)
    return re.sub(r"[ \u00a0]+", " ", text)


PARTLY = invoice(
    id=2, number="FA-2", amount=Decimal("500.00"), balance=Decimal("180.10"), due_date=date(2026, 4, 30),
    payments=(PartPayment(date(2026, 3, 3), Decimal("300.00")),), state=InvoiceState.OPEN,
)  # fmt: skip
CREDIT = invoice(id=3, number="AV-1", kind=InvoiceKind.CREDIT_NOTE, amount=Decimal("-20.05"), balance=Decimal("-20.05"))
DOLLARS = invoice(id=4, number="FA-4", currency="USD", amount=Decimal("7.00"), balance=Decimal("7.00"))


def test_a_statement_shows_all_that_is_open_by_currency_with_what_was_paid_on_it() -> None:
    view = customer(invoice(state=InvoiceState.DISPUTED), PARTLY, CREDIT, DOLLARS, on_account={"EUR": Decimal("9.99")})
    text = written(view)
    for needed in ("FA-1", "FA-2", "FA-4", "AV-1", "Relevé de compte", "en cours d’examen", "Solde en EUR"):
        assert needed in text
    assert "Règlement du 03/03/2026" in text
    assert "300,00 €" in text
    assert "Autres règlements et déductions" in text
    assert "19,90 €" in text
    assert re.search(r"Total restant dû\s+280,10 €", text)
    assert re.search(r"dont échu\s+100,00 €", text)
    assert re.search(r"dont à échoir\s+180,10 €", text)
    assert re.search(r"Avoirs\s+-20,05 €", text)
    assert re.search(r"Règlements à affecter\s+-9,99 €", text)
    assert re.search(r"Solde en EUR\s+250,06 €", text)
    assert re.search(r"Solde en USD\s+7,00 \$US", text)


@pytest.mark.parametrize("language", languages(ENVIRONMENT))
def test_a_statement_is_written_in_each_language_in_its_own_words(language: str) -> None:
    view = customer(invoice(), PARTLY, CREDIT, DOLLARS, language=language, on_account={"EUR": Decimal("9.99")})
    text, phrases = written(view), catalogue_for(ENVIRONMENT, language).phrases
    for key in ("statement", "paid", "other_settled", "on_account", "credits", "overdue_part", "not_due_part"):
        assert phrases[key] in text
    assert phrases["statement_balance"] % {"currency": "USD"} in text


AMOUNTS = st.decimals("0.01", "99999.99", places=2)


@settings(max_examples=25, deadline=None)
@given(
    owed=st.lists(st.tuples(AMOUNTS, st.sampled_from(["EUR", "USD", "GBP"])), min_size=1, max_size=30),
    credited=st.lists(AMOUNTS, max_size=3),
)
def test_the_balances_add_up_to_the_cent_whatever_is_open(
    owed: list[tuple[Decimal, str]], credited: list[Decimal]
) -> None:
    rows: list[InvoiceView] = [
        invoice(id=n, number=f"FA-{n}", amount=amount, balance=amount, currency=currency)
        for n, (amount, currency) in enumerate(owed)
    ]
    rows += [
        replace(CREDIT, id=100 + n, number=f"AV-{n}", amount=-a, balance=-a, currency="EUR")
        for n, a in enumerate(credited)
    ]
    view = customer(*rows)
    text = written(view)
    for currency in {row.currency for row in rows}:
        expected = sum((row.balance for row in rows if row.currency == currency), Decimal(0))
        found = re.search(rf"Solde en {currency}\s+(-?[\d ]+,\d\d)", text)
        assert found is not None
        assert Decimal(found[1].replace(" ", "").replace(",", ".")) == expected
    for row in rows:
        assert row.number in text


def test_a_long_number_stays_in_its_column_and_pages_repeat_the_heads() -> None:
    rows = [invoice(id=n, number=f"FA-2026-{n:04}-{'X' * 40}") for n in range(60)]
    pdf = as_pdf(compose_statement(customer(*rows), HEADS, ENVIRONMENT, NOW))
    pages = [page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages]
    assert len(pages) > 2
    assert all("Échéance" in page for page in pages if "FA-2026" in page)


def test_nothing_open_makes_no_statement() -> None:
    paid = customer(invoice(balance=Decimal(0)))
    assert accounts_of(paid) == ()
    with pytest.raises(LetterError, match="nothing of C1 is open"):
        compose_statement(paid, HEADS, ENVIRONMENT, NOW)


# --- over rows -------------------------------------------------------------------------------------------------------

PLAN = """name = "standard"
version = 3
[[step]]
name = "friendly_reminder"
day = 3
channel = "mail"
template = "friendly_reminder"
level = 1
attach_invoice = true
attach_statement = true
"""


@pytest.fixture
def company(tmp_path: Path) -> Settings:
    (tmp_path / "plans").mkdir()
    (tmp_path / "plans" / "standard.toml").write_text(PLAN, encoding="utf-8")
    return ledger.settings(tmp_path, policy={"mode": "suggest"})


@pytest.fixture
def database(database_url: str, tmp_path: Path, company: Settings) -> Iterator[Database]:
    opened = Database.open(database_url, tmp_path, ledger.NOW)
    with opened.write() as session:
        owner = ledger.customer(session, "C1", language="fr")
        first = ledger.invoice(session, owner, "FA-1")
        ledger.invoice(session, owner, "FA-2", amount=Decimal("50.00"))
        ledger.invoice(session, owner, "FA-3", amount=Decimal("12.00"), due_date=date(2026, 12, 1))
        kept = blob.keep(session, b"%PDF-1.7 the invoice")
        session.add(
            Document(
                invoice_id=first.id, kind="invoice", filename="FA-1.pdf", content_type="application/pdf",
                sha256=kept, added_at=ledger.NOW, added_by="test",
            )
        )  # fmt: skip
    ledger.load(opened, company, "payments", ledger.csv("id,date,amount,customer_id"))
    yield opened
    opened.close()


def only_mail(database: Database) -> EmailMessage:
    with database.read() as session:
        query = select(Delivery).where(Delivery.state == DeliveryState.RESERVED)
        mail = message_from_bytes(store.raw_of(session, session.scalars(query).one()), policy=policy.default)
    assert isinstance(mail, EmailMessage)
    return mail


def test_a_step_sends_the_copies_that_there_are_and_the_statement_and_tells_which_copy_is_missing(
    database: Database, company: Settings
) -> None:
    (planned,) = plan.preview(database, company, ledger.NOW)
    assert planned.reminders[0].notes == ("no PDF of FA-2 to attach",)
    plan.drain(database, company, ledger.NOW)
    mail = only_mail(database)
    files = {part.get_filename(): part.get_content() for part in mail.iter_attachments()}
    assert files.keys() == {"FA-1.pdf", "releve-de-compte-2026-09-01.pdf"}
    statement = PdfReader(io.BytesIO(files["releve-de-compte-2026-09-01.pdf"])).pages[0].extract_text()
    assert "FA-3" in statement  # not due yet, and in the books
    plain = mail.get_body(("plain",))
    assert plain is not None
    text = " ".join(plain.get_content().split())
    assert "nous joignons une copie" in text
    assert "La copie de FA-2 n’est pas jointe" in text
    assert "en pièce jointe un relevé de votre compte" in text
    with database.read() as session:
        (event,) = session.scalars(select(Event).where(Event.kind == "reminder.reserved"))
        assert event.data["without_copy"] == ["FA-2"]


def test_a_waiting_mail_lapses_once_its_statement_is_no_longer_true(database: Database, company: Settings) -> None:
    plan.drain(database, company, ledger.NOW)
    with database.write() as session:
        approve.approve(session, approve.waiting(session)[0].id, "Anna", ledger.NOW)
    row = "P1,2026-09-01,12,C1,FA-3"  # of what the mail doesn't ask for, but its statement lists
    ledger.load(database, company, "payments", ledger.csv("id,date,amount,customer_id,invoice_number", row))
    plan.drain(database, company, ledger.NOW + timedelta(hours=1))
    with database.read() as session:
        states = session.scalars(select(Delivery.state).order_by(Delivery.id)).all()
    assert states == [DeliveryState.CANCELLED, DeliveryState.RESERVED]


def test_an_attachment_on_a_step_without_mail_or_letter_is_refused_when_the_plan_is_read(
    company: Settings, tmp_path: Path
) -> None:
    wrong = PLAN.replace('channel = "mail"', 'channel = "call"')
    (tmp_path / "plans" / "standard.toml").write_text(wrong, encoding="utf-8")
    with pytest.raises(ConfigError, match="attachments"):
        load_plans(company)
