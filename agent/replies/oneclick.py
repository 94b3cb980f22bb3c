"""An answer by one click is certain, as long as nothing that was typed beside it says something else. Pure."""

from __future__ import annotations

from dataclasses import replace

from agent.inbound.oneclick import Choice, read
from classifier.values import Prediction, Reply

INTENTS = {Choice.PAID: "paid", Choice.PROMISE: "promise", Choice.PROBLEM: "dispute", Choice.QUESTION: "question"}
SAID = 0.5
"""The probability from which an intent counts as said."""


def sharpen(prediction: Prediction, reply: Reply) -> Prediction:
    """The prediction with the chosen answer in the place of the trained model's guess.

    It stays the model's where a rule stands ahead of it (insolvency, lawyers, bank details, opt-outs), or where the
    words say another intent than the one clicked: then a person reads it.
    """
    answer = read(reply.text)
    if answer is None or prediction.rule is not None:
        return prediction
    intent = INTENTS[answer.choice]
    others = {name for name, probability in prediction.intents.items() if probability >= SAID and name != intent}
    # "We have paid" and "we will pay" are worded alike, and the date that was typed decides between them for the model;
    # here the click has. Every other second intent is something that the customer added.
    if others - {"paid", "promise", "other"}:
        return replace(prediction, automatic=False)
    return replace(
        prediction,
        primary=intent,
        intents={name: float(name == intent) for name in prediction.intents},
        confidence=1.0,
        automatic=True,
        per_invoice={invoice.number: intent for invoice in reply.invoices},
    )
