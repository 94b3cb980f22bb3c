"""An answer → the mail that a person's mail program makes of it. Pure.

Threaded to the reminder (In-Reply-To, References), with the reminder quoted below as Outlook, Gmail, Thunderbird or a
phone do it, and the person's signature in between.
"""

import hashlib
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, formataddr
from html import escape

from babel.dates import format_datetime as in_words

from agent.demo import company
from agent.demo.border import domain_of
from agent.demo.company import Customer
from agent.demo.people import Answer
from agent.demo.wordings import Program, filled, programs


def written(answer: Answer) -> bytes:
    """The bytes that leave the person's mail program."""
    reminder, person = answer.reminder, answer.reminder.customer
    is_machine = answer.meaning.kind == "auto_reply"
    program = programs(person.language)[person.program]
    name = person.person if answer.sender == person.address else "Service règlements"
    mail = EmailMessage(policy=SMTP)
    mail["From"] = formataddr((name, answer.sender))
    mail["To"] = formataddr((company.NAME, company.ADDRESS))
    mail["Subject"] = answer.subject or _subject(reminder.subject, program)
    mail["Date"] = format_datetime(answer.at)
    mail["Message-ID"] = message_id(answer)
    mail["In-Reply-To"] = reminder.message_id
    mail["References"] = reminder.message_id
    if is_machine:
        mail["Auto-Submitted"] = "auto-replied"
    new = answer.text if not answer.signed else f"{answer.text}\n{_signature(person, name)}"
    if is_machine:
        mail.set_content(new + "\n", charset="utf-8", cte="quoted-printable")
        return mail.as_bytes()
    head, quoted = _quoted(answer, program)
    tail = f"\n\n{program.footer}" if program.footer else ""
    mail.set_content(f"{new}{tail}\n\n{head}\n{quoted}\n", charset="utf-8", cte="quoted-printable")
    if person.program in {"outlook", "gmail"}:
        mail.add_alternative(_html(new, head, reminder.text, person.program), subtype="html", cte="quoted-printable")
        mail.set_boundary(f"=_{_digest(answer)[:24]}")
    return mail.as_bytes()


def message_id(answer: Answer) -> str:
    return f"<{_digest(answer)[:20]}@{domain_of(answer.sender)}>"


def _digest(answer: Answer) -> str:
    words = f"{answer.sender}\n{answer.at.isoformat()}\n{answer.reminder.message_id}\n{answer.ip}\n{answer.text}"
    return hashlib.sha256(words.encode()).hexdigest()


def _subject(subject: str, program: Program) -> str:
    return subject if subject.lower().startswith("re:") else program.reply + subject


def _signature(person: Customer, name: str) -> str:
    if name != person.person:
        return name
    return name if person.program == "phone" else f"{name}\n{person.role}\n{person.name}"


def _quoted(answer: Answer, program: Program) -> tuple[str, str]:
    """What stands above the quoted reminder, and the reminder as it is quoted."""
    reminder, person = answer.reminder, answer.reminder.customer
    head = filled(
        program.head.strip(),
        when=_moment(reminder.received_at, program, person.language),
        name=company.NAME,
        address=company.ADDRESS,
        recipient=f"{person.person} <{person.address}>",
        subject=reminder.subject,
    )
    if person.program == "outlook":
        return f"________________________________\n{head}\n", reminder.text
    return head, "\n".join(f"> {line}".rstrip() for line in reminder.text.splitlines())


def _moment(at: datetime, program: Program, language: str) -> str:
    return in_words(at, program.date_pattern, tzinfo=at.tzinfo, locale="en_GB" if language == "en" else language)


def _html(new: str, head: str, original: str, program: str) -> str:
    said, above, below = _lines(new), _lines(head.strip("_\n")), _lines(original)
    if program == "gmail":
        return (
            f'<div dir="ltr">{said}</div><br><div class="gmail_quote">'
            f'<div dir="ltr" class="gmail_attr">{above}<br></div>'
            f'<blockquote class="gmail_quote" style="margin:0 0 0 .8ex;border-left:1px solid #ccc;padding-left:1ex">'
            f"{below}</blockquote></div>"
        )
    return (
        f'<html><body><div style="font-family:Calibri,sans-serif;font-size:11pt">{said}</div>'
        f'<div id="appendonsend"></div><hr style="display:inline-block;width:98%" tabindex="-1">'
        f'<div id="divRplyFwdMsg" dir="ltr"><font face="Calibri, sans-serif" style="font-size:11pt">{above}'
        f"</font></div><div>{below}</div></body></html>"
    )


def _lines(text: str) -> str:
    return "<br>\n".join(escape(line) for line in text.splitlines())
