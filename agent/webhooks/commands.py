"""`relance webhooks …`: parse, call, print."""

import base64
import secrets
import sys
from typing import Annotated

import typer

from agent.console import Context, Json
from config import Webhook
from config.errors import NeedsPerson

Name = Annotated[str, typer.Argument(help="Its name in the configuration: [webhook.NAME].")]


def mount(app: typer.Typer) -> None:
    """Add the room's commands to the command line."""
    group = typer.Typer(help="What other systems are told of changes of state.", no_args_is_help=True)
    group.command("list")(list_command)
    group.command("test")(test_command)
    group.command("replay")(replay_command)
    group.command("secret")(secret_command)
    app.add_typer(group, name="webhooks")


def _webhook(ctx: Context, name: str) -> Webhook:
    found = ctx.settings().webhook.get(name)
    if found is None:
        raise NeedsPerson(f"the configuration has no [webhook.{name}]", "`relance webhooks list` shows those it has.")
    return found


def list_command(context: typer.Context, json: Json = False) -> None:
    """List them, with how many messages wait, were delivered in the last week, and were given up."""
    from agent.webhooks import store

    ctx: Context = context.obj
    with ctx.database().read() as session:
        rows = [
            {"name": name, "url": webhook.url, **store.counts(session, name)}
            for name, webhook in ctx.settings().webhook.items()
        ]
    ctx.emit(rows, json=json)


def test_command(context: typer.Context, name: Name) -> None:
    """Send one message of the type webhook.test now."""
    from agent.webhooks import decide, sending

    ctx: Context = context.obj
    webhook, now = _webhook(ctx, name), ctx.now()
    told = decide.Told(0, decide.TEST, now, "operator", ("webhook", name), {}, {})
    secret = sending.secret_of(webhook, name, ctx.settings())
    identity = f"{sending.identity(ctx.database(), 0)}_{secrets.token_hex(4)}"
    attempt = sending.send(webhook, name, identity, decide.body_of(told), secret, now)
    if attempt.error is not None:
        raise NeedsPerson(f"{name} did not take the message: {attempt.error}", f"Check [webhook.{name}] url.")
    ctx.say(f"{name} took the message {identity} (HTTP {attempt.status}).")


def replay_command(
    context: typer.Context,
    name: Name,
    since: Annotated[
        int | None,
        typer.Option("--since", min=1, help="Every event from this number of the log on, not only those given up."),
    ] = None,
) -> None:
    """Send again what was given up; the ids stay, so that a receiver can tell what it has seen."""
    from agent.webhooks import store

    ctx: Context = context.obj
    webhook = _webhook(ctx, name)
    with ctx.database().write() as session:
        count = store.replay(session, name, since, webhook, ctx.now())
    ctx.say(f"{count} message(s) go out with the next turn of `relance run`.")


def secret_command() -> None:
    """Make up a secret and print it."""
    sys.stdout.write("whsec_" + base64.b64encode(secrets.token_bytes(32)).decode() + "\n")
