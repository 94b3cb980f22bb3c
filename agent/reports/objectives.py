"""What the company wants to reach, beside what it reached. Pure; the targets come from `[reports.objectives]`."""

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Literal, NamedTuple

from agent.reports import figures_ledger, figures_mailbox, figures_promises
from agent.reports.figures_ledger import Row
from agent.reports.values import Books, Period


class _Objective(NamedTuple):
    make: Callable[[Books, Period], Iterator[Row]]
    column: str
    better: Literal["lower", "higher"]


_OBJECTIVES = {
    "dso": _Objective(figures_ledger.dso, "dso_count_back", "lower"),
    "overdue_share": _Objective(figures_ledger.overdue, "overdue_share", "lower"),
    "cei": _Objective(figures_ledger.cei, "cei", "higher"),
    "recovery_rate": _Objective(figures_ledger.overdue, "recovery_rate", "higher"),
    "mean_delay": _Objective(figures_ledger.overdue, "mean_delay", "lower"),
    "promises_kept": _Objective(figures_promises.promises, "kept_rate", "higher"),
    "automatic_share": _Objective(figures_mailbox.mailbox, "automatic_share", "higher"),
}


def results(books: Books, period: Period) -> Iterator[Row]:
    """One row for each target that is set, and each currency where the figure has one."""
    for name, target in books.objectives.items():
        objective = _OBJECTIVES[name]
        for row in objective.make(books, period):
            value = row[objective.column]
            yield {
                "objective": name, "currency": row.get("currency"), "target": target, "result": value,
                "is_met": _is_met(value, target, objective.better) if isinstance(value, Decimal) else None,
            }  # fmt: skip


def _is_met(value: Decimal, target: Decimal, better: str) -> bool:
    return value <= target if better == "lower" else value >= target
