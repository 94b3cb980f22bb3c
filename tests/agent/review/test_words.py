"""The catalogues say the same things, and no page asks for a word that nobody wrote."""

import re
import tomllib
from collections.abc import Sequence
from pathlib import Path
from string import Formatter

import pytest

import templates
from agent.inbound import threading
from agent.inbound.values import BounceReason
from agent.reminders.values import Hindrance
from agent.replies import apply
from agent.replies.decide import RULES
from agent.replies.word import INTENTS
from agent.reports.words import Words, accepted
from agent.review.answers import DRAFTS
from classifier.labels import DISPUTE_REASONS, QUESTION_TOPICS
from config.plans import load_plans
from models.reasons import ExceptionReason, TaskKind
from models.states import DeliveryState, ExceptionState, InvoiceState
from models.user import Role
from tests.builders import ledger

FOLDER = Path(templates.__file__).parent / "web"


@pytest.fixture
def words(tmp_path: Path) -> Words:
    return Words(tmp_path, ledger.settings(tmp_path).zone)


def fields(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


def test_every_language_says_everything_with_the_same_values(words: Words) -> None:
    english = words.own["en"]
    for language, said in words.own.items():
        assert said.keys() == english.keys(), language
        for key, phrase in said.items():
            left = fields(english[key]) - fields(phrase)
            assert fields(phrase) <= fields(english[key]), (language, key)
            assert not left or key.startswith("told."), (language, key)  # where commands tell what pages offer


def test_every_word_that_a_page_asks_for_is_there(words: Words) -> None:
    asked: set[str] = set()
    for file in FOLDER.glob("*.j2"):
        asked |= set(re.findall(r"""\bt\("([a-z_.]+)"\s*[,)]""", file.read_text(encoding="utf-8")))
    for file in (Path(__file__).parents[3] / "agent" / "review" / "web").glob("*.py"):
        asked |= set(re.findall(r"""\.say\(\s*"([a-z_.]+)"\s*[,)]""", file.read_text(encoding="utf-8")))
    missing = {key for key in asked if key not in words.own["en"]}
    assert missing == set()


@pytest.mark.parametrize(
    ("prefix", "codes"),
    [
        ("reason", [*ExceptionReason, *TaskKind, "approval"]),
        ("means", [*ExceptionReason, *TaskKind, "approval"]),
        ("state", list(InvoiceState)),
        ("delivery", list(DeliveryState)),
        ("intent", list(INTENTS)),
        ("dispute", list(DISPUTE_REASONS)),
        ("topic", list(QUESTION_TOPICS)),
        ("hindrance", list(Hindrance)),
        ("role", list(Role)),
        ("answer", [f"draft_{name}" for name in (*DRAFTS, "own")]),
    ],
)
def test_every_code_has_its_words(words: Words, prefix: str, codes: list[str]) -> None:
    missing = [str(code) for code in codes if f"{prefix}.{code}" not in words.own["en"]]
    assert missing == []


def test_explain_has_words_for_every_rule_tie_and_action(words: Words) -> None:
    english = words.own["en"]
    families: dict[str, Sequence[str]] = {
        "explain_rule": [rule.name for rule in RULES],
        "explain_tie": [
            threading.SIGNED_ID, threading.TAG, threading.REFERENCES, threading.CONVERSATION, threading.NUMBERS,
            threading.SENDER, threading.RECIPIENT, threading.DOMAIN, threading.FORWARDED,
        ],
        "explain_bounce": list(BounceReason),
        "explain_item": list(ExceptionState),
        "explain_action": [*apply._CODES.values(), "queue"],
    }  # fmt: skip
    missing = {f"{name}.{code}" for name, codes in families.items() for code in codes} - english.keys()
    assert missing == set()


def test_every_step_of_the_shipped_plans_has_its_words(words: Words, tmp_path: Path) -> None:
    steps = {step.name for plan in load_plans(ledger.settings(tmp_path)).values() for step in plan.steps}
    assert {step for step in steps if f"step.{step}" not in words.own["en"]} == set()


def test_a_company_lays_its_own_words_over_the_shipped_ones(tmp_path: Path) -> None:
    folder = tmp_path / "templates" / "web"
    folder.mkdir(parents=True)
    (folder / "en.toml").write_text('[nav]\nwork = "Desk"\n')
    (folder / "nl.toml").write_text('[nav]\nwork = "Te doen"\n')
    words = Words(tmp_path, ledger.settings(tmp_path).zone)
    assert words.tongue(["en"]).say("nav.work") == "Desk"
    assert words.tongue(["nl-BE"]).say("nav.work") == "Te doen"
    assert words.tongue(["nl"]).say("nav.customers") == "Customers"


@pytest.mark.parametrize(
    ("header", "wanted"),
    [
        ("fr-CH, fr;q=0.9, en;q=0.8", ["fr-CH", "fr", "en"]),
        ("en;q=0.1, de", ["de", "en"]),
        ("", []),
        ("fr;q=0, en", ["en"]),
        (";;q=x,,", []),
    ],
)
def test_accepted_languages_come_in_order(header: str, wanted: list[str]) -> None:
    assert [name for name in accepted(header) if name] == wanted


def test_plural_forms_are_the_languages_own(words: Words) -> None:
    assert words.tongue(["fr"]).count("work.bulk_done", 0) == "0 traité."
    assert words.tongue(["en"]).count("work.bulk_done", 0) == "0 done."


def test_the_catalogues_are_toml() -> None:
    for file in FOLDER.glob("*.toml"):
        tomllib.loads(file.read_text(encoding="utf-8"))
