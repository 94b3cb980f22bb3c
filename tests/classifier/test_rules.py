"""Rules ahead of the model: for each language a wording that trips the rule and a near one that does not."""

from __future__ import annotations

from datetime import date

import pytest

from classifier.preprocess import prepare
from classifier.rules import match_rules

TRIPS = [
    ("Notre société est en liquidation judiciaire depuis le 3 mars.", "insolvency"),
    ("Merci de déclarer votre créance auprès du mandataire judiciaire.", "insolvency"),
    ("We are now in administration; please file a proof of debt.", "insolvency"),
    ("Wir haben Insolvenz angemeldet.", "insolvency"),
    ("La empresa está en concurso de acreedores.", "insolvency"),
    ("La società è in liquidazione.", "insolvency"),
    ("Het bedrijf is failliet verklaard.", "insolvency"),
    ("Désormais adressez-vous à notre avocat.", "legal"),
    ("Any further contact goes through our solicitors.", "legal"),
    ("Unser Rechtsanwalt meldet sich.", "legal"),
    ("Hable con nuestro abogado.", "legal"),
    ("Parlate con il nostro avvocato.", "legal"),
    ("Wij geven dit aan onze advocaat.", "legal"),
    ("Je souhaite ne plus recevoir vos messages.", "unsubscribe"),
    ("Please remove me from this list.", "unsubscribe"),
    ("Bitte nehmen Sie uns aus dem Verteiler.", "unsubscribe"),
    ("Quiero darme de baja.", "unsubscribe"),
    ("Non voglio ricevere altre mail.", "unsubscribe"),
    ("Graag uitschrijven.", "unsubscribe"),
    ("Pouvez-vous m'envoyer votre RIB ?", "bank_details"),
    ("Have you changed your bank details?", "bank_details"),
    ("Wie lautet Ihre Bankverbindung?", "bank_details"),
    ("¿Cuál es su IBAN?", "bank_details"),
    ("Mi mandi le coordinate bancarie.", "bank_details"),
    ("Wat is uw rekeningnummer?", "bank_details"),
]

PASSES = [
    "Le virement est parti ce matin.",
    "Pas besoin d'un avocat pour cela.",
    "Le délai court jusqu'au 12 juin.",
    "We will pay on Friday, no lawyer needed.",
    "Wir zahlen am Freitag.",
    "Pagaremos el viernes.",
    "Paghiamo venerdì.",
    "Wij betalen vrijdag.",
]


@pytest.mark.parametrize(("text", "rule"), TRIPS)
def test_a_plain_wording_trips_its_rule(text: str, rule: str) -> None:
    prepared = prepare(text, date(2026, 3, 11))
    assert [hit.rule for hit in match_rules(prepared.sentences, prepared.language)][:1] == [rule]


@pytest.mark.parametrize("text", PASSES)
def test_an_ordinary_or_negated_wording_trips_none(text: str) -> None:
    prepared = prepare(text, date(2026, 3, 11))
    assert match_rules(prepared.sentences, prepared.language) == []


def test_the_hit_shows_the_words_as_written() -> None:
    prepared = prepare("Bonjour,\nNous sommes en REDRESSEMENT JUDICIAIRE.", date(2026, 3, 11))
    (hit,) = match_rules(prepared.sentences, prepared.language)
    assert hit.words == "REDRESSEMENT JUDICIAIRE"
