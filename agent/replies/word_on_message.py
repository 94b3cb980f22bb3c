"""A person's word on a mail: what it means, carried out by the policy's own actions and kept as a correction."""

from datetime import date, datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from agent.ledger import byhand, freshness, states
from agent.ledger.byhand import Deed
from agent.ledger.states import Answer
from agent.reminders import loading
from agent.replies import store, word_on_contact
from agent.replies.apply import carry_out, write_decisions
from agent.replies.values import Action, OpenDispute, RecordPromise, ReportPaid, TakeNote
from agent.replies.word import INTENTS, Done, Effect, Word
from agent.review import queue
from config import Settings
from config.errors import NeedsPerson
from models import Correction, Customer, Decision, ExceptionItem, Invoice, Message, events, transitions
from models.message import Direction
from models.reasons import ExceptionReason
from models.states import ExceptionState, MessageState

INSOLVENCY = "insolvency"
OPT_OUT = "unsubscribe"
"""Rules ahead of the model (`classifier.rules`) that find one told of."""


def needs_intent(message: Message) -> bool:
    """Only a person's incoming mail has an intent; a bounce, an automatic answer or a colleague's mail has none."""
    return message.direction is Direction.IN and message.kind in {None, "human"}


def resolve(
    session: Session, item: ExceptionItem, message: Message, word: Word, settings: Settings, now: datetime
) -> Done:
    """Settle an item that is a person's mail. Raises NeedsPerson where the word says too little or is impossible."""
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
    wrong = word_on_contact.settle_wrong(session, item, message, word, settings, now) if is_other else None
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
    moved = done_with(session, message, by=word.by, reason="resolved", now=now)
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
        effects[:0] = word_on_contact.effects_of(wrong)
    nothing = Effect("noted", f"taken as {word.intent}; no invoice changes, reminders go on", detail=word.intent)
    return Done(tuple(effects) or (nothing,))


def done_with(session: Session, message: Message | None, *, by: str, reason: str, now: datetime) -> bool:
    """Move a mail that waited for a person to `applied`; whether it did wait."""
    if message is None or message.state not in (MessageState.QUEUED, MessageState.QUARANTINED):
        return False
    transitions.move(session, message, MessageState.APPLIED, actor=by, reason=reason, at=now)
    return True


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
