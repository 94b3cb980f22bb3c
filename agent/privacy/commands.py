"""`relance erase`, `export`, `retention` and `legal-hold`: parse, call, print."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agent.console import By, Context

if TYPE_CHECKING:
    from agent.privacy.erase import Erased

Json = Annotated[bool, typer.Option("--json", help="One JSON document.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would go and what stays; erase nothing.")]
Address = Annotated[str | None, typer.Argument(metavar="[ADDRESS]", help="A person's mail address.")]
CustomerId = Annotated[
    str | None, typer.Option("--customer", metavar="ID", help="A customer that is a person, instead of an address.")
]


def mount(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.command("erase")(erase_command)
    app.command("export")(export_command)
    app.command("retention")(retention_command)
    group = typer.Typer(help="Keep everything of a customer, whatever its age.", no_args_is_help=True)
    group.command("place")(place_command)
    group.command("release")(release_command)
    app.add_typer(group, name="legal-hold")


def erase_command(
    context: typer.Context,
    address: Address = None,
    customer: CustomerId = None,
    reason: Annotated[str, typer.Option("--reason", help="Why, as a short code for the log.")] = "asked_for",
    dry_run: DryRun = False,
    json: Json = False,
    by: By = "operator",
) -> None:
    """Erase what is kept of a person: mails, their texts and labels, contacts. What must stay is told, and why."""
    from agent.privacy import erase

    ctx: Context = context.obj
    _one_of(address, customer)
    if customer is not None:
        done = erase.erase_customer(ctx.database(), customer, actor=by, now=ctx.now(), reason=reason, dry_run=dry_run)
    else:
        done = erase.erase_person(
            ctx.database(), address or "", actor=by, now=ctx.now(), reason=reason, dry_run=dry_run
        )
    _tell(ctx, done, dry_run=dry_run, json=json)
    if done.mails and not dry_run:
        ctx.say("The mailbox itself is unchanged: delete the person's mails there, and train anew (`relance train`).")


def retention_command(context: typer.Context, dry_run: DryRun = False, json: Json = False) -> None:
    """Erase what has been kept for as long as it may be; the daemon does the same every hour."""
    from agent.privacy import erase

    ctx: Context = context.obj
    done = erase.drain(ctx.database(), ctx.settings(), ctx.now(), dry_run=dry_run)
    _tell(ctx, done, dry_run=dry_run, json=json)


def export_command(
    context: typer.Context,
    target: Annotated[Path, typer.Option("-o", "--output", metavar="FILE", help="The zip file to write.")],
    address: Address = None,
    customer: CustomerId = None,
) -> None:
    """Write all that is kept of a person or a customer into one file: rows as JSON, mails as they came."""
    from agent.privacy.export import export

    ctx: Context = context.obj
    _one_of(address, customer)
    mails = export(ctx.database(), address, customer, target, ctx.now())
    ctx.say(f"{target}: data.json and {mails} mail(s)")


def place_command(
    context: typer.Context,
    customer: Annotated[str, typer.Argument(metavar="CUSTOMER", help="Id of a customer.")],
    reason: Annotated[str, typer.Option("--reason", help="Why it must be kept: a case in court, an audit.")],
    by: By = "operator",
) -> None:
    """Erase nothing of this customer from now on, neither by age nor on request."""
    from agent.ledger.byhand import target
    from agent.privacy import store

    ctx: Context = context.obj
    with ctx.database().write() as session:
        store.place_legal_hold(session, target(session, None, customer).customer.id, reason, actor=by, at=ctx.now())
    ctx.say(f"Everything of customer {customer} is kept until `relance legal-hold release {customer}`.")


def release_command(
    context: typer.Context,
    customer: Annotated[str, typer.Argument(metavar="CUSTOMER", help="Id of a customer.")],
    by: By = "operator",
) -> None:
    """Lift the legal holds of a customer."""
    from agent.ledger.byhand import target
    from agent.privacy import store

    ctx: Context = context.obj
    with ctx.database().write() as session:
        owner = target(session, None, customer).customer.id
        count = store.release_legal_holds(session, owner, actor=by, at=ctx.now())
    ctx.say(f"{count} legal hold(s) of customer {customer} lifted.")


def _one_of(address: str | None, customer: str | None) -> None:
    if (address is None) == (customer is None):
        raise typer.BadParameter("give an address, or --customer ID.", param_hint="ADDRESS")


def _tell(ctx: Context, done: Erased, *, dry_run: bool, json: bool) -> None:
    if json:
        ctx.emit({"dry_run": dry_run, "mails": done.mails, "contacts": done.contacts, "customers": done.customers,
                  "kept": done.kept}, json=True)  # fmt: skip
        return
    would = "would be erased" if dry_run else "erased"
    ctx.say(f"{done.mails} mail(s), {done.contacts} contact(s), {done.customers} customer(s) {would}.")
    for kept in done.kept:
        ctx.emit(f"{kept.what} stays: {kept.why}", json=False)
