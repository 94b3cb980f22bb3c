"""Numbers as customers write them, bank details, and the language."""

import pytest

from agent.inbound.facts import is_payment_proof, mentions_iban, read_numbers
from agent.inbound.language import guess_language


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("Votre facture FA-2026-0312 du 12/03/2026", ("FA-2026-0312",)),
        ("facture n° 771 et la 772", ("771", "772")),
        ("Ihre Rechnung Nr. 5521 und RE 5522", ("5521", "RE 5522")),
        ("Invoices INV-20418, F26/118 and 2026-03-771", ("INV-20418", "F26/118", "2026-03-771")),
        ("FA 2026-0312", ("FA 2026-0312",)),
        ("1 240,00 EUR le 12/03/2026 à 09:12, soit 300.00", ()),
        ("Nous avons versé 1 240 €, puis 3 000 EUR et 310€ sur la 771", ("771",)),
        ("Wir haben 1.240 € und EUR 310 überwiesen", ()),
        ("paid $1,240 and £300.50 and EUR1240.00", ()),
        ("Appelez-moi au 06.12.34.56.78, 06 12 34 56 78 ou +33 4 78 00 00 00", ()),
        ("see https://portal.example/inv/12345?x=99 and www.portal.example/4711", ()),
        ("Réf. FA-2026-0312/FA-2026-0313 et 2026/0314", ("FA-2026-0312", "FA-2026-0313", "2026/0314")),
        ("N°771, N° 772 et INVOICE 773, FACT 774, Nr. 775", ("771", "772", "773", "774", "775")),
        ("4711/4712 und F26-118/119", ("4711", "4712", "F26-118", "119")),
        ("RE-2026/0312, 0312/2026 und 2026/0313", ("RE-2026/0312", "0312/2026", "2026/0313")),
        ("771, IBAN FR76 3000 6000 0112 3456 7890 189, DE89370400440532013000", ("771",)),
        ("płatność za FV 12/03/2026 z 12.03.2026", ("FV 12/03/2026",)),
        ("faktura nr 7/03/2026, n° 03/2026, Rechnung Nr. 12-03-26", ("7/03/2026", "03/2026", "12-03-26")),
        ("facture 12/03/2026, DU 12/03/2026, ON 12/03/2026, VOM 12/03/2026", ()),
        ("fattura n.771, F26‑118", ("771", "F26-118")),
        ("771-772, 1711-1712, 2026-0312", ("771-772", "771", "772", "1711-1712", "1711", "1712", "2026-0312")),
        ("100 %, 100%, 300,- und 300.-, 1.250,-", ()),
        ("Tel. 0612345678, phone: (020) 7946 0000, Fax 030/1234567", ()),
        ("SIRET 123 456 789 00012, VAT DE123456789, P.IVA 01234567890, BTW-nummer NL123456789", ()),
        ("call 14h30, write to anna2026@customer.example", ()),
        ("", ()),
    ],
)
def test_numbers_are_found_and_dates_and_amounts_are_not(text: str, numbers: tuple[str, ...]) -> None:
    assert read_numbers([text]) == numbers


def test_no_more_than_fifty_numbers() -> None:
    assert len(read_numbers([" ".join(f"INV-{n}" for n in range(1_000, 2_000))])) == 50


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("IBAN FR76 3000 6000 0112 3456 7890 180", True),
        ("FR7630006000011234567890180", True),
        ("Pouvez-vous nous envoyer votre RIB ?", True),
        ("our bank details have changed", True),
        ("sort code 20-00-00, account number 55779911", True),
        ("Ons rekeningnummer is gewijzigd", True),
        ("veuillez noter notre nouveau numéro de compte", True),
        ("Konto DE89-3704-0044-0532-0130-00", True),
        ("fr76 3000 6000 0112 3456 7890 189", True),
        ("nos coordonnees bancaires ont change", True),
        ("Unsere Kontoverbindung hat sich geändert", True),
        ("please note our new bank account", True),
        ("los datos de la cuenta", True),
        ("invoice INV-20418 was paid", False),
        ("invoices FA26-0118-0119-0120 were debited from our bank account", False),
    ],
)
def test_bank_details_are_noticed(text: str, named: bool) -> None:
    assert mentions_iban(text) is named


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Le virement est parti ce matin.", "fr"),
        ("The transfer went out this morning, thank you.", "en"),
        ("Die Rechnung wurde gestern überwiesen.", "de"),
        ("El pago de la factura ya está hecho, gracias.", "es"),
        ("Il bonifico è stato fatto ieri, grazie.", "it"),
        ("De factuur wordt morgen betaald, bedankt.", "nl"),
        ("Счёт оплачен вчера.", "ru"),
        ("OK", "und"),
        ("", "und"),
    ],
)
def test_languages(text: str, language: str) -> None:
    assert guess_language(text) == language


@pytest.mark.parametrize(
    ("names", "is_proof"),
    [
        (
            [
                "Détail du règlement.xlsx",
                "VIR SEPA 0312.pdf",
                "lettre-cheque.pdf",
                "releve virement.pdf",
                "Remit.pdf",
                "paymentslip.jpg",
                "cheque copy.pdf",
                "swift.pdf",
                "Avis_0312.pdf",
                "Avise.pdf",
                "ZahlungAvis.pdf",
                "Quittung Zahlung.pdf",
                "resguardo.pdf",
                "comprobante.pdf",
                "justificante_bancario.pdf",
                "Pago F26-118.pdf",
                "detalle de pago.pdf",
                "carta de pago.pdf",
                "prova pagamento.pdf",
                "Quietanza.pdf",
                "Distinta bonifici.pdf",
                "mandato di pagamento.pdf",
                "Overschrijving 0312.pdf",
                "bankafschrift maart.pdf",
                "Bevestiging betaling.pdf",
                "overboeking.pdf",
                "betaling F26-118.pdf",
            ],
            True,
        ),
        (
            [
                "payment terms.pdf",
                "rappel de paiement.pdf",
                "Zahlungserinnerung.pdf",
                "recordatorio de pago.pdf",
                "sollecito di pagamento.pdf",
                "betalingsherinnering.pdf",
                "demande de paiement.pdf",
                "mandat SEPA.pdf",
                "avis client.pdf",
                "pop-up store.pdf",
                "swift code.pdf",
                "comprobante fiscal.pdf",
                "Zahlungsplan.pdf",
            ],
            False,
        ),
    ],
)
def test_proofs_of_payment_are_known_by_their_names(names: list[str], is_proof: bool) -> None:
    assert [name for name in names if is_payment_proof(name) is not is_proof] == []
