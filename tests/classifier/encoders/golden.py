"""Write anew what the tuned network makes of a few sentences: `python -m tests.classifier.encoders.golden`.

It changes with the network or its adapters only, and a trained model must then be trained again: read the difference
before it is committed.
"""

from __future__ import annotations

import json
from pathlib import Path

from classifier.encoders.tuned import Tuned

GOLDEN = Path(__file__).parent / "golden.json"

SENTENCES = [
    "Le virement partira vendredi prochain, désolé pour le retard.",
    "We dispute invoice F26/118: only 10 of the 12 boxes arrived.",
    "Die Überweisung ist heute raus – „Danke“ für Ihre Geduld…",
    "¿Me puede enviar otra vez la factura de marzo?",
    "Non siamo noi il debitore, scrivete al curatore.",
    "We betalen de openstaande factuur uiterlijk vrijdag.",
    "ok 👍",
]


def heard(tuned: Tuned) -> list[dict[str, list[float]]]:
    """For each sentence the log-odds of the intents, as primary and as said."""
    return [
        {"as_primary": [round(float(each), 4) for each in one.as_primary],
         "said": [round(float(each), 4) for each in one.said]}
        for one in tuned.hear([[sentence] for sentence in SENTENCES])
    ]  # fmt: skip


if __name__ == "__main__":
    GOLDEN.write_text(json.dumps(heard(Tuned()), indent=1) + "\n", "utf-8")
