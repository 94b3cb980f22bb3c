"""Why a message was taken as it was: kind, thread, sender, words, decision, effects, each in a sentence.

The sentences are in `templates/explain`, a catalogue a language; the command tells them in English, a page in the
reader's language. What a rule or a plan wrote down in words at the time is English, so other languages tell the rule's
meaning in its place.
"""

from datetime import datetime
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from agent.inbound.store import reading_of
from agent.inbound.values import Reading
from agent.reminders.explain import why_planned
from agent.replies import store
from agent.replies.decide import RULES
from agent.reports.words import FALLBACK, Tongue, Words
from classifier.values import Prediction
from config.errors import NeedsPerson
from models import Decision, Delivery, Event, ExceptionItem, Invoice, Message, ReminderLine
from models.message import Direction
from models.reasons import SENTENCES

_OF_RULES = "explain_rule."

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


class Teller:
    """Sentences in one language. Codes are told as they are in English, by the pages' words elsewhere."""

    def __init__(self, tongue: Tongue) -> None:
        self.tongue = tongue
        self.is_english = tongue.language == FALLBACK

    def __call__(self, key: str, /, **values: object) -> str:
        return self.tongue.say(f"explain.{key}", **values)

    def moment(self, at: datetime) -> str:
        """On the clock of the pages, like all else there; the command line and programs are told UTC."""
        return f"{at:%Y-%m-%d %H:%M} UTC" if self.tongue.zone.key == "UTC" else self.tongue.moment(at)

    def code(self, family: str, code: str) -> str:
        return code.replace("_", " ") if self.is_english else self.tongue.say(f"{family}.{code}")

    def meaning(self, decision: Decision) -> str:
        if decision.reason and (self.is_english or not self.tongue.knows(f"{_OF_RULES}{decision.rule}")):
            return decision.reason
        return self.rule(decision.rule)

    def rule(self, name: str) -> str:
        """What a rule means; its own name where no catalogue knows it."""
        return self.tongue.say(f"{_OF_RULES}{name}") if self.tongue.knows(f"{_OF_RULES}{name}") else name

    def asked(self, item: ExceptionItem) -> str:
        return SENTENCES[item.reason] if self.is_english else self.tongue.say(f"means.{item.reason.value}")


def meaning(rule: str) -> str:
    """What a rule means, in English."""
    return Teller(_english()).rule(rule)


@cache
def _english() -> Tongue:
    return Words(None, ZoneInfo("UTC")).tongue([FALLBACK])


def explain(session: Session, message: Message, tongue: Tongue | None = None) -> dict[str, Any]:
    """The whole story of one message as a document; `sentences` tells it in words, English where no tongue is given."""
    say, english = Teller(tongue or _english()), Teller(_english())
    read = None if message.kind is None else reading_of(session, message.id)
    prediction = store.prediction_of(session, message.id)
    decisions = list(
        session.scalars(select(Decision).where(Decision.message_id == message.id).order_by(Decision.position))
    )
    item = session.scalar(select(ExceptionItem).where(ExceptionItem.message_id == message.id))
    numbers = _numbers(session, message, decisions)
    sentences = [
        *_origin(session, message, say),
        *(_reading(read, say) if read is not None and message.erased_at is None else []),
        *([] if _is_reminder(message) else _thread(message, numbers, say)),
        *(_prediction(prediction, say) if prediction is not None else []),
        *_decision(decisions, numbers, item, say),
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
                "reason": d.reason or english.rule(d.rule),
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


def _origin(session: Session, message: Message, say: Teller) -> list[str]:
    if _is_reminder(message):
        return _reminder(session, message, say)
    if message.direction is Direction.OUT:
        return [say("went_out")]
    arrived = say("arrived", at=say.moment(message.received_at), mailbox=message.mailbox)
    if message.erased_at is None:
        return [arrived]
    return [arrived, say("erased", on=f"{message.erased_at:%Y-%m-%d}")]


def _reminder(session: Session, message: Message, say: Teller) -> list[str]:
    delivery = session.scalar(select(Delivery).where(Delivery.message_id == message.id))
    if delivery is None:
        return [say("own_mail")]
    listed = (
        select(Invoice.number)
        .join(ReminderLine, ReminderLine.invoice_id == Invoice.id)
        .where(ReminderLine.reminder_id == delivery.reminder_id)
        .order_by(ReminderLine.id)
    )
    step = say.code("step", delivery.reminder.step) if delivery.reminder is not None else say("mail")
    numbers = ", ".join(session.scalars(listed))
    sentences = [say("is_the_step", step=step, customer=message.customer_id, numbers=numbers)]
    if (reminder := delivery.reminder) is not None:
        planned = say("planned", plan=reminder.plan, version=reminder.plan_version)
        sentences.append(why_planned(session, reminder) if say.is_english else planned)
    told = say("left", at=say.moment(delivery.sent_at)) if delivery.sent_at is not None else say("not_left")
    return [*sentences, say("its_delivery", left=told, state=say.code("delivery", delivery.state.value))]


def _reading(reading: Reading, say: Teller) -> list[str]:
    verdict = reading.authentication.verdict
    found = say(f"proof_{verdict if verdict in {'pass', 'fail'} else 'none'}")
    kind = say(f"kind_{reading.kind.value}")
    sentences = [say("sender", kind=kind, found=found, detail=reading.authentication.detail)]
    if reading.bounce is not None:
        status = say("status", code=reading.bounce.status) if reading.bounce.status else ""
        lasting = say("permanent" if reading.bounce.permanent else "temporary")
        why = say.code("explain_bounce", reading.bounce.reason.value)
        sentences.append(say("report", lasting=lasting, why=why, status=status))
    if reading.auto_reply is not None and reading.auto_reply.return_date is not None:
        sentences.append(say("returns", on=reading.auto_reply.return_date))
    if reading.payment_proofs:
        sentences.append(say("proofs", names=", ".join(reading.payment_proofs)))
    return sentences


def _thread(message: Message, numbers: dict[int, str], say: Teller) -> list[str]:
    if not message.links:
        return [say("untied")]
    sentences = []
    for customer in dict.fromkeys(link.customer_id for link in message.links):
        links = [link for link in message.links if link.customer_id == customer]
        named = ", ".join(numbers[link.invoice_id] for link in links if link.invoice_id is not None)
        weight = say("proven" if any(link.proof for link in links) else "suggested")
        evidence = ", ".join(say.code("explain_tie", code) for code in sorted({link.evidence for link in links}))
        about = say("about", numbers=named) if named else ""
        sentences.append(say("belongs", customer=customer, about=about, evidence=evidence, weight=weight))
    return sentences


def _prediction(prediction: Prediction, say: Teller) -> list[str]:
    sentences = [
        say(
            "reads", model=prediction.model_version, primary=say.code("intent", prediction.primary),
            confidence=f"{prediction.confidence:.0%}",
        )
    ]  # fmt: skip
    if prediction.promise_date is not None:
        sentences.append(say("promised", on=prediction.promise_date))
    for evidence in prediction.evidence:
        intent, words = say.code("intent", evidence.intent), ", ".join(evidence.words)
        sentences.append(say("speaks_for", intent=intent, sentence=evidence.sentence, words=words))
    if prediction.rule is not None:
        sentences.append(say("rule_found", rule=say.code("rule", prediction.rule)))
    return sentences


def _decision(decisions: list[Decision], numbers: dict[int, str], item: ExceptionItem | None, say: Teller) -> list[str]:
    sentences = []
    for decision in decisions:
        invoice = f" {numbers[decision.invoice_id]}" if decision.invoice_id in numbers else ""
        who = "" if decision.decided_by == "relance" else say("by", name=decision.decided_by)
        action = say.code("explain_action", decision.action)
        sentences.append(
            say("decided", who=who, action=action, invoice=invoice, rule=decision.rule, why=say.meaning(decision))
        )
    if item is not None:
        state = say.code("explain_item", item.state.value)
        sentences.append(say("asked", item=item.id, state=state, why=say.asked(item)))
    return sentences


def _passed(decisions: list[Decision]) -> list[str]:
    """The rules that had nothing against it before the one that spoke."""
    if not decisions:
        return []
    names = [rule.name for rule in RULES]
    rule = decisions[0].rule
    return names if rule == "automatic" else names[: names.index(rule)] if rule in names else []


def _events(session: Session, message: Message) -> list[dict[str, Any]]:
    query = (
        select(Event).where(Event.subject_type == "message", Event.subject_id == str(message.id)).order_by(Event.seq)
    )
    return [{"seq": e.seq, "at": e.at, "kind": e.kind, "actor": e.actor} for e in session.scalars(query)]
