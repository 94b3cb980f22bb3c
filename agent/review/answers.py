"""An answer that a person writes from the queue: drafted from a template in the customer's language, edited, and sent
in the conversation by the same deliveries as every reminder.

The bytes and the Message-ID are frozen with the reservation; the Message-ID is an HMAC over the item and the form's own
nonce, so that a form that is sent twice makes one mail. Bank details come from this company's configuration and from
nowhere else. What the person wrote is theirs: nothing of it is read back or judged, but it can't reach a header.
"""

import re
import secrets
from dataclasses import dataclass
from datetime import date, datetime
from email.utils import format_datetime
from html import escape

from jinja2 import Environment, TemplateNotFound
from pydantic import TypeAdapter, ValidationError
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from agent.inbound import identity, keys
from agent.inbound.store import reading_of
from agent.reminders import mime
from agent.reminders.compose import bank_of
from agent.reminders.letter import safe_filename
from agent.reminders.letter_values import Attachment
from agent.reminders.loading import ledger_view
from agent.reminders.templates import Catalogue, catalogue_for, mail_environment
from agent.review import queue
from config import Mailbox, Settings
from config.errors import NeedsPerson
from config.fields import MailAddress
from models import Blob, Contact, Customer, Database, Delivery, Document, ExceptionItem, Invoice, Message, blob, events
from models.message import Direction
from models.states import CLOSED

DRAFTS = ("received", "invoice_copy", "plan_accepted", "dispute_received", "bank_details")
"""Names of the drafts: `templates/answers/<language>/<name>.txt.j2`."""
LONGEST = 20_000
LONGEST_SUBJECT = 300
_STEERING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_ID = re.compile(r"<[!-;=?A-~]{1,240}@[!-;=?A-~]{1,240}>")
_ADDRESS: TypeAdapter[str] = TypeAdapter(MailAddress)
_NONCE = re.compile(r"[A-Za-z0-9_-]{16,64}")


@dataclass(frozen=True, slots=True)
class Draft:
    """A text to begin from. ``attach``: numbers of the invoices whose PDF goes along."""

    name: str
    subject: str
    text: str
    attach: tuple[str, ...]
    recipient: str
    nonce: str


@dataclass(frozen=True, slots=True)
class Wish:
    """What the form says."""

    item_id: int
    subject: str
    text: str
    with_invoices: tuple[str, ...]
    nonce: str
    by: str


@dataclass(frozen=True, slots=True)
class Sent:
    """The mail that waits in the outbox; ``is_new``: false where the same form was sent before."""

    message_id: str
    recipient: str
    is_new: bool


def drafts(session: Session, item_id: int, settings: Settings, by: str) -> list[Draft]:
    """What could be answered to the mail of an item; none where it has no mail that somebody could be answered."""
    item = session.get(ExceptionItem, item_id)
    message = session.get(Message, item.message_id) if item is not None and item.message_id is not None else None
    if item is None or message is None or message.kind != "human" or message.direction is not Direction.IN:
        return []
    recipient = _recipient(session, message)
    if recipient is None:
        return []
    customer = session.get(Customer, item.customer_id) if item.customer_id is not None else None
    language = (customer.language if customer is not None else None) or settings.company.language
    environment = mail_environment(settings.root)
    catalogue = catalogue_for(environment, language)
    invoices = _invoices(session, item)
    subject = _subject(message.subject or "")
    found = [
        Draft("own", subject, _own(environment, catalogue, settings, by), (), recipient, secrets.token_urlsafe(18))
    ]
    for name in DRAFTS:
        if name == "bank_details" and bank_of(settings) is None:
            continue
        text = _text(environment, catalogue, name, settings, by, customer, invoices, _promised(session, message))
        attach = tuple(i.number for i in invoices) if name == "invoice_copy" else ()
        found.append(Draft(name, subject, text, attach, recipient, secrets.token_urlsafe(18)))
    return found


def _promised(session: Session, message: Message) -> date | None:
    from agent.replies.store import prediction_of  # noqa: PLC0415 replies use the queue, which this room is

    prediction = prediction_of(session, message.id)
    return prediction.promise_date if prediction is not None else None


def _text(
    environment: Environment,
    catalogue: Catalogue,
    name: str,
    settings: Settings,
    by: str,
    customer: Customer | None,
    invoices: list[Invoice],
    promised: date | None,
) -> str:
    template = f"answers/{catalogue.language}/{name}.txt.j2"
    try:
        found = environment.get_template(template)
    except TemplateNotFound:
        found = environment.get_template(f"answers/en/{name}.txt.j2")
    return found.render(
        company=settings.company.name,
        person=by,
        customer=customer.name if customer is not None else "",
        numbers=[invoice.number for invoice in invoices],
        total=_total(catalogue, invoices),
        promised=catalogue.day_in_words(promised) if promised is not None else None,
        phrases=catalogue.phrases,
        bank=_bank(settings),
    ).strip()


def _bank(settings: Settings) -> dict[str, str]:
    """Where customers pay to, by the settings and by nothing that a mail says."""
    bank = bank_of(settings)
    if bank is None:
        return {}
    return {"payee": bank.payee, "iban": " ".join(re.findall(".{1,4}", bank.iban)), "bic": bank.bic}


def _own(environment: Environment, catalogue: Catalogue, settings: Settings, by: str) -> str:
    return _text(environment, catalogue, "own", settings, by, None, [], None)


def _total(catalogue: Catalogue, invoices: list[Invoice]) -> str | None:
    """What is open on the invoices, where they are of one currency."""
    currencies = {invoice.currency for invoice in invoices}
    if len(currencies) != 1:
        return None
    owed = [invoice.balance for invoice in invoices if invoice.balance > 0]
    return catalogue.money(sum(owed[1:], owed[0]), currencies.pop()) if owed else None


def _invoices(session: Session, item: ExceptionItem) -> list[Invoice]:
    ids = [link.invoice_id for link in item.links if link.invoice_id is not None]
    query = select(Invoice).where(Invoice.id.in_(ids), Invoice.state.not_in(CLOSED))
    return list(session.scalars(query.order_by(Invoice.due_date, Invoice.id)))


def _recipient(session: Session, message: Message) -> str | None:
    """Who is answered: the mail's one strict sender, never a Reply-To, which anybody can point elsewhere."""
    sender = reading_of(session, message.id).sender
    if sender is None:
        return None
    return sender.address


def is_known(session: Session, address: str, customer_id: str | None) -> bool:
    """Whether the address is one of the customer's contacts: what is sent to another one may tell a stranger."""
    query = select(Contact.id).where(Contact.customer_id == customer_id, Contact.email == address.lower())
    return session.scalar(query.limit(1)) is not None


def _subject(subject: str) -> str:
    bare = re.sub(r"(?i)^(\s*(re|aw|sv|antw)\s*:\s*)+", "", subject).strip()
    return f"Re: {_clean_line(bare)}"[:LONGEST_SUBJECT]


def _clean_line(text: str) -> str:
    return " ".join(_STEERING.sub(" ", text).split())


# --- sending ---------------------------------------------------------------------------------------------------------


def send(database: Database, settings: Settings, wish: Wish, now: datetime) -> Sent:
    """Put the answer into the outbox, once. Raises NeedsPerson where nothing may be sent, or the form is unfit."""
    try:
        with database.write() as session:
            return put(session, database, settings, wish, now)
    except IntegrityError:
        # The same form on another connection was quicker: its mail is this mail.
        with database.read() as session:
            return _already(session, database, settings, wish)


def put(session: Session, database: Database, settings: Settings, wish: Wish, now: datetime) -> Sent:
    """`send` within the caller's transaction, for who sees to requests that come twice at once."""
    if settings.policy.mode == "observe":
        raise NeedsPerson(
            'in the mode "observe" nothing is sent', 'Answer from your mail program, or set policy.mode to "suggest".'
        )
    if not _NONCE.fullmatch(wish.nonce):
        raise NeedsPerson("the form is not one of ours", "Open the item again.")
    text = _STEERING.sub("", wish.text.replace("\r\n", "\n").replace("\r", "\n")).strip()[:LONGEST]
    if not text:
        raise NeedsPerson("the answer is empty")
    return _reserve(session, database, settings, wish, text, now)


def _key(wish: Wish) -> str:
    return f"answer\n{wish.item_id}\n{wish.nonce}"


def _mailbox(settings: Settings, name: str) -> tuple[str, Mailbox]:
    return (name, settings.mailbox[name]) if name in settings.mailbox else next(iter(settings.mailbox.items()))


def _already(session: Session, database: Database, settings: Settings, wish: Wish) -> Sent:
    item = session.get_one(ExceptionItem, wish.item_id)
    message = session.get_one(Message, item.message_id)
    message_id = keys.make_message_id(database.key.secret, _key(wish), _mailbox(settings, message.mailbox)[1].domain)
    found = session.scalars(
        select(Delivery).join(Message, Message.id == Delivery.message_id).where(Message.message_id == message_id)
    ).one()
    return Sent(message_id, found.recipient, is_new=False)


def _reserve(session: Session, database: Database, settings: Settings, wish: Wish, text: str, now: datetime) -> Sent:
    item = session.get(ExceptionItem, wish.item_id)
    message = session.get(Message, item.message_id) if item is not None and item.message_id is not None else None
    if item is None or message is None:
        raise NeedsPerson(f"item {wish.item_id} has no mail to answer")
    recipient = _recipient(session, message)
    if recipient is None:
        raise NeedsPerson("the mail has not exactly one sender, so nobody knows whom an answer would reach")
    if item.customer_id is None:
        raise NeedsPerson("the mail belongs to no customer; answer it from your mail program")
    if wish.with_invoices and not is_known(session, recipient, item.customer_id):
        raise NeedsPerson(
            f"{recipient} is no contact of the customer: no invoice is sent there",
            "Import it as a contact first, or answer without the copies.",
        )
    ledger = ledger_view(session, settings, database)
    if not ledger.is_bound_here:
        raise NeedsPerson("this database was made elsewhere: nothing is sent until `relance adopt` was given")
    name, mailbox = _mailbox(settings, message.mailbox)
    message_id = keys.make_message_id(database.key.secret, _key(wish), mailbox.domain)
    before = session.scalar(select(Message.id).where(Message.message_id == message_id))
    if before is not None:
        return Sent(message_id, recipient, is_new=False)
    queue.must_be_free_for(item, wish.by)
    reading = reading_of(session, message.id)
    files = _copies(session, item, wish.with_invoices)
    raw = compose(
        sender=(settings.company.name, _checked(mailbox.address)),
        recipient=_checked(recipient),
        subject=_clean_line(wish.subject)[:LONGEST_SUBJECT] or _subject(message.subject or ""),
        text=text,
        message_id=message_id,
        in_reply_to=reading.message_id,
        references=(*reading.references, *([reading.message_id] if reading.message_id else [])),
        at=now.astimezone(settings.zone),
        files=files,
    )
    row = Message(
        dkey=identity.identify(raw).dkey,
        direction=Direction.OUT,
        mailbox=name,
        message_id=message_id,
        blob_sha256=blob.keep(session, raw),
        size=len(raw),
        received_at=now,
        subject=_clean_line(wish.subject)[:LONGEST_SUBJECT],
        thread_id=message.thread_id,
        customer_id=item.customer_id,
        created_at=now,
    )
    session.add(row)
    session.flush()
    delivery = Delivery(
        message_id=row.id, customer_id=item.customer_id, mailbox=name, recipient=recipient, copies=[], not_before=now,
        created_at=now,
    )  # fmt: skip
    session.add(delivery)
    events.record(
        session, "answer.written", delivery, actor=wish.by, at=now, exception=item.id, message=message.id,
        message_id=message_id, files=len(files),
    )  # fmt: skip
    return Sent(message_id, recipient, is_new=True)


def _copies(session: Session, item: ExceptionItem, numbers: tuple[str, ...]) -> list[Attachment]:
    """The PDFs of the named invoices of this item's customer. Raises NeedsPerson where one has none."""
    found: list[Attachment] = []
    for number in dict.fromkeys(numbers):
        query = (
            select(Document, Blob)
            .join(Blob, Blob.sha256 == Document.sha256)
            .join(Invoice, Invoice.id == Document.invoice_id)
            .where(Invoice.number == number, Invoice.customer_id == item.customer_id, Document.kind == "invoice")
            .order_by(Document.id)
        )
        rows = session.execute(query).all()
        if not rows:
            raise NeedsPerson(
                f"there is no PDF of {number} to attach",
                f"Add it: `relance attach {number} FILE.pdf`; or leave it out.",
            )
        found += [Attachment(document.filename, document.content_type, held.content) for document, held in rows]
    return found


def compose(
    *,
    sender: tuple[str, str],
    recipient: str,
    subject: str,
    text: str,
    message_id: str,
    in_reply_to: str | None,
    references: tuple[str, ...],
    at: datetime,
    files: list[Attachment],
) -> bytes:
    """The bytes of a person's answer. Not marked as automatic: a person wrote it, and may be answered by a machine."""
    lines = [
        mime.addresses("From", [sender]),
        mime.addresses("To", [("", recipient)]),
        mime.header("Subject", subject),
        mime.structured("Date", [format_datetime(at)]),
        mime.structured("Message-ID", [message_id]),
    ]
    if in_reply_to is not None and _ID.fullmatch(in_reply_to):
        lines.append(mime.structured("In-Reply-To", [in_reply_to]))
    known = [one for one in dict.fromkeys(references) if _ID.fullmatch(one)]
    if known:
        lines.append(mime.structured("References", known[:1] + known[1:][-20:]))
    paragraphs = "".join(
        f"<p>{escape(paragraph).replace(chr(10), '<br>')}</p>" for paragraph in text.split("\n\n") if paragraph.strip()
    )
    html = f'<!doctype html><html><body style="font-family:sans-serif;font-size:15px">{paragraphs}</body></html>'
    return ("".join(lines) + mime.body(message_id, text, html, _files(files))).encode("ascii")


def _checked(address: str) -> str:
    """A plain ASCII address; anything else is refused and not mended: a guess may write to a stranger."""
    try:
        return _ADDRESS.validate_python(address)
    except ValidationError:
        raise NeedsPerson(f"{address!r} is no plain mail address", "Answer from your mail program.") from None


def _files(attachments: list[Attachment]) -> list[mime.File]:
    """The copies under harmless names, no two alike."""
    files: list[mime.File] = []
    for place, one in enumerate(attachments, 1):
        name = safe_filename(one.filename)
        if name.lower() in {file.filename.lower() for file in files}:
            name = f"{place}-{name}"
        is_pdf = one.content_type == "application/pdf"
        files.append(mime.File(name, "application/pdf" if is_pdf else "application/octet-stream", one.content))
    return files
