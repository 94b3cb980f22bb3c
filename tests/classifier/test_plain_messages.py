"""Plainly worded replies through the default trained model: most are acted on, rightly; vague ones wait for a person.

The messages were written for this test; training has never seen them.
"""

from __future__ import annotations

from datetime import date

import pytest

from classifier.trained import Classifier
from classifier.values import Prediction, Reply
from tests.classifier.builders import invoice, reply

pytestmark = pytest.mark.slow

_FR = "Bonjour,\n\n{}\n\nCordialement,\nNadia Perret\nComptabilité fournisseurs\nPerret Emballages SAS\n"
_EN = "Hello,\n\n{}\n\nKind regards,\nMark Ellison\nAccounts Payable\nEllison Fabrics Ltd\n"

PAID = [
    (_FR, "Le virement de la facture FA-2026-0312 a été effectué ce matin."),
    (_FR, "Cette facture a été réglée par virement le 4 mars."),
    (_FR, "Nous avons payé cette facture la semaine dernière, merci de vérifier votre compte."),
    (_FR, "Le chèque est parti hier par courrier."),
    (_FR, "Votre facture est déjà réglée depuis le 2 mars, voir la preuve de virement en pièce jointe."),
    (_FR, "Le règlement a été fait lundi, vous devriez le recevoir aujourd'hui."),
    (_FR, "J'ai payé par carte bancaire hier soir."),
    (_EN, "Invoice FA-2026-0312 was paid by bank transfer on 4 March."),
    (_EN, "We paid this yesterday, please check your account."),
    (_EN, "The payment went out this morning."),
    (_EN, "This has already been settled, please see the remittance attached."),
    (_EN, "The cheque was posted on Monday."),
    (_EN, "Payment was made last week by BACS."),
]

PROMISES = [
    (_FR, "Nous vous réglerons cette facture vendredi.", date(2026, 3, 13)),
    (_FR, "Le virement sera effectué le 20 mars.", date(2026, 3, 20)),
    (_FR, "Le paiement partira la semaine prochaine.", date(2026, 3, 20)),
    (_FR, "Nous procéderons au règlement d'ici la fin du mois.", date(2026, 3, 31)),
    (_FR, "La facture sera payée le 25/03.", date(2026, 3, 25)),
    (_FR, "Je vous fais le virement demain.", date(2026, 3, 12)),
    (_FR, "Le règlement est prévu pour le 31 mars.", date(2026, 3, 31)),
    (_EN, "We will pay this invoice on Friday.", date(2026, 3, 13)),
    (_EN, "Payment will be made on 20 March.", date(2026, 3, 20)),
    (_EN, "This is scheduled for payment next week.", date(2026, 3, 20)),
    (_EN, "You will receive the payment by the end of the month.", date(2026, 3, 31)),
    (_EN, "I will transfer the money tomorrow.", date(2026, 3, 12)),
    (_EN, "It will be in our payment run on 25 March.", date(2026, 3, 25)),
]

DISPUTES = [
    (_FR, "Nous contestons cette facture : le prix ne correspond pas au devis."),
    (_FR, "La marchandise n'a jamais été livrée, nous ne paierons pas cette facture."),
    (_FR, "Cette facture fait double emploi avec la FA-2026-0290, merci de l'annuler."),
    (_FR, "Nous refusons de payer : les pièces reçues sont défectueuses."),
    (_FR, "La quantité facturée est fausse, nous avons reçu 10 cartons et non 12. Merci de corriger."),
    (_FR, "Nous attendons toujours l'avoir promis, la facture reste bloquée."),
    (_FR, "Il manque notre numéro de commande sur la facture, notre système la rejette."),
    (_EN, "We dispute this invoice: the price is not what we agreed."),
    (_EN, "The goods were never delivered, so we will not pay this invoice."),
    (_EN, "This is a duplicate of invoice FA-2026-0290, please cancel it."),
    (_EN, "The parts were faulty and have been returned. We are not paying for them."),
    (_EN, "You have charged us for 12 boxes but we only received 10. Please send a credit note."),
    (_EN, "There is no purchase order number on it, so our system rejects it. Please reissue."),
    (_EN, "The quantity is wrong, please correct the invoice."),
]

VAGUE = [
    (_FR, "Nous allons voir ce que nous pouvons faire."),
    (_FR, "Je transmets à ma collègue, elle reviendra vers vous."),
    (_FR, "Dès que possible."),
    (_FR, "Nous ferons le nécessaire."),
    (_FR, "Pouvez-vous me renvoyer la facture ?"),
    (_FR, "Notre avocat prendra contact avec vous."),
    (_EN, "I will look into it and come back to you."),
    (_EN, "Soon."),
    (_EN, "We will pay when we can."),
    (_EN, "Please send us your bank details."),
]


def test_most_plain_messages_are_automatic_and_right(default_model: Classifier) -> None:
    right = [
        *(_acted(said, "paid") for said in _predict(default_model, [(shape, text) for shape, text in PAID])),
        *(
            _acted(said, "promise") and said.promise_date == on
            for said, (_, _, on) in zip(_predict(default_model, [row[:2] for row in PROMISES]), PROMISES, strict=True)
        ),
        *(_acted(said, "dispute") for said in _predict(default_model, DISPUTES)),
    ]
    assert len(right) == 40
    assert sum(right) >= 28


@pytest.mark.parametrize("rows", [PAID, [row[:2] for row in PROMISES], DISPUTES], ids=["paid", "promise", "dispute"])
def test_more_than_half_of_each_intent_is_automatic(default_model: Classifier, rows: list[tuple[str, str]]) -> None:
    assert sum(said.automatic for said in _predict(default_model, rows)) > len(rows) / 2


def test_nothing_plain_is_acted_on_wrongly(default_model: Classifier) -> None:
    expected = [("paid", row) for row in PAID] + [("promise", row[:2]) for row in PROMISES]
    expected += [("dispute", row) for row in DISPUTES]
    said = _predict(default_model, [row for _, row in expected])
    wrong = [
        (each.primary, row[1]) for each, (intent, row) in zip(said, expected, strict=True)
        if each.automatic and each.primary != intent
    ]  # fmt: skip
    assert wrong == []


def test_vague_messages_wait_for_a_person(default_model: Classifier) -> None:
    assert [row[1] for row, said in zip(VAGUE, _predict(default_model, VAGUE), strict=True) if said.automatic] == []


def test_the_evidence_is_the_sentence_that_said_it(default_model: Classifier) -> None:
    (said,) = _predict(default_model, [(_FR, "Merci de votre patience. Le virement est parti ce matin.")])
    (evidence,) = [each for each in said.evidence if each.intent == "paid"]
    assert evidence.sentence == "Le virement est parti ce matin."
    assert any("virement" in word or "parti" in word for word in evidence.words)


def _acted(said: Prediction, intent: str) -> bool:
    return said.automatic and said.primary == intent


def _predict(model: Classifier, rows: list[tuple[str, str]]) -> list[Prediction]:
    replies: list[Reply] = [reply(shape.format(text), invoice(), name=text) for shape, text in rows]
    return model.predict(replies)
