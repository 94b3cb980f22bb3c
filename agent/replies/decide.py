"""What to do with an answer: an ordered table of rules, the first that speaks decides.

Pure: a `Case` and the policy in, a `Verdict` out; replayable for ever. The order is from what makes a mail
untrustworthy to what it says: who wrote it and to which reminder comes before any word of it is believed. Only a
human's mail that passes every rule changes an invoice, and then only by a claim: paused until the ledger speaks,
promised, or disputed.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from agent.inbound.values import BounceReason, Kind
from agent.replies.values import (
    Action,
    Case,
    InvoiceAtHand,
    MarkAway,
    MarkDead,
    OpenDispute,
    PolicyView,
    Queue,
    RecordPromise,
    ReportPaid,
    TakeNote,
    Verdict,
)
from classifier.values import Prediction
from models.reasons import ExceptionReason
from models.states import InvoiceState

Asked = Callable[[Case, PolicyView], Queue | None]


@dataclass(frozen=True, slots=True)
class Rule:
    """One reason not to act by oneself: its name, under which templates/explain says what it means to a person, and the
    question it asks of a case.
    """

    name: str
    ask: Asked


def decide(case: Case, policy: PolicyView) -> Verdict:
    """The verdict on one message.

    A bounce or an automatic answer never changes an invoice: it speaks of an address. A human's answer goes through
    `RULES` in order; what passes them all is applied, and a dispute asks a person besides.
    """
    if case.kind is Kind.BOUNCE:
        return _bounce(case, policy)
    if case.kind is Kind.AUTO_REPLY:
        return _auto_reply(case, policy)
    if case.is_colleague and case.customer_id is None and not case.in_conflict:
        # Colleagues write to suppliers, too, and to each other.
        return Verdict("colleague_elsewhere", (TakeNote(),), None, ())
    proposed = _actions(case)
    passed: list[str] = []
    for rule in RULES:
        asked = rule.ask(case, policy)
        if asked is not None:
            return Verdict(rule.name, (), asked, tuple(passed), proposed)
        passed.append(rule.name)
    disputed = any(isinstance(action, OpenDispute) for action in proposed)
    queue = Queue(ExceptionReason.DISPUTE, _why_disputed(case), priority=60) if disputed else None
    return Verdict("automatic", proposed, queue, tuple(passed), proposed)


# --- Who wrote it, and about what -------------------------------------------------------------------------------------


def _colleague(case: Case, _policy: PolicyView) -> Queue | None:
    if not case.is_colleague:
        return None
    return Queue(ExceptionReason.COLLEAGUE_WROTE, "somebody wrote to this customer from the mailbox by hand", 30)


def _several_customers(case: Case, _policy: PolicyView) -> Queue | None:
    if not case.in_conflict:
        return None
    return Queue(ExceptionReason.SEVERAL_CUSTOMERS, "thread, sender and numbers point at different customers", 70)


def _reused_id(case: Case, _policy: PolicyView) -> Queue | None:
    if not case.reuses_an_id:
        return None
    detail = "its Message-ID belongs to another mail with other content"
    return Queue(ExceptionReason.REUSED_MESSAGE_ID, detail, 60, holds=_may_hold(case))


def _cut(case: Case, _policy: PolicyView) -> Queue | None:
    if not case.is_cut:
        return None
    return Queue(ExceptionReason.UNREADABLE, "it is so large that only its beginning was kept", holds=_may_hold(case))


def _not_threaded(case: Case, _policy: PolicyView) -> Queue | None:
    if case.is_proven and case.customer_id is not None:
        return None
    who = f"it may be from customer {case.customer_id}" if case.customer_id else "nobody is known to have written it"
    return Queue(
        ExceptionReason.NOT_THREADED,
        f"it answers no reminder that can be proven; {who}",
        holds=case.customer_id is not None and _may_hold(case),
    )


def _unknown_sender(case: Case, _policy: PolicyView) -> Queue | None:
    if case.standing.known:
        return None
    return Queue(ExceptionReason.UNKNOWN_SENDER, case.standing.detail, priority=60, holds=_may_hold(case))


def _unauthenticated(case: Case, policy: PolicyView) -> Queue | None:
    if case.standing.authenticated or not policy.require_authentication:
        return None
    return Queue(ExceptionReason.UNAUTHENTICATED, case.standing.detail, priority=60, holds=_may_hold(case))


def _may_hold(case: Case) -> bool:
    """Once a person has released a stranger's mail strangers hold no more; the customer's own mail always does."""
    return case.standing.is_trusted or not case.strangers_hold_no_more


# --- What it says -----------------------------------------------------------------------------------------------------


def _unread(case: Case, _policy: PolicyView) -> Queue | None:
    if case.prediction is not None:
        return None
    return Queue(ExceptionReason.LOW_CONFIDENCE, "the classifier had nothing to say about it")


def _always_a_persons(case: Case, _policy: PolicyView) -> Queue | None:
    rule = _prediction(case).rule
    if rule is None and not case.mentions_iban:
        return None
    found = _TOLD_OF.get(rule or "", rule) if rule is not None else "it names a bank account"
    return Queue(ExceptionReason.RULE, f"{found}: always a person's", priority=90)


_TOLD_OF = {
    "insolvency": "it speaks of an insolvency",
    "legal": "it speaks of a lawyer or a court",
    "unsubscribe": "it asks for no more mails",
    "bank_details": "it speaks of bank details",
}


def _question(case: Case, _policy: PolicyView) -> Queue | None:
    prediction = _prediction(case)
    if prediction.primary != "question":
        return None
    topic = (prediction.question_topic or "other").replace("_", " ")
    return Queue(ExceptionReason.QUESTION, f"question about {topic}", priority=60)


def _other(case: Case, _policy: PolicyView) -> Queue | None:
    prediction = _prediction(case)
    if prediction.primary != "other":
        return None
    reason = (prediction.other_reason or "unrelated").replace("_", " ")
    return Queue(ExceptionReason.OTHER, f"none of paid, promise, dispute or question ({reason})", priority=40)


def _undated(case: Case, _policy: PolicyView) -> Queue | None:
    prediction = _prediction(case)
    if prediction.primary != "promise" or prediction.promise_date is not None:
        return None
    return Queue(ExceptionReason.PROMISE_UNDATED, "it promises payment without a date")


def _date_out_of_bounds(case: Case, policy: PolicyView) -> Queue | None:
    prediction = _prediction(case)
    dates = [a.on for a in _actions(case) if isinstance(a, RecordPromise)]
    if not dates or "promise" not in {prediction.primary, *prediction.per_invoice.values()}:
        return None
    if min(dates) < max(case.written_on, case.today):
        return Queue(ExceptionReason.PROMISE_PAST, f"it promises payment for {min(dates)}, which has already passed")
    horizon = case.today + timedelta(days=policy.promise_horizon_days)
    if max(dates) > horizon:
        return Queue(ExceptionReason.PROMISE_TOO_FAR, f"promised for {max(dates)}, beyond {horizon}")
    return None


def _unsure(case: Case, _policy: PolicyView) -> Queue | None:
    prediction = _prediction(case)
    if prediction.automatic:
        return None
    said = [intent for intent, probability in prediction.intents.items() if probability >= 0.5]
    if len(said) > 1 and not prediction.per_invoice:
        return Queue(ExceptionReason.CONFLICTING_INTENTS, f"it says {', '.join(sorted(said))} at once")
    return Queue(
        ExceptionReason.LOW_CONFIDENCE, f"probably {prediction.primary} ({prediction.confidence:.0%}), not sure enough"
    )


def _instalments(case: Case, _policy: PolicyView) -> Queue | None:
    prediction = _prediction(case)
    if len(prediction.promised) < 2:
        return None
    return Queue(ExceptionReason.INSTALMENTS, f"{len(prediction.promised)} instalments proposed: accept them or not")


def _unclear_part(case: Case, _policy: PolicyView) -> Queue | None:
    """A part of one invoice is clear; of several, or in another currency, it would be a guess what is promised."""
    prediction = _prediction(case)
    amount, currency = prediction.promised_amount, prediction.promised_currency
    promised = {action.invoice_id for action in _actions(case) if isinstance(action, RecordPromise)}
    if not promised or amount is None:
        return None
    invoices = [invoice for invoice in case.invoices if invoice.id in promised]
    if currency is not None and any(invoice.currency != currency for invoice in invoices):
        return Queue(ExceptionReason.PROMISE_PART, f"it promises an amount in {currency}, which isn't the invoice's")
    if len(invoices) > 1 and amount < sum(invoice.balance for invoice in invoices):
        return Queue(ExceptionReason.PROMISE_PART, f"it promises a part of what {len(invoices)} invoices come to")
    return None


def _hinted_at(case: Case, _policy: PolicyView) -> Queue | None:
    """The last digits of a number that no reminder before it listed may be an order's, or an invoice that it means."""
    if not case.hinted_at:
        return None
    return Queue(ExceptionReason.LOW_CONFIDENCE, f"it may mean {', '.join(case.hinted_at)}, too, or instead")


def _no_invoice(case: Case, _policy: PolicyView) -> Queue | None:
    if _actions(case):
        return None
    if all(invoice.is_closed for invoice in case.invoices):
        return Queue(ExceptionReason.NOTHING_OPEN, "no invoice that it could speak of is open", priority=30)
    return Queue(ExceptionReason.LOW_CONFIDENCE, "which of the invoices it speaks of is not clear")


def _mode(case: Case, policy: PolicyView) -> Queue | None:
    if all(isinstance(action, TakeNote) for action in _actions(case)):
        return None
    if policy.mode == "observe":
        return Queue(ExceptionReason.OBSERVED, f"would be taken as {_prediction(case).primary}", priority=40)
    if policy.mode == "suggest":
        return Queue(ExceptionReason.SUGGESTED, f"taken as {_prediction(case).primary}; confirm it", priority=50)
    return None


RULES: tuple[Rule, ...] = (
    Rule("colleague", _colleague),
    Rule("several_customers", _several_customers),
    Rule("reused_id", _reused_id),
    Rule("cut", _cut),
    Rule("not_threaded", _not_threaded),
    Rule("unknown_sender", _unknown_sender),
    Rule("unauthenticated", _unauthenticated),
    Rule("no_prediction", _unread),
    Rule("always_a_persons", _always_a_persons),
    Rule("question", _question),
    Rule("other", _other),
    Rule("undated_promise", _undated),
    Rule("instalments", _instalments),
    Rule("unsure", _unsure),
    Rule("promise_date", _date_out_of_bounds),
    Rule("unclear_part", _unclear_part),
    Rule("hinted_at", _hinted_at),
    Rule("no_invoice", _no_invoice),
    Rule("mode", _mode),
)


def _prediction(case: Case) -> Prediction:
    if case.prediction is None:
        raise ValueError("asked what a message says that was never predicted")
    return case.prediction


def _why_disputed(case: Case) -> str:
    reason = (_prediction(case).dispute_reason or "other").replace("_", " ")
    numbers = ", ".join(i.number for i in case.invoices if not i.is_closed)
    return f"{numbers} contested ({reason}); paused until a person decides"


# --- What it would do -------------------------------------------------------------------------------------------------


def _actions(case: Case) -> tuple[Action, ...]:
    """One action for each open invoice that the answer speaks of; none where that isn't clear."""
    prediction = case.prediction
    if prediction is None:
        return ()
    if _is_settled(case, prediction):
        return (TakeNote(),)
    open_ones = [invoice for invoice in case.invoices if not invoice.is_closed]
    intents = dict(prediction.per_invoice)
    if not intents and len(case.invoices) == 1:
        intents = {case.invoices[0].number: prediction.primary}
    actions = [
        action
        for invoice in open_ones
        if (action := action_for(invoice, intents.get(invoice.number), prediction)) is not None
    ]
    return tuple(actions)


SETTLED = frozenset({InvoiceState.PAID, InvoiceState.CREDITED})


def _is_settled(case: Case, prediction: Prediction) -> bool:
    """It says that it paid what the ledger knows as paid: the two have crossed, and nothing is left to do."""
    said = {prediction.primary, *prediction.per_invoice.values()}
    return bool(case.invoices) and said == {"paid"} and all(i.state in SETTLED for i in case.invoices)


def action_for(invoice: InvoiceAtHand, intent: str | None, prediction: Prediction) -> Action | None:
    """What an intent does to one invoice; None: nothing, or it lacks a date."""
    if intent == "paid":
        return ReportPaid(invoice.id)
    if intent == "dispute":
        return OpenDispute(invoice.id, prediction.dispute_reason or "other")
    if intent == "promise" and prediction.promise_date is not None:
        amount = prediction.promised_amount
        part = amount if amount is not None and amount < invoice.balance else None
        return RecordPromise(invoice.id, prediction.promise_date, part)
    return None


# --- Machines ---------------------------------------------------------------------------------------------------------


def _bounce(case: Case, policy: PolicyView) -> Verdict:
    """Only a dead address stops mails to it, and a person is asked for another one."""
    bounce = case.bounce
    if bounce is None:
        raise ValueError("a bounce without its reading")
    if not case.is_proven:
        queue = Queue(ExceptionReason.BOUNCE, "a bounce that names no reminder of ours", 30, holds=False)
        return Verdict("bounce_unproven", (), queue, ())
    if bounce.permanent and case.has_return_path:
        # A mail server's report has the null path (RFC 3464 section 2); who has our mail could write any other.
        queue = Queue(ExceptionReason.BOUNCE, "it looks like a bounce, but a mail server did not send it", 60)
        return Verdict("bounce_from_somebody", (), queue, ())
    is_dead = bounce.permanent and bounce.reason is BounceReason.DEAD_ADDRESS
    if is_dead and case.contact is not None and policy.mode != "observe":
        queue = Queue(ExceptionReason.DEAD_ADDRESS, f"status {bounce.status or 'none'}: ask for another address", 70)
        return Verdict("dead_address", (MarkDead(case.contact),), queue, ())
    if bounce.permanent:
        why = f"undelivered for good ({bounce.reason.value.replace('_', ' ')}, status {bounce.status or 'none'})"
        return Verdict("undelivered", (), Queue(ExceptionReason.BOUNCE, why, 60), ())
    return Verdict("delayed", (TakeNote(),), None, ())


def _auto_reply(case: Case, policy: PolicyView) -> Verdict:
    """An absence with a return date moves mails to that contact; everything else is taken note of."""
    absence = case.auto_reply
    if (
        absence is not None
        and absence.return_date is not None
        and case.contact is not None
        and case.is_proven
        and case.standing.known
        and (case.standing.authenticated or not policy.require_authentication)
        and policy.mode != "observe"
        and absence.return_date > case.today
    ):
        until = min(absence.return_date, policy.absence_at_most_until)
        return Verdict("absence", (MarkAway(case.contact, until),), None, ())
    if absence is not None and absence.new_contact is not None:
        queue = Queue(ExceptionReason.OTHER, "an automatic answer names another contact", 40, holds=False)
        return Verdict("other_contact", (), queue, ())
    return Verdict("auto_reply", (TakeNote(),), None, ())
