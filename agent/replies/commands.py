"""`relance explain`: parse, call, print."""

from typing import Annotated

import typer

from agent.console import Context
from agent.reminders.explain import explain_invoice
from agent.replies.explain import explain, find


def mount(app: typer.Typer) -> None:
    """Add the room's commands to the command line."""
    app.command("explain")(explain_command)


def explain_command(
    context: typer.Context,
    message_id: Annotated[
        str,
        typer.Argument(help="The Message-ID, the number from `relance messages`, or the number of an invoice."),
    ],
    json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
) -> None:
    """Tell why a message was taken as it was, or why an invoice stands where it stands in its plan."""
    ctx: Context = context.obj
    settings, database = ctx.settings(), ctx.database()
    with database.read() as session:
        story = explain_invoice(session, settings, database, message_id, ctx.now())
        if story is None:
            story = explain(session, find(session, message_id))
    if json:
        ctx.emit(story, json=True)
        return
    for sentence in story["sentences"]:
        ctx.emit([sentence], json=False)
