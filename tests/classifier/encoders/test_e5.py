"""How a message becomes the pieces of words that the network reads."""

from __future__ import annotations

from classifier.encoders.e5 import LONGEST, Tokens
from classifier.encoders.weights import Pieces


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
