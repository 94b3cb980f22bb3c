"""The room's commands: parse, call, print."""

import sys
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Annotated

import typer

from agent.console import By, Context, Json
from agent.ledger import byhand, documents, mail_commands, overview, tables
from agent.ledger.byhand import Deed
from agent.ledger.documents import DocumentKind
from agent.ledger.importing import run_import
from agent.ledger.tables import Heading
from agent.ledger.values import ImportResult, Kind, Order
from config.errors import RelanceError
from models.states import DisputeState

_DAYS = ["%Y-%m-%d"]
_ERRORS_SHOWN = 50

Number = Annotated[str | None, typer.Argument(metavar="[INVOICE]", help="Number of an invoice.")]
CustomerId = Annotated[str | None, typer.Option("--customer", metavar="ID", help="A customer instead of an invoice.")]
Day = Annotated[datetime, typer.Option("--date", formats=_DAYS, help="The day on which the money is to come.")]
Until = Annotated[datetime | None, typer.Option("--until", formats=_DAYS, help="The last day of the hold.")]
Amount = Annotated[str | None, typer.Option("--amount", help="A part of the balance, like 1250.00.")]
Said = Annotated[str, typer.Option("--text", help="What was said; it can be erased later.")]


def mount(app: typer.Typer) -> None:
    """Add the room's commands to the command line."""
    app.command("import")(import_command)
    app.command("attach")(attach_command)
    app.command("invoices")(invoices_command)
    app.command("customers")(customers_command)
    app.command("hold")(hold_command)
    app.command("release")(release_command)
    app.command("stop-mails")(mail_commands.stop_mails)
    app.command("resume-mails")(mail_commands.resume_mails)
    app.command("write-off")(write_off_command)
    app.command("settle-dispute")(settle_dispute_command)
    log = typer.Typer(help="Write down what was heard outside of the mailbox.", no_args_is_help=True)
    log.command("call")(log_call)
    log.command("note")(log_note)
    log.command("promise")(log_promise)
    log.command("plan")(log_plan)
    log.command("dispute")(log_dispute)
    log.command("insolvency")(log_insolvency)
    app.add_typer(log, name="log")


def import_command(
    context: typer.Context,
    kind: Annotated[Kind, typer.Argument(help="What the file holds.")],
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A CSV file; - is standard input.")],
    as_of: Annotated[
        str | None, typer.Option("--as-of", metavar="ISO", help="The time that the file speaks for. [default: now]")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would change; write nothing.")] = False,
    skip_bad: Annotated[bool, typer.Option("--skip-bad", help="Import the good rows although others are bad.")] = False,
    json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
    by: By = "operator",
) -> None:
    """Import customers, contacts, invoices or payments from a CSV file."""
    ctx: Context = context.obj
    settings, now = ctx.settings(), ctx.now()
    order = Order(
        kind=kind,
        raw=_bytes_of(file),
        folder=None if str(file) == "-" else file.absolute().parent,
        as_of=now if as_of is None else _moment(as_of, ctx),
        actor=by,
        dry_run=dry_run,
        skip_bad=skip_bad,
    )
    if order.as_of > now:
        ctx.say(f"--as-of {order.as_of.isoformat()} lies in the future: until then the ledger counts as fresh.")
    result = run_import(ctx.database(), settings, order, now)
    name = "standard input" if str(file) == "-" else str(file)
    _tell_errors(ctx, name, result)
    if json:
        ctx.emit(result, json=True)
    else:
        _show_result(ctx, name, result)
    if result.skipped:
        raise typer.Exit(1)


def _bytes_of(file: Path) -> bytes:
    if str(file) == "-":
        return sys.stdin.buffer.read()
    try:
        return file.read_bytes()
    except OSError as error:
        raise RelanceError(f"{file} can't be read: {error.strerror}", "Name a CSV file that exists.") from None


def _moment(text: str, ctx: Context) -> datetime:
    """A time as the command line writes it: the company's without a zone, the start of the day without a time."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"“{text}” is no time. Write it as 2026-01-31 or 2026-01-31T18:00.") from None
    return found if found.tzinfo is not None else found.replace(tzinfo=ctx.settings().zone)


def _tell_errors(ctx: Context, name: str, result: ImportResult) -> None:
    for error in result.skipped[:_ERRORS_SHOWN]:
        column = f", column {error.column}" if error.column else ""
        ctx.say(f"{name}, line {error.line}{column}: {error.message}")
    if len(result.skipped) > _ERRORS_SHOWN:
        ctx.say(f"… and {len(result.skipped) - _ERRORS_SHOWN} more mistakes; --json lists them all.")
    if result.refused:
        ctx.say(f"relance: {name}: nothing was imported. Mend the lines named above and import the file again.")


def _show_result(ctx: Context, name: str, result: ImportResult) -> None:
    if result.refused:
        return
    would = "would be " if result.dry_run else ""
    counts = [f"{result.created} {would}created", f"{result.changed} {would}changed", f"{result.unchanged} unchanged"]
    if result.removed:
        counts.append(f"{result.removed} gone from the list and {would}settled")
    if result.skipped:
        counts.append(f"{len({error.line for error in result.skipped})} left out")
    ctx.emit([f"{name}: {result.rows} {result.kind}: {', '.join(counts)}"], json=False)
    if not (result.created or result.changed or result.removed):
        ctx.say(f"Nothing new; the ledger speaks for {result.as_of.isoformat(timespec='minutes')}.")
    headings = (Heading("payment"), Heading("invoice"), Heading("amount", is_figure=True), Heading("rule"))
    tables.show(headings, [(a.payment, a.invoice, a.amount, a.rule) for a in result.allocations])
    for raised in result.exceptions:
        ctx.say(f"For a person ({raised.reason.value}): {raised.detail}.")
    for stop in result.stops:
        ctx.say(f"All sending {would or 'is '}stopped: {stop.detail}.")
    for note in result.notes:
        ctx.say(note)


def attach_command(
    context: typer.Context,
    invoice: Annotated[str, typer.Argument(metavar="INVOICE", help="Number of the invoice.")],
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The file to keep with it.")],
    kind: Annotated[DocumentKind, typer.Option("--kind", help="Only `invoice` is sent.")] = DocumentKind.INVOICE,
    by: By = "operator",
) -> None:
    """Keep a file with an invoice: its PDF, the order, a delivery note."""
    ctx: Context = context.obj
    found = documents.find(file)
    with ctx.database().write() as session:
        row = byhand.invoice(session, invoice)
        is_new = documents.attach(session, row, found, kind, actor=by, at=ctx.now())
    ctx.say(f"{file} is kept with {invoice}." if is_new else f"{invoice} has {file} already.")


def invoices_command(
    context: typer.Context,
    numbers: Annotated[list[str] | None, typer.Argument(metavar="[NUMBER]...", help="All where none is given.")] = None,
    json: Json = False,
) -> None:
    """Show where each invoice stands."""
    ctx: Context = context.obj
    settings = ctx.settings()
    with ctx.database().read() as session:
        found = overview.invoices(session, settings, ctx.now(), numbers or ())
    if json:
        ctx.emit(found, json=True)
        return
    headings = (
        Heading("invoice"), Heading("customer"), Heading("due"), Heading("amount", is_figure=True),
        Heading("balance", is_figure=True), Heading(""), Heading("state"), Heading("promised"), Heading("held"),
        Heading("last reminder"), Heading("next step"),
    )  # fmt: skip
    tables.show(headings, [_invoice_cells(shown) for shown in found])


def _invoice_cells(shown: overview.InvoiceShown) -> tuple[object, ...]:
    last, ahead = shown.last_reminder, shown.next_step
    return (
        shown.number, shown.customer, shown.due_date, shown.amount, shown.balance, shown.currency, shown.state,
        shown.promise_date, _held(shown.hold),
        f"{last.sent_at:%Y-%m-%d} {last.step}" if last else None,
        f"{ahead.on} {ahead.step}" if ahead else None,
    )  # fmt: skip


def _held(hold: overview.HoldShown | None) -> str | None:
    if hold is None:
        return None
    return f"by {hold.by}{f' until {hold.until}' if hold.until else ''}: {hold.reason}"


def customers_command(
    context: typer.Context,
    ids: Annotated[list[str] | None, typer.Argument(metavar="[ID]...", help="All where none is given.")] = None,
    json: Json = False,
) -> None:
    """Show the customers, their contacts and what they owe."""
    ctx: Context = context.obj
    settings = ctx.settings()
    with ctx.database().read() as session:
        found = overview.customers(session, settings, ctx.now(), ids or ())
    if json:
        ctx.emit(found, json=True)
        return
    headings = (
        Heading("customer"), Heading("name"), Heading("address"), Heading("language"),
        Heading("open", is_figure=True), Heading("balance", is_figure=True), Heading("held"), Heading("mails"),
    )  # fmt: skip
    rows = [
        (
            c.id, c.name, c.email, c.language, c.open_invoices,
            ", ".join(f"{balance} {currency}" for currency, balance in c.balance.items()), _held(c.hold),
            _mails(c),
        )
        for c in found
    ]  # fmt: skip
    tables.show(headings, rows)


def _mails(customer: overview.CustomerShown) -> str:
    """What speaks against writing to it by mail, and where mails go instead."""
    told = []
    if (no_mail := customer.no_mail) is not None:
        told.append(f"none since {no_mail.since} ({no_mail.by}): calls instead")
    for contact in customer.contacts:
        if contact["dead"]:
            why = (contact["dead_because"] or "dead").replace("_", " ")
            to = f", now {contact['replaced_by']}" if contact["replaced_by"] else ""
            told.append(f"not to {contact['email']} ({why}){to}")
    return "; ".join(told)


def hold_command(
    context: typer.Context,
    reason: Annotated[str, typer.Option("--reason", help="Why; `plan` and `invoices` show it.")],
    invoice: Number = None,
    customer: CustomerId = None,
    until: Until = None,
    by: By = "operator",
) -> None:
    """Pause the reminders of an invoice or a customer."""
    ctx: Context = context.obj
    with ctx.database().write() as session:
        on = byhand.target(session, invoice, customer)
        byhand.hold(session, on, reason, _day(until), Deed(by, ctx.now()), ctx.settings())
    ctx.say(f"{on.name} is held{f' until {until.date()}' if until else ''}.")


def release_command(
    context: typer.Context, invoice: Number = None, customer: CustomerId = None, by: By = "operator"
) -> None:
    """End the holds on an invoice or a customer."""
    ctx: Context = context.obj
    with ctx.database().write() as session:
        on = byhand.target(session, invoice, customer)
        ended = byhand.release(session, on, Deed(by, ctx.now()))
    ctx.say(f"{ended} hold(s) on {on.name} ended." if ended else f"{on.name} was not held.")


def write_off_command(
    context: typer.Context,
    invoice: Annotated[str, typer.Argument(metavar="INVOICE", help="Number of the invoice.")],
    reason: Annotated[str, typer.Option("--reason", help="Why; kept as a note.")],
    by: By = "operator",
) -> None:
    """Give an invoice up: nothing is asked for any more."""
    ctx: Context = context.obj
    with ctx.database().write() as session:
        byhand.write_off(session, byhand.invoice(session, invoice), reason, Deed(by, ctx.now()))
    ctx.say(f"{invoice} is written off.")


def settle_dispute_command(
    context: typer.Context,
    invoice: Annotated[str, typer.Argument(metavar="INVOICE", help="Number of the invoice.")],
    verdict: Annotated[
        DisputeState,
        typer.Option("--as", help="upheld: a credit note follows; rejected, withdrawn: the plan goes on."),
    ],
    by: By = "operator",
) -> None:
    """Decide the open disputes of an invoice."""
    ctx: Context = context.obj
    if verdict is DisputeState.OPEN:
        raise typer.BadParameter("a dispute is settled as upheld, rejected or withdrawn.")
    with ctx.database().write() as session:
        settled = byhand.settle_disputes(session, byhand.invoice(session, invoice), verdict, Deed(by, ctx.now()))
    ctx.say(f"{settled} dispute(s) of {invoice} {verdict.value}." if settled else f"{invoice} has no open dispute.")


def log_call(
    context: typer.Context, text: Said, invoice: Number = None, customer: CustomerId = None, by: By = "operator"
) -> None:
    """Write down a call."""
    _log_note(context.obj, "call", text, invoice, customer, by)


def log_note(
    context: typer.Context, text: Said, invoice: Number = None, customer: CustomerId = None, by: By = "operator"
) -> None:
    """Write down a note."""
    _log_note(context.obj, "note", text, invoice, customer, by)


def _log_note(ctx: Context, kind: str, text: str, invoice: str | None, customer: str | None, by: str) -> None:
    with ctx.database().write() as session:
        on = byhand.target(session, invoice, customer)
        byhand.note(session, on, kind, text, Deed(by, ctx.now()))
    ctx.say(f"A {kind} is kept with {on.name}.")


def log_promise(
    context: typer.Context,
    day: Day,
    invoice: Number = None,
    customer: CustomerId = None,
    amount: Amount = None,
    text: Said = "",
    by: By = "operator",
) -> None:
    """Write down a promise to pay; reminders pause until it falls due."""
    ctx: Context = context.obj
    deed = Deed(by, ctx.now())
    with ctx.database().write() as session:
        on = byhand.target(session, invoice, customer)
        found = byhand.log_promise(session, on, day.date(), _amount(amount), deed, ctx.settings())
        if text:
            byhand.note(session, on, "promise", text, deed)
    ctx.say(f"{', '.join(row.number for row in found)}: promised for {day.date()}.")


def log_plan(
    context: typer.Context,
    invoices: Annotated[list[str], typer.Argument(help="Numbers of the invoices that it covers.")],
    instalments: Annotated[
        list[str], typer.Option("--instalment", metavar="DATE=AMOUNT", help="An instalment; give it for each.")
    ],
    text: Said = "",
    by: By = "operator",
) -> None:
    """Accept a payment plan; reminders pause until an instalment is missed, which breaks it."""
    ctx: Context = context.obj
    deed = Deed(by, ctx.now())
    parts = [_instalment(written) for written in instalments]
    with ctx.database().write() as session:
        found = byhand.log_arrangement(session, invoices, parts, deed, ctx.settings())
        if text:
            byhand.note(session, byhand.target(session, found[0].number, None), "promise", text, deed)
    days = ", ".join(f"{part.amount} on {part.day}" for part in parts)
    ctx.say(f"{', '.join(row.number for row in found)}: to be paid in instalments, {days}.")


def _instalment(written: str) -> byhand.Instalment:
    day, _, amount = written.partition("=")
    try:
        return byhand.Instalment(date.fromisoformat(day), Decimal(amount))
    except (ValueError, ArithmeticError):
        raise RelanceError(f"“{written}” is no instalment", "Write it as 2026-04-15=500.00.") from None


def log_dispute(
    context: typer.Context,
    reason: Annotated[str, typer.Option("--reason", help="amount, not_received, quality, duplicate, … or other.")],
    invoice: Number = None,
    customer: CustomerId = None,
    amount: Amount = None,
    text: Said = "",
    by: By = "operator",
) -> None:
    """Write down a dispute; reminders pause until it is settled."""
    ctx: Context = context.obj
    deed = Deed(by, ctx.now())
    with ctx.database().write() as session:
        on = byhand.target(session, invoice, customer)
        found = byhand.log_dispute(session, on, reason, _amount(amount), deed, ctx.settings())
        if text:
            byhand.note(session, on, "dispute", text, deed)
    ctx.say(f"{', '.join(row.number for row in found)}: disputed. `relance settle-dispute` ends it.")


def log_insolvency(
    context: typer.Context,
    customer: Annotated[str, typer.Argument(metavar="CUSTOMER", help="Number of the customer.")],
    text: Annotated[str, typer.Option("--text", help="Where it stands: the judgment, or whose word it is.")],
    since: Annotated[
        datetime | None, typer.Option("--since", formats=["%Y-%m-%d"], help="Day of the judgment.")
    ] = None,
    lifted: Annotated[bool, typer.Option("--lifted", help="It is not insolvent after all.")] = False,
    by: By = "operator",
) -> None:
    """Write down that a customer is insolvent: no reminder and no charge goes to it, until that is lifted."""
    if lifted == (since is not None):
        raise typer.BadParameter("one of the two is expected.", param_hint="--since / --lifted")
    ctx: Context = context.obj
    with ctx.database().write() as session:
        on = byhand.target(session, None, customer)
        byhand.insolvent(session, on, _day(since), text.strip(), Deed(by, ctx.now()), ctx.settings())
    ctx.say(f"{on.name} is {'not insolvent any more' if since is None else f'insolvent since {since.date()}'}.")


def _day(moment: datetime | None) -> date | None:
    return moment.date() if moment is not None else None


def _amount(text: str | None) -> Decimal | None:
    if text is None:
        return None
    try:
        value = Decimal(text.replace(",", "."))
    except InvalidOperation:
        value = Decimal(0)
    if not value.is_finite() or value <= 0 or value != round(value, 2):
        raise typer.BadParameter(f"“{text}” is no amount. Write it like 1250.00.")
    return value
