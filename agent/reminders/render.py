"""A letter's data → what people read: subject, text and HTML, in the customer's language, read back and found right.

Nobody reads a mail before it leaves, so every figure in it must be one that the letter's data holds, and those that
matter must be there: each invoice with its due date and balance, each credit, what stands apart, the sum to pay, the
account to pay to. Pure but for the templates.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, TemplateError, TemplateNotFound

from agent.inbound import keys, oneclick
from agent.reminders import readback
from agent.reminders.letter_values import Bank, Letter, LetterError, LetterLine, OtherLine, Words
from agent.reminders.payment_code import MOST, payment_code
from agent.reminders.templates import LINE_END, NO_BREAK_SPACE, Catalogue, catalogue_for, text_for

_RE = re.compile(r"re\s*:\s*", re.I)
_REMITTANCE = 140

TABLE = "[table]"
"""The line of an edited text that stands for the list of invoices and all that goes with it."""


@dataclass(frozen=True, slots=True)
class Rendered:
    """What people read: the subject and the two parts that say the same, in the language that was found for them.

    ``qr`` is what the payment code holds; None: there is none. The HTML names its picture by `qr_id` of the letter.
    """

    language: str
    subject: str
    text: str
    html: str
    qr: str | None


@dataclass(frozen=True, slots=True)
class _Line:
    """A `LetterLine` as its language writes it; what templates call ``lines[…]``."""

    number: str
    issued: str | None
    due: str
    due_in_words: str
    amount: str
    balance: str
    late: str | None
    purchase_order: str | None
    is_partly_paid: bool


@dataclass(frozen=True, slots=True)
class _Extra:
    """A row below the invoices: a credit, or what is claimed besides."""

    label: str
    note: str
    amount: str


@dataclass(frozen=True, slots=True)
class _Apart:
    number: str
    due: str
    balance: str
    why: str


@dataclass(frozen=True, slots=True)
class _Bank:
    payee: str
    iban: str
    bic: str
    reference: str


@dataclass(frozen=True, slots=True)
class _Link:
    label: str
    href: str


def qr_id(letter: Letter) -> str:
    """The Content-ID of the payment code's picture, unlike any other mail's."""
    return f"qr.{letter.message_id.strip('<>')}"


def render(letter: Letter, environment: Environment) -> Rendered:
    """Subject and both parts of a letter, read back and found right.

    Raises:
        LetterError: a template says something that the data doesn't, or lacks what matters.
        ConfigError: a catalogue of phrases has a mistake.
    """
    catalogue = catalogue_for(environment, letter.language)
    named = text_for(environment, catalogue.language, letter.template, letter.tone)
    name, context = named.name, {**_context(letter, catalogue), "shipped": named.shipped}
    if letter.words is not None:
        before, after = _around_the_table(letter.words.text)
        own = {"subject": letter.words.subject, "before": before, "after": after}
        name, context = "mail/edited.j2", {**context, "base": named.name, "words": own}
    subject = " ".join(re.split(r"[ \t\r\n]+", _part(environment, name, "mail/subject.txt.j2", context).strip()))
    # The links of one-click answers carry the subject, so it is written first.
    context["answers"] = _answers(letter, catalogue, subject) if letter.one_click else ()
    has_own_subject = letter.words is not None and letter.words.subject is not None
    follows = letter.thread_subject is not None and not has_own_subject
    # The conversation keeps the first mail's subject, so what this one is stands above its words.
    context["heading"] = subject if follows else ""
    text = _part(environment, name, "mail/layout.txt.j2", context).lstrip("\n")
    html = _part(environment, name, "mail/layout.html.j2", context)
    if not subject:
        raise wrong_text(name, "its subject is empty", "Fill the block `subject`.")
    where = f"templates/{name}" if letter.words is None else "your words"
    _read_back(where, subject, text, html, _figures(letter, catalogue, context))
    if letter.thread_subject is not None and follows:
        first = letter.thread_subject
        subject = first if _RE.match(first) else f"Re: {first}"
    return Rendered(catalogue.language, subject, text, html, qr_of(letter))


def words_of(letter: Letter, environment: Environment) -> Words:
    """The words of a letter as a person edits them, with the subject that it will carry. Raises as `render`."""
    rendered = render(letter, environment)
    if letter.words is not None:
        return Words(rendered.subject, letter.words.text)
    catalogue = catalogue_for(environment, letter.language)
    named = text_for(environment, catalogue.language, letter.template, letter.tone)
    context = {**_context(letter, catalogue), "shipped": named.shipped, "marker": TABLE}
    text = _part(environment, named.name, "mail/words.txt.j2", context)
    return Words(rendered.subject, re.sub(r"\n{3,}", "\n\n", text).strip())


def _around_the_table(text: str) -> tuple[str, str]:
    """A person's text before and after the list; its line ends are kept."""
    parts: list[list[str]] = [[]]
    for line in text.splitlines():
        if line.strip() == TABLE:
            parts.append([])
        else:
            parts[-1].append(line.strip())
    if len(parts) != 2:
        raise LetterError(
            f"the text has {len(parts) - 1} lines that read {TABLE}, which stands for the list of invoices",
            "Keep that line once, where the list shall stand.",
        )
    before, after = (re.sub(r"(?<!\n)\n(?!\n)", LINE_END, "\n".join(part).strip()) for part in parts)
    if not before and not after:
        raise LetterError("the text says nothing", "Write at least a line.")
    return before, after


def _context(letter: Letter, catalogue: Catalogue) -> dict[str, Any]:
    def money(amount: Any) -> str:
        return catalogue.money(amount, letter.currency)

    charges = letter.charges
    extras = [_Extra(catalogue.phrases["credit"], c.number, money(c.balance)) for c in letter.credits]
    if charges is not None and charges.is_claimed:
        until = catalogue.day(charges.until)
        extras.append(_Extra(catalogue.phrases["interest"], until, money(charges.interest)))
        if charges.indemnity:
            extras.append(_Extra(catalogue.phrases["indemnity"], "", money(charges.indemnity)))
    return {
        "language": catalogue.language,
        "phrases": catalogue.phrases,
        "company": letter.company_name,
        "sender": letter.sender,
        "customer": letter.customer_name,
        "person": letter.recipient_name,
        "tone": letter.tone,
        "level": letter.level,
        "lines": tuple(_line(line, letter.currency, catalogue) for line in letter.lines),
        "total": money(letter.total),
        "extras": tuple(extras),
        "to_pay": money(letter.to_pay),
        "apart": tuple(_apart(line, letter.currency, catalogue) for line in letter.apart),
        "charges": None
        if charges is None or charges.is_claimed
        else {
            "interest": money(charges.interest),
            "indemnity": money(charges.indemnity) if charges.indemnity else "",
            "until": catalogue.day_in_words(charges.until),
        },
        "bank": _bank(letter.bank, letter) if letter.bank is not None else None,
        "qr": qr_id(letter) if qr_of(letter) is not None else None,
        "signatory": letter.signatory,
        "has_attachments": bool(letter.attachments),
        "without_copy": letter.without_copy,
        "has_statement": letter.statement is not None,
        "offers_instalments": letter.offers_instalments,
        "answers": (),
        "heading": "",
    }


def _line(line: LetterLine, currency: str, catalogue: Catalogue) -> _Line:
    return _Line(
        number=line.number,
        issued=catalogue.day(line.issue_date) if line.issue_date is not None else None,
        due=catalogue.day(line.due_date),
        due_in_words=catalogue.day_in_words(line.due_date),
        amount=catalogue.money(line.amount, currency),
        balance=catalogue.money(line.balance, currency),
        late=catalogue.days(line.days_late) if line.days_late > 0 else None,
        purchase_order=line.purchase_order,
        is_partly_paid=line.balance < line.amount,
    )


def _apart(line: OtherLine, currency: str, catalogue: Catalogue) -> _Apart:
    return _Apart(
        number=line.number,
        due=catalogue.day(line.due_date),
        balance=catalogue.money(line.balance, currency),
        why=catalogue.phrases[f"apart_{line.why}"],
    )


def _bank(bank: Bank, letter: Letter) -> _Bank:
    groups = [bank.iban[at : at + 4] for at in range(0, len(bank.iban), 4)]
    return _Bank(bank.payee, NO_BREAK_SPACE.join(groups), bank.bic, remittance(letter))


def remittance(letter: Letter) -> str:
    """What the payer is to write on the transfer: the invoice numbers, as many as fit."""
    text = ""
    for line in letter.lines:
        longer = f"{text} {line.number}".strip()
        if len(longer) > _REMITTANCE:
            break
        text = longer
    return text


def qr_of(letter: Letter) -> str | None:
    """What the payment code holds; None: no account is set, it isn't wanted, or the money is no euros."""
    bank = letter.bank
    if bank is None or not bank.has_qr or letter.currency != "EUR" or not 0 < letter.to_pay <= MOST:
        return None
    return payment_code(bank.payee, bank.iban, bank.bic, letter.to_pay, remittance(letter))


def _answers(letter: Letter, catalogue: Catalogue, subject: str) -> tuple[_Link, ...]:
    token = keys.parse_tag(letter.message_id)
    if token is None:
        return ()
    links = []
    for choice in oneclick.Choice:
        line = f"({catalogue.phrases['answer_code']}{catalogue.phrases['colon']} {oneclick.code(choice, token)})"
        body = f"{catalogue.phrases[f'answer_{choice.value}_body']} \n\n\n{line}\n"
        asked = {"subject": f"Re: {subject}", "in-reply-to": letter.message_id, "body": body.replace("\n", "\r\n")}
        query = "&".join(f"{key}={quote(value, safe='')}" for key, value in asked.items())
        href = f"mailto:{quote(letter.reply_to or letter.sender, safe='@')}?{query}"
        links.append(_Link(catalogue.phrases[f"answer_{choice.value}"], href))
    return tuple(links)


def _part(environment: Environment, name: str, layout: str, context: Mapping[str, Any]) -> str:
    try:
        return environment.get_template(name).render(context, layout=layout)
    except TemplateNotFound as error:
        raise wrong_text(str(error), "there is no such text", "Write it, or name another one in the plan.") from None
    except (TemplateError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        # A text is a program of the company's, so it fails as programs do; `templates check` shows the same.
        line = getattr(error, "lineno", None)
        where = getattr(error, "name", None) if isinstance(error, TemplateError) else None
        told = f"{error} (line {line})" if line else str(error)
        raise wrong_text(str(where or name), told, "Mend it, then run `relance templates check`.") from error


@dataclass(frozen=True, slots=True)
class _Figures:
    """How the letter's figures are written: all that may stand in it, and those that must."""

    known: frozenset[str]
    wanted: tuple[str, ...]


def _figures(letter: Letter, catalogue: Catalogue, context: Mapping[str, Any]) -> _Figures:
    wanted: list[str | None] = [context["total"], context["to_pay"]]
    known: list[str | None] = [
        letter.company_name,
        letter.customer_name,
        letter.recipient_name,
        letter.sender,
        *catalogue.phrases.values(),
    ]
    for line, written in zip(letter.lines, context["lines"], strict=True):
        wanted += [written.number, written.due, written.balance]
        known += [written.due_in_words, written.issued, written.amount, written.late, written.purchase_order]
        if line.issue_date is not None:
            known.append(catalogue.day_in_words(line.issue_date))
    for extra in context["extras"]:
        wanted += [extra.note, extra.amount]
    for apart in context["apart"]:
        wanted += [apart.number, apart.balance]
        known.append(apart.due)
    if (charges := context["charges"]) is not None:
        known += charges.values()
    if (bank := context["bank"]) is not None:
        wanted.append(bank.iban)
        known += [bank.bic, bank.payee, bank.reference]
    if letter.signatory is not None:
        known += [letter.signatory.name, letter.signatory.title, letter.signatory.phone]
    return _Figures(
        frozenset(figure for figure in (*wanted, *known) if figure), tuple(figure for figure in wanted if figure)
    )


def _read_back(where: str, subject: str, text: str, html: str, figures: _Figures) -> None:
    shown, loads = readback.read_html(html)
    if loads:
        raise LetterError(f"{where}: its HTML loads something ({', '.join(loads)})", "Use words and tables only.")
    for part, said in (("subject", subject), ("plain part", text), ("HTML part", shown)):
        if unknown := readback.unknown_figures(said, figures.known):
            raise LetterError(
                f"{where}: its {part} says {unknown[0]!r}, which is no figure of this letter",
                "Use the letter's own figures; a fixed one, like a telephone number, belongs into the catalogue.",
            )
        missing = readback.missing_figures(said, figures.wanted) if part != "subject" else ()
        if missing:
            raise LetterError(f"{where}: its {part} lacks {missing[0]!r}", "Show every invoice and the total.")


def wrong_text(name: str, what: str, mend: str) -> LetterError:
    return LetterError(f"templates/{name}: {what}", mend)
