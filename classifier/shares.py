"""Several invoices of which one is paid in part: "the old one plus half of the 980 on Friday". Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import ROUND_HALF_UP, Decimal

from classifier.invoices import Anchor, find_invoices
from classifier.numbers import shares_of
from classifier.preprocess import Sentence
from classifier.remainders import Said
from classifier.sums import CENT
from classifier.surroundings import SHARES, named_shares
from classifier.values import InvoiceRef, Promised

#: Characters between a share and the invoice that it is of: "half of the big one".
_WITHIN = 20


def sum_of_invoices(said: Sequence[Said], language: str, invoices: Sequence[InvoiceRef]) -> Promised | None:
    """Whole invoices and a part of another that one sentence promises together; None where there is no such one."""
    if len(invoices) < 2:
        return None
    anchors = find_invoices([each.sentence for each in said], language, invoices).anchors
    for at, each in enumerate(said):
        if not each.promises or "?" in each.sentence.text:
            continue
        total = _summed(each.sentence, [anchor for anchor in anchors if anchor.sentence == at], language, invoices)
        if total is not None and total < sum(invoice.amount for invoice in invoices):
            day = each.dates[0].ahead if each.dates else None
            return Promised(day, total, invoices[0].currency)
    return None


def _summed(
    sentence: Sentence, anchors: Sequence[Anchor], language: str, invoices: Sequence[InvoiceRef]
) -> Decimal | None:
    """The sum of what a sentence names: a share or an amount right before an invoice is of that one, the others are
    whole; a share of none ends it ("other half of it on the 27th").
    """
    amount_of = {invoice.number: invoice.amount for invoice in invoices}
    partly: dict[str, Decimal] = {}
    last = len(sentence.folded)
    for start, end, share, amount in sorted(_parts(sentence, language)):
        behind = [each for each in anchors if 0 <= each.start - end <= _WITHIN and len(each.numbers) == 1]
        if not behind:
            if share is not None:
                last = min(last, start)
            continue
        number = behind[0].numbers[0]
        if number in partly or start > last:
            last = min(last, start)
        else:
            of_it = (amount_of[number] * share).quantize(CENT, ROUND_HALF_UP) if share is not None else amount
            partly[number] = of_it if of_it is not None else amount_of[number]
    whole = {number for each in anchors if each.start < last for number in each.numbers} - set(partly)
    if not partly or not whole or any(partly[number] >= amount_of[number] for number in partly):
        return None
    return sum(partly.values(), Decimal(0)) + sum((amount_of[number] for number in whole), Decimal(0))


def _parts(sentence: Sentence, language: str) -> Iterator[tuple[int, int, Decimal | None, Decimal | None]]:
    """Shares and amounts of a sentence: start, end, share, amount."""
    for start, end, name in named_shares(sentence, language):
        if name in SHARES:
            yield start, end, SHARES[name], None
    for start, end, share in shares_of(sentence, language):
        yield start, end, share / 100, None
    for each in sentence.amounts:
        yield each.start, each.end, None, each.amount
