"""What the mailbox brought, who did the work, and why customers pay late. Pure; no amounts but by currency.

There is no opening rate: to know it, a reminder would have to carry a picture that reports home when it is looked at,
which needs the reader's consent (CNIL, draft recommendation of 12 June 2025) and is switched off by most mail programs
anyway. Answers and payments say more.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from decimal import Decimal

from agent.reports import figures
from agent.reports.figures_ledger import Row
from agent.reports.values import NOTHING, Books, InvoiceFigures, Mail, Period


def mailbox(books: Books, period: Period) -> Iterator[Row]:
    """Mails seen and handled, how many without a person, and how often relance was wrong where somebody looked."""
    mails = [m for m in books.mails if m.day in period]
    human = [m for m in mails if m.kind == "human" and m.is_handled]
    automatic = [m for m in human if m.was_automatic]
    corrected = [m for m in mails if m.corrected is not None and m.predicted is not None]
    wrong = {m.id for m in corrected if m.corrected != m.predicted}
    audited = [m for m in automatic if m.was_wrong is not None]
    found_wrong = [m for m in audited if m.was_wrong or m.id in wrong]
    waits = [Decimal((m.settled - m.at).total_seconds()) / 3600 for m in human if m.settled is not None]
    touches = [t for t in books.touches if t.channel == "mail" and t.day in period]
    yield {
        "from": period.start, "to": period.end, "seen": len(mails), "handled": sum(m.is_handled for m in mails),
        "in_progress": sum(not m.is_handled for m in mails), "waiting": sum(m.is_waiting for m in mails),
        "human": sum(m.kind == "human" for m in mails), "auto_replies": sum(m.kind == "auto_reply" for m in mails),
        "bounces": sum(m.kind == "bounce" for m in mails), "automatic": len(automatic),
        "automatic_share": figures.share(len(automatic), len(human)),
        "corrected": len(corrected), "corrected_wrong": len(wrong),
        "override_rate": figures.share(len(wrong), len(corrected)),
        "automatic_wrong": sum(m.id in wrong for m in automatic),
        "audited": len(audited), "audited_wrong": len(found_wrong),
        "audited_error": figures.share(len(found_wrong), len(audited)),
        "hours_to_decision_median": figures.percentile(waits, 50),
        "hours_to_decision_p90": figures.percentile(waits, 90),
        "reminders_sent": len(touches), "reminders_undelivered": sum(u.day in period for u in books.undelivered),
    }  # fmt: skip


def weeks(books: Books, period: Period) -> Iterator[Row]:
    """Week by week: how many invoices were overdue, and on how many of those somebody (or relance) worked."""
    worked, by_hand = _worked(books)
    late = [i for i in books.invoices if not i.is_credit and i.due < period.end and _was_open(i, period)]
    for monday in _mondays(period):
        sunday = min(monday + timedelta(days=6), period.end)
        overdue = {
            i.id
            for i in late
            if i.due < sunday and (i.balance_on(monday - timedelta(days=1)) > 0 or i.balance_on(sunday) > 0)
        }
        days = [monday + timedelta(days=n) for n in range(7)]
        touched = {each for day in days for each in worked[day]}
        people = {each for day in days for each in by_hand[day]}
        yield {
            "week": monday, "overdue_invoices": len(overdue), "worked": len(overdue & touched),
            "worked_share": figures.share(len(overdue & touched), len(overdue)),
            "worked_by_people": len(overdue & people),
            "worked_by_people_share": figures.share(len(overdue & people), len(overdue)),
        }  # fmt: skip


def _was_open(invoice: InvoiceFigures, period: Period) -> bool:
    """Whether something of it was left at the end, or moved within: else no week needs to look at it."""
    return invoice.balance_on(period.end) > 0 or any(move.day >= period.start for move in invoice.moves)


def _worked(books: Books) -> tuple[dict[date, set[int]], dict[date, set[int]]]:
    """By day: the invoices that a reminder or a person touched, and those that a person did."""
    of_customer: dict[str, list[int]] = defaultdict(list)
    for invoice in books.invoices:
        of_customer[invoice.customer_id].append(invoice.id)
    touched: dict[date, set[int]] = defaultdict(set)
    people: dict[date, set[int]] = defaultdict(set)
    for touch in books.touches:
        touched[touch.day].update(line.invoice_id for line in touch.lines)
    for work in books.work:
        ids = work.invoices or of_customer[work.customer_id or ""]
        people[work.day].update(ids)
        touched[work.day].update(ids)
    for mail in books.mails:
        if mail.is_handled and mail.kind == "human":
            touched[mail.day].update(mail.invoices)
    return touched, people


def _mondays(period: Period) -> Iterator[date]:
    monday = period.start - timedelta(days=period.start.weekday())
    while monday <= period.end:
        yield monday
        monday += timedelta(days=7)


def people(books: Books, period: Period) -> Iterator[Row]:
    """What each person settled."""
    found: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    days: dict[str, set[date]] = defaultdict(set)
    for work in books.work:
        if work.day in period:
            found[work.by][work.what] += 1
            days[work.by].add(work.day)
    for by, counts in sorted(found.items()):
        cases = sum(counts.values())
        yield {
            "person": by, "cases": cases, "exceptions": counts["exception"], "tasks": counts["task"],
            "notes": counts["note"], "entries": counts["entry"], "working_days": len(days[by]),
            "cases_per_day": figures.ratio(cases, len(days[by])),
        }  # fmt: skip


def causes(books: Books, period: Period) -> Iterator[Row]:
    """Why it is late, by what customers wrote and what they contest; amounts of the invoices that it is about."""
    invoices = {i.id: i for i in books.invoices}
    about: dict[tuple[str, str], set[int]] = defaultdict(set)
    mails: dict[tuple[str, str], int] = defaultdict(int)
    for mail in books.mails:
        if mail.day in period and mail.late_reason is not None:
            _add(about, mails, mail, invoices.keys())
    for dispute in books.disputes:
        if dispute.opened in period:
            about["dispute", dispute.reason].add(dispute.invoice_id)
            mails["dispute", dispute.reason] += 1
    for (source, cause), ids in sorted(about.items()):
        by_currency: dict[str, Decimal] = defaultdict(lambda: NOTHING)
        for each in ids:
            by_currency[invoices[each].currency] += invoices[each].amount
        for currency, amount in sorted(by_currency.items()):
            yield {
                "currency": currency, "source": source, "cause": cause, "said": mails[source, cause],
                "invoices": sum(invoices[each].currency == currency for each in ids), "amount": amount,
            }  # fmt: skip


def _add(
    about: dict[tuple[str, str], set[int]], mails: dict[tuple[str, str], int], mail: Mail, known: Iterable[int]
) -> None:
    key = "mail", mail.late_reason or ""
    about[key].update(set(mail.invoices) & set(known))
    mails[key] += 1
