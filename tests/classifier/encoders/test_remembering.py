"""What is remembered of texts."""

from __future__ import annotations

import numpy as np

from classifier.encoders.remembering import Remembering
from tests.classifier.encoders.fakes import Fake


def test_a_message_is_encoded_once_and_found_again_in_any_order() -> None:
    fake = Fake("one", 3)
    remembering = Remembering(fake)
    first = remembering.encode([["a", "b"], ["c"], ["a", "b"]])
    again = remembering.encode([["c"], ["d"], ["a", "b"]])
    assert fake.seen == [("a", "b"), ("c",), ("d",)]
    assert np.array_equal(again.whole[2], first.whole[0])
    assert np.array_equal(again.sentences[0], first.sentences[2])
    assert np.array_equal(again.sentences, fake.encode([["c"], ["d"], ["a", "b"]]).sentences)


def test_only_so_many_messages_are_remembered_but_a_batch_is_always_whole() -> None:
    fake = Fake("one", 3)
    remembering = Remembering(fake, capacity=1)
    assert remembering.encode([["a"], ["b"], ["c"]]).whole.shape == (3, 3)
    remembering.encode([["c"]])
    remembering.encode([["a"]])
    assert fake.seen == [("a",), ("b",), ("c",), ("a",)]


def test_sentences_cut_elsewhere_are_another_message() -> None:
    fake = Fake("one", 3)
    remembering = Remembering(fake)
    remembering.encode([["a b"]])
    remembering.encode([["a", "b"]])
    assert len(fake.seen) == 2


def test_no_message_has_no_vectors() -> None:
    found = Remembering(Fake("one", 3)).encode([])
    assert (found.whole.shape, found.sentences.shape) == ((0, 3), (0, 3))
