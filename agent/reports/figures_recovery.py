"""What followed a reminder: money within the window, days to pay, answers. Pure; one row a currency and step.

Attribution without a control group overstates: some would have paid unasked. The figures say what came in after a step,
never that it came because of it.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal

from agent.reports import figures
from agent.reports.figures_ledger import Row
from agent.reports.values import NOTHING, Books, InvoiceFigures, Period, Touch

KeyOf = Callable[[Touch], tuple[object, ...]]


def recovery(books: Books, period: Period) -> Iterator[Row]:
    """By step, with its plan, channel and template."""
    names = ("plan", "step", "channel", "template")
    yield from _rows(books, period, names, lambda t: (t.plan, t.step, t.channel, t.template))


def channels(books: Books, period: Period) -> Iterator[Row]:
    """By channel and template, whatever the plan and step: which one works."""
    yield from _rows(books, period, ("channel", "template"), lambda t: (t.channel, t.template))


def _rows(books: Books, period: Period, names: tuple[str, ...], key_of: KeyOf) -> Iterator[Row]:
    found: dict[tuple[str, tuple[object, ...]], list[Touch]] = defaultdict(list)
    for touch in books.touches:
        if touch.day in period:
            found[touch.currency, key_of(touch)].append(touch)
    story = _Story(books)

    def order(item: tuple[tuple[str, tuple[object, ...]], list[Touch]]) -> tuple[object, ...]:
        (currency, _), touches = item
        return currency, touches[0].plan, min(t.level for t in touches), touches[0].step

    for (currency, key), touches in sorted(found.items(), key=order):
        yield {"currency": currency, **dict(zip(names, key, strict=True)), **story.row(touches)}


class _Story:
    """Who was reminded when, and what came after, by invoice and by conversation."""

    def __init__(self, books: Books) -> None:
        self.books = books
        self.invoices: Mapping[int, InvoiceFigures] = {i.id: i for i in books.invoices}
        self.days: dict[int, list[date]] = defaultdict(list)
        self.moments: dict[int | None, list[datetime]] = defaultdict(list)
        for touch in sorted(books.touches, key=lambda t: t.at):
            self.moments[touch.thread_id].append(touch.at)
            for line in touch.lines:
                self.days[line.invoice_id].append(touch.day)
        self.answers: dict[int | None, list[datetime]] = defaultdict(list)
        for mail in sorted(books.mails, key=lambda m: m.at):
            if mail.kind == "human" and mail.thread_id is not None:
                self.answers[mail.thread_id].append(mail.at)

    def row(self, touches: list[Touch]) -> Row:
        covered = collected = NOTHING
        running = 0
        to_pay: list[int] = []
        for touch in touches:
            running += touch.day + timedelta(days=self.books.window_days) > self.books.today
            for line in touch.lines:
                invoice = self.invoices.get(line.invoice_id)
                if invoice is None:
                    continue
                following = self._next(line.invoice_id, touch.day)
                until = touch.day + timedelta(days=self.books.window_days)
                if until <= self.books.today:
                    covered += line.balance
                    end = min(until, following) if following is not None else until
                    collected += min(max(invoice.paid_between(touch.day, end), NOTHING), line.balance)
                paid = invoice.paid_on
                if paid is not None and paid > touch.day and (following is None or paid <= following):
                    to_pay.append((paid - touch.day).days)
        mails = [t for t in touches if t.channel == "mail"]
        answered = sum(self._is_answered(t) for t in mails)
        return {
            "reminders": len(touches), "invoices": sum(len(t.lines) for t in touches), "covered": covered,
            "collected": collected, "recovery_rate": figures.share(collected, covered), "window_running": running,
            "paid_after": len(to_pay), "days_to_pay_median": figures.percentile(to_pay, 50),
            "days_to_pay_p90": figures.percentile(to_pay, 90), "answered": answered if mails else None,
            "reply_rate": figures.share(answered, len(mails)),
        }  # fmt: skip

    def _next(self, invoice_id: int, day: date) -> date | None:
        days = self.days[invoice_id]
        place = bisect_right(days, day)
        return days[place] if place < len(days) else None

    def _is_answered(self, touch: Touch) -> bool:
        """A person wrote in the conversation after the reminder and before the next one."""
        if touch.thread_id is None:
            return False
        later = self.moments[touch.thread_id]
        place = bisect_right(later, touch.at)
        until = later[place] if place < len(later) else None
        return any(touch.at < at and (until is None or at <= until) for at in self.answers[touch.thread_id])


def reminders_needed(books: Books, period: Period) -> Iterator[Row]:
    """How many reminders it took until the invoices that were paid late in the period were paid."""
    days: dict[int, list[date]] = defaultdict(list)
    for touch in books.touches:
        for line in touch.lines:
            days[line.invoice_id].append(touch.day)
    counts: dict[str, dict[int, list[Decimal]]] = defaultdict(lambda: defaultdict(list))
    for invoice in books.invoices:
        paid = invoice.paid_on
        if paid is None or paid not in period or invoice.is_credit or paid <= invoice.due:
            continue
        before = sum(day <= paid for day in days[invoice.id])
        counts[invoice.currency][before].append(invoice.amount)
    for currency, by_count in sorted(counts.items()):
        whole = sum(len(amounts) for amounts in by_count.values())
        for count, amounts in sorted(by_count.items()):
            yield {
                "currency": currency, "reminders_before": count, "paid_invoices": len(amounts),
                "share": figures.share(len(amounts), whole), "amount": sum(amounts, NOTHING),
            }  # fmt: skip
