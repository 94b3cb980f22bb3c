"""When an import looks so wrong that all sending stops until a person says yes. Pure.

A wrong export is the usual cause: the addresses of another company, a list that was cut off. A single change is daily
business in a ledger of any size, so both alarms need at least two.
"""

from fractions import Fraction

from agent.ledger.values import Stop

ADDRESSES = Fraction(5, 100)
LIST = Fraction(30, 100)
AT_LEAST = 2


def addresses_changed(changed: int, known: int) -> Stop | None:
    """The stop for ``changed`` customers who get another address, of ``known`` customers before the import.

    >>> addresses_changed(1, 10) is None
    True
    """
    if changed < AT_LEAST or Fraction(changed, known) <= ADDRESSES:
        return None
    detail = (
        f"one import changed the addresses of {changed} of {known} customers; "
        "look at them, then give `relance resume-sending`"
    )
    return Stop("addresses_changed", detail)


def list_shrank(before: int, now: int) -> Stop | None:
    """The stop for an open-items list of ``now`` items where ``before`` were open until then.

    >>> list_shrank(10, 7) is None
    True
    """
    gone = before - now
    if gone < AT_LEAST or Fraction(gone, before) <= LIST:
        return None
    detail = (
        f"the list of open items shrank from {before} to {now}; "
        "see that it is complete, then give `relance resume-sending`"
    )
    return Stop("list_shrank", detail)
