"""`templates check` and `templates preview`: a company looks at its texts before a customer does.

Both render every text in every language by the very code that composes reminders, against letters that are made up
here: one invoice, one that is paid in part, several with an order number and a copy attached, and one with everything
that a letter may hold. Letters on paper are rendered as well, plain and with charges.
"""

from __future__ import annotations

import base64
import html
import webbrowser
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path, PurePosixPath
from typing import Annotated, get_args

import typer
from jinja2 import Environment

from agent.console import Context, Json
from agent.reminders.compose import bank_of, signatory_of
from agent.reminders.letter import compose
from agent.reminders.letter_samples import LetterSample, letter_samples
from agent.reminders.letter_values import (
    Attachment,
    Bank,
    CreditLine,
    Letter,
    LetterCharges,
    LetterLine,
    OtherLine,
    Signatory,
)
from agent.reminders.notice import compose_notice
from agent.reminders.paper import as_pdf
from agent.reminders.payment_code import as_png
from agent.reminders.render import Rendered, qr_id, render
from agent.reminders.templates import languages, mail_environment, text_for, texts
from config import Settings
from config.errors import RelanceError
from config.plans import Channel, Tone, load_plans


def mount(app: typer.Typer) -> None:
    """Add `templates` to the command line."""
    commands = typer.Typer(help="The texts of reminders: the shipped ones and the company's own.", no_args_is_help=True)
    commands.command("check")(check)
    commands.command("preview")(preview)
    app.add_typer(commands, name="templates")


def check(
    context: typer.Context,
    json: Json = False,
) -> None:
    """Render every text in every language against made-up letters; exit 1 where one is wrong."""
    ctx: Context = context.obj
    settings = ctx.settings()
    environment = mail_environment(settings.root)
    rows = [_checked(sample, environment) for sample in samples(settings, environment, ctx.now())]
    rows += [_checked_letter(sample, environment) for sample in letter_samples(settings, environment, ctx.now())]
    ctx.emit(rows, json=json)
    wrong = sum(row.error is not None for row in rows)
    if wrong:
        ctx.say(f"{wrong} of {len(rows)} letters can't be written.")
        raise typer.Exit(1)
    ctx.say(f"All {len(rows)} letters can be written.")


def preview(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where to write; made where missing.")],
    opens: Annotated[
        bool, typer.Option("--open", help="Open the list of them in the browser of this machine.")
    ] = False,
) -> None:
    """Write every mail as an HTML page and every letter as a PDF, with a list of them, and print the paths."""
    ctx: Context = context.obj
    settings = ctx.settings()
    environment = mail_environment(settings.root)
    pages: dict[str, str | bytes] = {
        f"{sample.language}-{sample.file}-{sample.case}.html": as_page(
            sample.letter, render(sample.letter, environment)
        )
        for sample in samples(settings, environment, ctx.now())
    }
    for paper in letter_samples(settings, environment, ctx.now()):
        name = f"{paper.language}-{paper.template}-{paper.case}.pdf"
        pages[name] = as_pdf(compose_notice(paper.notice, environment))
    links = "".join(f'<li><a href="{html.escape(name)}">{html.escape(name)}</a></li>' for name in sorted(pages))
    pages["index.html"] = f"<!doctype html><meta charset=utf-8><title>relance</title><ul>{links}</ul>"
    written = _write(folder, pages)
    ctx.emit([str(path) for path in written], json=False)
    if opens and not webbrowser.open((folder / "index.html").absolute().as_uri()):
        ctx.say(f"No browser could be started here; open {folder / 'index.html'}.")


def as_page(letter: Letter, rendered: Rendered) -> str:
    """The HTML part as a browser shows it: the picture that travels with the mail stands in the page itself."""
    if rendered.qr is None:
        return rendered.html
    picture = base64.b64encode(as_png(rendered.qr)).decode("ascii")
    return rendered.html.replace(f"cid:{qr_id(letter)}", f"data:image/png;base64,{picture}")


def _write(folder: Path, pages: dict[str, str | bytes]) -> list[Path]:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, page in pages.items():
            (folder / name).write_bytes(page if isinstance(page, bytes) else page.encode())
    except OSError as error:
        raise RelanceError(f"{folder}: {error.strerror}", "Name a folder that can be written to.") from error
    return [folder / name for name in pages]


@dataclass(frozen=True, slots=True)
class Checked:
    """One text with one made-up letter; ``error`` is None where it can be written."""

    language: str
    template: str
    tone: str
    case: str
    error: str | None


@dataclass(frozen=True, slots=True)
class Sample:
    """A made-up letter."""

    language: str
    template: str
    tone: str
    case: str
    letter: Letter
    file: str
    """Name of the text's file, without its ending: with the tone where it is a variant."""


def _checked(sample: Sample, environment: Environment) -> Checked:
    try:
        compose(sample.letter, environment)
    except RelanceError as error:
        return Checked(sample.language, sample.template, sample.tone, sample.case, str(error))
    return Checked(sample.language, sample.template, sample.tone, sample.case, None)


def _checked_letter(sample: LetterSample, environment: Environment) -> Checked:
    try:
        compose_notice(sample.notice, environment)
    except RelanceError as error:
        return Checked(sample.language, sample.template, "letter", sample.case, str(error))
    return Checked(sample.language, sample.template, "letter", sample.case, None)


def samples(settings: Settings, environment: Environment, now: datetime) -> Iterator[Sample]:
    """Letters for every text that there is or that a plan names, in every language and in each tone that it has."""
    named = {
        step.template for plan in load_plans(settings).values() for step in plan.steps if step.channel is Channel.MAIL
    }
    for language in languages(environment):
        for template in sorted(named.union(texts(environment))):
            for tone in tones_of(environment, language, template):
                for case, letter in _cases(settings, language, template, now):
                    name = text_for(environment, language, template, tone).name
                    file = PurePosixPath(name).name.removesuffix(".j2")
                    yield Sample(language, template, tone, case, replace(letter, tone=tone), file)


def tones_of(environment: Environment, language: str, template: str) -> tuple[str, ...]:
    """One tone for each template that speaks for `template`: tones that share one are written with the same words."""
    found = {text_for(environment, language, template, tone).name: tone for tone in reversed(get_args(Tone))}
    return tuple(tone for tone in get_args(Tone) if tone in found.values())


def _cases(settings: Settings, language: str, template: str, now: datetime) -> Iterator[tuple[str, Letter]]:
    today = now.astimezone(settings.zone).date()
    whole = _line("FA-2026-0312", today, 12, "1240.00", "1240.00")
    part = replace(_line("FA-2026-0340", today, 5, "12480.50", "300.25"), purchase_order="4500017823", issue_date=None)
    late = _line("FA-2025-1187", today, 1048, "86.40", "86.40")
    pdf = Attachment("FA-2026-0312.pdf", "application/pdf", b"%PDF-1.7\n")
    one = _letter(settings, language, template, (whole,), now)
    yield "one", one
    yield "in_part", replace(one, lines=(part,), total=part.balance, recipient_name=None)
    several = _letter(settings, language, template, (whole, part, late), now)
    yield "several", replace(several, attachments=(pdf,), offers_instalments=True)
    yield "everything", _with_everything(several, now)


def _with_everything(letter: Letter, now: datetime) -> Letter:
    """Credits, what stands apart, charges, an account with its code, a signatory, answers by one click."""
    until = now.date()
    return replace(
        letter,
        credits=(CreditLine("AV-2026-0031", Decimal("-120.00")),),
        apart=(
            OtherLine("FA-2026-0298", until - timedelta(days=40), Decimal("310.00"), "promised"),
            OtherLine("FA-2026-0277", until - timedelta(days=55), Decimal("96.20"), "disputed"),
        ),
        charges=LetterCharges(until, Decimal("18.42"), Decimal("120.00"), is_claimed=False),
        bank=letter.bank or Bank(letter.company_name, "FR7630006000011234567890189", "AGRIFRPP", has_qr=True),
        signatory=letter.signatory or Signatory("Camille Fontaine", "", "+33 4 72 00 00 00"),
        offers_instalments=True,
        one_click=True,
    )


def _line(number: str, today: date, days_late: int, amount: str, balance: str) -> LetterLine:
    due = today - timedelta(days=days_late)
    return LetterLine(number, due - timedelta(days=30), due, Decimal(amount), Decimal(balance), days_late, None)


def _letter(settings: Settings, language: str, template: str, lines: tuple[LetterLine, ...], now: datetime) -> Letter:
    mailbox = next(iter(settings.mailbox.values()))
    return Letter(
        company_name=settings.company.name,
        sender=mailbox.address,
        reply_to=None,
        recipient="payables@customer.example",
        recipient_name="Camille Laurent",
        copies=(),
        customer_name="Menuiserie Lefèvre & Fils",
        language=language,
        template=template,
        tone="friendly",
        level=1,
        currency="EUR",
        lines=lines,
        total=sum((line.balance for line in lines), Decimal(0)),
        message_id=f"<r.{'a' * 26}@{mailbox.domain}>",
        in_reply_to=None,
        references=(),
        thread_subject=None,
        date=now.astimezone(settings.zone),
        bank=bank_of(settings),
        signatory=signatory_of(settings),
        one_click=settings.reminders.one_click,
    )
