"""The tuned network says what it said when the trained model was built, and nobody's replies are heard by an adapter
that learnt from them.
"""

from __future__ import annotations

import json
import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from classifier import labels
from classifier.data import COMMITTED, data_files, read_rows
from classifier.encoders.find import has_default
from classifier.encoders.tuned import ADAPTERS, INDEX, MANY, WHOLE, Alone, Tuned
from classifier.errors import ModelError
from classifier.invoices import Piece
from classifier.marks import Marks
from classifier.named_sums import SUMS
from tests.classifier.encoders.golden import GOLDEN, SENTENCES, heard

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not has_default(), reason="the encoder is for Linux on x86-64")]


@pytest.fixture(scope="module")
def tuned() -> Tuned:
    return Tuned()


def test_what_is_heard_is_the_golden_one(tuned: Tuned) -> None:
    golden = json.loads(GOLDEN.read_text("utf-8"))
    for sentence, found, expected in zip(SENTENCES, heard(tuned), golden, strict=True):
        assert np.allclose(found["as_primary"], expected["as_primary"], atol=0.02), sentence
        assert np.allclose(found["said"], expected["said"], atol=0.02), sentence


def test_plain_sentences_are_understood(tuned: Tuned) -> None:
    messages = [
        ["We paid by bank transfer yesterday."],
        ["Le virement partira vendredi."],
        ["Die Ware ist beschädigt, wir zahlen nicht."],
        ["¿Me puede enviar la factura?"],
    ]
    found = [labels.INTENTS[int(each.as_primary.argmax())] for each in tuned.hear(messages)]
    assert found == ["paid", "promise", "dispute", "question"]


def test_a_message_is_heard_alike_alone_in_a_batch_and_in_other_processes(tuned: Tuned) -> None:
    messages = [[sentence, f"Merci {number}."] for number in range(MANY // 6) for sentence in SENTENCES]
    assert len(messages) > MANY
    together = tuned.hear(messages)
    for at in (0, 17, len(messages) - 1):
        alone = tuned.hear([messages[at]])[0]
        assert np.allclose(alone.as_primary, together[at].as_primary, atol=1e-2)
        assert alone.details.keys() == together[at].details.keys()


@pytest.mark.parametrize(
    "text", ["-", "\x00\x00", "a" * 100_000, "é" * 5_000, "1 " * 5_000, "\u202e\ud800x", "，。！？" * 300, "👍" * 900]
)
def test_hostile_text_is_heard_as_something(tuned: Tuned, text: str) -> None:
    (found,) = tuned.hear([[text, "We paid yesterday."]])
    assert np.isfinite(found.as_primary).all()
    assert np.isfinite(found.said).all()


def test_alone_it_gives_a_model_no_vectors(tuned: Tuned) -> None:
    alone = Alone(tuned)
    encoded = alone.encode([["One.", "Two."], ["Three."]])
    assert alone.identity.size == 0
    assert alone.identity.tuned == tuned.part
    assert (encoded.whole.shape, encoded.sentences.shape) == ((2, 0), (3, 0))


def test_a_place_in_a_message_is_heard_in_the_light_of_all_of_it(tuned: Tuned) -> None:
    days = (Piece(0, 24, 36),), (Piece(1, 24, 36),)
    sentences = ["The director is back on 16 March 2026.", "You will have your money 20 March 2026."]
    parts = (Piece(0, 0, len(PAID)),), (Piece(1, 0, len(DISPUTED)),)
    first, second = tuned.hear([sentences, [PAID, DISPUTED]], marks=[Marks(days=days), Marks(parts=parts)])
    assert first.days[1] > first.days[0]
    (asked,) = tuned.hear([MONEY], marks=[Marks(sums=((Piece(0, 0, 3),), (Piece(1, 4, 7),)))])
    assert [SUMS[int(each.argmax())] for each in asked.sums] == ["paid", "promised"]
    assert [labels.INTENTS[int(each.argmax())] for each in second.parts] == ["paid", "dispute"]


MONEY = ["200 was wired to you on Monday.", "The 300 that are left will be paid on Friday."]
PAID, DISPUTED = "The one of March was paid by transfer on Friday.", "The other one is wrong, the price is too high."


def test_a_place_beyond_what_is_read_is_heard_as_nothing(tuned: Tuned) -> None:
    sentences = [*["word " * 120] * 3, "We pay on Friday."]
    (found,) = tuned.hear([sentences], marks=[Marks(days=((Piece(3, 10, 16),),), parts=((Piece(3, 0, 17),),))])
    assert found.days.tolist() == [0.0]
    assert np.isfinite(found.parts).all()


def test_every_shipped_hand_is_heard_by_an_adapter_that_never_saw_it(tuned: Tuned) -> None:
    index = json.loads((ADAPTERS / INDEX).read_text("utf-8"))
    held_out = [hand for each in index["adapters"] for hand in each["held_out"]]
    rows = Counter(row.hand for row in read_rows(data_files(COMMITTED)))
    assert len(held_out) == len(set(held_out))
    # All that any adapter learnt from is held out of one of them; hands that came later were seen by none.
    assert sum(rows[hand] for hand in held_out) == index["rows"]
    assert {tuned.unseen_by(hand) for hand in rows.keys() - set(held_out)} <= {WHOLE}


@pytest.mark.parametrize("text", ["-", "\x00\x00", "a" * 100_000, "1 " * 5_000, "\u202e\ud800x", "👍" * 900])
def test_hostile_text_is_heard_in_finite_numbers(tuned: Tuned, text: str) -> None:
    marks = Marks(days=((Piece(0, 0, 1),), (Piece(1, 8, 17),)), parts=((Piece(0, 0, len(text)), Piece(1, 0, 18)),))
    (found,) = tuned.hear([[text, "We paid yesterday."]], marks=[marks])
    assert np.isfinite(found.days).all()
    assert np.isfinite(found.parts).all()
    assert np.isfinite(found.as_primary).all()
    assert np.isfinite(found.said).all()


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return Path(shutil.copytree(ADAPTERS, tmp_path / "adapters"))


def test_a_changed_adapter_is_refused_and_makes_another_identity(copy: Path, tuned: Tuned) -> None:
    file = copy / f"{WHOLE}.npz"
    file.write_bytes(file.read_bytes() + b"\0")
    changed = Tuned(copy)
    assert changed.part != tuned.part
    with pytest.raises(ModelError, match="SHA-256"):
        changed.hear([["We paid."]])


def test_adapters_of_another_network_are_refused(copy: Path) -> None:
    index = json.loads((copy / INDEX).read_text("utf-8"))
    (copy / INDEX).write_text(json.dumps(index | {"network_sha256": "0" * 64}), "utf-8")
    with pytest.raises(ModelError, match="other weights"):
        Tuned(copy)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"heads": {"primary": []}}'])
def test_an_index_that_is_none_is_refused(copy: Path, text: str) -> None:
    (copy / INDEX).write_text(text, "utf-8")
    with pytest.raises(ModelError, match="no index of adapters"):
        Tuned(copy)
