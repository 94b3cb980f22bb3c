"""The maps say the same of a message alone and among many, to the last digit."""

from __future__ import annotations

import numpy as np

from classifier import labels
from classifier.calibration import (
    INTENT_INPUTS,
    PART_INPUTS,
    PRIMARY_INPUTS,
    SAID,
    Calibration,
    Weights,
    intent_inputs,
    primary_inputs,
    said_of,
    tuned_inputs,
)
from classifier.estimators import RawScores
from classifier.odds import logit

_DRAW = np.random.default_rng(5)


def weights(count: int) -> Weights:
    return Weights(tuple(float(each) for each in _DRAW.normal(size=count)), 0.3)


NOTHING = weights(1)
CALIBRATION = Calibration(
    {intent: weights(len(INTENT_INPUTS)) for intent in labels.INTENTS}, weights(len(PRIMARY_INPUTS)),
    weights(len(PART_INPUTS)), *[NOTHING] * 6,
)  # fmt: skip


def raw() -> RawScores:
    shares = _DRAW.dirichlet(np.ones(5), size=4)
    return RawScores(
        _DRAW.normal(size=5), _DRAW.normal(size=(3, 5)), shares[0], shares[1:], {}, {}, _DRAW.normal(size=(2, 5))
    )


def test_a_map_says_the_same_of_many_rows_as_of_each() -> None:
    rows = _DRAW.normal(size=(50, 2, 4)) * 20
    own = weights(4)
    assert own.of_each(rows).tolist() == [[own.of(each) for each in pair] for pair in rows.tolist()]


def test_a_message_is_understood_alike_alone_and_among_others() -> None:
    raws = [raw() for _ in range(70)]
    together = CALIBRATION.opinions(raws)
    assert together == [CALIBRATION.opinions([each])[0] for each in raws]
    contexts = [None if at % 2 else _DRAW.normal(size=5) for at in range(len(raws))]
    parts = CALIBRATION.opinions_of_parts(raws, contexts)
    assert parts == [
        CALIBRATION.opinions_of_parts([each], [context])[0] for each, context in zip(raws, contexts, strict=True)
    ]


def test_of_no_message_nothing_is_said() -> None:
    assert CALIBRATION.opinions([]) == []
    assert CALIBRATION.opinions_of_parts([], []) == []


def test_nothing_that_goes_before_the_primary_is_said_and_the_primary_is() -> None:
    for each in CALIBRATION.opinions([raw() for _ in range(70)]):
        rank = labels.PRIMARY_ORDER.index(each.primary)
        assert each.probabilities[each.primary] >= SAID
        assert all(each.probabilities[before] < SAID for before in labels.PRIMARY_ORDER[:rank])


def test_the_network_s_lead_is_over_the_best_rival() -> None:
    own = raw()
    heard = own.tuned[0].tolist()
    assert tuned_inputs(own, 2) == (heard[2], heard[2] - max(heard[:2] + heard[3:]))


def test_each_input_is_the_score_that_it_is_named_after() -> None:
    own, at = raw(), 2
    said = said_of(CALIBRATION.intents, [own])
    of_intent = dict(zip(INTENT_INPUTS, intent_inputs([own])[0, at], strict=True))
    of_primary = dict(zip(PRIMARY_INPUTS, primary_inputs(said, [own])[0, at], strict=True))
    views = [logit(float(each)) for each in own.views[:, at]]
    assert (of_intent["whole"], of_intent["strongest sentence"]) == (own.whole[at], own.sentences[:, at].max())
    assert (of_primary["views"], of_primary["least view"]) == (sum(views) / len(views), min(views))
    assert of_primary["said"] == logit(float(said[0, at]))
    for each in (of_intent, of_primary):
        assert each["as primary"] == logit(float(own.primary[at]))
        assert (each["tuned as primary"], each["tuned"]) == tuple(own.tuned[:, at])
