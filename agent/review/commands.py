"""`relance queue …` and `relance tasks …`: parse, call, print."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any

import typer
from sqlalchemy import select
from sqlalchemy.orm import Session

from agent.console import By, Context, Json
from agent.inbound.store import reading_of
from agent.replies import store, undoing
from agent.replies.word import INTENTS, DeliveryWord, Effect, Word
from agent.review import deeds, queue, taking_back, tasks
from agent.review.calls import Form, Result, finish, record
from agent.review.days import morning
from classifier.labels import OTHER_REASONS
from config.errors import NeedsPerson
from models import ExceptionItem, Invoice, Message
from models.reasons import SENTENCES, TaskKind

Item = Annotated[int, typer.Argument(help="Number of the item, from `relance queue list`.")]
Over = Annotated[
    str, typer.Option("--over", metavar="NAME", help="The colleague who has it, and from whom you take it over.")
]
UNNAMED = "operator"
"""Who gives no name. What such a one has taken is in nobody's hand whom one could ask."""


def mount(app: typer.Typer) -> None:
    """Add the room's commands to the command line."""
    group = typer.Typer(help="The exception queue: what waits for a person.", no_args_is_help=True)
    group.command("list")(list_command)
    group.command("show")(show_command)
    group.command("take")(take_command)
    group.command("resolve")(resolve_command)
    group.command("dismiss")(dismiss_command)
    group.command("snooze")(snooze_command)
    group.command("undo")(undo_command)
    app.add_typer(group, name="queue")
    work = typer.Typer(help="Work that comes from the plan or the clock.", invoke_without_command=True)
    work.callback()(tasks_list)
    work.command("done")(tasks_done)
    work.command("show")(tasks_show)
    work.command("call")(tasks_call)
    work.command("undo")(tasks_undo)
    app.add_typer(work, name="tasks")


def list_command(
    context: typer.Context,
    json: Json = False,
    everything: Annotated[bool, typer.Option("--all", help="The settled ones too.")] = False,
) -> None:
    """List what waits, most urgent first."""
    ctx: Context = context.obj
    with ctx.database().read() as session:
        items = queue.waiting(session, ctx.now(), everything=everything)
        rows = [_row(session, item) for item in items]
    if not json:
        rows = [{**row, "invoices": ", ".join(row["invoices"]), "suggested": _short(row["suggested"])} for row in rows]
        for row in rows:
            del row["message_id"], row["due_at"], row["holds"]
    ctx.emit(rows, json=json)


def _short(suggested: dict[str, Any] | None) -> str:
    return f"{suggested['primary']} {suggested['confidence']:.0%}" if suggested else ""


def _row(session: Session, item: ExceptionItem) -> dict[str, Any]:
    message = session.get(Message, item.message_id) if item.message_id is not None else None
    ids = [link.invoice_id for link in item.links if link.invoice_id is not None]
    numbers = session.scalars(select(Invoice.number).where(Invoice.id.in_(ids)).order_by(Invoice.id)).all()
    suggested = None
    if item.suggested_primary is not None:
        suggested = {"primary": item.suggested_primary, "confidence": round(item.suggested_confidence or 0, 4)}
    return {
        "id": item.id,
        "reason": item.reason.value,
        "message_id": message.message_id if message is not None else None,
        "customer": item.customer_id,
        "invoices": list(numbers),
        "suggested": suggested,
        "state": item.state.value,
        "priority": item.priority,
        "created_at": item.created_at,
        "due_at": item.due_at,
        "assignee": item.assignee,
        "holds": item.holds,
        "detail": item.detail,
    }


def show_command(context: typer.Context, item_id: Item, json: Json = False) -> None:
    """Show one item with the mail that it is about and what relance makes of it."""
    ctx: Context = context.obj
    with ctx.database().read() as session:
        item = session.get(ExceptionItem, item_id)
        if item is None:
            raise NeedsPerson(f"there is no item {item_id} in the queue; `relance queue list` shows those that wait")
        row = {**_row(session, item), "means": SENTENCES[item.reason], "customers": _customers(item)}
        message = session.get(Message, item.message_id) if item.message_id is not None else None
        if message is not None and message.state is not None and message.kind is not None:
            reading = reading_of(session, message.id)
            prediction = store.prediction_of(session, message.id)
            row |= {
                "from": reading.from_header,
                "subject": reading.subject,
                "received_at": message.received_at,
                "text": reading.new_text,
                "attachments": [a.filename for a in reading.attachments],
                "payment_proofs": list(reading.payment_proofs),
                "prediction": prediction.as_json() if prediction is not None else None,
            }
    ctx.emit(row, json=json)


def _customers(item: ExceptionItem) -> list[str]:
    return list(dict.fromkeys(link.customer_id for link in item.links))


def take_command(
    context: typer.Context, item_id: Item, over: Over = UNNAMED, by: By = UNNAMED, json: Json = False
) -> None:
    """Say that you work on it."""
    ctx: Context = context.obj
    with ctx.database().write() as session, _told_how():
        deeds.assign(session, "item", item_id, by, by, ctx.now(), over=over)
        row = _row(session, queue.get(session, item_id))
    _tell(ctx, row, f"Item {item_id} is {by}'s.", json=json)


def resolve_command(
    context: typer.Context,
    item_id: Item,
    intent: Annotated[str | None, typer.Option("--as", help="paid, promise, dispute, question or other.")] = None,
    invoice: Annotated[
        list[str] | None, typer.Option("--invoice", help="NUMBER=INTENT; again for each invoice.")
    ] = None,
    promise_date: Annotated[
        datetime | None, typer.Option("--promise-date", formats=["%Y-%m-%d"], help="The promised day.")
    ] = None,
    dispute_reason: Annotated[str | None, typer.Option("--dispute-reason", help="amount, quality, …")] = None,
    other_reason: Annotated[
        str | None, typer.Option("--other-reason", help="Why it is other: wrong_person, left_company, …")
    ] = None,
    wrong_contact: Annotated[
        str | None, typer.Option("--wrong-contact", metavar="ADDRESS", help="The address that is the wrong one.")
    ] = None,
    new_contact: Annotated[
        str | None, typer.Option("--new-contact", metavar="ADDRESS", help="Whom to write to in its place.")
    ] = None,
    delivery: Annotated[str | None, typer.Option("--delivery", help="sent, again or drop.")] = None,
    over: Over = UNNAMED,
    by: By = UNNAMED,
    json: Json = False,
) -> None:
    """Say what a mail means, or what became of a delivery; it is applied, and kept to learn from."""
    if intent is not None and intent not in INTENTS:
        raise typer.BadParameter(f"{intent!r}: say one of {', '.join(INTENTS)}", param_hint="--as")
    if other_reason is not None and other_reason not in OTHER_REASONS:
        raise typer.BadParameter(
            f"{other_reason!r}: say one of {', '.join(OTHER_REASONS)}", param_hint="--other-reason"
        )
    ctx: Context = context.obj
    word = Word(
        by=by,
        intent=intent,
        per_invoice=_pairs(invoice or []),
        promise_date=promise_date.date() if promise_date is not None else None,
        dispute_reason=dispute_reason,
        delivery=_delivery_word(delivery),
        other_reason=other_reason,
        wrong_contact=wrong_contact,
        new_contact=new_contact,
    )
    with ctx.database().write() as session, _told_how():
        effects = deeds.decide(session, item_id, word, ctx.settings(), ctx.now(), over=over)
        row = _row(session, queue.get(session, item_id))
    _tell_done(ctx, effects, row, json=json)


@contextmanager
def _told_how() -> Iterator[None]:
    """Tell who is refused because a colleague has it how the command line takes it over."""
    try:
        yield
    except queue.InHand as taken:
        mend = f"Ask them first; `--over {taken.by}` takes it over, `--by {taken.by}` says that it is you."
        raise queue.InHand(taken.what, mend, taken.by) from None


def _delivery_word(text: str | None) -> DeliveryWord | None:
    match text:
        case None | "sent" | "again" | "drop":
            return text
    raise typer.BadParameter(f"{text!r}: say sent, again or drop", param_hint="--delivery")


def _pairs(texts: list[str]) -> dict[str, str]:
    pairs = {}
    for text in texts:
        number, equals, intent = text.rpartition("=")
        if not equals or intent not in INTENTS:
            raise typer.BadParameter(
                f"{text!r}: write NUMBER=INTENT, the intent one of {', '.join(INTENTS)}",
                param_hint="--invoice",
            )
        pairs[number] = intent
    return pairs


def _tell(ctx: Context, row: dict[str, Any], sentence: str, *, json: bool) -> None:
    if json:
        ctx.emit(row, json=True)
    else:
        ctx.say(sentence)


def _tell_done(ctx: Context, effects: Sequence[Effect], row: dict[str, Any], *, json: bool) -> None:
    if json:
        ctx.emit({**row, "followed": [effect.sentence for effect in effects]}, json=True)
        return
    ctx.say(f"Item {row['id']}:")
    for effect in effects:
        ctx.say(f"  {effect.sentence}")


def dismiss_command(
    context: typer.Context,
    item_id: Item,
    reason: Annotated[str, typer.Option("--reason", help="Why nothing has to follow from it.")],
    over: Over = UNNAMED,
    by: By = UNNAMED,
    json: Json = False,
) -> None:
    """Say that nothing has to follow from it; reminders go on."""
    ctx: Context = context.obj
    with ctx.database().write() as session, _told_how():
        deeds.dismiss(session, item_id, reason, by, ctx.now(), over=over)
        row = _row(session, queue.get(session, item_id))
    _tell(ctx, row, f"Item {item_id} is dismissed.", json=json)


def snooze_command(
    context: typer.Context,
    item_id: Item,
    until: Annotated[datetime, typer.Option("--until", formats=["%Y-%m-%d"], help="The day to show it again.")],
    by: By = UNNAMED,
    over: Over = UNNAMED,
    json: Json = False,
) -> None:
    """Put it away until a day; the customer's reminders go on waiting."""
    ctx: Context = context.obj
    moment = morning(until.date(), ctx.settings().zone)
    with ctx.database().write() as session, _told_how():
        deeds.snooze(session, "item", item_id, moment, by, ctx.now(), over=over)
        row = _row(session, queue.get(session, item_id))
    _tell(ctx, row, f"Item {item_id} sleeps until {until:%Y-%m-%d}.", json=json)


def undo_command(
    context: typer.Context,
    item_id: Annotated[int | None, typer.Argument(help="Number of the item; without it your last one.")] = None,
    by: By = UNNAMED,
    json: Json = False,
) -> None:
    """Take a settlement back, with all that it did."""
    ctx: Context = context.obj
    with ctx.database().write() as session:
        item = queue.get(session, item_id) if item_id is not None else queue.last_settled(session, by)
        if item is None:
            raise NeedsPerson(f"{by} has settled nothing yet; name the item to undo")
        done = undoing.undo(session, item, by, ctx.now())
        row = _row(session, item)
    _tell_done(ctx, done.effects, row, json=json)


def tasks_list(context: typer.Context, json: Json = False) -> None:
    """List the open tasks: calls, hand-overs, broken promises, unpaid claims."""
    if context.invoked_subcommand is not None:
        return
    ctx: Context = context.obj
    with ctx.database().read() as session:
        rows = tasks.rows(session)
    ctx.emit(rows, json=json)


def tasks_show(
    context: typer.Context,
    task: Annotated[int, typer.Argument(help="Number from `relance tasks`.")],
    json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
) -> None:
    """Show what a person needs for a task: whom to reach, what is open, what was written and promised."""
    from agent.reminders.case import sheet

    ctx: Context = context.obj
    settings = ctx.settings()
    with ctx.database().read() as session:
        found = sheet(session, settings, task, ctx.now())
    if json:
        ctx.emit(found, json=True)
        return
    customer = found["customer"]
    phone = customer["phone"] or "no telephone number known"
    ctx.say(f"Task {task} ({found['task']['kind']}): {customer['name']}, {phone}. {found['detail']}")
    ctx.emit(found["contacts"], json=False)
    shown = ("number", "due_date", "days_late", "balance", "currency", "state", "promised_for")
    ctx.emit([{name: row[name] for name in shown} for row in found["invoices"]], json=False)
    ctx.emit(found["credits"], json=False)
    sums = sorted(found["to_pay"].items())
    ctx.emit([{"to_pay": amount, "currency": currency} for currency, amount in sums], json=False)
    if (charges := found["charges"]) is not None and "error" not in charges:
        ctx.emit([{name: charges[name] for name in ("interest", "indemnity", "until", "law")}], json=False)
    ctx.emit(found["promises"], json=False)
    ctx.emit(found["letters"], json=False)
    ctx.emit(found["notes"], json=False)
    ctx.emit(found["mails"], json=False)
    if found["task"]["kind"] == TaskKind.HAND_OVER.value and not found["letters"]:
        ctx.say("No formal notice of these invoices was composed with relance: see that one was sent, and has run out.")


def tasks_call(
    context: typer.Context,
    task: Annotated[int, typer.Argument(help="Number of a call from `relance tasks`.")],
    result: Annotated[Result, typer.Option("--result", help="What came of it.")],
    day: Annotated[datetime | None, typer.Option("--date", formats=["%Y-%m-%d"], help="The promised day.")] = None,
    amount: Annotated[str | None, typer.Option("--amount", help="A part of the balance.")] = None,
    reason: Annotated[str | None, typer.Option("--reason", help="Of a dispute.")] = None,
    text: Annotated[str, typer.Option("--text", help="What was said; it can be erased later.")] = "",
    over: Over = UNNAMED,
    by: By = UNNAMED,
) -> None:
    """Write down what came of a call; a promise, a payment or a dispute pauses the reminders."""
    ctx: Context = context.obj
    try:
        part = Decimal(amount) if amount is not None else None
    except ArithmeticError:
        raise NeedsPerson(f"“{amount}” is no amount", "Write it as 1250.00.") from None
    form = Form(result, day.date() if day is not None else None, part, reason, text)
    with ctx.database().write() as session, _told_how():
        tasks.must_be_free_for(tasks.get(session, task), by, over)
        record(session, ctx.settings(), task, form, by, ctx.now())
    ctx.say(f"Task {task} is done: {result.value.replace('_', ' ')}.")


def tasks_done(
    context: typer.Context,
    ids: Annotated[list[int], typer.Argument(help="Numbers from `relance tasks`.")],
    outcome: Annotated[
        str, typer.Option("--outcome", help="What came of it; not_handed_over leaves a hand-over's invoices alone.")
    ] = "done",
    over: Over = UNNAMED,
    by: By = UNNAMED,
) -> None:
    """Mark tasks as done; what a hand-over was about is in collection then."""
    ctx: Context = context.obj
    effects: list[Effect] = []
    with ctx.database().write() as session, _told_how():
        for task_id in ids:
            task = tasks.get(session, task_id)
            tasks.must_be_free_for(task, by, over)
            other = outcome.strip().lower().startswith(tasks.NOT_HANDED_OVER)
            form = Form(Result.OTHER if other else None)
            effects += finish(session, ctx.settings(), task, form, outcome, by, ctx.now())
    ctx.say(f"{len(ids)} task(s) done.")
    for effect in effects:
        ctx.say(f"  {effect.sentence}")


def tasks_undo(
    context: typer.Context,
    task: Annotated[int, typer.Argument(help="Number of a task that was done.")],
    by: By = UNNAMED,
) -> None:
    """Say that a task was not done after all; what was handed over is no longer in collection."""
    ctx: Context = context.obj
    with ctx.database().write() as session:
        effects = taking_back.undo_task(session, task, by, ctx.now())
    ctx.say(f"Task {task} waits again.")
    for effect in effects:
        ctx.say(f"  {effect.sentence}")
