"""Which plan a customer gets: the most specific table `[[for]]` that fits, else the one that the settings name. Pure.

Specific, in this order: the customer itself, its segment, how much it owes, its country, the currency. So a plan for
one customer goes before a plan for its segment in its country. Two plans that fit equally well are told apart by the
number of things they ask for, then by their names, so that the answer is always the same one; whoever reads the plan is
told which table decided.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from config.plans import Plan


def word(text: str) -> str:
    """A name as it is compared: small letters, no accents, one underscore for what parts words.

    >>> word("At-Risk")
    'at_risk'
    """
    plain = "".join(char for char in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(char))
    return re.sub(r"[\W_]+", "_", plain).strip("_")


@dataclass(frozen=True, slots=True)
class Who:
    """Of whom a plan is asked; ``owes`` is all that is open in ``currency``, credits taken off."""

    customer: str
    segment: str | None
    country: str
    currency: str
    owes: Decimal


@dataclass(frozen=True, slots=True)
class Selector:
    """One table `[[for]]`: everything that it names must fit; what it leaves empty fits always."""

    customers: frozenset[str] = frozenset()
    segments: frozenset[str] = frozenset()
    countries: frozenset[str] = frozenset()
    currencies: frozenset[str] = frozenset()
    at_least: Decimal | None = None
    below: Decimal | None = None

    def fits(self, who: Who) -> bool:
        return (
            (not self.customers or who.customer in self.customers)
            and (not self.segments or (who.segment is not None and word(who.segment) in self.segments))
            and (not self.countries or who.country in self.countries)
            and (not self.currencies or who.currency in self.currencies)
            and (self.at_least is None or who.owes >= self.at_least)
            and (self.below is None or who.owes < self.below)
        )

    @property
    def weight(self) -> tuple[bool, bool, bool, bool, bool, int]:
        """How specific it is; greater goes first."""
        has_amount = self.at_least is not None or self.below is not None
        asked = (bool(self.customers), bool(self.segments), has_amount, bool(self.countries), bool(self.currencies))
        return *asked, sum(asked) + (self.at_least is not None and self.below is not None)

    def words(self) -> str:
        """What it asks for, for people."""
        parts = [
            f"{name} {' or '.join(sorted(values))}"
            for name, values in (
                ("customer", self.customers),
                ("segment", self.segments),
                ("country", self.countries),
                ("currency", self.currencies),
            )
            if values
        ]
        if self.at_least is not None:
            parts.append(f"{self.at_least} or more open")
        if self.below is not None:
            parts.append(f"less than {self.below} open")
        return ", ".join(parts)


@dataclass(frozen=True, slots=True)
class Chosen:
    """A plan, and in words why it is this one."""

    plan: Plan
    because: str


def choose(plans: Mapping[str, Plan], default: str, who: Who) -> Chosen:
    """The plan for ``who``; ``default`` where no plan asks for such a customer."""
    fitting = [
        (selector.weight, plan.name, selector)
        for plan in plans.values()
        for selector in plan.selectors
        if selector.fits(who)
    ]
    if not fitting:
        return Chosen(plans[default], "the settings name it, and no plan asks for this customer")
    best = max(weight for weight, _, _ in fitting)
    _, name, selector = min((entry for entry in fitting if entry[0] == best), key=lambda entry: entry[1])
    return Chosen(plans[name], f"it is the most specific plan for {selector.words()}")
