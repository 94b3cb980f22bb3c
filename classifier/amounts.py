"""Amounts of money as customers write them: "1 240,00 €", "EUR 300", "£1,200.50", "3,5 k€", "45€50".

A number counts only beside a currency: that anchor cuts the span out, and price-parser reads the number in it; amounts
in words are `classifier.spelled`'s. The locale is never asked (1.500 € in a French mail is fifteen hundred), and money
is Decimal from the first character on.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

from price_parser import Price

from classifier.currencies import CODES, CURRENCIES, NAMES, SIGNS
from classifier.spelled import find_spelled
from classifier.text import fold, overlaps

#: Signs that are a currency's in one way of writing only, see the patterns.
_MARKED = {"e": "EUR", "fr": "CHF", "n": "NGN", "r": "ZAR", "rs": "INR"}
#: Groups of three, and of two as India writes lakhs (1,25,000).
_GROUPED = r"\d{1,3}(?:[ .,']\d{3}){1,3}(?:[.,]\d{1,2})?|\d{1,2}(?:,\d{2}){1,2},\d{3}(?:\.\d{2})?"
_NUMBER = rf"{_GROUPED}|\d{{1,9}}(?:[.,]\d{{1,3}})?"
#: "Fr." is a Friday, too: it is money only beside a number that no day has.
_LARGE = rf"(?:{_GROUPED}|\d{{3,9}}(?:[.,]\d{{1,2}})?)(?!\d)"
#: A thousand: "3,5 k€", "1k2 €", "3 TEUR", "1,5 Tsd. Euro", "3 mila euro".
_KILO = r"k(?P<hundreds>\d)?|t(?=\s?(?:€|eur|chf))|tsd\.?|mila"
_ROUND = r"(?:[.,]-{1,2}\s?)?"
_CENTS = (
    r"\d{2}(?!\d)|\s\d{2}(?=\s*(?:[,.;:!?)](?!\d)|$))"
    r"|\s(?:et|and|und|con|y|e|en)\s\d{1,2}\s(?:cent\w{0,5}|pence|rappen)\b"
)
_AFTER = re.compile(
    rf"(?<![\w.,/-])(?P<number>{_NUMBER})\s?(?P<kilo>{_KILO})?\s?{_ROUND}(?P<currency>{SIGNS}|(?:{NAMES})\b)"
    rf"(?P<cents>{_CENTS})?"
)
_BEFORE = re.compile(
    rf"(?<!\w)(?P<currency>{SIGNS}|(?:us|ca?|a|nz)\$|(?:{CODES}|rs)(?![a-z]))\.?\s?(?P<number>{_NUMBER})"
    rf"(?:{_ROUND}|(?P<kilo>k)\b)?(?![\d])"
)
_KILO_BEFORE = re.compile(
    r"(?<!\w)(?P<currency>€|£|\$|eur|usd|gbp|chf)\s?(?P<number>\d{1,4}(?:[.,]\d{1,3})?)\s?(?P<kilo>k)\b"
)
#: "499e" from a telephone; fewer digits are an ordinal: "20e".
_GLUED = re.compile(r"(?<![\w.,/-])(?P<number>\d{3,6}(?:[.,]\d{2})?)(?P<currency>e)\b")
#: "R15 000", "N1,140,000": a letter that is a currency's before grouped thousands, and a letter elsewhere.
_LETTER = re.compile(r"(?<![\w.@/-])(?P<currency>[rn])(?P<number>\d{1,3}(?:[ ,]\d{3}){1,3}(?:[.,]\d{2})?)(?![\w-])")
_FRANCS = re.compile(rf"(?<![\w.@/-])(?P<currency>fr)\b\.?\s?(?P<number>{_LARGE}){_ROUND}")


@dataclass(frozen=True, slots=True)
class AmountMention:
    """A span of the text, the amount and its ISO 4217 currency."""

    start: int
    end: int
    amount: Decimal
    currency: str


def find_amounts(text: str, language: str) -> list[AmountMention]:
    """The amounts of `text` in order; none where no currency stands beside a number, in digits or in words.

    >>> [(str(a.amount), a.currency) for a in find_amounts("300 € puis 1.250,40 EUR", "fr")]
    [('300', 'EUR'), ('1250.40', 'EUR')]
    """
    folded = fold(text)
    mentions: list[AmountMention] = []
    for pattern in (_KILO_BEFORE, _AFTER, _BEFORE, _LETTER, _FRANCS, _GLUED):
        for found in pattern.finditer(folded):
            if any(found.start() < other.end and found.end() > other.start for other in mentions):
                continue
            amount = _amount(found)
            if amount is not None:
                said = found["currency"]
                currency = CURRENCIES.get(said) or _MARKED[said]
                mentions.append(AmountMention(found.start(), found.end(), amount, currency))
    for spelled in find_spelled(text, language):
        if not overlaps(spelled.start, spelled.end, [(other.start, other.end) for other in mentions]):
            mentions.append(AmountMention(spelled.start, spelled.end, spelled.amount, spelled.currency))
    return sorted(mentions, key=lambda mention: mention.start)


def _amount(found: re.Match[str]) -> Decimal | None:
    groups = found.groupdict()
    number = groups["number"]
    cents = _cents(groups.get("cents"))
    if cents and re.fullmatch(_WITHOUT_DECIMALS, number):
        return Decimal(re.sub(r"\D", "", number) + "." + cents)
    if groups.get("kilo"):
        return thousands(number, groups.get("hundreds"))
    return read_number(number)


def read_number(number: str) -> Decimal | None:
    """A number in digits, whichever marks group it and part its cents.

    >>> read_number("1'250.50")
    Decimal('1250.50')
    """
    amount = Price.fromstring(number).amount
    return amount if amount is None else Decimal(amount)


#: Cents may follow such a number, in words too.
_WITHOUT_DECIMALS = r"\d+|\d{1,3}(?:[ .,']\d{3})+"


def _cents(said: str | None) -> str:
    """Two digits: the 50 of "45€50", the 40 of "1 250 euros et 40 centimes"."""
    found = re.search(r"\d{1,2}", said or "")
    return f"{int(found.group()):02}" if found else ""


def thousands(number: str, hundreds: str | None) -> Decimal | None:
    """As in "3,5 k€" and "1k2": a comma or point before k parts decimals, a digit behind it is hundreds."""
    if hundreds:
        return Decimal(number) * 1000 + Decimal(hundreds) * 100 if number.isdigit() else None
    plain = number.replace(",", ".").replace(" ", "").replace("'", "")
    return None if plain.count(".") > 1 else Decimal(f"{Decimal(plain) * 1000:.2f}".removesuffix(".00"))
