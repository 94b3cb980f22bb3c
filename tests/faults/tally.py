"""What many trials come to: counts by class of faults, and how much may still be hidden behind a nought.

The bound is exact (Clopper and Pearson): with no failure in n trials it is 1 - 0.05^(1/n), which the rule of three
(3/n) approximates. It speaks of trials like these, drawn as the catalogue draws them, and of no mailbox.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from scipy.stats import beta

from tests.faults.trials import Outcome

COLUMNS = (
    "class", "faults", "not met", "duplicates", "lost", "otherwise", "broke", "unknown", "by Sent", "by mail",
    "a person", "(had it)", "≤ 95 %", "cycles", "seconds", "back after s", "MB",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Row:
    """One class of faults. ``struck`` trials count; a fault that was never met has tested nothing."""

    group: str
    struck: int
    not_met: int
    duplicates: int
    lost: int
    otherwise: int
    broke: int
    by_sent: int
    by_mail: int
    by_person: int
    had_it: int
    cycles_median: float
    cycles_max: int
    seconds_median: float
    """From the setting up of a trial to the look that finds it at rest; waits of minutes are leapt over."""
    seconds_max: float
    peak_bytes: int
    cases: int
    """Separate things that were tried: a trial is one, but for strangers, where each mail is."""
    bad_cases: int
    back_median: float | None
    """Seconds after its end for which a fault still showed, where a trial measures them."""
    back_max: float | None

    @property
    def bound(self) -> float:
        """The share of such cases that may go wrong, at 95 % confidence, one-sided."""
        return upper_bound(self.bad_cases, self.cases)

    @property
    def zeros_hold(self) -> bool:
        return not (self.duplicates or self.lost or self.otherwise or self.broke) and self.struck > 0

    def cells(self) -> tuple[str, ...]:
        unknown = self.by_sent + self.by_mail + self.by_person
        return (
            self.group, str(self.struck), str(self.not_met), str(self.duplicates), str(self.lost), str(self.otherwise),
            str(self.broke), str(unknown), str(self.by_sent), str(self.by_mail), str(self.by_person), str(self.had_it),
            f"{self.bound:.1%}", f"{self.cycles_median:g} ({self.cycles_max})",
            f"{self.seconds_median:.1f} ({self.seconds_max:.1f})",
            f"{self.back_median:.1f} ({self.back_max:.1f})" if self.back_median is not None else "",
            str(self.peak_bytes >> 20) if self.peak_bytes else "",
        )  # fmt: skip


def upper_bound(failures: int, trials: int) -> float:
    """The exact one-sided upper bound at 95 % of a share.

    >>> round(upper_bound(0, 180), 4)
    0.0165
    """
    if trials == 0 or failures >= trials:
        return 1.0
    return float(beta.ppf(0.95, failures + 1, trials - failures))


def tally(group: str, outcomes: Iterable[Outcome]) -> Row:
    """One row of the table, of all its outcomes."""
    given = list(outcomes)
    struck = [outcome for outcome in given if outcome.struck]
    back = [outcome.back_seconds for outcome in struck if outcome.back_seconds is not None]
    cycles = [outcome.cycles for outcome in struck if not outcome.broke]
    return Row(
        group=group,
        struck=len(struck),
        not_met=len(given) - len(struck),
        duplicates=sum(o.duplicates for o in given),
        lost=sum(len(o.lost) for o in given),
        otherwise=sum(len(o.doubled) for o in given),
        broke=sum(bool(o.broke) for o in given),
        by_sent=sum(o.by_sent for o in struck),
        by_mail=sum(o.by_mail for o in struck),
        by_person=sum(o.by_person for o in struck),
        had_it=sum(o.person_though_delivered for o in struck),
        cases=sum(o.cases for o in struck),
        bad_cases=sum(_bad_cases(o) for o in struck),
        back_median=median(back) if back else None,
        back_max=max(back, default=None),
        cycles_median=median(cycles) if cycles else 0,
        cycles_max=max(cycles, default=0),
        seconds_median=median(o.seconds for o in struck) if struck else 0.0,
        seconds_max=max((o.seconds for o in struck), default=0.0),
        peak_bytes=max((o.peak_bytes for o in given), default=0),
    )


def _bad_cases(outcome: Outcome) -> int:
    """Of the cases of one trial those that went wrong, at most all of them; all, where it could not be judged."""
    if outcome.broke:
        return outcome.cases
    return min(outcome.cases, outcome.duplicates + len(outcome.lost) + len(outcome.doubled))


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown, with columns as wide as what stands in them."""
    given = [tuple(columns), *(tuple(row) for row in rows)]
    widths = [max(len(row[place]) for row in given) for place in range(len(columns))]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in given
    ]
    rule = "| " + " | ".join("-" * width for width in widths) + " |"
    return "\n".join([lines[0], rule, *lines[1:]])
