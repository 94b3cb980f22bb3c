"""How urgent an item of the work list is: what the reason alone makes of it, weighed with money, delay and behaviour.

Pure. The figure orders the list and decides nothing else. Money of another currency than the company's is not
converted: its figure is taken as it is, which may put an item a few places off.
"""

from dataclasses import dataclass
from decimal import Decimal

from models.reasons import TaskKind

TASK_URGENCY = {
    TaskKind.INSOLVENCY: 80,
    TaskKind.PRESCRIPTION: 70,
    TaskKind.FIND_CONTACT: 62,
    TaskKind.HAND_OVER: 60,
    TaskKind.BROKEN_PROMISE: 58,
    TaskKind.UNPAID_CLAIM: 55,
    TaskKind.CALL: 50,
    TaskKind.LETTER: 50,
    TaskKind.NO_NEXT_STEP: 45,
    TaskKind.AUDIT_SAMPLE: 25,
}
APPROVAL_URGENCY = 50
"""A reminder that waits for a yes: the money is late, but nobody waits for an answer."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of an item. ``amount``: what is open on its invoices; ``days_late``: of the oldest of them."""

    urgency: int
    amount: Decimal
    days_late: int
    broken_promises: int
    days_waiting: int
    alarms: bool
    """Whether it has waited longer than it should."""


def weigh(facts: Facts) -> int:
    """From 0 (whenever) to 100 (now).

    >>> weigh(Facts(50, Decimal(0), 0, 0, 0, False))
    50
    >>> weigh(Facts(50, Decimal(12_000), 40, 1, 2, False))
    69
    """
    figure = facts.urgency
    for limit, points in ((500, 2), (2_000, 4), (10_000, 4), (50_000, 5)):  # the larger, the fewer there are
        figure += points if facts.amount >= limit else 0
    figure += min(10, max(0, facts.days_late) // 7)
    figure += min(6, 3 * facts.broken_promises)
    figure += min(6, facts.days_waiting // 2)
    figure += 8 if facts.alarms else 0
    return max(0, min(100, figure))
