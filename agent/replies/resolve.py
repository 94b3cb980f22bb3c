"""A person's word on an item of the queue: applied under that person's name, kept as a correction, and undone in whole.

The person's label goes through the same actions as the policy's own decisions. What it changed is written down with the
item (invoice by invoice, the state before and after), so that `undo` can put back exactly that, as long as nothing else
has happened to the invoice since.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from agent.ledger import addresses, byhand, freshness, states
from agent.ledger.byhand import Deed
from agent.ledger.states import Answer
from agent.reminders import loading, reconcile
from agent.reminders import store as reminder_store
from agent.replies import store, wrong_contact
from agent.replies.apply import carry_out, write_decisions
from agent.replies.values import Action, OpenDispute, RecordPromise, ReportPaid, TakeNote
from agent.review import queue
from config import Settings
from config.errors import NeedsPerson
from models import (
    Correction,
    Customer,
    Database,
    Decision,
    Delivery,
    Dispute,
    ExceptionItem,
    Invoice,
    Message,
    events,
    transitions,
)
from models.message import Direction
from models.reasons import ExceptionReason
from models.states import WAITING, DeliveryState, DisputeState, ExceptionState, MessageState

INSOLVENCY = "insolvency"
OPT_OUT = "unsubscribe"
"""Rules ahead of the model (`classifier.rules`) that find one told of."""
INTENTS = ("paid", "promise", "dispute", "question", "other")
DeliveryWord = Literal["sent", "again", "drop"]


@dataclass(frozen=True, slots=True)
class Word:
    """What a person says of an item; ``per_invoice`` (number → intent) goes before the primary ``intent``."""

    by: str
    intent: str | None = None
    per_invoice: Mapping[str, str] | None = None
    promise_date: date | None = None
    dispute_reason: str | None = None
    delivery: DeliveryWord | None = None
    other_reason: str | None = None
    """Why it is `other`; None: as the model takes it."""
    wrong_contact: str | None = None
    """The address that is the wrong one; None: the one that the mail is about."""
    new_contact: str | None = None
    """The address to write to in its place."""


@dataclass(frozen=True, slots=True)
class Effect:
    """One thing that followed: a code with its values for pages in any language, and the English sentence."""

    code: str
    sentence: str
    invoice: str | None = None
    on: date | None = None
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class Done:
    """What followed from a person's word."""

    effects: tuple[Effect, ...]

    @property
    def sentences(self) -> tuple[str, ...]:
        """In words for the person."""
        return tuple(effect.sentence for effect in self.effects)


class _Undone(Exception):
    """Rolls a preview back; carries what would have followed."""

    def __init__(self, done: Done) -> None:
        self.done = done


def rolled_back(database: Database, do: Callable[[Session], Done]) -> Done:
    """What would follow from a deed: carried out and rolled back, so that the two can't differ. Raises as the deed."""
    try:
        with database.write() as session:
            raise _Undone(do(session))
    except _Undone as undone:
        return undone.done


def preview(database: Database, item_id: int, word: Word, settings: Settings, now: datetime) -> Done:
    """What would follow from a word. Raises NeedsPerson as `resolve` does."""
    return rolled_back(database, lambda session: resolve(session, queue.get(session, item_id), word, settings, now))


def resolve(session: Session, item: ExceptionItem, word: Word, settings: Settings, now: datetime) -> Done:
    """Settle an item by a person's word.

    Raises NeedsPerson where the word says too little (no intent, no invoice, no date) or something impossible, or where
    the item was settled already; then nothing was changed.
    """
    queue.must_wait(item)
    if item.delivery_id is not None:
        return _resolve_delivery(session, item, word, now)
    message = session.get(Message, item.message_id) if item.message_id is not None else None
    if message is None or not needs_intent(message):
        _must_not_forget_a_dispute(session, item)
        wrong = _wrong_contact(session, item, message, word, settings, now) if message is not None else None
        gone = _gone_address(session, item, word, now)
        moved = _message_is_done_with(session, message, by=word.by, reason="resolved", now=now)
        queue.settle(
            session, item, ExceptionState.RESOLVED, by=word.by, now=now, reason="resolved",
            resolution={"changes": [], "moved": moved, "wrong_contact": wrong.document if wrong else gone.document},
        )  # fmt: skip
        settled = Effect("settled", "settled; reminders of this customer go on")
        return Done(_wrong_effects(wrong) if wrong is not None else gone.effects or (settled,))
    return _resolve_message(session, item, message, word, settings, now)


def needs_intent(message: Message) -> bool:
    """Only a person's incoming mail has an intent; a bounce, an automatic answer or a colleague's mail has none."""
    return message.direction is Direction.IN and message.kind in {None, "human"}


def _message_is_done_with(session: Session, message: Message | None, *, by: str, reason: str, now: datetime) -> bool:
    """Move a mail that waited for a person to `applied`; whether it did wait."""
    if message is None or message.state not in (MessageState.QUEUED, MessageState.QUARANTINED):
        return False
    transitions.move(session, message, MessageState.APPLIED, actor=by, reason=reason, at=now)
    return True


def _must_not_forget_a_dispute(session: Session, item: ExceptionItem) -> None:
    """A dispute stops an invoice's reminders for good: whoever is asked about it must say how it ends."""
    if item.reason is not ExceptionReason.DISPUTE:
        return
    ids = [link.invoice_id for link in item.links if link.invoice_id is not None]
    query = (
        select(Invoice.number)
        .join(Dispute, Dispute.invoice_id == Invoice.id)
        .where(Invoice.id.in_(ids), Dispute.state == DisputeState.OPEN)
        .order_by(Invoice.id)
    )
    number = session.scalars(query).first()
    if number is not None:
        raise NeedsPerson(
            f"{number} is disputed, and nobody would be asked about it any more",
            f"Say how it ends: `relance settle-dispute {number} --as upheld|rejected|withdrawn`.",
        )


def _must_not_chase_the_insolvent(session: Session, item: ExceptionItem, settings: Settings, now: datetime) -> None:
    """Once the item is settled nothing stops the reminders any more: somebody must have stopped them before."""
    customer = session.get(Customer, item.customer_id) if item.customer_id is not None else None
    if customer is None or customer.insolvent_since is not None:
        return
    if (customer.id, None) in loading.hold_ends(session, freshness.local_day(now, settings)):
        return
    raise NeedsPerson(
        f"the mail tells of an insolvency, and reminders to {customer.name} would go on",
        f"Put its day down on the customer's page (`relance log insolvency {customer.id} --since DATE` does the same), "
        "or hold the customer; dismiss the item if the mail tells of none.",
    )


def _stop_mails(session: Session, item: ExceptionItem, by: str, settings: Settings, now: datetime) -> bool:
    """A person agrees that the customer wants no mails: whether that was not known before."""
    customer = session.get(Customer, item.customer_id) if item.customer_id is not None else None
    return customer is not None and byhand.stop_mails(session, customer, Deed(by, now), settings)


def _wrong_contact(
    session: Session, item: ExceptionItem, message: Message, word: Word, settings: Settings, now: datetime
) -> wrong_contact.Settled | None:
    customer = session.get(Customer, item.customer_id) if item.customer_id is not None else None
    if customer is None or not wrong_contact.is_theirs(message):
        return None
    return wrong_contact.settle(
        session, customer, message, Deed(word.by, now), settings,
        said=word.other_reason, wrong=word.wrong_contact, replacement=word.new_contact,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Gone:
    """What followed from an item that asks for another address. ``document``: by which it is undone."""

    effects: tuple[Effect, ...] = ()
    document: dict[str, Any] | None = None


def _gone_address(session: Session, item: ExceptionItem, word: Word, now: datetime) -> _Gone:
    """The address to write to in the place of one that a server called dead, where the person knows it."""
    customer = session.get(Customer, item.customer_id) if item.customer_id is not None else None
    if customer is None or item.reason is not ExceptionReason.DEAD_ADDRESS:
        return _Gone()
    wrong = word.wrong_contact or next(iter(addresses.dead(session, customer.id)), None)
    if word.new_contact is not None and wrong is not None:
        document = addresses.replace_dead(session, customer, wrong, word.new_contact, Deed(word.by, now))
        told = f"reminders go to {word.new_contact} from now on"
        return _Gone((Effect("contact_replaced", told, detail=word.new_contact),), addresses.document_of(document))
    if addresses.written_to(session, customer) is None:
        return _Gone(
            (Effect("contact_missing", "settled; no reminder goes out by mail until another address is known"),)
        )
    return _Gone()


def _wrong_effects(wrong: wrong_contact.Settled) -> tuple[Effect, ...]:
    code = wrong.why.replace("_", " ")
    retired = Effect("contact_wrong", f"{wrong.address} gets no reminders any more ({code})", detail=wrong.address)
    if wrong.replacement is not None:
        told = f"reminders go to {wrong.replacement} from now on"
        return retired, Effect("contact_replaced", told, detail=wrong.replacement)
    if wrong.meanwhile is not None:
        told = f"a task asks for the right contact; reminders go to {wrong.meanwhile} meanwhile"
        return retired, Effect("contact_sought_meanwhile", told, detail=wrong.meanwhile)
    told = "a task asks for the right contact; no reminder goes out by mail until then"
    return retired, Effect("contact_sought", told)


def _resolve_message(
    session: Session, item: ExceptionItem, message: Message, word: Word, settings: Settings, now: datetime
) -> Done:
    if word.intent not in INTENTS:
        raise NeedsPerson(f"item {item.id} is a mail: say what it means with --as {'|'.join(INTENTS)}")
    prediction = store.prediction_of(session, message.id)
    on = word.promise_date or (prediction.promise_date if prediction is not None else None)
    reason = word.dispute_reason or (prediction.dispute_reason if prediction is not None else None) or "other"
    intents = _intents(session, item, word)
    asked_on = item.created_at.astimezone(settings.zone).date()
    if on is not None and on < asked_on and "promise" in {intent for _, intent in intents}:
        raise NeedsPerson(
            f"the promised day, {on}, has passed before it was promised",
            "Choose a day to come (--promise-date YYYY-MM-DD).",
        )
    actions = [_action(invoice, intent, on, reason) for invoice, intent in intents]
    if prediction is not None and prediction.rule == INSOLVENCY and all(isinstance(a, TakeNote) for a in actions):
        _must_not_chase_the_insolvent(session, item, settings, now)
    is_opt_out = prediction is not None and prediction.rule == OPT_OUT and word.intent == "other"
    stopped = is_opt_out and _stop_mails(session, item, word.by, settings, now)
    is_other = word.intent == "other" and not is_opt_out
    wrong = _wrong_contact(session, item, message, word, settings, now) if is_other else None
    changes: list[Answer] = []
    done: list[tuple[Action, Answer | None]] = []
    effects: list[Effect] = []
    for (invoice, _), action in zip(intents, actions, strict=True):
        if isinstance(action, TakeNote):
            answer = _take_back(session, message, invoice, word.by, now)
        else:
            answer = carry_out(session, action, message.id, by=word.by, reason="resolved", now=now)
        changes += [answer] if answer is not None else []
        done.append((action, answer))
        effects.append(_effect(invoice, action))
    correction = _correct(session, message, word, intents, on, now)
    position = session.scalar(select(func.count()).where(Decision.message_id == message.id)) or 0
    write_decisions(session, message, "person", done, None, by=word.by, now=now, position=position)
    _ask_how_it_ends(
        session, [i for (i, _), a in zip(intents, actions, strict=True) if isinstance(a, OpenDispute)], settings, now
    )
    moved = _message_is_done_with(session, message, by=word.by, reason="resolved", now=now)
    queue.settle(
        session, item, ExceptionState.RESOLVED, by=word.by, now=now, reason=f"resolved as {word.intent}",
        resolution={"intent": word.intent, "changes": [answer.as_json() for answer in changes],
            "correction": correction.id, "moved": moved, "mails_stopped": stopped,
            "wrong_contact": wrong.document if wrong is not None else None,
        },
    )  # fmt: skip
    if stopped:
        told = f"customer {item.customer_id} gets no mails any more; what is due becomes a call (`relance tasks`)"
        effects.insert(0, Effect("mails_stopped", told, detail=item.customer_id))
    if wrong is not None:
        effects[:0] = _wrong_effects(wrong)
    nothing = Effect("noted", f"taken as {word.intent}; no invoice changes, reminders go on", detail=word.intent)
    return Done(tuple(effects) or (nothing,))


def _ask_how_it_ends(session: Session, disputed: list[Invoice], settings: Settings, now: datetime) -> None:
    """The mail is understood, the dispute is not decided: that stays in front of a person."""
    for invoice in disputed:
        for row in states.open_disputes(session, invoice):
            queue.open_exception(
                session,
                key=f"dispute:{row.id}",
                reason=ExceptionReason.DISPUTE,
                detail=f"{invoice.number} contested ({row.reason}); paused until a person decides",
                at=now,
                due_at=queue.alarm_at(settings, now),
                customer_id=invoice.customer_id,
                invoice_ids=(invoice.id,),
                priority=60,
            )


def _take_back(session: Session, message: Message, invoice: Invoice, by: str, now: datetime) -> Answer | None:
    """Undo what this message did to an invoice by itself, if nothing has happened to it since."""
    query = (
        select(Decision.document)
        .where(Decision.message_id == message.id, Decision.invoice_id == invoice.id)
        .order_by(Decision.position.desc())
    )
    for document in session.scalars(query):
        if document.get("answer") is None:
            continue
        answer = Answer.from_json(document["answer"])
        if (invoice.state, invoice.state_at) == (answer.was, answer.was_at):
            continue  # taken back by a person already: what stood before it stands again
        if invoice.state is not answer.now:
            return None
        before_at = invoice.state_at
        states.undo_answer(session, invoice, answer, at=now, actor=by, reason="corrected")
        return answer.inverse(before_at, invoice.state)
    return None


def _intents(session: Session, item: ExceptionItem, word: Word) -> list[tuple[Invoice, str]]:
    """Each open invoice that the person's word is about, with its intent."""
    named = dict(word.per_invoice or {})
    linked = [link.invoice_id for link in item.links if link.invoice_id is not None]
    by_number = select(Invoice).where(Invoice.number.in_(named)).order_by(Invoice.id).with_for_update()
    found = {invoice.number: invoice for invoice in session.scalars(by_number)}
    if missing := sorted(set(named) - set(found)):
        raise NeedsPerson(f"no invoice has the number {missing[0]}; `relance invoices` lists them")
    if item.customer_id is not None:
        for invoice in found.values():
            if invoice.customer_id != item.customer_id:
                raise NeedsPerson(f"{invoice.number} is of customer {invoice.customer_id}, not of {item.customer_id}")
    if named:
        chosen = [(found[number], intent) for number, intent in named.items()]
    else:
        rows = session.scalars(select(Invoice).where(Invoice.id.in_(linked)).order_by(Invoice.id).with_for_update())
        chosen = [(invoice, str(word.intent)) for invoice in rows]
    for _, intent in chosen:
        if intent not in INTENTS:
            raise NeedsPerson(f"{intent!r} is no intent; choose one of {', '.join(INTENTS)}")
    if not chosen and word.intent in {"paid", "promise", "dispute"}:
        raise NeedsPerson(f"which invoice does item {item.id} speak of? Say it with --invoice NUMBER={word.intent}")
    return [(invoice, intent) for invoice, intent in chosen if not invoice.is_closed]


def _action(invoice: Invoice, intent: str, on: date | None, dispute_reason: str) -> Action:
    match intent:
        case "paid":
            return ReportPaid(invoice.id)
        case "promise":
            if on is None:
                raise NeedsPerson("a promise needs its date: choose the day (--promise-date YYYY-MM-DD)")
            return RecordPromise(invoice.id, on, None)
        case "dispute":
            return OpenDispute(invoice.id, dispute_reason)
    return TakeNote()


def _effect(invoice: Invoice, action: Action) -> Effect:
    number = invoice.number
    match action:
        case ReportPaid():
            told = f"{number}: reported as paid; the ledger is asked before anything else is sent"
            return Effect("reported_paid", told, number)
        case RecordPromise(on=on):
            return Effect("promised", f"{number}: promised for {on}; reminders wait until then", number, on=on)
        case OpenDispute(reason=reason):
            told = f"{number}: disputed ({reason}); reminders stop until the dispute is settled"
            return Effect("disputed", told, number, detail=reason)
    state = invoice.state.value
    return Effect("goes_on", f"{number}: stays {state}; reminders go on", number, detail=state)


def _correct(
    session: Session,
    message: Message,
    word: Word,
    intents: list[tuple[Invoice, str]],
    on: date | None,
    now: datetime,
) -> Correction:
    said = list(dict.fromkeys([str(word.intent), *(intent for _, intent in intents)]))
    prediction = store.prediction_of(session, message.id)
    correction = Correction(
        message_id=message.id,
        labels={
            "primary": word.intent,
            "intents": said,
            "per_invoice": {invoice.number: intent for invoice, intent in intents},
            "promise_date": on.isoformat() if on is not None and "promise" in said else None,
            "dispute_reason": word.dispute_reason,
            "other_reason": word.other_reason if word.intent == "other" else None,
        },
        model_version=prediction.model_version if prediction is not None else "none",
        corrected_by=word.by,
        corrected_at=now,
    )
    session.add(correction)
    events.record(
        session, "correction.made", correction, actor=word.by, at=now, message=message.id, primary=word.intent,
        was=prediction.primary if prediction is not None else None,
    )  # fmt: skip
    return correction


def _resolve_delivery(session: Session, item: ExceptionItem, word: Word, now: datetime) -> Done:
    """What a person knows of a delivery: it arrived, it shall be sent again, or it is dropped."""
    delivery = session.get_one(Delivery, item.delivery_id, with_for_update=True)
    if delivery.state in (DeliveryState.UNKNOWN, DeliveryState.REJECTED) and word.delivery is None:
        raise _what_became_of_it(item, delivery)
    before = delivery.state
    match word.delivery:
        case "sent" if delivery.state is DeliveryState.UNKNOWN:
            reconcile.settle(session, delivery, word.by, now)
            told = Effect("booked_sent", "booked as sent")
        case "again" if delivery.reminder is not None and delivery.reminder.voided_at is not None:
            raise NeedsPerson("its step was given back to the plan, which carries it out anew: it can't leave as well")
        case "again" if delivery.state in (DeliveryState.UNKNOWN, DeliveryState.REJECTED):
            transitions.move(
                session, delivery, DeliveryState.RESERVED, actor=word.by, reason="sent again by a person", at=now,
                values={"not_before": now, "first_failed_at": None, "settled_by": word.by},
            )  # fmt: skip
            told = Effect("sent_again", "the same mail goes out once more, after a last look")
        case "drop" if delivery.state in (DeliveryState.UNKNOWN, DeliveryState.REJECTED):
            if delivery.state is DeliveryState.UNKNOWN:
                transitions.move(
                    session, delivery, DeliveryState.CANCELLED, actor=word.by, reason="dropped", at=now,
                    values={"settled_by": word.by},
                )  # fmt: skip
            if delivery.reminder is not None:
                reminder_store.void(session, delivery.reminder, now)
            told = Effect("dropped", "dropped; the plan will carry the step out again")
        case None:
            told = Effect("settled", "settled")
        case _:
            raise NeedsPerson(f"the mail is {delivery.state.value}; --delivery {word.delivery} makes no sense for it")
    if item.state in WAITING:  # that it was sent may have settled the item by itself
        queue.settle(
            session, item, ExceptionState.RESOLVED, by=word.by, now=now, reason=f"delivery {word.delivery}",
            resolution={"delivery": word.delivery, "before": before.value, "changes": []},
        )  # fmt: skip
    return Done((told,))


def _what_became_of_it(item: ExceptionItem, delivery: Delivery) -> NeedsPerson:
    return NeedsPerson(
        f"item {item.id} is about a mail to {delivery.recipient} that is {delivery.state.value}. "
        "Say --delivery sent (it arrived), again (send the same mail once more) or drop."
    )


def _must_not_forget_a_delivery(session: Session, item: ExceptionItem) -> None:
    """A mail that may have left keeps its step on its way, and is asked about once: somebody must say how it went."""
    if item.delivery_id is None:
        return
    delivery = session.get_one(Delivery, item.delivery_id, with_for_update=True)
    if delivery.state is DeliveryState.UNKNOWN:
        raise _what_became_of_it(item, delivery)


def dismiss(session: Session, item: ExceptionItem, reason: str, by: str, now: datetime) -> None:
    """Nothing has to follow from it; reminders of the customer go on.

    Raises NeedsPerson where something would be forgotten for good: an open dispute, a mail that may have left.
    """
    queue.must_wait(item)
    _must_not_forget_a_dispute(session, item)
    _must_not_forget_a_delivery(session, item)
    message = session.get(Message, item.message_id) if item.message_id is not None else None
    moved = _message_is_done_with(session, message, by=by, reason="dismissed", now=now)
    queue.settle(
        session, item, ExceptionState.DISMISSED, by=by, now=now, reason="dismissed",
        resolution={"dismissed": reason, "changes": [], "moved": moved},
    )  # fmt: skip


def undo(session: Session, item: ExceptionItem, by: str, now: datetime) -> Done:
    """Take a settlement back with everything that it did to invoices and to the training data."""
    if item.delivery_id is not None and (item.resolution or {}).get("delivery") is not None:
        raise NeedsPerson(f"item {item.id} settled a delivery; that can't be undone, the mail may be on its way")
    resolution = queue.reopen(session, item, by, now)
    effects = []
    for document in reversed(resolution.get("changes", [])):
        answer = Answer.from_json(document)
        invoice = session.get_one(Invoice, answer.invoice_id, with_for_update=True)
        states.undo_answer(session, invoice, answer, at=now, actor=by, reason="undo")
        _ask_no_more(session, answer, now)
        state = invoice.state.value
        effects.append(Effect("again", f"{invoice.number}: {state} again", invoice.number, detail=state))
    effects += _contested_again(session, resolution, by, now)
    if (correction_id := resolution.get("correction")) is not None:
        correction = session.get_one(Correction, correction_id)
        correction.withdrawn_at = now
        events.record(session, "correction.withdrawn", correction, actor=by, at=now)
    if resolution.get("mails_stopped") and item.customer_id is not None:
        byhand.resume_mails(session, session.get_one(Customer, item.customer_id), Deed(by, now))
        effects.append(
            Effect("mails_again", f"customer {item.customer_id} may get mails again", detail=item.customer_id)
        )
    if (document := resolution.get("wrong_contact")) is not None and item.customer_id is not None:
        customer = session.get_one(Customer, item.customer_id)
        address = addresses.take_back(session, customer, document, Deed(by, now))
        if address is not None:
            effects.append(Effect("contact_right", f"{address} may get reminders again", detail=address))
    message = session.get(Message, item.message_id) if item.message_id is not None else None
    if message is not None and message.state is MessageState.APPLIED and resolution.get("moved"):
        transitions.move(session, message, MessageState.QUEUED, actor=by, reason="undo", at=now)
    return Done(tuple(effects) or (Effect("waits_again", "it waits again"),))


def _contested_again(session: Session, resolution: Mapping[str, Any], by: str, now: datetime) -> Iterator[Effect]:
    """The disputes that a settlement decided are open again: else their item would wait with nothing to decide."""
    for dispute_id in resolution.get("decided", ()):
        row = session.get_one(Dispute, dispute_id, with_for_update=True)
        if row.state.value != resolution["verdict"]:
            continue  # decided otherwise since
        states.reopen_dispute(session, row, at=now, actor=by)
        invoice = session.get_one(Invoice, row.invoice_id)
        state = invoice.state.value
        yield Effect("again", f"{invoice.number}: {state} again", invoice.number, detail=state)


def _ask_no_more(session: Session, answer: Answer, now: datetime) -> None:
    """The disputes that an answer made are gone with it, and so is the question how they end."""
    keys = [f"dispute:{dispute_id}" for dispute_id in answer.disputes_made]
    query = select(ExceptionItem).where(ExceptionItem.key.in_(keys), ExceptionItem.state.in_(WAITING))
    for item in session.scalars(query.with_for_update()):
        queue.settle(
            session, item, ExceptionState.RESOLVED, by="relance", now=now, reason="undo", resolution={"changes": []}
        )
