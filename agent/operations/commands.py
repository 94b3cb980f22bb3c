"""`init`, `doctor`, `adopt`, `backup` and `restore`: parse, call, print."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agent.console import Context, Json

if TYPE_CHECKING:
    from agent.operations.archive import Manifest


def mount(app: typer.Typer) -> None:
    app.command()(init)
    app.command()(doctor)
    app.command()(adopt)
    app.command()(backup)
    app.command()(restore)


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
    json: Json = False,
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


def backup(
    typer_context: typer.Context,
    target: Annotated[
        Path | None,
        typer.Argument(metavar="[FILE]", help="The file to write, or the folder to write it into.", show_default=False),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
) -> None:
    """Write database, raw mails, signing key and configuration into one file, while relance works; prove it."""
    from agent.operations.backup import back_up

    context: Context = typer_context.obj
    now = context.now()
    folder = target or Path()
    file = folder / f"relance-{now:%Y%m%dT%H%M%SZ}.backup" if folder.is_dir() else folder
    manifest = back_up(context.database(), context.settings(), file, now)
    if json:
        context.emit({"file": str(file), **_shown(manifest)}, json=True)
    else:
        context.emit(
            f"{file}: {manifest.messages} mails, {manifest.events} events, all proven. "
            "It holds the signing key: keep it as safe as the mailbox.",
            json=False,
        )


def restore(
    typer_context: typer.Context,
    source: Annotated[Path, typer.Argument(metavar="FILE", help="What `relance backup` wrote.")],
    into: Annotated[
        Path | None,
        typer.Option("--into", metavar="DIR", help="Folder of the configuration. [default: as every command finds it]",
                     show_default=False),
    ] = None,
    check_only: Annotated[bool, typer.Option("--check", help="Prove the backup, and restore nothing.")] = False,
    replace: Annotated[bool, typer.Option("--replace", help="Set aside the database that is there.")] = False,
    by: Annotated[
        str, typer.Option("--by", help="Who does it; stands in the log.", envvar="RELANCE_USER")
    ] = "operator",
    json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
) -> None:  # fmt: skip
    """Put a backup in place. It sends nothing until `relance adopt`."""
    from agent.operations import restore as restoring
    from config import path_of_configuration

    context: Context = typer_context.obj
    now = context.now()
    if check_only:
        manifest = restoring.check(source, now)
        context.emit({"file": str(source), **_shown(manifest)}, json=json)
        return
    folder = into or path_of_configuration(context.config).absolute().parent
    done = restoring.restore(source, folder, by, now, replace=replace)
    if json:
        told = {"configuration": done.settings.file, "set_aside": done.set_aside, **_shown(done.manifest)}
        context.emit(told, json=True)
    for path in done.set_aside:
        context.say(f"{path}: what was there before")
    context.say(
        f"{done.settings.file}: restored as of {done.manifest.made_at}, and bound to no place: nothing is sent. "
        "Make sure that no other copy is at work, then run `relance adopt`."
    )


def _shown(manifest: Manifest) -> dict[str, object]:
    """What people and programs need of a manifest."""
    return {name: getattr(manifest, name) for name in ("made_at", "version", "schema", "backend", "messages", "events")}
