"""`relance user …`: parse, call, print."""

import secrets
import sys
from getpass import getpass
from typing import Annotated, Any

import typer
from sqlalchemy import select

from agent.console import By, Context, Json
from agent.review import people
from config.errors import NeedsPerson
from models import User
from models.user import Role

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
    app.add_typer(group, name="user")


def add(
    context: typer.Context,
    name: Name,
    role: Annotated[Role, typer.Option("--role", help="What the person may do.")] = Role.REVIEWER,
    email: Annotated[
        str | None, typer.Option("--email", help="Address; of a sales person the account manager's.")
    ] = None,
    language: Annotated[str | None, typer.Option("--language", help="en or fr; else the browser's.")] = None,
    password_stdin: Stdin = False,
    by: By = "operator",
) -> None:
    """Make an account; the password is asked for, or made up and shown where nobody can be asked."""
    ctx: Context = context.obj
    database = ctx.database()
    with database.read() as session:
        if session.scalar(select(User.id).where(User.name == name)) is not None:
            raise NeedsPerson(f"there is a user “{name}” already", f"`relance user passwd {name}` sets a new password.")
    password, made_up = _password(from_stdin=password_stdin)
    with database.write() as session:
        people.add(session, name, role, password, email=email, language=language, by=by, at=ctx.now())
    ctx.say(f"{name} may use the pages as {role.value}.")
    if made_up:
        ctx.emit({"name": name, "password": password}, json=False)


def list_users(context: typer.Context, json: Json = False) -> None:
    """List the accounts."""
    ctx: Context = context.obj
    with ctx.database().read() as session:
        rows = [_row(user) for user in session.scalars(select(User).order_by(User.name))]
    ctx.emit(rows, json=json)


def _row(user: User) -> dict[str, Any]:
    return {
        "name": user.name,
        "role": user.role.value,
        "email": user.email,
        "language": user.language,
        "disabled": user.disabled_at is not None,
        "last_login_at": user.last_login_at,
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
    """End an account at once, with its sessions; its name stays in the log."""
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
