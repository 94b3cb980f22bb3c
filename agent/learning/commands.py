"""`relance train` and `relance model …`: parse, call, print."""

from __future__ import annotations

import json as json_format
import sys
from pathlib import Path
from typing import Annotated

import typer

from agent.console import By, Context, Json
from agent.learning import corrections, gate, promotion
from classifier.registry import DEFAULT_NAME as SHIPPED
from classifier.registry import LOCAL
from config import path_of_configuration
from config.errors import NeedsPerson

Name = Annotated[str, typer.Argument(help="Its name in `relance model list`.")]


def mount(app: typer.Typer) -> None:
    """Add the room's commands to the command line."""
    app.command("train")(train_command)
    models = typer.Typer(help="The trained models of this installation.", no_args_is_help=True)
    models.command("list")(list_command)
    models.command("show")(show_command)
    models.command("promote")(promote_command)
    models.command("rollback")(rollback_command)
    app.add_typer(models, name="model")


def train_command(
    context: typer.Context,
    files: Annotated[list[Path] | None, typer.Argument(help="Further labelled replies, JSON lines.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder of the result. [default: trained/VERSION]")] = None,
    without_corrections: Annotated[
        bool, typer.Option("--without-corrections", help="Leave out what people here corrected.")
    ] = False,
    json: Json = False,
) -> None:
    """Train from the shipped replies, people's corrections here, and further files; `model promote` puts it to work."""
    from classifier.build import train_further
    from classifier.registry import Entry
    from classifier.storage import read_manifest

    ctx: Context = context.obj
    learnt: tuple[corrections.Learnt, ...] = ()
    if _is_configured(ctx) and not without_corrections:
        database = ctx.database()
        with database.read() as session:
            found = corrections.read(session, ctx.settings(), database.key.sign("frozen corrections"))
        learnt = found.training
        ctx.say(f"{len(learnt)} corrections are learnt from, {len(found.frozen)} are kept to compare models on")
    encoder = ctx.settings().encoder if _is_configured(ctx) else "default"
    root = ctx.settings().root if _is_configured(ctx) else Path()
    folder = train_further(
        [each.row for each in learnt], tuple(each.id for each in learnt), files or [], encoder,
        lambda identity: out or root / LOCAL / f"{ctx.now():%Y%m%d-%H%M%S}-{identity[:8]}", ctx.now(), ctx.say,
    )  # fmt: skip
    ctx.say(f"trained into {folder}. `relance model promote {folder.name}` compares it and puts it to work.")
    ctx.emit(Entry(folder.name, folder, read_manifest(folder)), json)


def list_command(context: typer.Context, json: Json = False) -> None:
    """List the trained models: the shipped one and those trained here; which is in use, and what it was trained on."""
    from classifier.registry import entries

    ctx: Context = context.obj
    if not _is_configured(ctx):
        ctx.emit(entries(None), json)
        return
    settings, database = ctx.settings(), ctx.database()
    history = promotion.read(settings.root, database.key)
    used = history[-1].folder if history else SHIPPED
    with database.read() as session:
        gone = corrections.withdrawn(session)
    rows = []
    for each in entries(settings.root):
        stale = len(gone & set(each.manifest["origin"]["corrections"]))
        rows.append({**each.as_json(), "in_use": each.name == used, "withdrawn": stale})
    ctx.emit(rows, json)
    if any(row["withdrawn"] and row["in_use"] for row in rows):
        ctx.say(
            "The trained model in use has learnt from corrections that were withdrawn or erased since: train again."
        )


def show_command(context: typer.Context, name: Name = "default") -> None:
    """Show a trained model's manifest: where it came from, its thresholds, its figures."""
    from classifier.registry import entry

    ctx: Context = context.obj
    manifest = entry(name, ctx.settings().root if _is_configured(ctx) else None).manifest
    sys.stdout.write(json_format.dumps(manifest, indent=2, ensure_ascii=False) + "\n")


def promote_command(
    context: typer.Context,
    name: Name,
    by: By,
    force: Annotated[bool, typer.Option("--force", help="Even where a class falls; the log keeps it.")] = False,
) -> None:
    """Compare a trained model with the one in use, and put it to work if no class falls below its floor."""
    from classifier.registry import entry

    ctx: Context = context.obj
    settings, database = ctx.settings(), ctx.database()
    candidate = entry(name, settings.root)
    if candidate.name == SHIPPED:
        raise NeedsPerson("The shipped model is never promoted; `relance model rollback` goes back to it.")
    with database.read() as session:
        frozen = corrections.read(session, settings, database.key.sign("frozen corrections")).frozen
    current = promotion.in_use(settings.root, database.key)
    fallen = gate.compare(current, candidate.folder, [each.row for each in frozen], settings.encoder)
    for fall in fallen:
        ctx.say(str(fall))
    if fallen and not force:
        raise NeedsPerson(
            f"{candidate.name} is not promoted: it falls below a floor. Train on more corrections, or take it all the"
            " same with --force, which the log keeps."
        )
    promotion.promote(
        database, settings.root, candidate.name, candidate.manifest["version"], by, ctx.now(), forced=bool(fallen)
    )
    ctx.say(
        f"{candidate.name} is in use; the daemon takes it up with the next mail. `relance model rollback` undoes it."
    )


def rollback_command(context: typer.Context, by: By) -> None:
    """Go back to the trained model that was in use before, at once."""
    ctx: Context = context.obj
    version = promotion.rollback(ctx.database(), ctx.settings().root, by, ctx.now())
    ctx.say(f"{version} is in use again")


def _is_configured(ctx: Context) -> bool:
    return ctx.config is not None or path_of_configuration(None).is_file()
