"""What a reply says of a payment, made or to come: dates, amounts, method, reference.

A date is a promise's only where its sentence commits to pay, and a payment's only where its sentence reports one;
the date of an invoice, a mail or an order ("la facture du 12 mars") is neither. A wrong date is worse than none.
Pure: sentences with their dates and amounts in, and for each sentence how much it promises and how much it reports.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from functools import cache

from classifier.clauses import clause_around, topics
from classifier.dates import DateMention
from classifier.instalments import find_parts, names_an_amount, promises_a_part
from classifier.other_matters import is_of_another_matter
from classifier.portions import sums_in
from classifier.preprocess import Sentence
from classifier.prices import costs_several
from classifier.reckoning import names_what_is_left, reckon
from classifier.remainders import Said, find_remainder, names_the_rest, says_settled
from classifier.surroundings import begins_with_it
from classifier.text import Phrases, fold, words
from classifier.values import InvoiceRef, Promised
from classifier.wordings import read_wordings

#: From this probability on a sentence says an intent.
SAID = 0.5


@dataclass(frozen=True, slots=True)
class Spoken:
    """A sentence and how probable it is that it promises, that it reports a payment."""

    sentence: Sentence
    promise: float
    paid: float


@dataclass(frozen=True, slots=True)
class PromiseFacts:
    """The (first) promised date, and parts where less than or other than the whole is promised; `probability`: of the
    date, where it was weighed against the other days of the message; `sureness`: how sure it is that this part is
    promised, or that none is.
    """

    on: date | None = None
    parts: tuple[Promised, ...] = ()
    probability: float = 0.0
    sureness: float = 1.0


@dataclass(frozen=True, slots=True)
class PaidFacts:
    """What is said of a payment made; None where not said or vague."""

    on: date | None = None
    amount: Decimal | None = None
    method: str | None = None
    reference: str | None = None


def promise_facts(
    spoken: Sequence[Spoken], language: str, invoices: Sequence[InvoiceRef], listed: Sequence[InvoiceRef] = ()
) -> PromiseFacts:
    """Date and parts of what is promised of these invoices; `listed`: all of the reminder.

    Sentences that promise are looked at first; where they hold no date, a date elsewhere counts only if it is the one
    coming date of the whole message and its sentence reports no payment. Of several dates the one whose clause speaks
    of paying counts, not one of a condition ("if I have it by Monday") or of an event ("he is back on the 24th");
    of equal ones the last, since people lead up to it, but with instalments the first.
    """
    dated = [(each, _coming(each.sentence, language)) for each in spoken]
    promising = [(each, dates) for each, dates in dated if each.promise >= SAID and each.promise >= each.paid]
    said_plainly = bool(promising)
    if not promising and spoken:
        promising = [max(dated, key=lambda pair: pair[0].promise)]
    found = [
        (each.sentence, mention) for each, mentions in promising for mention in mentions
        # "The mayor is away until the 8th": where no sentence promises, the clause of the day must not deny it
        if said_plainly or rank_of(each.sentence, mention, language) >= 0
    ]  # fmt: skip
    if not found:
        elsewhere = [(each.sentence, mention) for each, mentions in dated if each.paid < SAID for mention in mentions]
        is_one = len({mention.ahead for _, mention in elsewhere}) == 1
        # "I'll see to it. I am back on the 24th.": what happens that day is something else.
        found = [each for each in elsewhere if rank_of(*each, language) >= 0] if is_one else []
    plain = naming_a_coming_payment([each for each, _ in dated if each.promise >= MAY_PROMISE], language)
    plain += naming_a_part([each for each, _ in dated], language, invoices)
    saying = [pair for pair in dated if pair in promising or pair[0] in plain]
    said = [
        (*_with_its_sum(at, dated, language), pair[0].promise >= SAID)
        for at, pair in enumerate(dated)
        if pair in saying
    ]
    parts = find_parts(said, language, invoices)
    if not said_plainly and any(says_settled(each.sentence, language) for each in spoken):
        parts = ()
    judged = [Said(*_plain(pair), pair in saying or _may_be_of_a_rest(pair, language)) for pair in dated]
    sureness = 1.0
    remainder = find_remainder(judged, parts, language, invoices)
    if remainder is not None and costs_several([each.sentence for each in spoken], language, invoices):
        remainder = None
    reckoned = reckon(judged, parts, language, invoices, listed)
    if left := _least(remainder, reckoned):
        parts, sureness = (left,), RECKONED
    if not found:
        return PromiseFacts(None, parts, sureness=sureness)
    ranks = _ranks(found, language)
    best = [each for rank, each in zip(ranks, found, strict=True) if rank == max(ranks)]
    if max(ranks) <= 0:  # today only counts where it is paid: "you'll have it on Friday, today I am away"
        best = [each for each in best if each[1].ahead != each[1].behind] or best
    if max(ranks) < _LEAST_RANK:
        return PromiseFacts(None, parts, sureness=sureness)
    instalments = [part.on for part in parts if part.on]
    on = _first_of_several(best[-1], language)
    if on is None:
        on = min(instalments) if len(parts) > 1 and instalments else _before_the_rest(best[-1], language)
    return PromiseFacts(on or _last(best, language), parts, sureness=sureness)


def _least(*left: Promised | None) -> Promised | None:
    """Of what is left by either account the one that takes more off: it knows of more sums."""
    return min((each for each in left if each and each.amount), key=lambda each: each.amount or 0, default=None)


def _plain(pair: _Dated) -> tuple[Sentence, list[DateMention]]:
    return pair[0].sentence, pair[1]


def _may_be_of_a_rest(pair: _Dated, language: str) -> bool:
    """Whether a rest has a day of its own in a sentence that reports a payment, too, or hardly says anything else:
    "500 was sent last week, the rest comes on Monday", "Rest on Friday".
    """
    spoken, dates = pair
    return bool(dates) and spoken.promise >= MAY_PROMISE and names_the_rest(spoken.sentence, language)


def naming_a_coming_payment(spoken: Sequence[Spoken], language: str) -> list[Spoken]:
    """The sentences whose words alone say a day of payment: one that lies ahead by itself or by its verb, in a clause
    that speaks of paying and of no condition, event, refusal or payment made. They tell the person in the queue more
    than a model that is not sure; one that is sure of a payment made knows better ("it should be with you by Friday").
    """
    return [
        each for each in spoken
        if "?" not in each.sentence.text and not (each.paid >= _SURELY_PAID and each.paid > each.promise) and any(
            _is_coming_payment(each, mention, language) for mention in _coming(each.sentence, language)
        )
    ]  # fmt: skip


#: From this probability on a sentence reports a payment, whatever its words seem to promise.
_SURELY_PAID = 0.8

_Dated = tuple[Spoken, list[DateMention]]

#: How sure a part is that had to be reckoned from all sums of a message: not enough to act on. Where the reply names
#: the same sum, what it is is weighed as of any other (`classifier.meant_sums`).
RECKONED = 0.5


def _with_its_sum(at: int, dated: Sequence[_Dated], language: str) -> tuple[Sentence, list[DateMention]]:
    """The sentence and its coming days, behind the one before where it takes up the sum that is named there: "The board
    approved 2,000. It will be wired on Thursday."
    """
    spoken, dates = dated[at]
    if not at or not dates or sums_in(spoken.sentence, language) or not begins_with_it(spoken.sentence, language):
        return spoken.sentence, dates
    before = dated[at - 1][0].sentence
    if len(before.amounts) != 1 or "?" in before.text:
        return spoken.sentence, dates
    start = before.text.rstrip(" .!…") + ", "
    text = start + spoken.sentence.text
    later = [replace(each, start=each.start + len(start), end=each.end + len(start)) for each in dates]
    joined = (*(each for each in before.dates if each.end <= len(start)), *later)
    return Sentence(text, fold(text), joined, before.amounts), later


def naming_a_part(spoken: Sequence[Spoken], language: str, invoices: Sequence[InvoiceRef]) -> list[Spoken]:
    """The sentences whose words alone promise part of what is owed, with or without a day, and report no payment."""
    found: list[Spoken] = []
    if any(says_settled(each.sentence, language) for each in spoken):
        return found
    for each in spoken:
        dates = _coming(each.sentence, language)
        ahead = any(mention.behind is None for mention in dates)
        if (each.paid < SAID or ahead) and promises_a_part(each.sentence, dates, language, invoices):
            found.append(each)
    return found


def facts_by_words(spoken: Sequence[Spoken], language: str, invoices: Sequence[InvoiceRef]) -> PromiseFacts:
    """What the words alone promise: the day of a coming payment, and parts of what is owed."""
    found = promise_facts(naming_a_coming_payment(spoken, language), language, invoices)
    if found.parts:
        return found
    parts = promise_facts(naming_a_part(spoken, language, invoices), language, invoices).parts
    if not parts and (reckoned := _reckoned_by_words(spoken, language, invoices)):
        return replace(found, on=found.on or reckoned.on, parts=(reckoned,), sureness=RECKONED)
    return replace(found, parts=parts)


def _reckoned_by_words(spoken: Sequence[Spoken], language: str, invoices: Sequence[InvoiceRef]) -> Promised | None:
    """What is left to be paid where a day to come stands beside words of a rest, or of a coming payment: "gave Junior
    five hundred this morning. Rest by the 16th".
    """
    coming = naming_a_coming_payment(spoken, language)
    said = [
        Said(each.sentence, dates, each in coming or (bool(dates) and names_what_is_left(each.sentence, language)))
        for each in spoken for dates in [_coming(each.sentence, language)]
    ]  # fmt: skip
    return reckon(said, (), language, invoices)


#: From this probability on a sentence may promise: enough to tell the "Friday" ahead from the one behind.
MAY_PROMISE = 0.2


def _is_coming_payment(spoken: Spoken, mention: DateMention, language: str) -> bool:
    said = topics(spoken.sentence, mention.start, mention.end, language)
    speaks = "pay" in said or names_an_amount(spoken.sentence, mention, language)  # "three hundred pounds Friday"
    ahead = mention.behind is None or "coming" in said or spoken.promise >= MAY_PROMISE
    return speaks and ahead and said <= {"pay", "coming", "remains", "contested"}


def _first_of_several(chosen: tuple[Sentence, DateMention], language: str) -> date | None:
    """The first of several days that each have a sum of their own: "the 400 on Friday, the 690 on the 31st", "300 on
    the 10th, 300 on the 20th"; None where the chosen day is not one of such a row.
    """
    sentence, mention = chosen
    row: list[DateMention] = []
    for each in _coming(sentence, language):
        again = bool(row) and row[-1].ahead == each.ahead  # "a fortnight later, on the 24th"
        if not again and rank_of(sentence, each, language) >= _LEAST_RANK:
            row.append(each)
    sums = sums_in(sentence, language)
    if len(row) < 2 or not any(each.ahead == mention.ahead for each in row) or not sums:
        return None
    ends = [0, *(each.end for each in row)]
    starts = [*(each.start for each in row), len(sentence.folded)]

    def each_has(spans: Iterable[tuple[int, int]]) -> bool:
        return all(any(start <= at < end for at in sums) for start, end in spans)

    days = [each.ahead for each in row if each.ahead]
    beside = each_has(zip(ends[:-1], starts[:-1], strict=True)) or each_has(zip(ends[1:], starts[1:], strict=True))
    return days[0] if beside and days == sorted(days) else None


def _before_the_rest(chosen: tuple[Sentence, DateMention], language: str) -> date | None:
    """The day of the first part where the chosen one is that of the rest or of another: "one on Friday, the other on
    the 23rd"; None where nothing says so.
    """
    sentence, mention = chosen
    earlier = [each for each in _coming(sentence, language) if each.end <= mention.start]
    least = max(0, rank_of(sentence, mention, language))
    first = next((each for each in earlier if rank_of(sentence, each, language) >= least), None)
    if first is None or not first.ahead or not mention.ahead or first.ahead >= mention.ahead:
        return None
    last = clause_around(sentence, mention.start, mention.end, language)[1]
    said = words(sentence.folded[first.end : last])
    return first.ahead if _wording(language).another.find(list(said)) else None


def _last(best: Sequence[tuple[Sentence, DateMention]], language: str) -> date | None:
    """The last of these dates; of instalments that are joined to it ("on 15 April and 15 May", "16 December, 16 January
    and 17 February") the first.
    """
    at = len(best) - 1
    joined = [best[at][1].ahead]
    while at and best[at - 1][0] is best[at][0]:
        between = words(best[at][0].folded[best[at - 1][1].end : best[at][1].start])
        is_row = len(joined) > 1 and not between
        if not is_row and (not between or tuple(word.folded for word in between) not in _wording(language).joins):
            break
        at -= 1
        joined.append(best[at][1].ahead)
    return min(day for day in joined if day)


def _ranks(found: Sequence[tuple[Sentence, DateMention]], language: str) -> list[int]:
    """Of each date; one that directly follows another says the same more closely ("next Friday, the 5th of June") or is
    joined to it.
    """
    ranks: list[int] = []
    for at, (sentence, mention) in enumerate(found):
        rank = rank_of(sentence, mention, language)
        before = found[at - 1] if at else None
        if before and before[0] is sentence:
            between = tuple(word.folded for word in words(sentence.folded[before[1].end : mention.start]))
            another = mention.family in ("relative_day", "day_part")  # "goes out on Monday, today it's too late"
            another = another or (_is_in_brackets(sentence, mention) and not _closes(sentence, mention))
            if not another and between in _wording(language).namely | _wording(language).joins:
                rank = max(rank, ranks[-1])
        ranks.append(rank)
    return ranks


#: A date whose clause is a condition and speaks of no payment is no promise's.
_LEAST_RANK = -1


def rank_of(sentence: Sentence, mention: DateMention, language: str) -> int:
    """How much the clause around a date speaks of paying on it."""
    said = topics(sentence, mention.start, mention.end, language)
    terms = mention.family == "days_end_of_month"  # "our terms are 45 days end of month, so the 30th"
    is_done = "done" in said and "coming" not in said  # "will be transferred"
    against = 3 * ("condition" in said) + ("event" in said) + 4 * ("refusal" in said) + 3 * is_done + terms
    is_aside = _is_in_brackets(sentence, mention) or ("pay" not in said and _is_reason(sentence, mention, language))
    return 2 * ("pay" in said) - against - is_aside


def _is_in_brackets(sentence: Sentence, mention: DateMention) -> bool:
    before = sentence.folded[: mention.start]
    return before.rfind("(") > before.rfind(")")


def _closes(sentence: Sentence, mention: DateMention) -> bool:
    """Whether nothing but the day stands in its brackets."""
    return sentence.folded[mention.end :].lstrip(" .")[:1] == ")"


def _is_reason(sentence: Sentence, mention: DateMention, language: str) -> bool:
    """Whether a day stands right behind a word that gives a reason: "lunedì 17, che il 14 siamo in fiera"."""
    said = words(sentence.folded[: mention.start])
    return bool(said) and said[-1].folded in _wording(language).reasons


def paid_facts(spoken: Sequence[Spoken], language: str, invoices: Sequence[InvoiceRef]) -> PaidFacts:
    """Date, amount, method and reference of a payment that is said to have been made."""
    reporting = [each for each in spoken if each.paid >= SAID] or sorted(spoken, key=lambda each: -each.paid)[:1]
    on = next((day for each in reporting if (day := _day_of_payment(each.sentence, language))), None)
    if on is None:  # elsewhere only what can lie behind alone: the "Friday" of another sentence may be to come
        elsewhere = [each.sentence for each in spoken if each.promise < SAID]
        days = {day.behind for each in elsewhere for day in _past(each, language) if day.ahead is None}
        on = days.pop() if len(days) == 1 else None
    amounts = {amount.amount for each in reporting for amount in each.sentence.amounts}
    amount = amounts.pop() if len(amounts) == 1 else None
    sentences = [each.sentence for each in reporting] + [each.sentence for each in spoken if each not in reporting]
    method = next((found for each in sentences if (found := _method(each, language))), None)
    numbers = {_alnum(invoice.number) for invoice in invoices}
    reference = next((found for each in sentences if (found := _reference(each, language, numbers))), None)
    return PaidFacts(on, amount, method, reference)


def _coming(sentence: Sentence, language: str) -> list[DateMention]:
    return [
        mention for mention in sentence.dates
        if mention.ahead and mention.family != "nothing" and not is_of_document(sentence, mention, language)
        and not _is_replaced(sentence, mention, language) and not is_of_another_matter(sentence, mention, language)
    ]  # fmt: skip


def _past(sentence: Sentence, language: str) -> list[DateMention]:
    return [
        mention for mention in sentence.dates
        if mention.behind and not mention.vague and not is_of_document(sentence, mention, language)
    ]  # fmt: skip


def _day_of_payment(sentence: Sentence, language: str) -> date | None:
    """Of the past days of a sentence that reports a payment the one whose clause speaks most of one, else the first."""

    def speaks(mention: DateMention) -> float:
        said = topics(sentence, mention.start, mention.end, language)
        against = ("coming" in said and "done" not in said) + ("event" in said) / 2 + ("contested" in said)
        return bool(said & {"pay", "done"}) - against

    days = _past(sentence, language)
    return max(days, key=speaks).behind if days else None


def _is_replaced(sentence: Sentence, mention: DateMention, language: str) -> bool:
    """Whether the date is the one that another takes the place of: "on 10 April instead of 31 March"."""
    found = words(sentence.folded[: mention.start])
    hits = _wording(language).instead.find(found)
    return any(hit.after == len(found) for hit in hits)


def is_of_document(sentence: Sentence, mention: DateMention, language: str) -> bool:
    """Whether the date is that of an invoice, mail or order: "votre mail du 12", "invoice dated 3 March"."""
    wording = _wording(language)
    before = [word.folded for word in words(sentence.folded[: mention.start])][-4:]
    inside = [word.folded for word in words(sentence.folded[mention.start : mention.end])][:1]
    if inside and inside[0] in wording.genitive:
        return any(word in wording.documents for word in before[-3:])
    return bool(before) and before[-1] in wording.genitive and any(word in wording.documents for word in before[:-1])


_TOKEN = re.compile(r"[\s:.°#=()]{0,6}(?P<token>[a-z0-9][a-z0-9/._-]{2,34}[a-z0-9])")


def _reference(sentence: Sentence, language: str, invoice_numbers: set[str]) -> str | None:
    """The token with a digit that follows a word for a reference, unless it is an invoice's number."""
    wording = _wording(language)
    found = words(sentence.folded)
    for hit in wording.references.find(found):
        after = found[hit.after - 1].end
        match = _TOKEN.match(sentence.folded, after)
        if match and any(char.isdigit() for char in match["token"]):
            token = sentence.text[match.start("token") : match.end("token")]
            spans = [(each.start, each.end) for each in sentence.dates]
            spans += [(each.start, each.end) for each in sentence.amounts]
            in_fact = any(start < match.end("token") and end > match.start("token") for start, end in spans)
            if _alnum(token) not in invoice_numbers and not in_fact:
                return token
    return None


def _method(sentence: Sentence, language: str) -> str | None:
    hits = _wording(language).methods.find(words(sentence.folded))
    return hits[0].name if hits else None


def _alnum(text: str) -> str:
    return "".join(char for char in fold(text) if char.isalnum())


@dataclass(frozen=True, slots=True)
class _Wording:
    documents: frozenset[str]
    genitive: frozenset[str]
    references: Phrases
    methods: Phrases
    instead: Phrases
    another: Phrases
    reasons: frozenset[str]
    joins: frozenset[tuple[str, ...]]
    namely: frozenset[tuple[str, ...]]


@cache
def _wording(language: str) -> _Wording:
    raw = read_wordings("facts", language)
    return _Wording(
        frozenset(fold(each) for each in raw["documents"]),
        frozenset(fold(each) for each in raw["genitive"]),
        Phrases({"reference": raw["reference"]}),
        Phrases(raw["methods"]),
        Phrases({"instead": raw["instead"]}),
        Phrases({"another": raw["another"]}),
        frozenset(fold(each) for each in raw["reasons"]),
        frozenset(tuple(word.folded for word in words(fold(each))) for each in raw["joins"]),
        frozenset(tuple(word.folded for word in words(fold(each))) for each in ("", *raw["namely"])),
    )
