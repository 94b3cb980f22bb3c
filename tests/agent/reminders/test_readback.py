"""What a composed mail says is compared with what it may say."""

import pytest

from agent.reminders.readback import missing_figures, read_html, unknown_figures

NB = "\u00a0"
KNOWN = ["FA-12", "12", f"1{NB}240,00{NB}€", f"240,00{NB}€", "28/02/2026", f"13{NB}jours", "Studio 54", "€1,240.00"]


@pytest.mark.parametrize(
    "text",
    [
        "rien du tout",
        "la facture FA-12, échue le 28/02/2026.",
        f"(FA-12) 28/02/2026  1{NB}240,00{NB}€  240,00{NB}€",
        f"un retard de 13{NB}jours\npour 240,00{NB}€.",
        "Studio\n  54",
        "FA-12;12: €1,240.00!",
    ],
)
def test_known_figures_by_themselves_are_known(text: str) -> None:
    assert unknown_figures(text, KNOWN) == ()


@pytest.mark.parametrize(
    "text",
    [
        f"9{NB}240,00{NB}€",       # the tail of another amount
        f"9{chr(0x202F)}240,00{NB}€",
        f"-240,00{NB}€",           # the sign turned
        f"−240,00{NB}€",
        "FA-12-3",                 # another invoice
        "FA-123",
        "XFA-12",
        "12,5",
        "12.5",
        "12/13",
        "3.12",
        "240,00",                  # an amount without its currency
        "240,00 USD",
        "28/02/20267",
        "le 28 février",
        "sous 8 jours",
        "€11,240.00",
        "x²",
        "١٢",                      # digits of another script
    ],
)  # fmt: skip
def test_other_figures_are_not(text: str) -> None:
    assert unknown_figures(text, KNOWN)


def test_without_known_figures_every_digit_is_unknown() -> None:
    assert unknown_figures("facture 7", []) == ("7",)


def test_a_wanted_figure_must_stand_by_itself() -> None:
    assert missing_figures("FA-12-3 et 28/02/2026", ["FA-12", "28/02/2026"]) == ("FA-12",)
    assert missing_figures("Studio\n54", ["Studio 54"]) == ()


def test_html_is_read_as_people_see_it() -> None:
    page = "<style>p { margin: 7px }</style><!-- 8 --><p width='9'>1<b>2</b>&#51;</p><td>4</td><td>5</td>"
    text, loads = read_html(page)
    assert (text.split(), loads) == (["1", "2", "3", "4", "5"], ())


@pytest.mark.parametrize(
    "page",
    [
        '<img src="https://t.example/p.gif">', "<IMG>", '<table background="x.png">', '<p style="background:URL (x)">',
        "<style>@import 'x'</style>", "<style>p { background: url(x) }</style>", '<link rel="stylesheet" href="x">',
        "<script>1</script>", '<iframe srcdoc="x">', '<a href="javascript:x">x</a>', '<a href="http://t.example">x</a>',
        '<video poster="x">', "<svg></svg>", '<meta http-equiv="refresh" content="0">', "<form action='x'>",
    ],
)  # fmt: skip
def test_a_page_that_loads_or_runs_something_is_found_out(page: str) -> None:
    assert read_html(page)[1]


def test_links_load_nothing() -> None:
    page = '<a href="https://pay.example/x">x</a><a href="mailto:a@b.example">y</a><a href="tel:+33123456789">z</a>'
    assert read_html(page)[1] == ()
