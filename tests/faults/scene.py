"""The company of the laboratory, and one morning of its mailbox: some of everything that relance does in one cycle.

On Thursday seven customers are reminded, undisturbed. On Friday at ten their answers lie in the mailbox, between mail
that is nobody's, and three further customers are due. The cycle that then reads, decides and sends is what faults hit.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from tests.builders import mail

PARIS = ZoneInfo("Europe/Paris")
THURSDAY = datetime(2025, 3, 6, 10, 0, tzinfo=PARIS)
FRIDAY = datetime(2025, 3, 7, 10, 0, tzinfo=PARIS)
BORDER = "mx.example.test"
ADDRESS = "compta@morel.test"

REMINDED = ("one", "two", "three", "four", "five", "six", "seven")
DUE = ("eight", "nine", "ten")

CUSTOMERS = "id,name,email\n" + "".join(f"{name},{name.title()} SA,ap@{name}.test\n" for name in (*REMINDED, *DUE))
INVOICES = "number,customer_id,due_date,amount\n" + "".join(
    [
        *(f"F-{place},{name},2025-03-03,{100 + place}.00\n" for place, name in enumerate(REMINDED, 1)),
        *(f"F-{place},{name},2025-03-04,{100 + place}.00\n" for place, name in enumerate(DUE, 8)),
        "F-11,nine,2025-03-04,55.50\n",
    ]
)
PAYMENTS = "id,date,amount,customer_id\n"

REUSED = "<answer@two.test>"
"""The Message-ID that a second, other mail has, too."""
DECOY = "<decoy@news.test>"
"""A newsletter: what people may delete before anybody else has seen it."""


@dataclass(frozen=True, slots=True)
class Arrived:
    """A mail in the mailbox on Friday morning, and where it lies."""

    raw: bytes
    folder: str = "INBOX"


def answers(reminders: Mapping[str, str]) -> Iterator[Arrived]:
    """What came in since Thursday; `reminders` are the Message-IDs of the mails that customers got."""

    def say(who: str, text: str, *, vouched: bool = True, **more: object) -> bytes:
        headers = _vouched(f"{who}.test") if vouched else {}
        return mail.reply(
            reminders[who], text, sender=f"ap@{who}.test", to=(ADDRESS,), date=FRIDAY - timedelta(hours=2),
            message_id=f"<answer@{who}.test>", **{"headers": headers, **more},
        )  # fmt: skip

    paid = say("one", "Bonjour,\n\nLa facture F-1 a été réglée par virement le 5 mars.\n\nCordialement,\nSophie\n")
    yield Arrived(paid)
    yield Arrived(say("two", "Hello,\n\nYou will receive our payment on 12 March 2025.\n\nKind regards,\nJo\n"))
    yield Arrived(say("three", "Bonjour,\n\nNous contestons la facture F-3 : la marchandise est arrivée cassée.\n"))
    yield Arrived(say("four", "Bonjour,\n\nPourriez-vous nous renvoyer la facture F-4 en PDF ?\n\nMerci\n"))
    yield Arrived(mail.bounce(reminders["five"], recipient="ap@five.test", date=FRIDAY - timedelta(hours=20)))
    yield Arrived(say("six", "La facture F-6 a été payée hier.\n", vouched=False))
    yield Arrived(
        mail.auto_reply(
            reminders["seven"],
            "Je suis absente jusqu'au 14 mars 2025.\n",
            sender="ap@seven.test",
            to=(ADDRESS,),
            date=FRIDAY - timedelta(hours=19),
            message_id="<away@seven.test>",
            headers={"Auto-Submitted": "auto-replied", **_vouched("seven.test")},
        )
    )
    yield Arrived(mail.letter("No name.\n", sender="x@y.test", to=(ADDRESS,), message_id=None, date=FRIDAY))
    yield Arrived(mail.letter("Other words.\n", sender="z@y.test", to=(ADDRESS,), message_id=REUSED, date=FRIDAY))
    yield Arrived(paid, "Archive")
    yield Arrived(mail.letter("Spring sale\n", sender="shop@news.test", to=(ADDRESS,), message_id=DECOY, date=FRIDAY))


def _vouched(domain: str) -> dict[str, str]:
    return {
        "Authentication-Results": f"{BORDER}; dmarc=pass header.from={domain}",
        "Received": f"from mail.{domain} by {BORDER}; Fri, 7 Mar 2025 08:00:00 +0100",
    }


def later_answer(reminder: str, who: str, text: str) -> bytes:
    """An answer to one of Friday's reminders, on Friday afternoon."""
    return mail.reply(
        reminder, text, sender=f"ap@{who}.test", to=(ADDRESS,), date=FRIDAY + timedelta(hours=5),
        message_id=f"<late@{who}.test>", headers=_vouched(f"{who}.test"),
    )  # fmt: skip
