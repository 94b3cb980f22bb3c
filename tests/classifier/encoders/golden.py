"""Write the golden vectors anew: `python -m tests.classifier.encoders.golden`.

The first numbers of the vectors that the default encoder gives a few sentences, and what the tuned network makes of
them. They change with the encoder only, and
a trained model must then be trained again: read the difference before it is committed.
"""

from __future__ import annotations

import json
from pathlib import Path

from classifier.encoders.find import default_encoder
from classifier.encoders.tuned import Tuned
from classifier.encoders.values import Encoder, Part, Vectors32

GOLDEN = Path(__file__).parent / "golden.json"
TUNED = Path(__file__).parent / "golden_tuned.json"
NUMBERS = 24

SENTENCES = [
    "Le virement partira vendredi prochain, désolé pour le retard.",
    "We dispute invoice F26/118: only 10 of the 12 boxes arrived.",
    "Die Überweisung ist heute raus – „Danke“ für Ihre Geduld…",
    "¿Me puede enviar otra vez la factura de marzo?",
    "Non siamo noi il debitore, scrivete al curatore.",
    "We betalen de openstaande factuur uiterlijk vrijdag.",
    "ok 👍",
]


def numbers(encoder: Encoder) -> list[dict[str, list[float]]]:
    """For each sentence, by network, the first numbers of its vector within a message of its own."""
    whole = encoder.encode([[sentence] for sentence in SENTENCES]).whole
    return [
        {part.name: [round(float(each), 5) for each in own[:NUMBERS]] for part, own in _parts(encoder, row)}
        for row in whole
    ]


def heard(tuned: Tuned) -> list[dict[str, list[float]]]:
    """For each sentence the log-odds of the intents, as primary and as said."""
    return [
        {"as_primary": [round(float(each), 4) for each in one.as_primary],
         "said": [round(float(each), 4) for each in one.said]}
        for one in tuned.hear([[sentence] for sentence in SENTENCES])
    ]  # fmt: skip


def _parts(encoder: Encoder, row: Vectors32) -> list[tuple[Part, Vectors32]]:
    found, at = [], 0
    for part in encoder.identity.parts:
        found.append((part, row[at : at + part.size]))
        at += part.size
    return found


if __name__ == "__main__":
    TUNED.write_text(json.dumps(heard(Tuned()), indent=1) + "\n", "utf-8")
    GOLDEN.write_text(json.dumps(numbers(default_encoder()), indent=1, ensure_ascii=False) + "\n", "utf-8")
