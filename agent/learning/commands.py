"""`relance train` and `relance model …`: parse, call, print."""

from __future__ import annotations

import json as json_format
import sys
from pathlib import Path
from typing import Annotated

import typer

from agent.console import By, Context, Json
from agent.learning import background, corrections, gate, overview, promotion, training
from classifier.registry import DEFAULT_NAME as SHIPPED
from config import path_of_configuration
from config.errors import NeedsPerson

Name = Annotated[str, typer.Argument(help="Its name in `relance model list`.")]
Reason = Annotated[str, typer.Option("--reason", help="Why; stands beside it on the review pages.")]


def mount(app: typer.Typer) -> None:
    """Add the room's commands to the command line."""
    app.command("train")(train_command)
    models = typer.Typer(help="The trained models of this installation.", no_args_is_help=True)
    models.command("list")(list_command)
    models.command("show")(show_command)
    models.command("promote")(promote_command)
    models.command("rollback")(rollback_command)
    models.command("work")(work_command)
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
    from classifier.registry import Entry
    from classifier.storage import read_manifest

    ctx: Context = context.obj
    is_configured = _is_configured(ctx)
    learnt: tuple[corrections.Learnt, ...] = ()
    if is_configured and not without_corrections:
        learnt = training.learnt_here(ctx.database(), ctx.settings(), ctx.say)
    encoder = ctx.settings().encoder if is_configured else "default"
    root = ctx.settings().root if is_configured else Path()
    folder = training.train(learnt, files or [], encoder, root, ctx.now(), ctx.say, out)
    ctx.say(f"trained into {folder}. `relance model promote {folder.name}` compares it and puts it to work.")
    ctx.emit(Entry(folder.name, folder, read_manifest(folder)), json)


def list_command(context: typer.Context, json: Json = False) -> None:
    """List the trained models: the shipped one and those trained here; which is in use, and what it was trained on."""
    from classifier.registry import entries

    ctx: Context = context.obj
    if not _is_configured(ctx):
        ctx.emit(entries(None), json)
        return
    rows = [each.as_json() for each in overview.versions(ctx.database(), ctx.settings())]
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
    reason: Reason = "",
) -> None:
    """Compare a trained model with the one in use, and put it to work if no class falls below its floor: the F1 of the
    one in use less 0.02, and 0.5 at least.
    """
    from classifier.registry import entry

    ctx: Context = context.obj
    settings, database = ctx.settings(), ctx.database()
    candidate = entry(name, settings.root)
    if candidate.name == SHIPPED:
        raise NeedsPerson("The shipped model is never promoted; `relance model rollback` goes back to it.")
    verdict = gate.judge(database, settings, candidate)
    for fall in verdict.falls:
        ctx.say(str(fall))
    gate.put_to_work(database, settings, candidate, verdict, by, ctx.now(), force=force, reason=reason)
    ctx.say(
        f"{candidate.name} is in use; the daemon takes it up with the next mail. `relance model rollback` undoes it."
    )


def rollback_command(context: typer.Context, by: By, reason: Reason = "") -> None:
    """Go back to the trained model that was in use before, at once."""
    ctx: Context = context.obj
    version = promotion.rollback(ctx.database(), ctx.settings().root, by, ctx.now(), reason)
    ctx.say(f"{version} is in use again")


def work_command(
    context: typer.Context,
    run: Annotated[int, typer.Argument(help="Number of the run.")],
) -> None:
    """Carry out a training or comparison that was asked for on the review pages; they start this by themselves."""
    ctx: Context = context.obj
    background.work(ctx.database(), ctx.settings(), run, ctx.now)


def _is_configured(ctx: Context) -> bool:
    return ctx.config is not None or path_of_configuration(None).is_file()
