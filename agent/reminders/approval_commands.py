"""`approvals`: what waits for a person's word, on the command line."""

from typing import Annotated

import click
import typer

from agent.console import By, Context, Json
from agent.reminders import approve, edit
from agent.reminders.letter_values import Words
from models import Customer, Invoice


def mount(app: typer.Typer) -> None:
    """Add `approvals` to the command line."""
    commands = typer.Typer(help="Reminders that wait for a person's word.", invoke_without_command=True)
    commands.callback()(approvals_list)
    commands.command("show")(approvals_show)
    commands.command("approve")(approvals_approve)
    commands.command("edit")(approvals_edit)
    commands.command("skip")(approvals_skip)
    app.add_typer(commands, name="approvals")


def approvals_list(
    context: typer.Context,
    owner: Annotated[str | None, typer.Option("--owner", help="Only those that wait for this sales owner.")] = None,
    json: Json = False,
) -> None:
    """List the reminders that wait for approval."""
    if context.invoked_subcommand is not None:
        return
    ctx: Context = context.obj
    with ctx.database().read() as session:
        rows = []
        for reminder in approve.waiting(session, owner):
            customer = session.get_one(Customer, reminder.customer_id)
            numbers = [session.get_one(Invoice, line.invoice_id).number for line in reminder.lines]
            total = sum(line.balance for line in reminder.lines)
            rows.append(
                {
                    "id": reminder.id, "customer": customer.id, "name": customer.name, "step": reminder.step,
                    "invoices": numbers, "total": total, "currency": reminder.currency,
                    "plan": reminder.plan, "approver": reminder.approver,
                }
            )  # fmt: skip
    ctx.emit(rows, json=json)


Ids = Annotated[list[int], typer.Argument(help="Numbers from `relance approvals`.")]


def approvals_approve(
    context: typer.Context,
    ids: Ids,
    by: By = "operator",
    instead_of_owner: Annotated[
        bool, typer.Option("--instead-of-owner", help="Also those that wait for a sales owner's word; the log says so.")
    ] = False,
) -> None:
    """Let reminders go out as they are composed."""
    ctx: Context = context.obj
    with ctx.database().write() as session:
        for reminder_id in ids:
            approve.approve(session, reminder_id, by, ctx.now(), only_owner=not instead_of_owner)
    ctx.say(f"{len(ids)} reminder(s) approved.")


def approvals_show(
    context: typer.Context,
    reminder: Annotated[int, typer.Argument(help="Number from `relance approvals`.")],
    json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
) -> None:
    """Show subject and text of a waiting mail as they can be edited; the line [table] stands for its invoices."""
    ctx: Context = context.obj
    settings, database = ctx.settings(), ctx.database()
    with database.write() as session:  # the row is locked: it may be edited elsewhere at this moment
        found = edit.words(session, database, settings, reminder, ctx.now())
    if json:
        ctx.emit({"id": reminder, "subject": found.subject, "text": found.text}, json=True)
    else:
        typer.echo(_as_file(found))


def approvals_edit(
    context: typer.Context,
    reminder: Annotated[int, typer.Argument(help="Number from `relance approvals`.")],
    subject: Annotated[str | None, typer.Option("--subject", help="The new subject.")] = None,
    text: Annotated[
        typer.FileText | None, typer.Option("--text", help="A file with the new text; - for standard input.")
    ] = None,
    by: By = "operator",
) -> None:
    """Change subject and text of a waiting mail, in your editor where neither is given; every figure is checked."""
    ctx: Context = context.obj
    settings, database = ctx.settings(), ctx.database()
    written = text.read() if text is not None else None
    if subject is None and written is None:
        with database.write() as session:
            before = edit.words(session, database, settings, reminder, ctx.now())
        if (after := click.edit(_as_file(before), extension=".txt")) is None:
            ctx.say("Nothing was changed.")
            return
        subject, written = _from_file(after)
    with database.write() as session:
        edit.edit(session, database, settings, edit.Edited(reminder, subject, written, by), ctx.now())
    ctx.say(f"Reminder {reminder} is composed anew; it still waits for approval.")


def _as_file(found: Words) -> str:
    return f"Subject: {found.subject}\n\n{found.text}\n"


def _from_file(text: str) -> tuple[str | None, str]:
    """Subject and text of what stood in the editor; None: the first line is no subject, which stays as it was."""
    first, _, rest = text.partition("\n")
    name, colon, subject = first.partition(":")
    return (subject.strip(), rest) if colon and name.strip().lower() == "subject" else (None, text)


def approvals_skip(
    context: typer.Context,
    ids: Ids,
    reason: Annotated[str, typer.Option("--reason", help="Why it is not sent.")],
    by: By = "operator",
) -> None:
    """Don't send reminders; the step counts as done."""
    ctx: Context = context.obj
    with ctx.database().write() as session:
        for reminder_id in ids:
            approve.skip(session, reminder_id, by, reason, ctx.now())
    ctx.say(f"{len(ids)} reminder(s) skipped.")
