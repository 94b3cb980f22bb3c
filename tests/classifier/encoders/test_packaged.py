"""The packaged encoder gives the vectors that models were trained with, in six languages and on hostile text."""

from __future__ import annotations

import json

import numpy as np
import pytest

from classifier.encoders.e5 import LONGEST, Tokens
from classifier.encoders.find import default_encoder, encode_in_processes, has_default
from classifier.encoders.use import Use
from classifier.encoders.values import Encoder, Vectors32
from classifier.encoders.weights import Pieces
from tests.classifier.encoders.golden import GOLDEN, SENTENCES, numbers

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not has_default(), reason="the encoder is for Linux on x86-64")]


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return default_encoder()


def test_the_vectors_are_the_golden_ones(encoder: Encoder) -> None:
    golden = json.loads(GOLDEN.read_text("utf-8"))
    for sentence, found, expected in zip(SENTENCES, numbers(encoder), golden, strict=True):
        for network, wanted in expected.items():
            assert _cosine(np.array(found[network]), np.array(wanted)) > 0.999, (sentence, network)


def test_a_translation_is_nearer_than_the_opposite_in_the_same_language(encoder: Encoder) -> None:
    promise, translated, dispute = encoder.encode([
        ["Le virement partira vendredi prochain."],
        ["The transfer will go out next Friday."],
        ["Nous contestons cette facture, la marchandise n'est jamais arrivée."],
    ]).whole  # fmt: skip
    assert _cosine(promise, translated) > _cosine(promise, dispute)


def test_a_message_has_the_same_vectors_alone_and_in_a_batch(encoder: Encoder) -> None:
    messages = [[sentence, "Merci."] for sentence in SENTENCES]
    together = encoder.encode(messages)
    assert together.whole.shape == (len(SENTENCES), encoder.identity.size)
    assert together.sentences.shape == (2 * len(SENTENCES), encoder.identity.size)
    alone = Use().encode([messages[3]])  # the shared one remembers
    assert _cosine(alone.whole[0], together.whole[3]) > 0.99999
    assert _cosine(alone.sentences[1], together.sentences[7]) > 0.99999


def test_processes_give_the_same_vectors(encoder: Encoder) -> None:
    messages = [[sentence, "Merci."] for sentence in SENTENCES * 10]
    spread = encode_in_processes(messages)
    here = encoder.encode(messages)
    assert np.allclose(spread.whole, here.whole, atol=1e-4)
    assert np.allclose(spread.sentences, here.sentences, atol=1e-4)


@pytest.mark.parametrize(
    "text", ["-", "\x00\x00", "a" * 100_000, "é" * 5_000, "1 " * 5_000, "\u202e\ud800x", "，。！？" * 300, "👍" * 900]
)
def test_hostile_text_has_finite_vectors(encoder: Encoder, text: str) -> None:
    found = encoder.encode([[text, "We paid yesterday."]])
    assert np.isfinite(found.whole).all()
    assert np.isfinite(found.sentences).all()


def test_a_long_message_is_read_to_its_limit_only() -> None:
    tokens = Tokens(Pieces({"▁a": 3, "a": 4}, (0.0, 0.0, 0.0, -1.0, -1.0), 0, 2, 1, {}))
    read, spans = tokens.message([" a" * 100] * 9)
    assert len(read) == LONGEST + 2
    assert spans[-1] == (LONGEST + 1, LONGEST + 1)


def test_the_best_cut_of_a_word_is_taken_and_what_is_unknown_stays_one_piece_a_character() -> None:
    pieces = {"▁": 3, "▁pa": 4, "id": 5, "▁paid": 6, "p": 7, "s": 8}
    tokens = Tokens(Pieces(pieces, (0.0, 0.0, 0.0, -5.0, -3.0, -3.0, -4.0, -6.0, -6.0), 0, 2, 1, {ord("ﬁ"): "fi"}))
    assert tokens.text("paid") == [6]
    assert tokens.text("paid paids") == [6, 6, 8]
    assert tokens.text("ß") == [3, 1]


def _cosine(one: Vectors32, other: Vectors32) -> float:
    return float(one @ other / np.linalg.norm(one) / np.linalg.norm(other))
