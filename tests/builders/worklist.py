"""Twenty-odd entries of the work list, no two alike, and the keys with which a person settles each."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from agent.ledger.byhand import Deed, Target, log_dispute
from agent.ledger.tasks import open_task
from agent.reminders import approve, plan
from agent.reminders.deliver import raise_delivery
from agent.review import queue
from models import Customer, Delivery, ExceptionItem, ExceptionLink, Invoice, Message, Prediction
from models.message import Direction
from models.reasons import ExceptionReason, TaskKind
from models.states import DeliveryState, ExceptionState
from tests.builders import ledger, mail, sent
from tests.builders.desk import NOW, Office, answer, debtor

DAY = date(2026, 10, 10)
"""What is typed wherever a day is asked for: the same in every order of day and month that a browser may ask for."""


@dataclass(frozen=True)
class Keys:
    """What is pressed on a page: keys, ``+text`` typed, ``@day`` typed into a date field, ``@wait`` for a page."""

    press: tuple[str, ...]
    ends: bool = True
    """Whether the entry is settled by it; put away until later otherwise."""


def everything(office: Office) -> dict[str, Keys]:
    """Put all of it onto the list; the keys by the path of the entry's page."""
    found = {f"/work/approval/{_approval(office)}": Keys(("a",))}
    with office.database.write() as session:
        for make, keys in _ITEMS:
            found[f"/work/item/{make(session, office).id}"] = keys
        for kind, keys in _TASKS:
            found[f"/work/task/{_task(session, kind)}"] = keys
    return found


def _approval(office: Office) -> int:
    """A reminder that waits for a yes, planned and composed as every one is."""
    with office.database.write() as session:
        ledger.invoice(session, ledger.customer(session, "C-waits", name="Attend SARL"), "FA-waits")
    ledger.load(office.database, office.settings, "payments", ledger.csv("id,date,amount,customer_id"))
    assert plan.drain(office.database, office.settings, NOW).mails == 1
    with office.database.read() as session:
        return approve.waiting(session)[0].id


Make = Callable[[Session, Office], ExceptionItem]


def _mail(reason: ExceptionReason, primary: str, text: str = "", count: int = 1, rule: str | None = None) -> Make:
    """A person's mail, asked about for this reason."""

    def make(session: Session, _office: Office) -> ExceptionItem:
        number = f"FA-{reason.value}"
        owner, invoices = debtor(session, *[f"{number}-{place}" for place in range(count)], name=f"{reason.value} SARL")
        raw = _letter(owner, text) if text else None
        return answer(session, owner, invoices, reason=reason, primary=primary, rule=rule, raw=raw)

    return make


def _letter(owner: Customer, text: str) -> bytes:
    return mail.letter(text, sender=owner.email, to=("compta@morel.example",), subject="Re: Rappel", date=NOW)


def _stranger(session: Session, office: Office) -> ExceptionItem:
    """Somebody whom nobody knows: no customer, no invoice."""
    item = _mail(ExceptionReason.NOT_THREADED, "other", "Bonjour,\n\nVoici notre nouvelle offre.\n")(session, office)
    message = session.get_one(Message, item.message_id)
    message.customer_id = item.customer_id = None
    session.execute(delete(ExceptionLink).where(ExceptionLink.exception_id == item.id))
    session.expire(item, ["links"])
    return item


def _bounce(session: Session, _office: Office) -> ExceptionItem:
    owner, invoices = debtor(session, "FA-bounced", name="Revenu SARL")
    item = answer(session, owner, invoices, raw=mail.bounce(None, date=NOW), reason=ExceptionReason.BOUNCE, words=())
    session.execute(delete(Prediction).where(Prediction.message_id == item.message_id))
    return item


def _colleague(session: Session, office: Office) -> ExceptionItem:
    item = _mail(ExceptionReason.COLLEAGUE_WROTE, "other", "Bonjour,\n\nMerci de votre appel.\n")(session, office)
    session.get_one(Message, item.message_id).direction = Direction.OUT
    session.execute(delete(Prediction).where(Prediction.message_id == item.message_id))
    return item


def _dispute(session: Session, office: Office) -> ExceptionItem:
    """A dispute whose end a person has to say."""
    owner, (contested,) = debtor(session, "FA-contested", name="Litige SARL")
    log_dispute(session, Target(owner, contested), "quality", None, Deed("max", NOW), office.settings)
    session.flush()
    return session.scalars(select(ExceptionItem).where(ExceptionItem.customer_id == owner.id)).one()


def _delivery(state: DeliveryState, reason: ExceptionReason) -> Make:
    """A reminder of which nobody knows whether it left, or that the server refused."""

    def make(session: Session, office: Office) -> ExceptionItem:
        owner, invoices = debtor(session, f"FA-{reason.value}", name=f"{reason.value} SARL")
        session.flush()
        message = sent.reminder(session, invoices, step="friendly_reminder")
        delivery = session.scalars(select(Delivery).where(Delivery.message_id == message.id)).one()
        delivery.state, delivery.sent_at, delivery.attempts = state, None, 1
        raise_delivery(session, office.settings, delivery, reason, "the connection broke after the body", NOW)
        session.flush()
        return session.scalars(select(ExceptionItem).where(ExceptionItem.customer_id == owner.id)).one()

    return make


def _overpayment(session: Session, _office: Office) -> ExceptionItem:
    owner = ledger.customer(session, name="Trop-perçu SARL")
    paid = ledger.payment(session, owner, "120.00")
    return queue.open_exception(
        session, key=f"payment:{paid.id}", reason=ExceptionReason.OVERPAYMENT, detail="20.00 EUR more than is owed",
        at=NOW, due_at=NOW + timedelta(days=5), customer_id=owner.id, payment_id=paid.id,
    )  # fmt: skip


def _task(session: Session, kind: TaskKind) -> int:
    owner, invoices = debtor(session, f"FA-{kind.value}", name=f"{kind.value} SARL")
    message_id = None
    if kind is TaskKind.AUDIT_SAMPLE:
        message_id = _acted_on(session, owner, invoices)
    return open_task(
        session, key=f"test:{kind.value}", kind=kind, invoices=invoices, detail="asked for", due_on=NOW.date(), at=NOW,
        message_id=message_id,
    ).id  # fmt: skip


def _acted_on(session: Session, owner: Customer, invoices: list[Invoice]) -> int | None:
    """A mail that relance has acted on by itself, so that nothing is asked about it but the audit."""
    item = answer(session, owner, invoices, primary="paid", words=())
    queue.settle(
        session, item, ExceptionState.RESOLVED, by="relance", now=NOW, reason="test", resolution={"changes": []}
    )
    return item.message_id


_ITEMS: list[tuple[Make, Keys]] = [
    (_mail(ExceptionReason.LOW_CONFIDENCE, "promise"), Keys(("a",))),
    (_mail(ExceptionReason.UNAUTHENTICATED, "paid", "Bonjour,\n\nC'est payé.\n"), Keys(("1", "a"))),
    (_mail(ExceptionReason.UNKNOWN_SENDER, "paid"), Keys(("x", "+not one of theirs", "Enter"))),
    (_stranger, Keys(("5", "a"))),
    (
        _mail(ExceptionReason.QUESTION, "question", "Bonjour,\n\nPouvez-vous m'envoyer la facture ?\n"),
        Keys(("e", "Control+End", "+PS : à bientôt.", "Control+Enter", "@wait", "4", "a")),
    ),
    (_mail(ExceptionReason.SUGGESTED, "dispute", "Bonjour,\n\nLe prix est faux.\n"), Keys(("3", "a"))),
    (_mail(ExceptionReason.OTHER, "other", "Bonjour,\n\nMerci.\n"), Keys(("5", "a"))),
    (
        _mail(ExceptionReason.RULE, "other", "Nous sommes en liquidation judiciaire.\n", rule="insolvency"),
        Keys(("5", "a", "@refused", "x", "+of another firm", "Enter")),
    ),
    (
        _mail(ExceptionReason.PROMISE_UNDATED, "question", "Bonjour,\n\nOn va payer.\n"),
        Keys(("2", "d", "@day", "Escape", "a")),
    ),
    (
        _mail(ExceptionReason.CONFLICTING_INTENTS, "paid", count=2),
        Keys(("1", "Tab", "Tab", "Tab", "Tab", "+Con", "Escape", "a")),
    ),
    (_mail(ExceptionReason.NOTHING_OPEN, "paid"), Keys(("s", "Enter"), ends=False)),
    (_bounce, Keys(("a",))),
    (_colleague, Keys(("a",))),
    (_dispute, Keys(("2",))),
    (_delivery(DeliveryState.UNKNOWN, ExceptionReason.DELIVERY_UNKNOWN), Keys(("1",))),
    (_delivery(DeliveryState.REJECTED, ExceptionReason.DELIVERY_REJECTED), Keys(("2",))),
    (_overpayment, Keys(("a",))),
]  # fmt: skip

_TASKS: list[tuple[TaskKind, Keys]] = [
    (TaskKind.CALL, Keys(("2", "d", "@day", "Escape", "e", "+Le 20, sans faute", "Escape", "a"))),
    (TaskKind.BROKEN_PROMISE, Keys(("4", "a"))),
    (TaskKind.LETTER, Keys(("1", "a"))),
    (TaskKind.UNPAID_CLAIM, Keys(("3", "a"))),
    (TaskKind.AUDIT_SAMPLE, Keys(("a",))),
]
