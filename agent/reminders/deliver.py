"""Stage 4: reserved → sending → what the wire answered; the last look stands in the transaction that enters `sending`.

The states, and what a death of the process leaves behind at each arrow:

    reserved ──claim──▶ (owner, lease) ──connect, MAIL, RCPT, DATA, 354──▶ last look
       a dead owner's lease runs out and the next drain claims it again; nothing had left
    last look no  ──▶ cancelled, the connection is dropped before the body, the lines are free for the plan
    last look yes ──commit──▶ sending ──body, dot──▶ sent | failed (4xx) | rejected (5xx) | unknown (anything else)
       a death in `sending` becomes `unknown` when its lease runs out; only evidence or a person settles it

Never a second blind DATA: what is `unknown` is not tried again from here.
"""

import math
import random
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from agent import heartbeats
from agent.faults import point
from agent.reminders import decide, loading, store
from agent.reminders.sentbox import SentBox
from agent.reminders.values import PlanSettings
from agent.reminders.wire import Accepted, Envelope, LookedAway, Lost, NotTried, Outcome, Refused, Wire
from agent.review.queue import alarm_at, open_exception
from config import Mailbox, Settings
from config.calendars import next_sending_time
from config.errors import NeedsPerson, TemporaryFailure
from config.fields import Rate
from models import Customer, Database, Delivery, Invoice, transitions
from models.events import RELANCE
from models.reasons import ExceptionReason
from models.states import DeliveryState

log = structlog.get_logger()

LEASE = timedelta(minutes=30)
"""Longer than any attempt: ten minutes for the final reply, five for each command before."""

BACKOFF = (5, 15, 30, 60, 120, 240)
"""Minutes after a temporary refusal; greylisting wants a second try after 5 to 15 (RFC 6647)."""

GIVE_UP_AFTER = timedelta(hours=48)

BOOKING_SECONDS = 300.0
"""How long the outcome of a mail waits for a database that is locked or full."""
BOOKING_PAUSE_SECONDS = 1.0

Clock = Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class Delivered:
    """What one drain did; until ``wait_until`` (wall clock) the mailbox's rate is used up, with mail left over."""

    sent: int = 0
    cancelled: int = 0
    failed: int = 0
    rejected: int = 0
    unknown: int = 0
    wait_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Post:
    """What delivering for one mailbox needs: the doors to the world, and who is at work."""

    name: str
    mailbox: Mailbox
    wire: Wire
    sent_box: SentBox
    owner: str
    clock: Clock
    """The wall clock, for the rate only."""


def drain(database: Database, settings: Settings, post: Post, now: datetime, limit: int = 40) -> Delivered:
    """Try every delivery of the mailbox that is due, one after the other, up to ``limit``; in mode observe none."""
    if settings.policy.mode == "observe":
        return Delivered()
    plan = loading.plan_settings(settings)
    counts: Counter[str] = Counter()
    with database.read() as session:
        if not decide.was_just_read(heartbeats.last_worked(session, f"collect:{post.name}"), now):
            log.warning("delivery.mailbox_unread", mailbox=post.name)
            return Delivered()
    for _ in range(limit):
        # Asked before anything is claimed: a mailbox that doesn't answer must leave no claim behind.
        uidnext = post.sent_box.uidnext()
        with database.write() as session:
            wait_until = _rate_free_at(session, post)
            if wait_until is not None:
                return _delivered(counts, wait_until)
            delivery = store.claim_next(session, post.name, post.owner, now, now + LEASE)
            if delivery is None:
                break
            if _postpone(session, delivery, settings, plan, now):
                continue
            envelope = _envelope(session, delivery, post.mailbox)
            point("delivery.claiming")
        point("delivery.claimed")
        attempt = _Attempt(database, settings, plan, delivery.id, uidnext, post, now)
        outcome = post.wire.attempt(envelope, attempt.last_look)
        point("delivery.answered")
        counts[attempt.book(outcome)] += 1
        if isinstance(outcome, NotTried):
            # The server, not the mail, is the trouble: the next mail would meet the same.
            if outcome.needs_person:
                raise NeedsPerson(outcome.why)
            break
    return _delivered(counts, None)


def _delivered(counts: Mapping[str, int], wait_until: datetime | None) -> Delivered:
    return Delivered(
        sent=counts.get("sent", 0),
        cancelled=counts.get("cancelled", 0),
        failed=counts.get("failed", 0),
        rejected=counts.get("rejected", 0),
        unknown=counts.get("unknown", 0),
        wait_until=wait_until,
    )


def _rate_free_at(session: Session, post: Post) -> datetime | None:
    """When the next mail may leave by all the mailbox's rates; None: now. Counts the rows of all workers."""
    rates, now = post.mailbox.smtp.rates, post.clock()
    since = now - max(rate.period for rate in rates)
    query = select(Delivery.wire_at).where(Delivery.mailbox == post.name, Delivery.wire_at > since)
    moments = sorted(moment for moment in session.scalars(query) if moment is not None)
    free = [free_at(moments, rate, now) for rate in rates]
    return max((moment for moment in free if moment is not None), default=None)


def free_at(moments: Sequence[datetime], rate: Rate, now: datetime) -> datetime | None:
    """When one more mail keeps to the rate, with mails sent at ``moments`` (in order); None: now."""
    recent = [moment for moment in moments if moment > now - rate.period]
    return recent[-rate.count] + rate.period if len(recent) >= rate.count else None


def _postpone(session: Session, delivery: Delivery, settings: Settings, plan: PlanSettings, now: datetime) -> bool:
    """Move a retry that falls outside of the customer's working hours to the next one; True: moved."""
    if delivery.reminder_id is None:
        return False  # a person who writes now means now
    customer = session.get_one(Customer, delivery.customer_id)
    opening = next_sending_time(
        now,
        customer.country or settings.company.country,
        customer.timezone or settings.company.timezone,
        plan.sending_hours,
        plan.quiet_days,
    )
    if opening <= now:
        return False
    delivery.not_before, delivery.owner, delivery.lease_until = opening, None, None
    return True


def _envelope(session: Session, delivery: Delivery, mailbox: Mailbox) -> Envelope:
    raw = store.raw_of(session, delivery)
    redirect = mailbox.smtp.redirect_all_to
    recipients = (redirect,) if redirect else (delivery.recipient, *delivery.copies)
    return Envelope(mailbox.address, recipients, raw)


class _Attempt:
    """One attempt at one delivery: the last look that enters `sending`, and the booking of its outcome."""

    def __init__(
        self,
        database: Database,
        settings: Settings,
        plan: PlanSettings,
        delivery_id: int,
        uidnext: int,
        post: Post,
        now: datetime,
    ) -> None:
        self._database = database
        self._settings = settings
        self._plan = plan
        self._id = delivery_id
        self._uidnext = uidnext
        self._post = post
        self._now = now
        self._no: str | None = None

    def last_look(self) -> bool:
        """Judge once more with all that is known now, and commit `sending` in the same transaction."""
        point("delivery.before_last_look")
        with self._database.write() as session:
            delivery = self._mine(session)
            self._no = self._objection(session, delivery)
            if self._no is None:
                transitions.move(
                    session, delivery, DeliveryState.SENDING, actor=RELANCE, reason="last_look_passed",
                    at=self._now, owner=self._post.owner, message_id=delivery.message.message_id,
                    values={
                        "entered_sending_at": self._now, "wire_at": self._post.clock(), "sent_uidnext": self._uidnext,
                        "attempts": delivery.attempts + 1, "lease_until": self._now + LEASE,
                    },
                )  # fmt: skip
            point("delivery.looking")
        point("delivery.sending")
        return self._no is None

    def _mine(self, session: Session) -> Delivery:
        delivery = session.get_one(Delivery, self._id, with_for_update=True, populate_existing=True)
        if delivery.owner != self._post.owner:
            raise transitions.StaleState(f"delivery {self._id} was taken over by {delivery.owner}")
        return delivery

    def _objection(self, session: Session, delivery: Delivery) -> str | None:
        if not decide.was_just_read(heartbeats.last_worked(session, f"collect:{self._post.name}"), self._now):
            return "the mailbox was not read in the last 15 minutes"
        reminder = delivery.reminder
        if self._settings.policy.mode == "suggest" and reminder is not None and reminder.approval == "not_needed":
            return "it was planned without a person's word, which the mode asks for by now"
        ledger = loading.ledger_view(session, self._settings, self._database)
        if reminder is None:
            return decide.last_look_at_answer(ledger)
        views = loading.customer_views(
            session, self._settings, self._now, [delivery.customer_id], ignoring_delivery=delivery.id
        )
        if not views:
            return "nothing is open any more"
        return decide.last_look(store.frozen_mail(session, delivery), views[0], ledger, self._plan, self._now)

    def book(self, outcome: Outcome) -> str:
        """Write what the wire answered; the word for it in the counts.

        The server has spoken, and will not say it again: where the database can't be written to just now, this waits
        for it, as otherwise nobody would know what became of the mail.
        """
        until = time.monotonic() + BOOKING_SECONDS
        word = None
        while word is None:
            try:
                word = self._booked(outcome)
            except TemporaryFailure as error:
                if time.monotonic() > until:
                    raise
                log.warning("delivery.booking_waits", delivery=self._id, error=str(error))
                time.sleep(BOOKING_PAUSE_SECONDS)
        point("delivery.booked")
        log.info("delivery.booked", delivery=self._id, outcome=word)
        return word

    def _booked(self, outcome: Outcome) -> str:
        with self._database.write() as session:
            word = self._book(session, self._mine(session), outcome)
            point("delivery.booking")
        return word

    def _book(self, session: Session, delivery: Delivery, outcome: Outcome) -> str:
        match outcome:
            case Accepted(reply, without):
                return self._sent(session, delivery, reply, without)
            case Refused(is_temporary=True, reply=reply):
                return self._failed(session, delivery, reply)
            case NotTried(why=reply, needs_person=True):
                # The account or the settings are the trouble: the mail waits until that is mended, and is never given
                # up for it. The caller raises it, so that the loop's failure is told until then.
                return self._waits(session, delivery, reply)
            case NotTried(why=reply):
                # The server is the trouble, and not the mail: it waits no longer, however often that was so.
                return self._failed(session, delivery, reply, longest=BACKOFF[0])
            case Refused(reply=reply):
                return self._rejected(session, delivery, reply)
            case LookedAway():
                return self._cancelled(session, delivery)
            case Lost(why):
                return self._move(session, delivery, DeliveryState.UNKNOWN, "connection_lost", {"reply": why})

    def _move(
        self, session: Session, delivery: Delivery, to: DeliveryState, reason: str, values: dict[str, object]
    ) -> str:
        """Change the state and end the claim; the new state's word."""
        released = {"owner": None, "lease_until": None, **values}
        transitions.move(
            session, delivery, to, actor=RELANCE, reason=reason, at=self._now, owner=self._post.owner,
            values=released,
        )  # fmt: skip
        return to.value

    def _sent(self, session: Session, delivery: Delivery, reply: str, without: tuple[str, ...]) -> str:
        told = "; ".join([reply, *(f"no copy to {said}" for said in without)])
        if without:
            log.warning("delivery.copies_refused", delivery=self._id, copies=len(without))
        word = self._move(session, delivery, DeliveryState.SENT, "accepted", {"reply": told, "sent_at": self._now})
        if delivery.reminder is not None:
            store.mark_reminded(session, delivery.reminder, self._now)
        return word

    def _failed(self, session: Session, delivery: Delivery, reply: str, longest: int = BACKOFF[-1]) -> str:
        first = delivery.first_failed_at or self._now
        if self._now - first > GIVE_UP_AFTER:
            return self._rejected(session, delivery, reply, ExceptionReason.DELIVERY_FAILING)
        return self._later(session, delivery, "temporary", {"reply": reply, "first_failed_at": first}, longest)

    def _waits(self, session: Session, delivery: Delivery, reply: str) -> str:
        return self._later(session, delivery, "server_refuses", {"reply": reply, "first_failed_at": None}, BACKOFF[0])

    def _later(self, session: Session, delivery: Delivery, reason: str, values: dict[str, object], longest: int) -> str:
        # Entering `sending` has counted this attempt already; one that did not come so far is counted here.
        attempts = delivery.attempts + (delivery.state is not DeliveryState.SENDING)
        jitter = random.uniform(0.8, 1.2)  # noqa: S311 - spreads load, decides nothing
        later = {"attempts": attempts, "not_before": self._now + backoff(attempts - 1, jitter, longest)}
        return self._move(session, delivery, DeliveryState.FAILED, reason, {**values, **later})

    def _rejected(
        self,
        session: Session,
        delivery: Delivery,
        reply: str,
        reason: ExceptionReason = ExceptionReason.DELIVERY_REJECTED,
    ) -> str:
        # One that did not come to `sending` is counted here: each refusal is asked about, also after "send it again".
        attempts = delivery.attempts + (delivery.state is not DeliveryState.SENDING)
        values: dict[str, object] = {"reply": reply, "attempts": attempts}
        word = self._move(session, delivery, DeliveryState.REJECTED, reason.value, values)
        raise_delivery(session, self._settings, delivery, reason, reply, self._now)
        return word

    def _cancelled(self, session: Session, delivery: Delivery) -> str:
        why = self._no or "the last look said no"
        word = self._move(session, delivery, DeliveryState.CANCELLED, "last_look", {"reply": why})
        if delivery.reminder is not None:
            store.void(session, delivery.reminder, self._now)
        return word


def backoff(tries: int, jitter: float, longest: int = BACKOFF[-1]) -> timedelta:
    """How long to wait after the ``tries``-th temporary refusal (from 0); ``jitter`` is a factor near 1.

    ``longest``: so many minutes at most, before the jitter.
    """
    minutes = min(longest, BACKOFF[min(tries, len(BACKOFF) - 1)])
    return timedelta(seconds=math.ceil(minutes * 60 * jitter))


def raise_delivery(
    session: Session,
    settings: Settings,
    delivery: Delivery,
    reason: ExceptionReason,
    detail: str,
    now: datetime,
) -> None:
    """Put a delivery in front of a person, tied to its customer and invoices."""
    reminder = delivery.reminder
    lines = [line.invoice_id for line in reminder.lines] if reminder is not None else []
    numbers = [session.get_one(Invoice, invoice_id).number for invoice_id in lines]
    step = f"{reminder.step} " if reminder is not None else ""
    open_exception(
        session,
        key=f"delivery:{delivery.id}:{delivery.attempts}",
        reason=reason,
        detail=f"reminder {step}for {', '.join(numbers)}: {detail}",
        at=now,
        customer_id=delivery.customer_id,
        invoice_ids=lines,
        delivery_id=delivery.id,
        message_id=delivery.message_id,
        priority=70,
        due_at=alarm_at(settings, now),
    )
