"""Why a message was taken as it was: kind, thread, sender, words, decision, effects, each in a sentence."""

from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from agent.inbound.store import reading_of
from agent.inbound.values import Reading
from agent.reminders.explain import why_planned
from agent.replies import store
from agent.replies.decide import RULES
from classifier.values import Prediction
from config.errors import NeedsPerson
from models import Decision, Delivery, Event, ExceptionItem, Invoice, Message, ReminderLine
from models.message import Direction
from models.reasons import SENTENCES

MEANS = {rule.name: rule.means for rule in RULES} | {
    "automatic": "Every rule let it pass: it was applied without a person.",
    "person": "A person decided.",
    "absence": "An absence with a return date moves mails to that contact.",
    "dead_address": "A permanent bounce of an address that does not exist stops mails to it.",
    "undelivered": "A permanent bounce for another reason is a person's.",
    "delayed": "A delay is taken note of; the mail server goes on trying.",
    "auto_reply": "An automatic answer never changes an invoice.",
    "other_contact": "An automatic answer that names another contact is a person's.",
    "colleague_elsewhere": "A colleague's mail to nobody who owes anything is taken note of.",
    "bounce_from_somebody": "A delivery report that has a sender of its own is a person's.",
    "bounce_unproven": "A bounce that names no mail of ours proves nothing.",
}

MAX_DIGITS = 18
"""Of a message's number: what both databases can compare with."""


def find(session: Session, wanted: str) -> Message:
    """A message by relance's number for it, or by its Message-ID, with or without brackets."""
    is_number = wanted.isascii() and wanted.isdigit() and len(wanted) <= MAX_DIGITS
    by_id = Message.id == int(wanted) if is_number else None
    bare = wanted.strip("<>")
    by_header = Message.message_id.in_((wanted, f"<{bare}>", bare))
    query = select(Message).where(by_header if by_id is None else or_(by_id, by_header)).order_by(Message.id)
    message = session.scalars(query).first()
    if message is None:
        raise NeedsPerson(f"no message {wanted} is known; `relance messages` lists them")
    return message


def explain(session: Session, message: Message) -> dict[str, Any]:
    """The whole story of one message as a document; `sentences` tells it in words."""
    read = None if message.kind is None else reading_of(session, message.id)
    prediction = store.prediction_of(session, message.id)
    decisions = list(
        session.scalars(select(Decision).where(Decision.message_id == message.id).order_by(Decision.position))
    )
    item = session.scalar(select(ExceptionItem).where(ExceptionItem.message_id == message.id))
    numbers = _numbers(session, message, decisions)
    sentences = [
        *_origin(session, message),
        *(_reading(read) if read is not None and message.erased_at is None else []),
        *([] if _is_reminder(message) else _thread(message, numbers)),
        *(_prediction(prediction) if prediction is not None else []),
        *_decision(decisions, numbers, item),
    ]
    return {
        "id": message.id,
        "message_id": message.message_id,
        "direction": message.direction.value,
        "kind": message.kind,
        "state": message.state.value if message.state else None,
        "customer": message.customer_id,
        "rules_passed": _passed(decisions),
        "rule": decisions[-1].rule if decisions else None,
        "prediction": prediction.as_json() if prediction is not None else None,
        "decisions": [
            {
                "action": d.action,
                "invoice": numbers.get(d.invoice_id) if d.invoice_id is not None else None,
                "rule": d.rule,
                "reason": d.reason or MEANS.get(d.rule, ""),
                "by": d.decided_by,
                "at": d.decided_at,
            }
            for d in decisions
        ],
        "exception": {"id": item.id, "reason": item.reason.value, "state": item.state.value} if item else None,
        "events": _events(session, message),
        "sentences": sentences,
    }


def _numbers(session: Session, message: Message, decisions: list[Decision]) -> dict[int, str]:
    ids = {link.invoice_id for link in message.links} | {d.invoice_id for d in decisions}
    query = select(Invoice.id, Invoice.number).where(Invoice.id.in_([i for i in ids if i is not None]))
    return dict(session.execute(query).all())


def _is_reminder(message: Message) -> bool:
    """Our own mails have a delivery instead of a state; a colleague's mail in Sent is read like any other."""
    return message.direction is Direction.OUT and message.state is None


def _origin(session: Session, message: Message) -> list[str]:
    if _is_reminder(message):
        return _reminder(session, message)
    if message.direction is Direction.OUT:
        return ["It went out from the mailbox."]
    arrived = f"It arrived on {message.received_at:%Y-%m-%d %H:%M} UTC in the mailbox {message.mailbox}."
    if message.erased_at is None:
        return [arrived]
    return [arrived, f"Its text and its people were erased on {message.erased_at:%Y-%m-%d}."]


def _reminder(session: Session, message: Message) -> list[str]:
    delivery = session.scalar(select(Delivery).where(Delivery.message_id == message.id))
    if delivery is None:
        return ["It is a mail of relance's own."]
    listed = (
        select(Invoice.number)
        .join(ReminderLine, ReminderLine.invoice_id == Invoice.id)
        .where(ReminderLine.reminder_id == delivery.reminder_id)
        .order_by(ReminderLine.id)
    )
    step = delivery.reminder.step.replace("_", " ") if delivery.reminder is not None else "mail"
    sentences = [f"It is the {step} to customer {message.customer_id} about {', '.join(session.scalars(listed))}."]
    if delivery.reminder is not None:
        sentences.append(why_planned(session, delivery.reminder))
    told = f"It left on {delivery.sent_at:%Y-%m-%d %H:%M} UTC" if delivery.sent_at is not None else "It has not left"
    return [*sentences, f"{told}; its delivery is {delivery.state.value}."]


def _reading(reading: Reading) -> list[str]:
    kinds = {"human": "A person wrote it", "auto_reply": "A machine answered", "bounce": "It is a delivery report"}
    proof = {"pass": "authenticated by our own mail border", "fail": "refused by our mail border's check"}
    found = proof.get(reading.authentication.verdict, "not authenticated by our mail border")
    sentences = [f"{kinds[reading.kind.value]}; the sender is {found} ({reading.authentication.detail})."]
    if reading.bounce is not None:
        status = f", status {reading.bounce.status}" if reading.bounce.status else ""
        lasting = "permanent" if reading.bounce.permanent else "temporary"
        sentences.append(f"The report is {lasting}: {reading.bounce.reason.value.replace('_', ' ')}{status}.")
    if reading.auto_reply is not None and reading.auto_reply.return_date is not None:
        sentences.append(f"It names {reading.auto_reply.return_date} as the day of return.")
    if reading.payment_proofs:
        sentences.append(f"Attached is what is named like a proof of payment: {', '.join(reading.payment_proofs)}.")
    return sentences


def _thread(message: Message, numbers: dict[int, str]) -> list[str]:
    if not message.links:
        return ["Nothing in it ties it to a customer."]
    sentences = []
    for customer in dict.fromkeys(link.customer_id for link in message.links):
        links = [link for link in message.links if link.customer_id == customer]
        named = ", ".join(numbers[link.invoice_id] for link in links if link.invoice_id is not None)
        proven = any(link.proof for link in links)
        weight = "which can't be forged" if proven else "which only suggests it"
        evidence = ", ".join(sorted({link.evidence.replace("_", " ") for link in links}))
        about = f" about {named}" if named else ""
        sentences.append(f"It belongs to customer {customer}{about} by its {evidence}, {weight}.")
    return sentences


def _prediction(prediction: Prediction) -> list[str]:
    sentences = [
        (
            f"The trained model {prediction.model_version} reads it as {prediction.primary} "
            f"with {prediction.confidence:.0%} confidence."
        )
    ]
    if prediction.promise_date is not None:
        sentences.append(f"The promised day is {prediction.promise_date}.")
    for evidence in prediction.evidence:
        words = ", ".join(evidence.words)
        sentences.append(f"For {evidence.intent} speaks the sentence “{evidence.sentence}” ({words}).")
    if prediction.rule is not None:
        sentences.append(f"A rule ahead of the model found {prediction.rule.replace('_', ' ')}.")
    return sentences


def _decision(decisions: list[Decision], numbers: dict[int, str], item: ExceptionItem | None) -> list[str]:
    sentences = []
    for decision in decisions:
        invoice = f" {numbers[decision.invoice_id]}" if decision.invoice_id in numbers else ""
        why = decision.reason or MEANS.get(decision.rule, decision.rule)
        who = "" if decision.decided_by == "relance" else f" by {decision.decided_by}"
        sentences.append(
            f"Decided{who}: {decision.action.replace('_', ' ')}{invoice}, by the rule “{decision.rule}”: {why}"
        )
    if item is not None:
        sentences.append(f"A person is asked (item {item.id}, {item.state.value}): {SENTENCES[item.reason]}")
    return sentences


def _passed(decisions: list[Decision]) -> list[str]:
    """The rules that had nothing against it before the one that spoke."""
    if not decisions or decisions[0].rule not in MEANS:
        return []
    names = [rule.name for rule in RULES]
    rule = decisions[0].rule
    return names if rule == "automatic" else names[: names.index(rule)] if rule in names else []


def _events(session: Session, message: Message) -> list[dict[str, Any]]:
    query = (
        select(Event).where(Event.subject_type == "message", Event.subject_id == str(message.id)).order_by(Event.seq)
    )
    return [{"seq": e.seq, "at": e.at, "kind": e.kind, "actor": e.actor} for e in session.scalars(query)]
