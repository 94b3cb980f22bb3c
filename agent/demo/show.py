"""What a person sees of the demo: the days pass live on a terminal; elsewhere a plain line for each thing that happens.

Everything that customers wrote is shown as text only: no markup of theirs is obeyed, nothing steers the terminal.
"""

import threading
import time
from collections.abc import Callable, Iterable
from datetime import datetime
from decimal import Decimal
from types import TracebackType
from typing import Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from agent.console import printable
from agent.demo.story import Asked, Board, Happening, MailLeft, MoneyCame, Moved, Read
from agent.demo.verdict import Judged, Verdict
from agent.demo.world import Scene

PLAIN_WIDTH = 110
_EXCERPT = 76

_STATE_STYLES = {
    "open": "white", "reminded": "yellow", "payment_reported": "cyan", "promised": "blue", "broken": "red",
    "disputed": "magenta", "paid": "green", "credited": "green", "written_off": "dim", "in_collection": "red",
}  # fmt: skip


def console_for(stream_is_terminal: bool) -> Console:
    """Standard output, as wide as it is; a file gets lines of a fixed width without colours."""
    return (
        Console(highlight=False) if stream_is_terminal else Console(highlight=False, width=PLAIN_WIDTH, no_color=True)
    )


class Show:
    """Shows scenes, and spreads them over so many seconds; a context manager. ``seconds`` None: as fast as they come.

    What happens scrolls by and can be scrolled back to; below it stands the board, on a terminal only.
    """

    def __init__(self, console: Console, company: str, days: int, seconds: float | None) -> None:
        self._console = console
        self._company = company
        self._days = days
        self._seconds = seconds
        self._live = Live(console=console, auto_refresh=False, transient=True) if console.is_terminal else None
        self._reached = 0.0
        self._pause = threading.Event()  # never set: a wait that Ctrl-C ends at once
        self._began = time.monotonic()

    def __enter__(self) -> Self:
        if self._live is not None:
            self._live.start()
        self._began = time.monotonic()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()

    def play(self, scene: Scene) -> None:
        """Show what happened, one thing after the other, until it is time for the next scene."""
        began, self._reached = self._reached, scene.progress
        self._print(Text(f"{_day(scene.at)}  {scene.at:%H:%M}", style="bold"))
        if not scene.happenings:
            self._print(Text("   quiet", style="dim"))
        for place, happening in enumerate(scene.happenings, 1):
            for line in told(happening):
                self._print(line)
            self._wait(began + (scene.progress - began) * place / (len(scene.happenings) + 1))
        if self._live is not None:
            self._live.update(self._below(scene), refresh=True)
        self._wait(scene.progress)

    def _print(self, line: Text) -> None:
        # Above the board long lines would push it around: they are cut there, and wrapped by nobody in a file.
        if self._live is not None:
            line.truncate(self._console.width, overflow="ellipsis")
        self._console.print(line, soft_wrap=True)

    def _wait(self, progress: float) -> None:
        """Until so much of the time has passed."""
        if self._seconds is not None:
            self._pause.wait(max(0.0, self._began + self._seconds * progress - time.monotonic()))

    def _below(self, scene: Scene) -> RenderableType:
        head = Table.grid(expand=True)
        head.add_column()
        head.add_column(justify="right")
        head.add_row(
            Text(f"{self._company}: {_day(scene.at)}", style="bold"), Text(f"day {scene.number} of {self._days}")
        )
        bar = Table.grid(expand=True)  # by itself the bar ends no line
        bar.add_row(ProgressBar(total=1.0, completed=scene.progress))
        return Panel(Group(head, bar, _board(scene.board)))


def _board(board: Board) -> Table:
    """Invoices by state, what waits for a person, and totals, side by side."""
    invoices, queue, totals = _rows(3), _rows(2), _rows(2)
    for state, (count, balance) in board.invoices.items():
        style = _STATE_STYLES.get(state, "")
        invoices.add_row(Text(_words(state), style=style), Text(str(count), style=style), _money(balance))
    for reason, count in (*board.queue.items(), *board.tasks.items()):
        queue.add_row(_words(reason), str(count))
    for name, value in (
        ("reminders sent", str(board.mails_sent)),
        ("mails received", str(board.answers)),
        ("settled without a person", str(board.applied)),
        ("collected", _money(board.collected)),
    ):
        totals.add_row(name, value)
    side_by_side = Table(box=None, expand=True, padding=(0, 2), title_justify="left")
    for title in ("invoices", "waiting for a person", "so far"):
        side_by_side.add_column(title, header_style="bold", ratio=1)
    side_by_side.add_row(invoices, queue, totals)
    return side_by_side


def _rows(columns: int) -> Table:
    table = Table.grid(expand=True, padding=(0, 1))
    for column in range(columns):
        table.add_column(justify="right" if column else "left", no_wrap=True)
    return table


# --- one happening in words -------------------------------------------------------------------------------------------


def told(happening: Happening) -> list[Text]:
    """The lines that tell of it."""
    match happening:
        case MoneyCame(payments, total):
            return [_line("€", "green", f"bank statement: {payments} payment(s), {_money(total)}")]
        case MailLeft(customer, step, numbers, total):
            text = f"{_words(step)} to {customer}: {', '.join(numbers)}, {_money(total)}"
            return [_line("→", "yellow", text)]
        case Moved(number, was, to, reason, by_message):
            end = "" if by_message is not None else f" ({_words(reason)})"
            return [_line(" ", _STATE_STYLES.get(to, ""), f"  {number}: {_words(was)} → {_words(to)}{end}")]
        case Asked(what, customer, detail):
            return [
                _line("!", "magenta", f"for a person: {_words(what)}, {customer}{f' ({detail})' if detail else ''}")
            ]
        case Read():
            return _read(happening)
    raise TypeError(happening)


def _read(read: Read) -> list[Text]:
    if read.kind == "bounce":
        heads = [_line("←", "cyan", f"{read.customer}: undelivered")]
    elif read.kind != "human":
        heads = [_line("←", "cyan", f"{read.customer}: {_words(read.kind)} “{_excerpt(read.text)}”")]
    else:
        words = f" by {', '.join(f'“{word}”' for word in read.words)}" if read.words else ""
        heads = [
            _line("←", "cyan", f"{read.customer}: “{_excerpt(read.text)}”"),
            _line(" ", "", f"understood as {read.primary} ({read.confidence:.0%}){words}"),
        ]
    end = (
        f"to a person [{_words(read.rule)}]: {read.why}"
        if read.is_queued
        else f"done [{_words(read.rule)}]: {read.why}"
    )
    return [*heads, _line(" ", "magenta" if read.is_queued else "green", end)]


def _line(mark: str, style: str, text: str) -> Text:
    return Text(f" {mark} {printable(text)}", style=style)


def _excerpt(text: str) -> str:
    return text if len(text) <= _EXCERPT else text[: _EXCERPT - 1].rstrip() + "…"


def _words(code: str) -> str:
    return code.replace("_", " ")


def _money(amount: Decimal) -> str:
    return f"{amount:,.2f} EUR"


def _day(at: datetime) -> str:
    return f"{at:%A} {at.day} {at:%B %Y}"


# --- the end ----------------------------------------------------------------------------------------------------------


def summary(console: Console, board: Board, verdict: Verdict, commands: Iterable[tuple[str, str]]) -> None:
    """The table at the end, what relance got wrong, and where to look further."""
    console.print()
    console.print(_summary_table(board, verdict))
    _wrong(console, verdict.wrong)
    if verdict.broken:
        console.print(Text("\nWhat must never happen has happened:", style="bold red"))
        for sentence in verdict.broken:
            console.print(Text(f"  {printable(sentence)}", style="red"))
    console.print(Text("\nWhat it left on disk; look further with", style="bold"))
    for command, does in commands:
        console.print(Text(f"  {command}").append(f"   # {does}", style="dim"), soft_wrap=True)


def _summary_table(board: Board, verdict: Verdict) -> Table:
    table = Table(show_header=False, title="what happened", title_justify="left", title_style="bold")
    table.add_column()
    table.add_column(justify="right")
    table.add_column()
    applied = [answer for answer in verdict.humans if answer.is_applied]
    acted_wrongly = sum(answer.is_acted_wrongly for answer in verdict.humans)
    add: Callable[..., None] = table.add_row
    add("reminders sent", str(board.mails_sent), f"{verdict.received} reached a customer's mailbox")
    add("sent twice", str(verdict.duplicates), "counted in the customers' mailboxes")
    add("mails received", str(board.answers), "answers, answering machines, delivery reports, strangers")
    add(
        "people's answers", str(len(verdict.humans)),
        f"understood as meant: {verdict.right}, not as meant: {len(verdict.humans) - verdict.right}",
    )  # fmt: skip
    add("applied without a person", str(len(applied)), f"of them wrongly: {acted_wrongly}")
    add("machines' answers", str(verdict.machines), f"recognised: {verdict.machines_right}")
    add("forged “paid”", str(verdict.forged), f"put in front of a person: {verdict.forged_queued}")
    add("collected", f"{board.collected:,.2f}", "EUR, by the bank's statements")
    table.add_section()
    for state, (count, balance) in board.invoices.items():
        add(f"invoices {_words(state)}", str(count), f"open balance {_money(balance)}")
    table.add_section()
    for reason, count in board.queue.items():
        add(f"queue: {_words(reason)}", str(count), "")
    for kind, count in board.tasks.items():
        add(f"task: {_words(kind)}", str(count), "")
    return table


def _wrong(console: Console, wrong: Iterable[Judged]) -> None:
    found = list(wrong)
    if not found:
        return
    console.print(Text("\nWhere the trained model erred (it never saw these texts before):", style="bold"))
    for answer in found:
        effect = (
            "acted on wrongly" if answer.is_acted_wrongly else ("acted on" if answer.is_applied else "a person decides")
        )
        console.print(Text(f"  {answer.message}: “{printable(_excerpt(answer.text))}”"), soft_wrap=True)
        console.print(
            Text(f"      meant {answer.meant}; taken as {answer.taken}: {effect}", style="dim"), soft_wrap=True
        )
