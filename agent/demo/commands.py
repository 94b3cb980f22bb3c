"""`relance demo`: parse, prepare the folder, let the days pass, tell the end."""

from __future__ import annotations

import os
import secrets
import shlex
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import structlog
import typer

from agent.console import Context
from config.errors import NeedsPerson, RelanceError

if TYPE_CHECKING:
    from agent.demo.world import World

MARK = ".relance-demo"
FOLDER = Path("relance-demo")
LOG = "demo.log"
MOST_CUSTOMERS = 42
GUEST = "guest"


class Broken(RelanceError):
    """Something that must never happen has happened."""


def mount(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("demo")(demo_command)


def demo_command(
    context: typer.Context,
    folder: Annotated[
        Path, typer.Option("--dir", help="Where to leave everything; an earlier demo there is replaced.")
    ] = FOLDER,
    seed: Annotated[int, typer.Option("--seed", help="Another number, other people.")] = 1,
    seconds: Annotated[float, typer.Option("--seconds", min=0, help="How long the days take in all.")] = 60,
    fast: Annotated[bool, typer.Option("--fast", help="Don't wait for anybody to read along.")] = False,
    customers: Annotated[
        int, typer.Option("--customers", min=1, max=MOST_CUSTOMERS, help="How many the company has.")
    ] = 40,
    days: Annotated[int, typer.Option("--days", min=1, max=60, help="How many days pass.")] = 30,
    desk: Annotated[
        bool | None,
        typer.Option("--desk/--no-desk", help="Serve the review desk at the end; left out: on a terminal only."),
    ] = None,
) -> None:
    """Watch a month of reminders, answers and decisions, on servers inside of this process; needs no set-up."""
    ctx: Context = context.obj
    ctx.say("Founding a company and starting its mail servers …")
    from agent.demo.show import Show, console_for, summary
    from agent.demo.verdict import verdict
    from agent.demo.world import Wish, World

    wish = Wish(folder, yesterday(ctx.now()), seed=seed, days=days, customers=customers)
    prepare(folder)
    console = console_for(sys.stdout.isatty())
    with _no_settings_of_others(), _log_into(folder / LOG, debug=ctx.debug), World(wish) as world:
        company = world.settings.company.name
        ctx.say(
            f"{company}: {customers} customers, {len(world.firm.bills)} invoices, {days} days; everything in {folder}"
        )
        board = None
        with Show(console, company, days, None if fast else seconds) as show:
            for scene in world.play():
                show.play(scene)
                board = scene.board
        found = verdict(world)
        if board is not None:
            summary(console, board, found, further(folder, world))
        if found.broken:
            raise Broken(f"the demo broke a rule: {found.broken[0]}")
        if desk if desk is not None else sys.stdin.isatty() and sys.stdout.isatty():
            serve_desk(ctx, world)


def serve_desk(ctx: Context, world: World) -> None:
    """Serve the review desk over what the demo left, to a guest who may do everything, until Ctrl-C."""
    from agent.review import people
    from agent.review.web import server
    from models.user import Role

    password = secrets.token_urlsafe(9)
    with world.database.write() as session:
        people.add(session, GUEST, Role.ADMIN, password, email=None, language=None, by="demo", at=ctx.now())
    with server.Server(world.database, server.placed(world.settings, None, 0), ctx.now) as serving:
        ctx.say(f"The review desk is at {serving.url} : log in as {GUEST} with {password} (Ctrl-C ends it).")
        serving.run()


def yesterday(now: datetime) -> date:
    """The demo's last day: nothing in it lies in the future, and the ledger is fresh for who looks further."""
    return (now - timedelta(days=1)).date()


def prepare(folder: Path) -> None:
    """An empty folder that bears the demo's mark.

    Raises:
        NeedsPerson: there is something else of that name, or it can't be written.
    """
    mend = "Choose another one with --dir."
    try:
        if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
            raise NeedsPerson(f"{folder} is in the way and no folder", mend)
        if folder.is_dir() and any(folder.iterdir()):
            if not (folder / MARK).is_file():
                raise NeedsPerson(f"{folder} holds something that is no demo's, and is left alone", mend)
            shutil.rmtree(folder)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / MARK).write_text("The demo made this folder; the next one replaces it.\n", encoding="utf-8")
    except OSError as error:
        reason = (error.strerror or type(error).__name__).lower()
        raise NeedsPerson(f"{folder} can't be written: {reason}", mend) from None


def further(folder: Path, world: World) -> list[tuple[str, str]]:
    """The commands to look further, each with what it shows."""
    from sqlalchemy import select

    from models import Message
    from models.message import Direction
    from models.states import MessageState

    told = Path(sys.argv[0])
    name = str(told) if told.name == "relance" and told.parent != Path() and not _is_on_path(told) else "relance"
    begin = f"{shlex.quote(name)} --config {shlex.quote(str(folder / 'relance.toml'))}"
    applied = select(Message.id).where(
        Message.direction == Direction.IN, Message.state == MessageState.APPLIED, Message.kind == "human"
    )
    with world.database.read() as session:
        example = session.scalar(applied.order_by(Message.id))
    commands = [
        (f"{begin} invoices", "every invoice, its state, what comes next"),
        (f"{begin} queue list", "what waits for a person"),
        (f"{begin} plan", "what would go out now, and why the rest would not"),
        (f"{begin} audit verify", "the chain of all events"),
    ]
    if example is not None:
        commands.insert(2, (f"{begin} explain {example}", "why an answer was taken as it was"))
    return commands


def _is_on_path(told: Path) -> bool:
    found = shutil.which("relance")
    return found is not None and Path(found).resolve() == told.resolve()


@contextmanager
def _no_settings_of_others() -> Iterator[None]:
    """A real installation's RELANCE_* variables would reach into the demo, and the demo into its database."""
    taken = {name: os.environ.pop(name) for name in list(os.environ) if name.startswith("RELANCE_")}
    try:
        yield
    finally:
        os.environ.update(taken)


@contextmanager
def _log_into(file: Path, *, debug: bool) -> Iterator[None]:
    """Send the log into a file, as JSON lines: on the terminal it would tear up the show."""
    before = structlog.get_config()
    with file.open("w", encoding="utf-8") as opened:
        structlog.configure(
            processors=[
                structlog.processors.add_log_level,
                structlog.processors.TimeStamper(fmt="iso", utc=True),
                structlog.processors.format_exc_info,
                structlog.processors.JSONRenderer(ensure_ascii=True),
            ],
            wrapper_class=structlog.make_filtering_bound_logger("debug" if debug else "info"),
            logger_factory=structlog.PrintLoggerFactory(opened),
            cache_logger_on_first_use=False,
        )
        try:
            yield
        finally:
            structlog.configure(**before)
