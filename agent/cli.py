"""The command `relance`: mounts what the rooms offer, and turns every error into words and an exit code.

Exit codes: 0 done, 1 the work failed (one line says what, where, how to mend it), 2 usage or configuration. A room's
commands stand in its own `commands.py`; here is nothing but the options that all of them share.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Sequence
from importlib import import_module, metadata
from pathlib import Path
from typing import Annotated

import typer

from agent.console import Context, configure_logs, printable
from config.errors import RelanceError

#: Where commands come from, in the order in which `--help` shows them. Each module has `mount(app)`.
ROOMS = (
    "agent.operations.commands",
    "agent.ledger.commands",
    "agent.daemon",
    "agent.reminders.commands",
    "agent.inbound.commands",
    "agent.inbound.inspect",
    "agent.replies.commands",
    "agent.review.commands",
    "agent.review.user_commands",
    "agent.review.token_commands",
    "agent.reports.commands",
    "agent.review.web.commands",
    "classifier.commands",
    "agent.learning.commands",
    "agent.audit.commands",
    "agent.webhooks.commands",
    "agent.privacy.commands",
    "agent.demo.commands",
)


def _show_version(wanted: bool) -> None:
    if wanted:
        sys.stdout.write(f"relance {metadata.version('relance')}\n")
        raise typer.Exit


def _options(
    context: typer.Context,
    config: Annotated[
        Path | None,
        typer.Option(
            help="The configuration file. [default: $RELANCE_CONFIG, else ./relance.toml]", show_default=False
        ),
    ] = None,
    debug: Annotated[bool, typer.Option("--debug", help="Log more, and show the traceback of an error.")] = False,
    version: Annotated[  # noqa: ARG001 its callback has answered before we come here
        bool, typer.Option("--version", help="Show the version.", callback=_show_version, is_eager=True)
    ] = False,
) -> None:
    """Remind customers of overdue invoices, understand their answers, and hand to a person what needs one."""
    context.obj.config, context.obj.debug = config, debug
    configure_logs(debug=debug)


def _build() -> typer.Typer:
    app = typer.Typer(
        name="relance",
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
    )
    app.callback()(_options)
    for room in ROOMS:
        import_module(room).mount(app)
    return app


app = _build()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return the exit code. `arguments` are those of the process where not given."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # a stranger's half character must not end the command
    context = Context()
    try:
        app(args=arguments, prog_name="relance", obj=context)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except RelanceError as error:
        _tell(str(error), error, debug=context.debug)
        return error.exit_code
    except Exception as error:  # noqa: BLE001 the last line of defence: whatever it is, a person gets a sentence
        words = " ".join([f"unexpected {type(error).__name__}:", *str(error).splitlines()[:1]])
        _tell(f"{words} (a mistake in relance; `relance --debug …` shows where)", error, debug=context.debug)
        return 1
    finally:
        context.close()
    return 0


def _tell(words: str, error: BaseException, *, debug: bool) -> None:
    if debug:
        traceback.print_exception(error)
    sys.stderr.write("relance: " + printable(words).rstrip("\n") + "\n")


if __name__ == "__main__":
    sys.exit(main())
