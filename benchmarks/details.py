"""Promised dates and amounts, read off sentences of other hands.

    python -m benchmarks.details [--misses]

Each set was measured once before anybody looked at what it missed, and then showed what to mend: docs/reading.md has
the figure of that first time, which is what to expect of other sentences; what this prints of a mended set is not.

Each sentence goes through the shipped classifier as a whole reply to a reminder of one invoice. For each set and
language: *exact* (the same value, or none where none is promised), *wrong* (another value is given, or one where none
is promised) and *missed* (none is given where one is promised). *Acted on* counts the wrong ones on which something
would be set without a person. `--misses` lists what is not exact.
"""

from __future__ import annotations

import argparse
import csv
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

from classifier import load
from classifier.dates import find_dates
from classifier.values import InvoiceRef, Prediction, Reply

DATA = Path(__file__).parent / "data"

#: The sets by the number in their files' names, and what they are good for by now.
DATES = {
    "": "causes mended", "2": "causes mended", "3": "causes mended", "4": "causes mended", "5": "measured once",
    "6": "causes mended", "7": "measured once", "8": "causes mended", "9": "causes mended",
    "11": "causes mended", "12": "measured once", "14": "measured once", "15": "measured once", "16": "measured once",
    "17": "causes mended", "18": "measured once", "19": "measured once",
}  # fmt: skip
AMOUNTS = {
    **DATES, "5": "causes mended", "7": "causes mended", "10": "causes mended", "12": "causes mended",
    "13": "causes mended", "15": "causes mended", "16": "causes mended",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Case:
    """A sentence as a reply, and the value that it promises."""

    language: str
    reply: Reply
    wanted: str


def date_cases(file: str) -> Iterator[Case]:
    """The sentences with a promised day; the invoice's amount and day play no part."""
    for number, row in enumerate(_rows(file)):
        sent = datetime.fromisoformat(row["sent"]).replace(hour=10, tzinfo=UTC)
        invoice = InvoiceRef("F26-118", Decimal("4800.00"), "EUR", date(2026, 2, 15))
        yield Case(row["language"], Reply(str(number), row["text"], sent, None, (invoice,)), row["promise_date"])


def amount_cases(file: str) -> Iterator[Case]:
    """The sentences with a promised part."""
    sent = datetime(2026, 3, 11, 10, 0, tzinfo=UTC)
    for number, row in enumerate(_rows(file)):
        invoice = InvoiceRef("F26-118", Decimal(row["invoiced"]), row["currency"], date(2026, 2, 15))
        wanted = f"{row['promised_amount']} {row['promised_currency']}".strip()
        yield Case(row["language"], Reply(str(number), row["text"], sent, None, (invoice,)), wanted)


def _rows(name: str) -> Iterator[dict[str, str]]:
    with (DATA / name).open(encoding="utf-8", newline="") as lines:
        yield from csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)


def said_date(prediction: Prediction) -> str:
    """The promised day as the sets write it."""
    return prediction.promise_date.isoformat() if prediction.promise_date else ""


def said_amount(prediction: Prediction) -> str:
    """The promised part as the sets write it."""
    if prediction.promised_amount is None:
        return ""
    return f"{prediction.promised_amount:.2f} {prediction.promised_currency}"


def measure(name: str, cases: list[Case], said: Callable[[Prediction], str], *, misses: bool) -> None:
    """Print a table of a set by language, and what was not exact."""
    predictions = load().predict([case.reply for case in cases])
    counted: dict[str, Counter[str]] = defaultdict(Counter)
    missed: list[str] = []
    for case, prediction in zip(cases, predictions, strict=True):
        got = said(prediction)
        outcome = "exact" if got == case.wanted else "missed" if not got else "wrong"
        for key in (case.language, "all"):
            counted[key][outcome] += 1
            counted[key]["asked"] += 1
            counted[key]["acted on"] += outcome == "wrong" and prediction.automatic
        if outcome != "exact":
            missed.append(f"{case.language}  {got or '-':>16}  {case.wanted or '-':>16}  {case.reply.text}")
    print(f"\n{name}")
    print(f"{'':10}" + "".join(f"{column:>10}" for column in ("asked", "exact", "wrong", "acted on", "missed")))
    for key, counts in sorted(counted.items()):
        row = "".join(f"{counts[column]:10}" for column in ("asked", "exact", "wrong", "acted on", "missed"))
        print(f"{key:10}{row}   {counts['exact'] / counts['asked']:.1%}")
    if misses:
        print("\n    given            wanted            sentence", *missed, sep="\n")


def grammar(cases: list[Case]) -> None:
    """Tell apart what the grammar cannot read from what is lost before and behind it."""
    promised = [case for case in cases if case.wanted]
    found = [
        case
        for case in promised
        if any(
            mention.ahead is not None and mention.ahead.isoformat() == case.wanted
            for mention in find_dates(case.reply.text, case.language, case.reply.date.date())
        )
    ]
    print(f"\nthe date grammar, told the language, finds the promised day in {len(found)} of {len(promised)}")


def main() -> None:
    """Measure all sets."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--misses", action="store_true")
    misses = options.parse_args().misses
    for number, how in DATES.items():
        dates = list(date_cases(f"promise_dates{number}.tsv"))
        measure(f"promised dates, {how}", dates, said_date, misses=misses)
        grammar(dates)
    for number, how in AMOUNTS.items():
        amounts = list(amount_cases(f"promised_amounts{number}.tsv"))
        measure(f"promised amounts, {how}", amounts, said_amount, misses=misses)


if __name__ == "__main__":
    main()
