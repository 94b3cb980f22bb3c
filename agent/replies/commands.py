"""`relance explain`: parse, call, print."""

from typing import Annotated

import typer

from agent.console import Context
from agent.replies.explain import explain, find


def mount(app: typer.Typer) -> None:
    """Add the room's commands to the command line."""
    app.command("explain")(explain_command)


def explain_command(
    context: typer.Context,
    message_id: Annotated[str, typer.Argument(help="The Message-ID, or the number from `relance messages`.")],
    json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
) -> None:
    """Tell why a message was taken as it was: kind, thread, intent, decision."""
    ctx: Context = context.obj
    with ctx.database().read() as session:
        story = explain(session, find(session, message_id))
    if json:
        ctx.emit(story, json=True)
        return
    for sentence in story["sentences"]:
        ctx.emit([sentence], json=False)
