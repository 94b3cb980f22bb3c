"""`stop-mails` and `resume-mails`: to a whole customer, or to one address of it. Parse, call, print."""

from enum import StrEnum
from typing import Annotated

import typer

from agent.console import By, Context
from agent.ledger import addresses, byhand
from agent.ledger.byhand import Deed

Number = Annotated[str, typer.Argument(metavar="CUSTOMER", help="The customer's number.")]


class Wrong(StrEnum):
    """`addresses.WRONG`, as the command line takes it."""

    WRONG_PERSON = "wrong_person"
    LEFT_COMPANY = "left_company"


def stop_mails(
    context: typer.Context,
    customer: Number,
    reason: Annotated[str, typer.Option("--reason", help="Why; kept as a note on the customer.")],
    to: Annotated[
        str | None, typer.Option("--to", metavar="ADDRESS", help="Only to this address: it is a wrong one.")
    ] = None,
    because: Annotated[Wrong, typer.Option("--because", help="With --to: why it is wrong.")] = Wrong.WRONG_PERSON,
    new_contact: Annotated[
        str | None, typer.Option("--new-contact", metavar="ADDRESS", help="With --to: whom to write to instead.")
    ] = None,
    by: By = "operator",
) -> None:
    """Send a customer no reminders by mail any more, each such step of the plan becomes a call; or none to one address
    of it (--to), while they go on to another one.
    """
    ctx: Context = context.obj
    if to is not None:
        _stop_mails_to(ctx, customer, to, because, new_contact, reason, by)
        return
    if new_contact is not None:
        raise typer.BadParameter("say with --to in whose place it stands", param_hint="--new-contact")
    with ctx.database().write() as session:
        on, deed = byhand.target(session, None, customer), Deed(by, ctx.now())
        is_new = byhand.stop_mails(session, on.customer, deed, ctx.settings())
        byhand.note(session, on, "note", reason, deed)
    ctx.say(f"{on.name} gets no mails{' any more' if is_new else ' already'}; what is due becomes tasks.")


def _stop_mails_to(
    ctx: Context, number: str, address: str, because: Wrong, new_contact: str | None, reason: str, by: str
) -> None:
    with ctx.database().write() as session:
        on, deed = byhand.target(session, None, number), Deed(by, ctx.now())
        retired = addresses.retire(
            session, on.customer, address, because.value, deed, ctx.settings(), replacement=new_contact
        )
        byhand.note(session, on, "note", reason, deed)
    ctx.say(f"No reminder goes to {address} any more.")
    if new_contact is not None:
        ctx.say(f"Reminders to {on.name} go to {new_contact} from now on.")
    elif retired.task_id is not None:
        ctx.say(f"Task {retired.task_id} asks for the right contact (`relance tasks show {retired.task_id}`).")


def resume_mails(
    context: typer.Context,
    customer: Number,
    to: Annotated[str | None, typer.Option("--to", metavar="ADDRESS", help="To this address of it.")] = None,
    by: By = "operator",
) -> None:
    """Let reminders go to a customer by mail again, or to one address of it."""
    ctx: Context = context.obj
    with ctx.database().write() as session:
        on, deed = byhand.target(session, None, customer), Deed(by, ctx.now())
        if to is not None:
            was, whom = addresses.revive(session, on.customer, to, deed), to
        else:
            was, whom = byhand.resume_mails(session, on.customer, deed), on.name
    ctx.say(f"{whom} gets reminders by mail again." if was else f"Mails to {whom} were not stopped.")
