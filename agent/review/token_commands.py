"""`relance token …` and `relance openapi`: parse, call, print."""

import sys
from datetime import datetime, time
from typing import Annotated, Any

import typer
from sqlalchemy import select

from agent.console import By, Context, Json
from models import ApiToken
from models.user import Role

Name = Annotated[str, typer.Argument(help="The program's name; it stands in the log as who did it.")]


def mount(app: typer.Typer) -> None:
    """Add `token` and `openapi` to the command line."""
    group = typer.Typer(help="The tokens of programs that use the API.", no_args_is_help=True)
    group.command("add")(add)
    group.command("list")(list_tokens)
    group.command("revoke")(revoke)
    app.add_typer(group, name="token")
    app.command("openapi")(openapi_command)


def add(
    context: typer.Context,
    name: Name,
    role: Annotated[Role, typer.Option("--role", help="What the program may do.")] = Role.VIEWER,
    email: Annotated[str | None, typer.Option("--email", help="Of a sales token: the account manager's.")] = None,
    expires: Annotated[
        datetime | None, typer.Option("--expires", formats=["%Y-%m-%d"], help="The day from which it is worth nothing.")
    ] = None,
    by: By = "operator",
    json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
) -> None:
    """Make a token. It is shown now and never again."""
    from agent.review.api import tokens

    ctx: Context = context.obj
    end = datetime.combine(expires.date(), time(0), tzinfo=ctx.settings().zone) if expires is not None else None
    with ctx.database().write() as session:
        token = tokens.make(session, name, role, email=email, expires_at=end, by=by, at=ctx.now())
    ctx.say("Keep it now: it is not shown again. A program sends it as `Authorization: Bearer …`.")
    ctx.emit({"name": name, "role": role.value, "expires_at": end, "token": token}, json=json)


def list_tokens(context: typer.Context, json: Json = False) -> None:
    """List the tokens, what they may do and when they were used last."""
    ctx: Context = context.obj
    with ctx.database().read() as session:
        rows = [_row(token) for token in session.scalars(select(ApiToken).order_by(ApiToken.name))]
    ctx.emit(rows, json=json)


def _row(token: ApiToken) -> dict[str, Any]:
    return {
        "name": token.name,
        "role": token.role.value,
        "email": token.email,
        "created_at": token.created_at,
        "created_by": token.created_by,
        "expires_at": token.expires_at,
        "revoked_at": token.revoked_at,
        "last_used_at": token.last_used_at,
    }


def revoke(context: typer.Context, name: Name, by: By = "operator") -> None:
    """End a token at once."""
    from agent.review.api import tokens

    ctx: Context = context.obj
    with ctx.database().write() as session:
        tokens.revoke(session, name, by=by, at=ctx.now())
    ctx.say(f"The token {name} is worth nothing any more.")


def openapi_command() -> None:
    """Print the OpenAPI document of the API."""
    from agent.review.api import openapi

    sys.stdout.write(openapi.text())
