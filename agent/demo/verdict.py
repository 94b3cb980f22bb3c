"""What must have held over all days, and how well answers were understood: found by what really happened outside.

The invariants are looked for in the mails that customers' mailboxes received and in the bank's statements, not in what
relance says of itself. The demo knows what every writer meant; only here is that compared with what was understood.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from email.parser import BytesHeaderParser

from sqlalchemy import select
from sqlalchemy.orm import Session

from agent.demo.company import Bill
from agent.demo.mailserver import Post
from agent.demo.people import Meaning, numbers_in
from agent.demo.world import Record, World
from agent.inbound.store import reading_of
from agent.replies import store
from models import Decision, Delivery, Invoice, Message, events
from models.message import Direction
from models.states import HANDLED, MessageState


@dataclass(frozen=True, slots=True)
class Judged:
    """One answer, what it meant, how it was taken, and what was done about it."""

    message: int
    text: str
    meant: str
    taken: str
    is_right: bool
    is_applied: bool
    is_acted_wrongly: bool
    """A state was set or paused by it that its writer did not mean."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The end of the story."""

    broken: tuple[str, ...]
    """What should never happen, and did: sentences."""
    received: int
    duplicates: int
    humans: tuple[Judged, ...]
    machines: int
    machines_right: int
    forged: int
    forged_queued: int

    @property
    def right(self) -> int:
        return sum(answer.is_right for answer in self.humans)

    @property
    def wrong(self) -> tuple[Judged, ...]:
        return tuple(answer for answer in self.humans if not answer.is_right or answer.is_acted_wrongly)


def verdict(world: World) -> Verdict:
    """Look at everything once more."""
    record, bills = world.record, {bill.number: bill for bill in world.firm.bills}
    with world.database.read() as session:
        duplicates = duplicated(record.posts)
        answers = _answers(session, record)
        forged = [(message, meaning) for message, meaning in answers if meaning.is_forged]
        machines = [(message, meaning) for message, meaning in answers if meaning.kind != "human"]
        broken = [
            *(f"a mail was received twice: {message_id}" for message_id in duplicates),
            *chased(record, bills),
            *crowded(record.posts, world.settings.reminders.gap_days),
            *_lost(session, record),
            *(f"a forged mail moved a state: message {m.id}" for m, _ in forged if _acted(session, m.id)),
        ]
        link = events.verify(session, world.database.key)
        if link is not None:
            broken.append(f"the log is broken at event {link.seq}: {link.why}")
        return Verdict(
            broken=tuple(broken),
            received=len(record.posts),
            duplicates=len(duplicates),
            humans=tuple(
                _judged(session, message, meaning)
                for message, meaning in answers
                if meaning.kind == "human" and not meaning.is_forged
            ),
            machines=len(machines),
            machines_right=sum(message.kind == meaning.kind for message, meaning in machines),
            forged=len(forged),
            forged_queued=sum(message.state is MessageState.QUEUED for message, _ in forged),
        )


# --- invariants -------------------------------------------------------------------------------------------------------


def duplicated(posts: Iterable[Post]) -> list[str]:
    """The Message-IDs that one mailbox got more than once."""
    found = Counter((post.recipient, message_id_of(post)) for post in posts)
    return [message_id for (_, message_id), count in found.items() if count > 1]


def message_id_of(post: Post) -> str:
    return str(BytesHeaderParser().parsebytes(post.raw).get("Message-ID", ""))


def chased(record: Record, bills: Mapping[str, Bill]) -> list[str]:
    """The reminders that name an invoice although relance had been told of the money before."""
    return [
        f"{number} was reminded of on {post.at:%Y-%m-%d}, though the ledger knew of its payment"
        for post in record.posts
        for number in numbers_in(_text(post), bills)
        if number in record.paid_at and record.paid_at[number] <= post.at
    ]


def crowded(posts: Sequence[Post], gap_days: int) -> list[str]:
    """Mails to one address with fewer days between them than the gap."""
    last: dict[str, date] = {}
    found: list[str] = []
    for post in sorted(posts, key=lambda each: each.at):
        before, day = last.get(post.recipient), post.at.date()
        if before is not None and (day - before).days < gap_days:
            found.append(f"{post.recipient} got mails on {before} and {day}, less than {gap_days} days apart")
        last[post.recipient] = day
    return found


def _text(post: Post) -> str:
    # Invoice numbers are ASCII, and quoted-printable leaves them whole but for soft line breaks.
    return post.raw.replace(b"=\r\n", b"").decode("ascii", "replace")


def _lost(session: Session, record: Record) -> list[str]:
    """Mails in that are not handled, and mails out that did not arrive."""
    handled = select(Message).where(Message.direction == Direction.IN, Message.state.in_(HANDLED))
    known = {message.message_id for message in session.scalars(handled)}
    missing = [f"the answer {message_id} is not handled" for message_id in record.meanings if message_id not in known]
    sent = select(Message.message_id).join(Delivery).where(Delivery.sent_at.is_not(None), Delivery.reply.like("250%"))
    arrived = {message_id_of(post) for post in record.posts}
    return missing + [
        f"{message_id} left and never arrived" for message_id in session.scalars(sent) if message_id not in arrived
    ]


def _acted(session: Session, message_id: int) -> bool:
    query = select(Decision.id).where(Decision.message_id == message_id, Decision.invoice_id.is_not(None))
    return session.scalar(query) is not None


# --- understanding ----------------------------------------------------------------------------------------------------


def _answers(session: Session, record: Record) -> list[tuple[Message, Meaning]]:
    """The answers that relance has, with what their writers mean."""
    query = select(Message).where(Message.message_id.in_(list(record.meanings))).order_by(Message.id)
    return [(message, record.meanings[str(message.message_id)]) for message in session.scalars(query)]


def _judged(session: Session, message: Message, meaning: Meaning) -> Judged:
    prediction = store.prediction_of(session, message.id)
    done = _done(session, message.id)
    if prediction is None:
        return Judged(message.id, "", _shown(meaning), f"a machine's mail ({message.kind})", False, False, bool(done))
    taken, is_right = prediction.primary, prediction.primary == meaning.primary
    if meaning.primary is None:  # two answers in one: each invoice counts
        taken, is_right = _pairs(prediction.per_invoice), dict(prediction.per_invoice) == dict(meaning.per_invoice)
    if meaning.promise_date is not None and prediction.promise_date != meaning.promise_date:
        taken, is_right = f"{taken} for {prediction.promise_date or 'no day'}", False
    return Judged(
        message=message.id,
        text=" ".join(reading_of(session, message.id).new_text.split()),
        meant=_shown(meaning),
        taken=taken,
        is_right=is_right,
        is_applied=message.state is MessageState.APPLIED or bool(done),
        is_acted_wrongly=any(meaning.per_invoice.get(number) != intent for number, intent in done.items())
        or ("promise" in done.values() and prediction.promise_date != meaning.promise_date),
    )


_INTENTS = {"report_paid": "paid", "record_promise": "promise", "open_dispute": "dispute"}


def _done(session: Session, message_id: int) -> dict[str, str]:
    """By invoice number: what was taken as said, and acted on."""
    query = (
        select(Invoice.number, Decision.action)
        .join(Invoice, Invoice.id == Decision.invoice_id)
        .where(Decision.message_id == message_id, Decision.action.in_(_INTENTS))
    )
    return {number: _INTENTS[action] for number, action in session.execute(query)}


def _shown(meaning: Meaning) -> str:
    said = meaning.primary or _pairs(meaning.per_invoice)
    return f"{said} for {meaning.promise_date}" if meaning.promise_date is not None else said


def _pairs(per_invoice: Mapping[str, str]) -> str:
    return " + ".join(f"{number} {intent}" for number, intent in per_invoice.items()) or "nothing certain"
