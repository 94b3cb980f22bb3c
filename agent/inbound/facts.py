"""Facts that stand in a text as such: tokens written like invoice numbers, whether bank details are named, and which
attachment is named like a proof of payment.

What a number refers to is not decided here; the caller compares with the customer's own invoices.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from agent.inbound import wordings

MAX_NUMBERS = 50
#: characters of text that are searched
MAX_TEXT = 50_000

_TOKEN = re.compile(r"(?<![\w@.])[A-Za-z0-9]{1,12}(?:[-/_.][A-Za-z0-9]{1,12}){0,5}(?![\w@]|[,.]\d)")
#: "FA 2026-0312", "RE 5521", "Nr. 771": a short prefix or a word of invoicing before the digits
_SPACED = re.compile(
    r"(?<!\w)(?P<prefix>(?-i:[A-Z]{1,4})|n[°ºo]|n(?=\.)|nr|no|num(?:éro|ero|mer)?|invoices?|inv|factures?|fact|rechnung(?:en)?|rg|fattur[ae]|facturas?|"
    r"factuur|facturen|bill|rechnungsnummer|#)\s?[.:°#]?\s{0,2}(?P<digits>\d[\w/-]{1,18})(?!\w)",
    re.I,
)
_DATE = re.compile(r"\d{1,2}[-/.]\d{1,2}([-/.](\d{2}|\d{4}))?|(19|20)\d\d[-/.]\d{1,2}[-/.]\d{1,2}|(19|20)\d\d")
_AMOUNT_OR_TIME = re.compile(r"\d{1,3}([.,]\d{3})*[.,]\d{2}|\d{1,2}[h:]\d{2}|\d{1,2}h")
_IBAN = re.compile(r"\b[A-Z]{2}\s?\d{2}(?:\s?[A-Z0-9]{2,4}){3,8}\b")
_IBAN_WORD = re.compile(
    r"(?i)\b(iban|rib|bic|swift|bankverbindung|kontoverbindung|kontonummer|kontodaten|bankdaten|bank ?details|"
    r"coordonn[ée]es bancaires|num[ée]ro de compte|(nouveau|chang\w+ de|autre) compte bancaire|"
    r"banking details|sort code|routing number|account (number|no|details)|"
    r"(new|chang\w+|different|updated|other) (our |your )?bank( account)?|"
    r"coordinate bancarie|numero di conto|nuov[oa] (conto|banca)|"
    r"datos (bancarios|de (la|su|nuestra) cuenta)|n[úu]mero de cuenta|nuev[oa] cuenta|"
    r"rekeningnummer|bankgegevens|nieuwe? (bank|bankrekening|rekening))\b"
)
_CURRENCY = r"(?:€|\$|£|(?:eur|euros?|usd|gbp|chf)(?![a-z]))"
_SUM = r"\d{1,3}(?:[ .,'’\u00a0\u202f]\d{3}){1,4}(?:[.,]\d{1,2})?|\d+(?:[.,]\d{1,2})?"
_REGISTERED = r"siret|siren|tva|vat|ust-?id(?:-?nr)?|p\.?\s?iva|partita iva|btw(?:-?nummer)?|kvk|nif|cif"
#: what holds digits that name no invoice: amounts with their currency, shares, addresses of pages, telephone numbers,
#: what a firm is registered under
_OTHER = re.compile(
    rf"https?://\S+|\bwww\.\S+|{_CURRENCY}\s?(?:{_SUM})(?!\w)|(?<![\w.,/-])(?:{_SUM})\s?(?:{_CURRENCY}|%|[.,]-)|"
    rf"\b(?:{_REGISTERED})\b\W{{0,3}}(?:n\S{{0,2}}\s)?[A-Z]{{0,2}}\d[\d .]{{6,20}}\d(?!\w)|"
    r"\b(?:t[ée]l|phone|telefono?|telefoon|fax|mob(?:ile)?|gsm)\b[.:]{0,2}\s*\(?\d(?:[ ()./-]{0,2}\d){7,13}(?!\w)|"
    r"(?<![\w.+])\+\d[\d ().-]{7,18}\d(?!\w)|(?<![\w.-])0\d(?:[ .]\d\d){4}(?![\w.])",
    re.I,
)


#: programs put these in place of the one that is typed, so that a line does not end there
_HYPHENS = str.maketrans("\u2010\u2011\u2212", "---")


def read_numbers(texts: Iterable[str]) -> tuple[str, ...]:
    """Tokens with digits that may be invoice numbers, as written, in order of appearance, no more than `MAX_NUMBERS`.

    >>> read_numbers(["Votre facture FA 2026-0312 du 12/03/2026, et la n° 771 (1 240,00 EUR)"])
    ('FA 2026-0312', '771')
    """
    found: dict[str, None] = {}
    for whole in texts:
        if not _DIGIT.search(whole):
            continue
        bare = _without_ibans(whole[:MAX_TEXT].translate(_HYPHENS))
        text = _OTHER.sub(_blank, bare)
        hits: list[tuple[int, str]] = []
        for match in _SPACED.finditer(text):
            is_date = _DATE.fullmatch(match["digits"]) and not _YEAR.fullmatch(match["digits"])
            if is_date and not _is_numbered(match["prefix"]):
                continue
            hits.append((match.start(), match[0] if _is_code(match["prefix"]) else match["digits"]))
        rest = _SPACED.sub(_blank, text)
        hits += [(match.start(), match[0]) for match in _TOKEN.finditer(rest) if _is_number(match[0])]
        found.update(dict.fromkeys(token for _, written in sorted(hits) for token in _apart(written)))
    return tuple(found)[:MAX_NUMBERS]


_DIGIT = re.compile(r"\d")


def _blank(match: re.Match[str]) -> str:
    return " " * len(match[0])


#: words of invoicing, which belong to no number where they are written in capitals
_WORDS = frozenset({"bill", "fact", "inv", "n", "no", "nr", "num", "rg"})


def _is_code(prefix: str) -> bool:
    """Whether "FA" of "FA 2026-0312" is part of the number, as "INVOICE", "NR" and "N°" are not."""
    return re.fullmatch(r"[A-Z]{1,4}", prefix) is not None and prefix.lower() not in _WORDS


#: words that say a number follows, whatever it looks like, and those before dates in a text of capitals
_NUMBER_WORDS = frozenset({"#", "n", "no", "nr", "num", "numer", "numero", "numéro", "n°", "nº"})
_DATE_WORDS = frozenset(
    "al am as at au bis dal das del den der des die du el end fin for il la le les mit of on op per the to um van vom "
    "von".split()
)


def _is_numbered(prefix: str) -> bool:
    """Whether "12/03/2026" behind the prefix is a number like "FV 12/03/2026", month and year included, and no date.

    Whether it is one is decided by the customer's invoices.
    """
    if prefix.lower() in _NUMBER_WORDS:
        return True
    return len(prefix) > 1 and _is_code(prefix) and prefix.lower() not in _DATE_WORDS


_YEAR = re.compile(r"(19|20)\d\d")


def _apart(token: str) -> list[str]:
    """Part "FA-0312/FA-0313", "4711/4712" and "FA-0312/0313": parts of one shape are numbers, and so are digits that
    replace the last ones of the part before; "2026/0312" and "0312/2026" are one. "771-772" may be either.
    """
    if _TWO_OR_ONE.fullmatch(token) and not any(_YEAR.fullmatch(part) for part in token.split("-")):
        return [token, *token.split("-")]
    first, *rest = parts = token.split("/")
    digits = re.search(r"\d{3,}$", first)
    if not rest or digits is None or any(_YEAR.fullmatch(part) for part in (digits[0], *rest)):
        return [token]
    shapes = {re.sub(r"[A-Za-z]", "a", re.sub(r"\d", "9", part)) for part in parts}
    is_tail = all(part.isdigit() and len(part) == len(digits[0]) for part in rest)
    return parts if len(shapes) == 1 or is_tail else [token]


_TWO_OR_ONE = re.compile(r"\d{3}-\d{3}|\d{4}-\d{4}|\d{5}-\d{5}|\d{6}-\d{6}")


def _is_number(token: str) -> bool:
    digits = sum(char.isdigit() for char in token)
    if digits < 3 or _AMOUNT_OR_TIME.fullmatch(token) or _IBAN.fullmatch(token):
        return False
    return not _DATE.fullmatch(token) and len(token) <= 30


_WRITTEN_IBAN = re.compile(r"\b[a-z]{2}\d\d(?:[ .-]?[a-z0-9]{4}){2,7}(?:[ .-]?[a-z0-9]{1,3})?\b", re.I)


def _is_iban(text: str) -> bool:
    """Whether the check digits are right (ISO 13616): no invoice number comes that far by chance."""
    letters = re.sub(r"[ .-]", "", text).upper()
    return len(letters) >= 15 and int("".join(str(int(char, 36)) for char in letters[4:] + letters[:4])) % 97 == 1


def _without_ibans(text: str) -> str:
    return _WRITTEN_IBAN.sub(lambda match: _blank(match) if _is_iban(match[0]) else match[0], text)


def mentions_iban(text: str) -> bool:
    """Whether the text names bank details: always a person's matter. The details themselves are never returned."""
    text = text[:MAX_TEXT]
    return (
        _IBAN_WORD.search(text) is not None
        or any(sum(c.isdigit() for c in m[0]) >= 10 for m in _IBAN.finditer(text))
        or any(_is_iban(m[0]) for m in _WRITTEN_IBAN.finditer(text))
    )


def is_payment_proof(filename: str) -> bool:
    """Whether a file is named like a remittance advice or a proof of payment. What is in it is not read.

    >>> is_payment_proof("Avis_de_virement-0312.pdf"), is_payment_proof("RIB.pdf")
    (True, False)
    """
    name = re.sub(r"[\W_]+", " ", wordings.fold(filename).lower())
    parted = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", wordings.fold(filename))
    names = wordings.pattern("payment_proofs", "names")
    return bool(names.search(name) or names.search(re.sub(r"[\W_]+", " ", parted).lower()))
