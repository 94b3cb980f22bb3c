"""What could be a part of the sum owed, by its form alone: amounts, bare numbers, shares, the rest.

"300 €", "1.250,-", "1k5", "six hundred", "half", "30 %", "the rest". Whether a part is promised is told by the words
around it, see `classifier.instalments`. Pure.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from importlib.resources import files

from classifier.amounts import read_number, thousands
from classifier.preprocess import Sentence
from classifier.spelled import find_numbers, is_number
from classifier.text import Phrases, Word, fold, words
from classifier.values import InvoiceRef

#: A number that is no group of a longer one (an account's, a telephone's).
_BARE = re.compile(
    r"(?<![\w.,/#'-])(?<!\d )"
    r"(?P<number>\d{1,3}(?:[ .,']\d{3}){1,2}(?:,\d{2}|\.\d{2})?|\d{1,6}(?:[.,]\d{1,2})?(?=k)|\d{1,6}(?:[.,]\d{2})?)"
    r"(?:(?P<kilo>k)(?P<hundreds>\d)?\b|(?P<round>[.,]-{1,2}))?(?![\w/%-]|[.,']\d| \d)"
)
_CENT = Decimal("0.01")

#: Smaller numbers without a currency are days, copies, kilos.
_LEAST_BARE = 100

#: Of such a sum a bare number that is smaller than this share isn't said to the last figure.
_LARGE_SUM = 100_000
_LEAST_OF_LARGE = 100

#: With "a month" behind them they are none of these, but may be a day: "the 15th each month".
_LEAST_REGULAR = 32

#: One word that is said of much else than money ("mille mercis"): it needs a day beside it.
_ROUND_WORDS = (100, 1000)

#: A smaller share of the sum is a rate: a tax, a discount.
_LEAST_SHARE = 10

#: Whose sign is "$", too.
_DOLLARS = frozenset({"USD", "CAD", "AUD", "MXN", "NZD", "SGD", "HKD"})

#: Characters between an amount and a word like "remaining" that belongs to it.
CLOSE = 12

#: Characters between an amount and the day that it is promised for.
_BESIDE = 6

#: Words of the longest "each month" before an amount.
_EVERY_WORDS = 3

#: Characters behind an amount within which "now" is said of it.
_SOON = 22

#: A thousand of whatever is owed.
_GRAND = "grand"

_SHARES = {
    "half": Decimal(1) / 2, "third": Decimal(1) / 3, "quarter": Decimal(1) / 4,
    "two_thirds": Decimal(2) / 3, "three_quarters": Decimal(3) / 4, "fifth": Decimal(1) / 5, "tenth": Decimal(1) / 10,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Portion:
    """A part at its place in the text; `amount` None is the rest; a share may be said beside its amount; `count`: how
    often it is paid, where the sum is parted into equal ones.
    """

    start: int
    end: int
    amount: Decimal | None
    is_share: bool = False
    count: int = 1


@dataclass(frozen=True, slots=True)
class Owed:
    """What the reminder listed: its total, its currency, the whole sums that are no part, the invoices' numbers."""

    total: Decimal
    currency: str
    whole: frozenset[int]
    numbers: tuple[str, ...]


def owed_on(invoices: Sequence[InvoiceRef]) -> Owed | None:
    """What is owed on these invoices; None where they are in several currencies, or there are none."""
    currencies = {invoice.currency for invoice in invoices}
    if len(currencies) != 1:
        return None
    total = sum((invoice.amount for invoice in invoices), Decimal(0))
    whole = frozenset({int(invoice.amount) for invoice in invoices} | {int(total)})
    numbers = tuple(re.sub(r"\W", "", fold(invoice.number)) for invoice in invoices)
    return Owed(total, currencies.pop(), whole, numbers)


def find_portions(sentence: Sentence, language: str, owed: Owed) -> list[Portion]:
    """All that could be a part of what is owed, in order of the text."""
    found = [
        Portion(each.start, each.end, each.amount)
        for each in sentence.amounts
        if int(each.amount) not in owed.whole
        and (_is_same(each.currency, owed.currency) or sentence.folded[: each.end].endswith(_GRAND))
    ]
    taken = [(day.start, day.end) for day in sentence.dates] + [(sum_.start, sum_.end) for sum_ in sentence.amounts]
    found += [each for each in _bare(sentence, language, owed) if not _overlaps(each, taken)]
    taken += [(each.start, each.end) for each in found]
    found += [each for each in _spelled(sentence, language, owed) if not _overlaps(each, taken)]
    near = [(each.start - CLOSE, each.end) for each in found]
    stated = {each.amount for each in found if each.amount is not None}
    for each in (*_percentages(sentence, language, owed), *_named(sentence, language, owed)):
        beside = [(start, end + (0 if each.amount is None else CLOSE)) for start, end in near]
        said_twice = each.amount in stated  # "30 % today (960 €)": what is said around either counts
        if said_twice or not _overlaps(each, [*beside, *((other.start, other.end) for other in found)]):
            found.append(each)
    if not stated:
        found += _equal_parts(sentence, language, owed)
    in_dates = [(each.start, each.end) for each in sentence.dates if each.family != "nothing"]  # "a metà giugno"
    kept = [each for each in found if not (each.is_share and _overlaps(each, in_dates))]
    kept = [
        each for each in kept
        if not _is_threshold(each, sentence, language) and not _is_of_thing(each, sentence, language)
    ]  # fmt: skip
    return sorted(kept, key=lambda each: each.start)


def _is_of_thing(portion: Portion, sentence: Sentence, language: str) -> bool:
    """Whether the amount is said to be another thing's: a fee or a discount ("a late fee of 40", "40 € of late fees"),
    an order, a limit or an income ("our limit is 5,000", "5,000 a day", but not "the 3,240 of your quote").
    """
    wording = _wording(language)
    start = len(sentence.folded[: portion.start].rstrip(" ("))  # "3 % discount (116.40)"
    stops = [0, *(found.end() for found in _STOP.finditer(sentence.folded, 0, start))]
    before = [word for word in words(sentence.folded[:start])[-_THING_WORDS:] if word.start >= stops[-1]]
    mark = _STOP.search(sentence.folded, portion.end)
    behind = words(sentence.folded[portion.end : mark.start() if mark else None])[:_THING_WORDS]

    def are_links(between: Sequence[Word]) -> bool:
        return all(word.folded in wording.linked or word.folded.isdigit() for word in between)

    named_before = (*wording.things.find(before), *wording.frames.find(before))
    return (
        any(are_links(before[hit.after :]) for hit in named_before)
        or any(are_links(behind[: hit.first]) for hit in wording.things.find(behind))
        or any(hit.first == 0 for hit in wording.frames_behind.find(behind))
    )


#: Words on either side of an amount among which the thing that it is the amount of is named.
_THING_WORDS = 5
_STOP = re.compile(r",(?!\d)|[;:()\n]| - ")


def _is_threshold(portion: Portion, sentence: Sentence, language: str) -> bool:
    """As in "any sum over 2,500 needs the board"."""
    before = words(sentence.folded[: portion.start])
    if _STOP.match(sentence.folded[: portion.start].rstrip()[-1:]):
        return False  # "ziehen wir 250 ab, 3.230 gehen raus"
    return any(hit.after == len(before) for hit in _wording(language).thresholds.find(before))


def sums_in(sentence: Sentence, language: str) -> list[int]:
    """Where sums stand that the sentence may part what is owed into, whole invoices too: amounts, larger numbers in
    digits or words, shares, the rest.
    """
    days = [(each.start, each.end) for each in sentence.dates]
    found = words(sentence.folded)
    spans = [(each.start, each.end) for each in sentence.amounts]
    bare = [each for each in _BARE.finditer(sentence.folded) if len(each["number"]) >= _SUM_DIGITS or each["kilo"]]
    spans += [each.span() for each in bare]
    spans += [(start, end) for start, end, number in find_numbers(sentence.text, language) if number >= _LEAST_BARE]
    spans += [(found[hit.first].start, found[hit.after - 1].end) for hit in _wording(language).named.find(found)]
    return sorted(start for start, end in spans if not any(first < end and start < last for first, last in days))


#: Digits of a number that may be a sum.
_SUM_DIGITS = 2


def has_its_day(portion: Portion, sentence: Sentence, language: str) -> bool:
    """Whether a coming day, "now" or "a month" stands right behind the amount: "300 pounds Friday" needs no verb; or
    "each month" right before it.
    """
    wording = _wording(language)
    behind = words(sentence.folded[portion.end : portion.end + _SOON])
    if portion.is_share and portion.count == 1:  # "40 % a month" is no part of a sum
        return bool(wording.now.find(behind)) or _is_beside_its_day(portion, sentence, language)
    before = words(sentence.folded[: portion.start])[-_EVERY_WORDS:]
    if any(hit.after == len(before) for hit in wording.every.find(before)):
        return True
    return bool(wording.soon.find(behind)) or _is_beside_its_day(portion, sentence, language)


def _is_beside_its_day(portion: Portion, sentence: Sentence, language: str) -> bool:
    if _ENDS.match(sentence.folded, portion.end) and any(
        each.ahead and 0 < portion.start - each.end <= _BESIDE and each.family != "nothing" for each in sentence.dates
    ):
        return True  # "Friday 500, the rest in May"
    return any(
        each.ahead and each.start >= portion.end
        and (each.start - portion.end <= _BESIDE or _says_how(sentence, portion.end, each.start, language))
        for each in sentence.dates
    )  # fmt: skip


def is_the_most(portion: Portion, sentence: Sentence, language: str) -> bool:
    """Whether the words behind the amount say that there won't be more: "two thousand, no more, and that on the 30th"."""
    behind = words(sentence.folded[portion.end :])[:_MOST_WITHIN]
    return bool(_wording(language).at_most.find(behind))


#: Words behind an amount among which "no more" is said of it.
_MOST_WITHIN = 6


#: What may follow an amount that ends its clause.
_ENDS = re.compile(r"\s?(?:[.,;:!+&)]|\n|$)")


def _says_how(sentence: Sentence, start: int, end: int, language: str) -> bool:
    """Whether nothing stands between an amount and its day but of what it is a part, or how it is paid: "a third of it
    today", "600 € par virement jeudi", "250 euros in cash tonight".
    """
    between = words(sentence.folded[start:end])
    if len(between) > _HOW_WORDS or _STOP.search(sentence.folded, start, end):
        return False
    wording = _wording(language)
    said = {at for hit in wording.how.find(between) for at in range(hit.first, hit.after)}
    return all(at in said or word.folded in wording.by for at, word in enumerate(between))


#: Words between an amount and its day that may say how it is paid.
_HOW_WORDS = 5


def is_multiple(portion: Portion, sentence: Sentence, language: str) -> bool:
    """Whether the amount is said to be paid several times: "four times 190", "three monthly instalments of 300", "in
    three equal parts".
    """
    if portion.count > 1:
        return True
    wording = _wording(language)
    before = words(sentence.folded[: portion.start])[-_COUNTED_WORDS:]
    if any(hit.after == len(before) for hit in wording.times.find(before)):
        return True
    return any(
        hit.name == "instalment"
        and hit.first and len(before) - hit.after <= _COUNT_LINKS
        and all(word.folded in wording.linked for word in before[hit.after :])
        and any(is_number(word.folded, language) and word.folded not in wording.single
                for word in before[max(0, hit.first - _COUNT_LINKS) : hit.first])
        for hit in wording.equal.find(before)
    )  # fmt: skip


#: Words between "three", "instalments" and the amount of each: "three monthly instalments of about 300".
_COUNT_LINKS = 2


def says_all(sentence: Sentence, language: str) -> bool:
    """Whether the sentence speaks of all that is owed: "you will be paid in full"."""
    return bool(_wording(language).in_full.find(words(sentence.folded)))


def is_referred_to(portion: Portion, sentence: Sentence, language: str) -> bool:
    """Whether the next clause takes the amount up: "he signed for 4,000, it goes out tomorrow", "we have 3,000 and pay
    it on Wednesday".
    """
    wording = _wording(language)
    is_bare = sentence.text[portion.start : portion.end].isdigit()
    mark = (_MARK if is_bare else _NEXT).match(sentence.folded, portion.end)
    following = words(sentence.folded[portion.end :])[: _JOINED + 4]
    starts = [words(sentence.folded[mark.end() :])[:4]] if mark else []
    starts += [
        following[at + 1 : at + 5] for at, word in enumerate(following[:_JOINED]) if word.folded in wording.joins
    ]
    if not is_bare:
        starts.append(following[:4])  # "9,000 that will leave on Wednesday"
    return any(hit.first == 0 for behind in starts for hit in wording.refers.find(behind))


#: Words between an amount and the "and" behind which it is taken up.
_JOINED = 4


#: From an amount to the next mark: few words may stand between, but none where it could be a number of something else.
_MARK = re.compile(r"[,;:]\s")
_NEXT = re.compile(r"[^,;:!?\n]{0,30}[,;:]\s")


def find_rates(sentence: Sentence, language: str) -> list[tuple[int, int]]:
    """Where percentages stand, of whatever."""
    return [found.span() for found in _wording(language).percent.finditer(sentence.folded)]


def is_namely(portion: Portion, sentence: Sentence, language: str) -> bool:
    """Whether the amount only says how much was spoken of before: "we pay the good ones on Monday, that's 980"."""
    before = words(sentence.folded[: portion.start])
    return any(hit.after == len(before) for hit in _wording(language).namely.find(before))


def _is_same(written: str, owed: str) -> bool:
    return written == owed or (written == "USD" and owed in _DOLLARS)


def _overlaps(portion: Portion, spans: Sequence[tuple[int, int]]) -> bool:
    return any(start < portion.end and end > portion.start for start, end in spans)


def _bare(sentence: Sentence, language: str, owed: Owed) -> Iterator[Portion]:
    """Numbers without a currency that could be part of the sum, and number no invoice, order or customer.

    Written as money ("1.250,-", "2.740,00", "1k5"), beside the rest of the sum, or said to be paid several times they
    need no date in their sentence.
    """
    numbered, one = _wording(language).numbered, _wording(language).one
    others = {other for found in _BARE.finditer(sentence.folded) if (other := read_number(found["number"]))}
    others |= {each.amount for each in sentence.amounts}
    has_rest = any(hit.name == "rest" for hit in _wording(language).named.find(words(sentence.folded)))
    for found in _BARE.finditer(sentence.folded):
        number = found["number"]
        amount = thousands(number, found["hundreds"]) if found["kilo"] else read_number(number)
        end, scale = _scale(found.end(), sentence, language)
        amount = None if amount is None else amount * scale
        as_money = found["kilo"] or scale > 1 or found["round"] or number[-3:-2] in {",", "."}
        if not as_money and scale == 1 and _is_year(number, sentence):
            continue
        is_regular = _is_regular(found.end(), sentence, language)
        least = _LEAST_REGULAR if is_regular else _LEAST_BARE
        if amount is None:
            continue
        is_part = (
            has_rest or owed.total - amount in others
            or is_multiple(Portion(found.start(), end, amount), sentence, language)
        )  # fmt: skip
        if not (as_money or sentence.dates or is_regular or is_part):
            continue
        if not _is_portion(amount, owed, others, least):
            continue
        digits = re.sub(r"\D", "", number)
        in_a_number = not found["kilo"] and any(digits in each for each in owed.numbers)
        before = [word.folded for word in words(sentence.folded[: found.start()])][-2:]
        is_of_document = not numbered.isdisjoint(before) or (before[-1:] and before[-1] in one)
        if not in_a_number and not is_of_document:
            yield Portion(found.start(), end, amount)


def _spelled(sentence: Sentence, language: str, owed: Owed) -> Iterator[Portion]:
    """Numbers in words without a currency, as in "six hundred on Friday"."""
    rates = [(start, end) for start, end, _ in _shares_of(sentence, language)]
    for start, end, number in find_numbers(sentence.text, language):
        end, scale = _scale(end, sentence, language)
        amount = number * scale  # "ten grand"
        portion = Portion(start, end, Decimal(amount))
        if _overlaps(portion, rates):  # the "cento" of "cinquanta per cento"
            continue
        sole = amount in _ROUND_WORDS and len(words(sentence.folded[start:end])) == 1
        if _is_portion(Decimal(amount), owed) and (not sole or has_its_day(portion, sentence, language)):
            yield portion


def _scale(end: int, sentence: Sentence, language: str) -> tuple[int, int]:
    """Where a number that ends at `end` ends with the word that multiplies it ("900 mil", "15 grand"), and by how much."""
    behind = words(sentence.folded[end : end + _SCALE_WITHIN])[:1]
    scale = _wording(language).scale.get(behind[0].folded, 1) if behind and behind[0].start <= 1 else 1
    return (end, 1) if scale == 1 else (end + behind[0].end, scale)


_SCALE_WITHIN = 12


def _is_year(number: str, sentence: Sentence) -> bool:
    """Whether a number is the year of a day of the sentence, or the one beside it: "the first run of 2025"."""
    days = [day for each in sentence.dates for day in (each.ahead, each.behind) if day]
    return number.isdigit() and any(abs(int(number) - day.year) <= 1 for day in days)


def _is_regular(end: int, sentence: Sentence, language: str) -> bool:
    """Whether "a month" stands right behind a number, or behind the "e" that telephones write for euros: "60 a month",
    "60 e par mois".
    """
    behind = words(sentence.folded[end:])[:_EVERY_WORDS]
    behind = behind[1:] if behind[:1] and behind[0].folded == "e" else behind
    return any(hit.first == 0 for hit in _wording(language).every.find(behind))


def _is_portion(amount: Decimal, owed: Owed, others: Set[Decimal] = frozenset(), least: int = _LEAST_BARE) -> bool:
    """Whether a number is large enough to be money, or makes up all that is owed with another of the sentence."""
    if owed.total >= _LARGE_SUM and amount * _LEAST_OF_LARGE < owed.total:
        return False  # "I am sending 500 today" of 900,000: thousands are meant
    is_large = amount >= least or owed.total - amount in others
    return is_large and amount < owed.total and int(amount) not in owed.whole


def _equal_parts(sentence: Sentence, language: str, owed: Owed) -> Iterator[Portion]:
    """As in "three equal instalments": the sum by their number, where no amount says how much each is."""
    wording = _wording(language)
    counted = [(start, end, number) for start, end, number in find_numbers(sentence.text, language)]
    counted += [(each.start(), each.end(), int(each.group())) for each in _COUNT.finditer(sentence.folded)]
    for start, end, number in counted:
        behind = words(sentence.folded[end:])[:_COUNTED_WORDS]
        said = wording.equal.find(behind)
        if 2 <= number <= _MOST_PARTS and {hit.name for hit in said} == {"equal", "instalment"}:
            last = max(behind[hit.after - 1].end for hit in said)
            yield Portion(start, end + last, (owed.total / number).quantize(_CENT), is_share=True, count=number)
            return


_COUNT = re.compile(r"(?<![\w.,/-])\d{1,2}(?![\w.,/-])")

#: Words behind a number that say that so many equal parts are meant.
_COUNTED_WORDS = 5
_MOST_PARTS = 36


def _percentages(sentence: Sentence, language: str, owed: Owed) -> Iterator[Portion]:
    """As in "50 % on Friday", but not in "2 % discount" or "20 % VAT"."""
    wording = _wording(language)
    for start, end, share in _shares_of(sentence, language):
        after = words(sentence.folded[end:])[:2]
        if _LEAST_SHARE <= share < 100 and not wording.rates.find(after):
            yield Portion(start, end, (owed.total * share / 100).quantize(_CENT), is_share=True)


def _shares_of(sentence: Sentence, language: str) -> Iterator[tuple[int, int, int]]:
    """Where percentages stand, and how large: "50 %", "fifty percent"."""
    wording = _wording(language)
    for found in wording.percent.finditer(sentence.folded):
        yield found.start(), found.end(), int(found["share"])
    for start, end, number in find_numbers(sentence.text, language):
        if name := wording.percent_name.match(sentence.folded, end):
            yield start, name.end(), number


#: Words like those of a share that are none's: "half past", "a third reminder".
_NO_SHARE = "no_share"


def _named(sentence: Sentence, language: str, owed: Owed) -> Iterator[Portion]:
    """Half, a third, the rest; of phrases that share words the longest."""
    found = words(sentence.folded)
    hits = sorted(_wording(language).named.find(found), key=lambda hit: (hit.first - hit.after, hit.first))
    taken: set[int] = set()
    for hit in hits:
        if taken.isdisjoint(range(hit.first, hit.after)):
            taken.update(range(hit.first, hit.after))
            if hit.name == _NO_SHARE:
                continue
            share = _SHARES.get(hit.name)
            amount = (owed.total * share).quantize(_CENT) if share else None
            yield Portion(found[hit.first].start, found[hit.after - 1].end, amount, is_share=share is not None)


@dataclass(frozen=True, slots=True)
class _Wording:
    named: Phrases
    percent: re.Pattern[str]
    percent_name: re.Pattern[str]
    rates: Phrases
    numbered: frozenset[str]
    one: frozenset[str]
    thresholds: Phrases
    soon: Phrases
    now: Phrases
    every: Phrases
    namely: Phrases
    in_full: Phrases
    refers: Phrases
    times: Phrases
    joins: frozenset[str]
    things: Phrases
    frames: Phrases
    frames_behind: Phrases
    at_most: Phrases
    linked: frozenset[str]
    equal: Phrases
    how: Phrases
    by: frozenset[str]
    single: frozenset[str]
    scale: Mapping[str, int]


@cache
def _wording(language: str) -> _Wording:
    raw = tomllib.loads((files("classifier") / "wordings" / "facts" / f"{language}.toml").read_text("utf-8"))
    percent = "|".join(re.escape(fold(each)) for each in raw["percent"])
    return _Wording(
        Phrases({name: raw[name] for name in (*_SHARES, "rest", _NO_SHARE)}),
        re.compile(rf"(?<![\w.,])(?P<share>\d{{1,3}})\s?(?:{percent})(?!\w)"),
        re.compile(rf"\s(?:{percent})(?!\w)"),
        Phrases({"rate": raw["rate"]}),
        frozenset(fold(each) for name in ("numbered", "documents") for each in raw[name]),
        frozenset(fold(each) for each in raw["one"]),
        Phrases({"threshold": raw["threshold"]}),
        Phrases({"soon": [*raw["now"], *raw["every"]]}),
        Phrases({"now": raw["now"]}),
        Phrases({"every": raw["every"]}),
        Phrases({"namely": raw["namely"]}),
        Phrases({"in_full": raw["in_full"]}),
        Phrases({"refers": raw["refers"]}),
        Phrases({"times": raw["times"]}),
        frozenset(fold(each) for each in raw["joins"]),
        Phrases({"thing": raw["things"]}),
        Phrases({"frame": raw["frames"]}),
        Phrases({"frame": raw["frames_behind"]}),
        Phrases({"at_most": raw["at_most"]}),
        frozenset(fold(each) for each in raw["linked"]),
        Phrases({"equal": raw["equal"], "instalment": raw["instalment"]}),
        Phrases({"how": [*raw["of_it"], *(each for method in raw["methods"].values() for each in method)]}),
        frozenset(fold(each) for each in raw["by"]),
        frozenset(fold(each) for each in raw["single"]),
        {fold(word): number for word, number in raw["scale"].items()},
    )
