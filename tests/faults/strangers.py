"""The matrix of strangers: who could write, how they could make it look, and what they could say. No row of it moves
a state, and each mail stands before a person with a reason that a person understands.

Every row answers a real reminder of Thursday's, and knows its Message-ID: the stranger has seen one. All come through
the server, the parser and the trained model, as all mail does.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sqlalchemy import select

from models import Decision, ExceptionItem, Invoice, Message
from models.message import Direction
from models.reasons import SENTENCES
from models.states import InvoiceState, MessageState
from tests.builders import mail
from tests.faults import scene
from tests.faults.trials import Outcome, Trial
from tests.faults.world import World

SAYS = {
    "paid": "Bonjour,\n\nLa facture F-1 a été réglée par virement le 5 mars.\n\nCordialement,\nSophie\n",
    "promise": "Hello,\n\nYou will receive our payment on 12 March 2025.\n\nKind regards,\nJo\n",
    "dispute": "Bonjour,\n\nNous contestons la facture F-1 : la marchandise est arrivée cassée.\n",
    "bank": "Bonjour,\n\nNotre RIB a changé : FR7630006000011234567890189. Merci de modifier.\n\nLa compta\n",
}

BORDER = scene.BORDER
_RECEIVED = f"from mail.evil.test by {BORDER}; Fri, 7 Mar 2025 08:00:00 +0100"


@dataclass(frozen=True, slots=True)
class Row:
    """One way to look like the customer `one`. ``head``: header lines in order, from the top."""

    name: str
    head: tuple[str, ...]
    sender: str = "ap@one.test"
    subject: str = "Re: Rappel"
    threaded: bool = True
    text: str = ""
    """In place of what the trial lets everybody say."""


def _passes(domain: str, border: str = BORDER, how: str = "dmarc=pass") -> str:
    return f"Authentication-Results: {border}; {how} header.from={domain}"


RECEIVED = f"Received: {_RECEIVED}"
INNER = "Received: from anywhere.evil.test by relay.evil.test; Fri, 7 Mar 2025 07:59:00 +0100"

MATRIX: tuple[Row, ...] = (
    # --- Authentication-Results -------------------------------------------------------------------------------------
    Row("no result at all", (RECEIVED,)),
    Row("forged result below the border's line", (RECEIVED, _passes("one.test"))),
    Row("forged result below, and a second forged border line", (RECEIVED, _passes("one.test"), RECEIVED)),
    Row("genuine fail above, forged below", (_passes("one.test", how="dmarc=fail"), RECEIVED, _passes("one.test"))),
    Row("pass of an inner relay", (RECEIVED, _passes("one.test", "relay.evil.test"), INNER)),
    Row("id that begins like ours", (_passes("one.test", BORDER + ".evil.test"), RECEIVED)),
    Row("id that ends like ours", (_passes("one.test", "evil-" + BORDER), RECEIVED)),
    Row("id with a homograph", (_passes("one.test", BORDER.replace("e", "е", 1)), RECEIVED)),
    Row("id in a comment", (_passes("one.test", f"({BORDER}; dmarc=pass) evil.test"), RECEIVED)),
    Row("quoted id of another", (_passes("one.test", f'"{BORDER} evil"'), RECEIVED)),
    Row("result of another version", (_passes("one.test", f"{BORDER} 2"), RECEIVED)),
    Row("pass for another domain", (_passes("evil.test"), RECEIVED)),
    Row("pass for a domain that begins alike", (_passes("one.test.evil.test"), RECEIVED)),
    Row("pass for no domain", (f"Authentication-Results: {BORDER}; dmarc=pass", RECEIVED)),
    Row("SPF of the envelope only", (f"Authentication-Results: {BORDER}; spf=pass smtp.mailfrom=one.test", RECEIVED)),
    Row("DKIM of another domain", (f"Authentication-Results: {BORDER}; dkim=pass header.d=evil.test", RECEIVED)),
    Row("pass in a comment of a fail", (_passes("one.test", how="dmarc=fail (dmarc=pass)"), RECEIVED)),
    Row("pass in the reason of a fail", (_passes("one.test", how='dmarc=fail reason="dmarc=pass"'), RECEIVED)),
    Row("two results, one fails", (_passes("one.test"), _passes("one.test", how="dmarc=fail"), RECEIVED)),
    Row("pass in a quoted envelope sender",
        (f'Authentication-Results: {BORDER}; spf=pass smtp.mailfrom="a; dmarc=pass header.from=one.test"@evil.test',
         RECEIVED)),
    Row("domain in a quoted reason",
        (f'Authentication-Results: {BORDER}; dmarc=pass reason="x header.from=one.test" header.from=evil.test',
         RECEIVED)),
    Row("quote that never closes",
        (f'Authentication-Results: {BORDER}; spf=none smtp.mailfrom="a; dmarc=pass header.from=one.test', RECEIVED)),
    Row("bestguesspass", (_passes("one.test", how="dmarc=bestguesspass"), RECEIVED)),
    Row("ARC result only", (f"ARC-Authentication-Results: i=1; {BORDER}; dmarc=pass header.from=one.test", RECEIVED)),
    Row("header named alike", (f"X-Authentication-Results: {BORDER}; dmarc=pass header.from=one.test", RECEIVED)),
    Row("no line of our border at all", (_passes("one.test"),)),
    # --- From --------------------------------------------------------------------------------------------------------
    Row("two From, the first is the customer's", (_passes("one.test"), RECEIVED, "From: evil@evil.test")),
    Row("customer's address as display name", (_passes("evil.test"), RECEIVED), 'ap@one.test" <evil@evil.test>'),
    Row("good <evil>", (_passes("evil.test"), RECEIVED), '"ap@one.test" <evil@evil.test>'),
    Row("good <evil>, unquoted", (_passes("one.test"), RECEIVED), "ap@one.test <evil@evil.test>"),
    Row("two addresses in one From", (_passes("one.test"), RECEIVED), "ap@one.test, evil@evil.test"),
    Row("homograph domain", (_passes("оne.test"), RECEIVED), "ap@оne.test"),
    Row("punycode domain", (_passes("xn--ne-emc.test"), RECEIVED), "ap@xn--ne-emc.test"),
    Row("subdomain of the customer's", (_passes("mail.one.test"), RECEIVED), "ap@mail.one.test"),
    Row("domain that ends alike", (_passes("evil-one.test"), RECEIVED), "ap@evil-one.test"),
    Row("no From", (_passes("one.test"), RECEIVED), ""),
    Row("Sender is the customer", (_passes("evil.test"), RECEIVED, "Sender: ap@one.test"), "evil@evil.test"),
    Row("Reply-To is the customer", (_passes("evil.test"), RECEIVED, "Reply-To: ap@one.test"), "evil@evil.test"),
    # --- known to somebody, but not to this customer -----------------------------------------------------------------
    Row("unknown address, authenticated", (_passes("gmail.com"), RECEIVED), "sophie.one@gmail.com"),
    Row("another customer answers one's reminder", (_passes("two.test"), RECEIVED), "ap@two.test"),
    Row("unknown address, no thread", (_passes("freemail.test"), RECEIVED), "x@freemail.test", threaded=False),
    Row("known address, no thread, no result", (RECEIVED,), threaded=False),
    Row("guessed thread key", (_passes("evil.test"), RECEIVED, "References: <r.aaaaaaaaaaaaaaaaaaaaaaaaaa@morel.test>"),
        "evil@evil.test", threaded=False),
    Row("number in the subject", (RECEIVED,), subject="Re: F-1 F-2 F-3", threaded=False),
    Row("forwarded claim", (RECEIVED,), "boss@elsewhere.test", "Fwd: Rappel", threaded=False,
        text="FYI\n\n---------- Forwarded message ---------\nFrom: Sophie <ap@one.test>\nDate: Fri, 7 Mar 2025\n"
        "Subject: Re: Rappel\nTo: compta@morel.test\n\nLa facture F-1 a été réglée le 5 mars.\n"),
    Row("quotes another customer's reminder", (_passes("two.test"), RECEIVED), "ap@two.test",
        text="La facture F-1 est payée.\n\n> Ateliers Morel : Rappel de la facture F-1, One SA\n"),
)  # fmt: skip


def letters(world: World, says: str) -> Iterator[tuple[Row, bytes]]:
    for number, row in enumerate(MATRIX):
        names = {"References": world.reminders["one"], "In-Reply-To": world.reminders["one"]} if row.threaded else {}
        body = mail.letter(
            row.text or SAYS[says], sender=row.sender or None, to=(scene.ADDRESS,), subject=row.subject,
            date=scene.FRIDAY, message_id=f"<stranger-{number}@evil.test>", headers=names,
        )  # fmt: skip
        head = "".join(f"{line}\r\n" for line in row.head)
        yield row, head.encode() + body


@dataclass(frozen=True, slots=True)
class Seen:
    """What relance made of the strangers' mails. Each dictionary is by the row's name."""

    missing: tuple[str, ...]
    moved: Mapping[str, str]
    """Rows by which anything of an invoice was decided."""
    unasked: Mapping[str, str]
    """Rows that no person is asked about, and in which state they are."""
    reasons: Mapping[str, str]
    """The sentence and the detail that a person reads."""
    invoices: Mapping[str, InvoiceState]


def look(world: World, sent: list[Row]) -> Seen:
    """Read the rows after the cycle."""
    names = {f"<stranger-{number}@evil.test>": row.name for number, row in enumerate(sent)}
    moved: dict[str, str] = {}
    unasked: dict[str, str] = {}
    reasons: dict[str, str] = {}
    with world.opened() as database, database.read() as session:
        found = {
            str(m.message_id): m for m in session.scalars(select(Message).where(Message.direction == Direction.IN))
        }
        for message_id, name in names.items():
            message = found.get(message_id)
            if message is None:
                continue
            for decision in session.scalars(select(Decision).where(Decision.message_id == message.id)):
                if decision.action not in {"queue", "take_note"}:
                    moved[name] = f"{decision.action} by rule {decision.rule}"
            item = session.scalar(select(ExceptionItem).where(ExceptionItem.message_id == message.id))
            if item is None or message.state is not MessageState.QUEUED:
                unasked[name] = str(message.state)
            else:
                reasons[name] = f"{SENTENCES[item.reason]} {item.detail}"
        invoices = {i.number: i.state for i in session.scalars(select(Invoice))}
    missing = tuple(name for message_id, name in names.items() if message_id not in found)
    return Seen(missing, moved, unasked, reasons, invoices)


def strangers(world: World, trial: Trial) -> Outcome:
    """All rows at once, all saying the same; `trial.what` says what."""
    world.undisturbed(kind=trial.kind, files=trial.files)
    world.reset(kind=trial.kind, files=trial.files)
    world.empty_inbox()
    rows = []
    for row, raw in letters(world, trial.what):
        world.account.append(raw)
        rows.append(row)
    ended = world.cycle()
    if ended.code != 0 or ended.failures:
        raise AssertionError(f"it failed: {ended}")
    seen = look(world, rows)
    told = [f"{name}: {what}" for name, what in seen.moved.items()]
    told += [f"nobody is asked about “{name}” ({state})" for name, state in seen.unasked.items()]
    told += [
        f"invoice {number} moved to {state}" for number, state in seen.invoices.items()
        if number in {f"F-{n}" for n in range(1, 8)} and state is not InvoiceState.REMINDED
    ]  # fmt: skip
    lost = tuple(f"not known: {name}" for name in seen.missing)
    return Outcome(str(trial), trial.group, struck=True, lost=lost, doubled=tuple(told), cases=len(rows))
