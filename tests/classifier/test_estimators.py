"""What the regressions and the tuned network are asked of a batch of messages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from classifier import labels
from classifier.encoders.heard import Heard
from classifier.estimators import Estimators
from classifier.findings import find
from classifier.marks import Marks, marks_of, read_texts
from classifier.named_sums import SUMS
from classifier.trained import prepare_reply
from classifier.training import Trained
from tests.classifier.builders import invoice, reply
from tests.classifier.encoders.fakes import Fake

ASKED = [
    reply("We pay 600 on 20 March, the rest on 3 April.", invoice(amount="1240.00")),
    reply("It was settled."),
]


class Listening(Fake):
    """An encoder that adds no vectors, and whose tuned network notes what it is asked."""

    def __init__(self) -> None:
        super().__init__(size=0)
        self.tuned = self  # type: ignore[assignment] # stands in for the network, too
        self.asked: list[tuple[list[list[str]], list[Marks] | None]] = []

    def hear(self, messages: Sequence[Sequence[str]], marks: Sequence[Marks] | None = None) -> list[Heard]:
        self.asked.append(([list(each) for each in messages], None if marks is None else list(marks)))
        quiet = np.zeros(len(labels.INTENTS))
        return [Heard(quiet, quiet, {}, np.zeros(0), np.zeros((0, len(SUMS))), np.zeros((0, 5))) for _ in messages]


def listening_to(trained: Trained) -> tuple[Estimators, Listening]:
    encoder = Listening()
    vectors = trained.estimators.vectors
    with_it = replace(vectors, vocabulary=replace(vectors.vocabulary, encoder=encoder))
    return replace(trained.estimators, vectors=with_it), encoder


def test_the_network_is_asked_about_the_places_of_whole_messages_alone(small_training: Trained) -> None:
    estimators, network = listening_to(small_training)
    messages = [prepare_reply(each) for each in ASKED]
    findings = [find(*each) for each in zip(ASKED, messages, strict=True)]
    estimators.scores(messages, findings)
    estimators.scores(messages)
    texts = [list(read_texts(each)) for each in messages]
    marks = [marks_of(*each) for each in zip(messages, findings, strict=True)]
    assert marks[0].days
    assert marks[0].sums
    assert network.asked == [(texts, marks), (texts, None)]


def test_of_no_message_nobody_is_asked(small_training: Trained) -> None:
    estimators, network = listening_to(small_training)
    assert estimators.scores([], []) == []
    assert not network.asked
