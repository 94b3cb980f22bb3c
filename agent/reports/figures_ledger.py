"""Receivables: the aged balance, DSO and its kin, CEI, and what is overdue. Pure; one row a currency."""

from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from decimal import Decimal

from agent.reports import figures
from agent.reports.figures import BUCKETS, MonthSales, bucket, one_currency
from agent.reports.values import NOTHING, Books, Credit, InvoiceFigures, Period

Row = dict[str, object]

MONTHS_BACK = 60
"""How far count-back goes."""
DELAY_WINDOW = timedelta(days=182)
"""Mean delay looks back over six months (My DSO Manager's window)."""


def currencies(books: Books) -> list[str]:
    return sorted({i.currency for i in books.invoices} | {c.currency for c in books.credits})


def _of(books: Books, currency: str) -> tuple[list[InvoiceFigures], list[Credit]]:
    return (
        [i for i in books.invoices if i.currency == currency],
        [c for c in books.credits if c.currency == currency],
    )


def aging(books: Books, period: Period) -> Iterator[Row]:
    """What is open at the end of the period by days past the due date; credits and doubtful debts are shown apart."""
    for currency in currencies(books):
        invoices, credits_ = _of(books, currency)
        row: Row = {"currency": currency, "as_of": period.end}
        sums = dict.fromkeys(BUCKETS, NOTHING)
        credit, doubtful, count = NOTHING, NOTHING, 0
        for invoice in invoices:
            open_ = invoice.balance_on(period.end)
            if open_ < 0:
                credit += open_
            elif open_ > 0:
                sums[bucket(invoice.due, period.end)] += open_
                doubtful += open_ if invoice.is_doubtful(period.end) else NOTHING
                count += 1
        credit -= _unapplied(credits_, period.end)
        total = sum(sums.values(), NOTHING)
        overdue = total - sums["not_due"]
        yield row | sums | {
            "total": total, "overdue": overdue, "overdue_share": figures.share(overdue, total),
            "at_risk": figures.share(sums["over_90"], total), "credits": credit, "net": total + credit,
            "doubtful": doubtful, "invoices": count,
        }  # fmt: skip


def _unapplied(credits_: Iterable[Credit], day: date) -> Decimal:
    return sum((c.amount for c in credits_ if c.day <= day), NOTHING)


class Receivables:
    """What DSO and CEI count on a day, of one currency: open items less credits, doubtful ones left out."""

    def __init__(self, invoices: list[InvoiceFigures], credits_: list[Credit]) -> None:
        self.currency = one_currency({i.currency for i in invoices} | {c.currency for c in credits_})
        self._invoices = invoices
        self._credits = credits_

    def total(self, day: date) -> Decimal:
        owed = (i.balance_on(day) for i in self._invoices if not i.is_doubtful(day))
        return sum(owed, NOTHING) - _unapplied(self._credits, day)

    def not_due(self, day: date) -> Decimal:
        """What is owed and not yet due; no credit is deducted, as nobody knows of which part it will be."""
        return sum(
            (
                max(i.balance_on(day), NOTHING)
                for i in self._invoices
                if i.due >= day and not i.is_credit and not i.is_doubtful(day)
            ),
            NOTHING,
        )

    def sales(self, period: Period) -> Decimal:
        """Invoices of the period with tax, less its credit notes."""
        return sum((i.amount for i in self._invoices if i.issued in period), NOTHING)

    def months_back(self, end: date) -> list[MonthSales]:
        """The sales of each month, latest first, from the one that ``end`` cuts to the first that is known."""
        by_month: dict[tuple[int, int], Decimal] = {}
        for invoice in self._invoices:
            if invoice.issued <= end:
                month = invoice.issued.year, invoice.issued.month
                by_month[month] = by_month.get(month, NOTHING) + invoice.amount
        months: list[MonthSales] = []
        last = end
        while by_month and (last.year, last.month) >= min(by_month) and len(months) < MONTHS_BACK:
            months.append(MonthSales(by_month.get((last.year, last.month), NOTHING), last.day))
            last = last.replace(day=1) - timedelta(days=1)
        return months


def dso(books: Books, period: Period) -> Iterator[Row]:
    """DSO by three ways and average days delinquent, at the end of the period over its sales."""
    for currency in currencies(books):
        ledger = Receivables(*_of(books, currency))
        receivables, not_due = ledger.total(period.end), ledger.not_due(period.end)
        sales = ledger.sales(period)
        simple = figures.dso_simple(receivables, sales, period.days)
        best = figures.best_possible_dso(not_due, sales, period.days)
        months = ledger.months_back(period.end)
        back = figures.dso_count_back(receivables, months)
        yield {
            "currency": currency, "as_of": period.end, "days": period.days, "receivables": receivables,
            "not_due": not_due, "sales": sales, "dso_count_back": back.days if months else None,
            "is_at_least": back.is_at_least, "dso_simple": simple, "dso_best_possible": best,
            "add": figures.average_days_delinquent(simple, best),
        }  # fmt: skip


def cei(books: Books, period: Period) -> Iterator[Row]:
    """The collection effectiveness index of the period."""
    for currency in currencies(books):
        ledger = Receivables(*_of(books, currency))
        begin, end = ledger.total(period.start - timedelta(days=1)), ledger.total(period.end)
        not_due, sales, months = ledger.not_due(period.end), ledger.sales(period), figures.months_in(period)
        yield {
            "currency": currency, "from": period.start, "to": period.end, "months": months, "begin": begin,
            "sales": sales, "end": end, "end_not_due": not_due,
            "cei": figures.collection_effectiveness(begin, sales, months, end, not_due) if months else None,
        }  # fmt: skip


def overdue(books: Books, period: Period) -> Iterator[Row]:
    """What is late, how late what was paid came in, and how much of what was late in the period was collected in it."""
    for currency in currencies(books):
        invoices = [i for i in _of(books, currency)[0] if not i.is_credit]
        total = sum((max(i.balance_on(period.end), NOTHING) for i in invoices), NOTHING)
        late = sum((max(i.balance_on(period.end), NOTHING) for i in invoices if i.due < period.end), NOTHING)
        base, collected = recovered(invoices, period)
        window = Period(period.end - DELAY_WINDOW, period.end)
        money = [
            (-m.delta, i.due, m.day)
            for i in invoices
            for m in i.moves
            if m.is_money and m.delta < 0 and m.day in window
        ]
        paid = [(i, day) for i in invoices if (day := i.paid_on) is not None and day in window]
        yield {
            "currency": currency, "as_of": period.end, "open": total, "overdue": late,
            "overdue_share": figures.share(late, total), "was_overdue": base, "collected": collected,
            "recovery_rate": figures.share(collected, base), "mean_delay": figures.mean_delay(money),
            "days_to_pay": figures.mean([(day - i.issued).days for i, day in paid if i.is_dated]),
            "paid_invoices": len(paid),
        }  # fmt: skip


def recovered(invoices: Iterable[InvoiceFigures], period: Period) -> tuple[Decimal, Decimal]:
    """What was overdue at some time of the period, and what of it was paid within. Source: trezo.fr, vcc.live."""
    base = collected = NOTHING
    for invoice in invoices:
        since = max(invoice.due, period.start - timedelta(days=1))
        if since >= period.end:
            continue
        owed = max(invoice.balance_on(since), NOTHING)
        base += owed
        collected += min(max(invoice.paid_between(since, period.end), NOTHING), owed)
    return base, collected
