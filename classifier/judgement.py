"""From scores to a prediction: which intents are said, which is primary, of which invoices, with what details.

Pure: no estimator, file or clock. The same prepared message, scores, calibration and thresholds give the same
prediction, so that training, evaluation and the daemon judge alike.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from math import prod

from classifier import labels
from classifier.acting import action_inputs
from classifier.assignment import Parts
from classifier.calibration import SAID, Calibration, Opinion
from classifier.estimators import NO_REASON, RawScores, joined
from classifier.facts import PaidFacts, PromiseFacts, Spoken, facts_by_words, paid_facts, promise_facts
from classifier.findings import Findings
from classifier.invoices import Mentions
from classifier.meant_sums import Money, choose_paid, choose_part
from classifier.odds import sigmoid
from classifier.preprocess import Prepared
from classifier.promise_days import choose_day
from classifier.rules import OTHER_RULES, RuleHit
from classifier.values import Evidence, InvoiceRef, Prediction, Promised, Reply

#: Another intent this probable speaks against acting on the primary without a person.
CONFLICT = 0.35

#: The least probability of its day for a promise to act without a person, beside all that its intent must be.
SURE_DAY = 0.95

#: How much the whole message weighs in a detail of one of its parts, beside the part itself.
BY_MESSAGE = 0.7

#: How sure it must be that the part read is promised, or that none is.
SURE_PART = 0.8

#: Primaries beside which a promise that the model does not see may still be read by its words, for a person.
_UNSURE = ("other", "paid", "dispute")


@dataclass(frozen=True, slots=True)
class Standards:
    """When a prediction may act without a person.

    `thresholds`: for each actionable intent the least confidence. `languages`: those with enough calibration rows.
    `horizon`: a promise further ahead is a person's.
    """

    thresholds: Mapping[str, float]
    languages: frozenset[str]
    horizon: timedelta


@dataclass(frozen=True, slots=True)
class Said:
    """The intents that a message says, the primary one, and those of its invoices; `parts`: what each part says, where
    the message is parted by its invoices.
    """

    opinion: Opinion
    intents: frozenset[str]
    per_invoice: Mapping[str, str]
    parts: tuple[Opinion, ...] = ()

    @property
    def sureness(self) -> tuple[float, ...]:
        """How sure each part is of what it says."""
        return tuple(_sure(each) for each in self.parts)


def judge(
    reply: Reply, prepared: Prepared, findings: Findings, raw: RawScores, opinion: Opinion,
    segments: Sequence[Opinion], calibration: Calibration, standards: Standards, version: str,
) -> Prediction:  # fmt: skip
    """The whole prediction for one reply, from the opinion of it and those of its segments."""
    said = understand(reply, findings, opinion, segments)
    primary, probabilities = said.opinion.primary, said.opinion.probabilities
    spoken = spoken_of(prepared, raw)
    money = Money(findings.sums, spoken, reply.invoices, raw.sums)
    promise, paid = PromiseFacts(), PaidFacts()
    owing = _owing(reply, said)
    if "promise" in said.intents:
        promise = choose_day(
            promise_facts(spoken, prepared.language, owing, reply.invoices), spoken, raw.days, reply.date,
            reply.invoices, prepared.language, calibration.day.of,
        )  # fmt: skip
        promise = choose_part(promise, money, prepared.language, calibration.promised_sum.of)
    elif primary in _UNSURE and not findings.rules:
        promise = facts_by_words(spoken, prepared.language, owing)
    if "paid" in said.intents:
        paid = choose_paid(paid_facts(spoken, prepared.language, reply.invoices), money, calibration.paid_sum.of)
    confidence = calibration.certainty(said.opinion, raw, said.sureness)
    details = _details(raw, said, findings)
    single = promise.parts[0] if promise.parts else Promised(None, None, None)
    found = Prediction(
        id=reply.id, primary=primary, intents=probabilities, confidence=confidence, automatic=False,
        per_invoice=said.per_invoice, promise_date=promise.on, promised=promise.parts, promised_amount=single.amount,
        promised_currency=single.currency, paid_date=paid.on, paid_amount=paid.amount, payment_method=paid.method,
        payment_reference=paid.reference, dispute_reason=details["dispute_reason"],
        question_topic=details["question_topic"], other_reason=details["other_reason"], language=prepared.language,
        evidence=_evidence(prepared, raw, said, findings.rules),
        rule=findings.rules[0].rule if findings.rules else None, model_version=version, late_reason=_late_reason(raw),
        promise_date_confidence=promise.probability,
    )  # fmt: skip
    sure = calibration.action.of(action_inputs(reply, prepared, findings, raw, found))
    acts = not findings.rules and _is_automatic(reply, prepared, said, sure, promise, standards)
    return replace(found, action_confidence=sure, automatic=acts)


def understand(reply: Reply, findings: Findings, opinion: Opinion, segments: Sequence[Opinion]) -> Said:
    """Intents, primary and invoices, from the message as a whole, its segments, and the rules."""
    opinion = _with_rules(opinion, findings.rules)
    settled = _settled(findings.parts, segments)
    by_segment = {number: each.primary for numbers, each in settled for number in numbers}
    if len(set(by_segment.values())) < 2:
        return Said(opinion, _intents(opinion), _per_invoice(reply, findings.mentions, opinion.primary))
    per_invoice = {each.number: by_segment[each.number] for each in reply.invoices if each.number in by_segment}
    parted = Opinion(dict(opinion.probabilities), _over_most(reply, per_invoice))
    for intent in per_invoice.values():
        parted.probabilities[intent] = max(parted.probabilities[intent], SAID)
    return Said(parted, _intents(parted), per_invoice, tuple(each for _, each in settled))


def _owing(reply: Reply, said: Said) -> tuple[InvoiceRef, ...]:
    """The invoices of which something may be promised: where the reply is parted by them, none that was paid or is only
    asked about.
    """
    if not said.sureness or "promise" not in said.per_invoice.values():
        return reply.invoices
    return tuple(each for each in reply.invoices if said.per_invoice.get(each.number) in ("promise", "dispute"))


def _intents(opinion: Opinion) -> frozenset[str]:
    return frozenset(intent for intent, probability in opinion.probabilities.items() if probability >= SAID)


def _with_rules(opinion: Opinion, rules: Sequence[RuleHit]) -> Opinion:
    """Insolvency, a lawyer or an opt-out is `other` for certain, beside whatever else is said for sure."""
    if not any(hit.rule in OTHER_RULES for hit in rules):
        return opinion
    sure = opinion.probabilities[opinion.primary] > SAID
    return Opinion({**opinion.probabilities, "other": 1.0}, opinion.primary if sure else "other")


#: The least likelihood of a way to cut a reply: how likely by its form, times how sure each part is of what it says.
LIKELY = 0.5


def _settled(parts: Parts, opinions: Sequence[Opinion]) -> tuple[tuple[tuple[str, ...], Opinion], ...]:
    """What is said of which invoices: by the likeliest of the ways to cut the reply, by those that it names where there
    is none; nothing where all is said of the same ones.

    The answers differ and are sure enough, or else the reply speaks of all at once. What says `other` and names no
    invoice is of none.
    """
    best, chosen = LIKELY, tuple(zip((each.numbers for each in parts.segments), opinions, strict=True))[: parts.certain]
    for way in parts.ways:
        said = [opinions[block.segment] for block in way.blocks]
        differ = len({each.primary for each in said}) > 1
        if not differ or any(
            not block.is_named and each.primary == "other" for block, each in zip(way.blocks, said, strict=True)
        ):
            continue
        likely = way.weight * prod(_sure(each) for each in said)
        if likely > best:
            best, chosen = likely, tuple(zip((block.numbers for block in way.blocks), said, strict=True))
    return chosen


def _sure(opinion: Opinion) -> float:
    return opinion.probabilities[opinion.primary]


def _per_invoice(reply: Reply, mentions: Mentions, primary: str) -> dict[str, str]:
    """Where all is said of the same invoices: those named, or all of the reminder where none is.

    With `other`, only invoices that the text names are labelled.
    """
    if not mentions.named and primary == "other":
        return {}
    return {each.number: primary for each in reply.invoices if not mentions.named or each.number in mentions.named}


def _over_most(reply: Reply, per_invoice: Mapping[str, str]) -> str:
    """The intent that covers most of the amount."""
    covered = dict.fromkeys(per_invoice.values(), Decimal(0))
    for invoice in reply.invoices:
        if invoice.number in per_invoice:
            covered[per_invoice[invoice.number]] += invoice.amount
    return max(covered, key=lambda intent: (covered[intent], -labels.PRIMARY_ORDER.index(intent)))


def _details(raw: RawScores, said: Said, findings: Findings) -> dict[str, str | None]:
    details: dict[str, str | None] = {
        name: _likeliest(_shares(raw, said, name, intent)) if intent in said.intents and name in raw.details else None
        for name, intent, _ in labels.DETAILS
    }
    if "other" in said.intents:
        by_rule = (hit.rule for hit in findings.rules if hit.rule in OTHER_RULES)
        details["other_reason"] = next(by_rule, details["other_reason"])
    return details


def _late_reason(raw: RawScores) -> str | None:
    said = _likeliest(raw.details["late_reason"]) if "late_reason" in raw.details else NO_REASON
    return None if said == NO_REASON else said


def _shares(raw: RawScores, said: Said, name: str, intent: str) -> Mapping[str, float]:
    """How probable each value of a detail is by the whole message and, where it is parted, by the parts that say so:
    what it says of the other invoices is no reason of theirs.
    """
    whole = raw.details[name]
    own = [each.details[name] for each in said.parts if each.primary == intent and name in each.details]
    if not own:
        return whole
    return joined(whole, {value: sum(each[value] for each in own) / len(own) for value in whole}, BY_MESSAGE)


def _likeliest(shares: Mapping[str, float]) -> str:
    return max(shares, key=shares.__getitem__)


def spoken_of(prepared: Prepared, raw: RawScores) -> list[Spoken]:
    """The sentences of a message with how much each promises and reports a payment."""
    promise, paid = labels.INTENTS.index("promise"), labels.INTENTS.index("paid")
    return [
        Spoken(sentence, sigmoid(float(row[promise])), sigmoid(float(row[paid])))
        for sentence, row in zip(prepared.sentences, raw.sentences, strict=True)
    ]


def _is_automatic(
    reply: Reply, prepared: Prepared, said: Said, sure: float, promise: PromiseFacts, standards: Standards
) -> bool:
    primary = said.opinion.primary
    if primary not in labels.ACTIONABLE or prepared.language not in standards.languages:
        return False
    if sure < standards.thresholds[primary]:
        return False
    if any(p >= CONFLICT for intent, p in said.opinion.probabilities.items() if intent != primary):
        return False
    if primary == "promise":
        today = reply.date.date()
        reached = promise.on is not None and today <= promise.on <= today + standards.horizon
        return reached and promise.probability >= SURE_DAY and promise.sureness >= SURE_PART
    return True


def _evidence(prepared: Prepared, raw: RawScores, said: Said, rules: Sequence[RuleHit]) -> tuple[Evidence, ...]:
    found = [Evidence(hit.rule, prepared.sentences[hit.sentence].text, (hit.words,)) for hit in rules]
    for intent in sorted(said.intents, key=labels.PRIMARY_ORDER.index):
        index = int(raw.sentences[:, labels.INTENTS.index(intent)].argmax())
        found.append(Evidence(intent, prepared.sentences[index].text, raw.words.get((index, intent), ())))
    return tuple(found)
