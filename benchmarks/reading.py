"""Time to read a mail, against libraries that take quotes off, over one generated corpus in one run.

    pip install --group bench && python -m benchmarks.reading [--mails 600] [--rounds 5]

A peer gets what it needs to answer the same question, what is new in this mail: the standard library parses the
message (`policy.default`, as its manual shows), the text part (or the HTML without its tags) goes to the library.
relance does more in the same time: kind, delivery reports, sender, authentication, signatures, numbers, language. Every
candidate reads every mail once a round, in turn, so that a busy machine burdens all alike; the least time of the
rounds counts. Only the ratios mean anything, and only for this corpus.
"""

from __future__ import annotations

import argparse
import base64
import random
import re
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from importlib import import_module
from statistics import median

from agent.inbound.reading import read_message

NOW = datetime(2026, 3, 11, 10, 0, tzinfo=UTC)
Candidate = Callable[[bytes], object]

_ANSWERS = {
    "en": (
        "Hello,",
        "We will pay invoice {n} on 20 March.",
        "Kind regards,",
        "On Mon, 2 Mar 2026 at 09:12, {f} wrote:",
    ),
    "fr": (
        "Bonjour,",
        "Le virement de la facture {n} est parti.",
        "Cordialement,",
        "Le lun. 2 mars 2026 à 09:12, {f} a écrit :",
    ),
    "de": (
        "Guten Tag,",
        "die Rechnung {n} ist falsch.",
        "Mit freundlichen Grüßen",
        "Am Mo., 2. März 2026 um 09:12 Uhr schrieb {f}:",
    ),
    "es": ("Hola,", "¿Pueden enviar la factura {n}?", "Un saludo,", "El lun, 2 mar 2026 a las 9:12, {f} escribió:"),
    "it": (
        "Buongiorno,",
        "pagheremo {n} venerdì.",
        "Cordiali saluti",
        "Il giorno lun 2 mar 2026 alle ore 09:12 {f} ha scritto:",
    ),
    "nl": (
        "Beste,",
        "Factuur {n} is vorige week betaald.",
        "Met vriendelijke groet,",
        "Op ma 2 mrt 2026 om 09:12 schreef {f}:",
    ),
}
_REMINDER = (
    "Dear customer,\n\nUnless we are mistaken, invoice {n} of 1,240.00 EUR was due on 15 February 2026 and has not "
    "reached us.\nPlease arrange payment within eight days, or tell us what stands in its way.\n\n"
    "Kind regards\nAteliers Morel SAS\n12 rue des Forges, 69003 Lyon\n"
)


def corpus(mails: int, seed: int = 7) -> Iterator[bytes]:
    """Answers in six languages, short and long, plain and HTML, with and without attachment, and delivery reports."""
    dice = random.Random(seed)  # noqa: S311 the same mails on every machine
    for number in range(mails):
        mail = EmailMessage(policy=policy.SMTP)
        mail["From"], mail["To"] = f"Anna Weiß <anna{number}@customer.test>", "ar@example.test"
        mail["Subject"], mail["Date"] = f"Re: F26-{number:04}", NOW
        mail["Message-ID"], mail["In-Reply-To"] = f"<{number}@customer.test>", "<r.abc@example.test>"
        for hop in range(dice.randint(2, 7)):
            mail["Received"] = (
                f"from mx{hop}.customer.test by mx{hop + 1}.example.test with ESMTPS id {number}; {NOW:%c}"
            )
        text, html = _answer(number, dice)
        mail.set_content(text, cte=dice.choice(("8bit", "quoted-printable", "base64")))
        if dice.random() < 0.6:
            mail.add_alternative(html, subtype="html", cte="quoted-printable")
        if dice.random() < 0.2:
            mail.add_attachment(base64.b64encode(dice.randbytes(30_000)), maintype="application", subtype="pdf")
        yield mail.as_bytes() if number % 10 else _report(number)


def _answer(number: int, dice: random.Random) -> tuple[str, str]:
    hello, said, bye, header = dice.choice(list(_ANSWERS.values()))
    lines = [hello, "", said.format(n=f"F26-{number:04}"), "", bye, "Anna Weiß", "", "-- ", "Anna Weiß, +49 30 1234567"]
    history = _REMINDER.format(n=f"F26-{number:04}")
    for _ in range(dice.choice((0, 0, 1, 4))):
        history += f"\n{header.format(f='Anna <anna@customer.test>')}\n" + re.sub("(?m)^", "> ", history)
    opening = header.format(f="Morel <ar@example.test>")
    text = "\n".join(lines) + f"\n\n{opening}\n" + re.sub("(?m)^", "> ", history)
    html = (
        "<p>"
        + "<br>".join(lines)
        + f'</p><div class="gmail_quote">{opening}<blockquote>'
        + "</p><p>".join(history.split("\n"))
    )
    return text, f"<html><body>{html}</blockquote></div></body></html>"


def _report(number: int) -> bytes:
    return (
        "Return-Path: <>\r\nFrom: MAILER-DAEMON@mx.example.test\r\nSubject: Undelivered Mail Returned to Sender\r\n"
        "MIME-Version: 1.0\r\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n"
        "--b\r\n\r\n"
        f"<anna{number}@customer.test>: user unknown\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\n"
        f"Reporting-MTA: dns; mx\r\n\r\nFinal-Recipient: rfc822; anna{number}@customer.test\r\nAction: failed\r\n"
        "Status: 5.1.1\r\n--b--\r\n"
    ).encode()


def body_of(raw: bytes) -> str:
    """The text that a peer is given."""
    message = message_from_bytes(raw, policy=policy.default)
    part = message.get_body(("plain", "html"))
    text = str(part.get_content()) if part is not None else ""
    is_html = part is not None and part.get_content_subtype() == "html"
    return re.sub(r"<[^>]+>", " ", text) if is_html else text


def peers() -> Mapping[str, Candidate]:
    """The installed ones, each as its manual shows."""
    found: dict[str, Candidate] = {"standard library, no quotes taken off": body_of}
    for name, module, call in (
        ("mail-parser-reply", "mailparser_reply", _mail_parser_reply),
        (
            "email-reply-parser",
            "email_reply_parser",
            lambda m: lambda raw: m.EmailReplyParser.parse_reply(body_of(raw)),
        ),
        ("quotequail", "quotequail", lambda m: lambda raw: m.quote(body_of(raw))),
    ):
        try:
            found[name] = call(import_module(module))
        except ModuleNotFoundError:
            continue
    return found


def _mail_parser_reply(module: object) -> Candidate:
    parser = getattr(module, "EmailReplyParser")(languages=list(_ANSWERS))  # noqa: B009 a library without types
    return lambda raw: parser.parse_reply(text=body_of(raw))


def measure(mails: list[bytes], candidates: Mapping[str, Candidate], rounds: int) -> dict[str, list[float]]:
    """Seconds a mail, the least of the rounds for each."""
    least: dict[str, list[float]] = {name: [float("inf")] * len(mails) for name in candidates}
    for _ in range(rounds):
        for number, raw in enumerate(mails):
            for name, read in candidates.items():
                begun = time.perf_counter()
                read(raw)
                least[name][number] = min(least[name][number], time.perf_counter() - begun)
    return least


def main() -> None:
    """Measure, and print ratios to relance."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--mails", type=int, default=600)
    options.add_argument("--rounds", type=int, default=5)
    given = options.parse_args()
    candidates: dict[str, Candidate] = {"relance": lambda raw: read_message(raw, None, NOW), **peers()}
    times = measure(list(corpus(given.mails)), candidates, given.rounds)
    own = times["relance"]
    print(f"{given.mails} mails, {given.rounds} rounds; relance = 1.00\n{'':40}{'sum':>8}{'median':>8}{'slowest':>8}")
    for name, each in times.items():
        ratios = (sum(each) / sum(own), median(each) / median(own), max(each) / max(own))
        print(f"{name:40}" + "".join(f"{ratio:8.2f}" for ratio in ratios))


if __name__ == "__main__":
    main()
