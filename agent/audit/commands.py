"""`relance audit …`: the chain of events, checked and shown."""

from typing import Annotated

import typer
from sqlalchemy import select

from agent.audit.anchoring import places
from agent.console import Context, Json
from config.errors import RelanceError
from models import Event, events


def mount(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    group = typer.Typer(help="The log of every change.", no_args_is_help=True)
    group.command("verify")(verify)
    group.command("list")(list_command)
    app.add_typer(group, name="audit")


def verify(
    context: typer.Context,
    json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
) -> None:
    """Walk the whole chain of events, against its anchors too; exit 1 names the first broken link."""
    ctx: Context = context.obj
    database = ctx.database()
    anchors = [anchor for file in places(database, ctx.settings()) for anchor in file.since_adoption()]
    with database.read() as session:
        broken = events.verify(session, database.key, anchors)
        count = session.scalar(select(Event.seq).order_by(Event.seq.desc()).limit(1)) or 0
    if json:
        ctx.emit({"ok": broken is None, "events": count, "anchors": len(anchors), "broken": broken}, json=True)
    if broken is not None:
        raise RelanceError(
            f"the log is broken at event {broken.seq}: {broken.why}. "
            "Keep this database as evidence, and compare it with the last backup."
        )
    if not json:
        ctx.emit(f"ok: {count} events, no link broken; {len(anchors)} anchors agree", json=False)


def list_command(
    context: typer.Context,
    subject: Annotated[str | None, typer.Option("--subject", help="Only of this, as invoice:12 or message:3.")] = None,
    last: Annotated[int, typer.Option("--last", min=1, help="How many, counted from the end.")] = 50,
    json: Json = False,
) -> None:
    """Show events, oldest first."""
    ctx: Context = context.obj
    query = select(Event).order_by(Event.seq.desc()).limit(last)
    if subject is not None:
        kind, _, key = subject.partition(":")
        query = query.where(Event.subject_type == kind, Event.subject_id == key)
    with ctx.database().read() as session:
        rows = [
            {
                "seq": e.seq, "at": e.at, "kind": e.kind, "subject": f"{e.subject_type}:{e.subject_id}",
                "actor": e.actor, "data": e.data,
            }
            for e in reversed(session.scalars(query).all())
        ]  # fmt: skip
    ctx.emit(rows, json=json)
