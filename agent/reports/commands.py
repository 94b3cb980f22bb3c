"""`relance report` and `relance dossier`: parse, call, print."""

import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from agent.console import Context, Json
from agent.ledger import tables as shown
from agent.ledger.tables import Heading
from agent.reports import asking
from agent.reports.asking import Wish
from agent.reports.tables import REPORTS, By, Kind, Table
from config.errors import NeedsPerson

_DAYS = ["%Y-%m-%d"]

HELP: dict[str, str] = {
    "aging": "What is open, by days past the due date.",
    "dso": "Days sales outstanding: counted back, simple, best possible; average days delinquent.",
    "cei": "Collection effectiveness index.",
    "overdue": "What is overdue, the recovery rate, the mean delay, days to pay.",
    "promises": "Promises kept and broken, and by how many days they slip.",
    "disputes": "Disputes by reason: how many, how long, how they ended.",
    "recovery": "What came in after each step, days to pay, answers.",
    "channels": "The same by channel and template.",
    "reminders": "How many reminders it took until invoices were paid.",
    "mailbox": "Mails seen and handled, share handled alone, errors where somebody looked.",
    "weeks": "Share of the overdue invoices that were worked on, week by week.",
    "people": "Cases that each person settled.",
    "causes": "Why it is late.",
    "objectives": "What is wanted beside what was reached.",
}


def mount(app: typer.Typer) -> None:
    """Add the room's commands to the command line."""
    commands = typer.Typer(help="Key figures; docs/figures.md has the formulas.", no_args_is_help=True)
    for name, words in HELP.items():
        commands.command(name, help=words)(_command(name))
    commands.command("workbook")(workbook_command)
    app.add_typer(commands, name="report")
    app.command("dossier")(dossier_command)


To = Annotated[
    datetime | None,
    typer.Option("--to", "--on", formats=_DAYS, help="Last day of the period. [default: today]", show_default=False),
]
From = Annotated[
    datetime | None,
    typer.Option(
        "--from", formats=_DAYS, show_default=False,
        help="First day. [default: three months back for what is told of a day; else the first day on record]",
    ),
]  # fmt: skip
Customer = Annotated[str | None, typer.Option("--customer", metavar="ID", help="This customer only.")]
Segment = Annotated[str | None, typer.Option("--segment", help="Customers of this segment only.")]
Owner = Annotated[str | None, typer.Option("--owner", help="Customers of this account manager only.")]


Csv = Annotated[bool, typer.Option("--csv", help="Comma-separated, with a line of names.")]
Split = Annotated[By | None, typer.Option("--by", help="Split into rows by this.")]


def _command(name: str) -> Callable[..., None]:
    def command(
        context: typer.Context,
        to: To = None,
        since: From = None,
        by: Split = None,
        customer: Customer = None,
        segment: Segment = None,
        owner: Owner = None,
        json: Json = False,
        csv: Csv = False,
    ) -> None:
        if json and csv:
            raise typer.BadParameter("--json and --csv can't both be meant.")
        ctx: Context = context.obj
        wish = Wish(since.date() if since else None, to.date() if to else None, by, customer, segment, owner)
        with ctx.database().read() as session:
            table = asking.tables(session, ctx.settings(), ctx.now(), [name], wish)[0]
        if csv:
            from agent.reports import export

            sys.stdout.write(export.to_csv(table))
        elif json:
            ctx.emit(table.as_objects(), json=True)
        else:
            _show(ctx, table)

    return command


def _show(ctx: Context, table: Table) -> None:
    """For people: rows as a table, or one row as lines, which a wide table would hide."""
    if not table.rows:
        ctx.say(f"Nothing on record for this between {table.period.start} and {table.period.end}.")
        return
    if len(table.rows) == 1:
        ctx.emit(next(iter(table.as_objects())), json=False)
        return
    headings = [Heading(c.name.replace("_", " "), c.kind in _FIGURES) for c in table.columns]
    shown.show(headings, [[row[c.name] for c in table.columns] for row in table.as_objects()])


_FIGURES = frozenset({Kind.MONEY, Kind.DAYS, Kind.PERCENT, Kind.NUMBER, Kind.COUNT})


def workbook_command(
    context: typer.Context,
    output: Annotated[Path, typer.Option("-o", "--output", metavar="FILE", help="The .xlsx file to write.")],
    to: To = None,
    since: From = None,
    customer: Customer = None,
    segment: Segment = None,
    owner: Owner = None,
) -> None:
    """Write every figure into one spreadsheet, a sheet each."""
    from agent.reports import export

    ctx: Context = context.obj
    wish = Wish(since.date() if since else None, to.date() if to else None, None, customer, segment, owner)
    with ctx.database().read() as session:
        tables = asking.tables(session, ctx.settings(), ctx.now(), REPORTS, wish)
    try:
        output.write_bytes(export.to_xlsx(tables))
    except OSError as error:
        raise NeedsPerson(f"{output} can't be written: {(error.strerror or str(error)).lower()}") from None
    ctx.say(f"{output}: {len(tables)} sheets.")


def dossier_command(
    context: typer.Context,
    number: Annotated[str, typer.Argument(metavar="INVOICE", help="Number of the invoice.")],
    folder: Annotated[Path, typer.Option("-o", "--output", metavar="DIR", help="The folder to put the file into.")],
    json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Write everything of one invoice into one file: story, mails as they were, documents, events."""
    from sqlalchemy import select

    from agent.ledger.overview import Unknown
    from agent.reports import dossier
    from models import Invoice

    ctx: Context = context.obj
    with ctx.database().read() as session:
        found = session.scalar(select(Invoice).where(Invoice.number == number))
        if found is None:
            raise Unknown("invoice", [number], "invoices")
        content, name = dossier.dossier(session, found, ctx.settings(), ctx.now()), dossier.filename(found)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    except OSError as error:
        raise NeedsPerson(f"{folder / name} can't be written: {(error.strerror or str(error)).lower()}") from None
    ctx.emit({"invoice": number, "file": str(folder / name), "bytes": len(content)}, json=json)
