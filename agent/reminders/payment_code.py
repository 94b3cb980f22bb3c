"""The QR code that a banking app reads: EPC069-12, version 002, SEPA credit transfer. Pure."""

from __future__ import annotations

import io
from decimal import Decimal

import segno

MOST = Decimal("999999999.99")
_NAME, _TEXT = 70, 140
_QUIET = 4  # modules of white around it (ISO/IEC 18004)


def payment_code(payee: str, iban: str, bic: str, amount: Decimal, remittance: str) -> str:
    r"""The lines that the code holds, in UTF-8; the amount is in euros, the only currency of SEPA.

    Args:
        payee: who gets the money; cut to 70 characters.
        iban: its account, without spaces.
        bic: its bank; may be empty within the European Economic Area (version 002).
        amount: from 0.01 to 999,999,999.99.
        remittance: unstructured text for the payee's statement; cut to 140 characters.

    Raises:
        ValueError: the amount is out of bounds.

    >>> payment_code("A", "DE89370400440532013000", "", Decimal("12.5"), "FA-1").splitlines()[-1]
    'FA-1'
    """
    if not Decimal("0.01") <= amount <= MOST or amount != amount.quantize(Decimal("0.01")):
        raise ValueError(f"{amount} can't be paid by such a code")
    figure = f"EUR{amount.quantize(Decimal('0.01'))}"
    lines = ["BCD", "002", "1", "SCT", bic, payee[:_NAME], iban.replace(" ", ""), figure, "", "", remittance[:_TEXT]]
    return "\n".join(lines)


def as_png(code: str, scale: int = 4) -> bytes:
    """The code as a picture with its quiet zone; error correction M and at most version 13, as the guideline asks.

    Raises:
        ValueError: the text is too long for such a code.
    """
    made = segno.make(code, error="m", encoding="utf-8", micro=False, boost_error=False)
    if isinstance(made.version, int) and made.version > 13:
        raise ValueError("the text is too long for a payment code")
    out = io.BytesIO()
    made.save(out, kind="png", scale=scale, border=_QUIET)
    return out.getvalue()
