"""The room's commands: parse, call, print."""

from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from sqlalchemy import select

from agent.console import By, Context, Json
from agent.reminders import approval_commands, plan, template_commands
from agent.reminders.compose import charge_notes
from agent.reminders.decide import billing_address
from agent.reminders.values import PlannedReminder
from agent.review import outgoing
from config import Settings
from config.errors import NeedsPerson, RelanceError
from models import Delivery, Invoice, Reminder


def mount(app: typer.Typer) -> None:
    """Add the room's commands to the command line."""
    app.command("plan")(plan_command)
    app.command("simulate")(simulate_command)
    app.command("letter")(letter_command)
    app.command("statement")(statement_command)
    app.command("hand-over")(hand_over_command)
    app.command("reminders")(reminders_command)
    app.command("stop-sending")(stop_sending)
    app.command("resume-sending")(resume_sending)
    approval_commands.mount(app)
    template_commands.mount(app)


def plan_command(
    context: typer.Context,
    on: Annotated[datetime | None, typer.Option("--on", formats=["%Y-%m-%d"], help="The day to plan for.")] = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
) -> None:
    """Show what would go out, to whom, and why each other due invoice is left out."""
    ctx: Context = context.obj
    settings, database, now = ctx.settings(), ctx.database(), ctx.now()
    at = now if on is None else _opening(settings, on.date(), now)
    plans = (
        plan.preview(database, settings, now) if on is None else plan.preview_day(database, settings, on.date(), now)
    )
    reminders = [_reminder_row(r, settings, at) for p in plans for r in p.reminders]
    left_out = [
        {"invoice": x.invoice_number, "customer": x.customer_id, "reason": x.reason.value, "detail": x.detail}
        for p in plans
        for x in p.left_out
    ]
    if json:
        document = {"at": at, "mode": settings.policy.mode, "reminders": reminders, "left_out": left_out}
        ctx.emit(document, json=True)
        return
    if settings.policy.mode == "observe":
        ctx.say('Mode "observe": nothing of this is sent. Set policy.mode to "suggest" or "automatic".')
    when = f"at {at.astimezone(settings.zone):%Y-%m-%d %H:%M}" if on is None else f"on {on:%Y-%m-%d}"
    ctx.say(f"{len(reminders)} reminder(s) due {when}, {len(left_out)} invoice(s) left out:")
    ctx.emit([_short(row) for row in reminders], json=False)
    ctx.emit(left_out, json=False)


def _short(row: Mapping[str, Any]) -> dict[str, Any]:
    """A planned reminder on one line of a table."""
    shown = ("customer", "to", "currency", "plan", "step", "channel", "to_pay")
    return {
        **{name: row[name] for name in shown},
        "invoices": ", ".join(i["number"] for i in row["invoices"]),
        "apart": ", ".join(f"{i['number']} ({i['why']})" for i in row["apart"]),
        "because": row["because"],
        "notes": "; ".join(row["notes"]),
    }


def simulate_command(
    context: typer.Context,
    first: Annotated[datetime, typer.Option("--from", formats=["%Y-%m-%d"], help="The first day.")],
    last: Annotated[datetime, typer.Option("--to", formats=["%Y-%m-%d"], help="The last day.")],
    json: Json = False,
) -> None:
    """Show what the plan would send in a time to come, if nobody answered or paid. Sends nothing."""
    ctx: Context = context.obj
    if last < first:
        raise RelanceError(f"--to {last:%Y-%m-%d} lies before --from {first:%Y-%m-%d}", "Swap the two days.")
    if (last - first).days > MOST_DAYS:
        raise RelanceError(f"a simulation of {(last - first).days} days", f"Ask for {MOST_DAYS} days at most.")
    settings, database = ctx.settings(), ctx.database()
    found = plan.foresee(database, settings, first.date(), last.date(), ctx.now())
    rows = [{"at": one.at, **_reminder_row(one.planned, settings, one.at)} for one in found]
    if json:
        ctx.emit(rows, json=True)
        return
    ctx.emit(
        [{"at": f"{row['at'].astimezone(settings.zone):%Y-%m-%d %H:%M}", **_short(row)} for row in rows], json=False
    )
    ctx.say(f"{len(rows)} step(s) from {first:%Y-%m-%d} to {last:%Y-%m-%d}, if nobody answered or paid.")


MOST_DAYS = 800


def statement_command(
    context: typer.Context,
    customer: Annotated[str, typer.Argument(help="Number of a customer.")],
    folder: Annotated[Path, typer.Option("-o", "--output", metavar="DIR", help="Where to write it.")] = Path(),
    json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
) -> None:
    """Write a customer's statement of account as a PDF: all that is open, what was paid on it, the balances."""
    from agent.reminders.enclose import statement_for
    from agent.reminders.loading import customer_views
    from agent.reminders.statement import accounts_of
    from agent.reminders.templates import mail_environment

    ctx: Context = context.obj
    settings, now = ctx.settings(), ctx.now()
    with ctx.database().read() as session:
        views = customer_views(session, settings, now, [customer])
        if not views:
            raise NeedsPerson(f"customer {customer} is not known, or has nothing open")
        made = statement_for(session, settings, views[0], mail_environment(settings.root), now)
    path = folder / made.filename
    _write(path, made.content)
    balances = {account.currency: account.balance() for account in accounts_of(views[0])}
    row = {"customer": customer, "file": str(path), "balance": balances}
    ctx.emit(row if json else [row], json=json)


def _write(path: Path, content: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    except OSError as error:
        raise RelanceError(f"{path}: {error.strerror}", "Name a folder that can be written to.") from error


def hand_over_command(
    context: typer.Context,
    task: Annotated[int, typer.Argument(help="Number of a task, from `relance tasks`.")],
    folder: Annotated[Path, typer.Option("-o", "--output", metavar="DIR", help="Where to write it.")] = Path(),
    json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
) -> None:
    """Write everything on a case (mails, documents, letters, charges, events) into one file, for collection."""
    from agent.reminders.case import hand_over

    ctx: Context = context.obj
    settings = ctx.settings()
    with ctx.database().read() as session:
        made = hand_over(session, settings, task, ctx.now())
    path = folder / made.filename
    _write(path, made.content)
    row = {"task": task, "file": str(path), "sha256": made.sha256}
    ctx.emit(row if json else [row], json=json)


def letter_command(
    context: typer.Context,
    task: Annotated[int, typer.Argument(help="Number of a task of the kind letter, from `relance tasks`.")],
    folder: Annotated[Path, typer.Option("-o", "--output", metavar="DIR", help="Where to write it.")] = Path(),
    by: By = "operator",
    json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
) -> None:
    """Compose the letter that a task asks for (a formal notice) as a PDF, for a person to sign and send; beside it what
    the plan sends along.
    """
    from agent.reminders.letter import safe_filename
    from agent.reminders.letters import compose_letter

    ctx: Context = context.obj
    with ctx.database().write() as session:
        letter = compose_letter(session, ctx.settings(), task, by, ctx.now())
        path = folder / letter.filename
        _write(path, letter.pdf)
        beside = [folder / f"{path.stem}-{n}-{safe_filename(e.filename)}" for n, e in enumerate(letter.enclosures, 1)]
        for place, enclosure in zip(beside, letter.enclosures, strict=True):
            _write(place, enclosure.content)
    row = {
        "task": task, "file": str(path), "sha256": letter.sha256, "invoices": list(letter.invoices),
        "enclosures": [str(place) for place in beside], "notes": list(letter.notes),
    }  # fmt: skip
    ctx.emit(row if json else [row], json=json)
    for note in letter.notes:
        ctx.say(f"Check before you send it: {note}.")
    if letter.without_copy:
        ctx.say(f"No copy is known of {', '.join(letter.without_copy)}: enclose it yourself.")
    ctx.say("Nothing was sent: print it, sign it and send it, then `relance tasks done`.")


def _opening(settings: Settings, day: date, now: datetime) -> datetime:
    """A moment on ``day`` when the company's offices are open: its start of sending hours."""
    hours = settings.reminders.sending_hours
    start = datetime.combine(day, hours.start, tzinfo=settings.zone)
    return max(start, now) if day == now.astimezone(settings.zone).date() else start


def _reminder_row(planned: PlannedReminder, settings: Settings, at: datetime) -> dict[str, Any]:
    return {
        "customer": planned.customer.id,
        "to": billing_address(planned.customer.recipients),
        "currency": planned.currency,
        "plan": planned.plan,
        "plan_version": planned.plan_version,
        "because": planned.because,
        "segment": planned.customer.segment,
        "step": planned.step.name,
        "level": planned.step.level,
        "channel": planned.step.channel.value,
        "approval": planned.step.approval,
        "due_at": planned.due_at,
        "total": planned.total,
        "to_pay": planned.to_pay,
        "invoices": [
            {
                "number": line.invoice.number,
                "step": line.step,
                "due_date": line.invoice.due_date,
                "balance": line.invoice.balance,
                "days_late": line.days_late,
            }
            for line in planned.lines
        ],
        "apart": [
            {"number": x.invoice.number, "balance": x.invoice.balance, "why": x.why.value} for x in planned.apart
        ],
        "credits": [{"number": credit.number, "balance": credit.balance} for credit in planned.credits],
        "notes": [*planned.notes, *charge_notes(planned, settings, at)],
    }


def reminders_command(context: typer.Context, json: Json = False) -> None:
    """List the reminders made so far."""
    ctx: Context = context.obj
    with ctx.database().read() as session:
        query = (
            select(Reminder, Delivery).outerjoin(Delivery, Delivery.reminder_id == Reminder.id).order_by(Reminder.id)
        )
        rows = [_made_row(reminder, delivery) for reminder, delivery in session.execute(query)]
        numbers = dict(session.execute(select(Invoice.id, Invoice.number)).all())
    for row in rows:
        row["invoices"] = [numbers[invoice_id] for invoice_id in row["invoices"]]
    ctx.emit(rows, json=json)


def _made_row(reminder: Reminder, delivery: Delivery | None) -> dict[str, Any]:
    return {
        "id": reminder.id,
        "customer": reminder.customer_id,
        "step": reminder.step,
        "channel": reminder.channel,
        "invoices": [line.invoice_id for line in reminder.lines],
        "state": delivery.state.value if delivery is not None else "task",
        "approval": reminder.approval,
        "message_id": delivery.message.message_id if delivery is not None else None,
        "to": delivery.recipient if delivery is not None else None,
        "subject": delivery.message.subject if delivery is not None else None,
        "sent_at": delivery.sent_at if delivery is not None else None,
        "reply": delivery.reply if delivery is not None else None,
    }


def stop_sending(
    context: typer.Context,
    reason: Annotated[str, typer.Option("--reason", help="Why; `plan` and `doctor` show it.")],
    by: By = "operator",
) -> None:
    """Stop all sending at once, until `resume-sending`."""
    ctx: Context = context.obj
    with ctx.database().write() as session:
        outgoing.stop_all(session, reason, by, ctx.now())
    ctx.say("All sending is stopped.")


def resume_sending(context: typer.Context, by: By = "operator") -> None:
    """Lift every stop of sending."""
    ctx: Context = context.obj
    with ctx.database().write() as session:
        lifted = outgoing.resume_all(session, by, ctx.now())
    ctx.say(f"{lifted} stop(s) lifted." if lifted else "Sending was not stopped.")
