"""A person's mail is a person's, whatever it speaks of; a machine is known by what only machines write."""

from datetime import UTC, date, datetime

import pytest

from agent.inbound.reading import read_message
from agent.inbound.values import BounceReason, Kind, Reading
from tests.builders import mail

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def read(headers: str, body: str) -> Reading:
    return read_message(f"{headers}\nContent-Type: text/plain; charset=utf-8\n\n{body}".encode(), None, NOW)


PERSON = "From: Anna <anna@customer.example>\n"


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ("Subject: Re: Relance F26-118", "Le virement est parti."),
        ("Subject: Absence de bon de commande", "La facture ne peut être payée."),
        ("Subject: Delivery problem - invoice 771", "The goods were not delivered, so we don't pay."),
        ("Subject: Problème de livraison", "La marchandise n'a pas été livrée."),
        ("Subject: Lieferung fehlgeschlagen", "Die Ware konnte nicht zugestellt werden."),
        ("Subject: Nous avons bien reçu votre relance", "Nous avons bien reçu votre message, le règlement suit."),
        ("Subject: Re: reminder", "I am out of the office until Monday, we pay on Tuesday."),
        ("Subject: Re: reminder", "Je suis en congés jusqu'au 12, le virement partira à mon retour."),
        ("Subject: Receipt: transfer of 12 March", "See attached."),
        ("Subject: Fwd: Undelivered Mail Returned to Sender", "Your last mail came back, is this address right?"),
        ("Subject: Re: Undelivered Mail Returned to Sender\nIn-Reply-To: <a@x.example>", "user unknown? Strange."),
        ("Subject: Retour de marchandise", "Retour à l'expéditeur : la marchandise est défectueuse."),
        ("Subject: Re: x\nAuto-Submitted: no", "Paid."),
        ("Subject: Re: x\nPrecedence: bulk", "Paid on Friday."),
        ("Subject: Re: x\nX-Auto-Response-Suppress: All", "Paid on Friday."),
        ("Subject: Fermeture annuelle", "Nous payons à la reprise."),
        ("Subject: out of office furniture invoice", "Wrong price."),
        ("Subject: Undelivered goods", "Your driver could not deliver, address not found. Please credit."),
        ("Subject: Re: x\nX-Auto-Response-Suppress: DR, RN, NRN", "I am out of the office but pay tonight."),
        (
            "Subject: RE: Automatic reply: Reminder\nIn-Reply-To: <a@x.example>",
            "Your colleague is away, we pay.",
        ),
        (
            "Subject: Re: x\nX-Auto-Response-Suppress: All",
            "Pendant mon absence, Anna a validé la facture. Merci.",
        ),
        ("Subject: Re: x\nX-Auto-Response-Suppress: All", "Während meiner Abwesenheit hat Anna gezahlt."),
        ("Subject: Re: x\nX-Auto-Response-Suppress: All", "Durante mi ausencia Anna pagó la factura."),
        ("Subject: Re: x\nX-Auto-Response-Suppress: All", "Durante la mia assenza Anna ha pagato."),
        ("Subject: Re: x\nX-Auto-Response-Suppress: All", "Tijdens mijn afwezigheid is de factuur betaald."),
        ("Subject: Re: x\nX-Auto-Response-Suppress: All", "Thank you for your email, we paid on Friday."),
        ("Subject: Re: x\nX-Auto-Response-Suppress: All", "Anna has left the company, I pay tomorrow."),
        ("Subject: Le bon de commande est absent", "Nous ne pouvons pas payer."),
        ("Subject: Die Ware ist nicht im Haus", "Wir zahlen nicht."),
    ],
)
def test_a_person_is_never_taken_for_a_machine(headers: str, body: str) -> None:
    assert read(PERSON + headers, body).kind is Kind.HUMAN


@pytest.mark.parametrize(
    "headers",
    [
        "Subject: x\nAuto-Submitted: auto-replied",
        "Subject: x\nAuto-Submitted: auto-generated (ticket)",
        "Subject: x\nX-Autoreply: yes",
        "Subject: x\nPrecedence: auto_reply",
        "Subject: Automatic reply: Reminder",
        "Subject: Réponse automatique : Relance",
        "Subject: Reponse automatique : Relance",
        "Subject: Automatische Antwort: Mahnung",
        "Subject: Abwesenheitsnotiz: Mahnung",
        "Subject: Respuesta automática: aviso",
        "Subject: Risposta automatica: sollecito",
        "Subject: Automatisch antwoord: herinnering",
        "Subject: Out of Office: Reminder",
        "Subject: Re: Out of office: Reminder",
        "Subject: Lu : Relance",
        "Subject: Gelesen: Mahnung",
        "Subject: Anna Berg is out of the office (returning 16/03/2026)",
        "Subject: Anna Berg est absent(e) (retour le 16/03/2026)",
        "Subject: Anna Berg ist außer Haus. (Rückkehr am 16.03.2026)",
        "Subject: ACCETTAZIONE: Sollecito\nX-Ricevuta: accettazione",
        "Subject: CONSEGNA: Sollecito\nX-Ricevuta: avvenuta-consegna",
    ],
)
def test_machines_that_answer_are_known(headers: str) -> None:
    assert read(PERSON + headers, "…").kind is Kind.AUTO_REPLY


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ("Subject: Case 0012: Reminder\nPrecedence: bulk", "Thank you. Your case number is 0012."),
        ("Subject: Re: Reminder\nReturn-Path: <>", "Anna Berg has left the company. Please write to us."),
        ("Subject: Re: Relance\nReturn-Path: <>", "Anna Berg ne travaille plus chez nous."),
        ("Subject: AW: Mahnung\nReturn-Path: <>", "Frau Berg ist nicht mehr in unserem Unternehmen tätig."),
        ("Subject: Re: Aviso\nReturn-Path: <>", "Ana ya no trabaja aquí."),
        ("Subject: Re: Sollecito\nReturn-Path: <>", "Anna non lavora più per la nostra società."),
        ("Subject: Re: Herinnering\nReturn-Path: <>", "Anna is niet meer werkzaam bij ons."),
    ],
)
def test_words_beside_a_machines_mark_make_a_machine(headers: str, body: str) -> None:
    assert read(PERSON + headers, body).kind is Kind.AUTO_REPLY


@pytest.mark.parametrize(
    ("subject", "body", "back", "contact"),
    [
        (
            "Réponse automatique",
            "Je suis absente, de retour le 16 mars 2026. En cas d'urgence, contacter paul@customer.example.",
            date(2026, 3, 16),
            "paul@customer.example",
        ),
        ("Automatic reply", "I am out of the office until 16 March 2026.", date(2026, 3, 16), None),
        ("Automatic reply", "I will be back on March 16th.", date(2026, 3, 16), None),
        ("Automatische Antwort", "Ich bin bis zum 16.03.2026 nicht im Büro.", date(2026, 3, 16), None),
        ("Respuesta automática", "Estaré fuera de la oficina hasta el 16 de marzo.", date(2026, 3, 16), None),
        ("Risposta automatica", "Sono in ferie fino al 16 marzo 2026.", date(2026, 3, 16), None),
        ("Automatisch antwoord", "Ik ben afwezig tot 16 maart 2026.", date(2026, 3, 16), None),
        ("Automatic reply", "I am out of the office until 03/04.", None, None),
        ("Automatic reply", "I was out until 16 January 2026.", None, None),
        ("Automatic reply", "This mailbox is not monitored.", None, None),
        ("Automatic reply", "I am away from 9 March to 20 March 2026 and back on 23 March.", date(2026, 3, 23), None),
        ("Automatic reply", "I am out of the office through 20 March.", date(2026, 3, 21), None),
        ("Automatic reply", "I will be back on Friday.", date(2026, 3, 6), None),
        ("Automatic reply", "I will be back on Monday.", None, None),
        ("Automatic reply", "I will be back tomorrow.", None, None),
        ("Automatic reply", "I am not available on 9 March.", None, None),
        ("Automatic reply", "I am on leave from 9 March to 20 March.", date(2026, 3, 20), None),
        ("Réponse automatique", "Je serai absent à partir du 9 mars.", None, None),
        ("Réponse automatique", "Je suis en déplacement le 9 mars.", None, None),
        ("Automatische Antwort", "Ich bin ab dem 9. März im Urlaub.", None, None),
        ("Automatische Antwort", "Ich bin ab dem 16. März wieder erreichbar.", date(2026, 3, 16), None),
        ("Automatische Antwort", "Ich habe am 20. März einen Termin.", None, None),
        ("Automatische Antwort", "Ich bin vom 9. bis 20. März im Urlaub.", date(2026, 3, 20), None),
        ("Respuesta automática", "Estaré de vacaciones a partir del 9 de marzo.", None, None),
        ("Respuesta automática", "Vuelvo el lunes 16 de marzo.", date(2026, 3, 16), None),
        ("Risposta automatica", "Sono assente dal 9 marzo.", None, None),
        ("Risposta automatica", "Sono in ferie dal 9 al 20 marzo.", date(2026, 3, 20), None),
        ("Automatisch antwoord", "Vanaf 9 maart ben ik met verlof.", None, None),
        ("Automatisch antwoord", "Vanaf 16 maart ben ik weer bereikbaar.", date(2026, 3, 16), None),
        ("Automatic reply", "I will be back next week.", None, None),
        ("Automatic reply", "We will get back to you by Friday.", None, None),
        ("Automatic reply", "I am out of the office until 03/04/2026.", None, None),
        ("Automatic reply", "I am out of the office until 03/24/2026.", date(2026, 3, 24), None),
        ("Réponse automatique", "Je suis en congés du 9 au 20 mars inclus.", date(2026, 3, 21), None),
        ("Réponse automatique", "Absent jusqu'au vendredi 20 mars.", date(2026, 3, 20), None),
        ("Réponse automatique", "Je serai de retour le 1er avril.", date(2026, 4, 1), None),
        ("Réponse automatique", "Je serai de retour le lundi 24 mars.", None, None),
        ("Automatische Antwort", "Ich bin ab Montag, dem 16. März, wieder im Büro.", date(2026, 3, 16), None),
        ("Automatische Antwort", "Ich bin bis einschließlich 20.3. nicht im Büro.", date(2026, 3, 21), None),
        ("Respuesta automática", "Estaré de vacaciones hasta el 20 de marzo inclusive.", date(2026, 3, 21), None),
        ("Risposta automatica", "Rientrerò lunedì 16 marzo.", date(2026, 3, 16), None),
        ("Automatisch antwoord", "Ik ben afwezig tot en met 20 maart.", date(2026, 3, 21), None),
        ("Réponse automatique", "En congés du 9 au 20 mars inclus. Retour le lundi 23 mars.", date(2026, 3, 23), None),
        ("Réponse automatique", "Je reviens vendredi.", date(2026, 3, 6), None),
        ("Réponse automatique", "Le 23 mars je serai de retour.", date(2026, 3, 23), None),
        ("Automatische Antwort", "Am 23. März bin ich wieder da.", date(2026, 3, 23), None),
        ("Automatische Antwort", "Am 23. März habe ich Urlaub.", None, None),
        ("Respuesta automática", "De vacaciones del 9 al 20 de marzo, ambos inclusive.", date(2026, 3, 21), None),
        ("Risposta automatica", "Il 23 marzo rientro in ufficio.", date(2026, 3, 23), None),
        ("Automatisch antwoord", "Op maandag 23 maart ben ik terug.", date(2026, 3, 23), None),
        ("Automatic reply", "On 23 March I will be back.", date(2026, 3, 23), None),
        ("Automatische Antwort", "Bin im Urlaub. Rückkehr: 16.3.", date(2026, 3, 16), None),
        ("Automatic reply", "Not in use. Please use ap@customer.example instead.", None, "ap@customer.example"),
        (
            "Automatische Antwort",
            "Ich bin bis 16. März nicht da. Bitte schreiben Sie an paula@customer.example oder petra@customer.example.",
            date(2026, 3, 16),
            None,
        ),
    ],
)
def test_automatic_answers_tell_when_and_whom(subject: str, body: str, back: date | None, contact: str | None) -> None:
    reading = read(PERSON + f"Subject: {subject}", body)
    assert reading.auto_reply is not None
    assert (reading.auto_reply.return_date, reading.auto_reply.new_contact) == (back, contact)


def report(action: str, status: str, diagnostic: str, *, recipient: str = "anna@customer.example") -> bytes:
    return (
        "Return-Path: <>\nFrom: MAILER-DAEMON@mx.example (Mail Delivery System)\nSubject: Undelivered Mail\n"
        "Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n--b\nContent-Type: text/plain\n\n"
        "Your message could not be delivered.\n\n--b\n"
        "Content-Type: message/delivery-status\n\nReporting-MTA: dns; mx.example\n\n"
        f"Final-Recipient: rfc822; {recipient}\nAction: {action}\nStatus: {status}\n"
        f"Diagnostic-Code: smtp; {diagnostic}\n\n"
        "--b\nContent-Type: message/rfc822\n\nFrom: compta@morel.example\nTo: anna@customer.example\n"
        "Message-ID: <r.abc@ar.example>\nSubject: Relance\n\nbody\n--b--\n"
    ).encode()


@pytest.mark.parametrize(
    ("action", "status", "diagnostic", "permanent", "told", "reason"),
    [
        ("failed", "5.1.1", "550 5.1.1 user unknown", True, "5.1.1", BounceReason.DEAD_ADDRESS),
        ("failed", "5.0.0", "550 5.1.1 no such user", True, "5.1.1", BounceReason.DEAD_ADDRESS),
        ("failed", "5.0.0", "550 no such user here", True, "5.0.0", BounceReason.DEAD_ADDRESS),
        ("failed", "5.2.2", "552 mailbox full", True, "5.2.2", BounceReason.MAILBOX_FULL),
        ("failed", "5.0.0", "552 user is over quota", True, "5.0.0", BounceReason.MAILBOX_FULL),
        ("failed", "5.3.4", "552 message too big", True, "5.3.4", BounceReason.TOO_LARGE),
        ("failed", "5.7.1", "554 5.7.1 message looks like spam", True, "5.7.1", BounceReason.SPAM),
        ("failed", "5.7.1", "550 5.7.1 access denied", True, "5.7.1", BounceReason.POLICY),
        ("failed", "5.0.0", "550 sender address rejected: domain not found", True, "5.0.0", BounceReason.POLICY),
        ("failed", "4.4.1", "connection timed out", False, "4.4.1", BounceReason.TEMPORARY),
        ("delayed", "4.4.1", "connection timed out", False, "4.4.1", BounceReason.DELAYED),
    ],
)
def test_delivery_reports(
    action: str, status: str, diagnostic: str, permanent: bool, told: str, reason: BounceReason
) -> None:
    reading = read_message(report(action, status, diagnostic), None, NOW)
    assert reading.kind is Kind.BOUNCE
    assert reading.bounce is not None
    assert (reading.bounce.permanent, reading.bounce.status, reading.bounce.reason) == (permanent, told, reason)
    assert reading.bounce.recipient == "anna@customer.example"
    assert reading.bounce.original_message_id == "<r.abc@ar.example>"


def test_a_report_of_success_is_no_bounce() -> None:
    assert read_message(report("delivered", "2.0.0", "250 ok"), None, NOW).kind is Kind.AUTO_REPLY


def test_only_a_permanent_failure_makes_an_address_dead() -> None:
    reading = read_message(report("failed", "4.1.1", "450 4.1.1 user unknown"), None, NOW)
    assert reading.bounce is not None
    assert reading.bounce.reason is BounceReason.TEMPORARY


@pytest.mark.parametrize(
    ("sender", "subject", "body", "recipient"),
    [
        (
            "MAILER-DAEMON@mx.example",
            "failure notice",
            "I could not deliver your message to:\n<anna@customer.example>:\n550 user unknown",
            "anna@customer.example",
        ),
        (
            "Mail Delivery System <Mailer-Daemon@mx.example>",
            "Mail delivery failed: returning message to sender",
            "A message that you sent could not be delivered.\n  anna@customer.example\n    unrouteable address",
            "anna@customer.example",
        ),
        (
            "postmaster@customer.example",
            "Unzustellbar: Mahnung",
            "Ihre Nachricht konnte nicht zugestellt werden: anna@customer.example, Empfänger unbekannt",
            "anna@customer.example",
        ),
        (
            "System Administrator",
            "Undeliverable: Reminder",
            "The following recipient(s) cannot be reached:\n\n 'anna@customer.example' on 3/2/2026\n  unknown account",
            "anna@customer.example",
        ),
        (
            "postmaster@cliente.example",
            "Mancata consegna: Sollecito",
            "Impossibile recapitare il messaggio a:\n\nanna@customer.example\nMotivo: casella inesistente",
            "anna@customer.example",
        ),
        (
            "postmaster@client.example",
            "Non remis : Relance",
            "Échec de la remise à :\n\nanna@customer.example\nL'adresse de messagerie entrée est introuvable.",
            "anna@customer.example",
        ),
        (
            "posta-certificata@pec.example\nX-Ricevuta: errore-consegna",
            "AVVISO DI MANCATA CONSEGNA: Sollecito",
            "nel messaggio per l'utente anna@customer.example è stato rilevato un errore 5.1.1 - indirizzo non valido",
            "anna@customer.example",
        ),
    ],
)
def test_free_text_bounces(sender: str, subject: str, body: str, recipient: str) -> None:
    reading = read(f"From: {sender}\nSubject: {subject}", body)
    assert reading.kind is Kind.BOUNCE
    assert reading.bounce is not None
    assert (reading.bounce.recipient, reading.bounce.reason) == (recipient, BounceReason.DEAD_ADDRESS)


def test_a_complaint_is_told_as_such() -> None:
    raw = (
        b"From: fbl@isp.example\nSubject: complaint\n"
        b"Content-Type: multipart/report; report-type=feedback-report; boundary=b\n\n"
        b"--b\nContent-Type: text/plain\n\nabuse report\n--b\n"
        b"Content-Type: message/feedback-report\n\nFeedback-Type: abuse\n"
        b"Original-Rcpt-To: anna@customer.example\n\n--b--\n"
    )
    reading = read_message(raw, None, NOW)
    assert reading.bounce is not None
    assert (reading.bounce.reason, reading.bounce.recipient) == (BounceReason.COMPLAINT, "anna@customer.example")


def test_a_service_that_asks_senders_to_prove_themselves_is_a_machine() -> None:
    raw = mail.letter("Please click here to have your message delivered.\n", sender="verify@boxbe.com")
    assert read_message(raw, None, NOW).kind is Kind.AUTO_REPLY


def test_a_read_receipt_is_no_word_of_the_customers() -> None:
    raw = (
        b"From: anna@customer.test\nSubject: Lu : Rappel\n"
        b"Content-Type: multipart/report; report-type=disposition-notification; boundary=b\n\n"
        b"--b\n\nVotre message a \xc3\xa9t\xc3\xa9 lu.\n--b\nContent-Type: message/disposition-notification\n\n"
        b"Disposition: manual-action/MDN-sent-manually; displayed\n--b--\n"
    )
    reading = read_message(raw, None, NOW)
    assert (reading.kind, reading.bounce) == (Kind.AUTO_REPLY, None)


@pytest.mark.parametrize(
    "subject",
    ["Read: Reminder", "Lu : Rappel", "Gelesen: Mahnung", "Leído: Aviso", "Letto: Sollecito", "Gelezen: Herinnering"],
)
def test_a_read_receipt_is_known_by_its_subject_in_six_languages(subject: str) -> None:
    raw = mail.letter("Your message was read on 2 March 2026.\n", subject=subject)
    assert read_message(raw, None, NOW).kind is Kind.AUTO_REPLY
