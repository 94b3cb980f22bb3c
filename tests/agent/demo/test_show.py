import io
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from rich.console import Console

from agent.demo.show import Show, summary, told
from agent.demo.story import Asked, Board, Happening, MailLeft, MoneyCame, Moved, Read
from agent.demo.verdict import Judged, Verdict
from agent.demo.world import Scene

BOARD = Board(
    invoices={"open": (3, Decimal("120.50")), "paid": (2, Decimal(0))}, queue={"question": 1}, tasks={"call": 2},
    mails_sent=4, answers=3, applied=1, queued=2, collected=Decimal(99),
)  # fmt: skip
READ = Read(
    7,
    "Garage Lefort",
    "human",
    "[red]C'est payé\x1b[2J[/red]",
    "paid",
    0.97,
    ("paye",),
    "automatic",
    "all passed",
    False,
)


def scene(*happenings: Happening) -> Scene:
    return Scene(datetime(2026, 3, 3, 9, 40, tzinfo=UTC), 2, 0.5, happenings, BOARD)


@pytest.mark.parametrize("is_terminal", [True, False])
def test_everything_can_be_shown_and_nothing_steers_the_terminal(is_terminal: bool) -> None:
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=is_terminal, width=120, height=40, highlight=False)
    everything = (
        MoneyCame(2, Decimal("10.00")), MailLeft("Garage Lefort", "firm_reminder", ("FA-1",), Decimal(5)), READ,
        Moved("FA-1", "reminded", "payment_reported", "automatic", 7), Asked("call", "Garage Lefort", ""),
    )  # fmt: skip
    with Show(console, "Ateliers Morel SAS", 30, None) as show:
        show.play(scene(*everything))
        show.play(scene())
    shown = stream.getvalue()
    assert "[red]C'est payé\\x1b[2J[/red]" in shown
    assert "reminded → payment reported" in shown
    assert "quiet" in shown
    assert ("waiting for a person" in shown) is is_terminal


def test_an_answer_is_told_with_how_it_was_understood_and_why() -> None:
    lines = [line.plain for line in told(READ)]
    assert lines[1].strip() == "understood as paid (97%) by “paye”"
    assert "automatic" in lines[2]


def test_the_end_names_what_went_wrong() -> None:
    stream = io.StringIO()
    judged = Judged(7, "Merci de patienter", "promise", "paid", is_right=False, is_applied=True, is_acted_wrongly=True)
    found = Verdict(("a mail was received twice: <x>",), 4, 1, (judged,), 1, 1, 2, 2)
    summary(Console(file=stream, width=110), BOARD, found, [("relance plan", "what would go out")])
    shown = stream.getvalue()
    assert "a mail was received twice" in shown
    assert "meant promise; taken as paid: acted on wrongly" in shown
    assert "relance plan" in shown
