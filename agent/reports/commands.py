"""The room's commands: parse, call, print."""

from pathlib import Path
from typing import Annotated

import typer

from agent.console import Context
from config.errors import NeedsPerson


def mount(app: typer.Typer) -> None:
    """Add the room's commands to the command line."""
    app.command("dossier")(dossier_command)


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
