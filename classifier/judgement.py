"""From scores to a prediction: which intents are said, which is primary, of which invoices, with what details.

Pure: no estimator, file or clock. The same prepared message, scores, calibration and thresholds give the same
prediction, so that training, evaluation and the daemon judge alike.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from classifier import labels
from classifier.calibration import Calibration, sigmoid
from classifier.estimators import RawScores
from classifier.facts import PaidFacts, PromiseFacts, Spoken, paid_facts, promise_facts
from classifier.invoices import Mentions, Segment, find_invoices
from classifier.labels import primary_of
from classifier.preprocess import Prepared
from classifier.rules import OTHER_RULES, RuleHit, match_rules
from classifier.values import Evidence, Prediction, Promised, Reply

#: From this probability on an intent counts as said.
SAID = 0.5

#: Another intent this probable speaks against acting on the primary without a person.
CONFLICT = 0.35

#: Probabilities of the intents of each segment, as if it were a message.
SegmentScorer = Callable[[Prepared, Sequence[Segment]], Sequence[dict[str, float]]]


@dataclass(frozen=True, slots=True)
class Standards:
    """When a prediction may act without a person.

    `thresholds`: for each actionable intent the least confidence. `languages`: those with enough calibration rows.
    `horizon`: a promise further ahead is a person's.
    """

    thresholds: Mapping[str, float]
    languages: frozenset[str]
    horizon: timedelta


def judge(
    reply: Reply, prepared: Prepared, raw: RawScores, calibration: Calibration, standards: Standards,
    score_segments: SegmentScorer, version: str,
) -> Prediction:  # fmt: skip
    """The whole prediction for one reply."""
    rules = match_rules(prepared.sentences, prepared.language)
    probabilities = _with_rules(calibration.probabilities(raw), rules)
    mentions = find_invoices(prepared.sentences, prepared.language, reply.invoices)
    parts = _segment_intents(prepared, mentions, score_segments)
    segments = [(segment, _likeliest(each)) for segment, each in parts]
    for (_, intent), (_, each) in zip(segments, parts, strict=True):
        probabilities[intent] = max(probabilities[intent], each[intent])
    said = {intent for intent, p in probabilities.items() if p >= SAID} or {_likeliest(probabilities)}
    per_invoice = _per_invoice(reply, mentions, said, segments)
    primary = _primary(reply, said, per_invoice)
    probabilities[primary] = max(probabilities[primary], SAID)
    spoken = _spoken(prepared, raw)
    promise, paid = PromiseFacts(), PaidFacts()
    if "promise" in said:
        promise = promise_facts(spoken, prepared.language, reply.invoices)
    if "paid" in said:
        paid = paid_facts(spoken, prepared.language, reply.invoices)
    confidence = calibration.certainty(primary, probabilities, raw)
    details = {name: raw.details[name][0] if intent in said and name in raw.details else None
               for name, intent, _ in labels.DETAILS}  # fmt: skip
    if "other" in said:
        details["other_reason"] = next((hit.rule for hit in rules if hit.rule in OTHER_RULES), details["other_reason"])
    automatic = not rules and _is_automatic(reply, prepared, primary, probabilities, confidence, promise, standards)
    single = promise.parts[0] if promise.parts else Promised(None, None, None)
    return Prediction(
        id=reply.id, primary=primary, intents=probabilities, confidence=confidence, automatic=automatic,
        per_invoice=per_invoice, promise_date=promise.on, promised=promise.parts, promised_amount=single.amount,
        promised_currency=single.currency, paid_date=paid.on, paid_amount=paid.amount, payment_method=paid.method,
        payment_reference=paid.reference, dispute_reason=details["dispute_reason"],
        question_topic=details["question_topic"], other_reason=details["other_reason"], language=prepared.language,
        evidence=_evidence(prepared, raw, said, rules), rule=rules[0].rule if rules else None, model_version=version,
    )  # fmt: skip


def _with_rules(probabilities: dict[str, float], rules: Sequence[RuleHit]) -> dict[str, float]:
    """Insolvency, a lawyer or an opt-out is `other` for certain, beside whatever else is said."""
    if any(hit.rule in OTHER_RULES for hit in rules):
        return {**probabilities, "other": 1.0}
    return probabilities


def _likeliest(probabilities: Mapping[str, float]) -> str:
    return max(labels.INTENTS, key=lambda intent: probabilities[intent])


def _per_invoice(
    reply: Reply, mentions: Mentions, said: set[str], segments: Sequence[tuple[Segment, str]]
) -> dict[str, str]:
    """The intent of each invoice that is labelled, in the reminder's order.

    One invoice has the primary intent; several have what their segment says, or the primary where none is named and
    the whole reminder is meant. With `other`, only invoices that the text names are labelled.
    """
    primary = primary_of(said)
    if not mentions.named:
        return {} if primary == "other" else {invoice.number: primary for invoice in reply.invoices}
    if len(reply.invoices) == 1:
        return {reply.invoices[0].number: primary}
    by_number = dict.fromkeys(mentions.named, primary)
    for segment, intent in segments:
        by_number.update(dict.fromkeys(segment.numbers, intent))
    return {invoice.number: by_number[invoice.number] for invoice in reply.invoices if invoice.number in by_number}


def _segment_intents(
    prepared: Prepared, mentions: Mentions, score_segments: SegmentScorer
) -> list[tuple[Segment, dict[str, float]]]:
    """Probabilities of what each segment says; nothing where the reply is not parted by its invoices."""
    if len(mentions.segments) < 2:
        return []
    return list(zip(mentions.segments, score_segments(prepared, mentions.segments), strict=False))


def _primary(reply: Reply, said: set[str], per_invoice: Mapping[str, str]) -> str:
    """By order among the intents said; where they speak of different invoices, the one over most of the amount."""
    on_invoices = set(per_invoice.values())
    if len(on_invoices) < 2:
        return primary_of(said)
    covered = dict.fromkeys(on_invoices, Decimal(0))
    for invoice in reply.invoices:
        if invoice.number in per_invoice:
            covered[per_invoice[invoice.number]] += invoice.amount
    return max(covered, key=lambda intent: (covered[intent], -labels.PRIMARY_ORDER.index(intent)))


def _spoken(prepared: Prepared, raw: RawScores) -> list[Spoken]:
    promise, paid = labels.INTENTS.index("promise"), labels.INTENTS.index("paid")
    return [
        Spoken(sentence, sigmoid(float(row[promise])), sigmoid(float(row[paid])))
        for sentence, row in zip(prepared.sentences, raw.sentences, strict=True)
    ]


def _is_automatic(
    reply: Reply, prepared: Prepared, primary: str, probabilities: Mapping[str, float], confidence: float,
    promise: PromiseFacts, standards: Standards,
) -> bool:  # fmt: skip
    if primary not in labels.ACTIONABLE or prepared.language not in standards.languages:
        return False
    if confidence < standards.thresholds[primary]:
        return False
    if any(p >= CONFLICT for intent, p in probabilities.items() if intent != primary):
        return False
    if primary == "promise":
        today = reply.date.date()
        return promise.on is not None and today <= promise.on <= today + standards.horizon
    return True


def _evidence(prepared: Prepared, raw: RawScores, said: set[str], rules: Sequence[RuleHit]) -> tuple[Evidence, ...]:
    found = [Evidence(hit.rule, prepared.sentences[hit.sentence].text, (hit.words,)) for hit in rules]
    for intent in sorted(said, key=labels.PRIMARY_ORDER.index):
        index = int(raw.sentences[:, labels.INTENTS.index(intent)].argmax())
        found.append(Evidence(intent, prepared.sentences[index].text, raw.words.get((index, intent), ())))
    return tuple(found)
