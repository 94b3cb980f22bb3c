"""`init` and `doctor`: parse, call, print."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Annotated

import typer

from agent.console import Context


def mount(app: typer.Typer) -> None:
    app.command()(init)
    app.command()(doctor)
    app.command()(adopt)


def init(
    typer_context: typer.Context,
    folder: Annotated[Path, typer.Argument(metavar="[DIR]", help="Where to write; made where missing.")] = Path(),
) -> None:
    """Write a commented relance.toml where there is none, and an empty database with its signing key."""
    from agent.operations.initialise import write_configuration

    context: Context = typer_context.obj
    file, is_new = write_configuration(folder)
    context.say(f"{file}: written, in mode observe" if is_new else f"{file}: is there already, left as it is")
    context.config = file
    database = context.database()
    context.say(f"{database.url.render_as_string(hide_password=True)}: ready, with its signing key beside it")
    context.say("Next: fill in the mailbox, set RELANCE_IMAP_PASSWORD, and run `relance doctor`.")


def doctor(
    typer_context: typer.Context,
    probe: Annotated[
        bool, typer.Option("--probe", help="Also send one mail to the mailbox's own address, and look for it.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Check configuration, database, servers, clock, model and ledger; say what is wrong and how to mend it."""
    from agent.operations.checks import Status
    from agent.operations.doctor import examine

    context: Context = typer_context.obj
    checks = examine(context, send_probe=probe)
    if json:
        context.emit(checks, json=True)
    else:
        width = max(len(check.name) for check in checks)
        for check in checks:
            context.emit(f"{check.status.value:<8} {check.name:<{width}}  {check.detail}", json=False)
            if check.mend:
                context.emit(f"{'':<8} {'':<{width}}  → {check.mend}", json=False)
    if any(check.status is Status.ERROR for check in checks):
        raise typer.Exit(1)


def adopt(
    typer_context: typer.Context,
    by: Annotated[
        str, typer.Option("--by", help="Who does it; stands in the log.", envvar="RELANCE_USER")
    ] = "operator",
) -> None:
    """Let a restored or copied database send from here, once all mailboxes (Sent too) have been read."""
    from agent.daemon import drains_of
    from agent.operations.adopt import adopt as bind

    context: Context = typer_context.obj
    with drains_of(context.database(), context.settings(), threading.Event()) as drains:
        is_new = bind(context.database(), drains, by, context.now())
    context.say("This installation may send from here on." if is_new else "It is bound to this place already.")
