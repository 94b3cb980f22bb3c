"""`relance user …`: parse, call, print."""

import secrets
import sys
from getpass import getpass
from typing import Annotated, Any

import typer
from sqlalchemy import select

from agent.console import Context
from agent.review import people
from config.errors import NeedsPerson
from models import ApiToken, User
from models.user import Role

By = Annotated[str, typer.Option("--by", help="Who does this; stands in the log.", envvar="RELANCE_USER")]
Json = Annotated[bool, typer.Option("--json", help="One JSON object a line.")]
Name = Annotated[str, typer.Argument(help="The name to log in with.")]
Stdin = Annotated[bool, typer.Option("--password-stdin", help="Read the password from standard input, one line.")]


def mount(app: typer.Typer) -> None:
    """Add `user` to the command line."""
    group = typer.Typer(help="The people who may use the review pages.", no_args_is_help=True)
    group.command("add")(add)
    group.command("list")(list_users)
    group.command("passwd")(passwd)
    group.command("role")(role_command)
    group.command("disable")(disable)
    group.command("enable")(enable)
    group.command("token")(token)
    group.command("revoke-token")(revoke_token)
    app.add_typer(group, name="user")


def add(
    context: typer.Context,
    name: Name,
    role: Annotated[Role, typer.Option("--role", help="What the person may do.")] = Role.REVIEWER,
    email: Annotated[
        str | None, typer.Option("--email", help="Address; of a sales person the account manager's.")
    ] = None,
    language: Annotated[str | None, typer.Option("--language", help="en or fr; else the browser's.")] = None,
    no_password: Annotated[bool, typer.Option("--no-password", help="Tokens only, no log-in by password.")] = False,
    password_stdin: Stdin = False,
    by: By = "operator",
) -> None:
    """Make an account; the password is asked for, or made up and shown where nobody can be asked."""
    ctx: Context = context.obj
    database = ctx.database()
    with database.read() as session:
        if session.scalar(select(User.id).where(User.name == name)) is not None:
            raise NeedsPerson(f"there is a user “{name}” already", f"`relance user passwd {name}` sets a new password.")
    password, made_up = (None, False) if no_password else _password(from_stdin=password_stdin)
    with database.write() as session:
        people.add(session, name, role, password, email=email, language=language, by=by, at=ctx.now())
    ctx.say(f"{name} may use the pages as {role.value}.")
    if made_up:
        ctx.emit({"name": name, "password": password}, json=False)


def list_users(context: typer.Context, json: Json = False) -> None:
    """List the accounts, with their tokens."""
    ctx: Context = context.obj
    with ctx.database().read() as session:
        rows = []
        for user in session.scalars(select(User).order_by(User.name)):
            tokens = session.scalars(
                select(ApiToken).where(ApiToken.user_id == user.id, ApiToken.revoked_at.is_(None)).order_by(ApiToken.id)
            )
            rows.append(_row(user, [f"{t.id}:{t.label}" for t in tokens]))
    ctx.emit(rows, json=json)


def _row(user: User, tokens: list[str]) -> dict[str, Any]:
    return {
        "name": user.name,
        "role": user.role.value,
        "email": user.email,
        "language": user.language,
        "disabled": user.disabled_at is not None,
        "last_login_at": user.last_login_at,
        "tokens": tokens,
    }


def passwd(context: typer.Context, name: Name, password_stdin: Stdin = False, by: By = "operator") -> None:
    """Set a new password; the person is logged out everywhere."""
    ctx: Context = context.obj
    with ctx.database().read() as session:
        people.find(session, name)
    password, made_up = _password(from_stdin=password_stdin)
    with ctx.database().write() as session:
        people.set_password(session, people.find(session, name), password, by=by, at=ctx.now())
    ctx.say(f"{name} has a new password and is logged out everywhere.")
    if made_up:
        ctx.emit({"name": name, "password": password}, json=False)


def role_command(
    context: typer.Context, name: Name, role: Annotated[Role, typer.Argument(help="The new role.")], by: By = "operator"
) -> None:
    """Change what a person may do."""
    ctx: Context = context.obj
    with ctx.database().write() as session:
        people.set_role(session, people.find(session, name), role, by=by, at=ctx.now())
    ctx.say(f"{name} is {role.value} from now on, and has to log in again.")


def disable(context: typer.Context, name: Name, by: By = "operator") -> None:
    """End an account at once, with its sessions and tokens; its name stays in the log."""
    ctx: Context = context.obj
    with ctx.database().write() as session:
        people.disable(session, people.find(session, name), by=by, at=ctx.now())
    ctx.say(f"{name} can't log in any more.")


def enable(context: typer.Context, name: Name, by: By = "operator") -> None:
    """Let a disabled account in again."""
    ctx: Context = context.obj
    with ctx.database().write() as session:
        people.enable(session, people.find(session, name), by=by, at=ctx.now())
    ctx.say(f"{name} can log in again.")


def token(
    context: typer.Context,
    name: Name,
    label: Annotated[str, typer.Option("--label", help="What the program is, for the list.")] = "program",
    by: By = "operator",
    json: Json = False,
) -> None:
    """Make a token with which a program may do what this person may; it is shown once."""
    ctx: Context = context.obj
    with ctx.database().write() as session:
        made = people.make_token(session, people.find(session, name), label, by=by, at=ctx.now())
    ctx.emit({"name": name, "label": label, "token": made}, json=json)


def revoke_token(
    context: typer.Context,
    number: Annotated[int, typer.Argument(help="Number of the token, from `relance user list`.")],
    by: By = "operator",
) -> None:
    """End a token."""
    ctx: Context = context.obj
    with ctx.database().write() as session:
        people.revoke_token(session, number, by=by, at=ctx.now())
    ctx.say(f"Token {number} is good for nothing any more.")


def _password(*, from_stdin: bool) -> tuple[str, bool]:
    """A password, and whether it was made up: read from standard input, asked for twice, else random."""
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n"), False
    if not sys.stdin.isatty():
        return secrets.token_urlsafe(15), True
    first = getpass("Password: ")
    if getpass("Again: ") != first:
        raise NeedsPerson("the two passwords differ; nothing was changed")
    return first, False
