"""What a mail is tied to, as a table: no database, no mail server."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import pytest

from agent.inbound import oneclick
from agent.inbound.keys import thread_index
from agent.inbound.reading import read_message
from agent.inbound.threading import Directory, KnownInvoice, KnownMail, KnownMessage, Link, Tie, tie
from agent.inbound.values import Reading
from tests.agent.inbound.conftest import NOW
from tests.builders import mail

TOKEN_1, TOKEN_2, TOKEN_B = "a" * 26, "c" * 26, "b" * 26
FIRST, SECOND, OTHERS = (f"<r.{token}@example.test>" for token in (TOKEN_1, TOKEN_2, TOKEN_B))


def _ours(number: int, message_id: str, customer: str, thread: int, *invoices: int) -> KnownMessage:
    return KnownMessage(number, message_id, True, customer, thread, invoices)


MESSAGES = {
    FIRST: _ours(1, FIRST, "A", 10, 1, 2),
    SECOND: _ours(2, SECOND, "A", 10, 2),
    OTHERS: _ours(3, OTHERS, "B", 20, 9),
    "<in@a.test>": KnownMessage(4, "<in@a.test>", False, "A", 10, (1,)),
    "<colleague@example.test>": KnownMessage(5, "<colleague@example.test>", False, "B", 30, ()),
}
KNOWN = KnownMail(MESSAGES, {TOKEN_1: MESSAGES[FIRST], TOKEN_2: MESSAGES[SECOND], TOKEN_B: MESSAGES[OTHERS]})
CUSTOMERS = Directory(
    contacts={
        "anna@a.test": frozenset("A"),
        "bob@b.test": frozenset("B"),
        "books@accountants.test": frozenset("AB"),
    },
    domains={"a.test": frozenset("A"), "b.test": frozenset("B"), "accountants.test": frozenset("AB")},
    invoices=(
        KnownInvoice(1, "FA-2026-0312", "A", True),
        KnownInvoice(2, "FA-2026-0313", "A", True),
        KnownInvoice(3, "FA-2025-0313", "A", False),
        KnownInvoice(9, "FB-7001", "B", True),
        KnownInvoice(8, "312", "B", True),
        KnownInvoice(7, "FV 12/03/2026", "B", True),
    ),
)


def reading(text: str = "Bonjour\n", **more: object) -> Reading:
    return read_message(mail.letter(text, **{"sender": "x@nowhere.test", **more}), None, NOW)  # type: ignore[arg-type]


def found(one: Reading, **more: bool) -> Tie:
    return tie(one, KNOWN, CUSTOMERS, **more)


def passed_on(author: str) -> dict[str, str]:
    """A mail that passes on another, by what it says its author."""
    block = f"From: {author}\nSent: Monday, March 2, 2026 9:12 AM\nTo: x\nSubject: Invoice"
    return {"subject": "FW: Invoice", "text": f"FYI\n\n{block}\n\nPaid.\n"}


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"in_reply_to": FIRST}, ("A", (1, 2), "signed_id", True, 10)),
        ({"in_reply_to": SECOND, "references": (FIRST, SECOND)}, ("A", (2,), "signed_id", True, 10)),
        ({"references": (FIRST, SECOND, "<x@y.test>")}, ("A", (2,), "signed_id", True, 10)),
        ({"in_reply_to": "<x@y.test>", "references": (SECOND, FIRST)}, ("A", (1, 2), "signed_id", True, 10)),
        ({"in_reply_to": FIRST.upper()}, ("A", (1, 2), "signed_id", True, 10)),
        ({"in_reply_to": "<in@a.test>", "references": (FIRST,)}, ("A", (1, 2), "signed_id", True, 10)),
        ({"to": (f"ar+r.{TOKEN_1}@example.test",)}, ("A", (1, 2), "tag", True, 10)),
        ({"to": (f"r.{TOKEN_1}@example.test",)}, ("A", (1, 2), "tag", True, 10)),
        ({"to": (f"ar+r.{'z' * 26}@example.test",)}, (None, (), "none", False, None)),
        ({"in_reply_to": f"<r.{'z' * 26}@example.test>"}, (None, (), "none", False, None)),
        ({"in_reply_to": "<in@a.test>"}, ("A", (1,), "references", False, 10)),
        ({"subject": "Facture FA-2026-0312"}, ("A", (1,), "numbers", False, None)),
        ({"subject": "fa 2026 0312 fb-7001"}, ("B", (9,), "numbers", False, None)),
        ({"sender": "anna@a.test", "subject": "la 313"}, ("A", (2,), "numbers", False, None)),
        ({"sender": "anna@a.test", "subject": "la n° 0312"}, ("A", (1,), "numbers", False, None)),
        ({"subject": "la 313"}, (None, (), "none", False, None)),
        ({"subject": "FV 12/03/2026"}, ("B", (7,), "numbers", False, None)),
        ({"subject": "FV/12/03/2026"}, ("B", (7,), "numbers", False, None)),
        ({"sender": "bob@b.test", "text": "nr 12/03/2026"}, ("B", (7,), "numbers", False, None)),
        ({"sender": "bob@b.test", "text": "paid on 12/03/2026"}, ("B", (), "sender", False, None)),
        ({"sender": "bob@b.test", "text": "FV 11/03/2026"}, ("B", (), "sender", False, None)),
        ({"subject": "facture 312"}, (None, (), "none", False, None)),
        ({"sender": "anna@a.test"}, ("A", (), "sender", False, None)),
        ({"sender": "Anna <ANNA@a.test>"}, ("A", (), "sender", False, None)),
        ({"sender": "new@a.test"}, ("A", (), "domain", False, None)),
        (passed_on("bob@b.test"), ("B", (), "forwarded", False, None)),
        (passed_on("BOB@B.test"), ("B", (), "forwarded", False, None)),
        (passed_on("new@b.test"), (None, (), "none", False, None)),
        ({**passed_on("bob@b.test"), "sender": "anna@a.test"}, ("A", (), "sender", False, None)),
        ({**passed_on("bob@b.test"), "in_reply_to": FIRST}, ("A", (1, 2), "signed_id", True, 10)),
        ({}, (None, (), "none", False, None)),
    ],
)
def test_a_mail_is_tied_by_the_strongest_evidence(fields: Mapping[str, Any], expected: tuple[object, ...]) -> None:
    got = found(reading(**fields))
    assert (got.customer_id, got.invoice_ids, got.evidence, got.proof, got.thread_id) == expected
    assert not got.conflict


@pytest.mark.parametrize(
    "fields",
    [
        {"in_reply_to": FIRST, "sender": "bob@b.test"},
        {"in_reply_to": FIRST, "sender": "somebody@b.test"},
        {"in_reply_to": FIRST, "references": (OTHERS,)},
        {"in_reply_to": FIRST, "subject": "FB-7001"},
        {"in_reply_to": "<in@a.test>", "sender": "bob@b.test"},
        {"in_reply_to": "<in@a.test>", "references": ("<colleague@example.test>",)},
        {"sender": "anna@a.test", "subject": "FB-7001"},
        {"sender": "books@accountants.test"},
        {"subject": "FA-2026-0312, FB-7001"},
    ],
)
def test_two_customers_never_mix_but_both_are_linked(fields: Mapping[str, Any]) -> None:
    got = found(reading(**fields))
    assert (got.customer_id, got.invoice_ids, got.proof, got.thread_id) == (None, (), False, None)
    assert got.conflict
    assert {link.customer_id for link in got.links} == {"A", "B"}


UNDER_FIRST = {"Thread-Index": thread_index(TOKEN_1, TOKEN_2)}


def test_a_conversation_that_outlook_kept_suggests_its_customer_and_no_invoices() -> None:
    got = found(reading(headers=UNDER_FIRST, in_reply_to="<rewritten@outlook.test>"))
    assert (got.customer_id, got.invoice_ids, got.evidence, got.proof) == ("A", (), "conversation", False)
    assert (got.thread_id, got.links) == (10, (Link("A", None, "conversation", False),))


def test_a_conversation_of_another_customer_is_a_conflict_and_proof_outranks_it_for_its_own() -> None:
    assert found(reading(headers=UNDER_FIRST, sender="bob@b.test")).conflict
    assert found(reading(headers=UNDER_FIRST, in_reply_to=OTHERS)).conflict
    got = found(reading(headers=UNDER_FIRST, in_reply_to=SECOND))
    assert (got.customer_id, got.invoice_ids, got.evidence, got.proof) == ("A", (2,), "signed_id", True)


def test_a_conversation_of_somebody_else_means_nothing() -> None:
    for index in ("AdHq0rSxBHxkkTyYQFSk1YUSGyg0Ug==", "AQ==", "not base64", "=", ""):
        assert found(reading(headers={"Thread-Index": index})).links == ()


def test_an_answer_about_invoices_of_two_reminders_is_sure_of_one_and_links_the_other() -> None:
    got = found(reading("FA-2026-0312 and FA-2026-0313 are paid.\n", in_reply_to=SECOND, references=(FIRST, SECOND)))
    assert (got.customer_id, got.invoice_ids, got.proof, got.conflict) == ("A", (2,), True, False)
    assert set(got.links) == {Link("A", 2, "signed_id", True), Link("A", 1, "numbers", False)}


def test_an_answer_to_two_merged_threads_of_one_customer_is_the_nearest_ones() -> None:
    got = found(reading(references=("<other@a.test>", FIRST, "<in@a.test>", SECOND)))
    assert (got.customer_id, got.invoice_ids, got.proof) == ("A", (2,), True)


def test_an_address_of_several_customers_agrees_with_the_one_that_is_proven() -> None:
    got = found(reading(in_reply_to=FIRST, sender="books@accountants.test"))
    assert (got.customer_id, got.proof, got.conflict) == ("A", True, False)
    assert Link("B", None, "sender", False) in got.links


def test_a_number_tells_which_customer_of_an_accountant_is_meant() -> None:
    got = found(reading(sender="books@accountants.test", subject="FB-7001"))
    assert (got.customer_id, got.invoice_ids, got.conflict) == ("B", (9,), False)


def test_only_the_reminder_that_is_answered_links_its_invoices() -> None:
    got = found(reading(in_reply_to=SECOND, references=(FIRST,)))
    assert got.links == (Link("A", 2, "signed_id", True),)


def test_an_invoice_of_the_customer_that_the_reminder_did_not_list_is_only_suggested() -> None:
    got = found(reading(in_reply_to=SECOND, subject="FA-2026-0312"))
    assert set(got.links) == {Link("A", 2, "signed_id", True), Link("A", 1, "numbers", False)}
    assert got.invoice_ids == (2,)


def test_a_bounce_is_tied_by_what_it_reports_on() -> None:
    got = found(read_message(mail.bounce(FIRST, recipient="anna@a.test"), None, NOW))
    assert (got.customer_id, got.proof, got.evidence) == ("A", True, "signed_id")


def test_a_bounce_of_an_unknown_mail_suggests_the_customer_of_its_recipient() -> None:
    got = found(read_message(mail.bounce(None, recipient="anna@a.test"), None, NOW))
    assert got.links == (Link("A", None, "recipient", False),)


def test_a_human_mail_proves_nothing_by_a_report_that_it_has_not() -> None:
    bounced = read_message(mail.bounce(FIRST, recipient="x@nowhere.test"), None, NOW)
    disguised = dataclasses.replace(bounced, kind=type(bounced.kind).HUMAN, in_reply_to=None, references=())
    assert found(disguised).proof is False


def test_a_colleagues_letter_is_tied_by_its_recipients_not_by_its_sender() -> None:
    one = reading(sender="anna@a.test", to=("bob@b.test",))
    got = found(one, colleague=True)
    assert (got.customer_id, got.evidence, got.links) == ("B", "recipient", (Link("B", None, "recipient", False),))


def test_a_mail_without_a_strict_sender_is_tied_by_proof_only() -> None:
    forged = reading(sender="anna@a.test <eve@evil.test>")
    assert (forged.sender, found(forged).links) == (None, ())


def _click(token: str) -> str:
    return oneclick.code(oneclick.Choice.PAID, token)


#: what the mail is, its fields, and its tie: customer, invoices, evidence, proof, conflict
SAMPLES: list[tuple[str, dict[str, Any], tuple[object, ...]]] = [
    (
        "id quoted in angle text with spaces",
        {"in_reply_to": "< " + FIRST[1:-1] + " >"},
        ("A", (1, 2), "signed_id", True, False),
    ),
    (
        "ids rewritten, tag in Cc",
        {"headers": {"Cc": f"ar+r.{TOKEN_1}@example.test"}},
        ("A", (1, 2), "tag", True, False),
    ),
    ("tag in capitals", {"to": (f"AR+R.{TOKEN_1.upper()}@EXAMPLE.TEST",)}, ("A", (1, 2), "tag", True, False)),
    (
        "tag with display name",
        {"to": (f'"Compta, Morel" <ar+r.{TOKEN_1}@example.test>',)},
        ("A", (1, 2), "tag", True, False),
    ),
    ("tag beside others", {"to": ("bob@b.test", f"ar+r.{TOKEN_1}@example.test")}, ("A", (1, 2), "tag", True, False)),
    ("tag after own plus", {"to": (f"ar+x+r.{TOKEN_1}@example.test",)}, ("A", (1, 2), "tag", True, False)),
    ("one click", {"text": f"Paid {_click(TOKEN_1)}"}, ("A", (1, 2), "tag", True, False)),
    ("one click wrapped", {"text": f"Paid [relance:paid:\n{TOKEN_1}]"}, ("A", (1, 2), "tag", True, False)),
    (
        "one click quoted only",
        {"text": f"ok\n\nOn Mon, 2 Mar 2026 at 09:12, AR <ar@example.test> wrote:\n> {_click(TOKEN_1)}\n"},
        (None, (), "none", False, False),
    ),
    (
        "two clicks of two customers",
        {"text": f"{_click(TOKEN_1)} {_click(TOKEN_B)}"},
        (None, (), "none", False, False),
    ),
    (
        "one click of A, id of B",
        {"text": f"{_click(TOKEN_1)}", "in_reply_to": OTHERS},
        (None, (), "signed_id", False, True),
    ),
    (
        "tag of A, id of B",
        {"to": (f"ar+r.{TOKEN_1}@example.test",), "in_reply_to": OTHERS},
        (None, (), "signed_id", False, True),
    ),
    (
        "tags of both customers",
        {"to": (f"ar+r.{TOKEN_1}@example.test", f"ar+r.{TOKEN_B}@example.test")},
        (None, (), "tag", False, True),
    ),
    (
        "In-Reply-To old, references newer",
        {"in_reply_to": FIRST, "references": (FIRST, SECOND)},
        ("A", (1, 2), "signed_id", True, False),
    ),
    (
        "reply to an old reminder naming newer's invoice",
        {"in_reply_to": SECOND, "text": "FA-2026-0312 est payée"},
        ("A", (2,), "signed_id", True, False),
    ),
    ("subject changed", {"in_reply_to": FIRST, "subject": "Nouvelle adresse"}, ("A", (1, 2), "signed_id", True, False)),
    ("subject of B, id of A", {"in_reply_to": FIRST, "subject": "Re: FB-7001"}, (None, (), "signed_id", False, True)),
    (
        "number of B in the quote only",
        {"in_reply_to": FIRST, "text": "ok\n\n> FB-7001"},
        ("A", (1, 2), "signed_id", True, False),
    ),
    (
        "forward of B's mail by A's contact in thread",
        dict(in_reply_to=FIRST, sender="anna@a.test", **passed_on("bob@b.test")),
        ("A", (1, 2), "signed_id", True, False),
    ),
    (
        "unknown id of ours",
        {"in_reply_to": f"<r.{'q' * 26}@example.test>", "sender": "anna@a.test"},
        ("A", (), "sender", False, False),
    ),
    (
        "rewritten id by SES",
        {"in_reply_to": "<0102018e@eu-west-1.amazonses.com>", "sender": "anna@a.test", "text": "771"},
        ("A", (), "sender", False, False),
    ),
    ("References folded by commas", {"references": (FIRST + "," + SECOND,)}, ("A", (2,), "signed_id", True, False)),
    (
        "In-Reply-To with comment",
        {"in_reply_to": f"{FIRST} (Morel's message of Monday)"},
        ("A", (1, 2), "signed_id", True, False),
    ),
    (
        "In-Reply-To phrase",
        {"in_reply_to": f"Your message of Monday {FIRST}"},
        ("A", (1, 2), "signed_id", True, False),
    ),
    ("two In-Reply-To", {"in_reply_to": f"<x@y.test> {FIRST}"}, ("A", (1, 2), "signed_id", True, False)),
    (
        "merged: our two customers in references only by a non-signed",
        {"references": ("<in@a.test>", "<colleague@example.test>")},
        (None, (), "references", False, True),
    ),
    (
        "thread index",
        {"headers": {"Thread-Index": thread_index(TOKEN_1, TOKEN_2)}},
        ("A", (), "conversation", False, False),
    ),
    (
        "number typed with spaces",
        {"sender": "anna@a.test", "text": "FA 2026 0312"},
        ("A", (1,), "numbers", False, False),
    ),
    ("number with underscore", {"sender": "anna@a.test", "text": "fa_2026_0312"}, ("A", (1,), "numbers", False, False)),
    ("numbers both", {"sender": "anna@a.test", "text": "0312 and 0313"}, ("A", (1, 2), "numbers", False, False)),
    ("numbers joined", {"sender": "anna@a.test", "text": "FA-2026-0312/0313"}, ("A", (1, 2), "numbers", False, False)),
    ("numbers joined &", {"sender": "anna@a.test", "text": "factures 312&313"}, ("A", (1, 2), "numbers", False, False)),
    ("number in brackets", {"sender": "anna@a.test", "text": "(312), [313]"}, ("A", (1, 2), "numbers", False, False)),
    ("number with hash", {"sender": "anna@a.test", "text": "#312"}, ("A", (1,), "numbers", False, False)),
    (
        "number at end of sentence",
        {"sender": "anna@a.test", "text": "We paid 0312. And 0313, too."},
        ("A", (1, 2), "numbers", False, False),
    ),
    ("amount no number", {"sender": "anna@a.test", "text": "we paid 312 EUR"}, ("A", (), "sender", False, False)),
    (
        "range",
        {"sender": "anna@a.test", "text": "FA-2026-0312 bis FA-2026-0313"},
        ("A", (1, 2), "numbers", False, False),
    ),
]


@pytest.mark.parametrize(("fields", "expected"), [each[1:] for each in SAMPLES], ids=[each[0] for each in SAMPLES])
def test_what_mail_programs_and_people_make_of_ids_tags_and_numbers(
    fields: dict[str, Any], expected: tuple[object, ...]
) -> None:
    got = found(reading(**fields))
    assert (got.customer_id, got.invoice_ids, got.evidence, got.proof, got.conflict) == expected
