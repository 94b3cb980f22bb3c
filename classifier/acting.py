"""How probable it is that acting on a prediction is right: not its primary intent only, but its date and invoices too.

A prediction can have the right intent and still do harm: the wrong day, or one invoice of two. What goes wrong then is
mostly seen in the shape of the reply: several invoices of which it names some, several dates, a second intent in one
sentence. Pure.
"""

from __future__ import annotations

from math import log

from classifier import labels
from classifier.calibration import tuned_inputs
from classifier.estimators import RawScores
from classifier.findings import Findings
from classifier.odds import logit
from classifier.preprocess import Prepared
from classifier.values import Prediction, Reply

#: Inputs of the map; part of a trained model's format.
ACTION_INPUTS = (
    "confidence", "next probability", "views", "least view", "agreeing views", "paid", "promise", "invoices",
    "several invoices", "names some", "others presumed", "parted", "length", "second sentence", "dates",
    "today", "vague date", "no date named", "day", "tuned", "tuned lead", "tuned rival",
)  # fmt: skip


def action_inputs(
    reply: Reply, prepared: Prepared, findings: Findings, raw: RawScores, said: Prediction
) -> tuple[float, ...]:
    """What tells whether acting on `said` would be right."""
    column = labels.INTENTS.index(said.primary)
    several = len(reply.invoices) > 1
    named = len(findings.mentions.named)
    own = raw.of_intents[column]
    others = [each for at, each in enumerate(raw.of_intents) if at != column]
    coming = {each.ahead for sentence in prepared.sentences for each in sentence.dates if each.ahead}
    mine = [
        each for sentence in prepared.sentences for each in sentence.dates
        if said.promise_date is not None and each.ahead == said.promise_date
    ]  # fmt: skip
    promise = said.primary == "promise"
    return (
        logit(said.confidence),
        logit(max(p for intent, p in said.intents.items() if intent != said.primary)),
        own.mean_view,
        own.least_view,
        own.agreeing_views,
        float(said.primary == "paid"),
        float(promise),
        log(max(1, len(reply.invoices))),
        float(several),
        float(several and 0 < named < len(reply.invoices)),
        float(findings.parts.presumed),
        float(len(set(said.per_invoice.values())) > 1),
        log(1 + raw.sentences.shape[0]),
        max(each.strongest for each in others),
        float(promise) * log(1 + len(coming)),
        float(promise and said.promise_date == reply.date.date()),
        float(promise and any(each.vague for each in mine)),
        float(promise and not mine),
        float(promise) * logit(said.promise_date_confidence),
        *tuned_inputs(raw, column),
        max(each.tuned_said for each in others),
    )
