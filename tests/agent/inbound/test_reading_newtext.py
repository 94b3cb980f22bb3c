"""New text is what the writer wrote; everything else goes to signature or history. Samples of our own."""

import pytest

from agent.inbound.html import MAX_HTML, html_to_text
from agent.inbound.lines import closes_with_verb, verbs_close
from agent.inbound.newtext import split_text

REPLY_HEADERS = [
    "Le lun. 2 mars 2026 à 09:12, Compta Morel <compta@morel.example> a écrit :",
    "Le 02/03/2026 à 09:12, Compta Morel a écrit :",
    "On Mon, 2 Mar 2026 at 09:12, Compta Morel <compta@morel.example> wrote:",
    "On 2 Mar 2026, at 09:12, Compta Morel via Billing <\ncompta@morel.example> wrote:",
    "Am Mo., 2. März 2026 um 09:12 Uhr schrieb Compta Morel <\ncompta@morel.example>:",
    "Am 02.03.2026 um 09:12 schrieb Compta Morel:",
    "Compta Morel <compta@morel.example> schrieb am Mo., 2. März 2026, 09:12:",
    "El lun, 2 mar 2026 a las 9:12, Compta Morel (<compta@morel.example>) escribió:",
    "Il giorno lun 2 mar 2026 alle ore 09:12 Compta Morel <\ncompta@morel.example> ha scritto:",
    "Il 02/03/2026 09:12, Compta Morel ha scritto:",
    "Op ma 2 mrt 2026 om 09:12 schreef Compta Morel <compta@morel.example>:",
    'Op 2 mrt. 2026 09:12 schreef "Compta Morel" <compta@morel.example> het\nvolgende geschreven:',
    "Em seg., 2 de mar. de 2026 às 09:12, Compta Morel <compta@morel.example>\nescreveu:",
    "pon., 2 mar 2026 o 09:12 Compta Morel <compta@morel.example> napisał(a):",
    "W dniu 02.03.2026 o 09:12, Compta Morel pisze:",
    "Den 2. mar. 2026 kl. 09.12 skrev Compta Morel <compta@morel.example>:",
    "Den mån 2 mars 2026 kl 09:12 skrev Compta Morel <compta@morel.example>:",
    "man. 2. mars 2026 kl. 09:12 skrev Compta Morel <compta@morel.example>:",
    "ma 2. maalisk. 2026 klo 9.12 Compta Morel (compta@morel.example) kirjoitti:",
    "po 2. 3. 2026 v 9:12 odesílatel Compta Morel <compta@morel.example> napsal:",
    "În lun., 2 mar. 2026 la 09:12, Compta Morel <compta@morel.example> a scris:",
    "Compta Morel <compta@morel.example> ezt írta (időpont: 2026. márc. 2., H, 9:12):",
    "пн, 2 мар. 2026 г. в 09:12, Compta Morel <compta@morel.example>:",
    "2 марта 2026 г., 9:12, Compta Morel <compta@morel.example> написал:",
    "пн, 2 бер. 2026 р. о 09:12 Compta Morel <compta@morel.example> пише:",
    "Compta Morel <compta@morel.example>, 2 Mar 2026 Pzt, 09:12 tarihinde şunu\nyazdı:",
    "---- On Mon, 02 Mar 2026 09:12:50 +0100 compta@morel.example wrote ----",
    "-----Original Message-----\nFrom: Compta Morel\nSent: Monday, March 2, 2026 9:12 AM\nTo: Anna\nSubject: R",
    "De : Compta Morel <compta@morel.example>\nEnvoyé : lundi 2 mars 2026 09:12\nÀ : Anna\nObjet : Relance",
    "Von: Morel <compta@morel.example>\nGesendet: Montag, 2. März 2026 09:12\nAn: Anna\nBetreff: Mahnung",
    "De: Compta Morel <compta@morel.example>\nEnviado el: lunes, 2 de marzo de 2026 9:12\nPara: Anna\nAsunto: Aviso",
    "Da: Compta Morel <compta@morel.example>\nInviato: lunedì 2 marzo 2026 09:12\nA: Anna\nOggetto: Sollecito",
    "Van: Morel <compta@morel.example>\nVerzonden: maandag 2 maart 2026 09:12\nAan: Anna\nOnderwerp: Herinnering",
    "Od: Compta Morel\nWysłano: poniedziałek, 2 marca 2026 09:12\nDo: Anna\nTemat: Przypomnienie",
    "Från: Compta Morel\nSkickat: den 2 mars 2026 09:12\nTill: Anna\nÄmne: Påminnelse",
    "Fra: Compta Morel\nSendt: mandag 2. mars 2026 09:12\nTil: Anna\nEmne: Påminnelse",
    "Lähettäjä: Compta Morel\nLähetetty: maanantai 2. maaliskuuta 2026 9.12\nVastaanottaja: Anna\nAihe: Muistutus",
    "От: Compta Morel\nОтправлено: 2 марта 2026 г. 9:12\nКому: Anna\nТема: Напоминание",
    "Kimden: Compta Morel\nGönderildi: 2 Mart 2026 Pazartesi 09:12\nKime: Anna\nKonu: Hatırlatma",
    "*From:* Compta Morel <compta@morel.example>\n*Sent:* Monday, March 2, 2026 9:12 AM\n*To:* Anna\n*Subject:* R",
    "________________________________\nFrom: Compta Morel <compta@morel.example>\nSent: Monday\nTo: Anna\nSubject: R",
    "##- Please type your reply above this line -##",
    "Compta Morel <compta@morel.example> a écrit le lun. 2 mars 2026 à 09:12 :",
    "Compta Morel <compta@morel.example> hat am 02.03.2026 09:12 CET geschrieben:",
    "Compta Morel <compta@morel.example> escreveu (segunda, 2/03/2026 à(s) 09:12):",
    "Compta Morel <compta@morel.example> kirjoitti 2.3.2026 kello 9.12:",
    "Wiadomość napisana przez Compta Morel <compta@morel.example> w dniu 02.03.2026, o godz. 09:12:",
    "maanantai 2. maaliskuuta 2026 klo 09.12.33 UTC+2\nCompta Morel <compta@morel.example> kirjoitti:",
    "2. maaliskuuta 2026 9.12.33 GMT+02:00 Compta Morel <compta@morel.example> kirjoitti:",
    "2026. március 2., hétfő 9:12:33 CET, Compta Morel <compta@morel.example> írta:",
    "Compta Morel <compta@morel.example> şunları yazdı (2 Mar 2026 09:12):",
    "Compta Morel schrieb am 02.03.2026 um 09:12:",
    "Compta Morel kirjoitti 2.3.2026 klo 9.12:",
    'Message du 02/03/26 09:12\nDe : "Morel" <compta@morel.example>\nA : "Anna" <anna@x.example>\nObjet : Relance',
]


@pytest.mark.parametrize("header", REPLY_HEADERS)
@pytest.mark.parametrize("mark", ["> ", ""], ids=["marked", "unmarked"])
@pytest.mark.parametrize("gap", ["\n\n", "\n"], ids=["apart", "glued"])
def test_the_reply_header_and_what_it_heads_are_history(header: str, mark: str, gap: str) -> None:
    quoted = "\n".join(f"{mark}{line}" for line in ["Your invoice F26-118 is overdue.", "", "Please pay by 10 March."])
    split = split_text(f"The transfer went out this morning.{gap}{header}\n\n{quoted}\n")
    assert split.new_text == "The transfer went out this morning."
    assert "overdue" in split.quoted
    assert "morel" in split.quoted.lower() or "above this line" in split.quoted


#: The headers of one line, which mail programs break at some blank: where the line is full, or before the address.
IN_ONE_LINE = [each for each in REPLY_HEADERS if "\n" not in each and each[0] not in "-#"]


#: No mail program breaks a line behind fewer characters.
EARLIEST_BREAK = 12


@pytest.mark.parametrize("header", IN_ONE_LINE)
def test_a_reply_header_broken_at_a_blank_is_history_in_every_language(header: str) -> None:
    shown = {}
    for at in (place for place, char in enumerate(header) if char == " " and place >= EARLIEST_BREAK):
        wrapped = f"{header[:at]}\n{header[at + 1 :]}"
        new = split_text(f"The transfer went out this morning.\n\n{wrapped}\n\n> Please pay by 10 March.\n").new_text
        if new != "The transfer went out this morning.":
            shown[wrapped] = new
    assert shown == {}


@pytest.mark.parametrize(
    "text",
    [
        "As you wrote on 12 March 2026:\nthe goods were short. We pay the rest.",
        "We will pay as follows:\n- 300 on 12/03/2026\n- 300 on 12/04/2026",
        "From: 12 March\nTo: 15 March\nwe are closed.",
        "Wie Sie am 12.03.2026 schrieben: die Ware fehlt. Wir zahlen nach Lieferung.",
        "Bonjour,\n\nVoici le détail :\nFacture : F26-118\nMontant : 1 240,00 EUR\nDate : 12/03/2026",
        "On Monday we will pay invoice F26-118.",
        "Date: 12/03/2026\nAmount: 300.00\nReference: F26-118",
        "Le virement est parti le 12/03/2026, voir :\nréférence 5521",
        "Hello,\n\nThe virus scanner took your pdf away, send it again please.",
        "Hello,\n\nPlease write to ap@panda.com from now on.",
        "Hello,\n\nWe have checked with Norton about the payment.",
        "Hello,\n\nSent via bank transfer.",
    ],
)
def test_the_writers_own_words_stay(text: str) -> None:
    assert split_text(text).new_text == text


def test_inline_answers_stay_between_the_quotes() -> None:
    text = (
        "See below.\n\nOn Mon, 2 Mar 2026 at 09:12, Morel <c@morel.example> wrote:\n> Invoice 1 is overdue.\n\n"
        "Paid on Friday.\n\n> Invoice 2 is overdue.\n\nThis one is wrong.\n"
    )
    split = split_text(text)
    assert split.new_text == "See below.\n\n\nPaid on Friday.\n\n\nThis one is wrong."
    assert "overdue" not in split.new_text


HEADER = "On Mon, 2 Mar 2026 at 09:12, Morel <c@morel.example> wrote:\n"


@pytest.mark.parametrize(
    ("text", "pairs"),
    [
        (
            "See below.\n\n" + HEADER + "> Dear Anna,\n>\n> Invoice 1 is overdue.\n> Please pay.\n\nPaid on Friday.\n\n"
            "> Invoice 2 is overdue.\n\nThis one is wrong.\n\n-- \nAnna\n",
            [
                ("Invoice 1 is overdue.\nPlease pay.", "Paid on Friday."),
                ("Invoice 2 is overdue.", "This one is wrong."),
            ],
        ),
        (
            "> When will you pay?\n\nOn Friday.\n\nThe rest later.\n",
            [("When will you pay?", "On Friday.\n\nThe rest later.")],
        ),
        (HEADER + "> > Is 1 paid?\n> Yes.\nNo.\n> And 2?\nYes.\n> Bye\n", [("Yes.", "No."), ("And 2?", "Yes.")]),
        (HEADER + "> Dear Anna,\n>\n> Invoice 1 is overdue.\n>\n> Regards\n\nPaid on Friday.\n", []),
        ("Paid on Friday.\n\n" + HEADER + "> Invoice 1 is overdue.\n", []),
        ("Paid on Friday.\n", []),
    ],
    ids=["between", "one paragraph", "depths", "below a whole mail", "above", "no quote"],
)
def test_an_inline_answer_keeps_the_quoted_lines_that_it_answers(text: str, pairs: list[tuple[str, str]]) -> None:
    assert [(one.quoted, one.answer) for one in split_text(text).inline] == pairs


def test_inline_answers_in_html_keep_them_too() -> None:
    html = "<blockquote>Invoice 1?</blockquote><p>Paid.</p><blockquote>Invoice 2?</blockquote><p>Wrong.</p>"
    pairs = [(one.quoted, one.answer) for one in split_text(html_to_text(html)).inline]
    assert pairs == [("Invoice 1?", "Paid."), ("Invoice 2?", "Wrong.")]


SIGNATURES = [
    "-- \nAnna Weiß\nBuchhaltung",
    "Sent from my iPhone",
    "Envoyé de mon iPhone",
    "Von meinem iPhone gesendet",
    "Enviado desde mi iPhone",
    "Inviato da iPhone",
    "Verzonden vanaf mijn iPhone",
    "Get Outlook for iOS",
    "Get BlueMail for Android",
    "Télécharger BlueMail pour Android",
    "Obtén BlueMail para Android",
    "Scarica Outlook per iOS",
    "Download BlueMail voor Android",
    "Yahoo Mail: Search, Organize, Conquer",
    "Xiaomi telefonról küldve",
    "Sent with [Spark](https://sparkmailapp.com)",
    "Hanki Outlook for iOS<https://aka.ms/o0ukef>",
    "Získat Outlook pro iOS<https://aka.ms/o0ukef>",
    "Pobierz program Outlook dla systemu iOS<https://aka.ms/o0ukef>",
    "Скачать Outlook для iOS<https://aka.ms/o0ukef>",
    "Az iOS Outlook letöltése<https://aka.ms/o0ukef>",
    "iOS için Outlook’u edinin<https://aka.ms/o0ukef>",
    "Obțineți Outlook pentru iOS<https://aka.ms/o0ukef>",
    "Hämta Outlook för Android<https://aka.ms/o0ukef>",
    "Cordialement,\n\nAnna Weiß\nComptable\nTél. 01 23 45 67 89",
    "Mit freundlichen Grüßen\nAnna Weiß\nMuster GmbH\nTel. +49 30 1234567",
    "Kind regards,\nAnna",
    "Un saludo,\nAnna",
    "Cordiali saluti\nAnna Weiß",
    "Met vriendelijke groet,\nAnna",
]


@pytest.mark.parametrize("signature", SIGNATURES)
def test_signatures_and_sign_offs_are_taken_off(signature: str) -> None:
    split = split_text(f"Le virement est parti ce matin.\n\n{signature}\n")
    assert split.new_text == "Le virement est parti ce matin."
    assert split.signature.replace("\n\n", "\n") == signature.strip().replace("-- \n", "--\n").replace("\n\n", "\n")


@pytest.mark.parametrize(
    "footer",
    [
        "This e-mail and any attachments are confidential and intended solely for the addressee.",
        "Ce message est confidentiel et destiné exclusivement à son destinataire.",
        "Diese E-Mail enthält vertrauliche Informationen. Wenn Sie nicht der richtige Adressat sind, löschen Sie sie.",
        "_______________________________________________\nbilling mailing list\nbilling@lists.customer.example",
        "Virus-free. www.avast.com",
        "Libre de virus. www.avast.com",
        "Neobsahuje žádné viry. www.avast.com",
        "L'absence de virus dans ce courrier électronique a été vérifiée par le logiciel antivirus Avast.",
        "El software de antivirus Avast ha analizado este correo electrónico en busca de virus.",
        "Ta wiadomość e-mail została sprawdzona pod kątem wirusów przez oprogramowanie antywirusowe Avast.",
        "Detta e-postmeddelande har sökts igenom efter virus med antivirusprogram från Avast.",
        "Это сообщение проверено на вирусы антивирусом Avast.",
        "Ezt az e-mailt az Avast víruskereső szoftver átvizsgálta.",
        "Bu e-posta Avast Antivirus yazılımı tarafından virüslere karşı kontrol edilmiştir.",
        "___ Information from ESET Mail Security, virus database 1234 ___\n\nThe message was checked by ESET Mail.",
        "Treść tej wiadomości zawiera informacje poufne przeznaczone tylko dla adresata.",
        "Tämä viesti on luottamuksellinen ja tarkoitettu vain vastaanottajalle.",
        "Ez az üzenet bizalmas információkat tartalmazhat, és kizárólag a címzettnek szól.",
        "Це повідомлення містить конфіденційну інформацію.",
        "Informationen zum Datenschutz finden Sie unter https://customer.example/datenschutz",
    ],
)
def test_footers_of_machines_go_to_the_history(footer: str) -> None:
    split = split_text(f"Paid on Friday, see attached.\n\nRegards,\nAnna\n\n{footer}\n")
    assert split.new_text == "Paid on Friday, see attached."
    assert split.signature == "Regards,\nAnna"
    assert footer.split(maxsplit=1)[0] in split.quoted


BANNERS = [
    "CAUTION: This email originated from outside of the organization. Do not click\nlinks or open attachments.",
    "[EXTERNAL]",
    "You don't often get email from anna@customer.example. Learn why this is important",
    "[EXTERNE] Ce message provient de l'extérieur de l'organisation. Ne cliquez pas sur les liens.",
    "Vous ne recevez pas souvent de courriers de la part de anna@customer.example. Découvrez pourquoi.",
    "ACHTUNG: Diese E-Mail stammt von einem externen Absender. Klicken Sie auf keine Links.",
    "Sie erhalten nicht häufig E-Mails von anna@customer.example.",
    "PRECAUCIÓN: Este correo procede de fuera de la organización. No haga clic en los enlaces.",
    "ATTENZIONE: Questa e-mail proviene dall'esterno dell'organizzazione. Non aprire gli allegati.",
    "LET OP: Deze e-mail is afkomstig van buiten de organisatie. Klik niet op links.",
]


@pytest.mark.parametrize("banner", BANNERS)
def test_a_servers_warning_above_the_text_is_nobodys_words(banner: str) -> None:
    split = split_text(f"{banner}\n\nLe virement est parti ce matin.\n")
    assert split.new_text == "Le virement est parti ce matin."
    assert split.quoted == banner


@pytest.mark.parametrize(
    "text",
    [
        "Attention: the goods came from outside the EU, so we paid customs.",
        "Achtung: Wir zahlen erst nach Lieferung, externe Prüfung läuft.",
        "Attention : la livraison vient de l'extérieur.\nNous payons vendredi.",
        "We pay on Friday.\n\nCAUTION: This email originated from outside of the organization, says our server.",
    ],
)
def test_a_persons_warning_stays(text: str) -> None:
    assert split_text(text).new_text == text


@pytest.mark.parametrize(
    "header",
    [
        "On Fri, Mar 6, 2026 at 8:00 AM, Morel<c@morel.example> wrote:   Dear Anna,",
        "Le ven., 6 mars 2026 à 08:00, Morel<c@morel.example> a écrit :   Bonjour,",
        "El vie., mar. 6, 2026 a 8:00, Morel<c@morel.example> escribió:   Hola",
        "Il ven, 6 mar 2026 alle 8:00, Morel<c@morel.example> ha scritto:   Buongiorno",
        "Op vr, 6 mrt 2026 om 8:00, Morel<c@morel.example> schreef:   Beste",
    ],
)
def test_a_header_with_the_history_on_its_own_line(header: str) -> None:
    assert split_text(f"Paid on Friday.\n\n  {header}\n\nInvoice 1 is overdue.\n").new_text == "Paid on Friday."


@pytest.mark.parametrize(
    "line",
    [
        "##- Please type your reply above this line -##",
        "##- Veuillez taper votre réponse au-dessus de cette ligne -##",
        "##- Bitte geben Sie Ihre Antwort über dieser Zeile ein -##",
        "##- Escriba su respuesta por encima de esta línea -##",
        "##- Digita la risposta sopra questa riga -##",
        "##- Typ uw antwoord boven deze regel -##",
        "##- Skriv ditt svar ovanför den här raden -##",
        "Veuillez saisir votre réponse au-dessus de cette ligne.",
    ],
)
def test_what_stands_below_a_ticket_systems_line_is_history(line: str) -> None:
    assert split_text(f"Paid on Friday.\n\n{line}\n\nInvoice 1 is overdue.\n").new_text == "Paid on Friday."


def test_what_stands_below_a_ticket_systems_line_at_the_top_is_its_answer() -> None:
    """A customer's help desk writes the line above its own words, with our mail below them."""
    split = split_text(
        "##- Please type your reply above this line -##\n\nPaid on Friday.\n\n"
        "On Mon, 2 Mar 2026 at 09:12, Morel <c@morel.example> wrote:\n> Invoice 1 is overdue.\n"
    )
    assert split.new_text == "Paid on Friday."


@pytest.mark.parametrize(
    "block",
    [
        '<div name="messageSignatureSection">Anna</div>',
        '<div class="front-signature">Anna</div>',
        '<div id="composer_signature">Anna</div>',
    ],
)
def test_html_tells_signatures_by_the_names_that_programs_give_them(block: str) -> None:
    split = split_text(html_to_text(f"<div>Paid on Friday.</div>{block}"))
    assert (split.new_text, split.signature) == ("Paid on Friday.", "Anna")


@pytest.mark.parametrize(
    "text",
    [
        "Merci d'avance, nous attendons l'avoir.\nLe reste suit.",
        "Thanks\n\nWe will pay on Friday, once the director has signed the order.",
        "Sent from my desk, which is a mess today: the invoice was lost.",
        "Best regards from Lyon. We will pay on Friday.",
    ],
)
def test_courtesy_words_within_a_text_end_nothing(text: str) -> None:
    assert split_text(text).new_text == text


@pytest.mark.parametrize(
    "html",
    [
        '<div>Paid on Friday.</div><div class="gmail_quote"><div class="gmail_attr">M:</div><blockquote>x</blockquote>',
        '<p>Paid on Friday.</p><div id="divRplyFwdMsg"><b>X:</b> Morel</div><div>Invoice 1 is overdue</div>',
        '<p>Paid on Friday.</p><div style="border:none;border-top:solid #E1E1E1 1.0pt"><p>M</p></div><p>Old</p>',
        '<div>Paid on Friday.</div><blockquote type="cite">Invoice 1 is overdue</blockquote>',
        '<div>Paid on Friday.</div><div class="yahoo_quoted">Morel wrote: Invoice 1 is overdue</div>',
        '<div>Paid on Friday.</div><div name="quote">Invoice 1 is overdue</div>',
        "<div>Paid on Friday.</div><style>p{color:red}</style><div style='display:none'>Invoice 1 is overdue</div>",
    ],
)
def test_html_tells_quotes_by_its_structure(html: str) -> None:
    split = split_text(html_to_text(html))
    assert split.new_text == "Paid on Friday."


def test_html_paragraphs_lines_and_links_become_text() -> None:
    html = "<html><body><p>A&nbsp;b</p><p>c<br>d</p><ul><li>e</li></ul><a href='http://x'>f</a></body></html>"
    assert html_to_text(html).replace("\xa0", " ").split() == ["A", "b", "c", "d", "e", "f"]


def test_marks_in_the_mail_itself_mean_nothing() -> None:
    assert "overdue" in split_text(html_to_text("<p>a</p><p>\ue001</p><p>not overdue</p>")).new_text


def test_every_line_ends_in_exactly_one_field() -> None:
    text = "new\n\n-- \nsignature\n\nOn Mon, 2 Mar 2026 at 09:12, M <m@x.example> wrote:\n> old\n"
    split = split_text(text)
    words = f"{split.new_text} {split.signature} {split.quoted}".split()
    assert sorted(words) == sorted(text.split())


@pytest.mark.parametrize("opening", ["<!--", "<!--[if mso]>", "<![cdata[", "<![foo[", "<!x ", "<?", "</", "<a b='"])
def test_html_whose_comments_and_tags_never_end_is_read_to_its_end(opening: str) -> None:
    """Half a megabyte of each; looking for the end from each beginning anew would take many minutes."""
    assert html_to_text("<p>Paid.</p>" + opening * (MAX_HTML // len(opening))).startswith("Paid.")


def test_an_unknown_section_of_html_hides_only_itself() -> None:
    assert html_to_text("<p>Paid <![foo[ x>today.</p>") == "Paid today."


def test_what_only_outlook_shows_is_left_out() -> None:
    html = "<p>Paid.</p><!--[if mso]><p>Old</p><![endif]--><p>Thanks.</p><!--[if mso]> never ended"
    assert html_to_text(html).startswith("Paid.\n\nThanks.")


@pytest.mark.parametrize("tail", ["", ":", " :", "(a):", " <a@b.test>:", "!?", " (12:30) :>", " us"])
@pytest.mark.parametrize("verb", ["wrote", "WROTE", "a écrit", "YAZDI", "napsal(a)", "schrieb", "пишет", "paid"])
def test_the_cheap_look_for_a_verb_says_what_the_search_says(verb: str, tail: str) -> None:
    line = f"On Monday Anna {verb}{tail}"
    assert closes_with_verb(line) == bool(verbs_close().search(line))
