"""Formal notices: what they must say, that they are composed and never sent, and that what was composed is kept."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from agent.reminders import plan
from agent.reminders.charges import ChargeRules, charges_on
from agent.reminders.letter_values import Bank, LetterError
from agent.reminders.letters import compose_letter
from agent.reminders.notice import Notice, Party, compose_notice
from agent.reminders.paper import DEJAVU, _Page, as_pdf
from agent.reminders.templates import languages, mail_environment
from config import Settings
from config.errors import NeedsPerson
from config.law import law_for
from models import Blob, Customer, Database, Delivery, Document, Invoice, Task, events
from models.reasons import TaskKind
from models.states import InvoiceState
from tests.builders import ledger
from tests.builders.reminders import invoice
from tests.config.test_plans import settings as plain_settings

ENVIRONMENT = mail_environment(None)
NB = "\u00a0"
AT = datetime(2026, 3, 30, 9, 0, tzinfo=ZoneInfo("Europe/Paris"))
FRANCE = ChargeRules(law_for(plain_settings(Path()), "FR"))
WORDS = {
    "fr": "mettons en demeure", "en": "formal notice", "de": "fordern Sie hiermit förmlich",
    "es": "requerimos formalmente", "it": "in mora", "nl": "in gebreke",
}  # fmt: skip


def notice(**changes: Any) -> Notice:
    invoices = (invoice(), invoice(id=2, number="FA-2", balance=Decimal("50.00"), due_date=date(2026, 3, 5)))
    made = Notice(
        company=Party("Ateliers Morel SAS", ("12 rue des Lilas", "69003 Lyon")),
        registration="SAS au capital de 10 000 € – RCS Lyon 000 000 000",
        city="Lyon",
        customer=Party("Menuiserie Lefèvre & Fils", ("3 place du Marché", "21000 Dijon", "SIREN 111 222 333")),
        language="fr",
        template="formal_notice",
        currency="EUR",
        invoices=invoices,
        credits=(),
        charges=charges_on(invoices, AT.date(), FRANCE, is_claimed=True),
        bank=Bank("Ateliers Morel SAS", "FR7630006000011234567890189", "AGRIFRPP", has_qr=True),
        signatory=None,
        deadline=date(2026, 4, 7),
        at=AT,
    )
    return replace(made, **changes)


def test_the_debt_is_exact_with_interest_and_indemnity() -> None:
    # FA-1: 100.00 x 12.15 % x 28/365 = 0.93; FA-2: 50.00 x 12.15 % x 25/365 = 0.42; 40.00 for each
    made = notice()
    assert made.to_pay == Decimal("150.00") + Decimal("0.93") + Decimal("0.42") + Decimal("80.00")
    assert dict(compose_notice(made, ENVIRONMENT).tables[0].sums) == {
        "Total restant dû": f"150,00{NB}€",
        "Intérêts de retard au 30/03/2026": f"1,35{NB}€",
        "Indemnité forfaitaire pour frais de recouvrement": f"80,00{NB}€",
        "Montant à régler": f"231,35{NB}€",
    }


@pytest.mark.parametrize("language", languages(ENVIRONMENT))
def test_it_says_what_it_is_who_owes_how_much_and_until_when(language: str) -> None:
    paper = compose_notice(notice(language=language), ENVIRONMENT)
    said = " ".join(" ".join(paper.texts()).split())
    assert WORDS[language] in said
    for needed in ("Ateliers Morel SAS", "Menuiserie Lefèvre & Fils", "FA-1", "FA-2", "21000 Dijon", "L441-10 C. com."):
        assert needed in said
    assert paper.code is not None
    assert as_pdf(paper).startswith(b"%PDF-")


def test_the_same_letter_has_the_same_bytes() -> None:
    assert as_pdf(compose_notice(notice(), ENVIRONMENT)) == as_pdf(compose_notice(notice(), ENVIRONMENT))


@pytest.mark.parametrize(
    ("closing", "told"),
    [
        ("Payez {{ to_pay }} avant le {{ deadline }}, soit 8 jours.", "says '8'"),
        ("Payez avant le {{ deadline }}.", "lacks '231,35"),
        ("Payez {{ to_pay }}.", "lacks '7"),
        ("{{ costumer }}", "undefined"),
    ],
)
def test_a_letter_that_says_something_else_or_too_little_is_refused(tmp_path: Path, closing: str, told: str) -> None:
    folder = tmp_path / "templates" / "letters" / "fr"
    folder.mkdir(parents=True)
    text = f'{{% extends "shipped/letters/fr/formal_notice.j2" %}}{{% block closing %}}{closing}{{% endblock %}}'
    (folder / "formal_notice.j2").write_text(text, encoding="utf-8")
    with pytest.raises(LetterError, match=told):
        compose_notice(notice(), mail_environment(tmp_path))


def test_nothing_is_composed_where_nothing_is_left_to_pay() -> None:
    credit = invoice(id=9, number="AV-9", balance=Decimal("-500.00"))
    with pytest.raises(LetterError, match="owes nothing"):
        compose_notice(notice(credits=(credit,)), ENVIRONMENT)


def test_names_beyond_the_standard_fonts_are_written_or_refused_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    paper = compose_notice(notice(customer=Party("Łódź Σ Sp. z o.o.", ())), ENVIRONMENT)
    monkeypatch.setattr("agent.reminders.paper.DEJAVU", DEJAVU / "nowhere")
    with pytest.raises(LetterError, match="fonts-dejavu-core"):
        as_pdf(paper)


def test_the_signature_stands_whole_below_the_last_sentence_however_long_the_letter_is() -> None:
    lengths = set()
    for count in range(1, 14):
        invoices = tuple(invoice(id=n, number=f"FA-{n}") for n in range(1, count + 1))
        page = _Page(compose_notice(notice(invoices=invoices), ENVIRONMENT))
        page.write_letter()
        written = [one.contents for one in page.pages.values()]
        texts = [bytes(one).decode("cp1252") for one in written if isinstance(one, bytes | bytearray)]
        # The first "Ateliers Morel SAS" is the sender's, the one before the account's is the signature's.
        (last,) = [text[text.index("agréer") :] for text in texts if "agréer" in text]
        assert last.index("Comptabilité clients") < last.index("(Ateliers Morel SAS)")
        lengths.add(texts.index(next(text for text in texts if "agréer" in text)))
    assert lengths == {0, 1}


@pytest.fixture
def given(tmp_path: Path) -> Settings:
    (tmp_path / "plans").mkdir()
    text = (
        'name = "standard"\nversion = 9\n[[step]]\nname = "formal_notice"\nday = 28\nchannel = "letter"\n'
        'template = "formal_notice"\nlevel = 5\ncharges = "claimed"\n'
    )
    (tmp_path / "plans" / "standard.toml").write_text(text, encoding="utf-8")
    return ledger.settings(tmp_path, policy={"mode": "automatic"})


@pytest.fixture
def database(database_url: str, tmp_path: Path, given: Settings) -> Iterator[Database]:
    opened = Database.open(database_url, tmp_path, ledger.NOW)
    with opened.write() as session:
        ledger.invoice(session, ledger.customer(session, "C1", language="fr"), "FA-1", due_date=date(2026, 8, 1))
    ledger.load(opened, given, "payments", ledger.csv("id,date,amount,customer_id"))
    plan.drain(opened, given, ledger.NOW)
    yield opened
    opened.close()


def task(database: Database) -> int:
    with database.read() as session:
        return session.scalars(select(Task.id).where(Task.kind == TaskKind.LETTER)).one()


def test_the_plan_makes_a_task_whose_letter_is_composed_kept_and_not_sent(database: Database, given: Settings) -> None:
    number = task(database)
    with database.write() as session:
        letter = compose_letter(session, given, number, "Anna", ledger.NOW)
    with database.write() as session:
        again = compose_letter(session, given, number, "Anna", ledger.NOW)
    assert letter.pdf == again.pdf
    with database.read() as session:
        kept = session.scalars(select(Document)).one()
        assert (kept.kind, kept.sha256, kept.added_by) == ("letter", letter.sha256, "Anna")
        assert session.get_one(Blob, kept.sha256).content == letter.pdf
        assert session.scalars(select(Delivery)).all() == []
        assert events.verify(session, database.key) is None


def test_no_letter_to_who_paid_promised_or_is_insolvent(database: Database, given: Settings) -> None:
    number = task(database)
    with database.write() as session:
        session.scalars(select(Invoice)).one().state = InvoiceState.DISPUTED
    with database.write() as session, pytest.raises(NeedsPerson, match="answered or held"):
        compose_letter(session, given, number, "Anna", ledger.NOW)
    with database.write() as session:
        session.scalars(select(Invoice)).one().state = InvoiceState.REMINDED
        session.get_one(Customer, "C1").insolvent_since = date(2026, 8, 20)
    with database.write() as session, pytest.raises(NeedsPerson, match="insolvent"):
        compose_letter(session, given, number, "Anna", ledger.NOW)
    with database.write() as session, pytest.raises(NeedsPerson, match="asks for no letter"):
        compose_letter(session, given, 999, "Anna", ledger.NOW + timedelta(days=1))
