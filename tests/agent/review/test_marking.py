"""The words that carried an intent are marked, and the text stays what it was."""

from hypothesis import given
from hypothesis import strategies as st

from agent.review.marking import marked
from classifier.values import Evidence

TEXT = "Bonjour,\nNous payons\nvendredi. Merci."


def test_the_sentence_and_its_words_are_marked_over_line_ends() -> None:
    found = marked(TEXT, [Evidence("promise", "Nous payons vendredi.", ("payons", "vendredi"))])
    assert "".join(stretch.text for stretch in found) == TEXT
    assert [stretch.text for stretch in found if stretch.is_word] == ["payons", "vendredi"]
    assert {stretch.intent for stretch in found if stretch.is_word} == {"promise"}


def test_a_sentence_that_is_not_there_marks_nothing() -> None:
    assert [stretch.intent for stretch in marked(TEXT, [Evidence("paid", "we have paid", ("paid",))])] == [None]


@given(
    st.text(max_size=200),
    st.lists(st.tuples(st.text(max_size=40), st.lists(st.text(max_size=8), max_size=4)), max_size=4),
)
def test_no_text_is_lost_or_added(text: str, evidence: list[tuple[str, list[str]]]) -> None:
    found = marked(text, [Evidence("paid", sentence, tuple(words)) for sentence, words in evidence])
    assert "".join(stretch.text for stretch in found) == text
