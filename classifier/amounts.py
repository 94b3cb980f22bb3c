"""Amounts of money as customers write them: "1 240,00 €", "EUR 300", "£1,200.50", "3,5 k€", "45€50".

A number counts only beside a currency: that anchor cuts the span out, and price-parser reads the number in it. The
locale is never asked (1.500 € in a French mail is fifteen hundred), and money is Decimal from the first character on.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

from price_parser import Price

from classifier.text import fold

_CURRENCIES = {
    "€": "EUR", "eur": "EUR", "euro": "EUR", "euros": "EUR",
    "£": "GBP", "gbp": "GBP", "pound": "GBP", "pounds": "GBP", "quid": "GBP", "sterling": "GBP",
    "$": "USD", "usd": "USD", "dollar": "USD", "dollars": "USD",
    "chf": "CHF", "sfr": "CHF",
}  # fmt: skip
_NUMBER = r"\d{1,3}(?:[ .,']\d{3}){1,3}(?:[.,]\d{1,2})?|\d{1,9}(?:[.,]\d{1,3})?"
_AFTER = re.compile(
    rf"(?<![\w.,/-])(?P<number>{_NUMBER})\s?(?P<kilo>k)?\s?(?:,-\s?)?(?P<currency>€|£|\$|(?:eur|euros?|gbp|pounds?"
    rf"|quid|usd|dollars?|chf|sfr)\b)(?P<cents>\d{{2}}(?!\d))?"
)
_BEFORE = re.compile(
    rf"(?<!\w)(?P<currency>€|£|\$|\b(?:eur|gbp|usd|chf)\b)\s?(?P<number>{_NUMBER})(?:,-|(?P<kilo>k)\b)?(?![\d])"
)


@dataclass(frozen=True, slots=True)
class AmountMention:
    """A span of the text, the amount and its ISO 4217 currency."""

    start: int
    end: int
    amount: Decimal
    currency: str


def find_amounts(text: str) -> list[AmountMention]:
    """The amounts of `text` in order; none where no currency stands beside a number.

    >>> [(str(a.amount), a.currency) for a in find_amounts("300 € puis 1.250,40 EUR")]
    [('300', 'EUR'), ('1250.40', 'EUR')]
    """
    folded = fold(text)
    mentions: list[AmountMention] = []
    for pattern in (_AFTER, _BEFORE):
        for found in pattern.finditer(folded):
            if any(found.start() < other.end and found.end() > other.start for other in mentions):
                continue
            amount = _amount(found)
            if amount is not None:
                currency = _CURRENCIES[found["currency"]]
                mentions.append(AmountMention(found.start(), found.end(), amount, currency))
    return sorted(mentions, key=lambda mention: mention.start)


def _amount(found: re.Match[str]) -> Decimal | None:
    groups = found.groupdict()
    number = groups["number"]
    if groups.get("cents") and number.isdigit():
        return Decimal(f"{number}.{groups['cents']}")
    if groups.get("kilo"):
        return _thousands(number)
    amount = Price.fromstring(number).amount
    return amount if amount is None else Decimal(amount)


def _thousands(number: str) -> Decimal | None:
    """As in "3,5 k€": a comma or point before k parts decimals."""
    plain = number.replace(",", ".").replace(" ", "").replace("'", "")
    return None if plain.count(".") > 1 else Decimal(f"{Decimal(plain) * 1000:.2f}".removesuffix(".00"))
