"""An answer by one click comes as a new mail, without In-Reply-To, and is tied by its code all the same."""

import re
from html import unescape
from urllib.parse import parse_qs, urlsplit

import pytest

from agent.inbound import oneclick
from agent.inbound.oneclick import Choice
from agent.inbound.values import Kind
from agent.reminders.render import render
from agent.reminders.templates import languages, mail_environment
from tests.agent.inbound.test_threading import TOKEN_1, TOKEN_B, found, reading
from tests.builders.letters import letter

ENVIRONMENT = mail_environment(None)


def bodies(language: str) -> list[str]:
    """The prefilled answers of a reminder whose token is TOKEN_1."""
    made = letter(language=language, one_click=True, message_id=f"<r.{TOKEN_1}@example.test>")
    links = re.findall(r'class="answer" href="([^"]+)"', render(made, ENVIRONMENT).html)
    return [parse_qs(urlsplit(unescape(link)).query)["body"][0].replace("\r\n", "\n") for link in links]


@pytest.mark.parametrize("language", languages(ENVIRONMENT))
def test_a_prefilled_answer_is_a_persons_and_proves_its_reminder(language: str) -> None:
    for body, choice in zip(bodies(language), Choice, strict=True):
        one = reading(body.replace("\n", " 12/03/2026\n", 1), sender="anna@a.test")
        assert one.kind is Kind.HUMAN
        answer = oneclick.read(one.new_text)
        assert answer is not None
        assert answer.choice is choice
        tied = found(one)
        assert (tied.customer_id, tied.invoice_ids, tied.evidence, tied.proof) == ("A", (1, 2), "tag", True)


@pytest.mark.parametrize("token", ["z" * 26, TOKEN_B])
def test_a_code_that_names_nothing_of_the_senders_proves_nothing_for_it(token: str) -> None:
    tied = found(reading(f"Payé\n{oneclick.code(Choice.PAID, token)}\n", sender="anna@a.test"))
    assert tied.customer_id != "A" or not tied.proof


def test_a_code_in_a_quote_is_no_answer() -> None:
    quoted = f"Bonjour, je ne sais pas.\n\n> {oneclick.code(Choice.PAID, TOKEN_1)}\n"
    assert oneclick.read(reading(quoted).new_text) is None
