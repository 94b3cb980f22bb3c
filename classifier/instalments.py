"""Parts of a sum that a sentence promises: "300 now and the rest in March", "half tonight, the other half on the 31st".

A part is an amount beside a currency, a bare number that could be part of what is owed, a share (half, a third, 30 %),
or the rest (`classifier.portions`). Each takes the date that follows it before the next part, or else the one before
it; one amount with several dates is paid on each. Nothing is a part that is an invoice's whole amount or the total, is
another currency's, stands in a clause that speaks of no payment, was paid before, is refused or contested; and parts
that add up to more than is owed are none. Of two that add up to all that is owed, one may be what is taken off or was
paid: the one that no coming day or payment stands by. Pure; which sentences promise is told by the caller.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from itertools import combinations

from classifier.clauses import clause_around, depends, topics
from classifier.dates import DateMention
from classifier.portions import Owed, find_portions, is_regular, is_with_costs, owed_on
from classifier.preprocess import Sentence
from classifier.surroundings import (
    CLOSE,
    Portion,
    find_rates,
    has_its_day,
    is_multiple,
    is_namely,
    is_referred_to,
    is_the_most,
    says_all,
    wording_of,
)
from classifier.text import words
from classifier.values import InvoiceRef, Promised


def find_parts(
    sentences: Sequence[tuple[Sentence, Sequence[DateMention], bool]], language: str, invoices: Sequence[InvoiceRef]
) -> tuple[Promised, ...]:
    """The parts promised in these sentences, in order; none where all is promised.

    Each sentence comes with its coming dates, and whether the trained model says that it promises.
    """
    owed = owed_on(invoices)
    if owed is None:
        return ()
    found: list[_Part] = []
    for sentence, dates, promises in sentences:
        parts = _promised(sentence, dates, language, owed, promises=promises)
        found += [(part.amount, on) for at, part in enumerate(parts) for on in _dates_of(at, parts, dates, owed)]
    if _stated(found) > owed.total:
        found = _said_once(found)
    amounts = [amount for amount, _ in found if amount is not None]
    stated = sum(amounts, Decimal(0))
    if not amounts or (stated > owed.total and (len(amounts) > 1 or stated > owed.total * _MOST)):
        return ()
    rest = max(owed.total - stated, Decimal(0))
    return tuple(
        Promised(on, rest if amount is None else amount, owed.currency)
        for amount, on in found
        if amount is not None or rest
    )


#: An amount, None for the rest, and its day.
_Part = tuple[Decimal | None, date | None]


def _stated(found: Sequence[_Part]) -> Decimal:
    return sum((amount for amount, _ in found if amount is not None), Decimal(0))


def _said_once(found: Sequence[_Part]) -> list[_Part]:
    """Each amount once where its day is told but once: "680 is what we owe, 680 is what you'll get on Monday"."""
    kept: list[_Part] = []
    for amount, on in found:
        at = next((at for at, (other, day) in enumerate(kept) if other == amount and not (day and on)), None)
        if at is None:
            kept.append((amount, on))
        else:
            kept[at] = (amount, kept[at][1] or on)
    return kept


#: More than is owed is paid with fees and interest, or rounded up; much more is something else.
_MOST = Decimal("1.5")


def names_an_amount(sentence: Sentence, mention: DateMention, language: str) -> bool:
    """Whether an amount stands in the clause of this day with nothing said against it."""
    first, last = clause_around(sentence, mention.start, mention.end, language)
    others = [(each.start, each.end) for each in sentence.amounts]
    return any(
        first <= start < last and topics(sentence, start, end, language, others) <= _FOR for start, end in others
    )


def promises_a_part(
    sentence: Sentence, dates: Sequence[DateMention], language: str, invoices: Sequence[InvoiceRef]
) -> bool:
    """Whether the words alone promise part of what is owed: those around an amount say that it will be paid, or the
    sentence begins with the amount and its day ("four hundred now"). Nothing in it asks, refuses or sets a condition.
    """
    owed = owed_on(invoices)
    if owed is None or "?" in sentence.text:
        return False
    portions = find_portions(sentence, language, owed)
    others = [(each.start, each.end) for each in portions] + [(each.start, each.end) for each in sentence.amounts]
    if any(_is_parted(portion, sentence, dates, language, others) for portion in portions):
        return True
    return any(
        portion.amount is not None and portion.amount < owed.total
        and _is_plain(portion, sentence, dates, language)
        and (said := topics(sentence, portion.start, portion.end, language, others)) <= _FOR
        and ({"pay", "coming"} <= said or (
            len(words(sentence.folded[: portion.start])) <= _LEADING and has_its_day(portion, sentence, language)
        ) or _is_taken_up_with_a_day(portion, sentence, dates, language))
        and ("remains" not in said or bool(dates))
        and not depends(sentence, portion.end, [each.start for each in portions], language)
        for portion in portions
    )  # fmt: skip


def _is_parted(
    portion: Portion, sentence: Sentence, dates: Sequence[DateMention], language: str,
    others: Sequence[tuple[int, int]],
) -> bool:  # fmt: skip
    """Whether all is said to be paid in so many equal parts, on days that follow or are told elsewhere: "I pay in eight
    equal instalments. The first goes out on Friday."; but not where that is only asked for.
    """
    if portion.count == 1 or wording_of(language).wishes.find(words(sentence.folded)):
        return False
    said = topics(sentence, portion.start, portion.end, language, others)
    follow = any(each.start >= portion.end for each in dates)
    return (
        said <= (_FOR | {"done"} if follow else _FOR)
        and (follow or "coming" in said)
        and "pay" in said
        and not depends(sentence, portion.end, [], language)
    )


def _is_plain(portion: Portion, sentence: Sentence, dates: Sequence[DateMention], language: str) -> bool:
    """Whether it is money that is meant: an amount beside its currency; a share ("a third") or a bare number is so
    with a day of its own only.
    """
    if any(each.start == portion.start for each in sentence.amounts):
        return True
    first, last = clause_around(sentence, portion.start, portion.end, language)
    return has_its_day(portion, sentence, language) or any(first <= each.start < last for each in dates)


#: What may be said around an amount that is promised.
_FOR = frozenset({"pay", "coming", "remains"})

#: Words before an amount with which a sentence begins all the same.
_LEADING = 1


def _promised(
    sentence: Sentence, dates: Sequence[DateMention], language: str, owed: Owed, *, promises: bool
) -> list[Portion]:
    """The portions that the words around them promise."""
    portions = find_portions(sentence, language, owed)
    others = [(each.start, each.end) for each in portions if each.amount is not None]
    # What is said of an amount that is no part is not said of the next: "net of the credit note of 250 we pay 4,875"
    others += [span for each in sentence.amounts if (span := (each.start, each.end)) not in others]
    others += [span for span in find_rates(sentence, language) if span not in others]
    is_all = says_all(sentence, language)
    if is_all and len(portions) > 1 and sum(each.amount or owed.total for each in portions) == owed.total:
        return []  # "the full sum, 1,925 plus 385 of VAT"
    kept: list[tuple[Portion, int]] = []
    for portion in portions:
        said = topics(sentence, portion.start, portion.end, language, others) | _pledged(portion, sentence, language)
        # "We agreed yesterday on three equal parts: on Friday, ..." was not paid yesterday
        follow = portion.count > 1 and any(each.start >= portion.end for each in dates)
        again = is_regular(portion.end, sentence, language)  # "100 a month since April" is none that was paid
        is_done = "done" in said and "coming" not in said and not follow and not again
        weight = _weight(portion, said, sentence, dates, language)
        refused = "refusal" in said and weight < _DAY  # with a day beside it, something else won't be
        is_more = portion.amount is not None and portion.amount > owed.total
        if portion.amount is not None and portion.amount > owed.total * _MOST:
            continue  # "of the mortgage of 120,000 we can pay out 8,000"
        with_costs = promises and portion.amount is not None and is_with_costs(portion.amount, owed, sentence, language)
        speaks = (
            "pay" in said
            or with_costs
            or (
                not is_all
                and not is_more
                and (
                    _is_spoken_of(portion, len(portions), sentence, dates, language)
                    or (promises and _is_beside_a_day(portion, sentence, dates, language))
                )
            )
        )
        if speaks and not _is_asked(portion, sentence) and not is_done and not refused and "contested" not in said:
            kept.append((portion, weight))
    stated = {portion.amount for portion, _ in kept if not portion.is_share}
    once = [(portion, weight) for portion, weight in kept if not (portion.is_share and portion.amount in stated)]
    return _one_rest(_without_what_is_off(once, owed))


def _pledged(portion: Portion, sentence: Sentence, language: str) -> frozenset[str]:
    """As words of paying do, "I can promise you 750 by Friday" speaks of paying the amount in its clause."""
    first, last = clause_around(sentence, portion.start, portion.end, language)
    is_pledged = wording_of(language).pledges.find(words(sentence.folded[first:last]))
    return frozenset({"pay"}) if is_pledged else frozenset()


def _is_asked(portion: Portion, sentence: Sentence) -> bool:
    """Whether the amount stands in a question; "300 on Friday, all right?" only has one behind it."""
    return sentence.text.endswith("?") and not any(
        mark in sentence.text[portion.end :] for mark in (", ", "; ", ": ", " - ")
    )


def _is_spoken_of(
    portion: Portion, beside: int, sentence: Sentence, dates: Sequence[DateMention], language: str
) -> bool:
    """Whether an amount is promised without a word of paying in its clause."""
    if beside > 1 or has_its_day(portion, sentence, language) or is_multiple(portion, sentence, language):
        return True
    return bool(dates) and (
        is_the_most(portion, sentence, language)
        or is_namely(portion, sentence, language)
        or is_referred_to(portion, sentence, language)
    )


def _is_beside_a_day(portion: Portion, sentence: Sentence, dates: Sequence[DateMention], language: str) -> bool:
    """Whether an amount of money shares its clause with a coming day, and nothing else is said there of either."""
    first, last = clause_around(sentence, portion.start, portion.end, language)
    return any(each.start == portion.start for each in sentence.amounts) and any(
        first <= each.start < last and topics(sentence, each.start, each.end, language) <= {"coming", "remains"}
        for each in dates
    )


#: What a coming day within its clause weighs for a portion; less than that in all is what words of paying do.
_DAY = 4


def _weight(
    portion: Portion, said: frozenset[str], sentence: Sentence, dates: Sequence[DateMention], language: str
) -> int:
    """How much the clause of a portion speaks of paying it."""
    first, last = clause_around(sentence, portion.start, portion.end, language)
    has_day = (
        any(first <= each.start < last for each in dates)
        or has_its_day(portion, sentence, language)
        or ("pay" not in said and _is_taken_up_with_a_day(portion, sentence, dates, language))
    )
    return _DAY * has_day + 2 * ("remains" in said) + ("pay" in said) + ("coming" in said)


def _is_taken_up_with_a_day(portion: Portion, sentence: Sentence, dates: Sequence[DateMention], language: str) -> bool:
    """As in "the bank has released 9,000, which leave on Wednesday"."""
    return is_referred_to(portion, sentence, language) and any(each.start > portion.end for each in dates)


def _without_what_is_off(weighed: Sequence[tuple[Portion, int]], owed: Owed) -> list[Portion]:
    """Of two amounts that make up all that is owed, drops the one paid less plainly, unless it has a day, too."""
    most: dict[Decimal | None, int] = {}
    for portion, weight in weighed:  # an amount that is said twice weighs what is said of it best
        most[portion.amount] = max(weight, most.get(portion.amount, 0))
    for (one, _), (two, _) in combinations(weighed, 2):
        of_one, of_two = most[one.amount], most[two.amount]
        if one.amount is None or two.amount is None or one.amount + two.amount != owed.total:
            continue
        if of_one != of_two and min(of_one, of_two) < _DAY:
            off = one if of_one < of_two else two
            return [portion for portion, _ in weighed if portion.amount != off.amount]
    return [portion for portion, _ in weighed]


def _one_rest(parts: Sequence[Portion]) -> list[Portion]:
    """The rest counts once, and only after a part that it is the rest of: "the 400 that remain" is an amount."""
    kept: list[Portion] = []
    for part in parts:
        rest_of_something = kept and all(each.amount is not None for each in kept)
        if part.amount is not None or (rest_of_something and part.start - kept[-1].end >= CLOSE):
            kept.append(part)
    return kept


def _dates_of(at: int, parts: Sequence[Portion], dates: Sequence[DateMention], owed: Owed) -> list[date | None]:
    """The first date between this part and the next, else the last between the one before and this.

    A sole amount with several dates behind it is paid on each, as far as that is not more than is owed.
    """
    part = parts[at]
    following = parts[at + 1].start if at + 1 < len(parts) else None
    after = [each for each in dates if each.start >= part.end and (following is None or each.start < following)]
    if len(parts) == 1 and part.amount is not None and len(after) > 1 and part.amount * len(after) <= owed.total:
        return [each.ahead for each in after]
    if after:
        return [after[0].ahead]
    if part.amount is None:
        return [None]
    previous = parts[at - 1].end if at else 0
    before = [each for each in dates if previous <= each.start < part.start]
    return [before[-1].ahead if before else None]
