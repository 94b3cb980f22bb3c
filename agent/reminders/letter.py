"""A reminder's data → the frozen mail. Pure: the same letter gives the same bytes, for ever.

The words come from the template that the step names, the bytes from `mime`. In between everything that could go wrong
unseen is looked at, because nobody reads the mail before it leaves: addresses are strictly written, no text steers a
header, the total is the sum of the balances, and what was rendered is read back: a figure that the letter's data does
not hold, or an invoice number that is missing, refuses the letter.

Which headers, and why:

- ``Auto-Submitted: auto-generated`` (RFC 3834 section 5), so that no answering machine starts a loop with us.
- no ``X-Auto-Response-Suppress``: it would also silence out-of-office answers, and their return dates and new contacts
  are worth having. Programs that follow RFC 3834 strictly stay silent anyway; Exchange, the usual one, does answer.
- ``X-Relance-Ref``: the token of the Message-ID once more, for providers that rewrite Message-IDs.
- ``Thread-Index``: the same for Outlook, which keeps it in answers; later mails go on under the first one's.
- no ``List-Unsubscribe``: a reminder is no bulk mail, and one click must not end it.
- a reminder that continues a thread carries the first one's subject behind ``Re:``, because Gmail and Outlook part a
  conversation whose subject changes.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from email.utils import format_datetime

from babel.numbers import get_currency_precision
from jinja2 import Environment
from pydantic import TypeAdapter, ValidationError

from agent.inbound import identity, keys
from agent.reminders import mime
from agent.reminders.letter_values import Attachment, Letter, LetterError
from agent.reminders.payment_code import as_png
from agent.reminders.render import Rendered, qr_id, render
from config.fields import MailAddress

_ADDRESS: TypeAdapter[str] = TypeAdapter(MailAddress)
_ID = re.compile(r"<[!-;=?A-~]{1,240}@[!-;=?A-~]{1,240}>")
_CONTENT_TYPE = re.compile(r"(?!multipart/|message/)[a-z]{1,20}/[a-z0-9][a-z0-9.+-]{0,80}")
# The first ids lead to the root, the last ones to the neighbours; programs cut longer lists, some refuse them.
_FIRST_IDS, _LAST_IDS = 1, 20
_FILENAME_BYTES = 120
_BIDIRECTIONAL = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_NOT_IN_FILENAMES = re.compile(r'[<>:"/\\|?*]')


@dataclass(frozen=True, slots=True)
class Draft:
    """The frozen mail. ``raw`` has CRLF line ends; by ``digest``, its dkey, `agent.inbound` knows it again."""

    raw: bytes
    message_id: str
    subject: str
    recipient: str
    copies: tuple[str, ...]
    digest: str


def compose(letter: Letter, environment: Environment) -> Draft:
    """The mail of a letter. `environment` is `mail_environment`'s.

    Raises:
        LetterError: the letter's data is not fit to be sent, or its template says something that the data doesn't.
        ConfigError: a catalogue of phrases has a mistake.
    """
    check(letter)
    rendered = render(letter, environment)
    _refuse_control("the subject", rendered.subject)
    recipient = _address(letter.recipient, "customer")
    # A copy for whom it is written to already would be a second mail in the same mailbox.
    copies = {copy.lower(): copy for copy in (_address(copy, "copy") for copy in letter.copies)}
    copies.pop(recipient.lower(), None)
    head = _headers(letter, rendered, recipient, tuple(copies.values()))
    pictures = (mime.Picture(qr_id(letter), "image/png", as_png(rendered.qr)),) if rendered.qr is not None else ()
    enclosed = (*letter.attachments, *((letter.statement,) if letter.statement is not None else ()))
    body = mime.body(letter.message_id, rendered.text, rendered.html, _files(enclosed), pictures)
    raw = (head + body).encode("ascii")
    return Draft(
        raw, letter.message_id, rendered.subject, recipient, tuple(copies.values()), digest=identity.identify(raw).dkey
    )


# --- headers ---------------------------------------------------------------------------------------------------------


def _headers(letter: Letter, rendered: Rendered, recipient: str, copies: tuple[str, ...]) -> str:
    token = keys.parse_tag(letter.message_id)
    if token is None or not _ID.fullmatch(letter.message_id):
        raise LetterError(f"{letter.message_id!r} is no Message-ID of relance's making")
    lines = [
        mime.addresses("From", [(letter.company_name, _address(letter.sender, "mailbox"))]),
        mime.addresses("To", [(letter.recipient_name or "", recipient)]),
    ]
    if copies:
        lines.append(mime.addresses("Cc", [("", copy) for copy in copies]))
    if letter.reply_to is not None:
        lines.append(mime.addresses("Reply-To", [(letter.company_name, _address(letter.reply_to, "Reply-To"))]))
    lines += [
        mime.header("Subject", rendered.subject),
        mime.structured("Date", [format_datetime(letter.date)]),
        mime.structured("Message-ID", [letter.message_id]),
    ]
    # Ids of mails that came in are strangers' words: those that are not strictly written are left out.
    references = [known for known in dict.fromkeys(letter.references) if _ID.fullmatch(known)]
    if letter.in_reply_to is not None and _ID.fullmatch(letter.in_reply_to):
        lines.append(mime.structured("In-Reply-To", [letter.in_reply_to]))
    if references:
        lines.append(mime.structured("References", references[:_FIRST_IDS] + references[_FIRST_IDS:][-_LAST_IDS:]))
    lines += [
        mime.structured("Auto-Submitted", ["auto-generated"]),
        mime.structured("Content-Language", [rendered.language]),
        mime.structured("X-Relance-Ref", [token]),
        mime.structured("Thread-Index", [keys.thread_index(_root(references, token), token)]),
    ]
    return "".join(lines)


def _root(references: list[str], own: str) -> str:
    """The token of the mail of ours that began the conversation."""
    return next((token for known in references if (token := keys.parse_tag(known)) is not None), own)


def _address(text: str, whose: str) -> str:
    """`text` as one plain ASCII address; anything else is refused and not mended: a guess may write to a stranger."""
    try:
        return _ADDRESS.validate_python(text)
    except ValidationError:
        raise LetterError(
            f"{text!r} ({whose}) is no plain mail address",
            "Correct it; a name with accents in its domain is written in its xn-- form.",
        ) from None


def _files(attachments: Iterable[Attachment]) -> tuple[mime.File, ...]:
    files: list[mime.File] = []
    for attachment in attachments:
        if not _CONTENT_TYPE.fullmatch(attachment.content_type):
            raise LetterError(
                f"attachment {attachment.filename!r}: {attachment.content_type!r} is no type of a file",
                'Import it again with a type like "application/pdf".',
            )
        name = _unused(safe_filename(attachment.filename), {file.filename.lower() for file in files})
        files.append(mime.File(name, attachment.content_type, attachment.content))
    return tuple(files)


def safe_filename(name: str) -> str:
    r"""A name that is only a name on every system: no folder, no control or steering character, not hidden, not long.

    >>> safe_filename("../../etc/FA-12\r\n.pdf")
    'FA-12.pdf'
    """
    name = re.split(r"[/\\]", unicodedata.normalize("NFC", name))[-1]
    name = "".join(char for char in name if not _steers(char))
    name = _NOT_IN_FILENAMES.sub("_", name).strip(" .")
    stem, dot, extension = name.rpartition(".")
    if not dot or len(extension) > 10:
        stem, extension = name, ""
    suffix = f".{extension}" if extension else ""
    while len((stem + suffix).encode()) > _FILENAME_BYTES:
        stem = stem[:-1]
    return (stem.strip(" .") or "document") + suffix


def _unused(name: str, taken: set[str]) -> str:
    stem, dot, extension = name.rpartition(".")
    if not dot:
        stem, extension = name, ""
    candidate, count = name, 1
    while candidate.lower() in taken:
        count += 1
        candidate = f"{stem} ({count}){dot}{extension}"
    return candidate


# --- the letter itself -----------------------------------------------------------------------------------------------


def check(letter: Letter) -> None:
    """Refuse data that no reminder may be made of."""
    for what, text in _said_by(letter):
        _refuse_control(what, text)
    if not letter.lines:
        raise LetterError(f"The letter to {letter.customer_name} has no invoice")
    numbers = [line.number for line in letter.lines]
    numbers += [credit.number for credit in letter.credits] + [other.number for other in letter.apart]
    if len(set(numbers)) != len(numbers):
        raise LetterError(f"The letter to {letter.customer_name} names an invoice twice")
    if letter.date.tzinfo is None:
        raise ValueError("the letter's date has no time zone")
    _check_amounts(letter)


def _check_amounts(letter: Letter) -> None:
    if not re.fullmatch("[A-Z]{3}", letter.currency):
        raise LetterError(f"{letter.currency!r} is no currency", "Use its three letters (ISO 4217).")
    cent = Decimal(1).scaleb(-get_currency_precision(letter.currency))
    amounts = [letter.total, letter.to_pay, *(a for line in letter.lines for a in (line.amount, line.balance))]
    for amount in (*amounts, *(c.balance for c in letter.credits), *(a.balance for a in letter.apart)):
        if not amount.is_finite() or amount != amount.quantize(cent):
            raise LetterError(
                f"The letter to {letter.customer_name}: {amount} is no amount of {letter.currency}",
                "Correct the ledger; an amount has no parts of the smallest coin.",
            )
    owed = sum((line.balance for line in letter.lines), Decimal(0))
    if owed != letter.total or owed <= 0:
        raise LetterError(
            f"The letter to {letter.customer_name}: its total is {letter.total}, its invoices sum to {owed}"
        )
    if letter.to_pay <= 0 or any(credit.balance >= 0 for credit in letter.credits):
        raise LetterError(f"The letter to {letter.customer_name}: after its credits nothing is left to pay")


def _said_by(letter: Letter) -> list[tuple[str, str]]:
    texts = [
        ("the company's name", letter.company_name),
        ("the customer's name", letter.customer_name),
        ("the recipient's name", letter.recipient_name),
        ("the thread's subject", letter.thread_subject),
    ]
    for line in letter.lines:
        texts += [("an invoice number", line.number), ("a purchase order", line.purchase_order)]
    texts += [("an invoice number", credit.number) for credit in letter.credits]
    texts += [("an invoice number", other.number) for other in letter.apart]
    if letter.words is not None:
        texts += [("the edited subject", letter.words.subject)]
        texts += [("the edited text", line) for line in letter.words.text.splitlines()]
    if letter.bank is not None:
        texts.append(("the payee", letter.bank.payee))
    if letter.signatory is not None:
        signatory = letter.signatory
        texts += [("the signatory", text) for text in (signatory.name, signatory.title, signatory.phone)]
    return [(what, text) for what, text in texts if text is not None]


def _refuse_control(what: str, text: str) -> None:
    if any(_steers(char) for char in text):
        raise LetterError(
            f"{what} holds a character that is not to be seen: {text!r}", "Correct it where it comes from."
        )


def _steers(char: str) -> bool:
    """Whether `char` ends a line, steers a terminal or the direction of writing, or is half a character."""
    return unicodedata.category(char) in {"Cc", "Cs", "Zl", "Zp"} or char in _BIDIRECTIONAL
