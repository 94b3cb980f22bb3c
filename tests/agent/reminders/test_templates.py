"""The shipped texts, a company's own over them, and what is refused in them."""

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from babel.numbers import list_currencies
from jinja2 import Environment

from agent.cli import main
from agent.reminders.letter import compose
from agent.reminders.letter_values import Attachment, LetterError
from agent.reminders.render import render
from agent.reminders.templates import (
    catalogue_for,
    html_paragraphs,
    languages,
    mail_environment,
    text_paragraphs,
    texts,
)
from config.errors import ConfigError
from tests.builders.letters import PARTLY_PAID, letter, line

NB = "\u00a0"
SHIPPED = mail_environment(None)
CONFIGURATION = """
[company]
name = "Ateliers Morel SAS"
country = "FR"
currency = "EUR"
language = "fr"
timezone = "Europe/Paris"
[mailbox.ar]
address = "compta@morel.example"
[mailbox.ar.imap]
host = "imap.morel.example"
password_env = "RELANCE_IMAP_PASSWORD"
[mailbox.ar.smtp]
host = "smtp.morel.example"
"""


TONES = ("friendly", "neutral", "firm")
LETTERS = len(languages(SHIPPED)) * len(texts(SHIPPED)) * len(TONES) * 4
"""What `check` and `preview` write: four letters for every text in every language and tone."""
PAPERS = len(languages(SHIPPED)) * 2
"""And on paper: the formal notice in every language, plain and with charges."""
ONE_OR_SEVERAL = {
    "fr": ("la facture vous est bien parvenue", "les factures vous sont bien parvenues"),
    "en": ("the invoice has reached", "the invoices have reached"),
    "de": ("die Rechnung vorliegt", "die Rechnungen vorliegen"),
    "es": ("han recibido la factura", "han recibido las facturas"),
    "it": ("la fattura vi sia pervenuta", "le fatture vi siano pervenute"),
    "nl": ("de factuur hebt ontvangen", "de facturen hebt ontvangen"),
}


def own(root: Path, **files: str) -> Path:
    """A company's folder with texts of its own; ``mail__fr__x.j2`` is the file mail/fr/x.j2."""
    for name, content in files.items():
        path = root / "templates" / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    return root


def changed(block: str, content: str, language: str = "fr") -> dict[str, str]:
    """The friendly reminder with one block of the company's own."""
    base = f"mail/{language}/friendly_reminder.j2"
    return {
        base.replace("/", "__"): f'{{% extends "shipped/{base}" %}}{{% block {block} %}}{content}{{% endblock %}}',
    }


def test_every_shipped_language_has_every_shipped_text() -> None:
    assert languages(SHIPPED) == ("de", "en", "es", "fr", "it", "nl")
    assert set(texts(SHIPPED)) == {
        "firm_reminder", "friendly_reminder", "last_reminder", "pre_due_notice", "second_reminder",
    }  # fmt: skip
    for language in languages(SHIPPED):
        for template in texts(SHIPPED):
            for lines in ((line(),), (PARTLY_PAID,), (line(), PARTLY_PAID)):
                for person in (None, "Camille Laurent"):
                    made = letter(*lines, language=language, template=template, recipient_name=person)
                    assert compose(made, SHIPPED).subject


BEFORE_NOTICE = {
    "fr": "notre dernière relance avant mise en demeure",
    "en": "our final reminder before we send formal notice",
    "de": "unsere letzte Mahnung vor einer förmlichen Zahlungsaufforderung",
    "es": "nuestro último recordatorio antes de enviarles un requerimiento formal de pago",
    "it": "il nostro ultimo sollecito prima della messa in mora",
    "nl": "onze laatste herinnering vóór een ingebrekestelling",
}


@pytest.mark.parametrize("language", languages(SHIPPED))
@pytest.mark.parametrize("template", texts(SHIPPED))
def test_each_text_speaks_in_three_tones_and_says_what_it_must_in_each(language: str, template: str) -> None:
    copy = Attachment("FA.pdf", "application/pdf", b"%PDF-1.7")
    said = set()
    for tone in TONES:
        made = letter(
            line(), PARTLY_PAID, language=language, template=template, tone=tone, attachments=(copy,),
            without_copy=(PARTLY_PAID.number,), statement=copy, offers_instalments=True,
        )  # fmt: skip
        text, phrases = render(made, SHIPPED).text, catalogue_for(SHIPPED, language).phrases
        flat = " ".join(text.replace(NB, " ").split())
        said.add(flat)
        for key in ("crossed", "copy_attached", "statement_attached", "instalments"):
            assert phrases[key].replace(NB, " ") in flat
        assert PARTLY_PAID.number in flat.partition(phrases["copy_attached"].replace(NB, " "))[2]
        if template == "last_reminder":
            assert BEFORE_NOTICE[language] in flat
        assert template not in {"friendly_reminder", "pre_due_notice"} or BEFORE_NOTICE[language] not in flat
    assert len(said) == len(TONES)


def test_a_text_of_the_company_s_own_goes_before_every_tone_and_may_extend_the_one_asked_for(tmp_path: Path) -> None:
    def text(environment: Environment, tone: str) -> str:
        return " ".join(render(letter(tone=tone), environment).text.split())

    replaced = mail_environment(own(tmp_path / "a", **changed("closing", "Merci.")))
    assert text(replaced, "firm") == text(replaced, "friendly")
    extended = mail_environment(
        own(tmp_path / "b", **{
            "mail__fr__friendly_reminder.j2": "{% extends shipped %}{% block greeting %}Chers amis,{% endblock %}"
        })
    )  # fmt: skip
    for tone in TONES:
        assert "Chers amis," in text(extended, tone)
    assert "L’échéance étant dépassée" in text(extended, "firm")
    assert "simple oubli" in text(extended, "friendly")
    one_tone = mail_environment(own(tmp_path / "c", **{"mail__fr__friendly_reminder.firm.j2": "{% extends shipped %}"
        "{% block greeting %}À vous,{% endblock %}"}))  # fmt: skip
    assert "À vous," in text(one_tone, "firm")
    assert "À vous," not in text(one_tone, "neutral")


@pytest.mark.parametrize(
    ("language", "amount", "currency", "written"),
    [
        ("fr", "1240.00", "EUR", f"1{NB}240,00{NB}€"),
        ("fr", "-0.5", "EUR", f"-0,50{NB}€"),
        ("fr", "1234567.89", "CHF", f"1{NB}234{NB}567,89{NB}CHF"),
        ("fr", "1240", "XAF", f"1{NB}240{NB}FCFA"),
        ("en", "1240.00", "EUR", "€1,240.00"),
        ("en", "1240.00", "GBP", "£1,240.00"),
        ("en", "1240.00", "USD", "US$1,240.00"),
        ("en", "1240.00", "CHF", f"CHF{NB}1,240.00"),
        ("en", "1240", "JPY", "JP¥1,240"),
    ],
)
def test_money(language: str, amount: str, currency: str, written: str) -> None:
    assert catalogue_for(SHIPPED, language).money(Decimal(amount), currency) == written


def test_no_line_breaks_within_an_amount_or_a_date() -> None:
    for language in languages(SHIPPED):
        catalogue = catalogue_for(SHIPPED, language)
        for currency in list_currencies():
            money = catalogue.money(Decimal(123456), currency)
            assert not set(money) & {" ", "\u202f"}, currency
        for day in (date(2026, 3, 1), date(2026, 8, 22)):
            assert not set(catalogue.day(day) + catalogue.day_in_words(day) + catalogue.days(1200)) & {" ", "\u202f"}


def test_days_and_dates() -> None:
    french, english = catalogue_for(SHIPPED, "fr"), catalogue_for(SHIPPED, "en")
    assert [french.days(count) for count in (1, 2, 1200)] == [f"1{NB}jour", f"2{NB}jours", f"1{NB}200{NB}jours"]
    assert [english.days(count) for count in (1, 2, 1200)] == [f"1{NB}day", f"2{NB}days", f"1,200{NB}days"]
    days = {language: catalogue_for(SHIPPED, language).days(28) for language in ("de", "es", "it", "nl")}
    assert days == {"de": f"28{NB}Tage", "es": f"28{NB}días", "it": f"28{NB}giorni", "nl": f"28{NB}dagen"}
    assert french.day(date(2026, 4, 3)) == "03/04/2026"
    assert english.day(date(2026, 4, 3)) == f"3{NB}Apr{NB}2026"


def test_paragraphs_are_what_stands_between_empty_lines() -> None:
    text = f"\n\n  Un\n deux  1{NB}240{NB}€\n \t\n<b>trois</b>\n\n\n"
    assert text_paragraphs(text) == f"Un deux 1{NB}240{NB}€\n\n<b>trois</b>"
    assert html_paragraphs(text, "margin:0") == (
        f'<p style="margin:0">Un deux 1{NB}240{NB}€</p>\n<p style="margin:0">&lt;b&gt;trois&lt;/b&gt;</p>'
    )
    assert max(len(each) for each in text_paragraphs("mot " * 100).splitlines()) <= 78


def test_what_customers_are_called_is_text_in_the_page() -> None:
    hostile = line(number="<script>1</script>", purchase_order='"><img src=x>')
    html = render(letter(hostile, customer_name="<b>&{{ 7*7 }}</b>", company_name="A<i>"), SHIPPED).html
    for markup in ("<script", "<img", "<b>", "<i>", "49"):
        assert markup not in html
    assert "&lt;b&gt;&amp;{{ 7*7 }}&lt;/b&gt;" in html


@pytest.mark.parametrize("language", ["fr", "en"])
def test_the_page_is_fit_for_phones_outlook_and_screen_readers(language: str) -> None:
    html = render(letter(line(), PARTLY_PAID, language=language), SHIPPED).html
    assert f'<html lang="{language}">' in html
    assert '<meta name="color-scheme" content="light dark">' in html
    assert "max-width:600px" in html
    assert "<!--[if mso]>" in html
    assert html.count('scope="col"') == 3
    assert len(html.encode()) < 20_000  # Gmail cuts at 102 kB


def test_a_block_of_the_company_takes_the_place_of_a_shipped_one(tmp_path: Path) -> None:
    rendered = render(letter(), mail_environment(own(tmp_path, **changed("greeting", "Chers {{ customer }},"))))
    assert rendered.text.startswith("Chers Menuiserie Lefèvre & Fils,\n")
    assert "Chers Menuiserie Lefèvre &amp; Fils," in rendered.html
    assert "Sauf erreur ou omission de notre part" in rendered.text


def test_a_shipped_block_can_be_added_to(tmp_path: Path) -> None:
    root = own(tmp_path, **changed("closing", "{{ super() }}\n\n<b>Merci</b> & à bientôt."))
    rendered = render(letter(), mail_environment(root))
    assert rendered.text.rstrip().count("<b>Merci</b> & à bientôt.") == 1
    assert rendered.html.count("&lt;b&gt;Merci&lt;/b&gt; &amp; à bientôt.") == 1


def test_a_phrase_of_the_company_is_laid_over_the_shipped_ones(tmp_path: Path) -> None:
    root = own(tmp_path, **{"mail__fr.toml": 'signature = "Tél. 04 72 00 00 00 – RCS Lyon 000 000 000"\n'})
    rendered = render(letter(), mail_environment(root))
    assert rendered.text.rstrip().endswith("Tél. 04 72 00 00 00 – RCS Lyon 000 000 000")
    assert "RCS Lyon 000 000 000</p>" in rendered.html
    assert "Comptabilité clients" in rendered.text


def test_a_language_is_added_by_its_catalogue_and_texts(tmp_path: Path) -> None:
    english = (SHIPPED.loader.get_source(SHIPPED, "mail/en.toml")[0]) if SHIPPED.loader else ""
    text = (
        "{% extends layout %}{% block subject %}Lembrete {{ lines[0].number }}{% endblock %}"
        "{% block greeting %}Bom dia,{% endblock %}{% block closing %}{{ phrases.crossed }}{% endblock %}"
    )
    root = own(
        tmp_path,
        **{"mail__pt.toml": english.replace("en_GB", "pt_PT"), "mail__pt__friendly_reminder.j2": text},
    )
    environment = mail_environment(root)
    assert "pt" in languages(environment)
    rendered = render(letter(language="pt"), environment)
    assert (rendered.language, rendered.subject) == ("pt", "Lembrete FA-2026-0312")
    assert f"1{NB}240,00{NB}€" in rendered.text
    with pytest.raises(LetterError, match=r"templates/mail/pt/firm_reminder.j2: there is no such text"):
        render(letter(language="pt", template="firm_reminder"), environment)


@pytest.mark.parametrize(
    ("block", "content", "told"),
    [
        ("closing", "Payez sous 8 jours.", r"plain part says '8', which is no figure"),
        ("closing", "Indemnité de 40,00 €.", r"says '40,00', which is no figure"),
        ("opening", "Vous devez {{ lines[0].balance }}0.", "says"),
        ("opening", "{{ total }} et 1{{ nbsp }}240,00 €", "says"),
        ("subject", "Rappel du 13 mars", r"subject says '13'"),
        ("subject", "", "its subject is empty"),
        ("table", "", "lacks"),
        ("table", "{% for line in lines %}{{ line.number }} {{ line.due }} {% endfor %}{{ total }}", "lacks '1"),
        ("table", "{% for line in lines %}{{ line.due }} {{ line.balance }} {% endfor %}{{ total }}", "lacks 'FA-2026"),
        ("greeting", "{{ costumer }}", "'costumer' is undefined"),
        ("greeting", "{{ lines[7].number }}", "no element 7"),
        ("greeting", "{{ 1 // 0 }}", "by zero"),
        ("greeting", "{{ ''.__class__.__mro__ }}", "unsafe"),
        ("greeting", "{{ ''|attr('__class__') }}", "unsafe|undefined"),
        ("greeting", "{{ '{0.__class__}'.format('') }}", "unsafe|undefined"),
        ("greeting", "{{ ('{0.__cla' ~ 'ss__}').format('') }}", "unsafe|undefined"),
        ("greeting", "{{ cycler.__init__.__globals__.os }}", "unsafe|undefined"),
        ("greeting", "{{ lipsum.__globals__['os'] }}", "unsafe|undefined"),
        ("greeting", "{{ self.__init__.__globals__ }}", "unsafe|undefined"),
        ("greeting", "{{ lines.append(1) }}", "unsafe|undefined|has no attribute|callable"),
        ("greeting", "{% for i in range(10**9) %}{% endfor %}", "Range too big"),
        ("greeting", "{% import 'os' as os %}", "there is no such text"),
        ("greeting", "{% include '/etc/passwd' %}", "there is no such text"),
        ("greeting", "{% if %}", r"line 1"),
        ("greeting", "{% include 'mail/none.j2' %}", "there is no such text"),
        ("greeting", "{% include '../relance.toml' %}", "there is no such text"),
    ],
)
def test_a_text_that_is_wrong_is_refused_and_named(tmp_path: Path, block: str, content: str, told: str) -> None:
    made = letter(PARTLY_PAID) if block == "opening" else letter(line(), PARTLY_PAID)
    environment = mail_environment(own(tmp_path, **changed(block, content)))
    with pytest.raises(LetterError, match=told) as caught:
        render(made, environment)
    assert str(caught.value).startswith("templates/")


@pytest.mark.parametrize(
    "loading", ['<img src="https://t.example/p.gif">', '<div style="background:url(x)">', "<script>x</script>"]
)
def test_a_layout_that_loads_something_is_refused(tmp_path: Path, loading: str) -> None:
    layout = (
        f'{{% extends "shipped/mail/layout.html.j2" %}}{{% block table %}}{{{{ super() }}}}{loading}{{% endblock %}}'
    )
    environment = mail_environment(own(tmp_path, **{"mail__layout.html.j2": layout}))
    with pytest.raises(LetterError, match="its HTML loads something"):
        render(letter(), environment)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("signature = ", "TOML in UTF-8"),
        ("signature = 7", "one line of text"),
        ('signature = """a\nb"""', "one line of text"),
        ('locale = "xx_YY"', "a language and a country"),
        ('locale = "nonsense"', "a language and a country"),
    ],
)
def test_a_catalogue_with_a_mistake_is_named(tmp_path: Path, content: str, told: str) -> None:
    environment = mail_environment(own(tmp_path, **{"mail__fr.toml": content}))
    with pytest.raises(ConfigError, match=told) as caught:
        render(letter(), environment)
    assert str(caught.value).startswith("templates/mail/fr.toml")


def test_a_new_language_must_have_every_phrase(tmp_path: Path) -> None:
    environment = mail_environment(own(tmp_path, **{"mail__pt.toml": 'locale = "pt_PT"\n'}))
    with pytest.raises(ConfigError, match=r"templates/mail/pt.toml: amount: expected a phrase"):
        render(letter(language="pt"), environment)


def test_attachments_are_spoken_of_only_where_there_are_any() -> None:
    pdf = Attachment("FA.pdf", "application/pdf", b"%PDF")
    for language, words in (("fr", "nous joignons une copie"), ("en", "We attach a copy")):
        for template in texts(SHIPPED):
            made: dict[str, Any] = {"language": language, "template": template}
            assert words not in render(letter(**made), SHIPPED).text
            assert words in render(letter(**made, attachments=(pdf,)), SHIPPED).text


@pytest.fixture
def configuration(tmp_path: Path) -> Path:
    file = tmp_path / "relance.toml"
    file.write_text(CONFIGURATION, encoding="utf-8")
    return file


def test_check_renders_every_text(configuration: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--config", str(configuration), "templates", "check", "--json"]) == 0
    rows = capsys.readouterr().out.splitlines()
    assert len(rows) == LETTERS + PAPERS
    assert all('"error": null' in row for row in rows)


def test_check_names_the_text_that_is_wrong(configuration: Path, capsys: pytest.CaptureFixture[str]) -> None:
    own(configuration.parent, **changed("closing", "Payez sous 8 jours."))
    assert main(["--config", str(configuration), "templates", "check"]) == 1
    out, err = capsys.readouterr()
    assert "templates/mail/fr/friendly_reminder.j2: its plain part says '8'" in out
    assert err == f"4 of {LETTERS + PAPERS - 8} letters can't be written.\n"


def test_check_names_the_letter_that_is_wrong(configuration: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = '{% extends "shipped/letters/de/formal_notice.j2" %}{% block closing %}Zahlen Sie.{% endblock %}'
    own(configuration.parent, **{"letters__de__formal_notice.j2": text})
    assert main(["--config", str(configuration), "templates", "check"]) == 1
    out, err = capsys.readouterr()
    assert "templates/letters/de/formal_notice.j2 lacks" in out
    assert err == f"2 of {LETTERS + PAPERS} letters can't be written.\n"


@pytest.mark.parametrize("there_is_a_browser", [True, False])
def test_preview_opens_the_list_where_that_is_wanted(
    configuration: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch,
    *, there_is_a_browser: bool,
) -> None:  # fmt: skip
    opened: list[str] = []

    def opens(url: str) -> bool:
        opened.append(url)
        return there_is_a_browser

    monkeypatch.setattr("webbrowser.open", opens)
    folder = configuration.parent / "pages"
    assert main(["--config", str(configuration), "templates", "preview", str(folder), "--open"]) == 0
    assert opened == [(folder / "index.html").absolute().as_uri()]
    assert ("No browser" in capsys.readouterr().err) is not there_is_a_browser


@pytest.mark.parametrize(
    ("day", "written"), [(8, "l’8 marzo"), (11, "l’11 marzo"), (1, "il 1º marzo"), (18, "il 18 ma")]
)
def test_an_italian_day_has_its_article(day: int, written: str) -> None:
    made = letter(line(due_date=date(2026, 3, day)), language="it")
    assert f"scaduta {written}" in " ".join(render(made, SHIPPED).text.split())


@pytest.mark.parametrize("language", languages(SHIPPED))
@pytest.mark.parametrize("tone", ["friendly", "neutral"])
def test_a_notice_before_the_due_date_agrees_with_one_invoice_or_several(language: str, tone: str) -> None:
    one, several = ONE_OR_SEVERAL[language]
    made: dict[str, Any] = {"language": language, "template": "pre_due_notice", "tone": tone}
    for lines, there, absent in (((line(),), one, several), ((line(), PARTLY_PAID), several, one)):
        text = " ".join(render(letter(*lines, **made), SHIPPED).text.split())
        assert there in text
        assert absent not in text


def test_check_finds_a_text_that_only_a_plan_names(configuration: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plans = configuration.parent / "plans"
    plans.mkdir()
    step = 'name = "last"\nday = 20\nchannel = "mail"\ntemplate = "very_last_reminder"\nlevel = 3\n'
    (plans / "own.toml").write_text(f'name = "own"\nversion = 1\n[[step]]\n{step}', encoding="utf-8")
    assert main(["--config", str(configuration), "templates", "check"]) == 1
    assert "templates/mail/fr/very_last_reminder.j2: there is no such text" in capsys.readouterr().out


def test_preview_writes_pages_and_prints_their_paths(configuration: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = configuration.parent / "pages"
    assert main(["--config", str(configuration), "templates", "preview", str(folder)]) == 0
    paths = [Path(row) for row in capsys.readouterr().out.splitlines()]
    assert sorted(paths) == sorted(folder.iterdir())
    assert len(paths) == LETTERS + PAPERS + 1
    assert (folder / "fr-formal_notice-charged.pdf").read_bytes().startswith(b"%PDF-")
    assert 'href="fr-formal_notice-charged.pdf"' in (folder / "index.html").read_text(encoding="utf-8")
    assert "Ateliers Morel SAS" in (folder / "fr-friendly_reminder-one.html").read_text(encoding="utf-8")


def test_preview_says_where_it_can_not_write(configuration: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--config", str(configuration), "templates", "preview", str(configuration)]) == 1
    assert "Name a folder that can be written to." in capsys.readouterr().err
