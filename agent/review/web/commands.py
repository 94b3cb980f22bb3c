"""`relance web`: the review pages."""

from __future__ import annotations

from typing import Annotated

import typer

from agent.console import Context


def mount(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("web")(web_command)


def web_command(
    context: typer.Context,
    host: Annotated[str | None, typer.Option("--host", help="Listen on this address instead of [web] host.")] = None,
    port: Annotated[
        int | None, typer.Option("--port", min=0, max=65535, help="And on this port; 0: any free one.")
    ] = None,
) -> None:
    """Serve the review pages: what waits for a person, every customer's story, what goes out."""
    from agent.review.web import server

    ctx: Context = context.obj
    settings = server.placed(ctx.settings(), host, port)
    with server.Server(ctx.database(), settings, ctx.now) as serving:
        ctx.say(f"The review pages are at {serving.url} (Ctrl-C ends them).")
        if serving.has_no_users():
            ctx.say("Nobody may log in yet: `relance user add NAME --role reviewer`.")
        serving.run()
