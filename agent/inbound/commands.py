"""The room's commands: parse, call, print."""

from typing import Annotated, Any

import typer

from agent.console import Context, Json
from agent.inbound import listing
from config.errors import NeedsPerson


def mount(app: typer.Typer) -> None:
    """Add the room's commands to the command line."""
    messages = typer.Typer(help="Mails in and out, and what became of them.", invoke_without_command=True)
    messages.callback()(messages_list)
    messages.command("show")(messages_show)
    app.add_typer(messages, name="messages")


def messages_list(context: typer.Context, json: Json = False) -> None:
    """List every mail, oldest first."""
    if context.invoked_subcommand is not None:
        return
    ctx: Context = context.obj
    with ctx.database().read() as session:
        ctx.emit(listing.rows(session), json)


def messages_show(
    context: typer.Context,
    message: Annotated[int, typer.Argument(metavar="ID", help="Its number, as `relance messages` shows it.")],
    json: Json = False,
) -> None:
    """Show one mail: what was read off it, what it is tied to and why, and where it lies."""
    ctx: Context = context.obj
    with ctx.database().read() as session:
        found: dict[str, Any] | None = listing.details(session, message)
    if found is None:
        raise NeedsPerson(f"there is no message {message}; `relance messages` lists them")
    ctx.emit(found, json)
