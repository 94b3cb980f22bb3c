"""Mails that wait for a person's word, caps over all workers, segments and plans as the tables have them."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import select

from agent.ledger.overview import invoices
from agent.reminders import approve, decide, edit, letters, loading, plan, renew, store
from agent.reminders.deliver import free_at
from agent.reminders.explain import explain_invoice, why_planned
from agent.reminders.letter_values import LetterError
from agent.reminders.schedule import spread
from agent.reminders.segments import derived_segments
from agent.reminders.values import CustomerPlan, CustomerView, Hindrance
from config import Settings
from config.errors import NeedsPerson
from config.fields import Rate
from models import Allocation, Blob, Database, Delivery, Event, Invoice, Message, Promise, Reminder, Task, blob
from models.invoice import InvoiceKind
from models.message import Direction
from models.states import DeliveryState, InvoiceState, MessageState, PromiseState
from tests.builders import ledger

NOW = ledger.NOW


@pytest.fixture
def database(database_url: str, tmp_path: Path) -> Iterator[Database]:
    opened = Database.open(database_url, tmp_path, NOW)
    yield opened
    opened.close()


def settings(root: Path, **sections: Any) -> Settings:
    return ledger.settings(root, **{"policy": {"mode": "suggest"}, **sections})


def owe(database: Database, given: Settings, **columns: object) -> None:
    with database.write() as session:
        ledger.invoice(session, ledger.customer(session, "C1", **columns), "FA-1")
    ledger.load(database, given, "payments", ledger.csv("id,date,amount,customer_id"))


def waiting(database: Database) -> list[tuple[str, Decimal]]:
    with database.read() as session:
        return [(r.step, r.lines[0].balance) for r in approve.waiting(session)]


def test_an_approval_lapses_when_what_it_was_given_for_has_changed(database: Database, tmp_path: Path) -> None:
    given = settings(tmp_path)
    owe(database, given)
    assert plan.drain(database, given, NOW).mails == 1
    with database.write() as session:
        approve.approve(session, approve.waiting(session)[0].id, "Anna", NOW)
    ledger.load(
        database, given, "payments", ledger.csv("id,date,amount,customer_id,invoice_number", "P1,2026-09-01,40,C1,FA-1")
    )
    assert plan.drain(database, given, NOW).mails == 1
    assert waiting(database) == [("friendly_reminder", Decimal("60.00"))]
    with database.read() as session:
        states = session.scalars(select(Delivery.state).order_by(Delivery.id)).all()
    assert states == [DeliveryState.CANCELLED, DeliveryState.RESERVED]


def test_a_mail_that_waits_is_not_asked_about_once_it_is_paid(database: Database, tmp_path: Path) -> None:
    given = settings(tmp_path)
    owe(database, given)
    plan.drain(database, given, NOW)
    ledger.load(
        database,
        given,
        "payments",
        ledger.csv("id,date,amount,customer_id,invoice_number", "P1,2026-09-01,100,C1,FA-1"),
    )
    assert plan.drain(database, given, NOW).mails == 0
    assert waiting(database) == []


def test_a_mail_that_waits_goes_on_waiting_over_night(database: Database, tmp_path: Path) -> None:
    given = settings(tmp_path)
    owe(database, given)
    plan.drain(database, given, NOW)
    for hours in (1, 12, 24):
        assert plan.drain(database, given, NOW + timedelta(hours=hours)).mails == 0
    with database.read() as session:
        assert session.scalars(select(Delivery.state)).all() == [DeliveryState.RESERVED]


CLAIMS = """name = "standard"
version = 4
[[step]]
name = "friendly_reminder"
day = 3
channel = "mail"
template = "friendly_reminder"
level = 1
charges = "claimed"
"""


def written(database: Database) -> tuple[str, EmailMessage, str]:
    """The only mail: its Message-ID, and its plain part."""
    with database.read() as session:
        row = session.scalars(select(Delivery)).one().message
        mail = message_from_bytes(session.get_one(Blob, row.blob_sha256).content, policy=policy.default)
    assert isinstance(mail, EmailMessage)
    part = mail.get_body(("plain",))
    assert part is not None
    return str(mail["Message-ID"]), mail, part.get_content().replace("\xa0", " ")


def test_a_mail_that_waits_for_days_says_how_late_its_invoices_are_by_now(database: Database, tmp_path: Path) -> None:
    given = settings(tmp_path)
    owe(database, given)
    plan.drain(database, given, NOW)
    first, mail, text = written(database)
    assert (mail["Date"].datetime, "31 jours" in text) == (NOW, True)
    later = NOW + timedelta(days=9)
    ledger.load(database, given, "payments", ledger.csv("id,date,amount,customer_id"), now=later)
    for _ in range(2):
        assert plan.drain(database, given, later).mails == 0
    again, mail, text = written(database)
    assert (again, mail["Date"].datetime, "40 jours" in text, "31 jours" in text) == (first, later, True, False)
    with database.read() as session:
        assert len(session.scalars(select(Event).where(Event.kind == "reminder.renewed")).all()) == 1


def test_a_mail_that_has_begun_to_leave_keeps_its_bytes(database: Database, tmp_path: Path) -> None:
    given = settings(tmp_path)
    owe(database, given)
    plan.drain(database, given, NOW)
    before = written(database)[2]
    with database.write() as session:
        session.scalars(select(Delivery)).one().owner = "a worker"
    later = NOW + timedelta(days=9)
    ledger.load(database, given, "payments", ledger.csv("id,date,amount,customer_id"), now=later)
    assert renew.drain(database, given, later) == 0
    assert written(database)[2] == before


@pytest.mark.parametrize("is_approved", [False, True])
def test_interest_that_somebody_gave_a_word_for_does_not_grow(
    database: Database, tmp_path: Path, *, is_approved: bool
) -> None:
    (tmp_path / "plans").mkdir()
    (tmp_path / "plans" / "standard.toml").write_text(CLAIMS, encoding="utf-8")
    given = settings(tmp_path)
    owe(database, given)
    plan.drain(database, given, NOW)
    before = written(database)[2]
    if is_approved:
        with database.write() as session:
            approve.approve(session, approve.waiting(session)[0].id, "Anna", NOW)
    later = NOW + timedelta(days=9)
    ledger.load(database, given, "payments", ledger.csv("id,date,amount,customer_id"), now=later)
    plan.drain(database, given, later)
    assert (written(database)[2] == before) is is_approved


OWN = """Chère Madame,

Merci pour votre appel & <b>à bientôt</b>.
Comme convenu, voici ce qui reste à régler :

[table]

Bien à vous,"""


def test_a_person_may_put_words_of_their_own_whose_figures_are_checked(database: Database, tmp_path: Path) -> None:
    given = settings(tmp_path)
    owe(database, given)
    plan.drain(database, given, NOW)
    with database.read() as session:
        number = approve.waiting(session)[0].id
        before = session.scalars(select(Delivery)).one().message.message_id
    with database.write() as session:
        shown = edit.words(session, database, given, number, NOW)
        assert shown.subject is not None
        assert "Sauf erreur ou omission" in shown.text
        assert shown.text.count("[table]") == 1
        evening = NOW + timedelta(hours=12)
        edit.edit(session, database, given, edit.Edited(number, "Votre facture FA-1, suite", OWN, "Anna"), evening)
    with database.read() as session:
        delivery = session.scalars(select(Delivery)).one()
        mail = message_from_bytes(store.raw_of(session, delivery), policy=policy.default)
        assert isinstance(mail, EmailMessage)
        plain, html = (mail.get_body((kind,)) for kind in ("plain", "html"))
        assert plain is not None
        assert html is not None
        assert "Merci pour votre appel & <b>à bientôt</b>.\nComme convenu" in plain.get_content().replace("\r\n", "\n")
        assert (
            "Merci pour votre appel &amp; &lt;b&gt;à bientôt&lt;/b&gt;.<br>\nComme convenu"
            in html.get_content().replace("\r\n", "\n")
        )
        for part in (plain, html):
            assert "FA-1" in part.get_content()
            assert "Sauf erreur" not in part.get_content()
        assert mail["Subject"] == delivery.message.subject == "Votre facture FA-1, suite"
        assert mail["Message-ID"] == before == delivery.message.message_id
    with database.write() as session:
        again = edit.words(session, database, given, number, NOW)
        assert (again.subject, again.text) == ("Votre facture FA-1, suite", OWN)
    for wrong, why in (
        ("Payez 90 €.\n[table]", "your words: .*'90'"),
        ("Sans liste.", "0 lines"),
        ("[table]", "says nothing"),
    ):
        with database.write() as session, pytest.raises(LetterError, match=why):
            edit.edit(session, database, given, edit.Edited(number, None, wrong, "Anna"), NOW)
    with database.write() as session, pytest.raises(LetterError, match="FA-2"):
        edit.edit(session, database, given, edit.Edited(number, "Votre facture FA-2", None, "Anna"), NOW)
    with database.write() as session:
        approve.approve(session, number, "Anna", NOW)
    assert plan.drain(database, given, NOW).mails == 0
    with database.write() as session, pytest.raises(NeedsPerson, match="does not wait"):
        edit.edit(session, database, given, edit.Edited(number, None, f"Encore un mot.\n{OWN}", "Anna"), NOW)


def test_what_was_edited_lapses_once_the_account_has_changed(database: Database, tmp_path: Path) -> None:
    given = settings(tmp_path)
    owe(database, given)
    plan.drain(database, given, NOW)
    with database.write() as session:
        number = approve.waiting(session)[0].id
        edit.edit(session, database, given, edit.Edited(number, None, OWN, "Anna"), NOW)
    ledger.load(
        database, given, "payments", ledger.csv("id,date,amount,customer_id,invoice_number", "P1,2026-09-01,40,C1,FA-1")
    )
    with database.write() as session, pytest.raises(NeedsPerson, match="relance plan"):
        edit.edit(session, database, given, edit.Edited(number, None, OWN, "Anna"), NOW)
    plan.drain(database, given, NOW)
    with database.write() as session:
        (fresh,) = approve.waiting(session)
        assert fresh.id != number
        assert "Merci pour votre appel" not in edit.words(session, database, given, fresh.id, NOW).text


OWNERS = """name = "standard"
version = 3
[[step]]
name = "friendly_reminder"
day = 3
channel = "mail"
template = "friendly_reminder"
level = 1
approval = "sales_owner"
"""


def test_a_step_that_asks_for_the_sales_owner_waits_for_it_in_any_mode(database: Database, tmp_path: Path) -> None:
    (tmp_path / "plans").mkdir()
    (tmp_path / "plans" / "standard.toml").write_text(OWNERS, encoding="utf-8")
    given = settings(tmp_path, policy={"mode": "automatic"})
    owe(database, given, account_manager="leo@morel.example")
    plan.drain(database, given, NOW)
    with database.read() as session:
        (reminder,) = approve.waiting(session, "leo@morel.example")
        (left,) = plan.preview(database, given, NOW)[0].left_out
        assert left.detail == "step friendly_reminder waits for the word of leo@morel.example"
        assert (reminder.approval, reminder.plan_version) == ("waiting", "3")
        assert approve.waiting(session, "somebody@morel.example") == []
        number = reminder.id
    with database.write() as session, pytest.raises(NeedsPerson, match="waits for the word of leo@"):
        approve.approve(session, number, "anna", NOW, only_owner=True)
    with database.write() as session:
        approve.approve(session, number, "anna", NOW)
        (event,) = session.scalars(select(Event).where(Event.kind == "reminder.approved"))
        assert event.data["instead_of"] == "leo@morel.example"


def test_jitter_is_drawn_and_moves_the_hour_of_leaving_only(database: Database, tmp_path: Path) -> None:
    given = settings(tmp_path, policy={"mode": "automatic"}, reminders={"jitter_minutes": 20})
    owe(database, given)
    plan.drain(database, given, NOW, chance=lambda: 0.25)
    with database.read() as session:
        assert session.scalars(select(Delivery.not_before)).one() == NOW + timedelta(minutes=5)


@pytest.mark.parametrize(("draw", "minutes"), [(0.0, 0), (0.5, 15), (1.0, 30)])
def test_jitter_is_never_longer_than_set(draw: float, minutes: int) -> None:
    assert spread(draw, 30) == timedelta(minutes=minutes)


AT = datetime(2026, 3, 5, 12, 0, tzinfo=UTC)
HOUR = Rate(3, timedelta(hours=1))


@pytest.mark.parametrize(
    ("minutes_ago", "free_in"),
    [([], None), ([50, 40], None), ([70, 50, 40], None), ([50, 40, 10], 10), ([55, 50, 40, 1], 10)],
)
def test_a_cap_counts_what_left_in_its_period(minutes_ago: list[int], free_in: int | None) -> None:
    moments = [AT - timedelta(minutes=m) for m in minutes_ago]
    expected = None if free_in is None else AT + timedelta(minutes=free_in)
    assert free_at(moments, HOUR, AT) == expected


def test_a_provider_brings_its_limits_and_a_set_one_takes_their_place(tmp_path: Path) -> None:
    smtp = {"host": "127.0.0.1", "port": 1, "security": "none", "provider": "google"}
    box = {"address": "a@b.example", "imap": {"host": "127.0.0.1", "security": "none", "password_env": "X"}}
    own = ledger.settings(tmp_path, mailbox={"ar": {**box, "smtp": smtp}}).mailbox["ar"].smtp
    assert [str(rate) for rate in own.rates] == ["25/minute", "1800/day"]
    set_own = {**smtp, "per_day": 500, "per_hour": 100}
    own = ledger.settings(tmp_path, mailbox={"ar": {**box, "smtp": set_own}}).mailbox["ar"].smtp
    assert [str(rate) for rate in own.rates] == ["25/minute", "100/hour", "500/day"]


def test_a_segment_follows_from_history_where_the_ledger_gives_none(database: Database, tmp_path: Path) -> None:
    given = settings(tmp_path, reminders={"derive_segments": True})
    with database.write() as session:
        for name, count in (("NEW", 1), ("BAD", 3), ("SLOW", 3)):
            owner = ledger.customer(session, name)
            for _ in range(count):
                invoice = ledger.invoice(session, owner, due_date=date(2026, 5, 1))
                if name == "BAD":
                    session.add(
                        Promise(
                            invoice_id=invoice.id, date=date(2026, 6, 1), balance_then=Decimal(100), made_at=NOW,
                            made_by="x", state=PromiseState.BROKEN,
                        )
                    )  # fmt: skip
                if name == "SLOW":
                    invoice.state, invoice.balance = InvoiceState.PAID, Decimal(0)
                    paid = ledger.payment(session, owner, "100", date=date(2026, 6, 20))
                    session.add(
                        Allocation(payment_id=paid.id, invoice_id=invoice.id, amount=Decimal(100), rule="named")
                    )
        back = ledger.customer(session, "BACK")
        for number, due in (("B-1", date(2023, 5, 1)), ("B-2", date(2026, 8, 1))):
            ledger.invoice(session, back, number, due_date=due)
        ledger.customer(session, "GIVEN", segment="strategic")
    with database.read() as session:
        found = derived_segments(session, given, date(2026, 9, 1), ["NEW", "BAD", "SLOW", "BACK"])
        views = {view.id: view for view in loading.customer_views(session, given, NOW)}
    assert {name: segment.name for name, segment in found.items()} == {
        "NEW": "new", "BAD": "at_risk", "SLOW": "at_risk",
    }  # fmt: skip
    assert (views["NEW"].segment, views["NEW"].segment_because) == ("new", "this is its first invoice")


def test_the_next_step_is_that_of_the_customers_plan(database: Database, tmp_path: Path) -> None:
    given = settings(tmp_path)
    owe(database, given, segment="loyal")
    with database.write() as session:
        invoice = session.scalars(select(Invoice)).one()
        invoice.due_date = date(2026, 9, 1)
    with database.read() as session:
        (shown,) = invoices(session, given, NOW)
    assert shown.next_step is not None
    assert (shown.next_step.step, shown.next_step.on) == ("friendly_reminder", date(2026, 9, 8))


def test_explain_tells_the_plan_of_an_invoice_and_why_nothing_goes_out(database: Database, tmp_path: Path) -> None:
    given = settings(tmp_path)
    owe(database, given, segment="loyal")
    with database.read() as session:
        story = explain_invoice(session, given, database, "FA-1", NOW)
        assert explain_invoice(session, given, database, "FA-9", NOW) is None
    assert story is not None
    assert (story["plan"]["name"], "segment loyal" in story["plan"]["because"]) == ("gentle", True)
    assert "It is due now." in story["sentences"]
    plan.drain(database, given, NOW)
    with database.read() as session:
        story = explain_invoice(session, given, database, "FA-1", NOW)
        sentence = why_planned(session, session.scalars(select(Reminder)).one())
    assert story is not None
    assert story["left_out"]["reason"] == "on_its_way"
    assert sentence.startswith("It was planned under plan gentle, version 1, because it is the most specific plan for")


def test_what_was_planned_under_an_older_schema_may_still_leave(database: Database, tmp_path: Path) -> None:
    """Rows from before the fingerprint was kept are judged by their lines alone."""
    given = settings(tmp_path)
    owe(database, given)
    plan.drain(database, given, NOW)
    with database.write() as session:
        session.scalars(select(Reminder)).one().said = None
    assert plan.drain(database, given, NOW).mails == 0
    assert len(waiting(database)) == 1


def test_a_customer_for_whom_nothing_is_due_is_judged_once_a_run(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = settings(tmp_path, policy={"mode": "automatic"})
    owe(database, given)
    assert plan.drain(database, given, NOW).mails == 1
    judged: list[str] = []

    def judge(view: CustomerView, *world: Any) -> CustomerPlan:
        judged.append(view.id)
        return decide.plan_customer(view, *world)

    monkeypatch.setattr(plan, "decide", SimpleNamespace(plan_customer=judge))
    assert plan.drain(database, given, NOW).mails == 0
    assert judged == ["C1"]


def test_a_hold_ends_with_the_company_s_day_and_not_with_that_of_greenwich(database: Database, tmp_path: Path) -> None:
    """Half past eight in the evening in New York, where the hold ends today; in Greenwich it is tomorrow."""
    given = settings(tmp_path, company={"timezone": "America/New_York"})
    evening, today = datetime(2026, 9, 2, 0, 30, tzinfo=UTC), date(2026, 9, 1)
    with database.write() as session:
        owner = ledger.customer(session, "C1")
        ledger.invoice(session, owner, "FA-1")
        ledger.hold(session, owner, until=today)
    ledger.load(database, given, "payments", ledger.csv("id,date,amount,customer_id"))
    assert [x.reason for p in plan.preview(database, given, evening) for x in p.left_out] == [Hindrance.CUSTOMER_HELD]
    foreseen = plan.foresee(database, given, today, today + timedelta(days=1), evening)
    assert [one.planned.step.name for one in foreseen] == ["friendly_reminder"]


def test_a_colleague_s_own_letter_found_in_sent_moves_the_next_mail_by_the_gap(
    database: Database, tmp_path: Path
) -> None:
    given = settings(tmp_path, policy={"mode": "automatic"})
    owe(database, given)
    with database.write() as session:
        row = Message(
            dkey="own", direction=Direction.OUT, mailbox="ar", message_id="<own@morel.example>", size=1,
            blob_sha256=blob.keep(session, b"x"), received_at=NOW - timedelta(days=1), created_at=NOW,
            customer_id="C1", state=MessageState.APPLIED,
        )  # fmt: skip
        session.add(row)
    (planned,) = plan.preview(database, given, NOW)
    assert [(x.reason, x.detail) for x in planned.left_out] == [
        (Hindrance.GAP, "the last mail left on 2026-08-31; the next one may on 2026-09-07")
    ]
    assert plan.drain(database, given, NOW).mails == 0
    later = NOW + timedelta(days=6)
    ledger.load(database, given, "payments", ledger.csv("id,date,amount,customer_id"), now=later)
    assert plan.drain(database, given, later).mails == 1


@pytest.mark.parametrize("is_on_paper", [False, True])
def test_what_comes_to_a_letter_that_still_waits_joins_it_and_is_one_letter(
    database: Database, tmp_path: Path, *, is_on_paper: bool
) -> None:
    given = settings(tmp_path, reminders={"plan": "notices"})
    folder = tmp_path / "plans"
    folder.mkdir(exist_ok=True)
    step = '[[step]]\nname = "formal_notice"\nday = 20\nchannel = "letter"\ntemplate = "formal_notice"\nlevel = 5\n'
    (folder / "notices.toml").write_text(f'name = "notices"\nversion = 1\ngap_days = 7\n{step}', encoding="utf-8")
    with database.write() as session:
        owner = ledger.customer(session, "C1")
        ledger.invoice(session, owner, "AV-1", amount=Decimal(-30), kind=InvoiceKind.CREDIT_NOTE)
        for number, days in (("FA-1", 0), ("FA-2", 3)):
            ledger.invoice(session, owner, number, due_date=date(2026, 8, 12) + timedelta(days=days))
    ledger.load(database, given, "payments", ledger.csv("id,date,amount,customer_id"))
    assert plan.drain(database, given, ledger.NOW).tasks == 1
    if is_on_paper:
        with database.write() as session:
            letters.compose_letter(session, given, session.scalars(select(Task.id)).one(), "lea", ledger.NOW)
    later = ledger.NOW + timedelta(days=3)
    ledger.load(database, given, "payments", ledger.csv("id,date,amount,customer_id"), now=later)
    assert plan.drain(database, given, later).tasks == 1
    assert plan.drain(database, given, later).tasks == 0
    with database.write() as session:
        asked = session.scalars(select(Task).order_by(Task.id)).all()
        assert [len(task.links) for task in asked] == ([1, 1] if is_on_paper else [2])
        money = [task.detail.removeprefix("step formal_notice of plan notices: ") for task in asked]
        assert money == (
            [
                "100.00 EUR open, 70.00 less credits",
                "100.00 EUR open; 30.00 EUR of the open credits go to older invoices, which are asked for apart",
            ]
            if is_on_paper
            else ["200.00 EUR open, 170.00 less credits"]
        )
        composed = letters.compose_letter(session, given, asked[0].id, "lea", later)
    assert composed.invoices == (("FA-1",) if is_on_paper else ("FA-1", "FA-2"))
