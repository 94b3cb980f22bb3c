"""Promises kept, and disputes by reason. Pure; one row a currency (and reason)."""

from collections.abc import Iterator
from decimal import Decimal

from agent.reports import figures
from agent.reports.figures_ledger import Row
from agent.reports.values import NOTHING, Books, DisputeFigures, Period, PromiseFigures
from models.states import DisputeState, PromiseState

JUDGED = (PromiseState.KEPT, PromiseState.BROKEN)


def promises(books: Books, period: Period) -> Iterator[Row]:
    """Of the promises that fell due in the period: how many were kept, by number and by amount.

    Kept is what the ledger judged so: the whole promised sum value-dated by the promised day and the days of grace.
    Those that are still open, and those that another answer replaced, are told apart and count in no rate.
    """
    for currency in sorted({p.currency for p in books.promises}):
        made = [p for p in books.promises if p.currency == currency and p.made <= period.end]
        due = [p for p in made if p.fell_due in period]
        judged = [p for p in due if p.state in JUDGED]
        kept = [p for p in judged if p.state is PromiseState.KEPT]
        slips = [(p.fulfilled - p.on).days for p in judged if p.fulfilled is not None]
        yield {
            "currency": currency, "from": period.start, "to": period.end, "fallen_due": len(judged), "kept": len(kept),
            "broken": len(judged) - len(kept), "kept_rate": figures.share(len(kept), len(judged)),
            "amount_fallen_due": _sum(judged), "amount_kept": _sum(kept),
            "kept_rate_by_amount": figures.share(_sum(kept), _sum(judged)),
            "slippage_days": figures.percentile(slips, 50), "replaced": _count(due, PromiseState.SUPERSEDED),
            "open": _count(made, PromiseState.OPEN),
        }  # fmt: skip


def _sum(found: list[PromiseFigures]) -> Decimal:
    return sum((p.amount for p in found), NOTHING)


def _count(found: list[PromiseFigures], state: PromiseState) -> int:
    return sum(p.state is state for p in found)


def disputes(books: Books, period: Period) -> Iterator[Row]:
    """Disputes opened in the period, by reason: what became of them, how long that took, and their share of sales."""
    for currency in sorted({d.currency for d in books.disputes}):
        issued = [i for i in books.invoices if i.currency == currency and not i.is_credit and i.issued in period]
        billed = sum((i.amount for i in issued), NOTHING)
        opened = [d for d in books.disputes if d.currency == currency and d.opened in period]
        for reason in sorted({d.reason for d in opened}):
            yield _dispute_row([d for d in opened if d.reason == reason], reason, len(issued), billed)


def _dispute_row(found: list[DisputeFigures], reason: str, issued: int, billed: Decimal) -> Row:
    settled = [d for d in found if d.state is not DisputeState.OPEN]
    unfounded = sum(d.state in {DisputeState.REJECTED, DisputeState.WITHDRAWN} for d in settled)
    amount = sum((d.amount for d in found), NOTHING)
    days = [(d.settled - d.opened).days for d in settled if d.settled is not None]
    disputed = {d.invoice_id for d in found}
    return {
        "currency": found[0].currency, "reason": reason, "opened": len(found), "amount": amount,
        "open": len(found) - len(settled), "upheld": sum(d.state is DisputeState.UPHELD for d in settled),
        "rejected": sum(d.state is DisputeState.REJECTED for d in settled),
        "withdrawn": sum(d.state is DisputeState.WITHDRAWN for d in settled),
        "unfounded_share": figures.share(unfounded, len(settled)), "days_to_settle": figures.mean(days),
        "dispute_rate": figures.share(len(disputed), issued), "dispute_rate_by_amount": figures.share(amount, billed),
    }  # fmt: skip
