"""Phrases are asked only of texts that hold a word which they can't do without: what they find stays the same."""

from pathlib import Path

import pytest

from agent.inbound import wordings
from agent.inbound.wordings.needed import needed_words

MAILS = Path(__file__).parent / "mails"


@pytest.mark.parametrize(
    ("phrase", "words"),
    [
        ("reply above this line", {"reply above this line"}),
        ("sent (from|via) my\\b.*", {"sent "}),
        ("(get|download) it?", {"get", "download"}),
        ("colou?rs+ it", {"colo"}),
        ("(very )?confidential(ity)?", {"confidential"}),
        ("(abc){0,2}de", {"de"}),
        ("a{2,3}bcd", {"bcd"}),
        ("[xyz]{3}\\.html\\d", {".html"}),
        ("(?<!not )virus(?=es)", {"virus"}),
        ("(une|deux (longues|courtes)) lignes", {" lignes"}),
        (".*", {""}),
        ("a?|b", {"", "b"}),
    ],
)
def test_one_of_the_needed_words_stands_in_each_text_that_a_phrase_matches(phrase: str, words: set[str]) -> None:
    assert needed_words(phrase) == words


FIELDS = [
    *(("footers", field) for field in ("sent_from", "disclaimer", "reply_above", "banner", "stub")),
    ("auto_replies", "contact"),
    ("payment_proofs", "names"),
]


@pytest.mark.parametrize(("subject", "field"), FIELDS)
def test_a_look_for_words_hides_no_match(subject: str, field: str) -> None:
    phrases = wordings.pattern(subject, field)
    assert "" not in phrases.needed
    texts = [line for path in MAILS.iterdir() for line in path.read_text("utf-8", "replace").split("\n")]
    texts += [*wordings.merged(subject, field), "SENT FROM MY İPHONE", "İPHONE'UMDAN GÖNDERİLDİ", "RGPD"]
    for text in texts:
        assert bool(phrases.search(text)) == bool(phrases.pattern.search(text)), text
