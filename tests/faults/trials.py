"""One trial each: a world, one fault, and what came of it compared with the undisturbed end.

A trial counts only where its fault has struck (`Outcome.struck`): a test whose fault never happened has tested nothing.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from tests.faults import deeds, endstate, scene
from tests.faults.endstate import End
from tests.faults.proxy import Fault, How
from tests.faults.world import World


@dataclass(frozen=True, slots=True)
class Trial:
    """What is done, and to what. `group` is the class of faults that it counts to; `run` carries it out."""

    group: str
    what: str
    run: Callable[[World, "Trial"], "Outcome"]
    kind: str = "sqlite"
    files: bool = False
    job: Mapping[str, Any] = field(default_factory=dict)
    fault: Fault | None = None
    deed: str = ""
    """What other people have done before the cycle begins."""
    seed: int = 0

    def __str__(self) -> str:
        where = f"{self.kind}, {'provider files copies' if self.files else 'relance files copies'}"
        return f"{self.group}: {self.what} ({where})"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a trial. The three that must be nought, what was not known for a while, and how long it took."""

    trial: str
    group: str
    struck: bool
    duplicates: int = 0
    lost: tuple[str, ...] = ()
    doubled: tuple[str, ...] = ()
    """What ended otherwise than undisturbed."""
    by_sent: int = 0
    by_mail: int = 0
    """Deliveries of unknown outcome that an answer or a bounce has settled."""
    by_person: int = 0
    """… and those of which a person is asked: not proven, whatever became of them."""
    person_though_delivered: int = 0
    cycles: int = 0
    """How many further cycles it took to come to the end, after the one with the fault."""
    seconds: float = 0.0
    peak_bytes: int = 0
    cases: int = 1
    """How many separate things were tried in it: each stranger's mail is one."""
    back_seconds: float | None = None
    """How long after its end a fault still showed: from the next start, or from the server's return on."""
    broke: str = ""
    """Why the trial could not be judged: it hung, or failed where nothing disturbed it."""

    @property
    def is_well(self) -> bool:
        return not (self.duplicates or self.lost or self.doubled or self.broke)


def conduct(world: World, trial: Trial) -> Outcome:
    """Carry out a trial; what keeps it from an end is an outcome too."""
    began = time.monotonic()
    try:
        outcome = trial.run(world, trial)
    except (AssertionError, OSError, RuntimeError, ValueError) as error:
        outcome = Outcome(str(trial), trial.group, struck=True, broke=f"{type(error).__name__}: {error}"[:2000])
    return replace(outcome, seconds=time.monotonic() - began)


def judge(
    trial: Trial, base: End, end: End, world: World, *, struck: bool, ignoring: frozenset[str] = frozenset()
) -> Outcome:
    """Compare the end with the one it should have come to."""
    told = endstate.differences(base, end, ignoring)
    lost = tuple(line for line in told if _is_loss(line))
    got = {**end.got}
    return Outcome(
        trial=str(trial),
        group=trial.group,
        struck=struck,
        duplicates=end.duplicates,
        lost=lost,
        doubled=tuple(line for line in told if line not in lost),
        by_sent=sum(by == "sent_folder" for by in end.settled.values()),
        by_mail=sum(by in {"reply", "bounce"} for by in end.settled.values()),
        by_person=len(end.asked),
        person_though_delivered=sum(got.get(mail, 0) > 0 for mail in end.asked_mails),
        cycles=max(0, world.cycles - 1),
    )


def _is_loss(line: str) -> bool:
    is_gone = line.startswith("message ") and ": 0 and not" in line
    return is_gone or line.startswith("neither sent") or "not known" in line


def prepared(world: World, trial: Trial) -> End:
    """Set the trial's world up; the end that it should come to."""
    base = world.undisturbed(kind=trial.kind, files=trial.files)
    world.reset(kind=trial.kind, files=trial.files)
    return base


# --- deaths -----------------------------------------------------------------------------------------------------------


def kill(world: World, trial: Trial) -> Outcome:
    """relance dies in its cycle; with an odd seed it dies once more at the same place while it recovers."""
    base = prepared(world, trial)
    if trial.deed:
        deeds.Schedule(world, trial.seed).do(trial.deed)
    world.smtp.arm(trial.fault)
    ended = world.cycle(**trial.job)
    if ended.was_killed and trial.seed % 2:
        world.cycle(**trial.job)
    if ended.code is None or ended.said.get("broke"):
        raise AssertionError(f"it {'hung' if ended.code is None else 'broke'}: {ended.failures}")
    return judge(trial, base, world.settle(), world, struck=ended.was_killed)


def kill_then_answer(world: World, trial: Trial) -> Outcome:
    """relance dies after a body was begun; a customer who has the mail answers it, which settles what was unknown."""
    prepared(world, trial)
    ended = world.cycle(**trial.job)
    return _answered(world, trial, struck=ended.was_killed)


def _answered(world: World, trial: Trial, *, struck: bool) -> Outcome:
    end = world.settle()
    for mail in world.provider.mails:
        name, who = endstate.message_id(mail.raw), mail.recipients[0].partition("@")[2].removesuffix(".test")
        if name in end.asked_mails:
            world.account.append(scene.later_answer(name, who, "Bonjour,\n\nQuel est votre numéro de TVA ?\n"))
    last = world.settle()
    had_it = sorted(name for name in end.asked_mails if end.got.get(name, 0))
    unproven = tuple(f"answered, and still not known: {name}" for name in had_it if last.settled.get(name) != "reply")
    told = Outcome(str(trial), trial.group, struck=struck, duplicates=last.duplicates, doubled=unproven)
    return replace(
        told, by_mail=len(had_it) - len(unproven), by_person=len(last.asked), cycles=max(0, world.cycles - 1),
        by_sent=sum(by == "sent_folder" for by in last.settled.values()),
    )  # fmt: skip


# --- the wire ---------------------------------------------------------------------------------------------------------

_IMPATIENT = frozenset({How.STALL, How.TRICKLE, How.GIANT})


def wire(world: World, trial: Trial) -> Outcome:
    """One answer of a server goes wrong; whoever waits, waits for a scaled-down time."""
    fault = trial.fault
    if fault is None:
        raise ValueError(f"{trial}: no fault")
    base = prepared(world, trial)
    proxy = world.smtp if trial.group.startswith("send") else world.imap
    proxy.arm(fault)
    ended = world.cycle(quick=fault.how in _IMPATIENT)
    struck = proxy.fired
    if ended.code is None or ended.said.get("broke"):
        raise AssertionError(f"it {'hung' if ended.code is None else 'broke'}: {ended.failures}")
    if _is_final(fault):
        # The refused mail is a person's, or waits for its next try: that is what the refusal asks for.
        return _refused(world, trial, base, struck=struck)
    outcome = judge(trial, base, world.settle(), world, struck=struck)
    return replace(outcome, peak_bytes=ended.rss_bytes)


def _is_final(fault: Fault) -> bool:
    return fault.how is How.SAY and fault.text.startswith("5") and fault.at in {"MAIL", "RCPT", "DATA", "DOT"}


def _refused(world: World, trial: Trial, base: End, *, struck: bool) -> Outcome:
    """A refusal for good goes to a person: one mail less went out, and an item says so. Everything else is as ever."""
    end = world.settle()
    refused = {fact.split()[2] for fact in end.facts if fact.startswith("reminder to") and fact.endswith("rejected")}
    asked = {fact.split()[2] for fact in end.facts if fact.startswith("exception of") and "delivery_rejected" in fact}
    unasked = (refused - asked) - {"five"}  # Thursday's bounce, which is told by its own item
    outcome = judge(trial, base, end, world, struck=struck, ignoring=frozenset(refused | asked))
    return replace(outcome, lost=outcome.lost + tuple(f"refused, and nobody asked: {who}" for who in sorted(unasked)))


# --- other people, in the same mailbox --------------------------------------------------------------------------------


def mailbox(world: World, trial: Trial) -> Outcome:
    """A random schedule of what people and servers do to a mailbox, while it is read and between."""
    base = prepared(world, trial)
    schedule = deeds.Schedule(world, trial.seed)
    struck = schedule.play()
    return _among_people(world, trial, base, schedule, struck=struck)


def _among_people(world: World, trial: Trial, base: End, schedule: deeds.Schedule, *, struck: bool) -> Outcome:
    end = world.settle()
    outcome = judge(trial, base, end, world, struck=struck, ignoring=schedule.excused())
    if any("reused_message_id open" in fact for fact in end.facts):
        return outcome
    return replace(outcome, lost=(*outcome.lost, "nobody is asked about the Message-ID that two mails have"))


def meet(world: World, trial: Trial) -> Outcome:
    """At one named point of the cycle other people do one thing."""
    base = prepared(world, trial)
    schedule = deeds.Schedule(world, trial.seed)
    point, deed = trial.what.split(" at ")[1], trial.what.split(" at ")[0]
    done: list[str] = []

    def do(_point: str) -> None:
        schedule.do(deed)
        done.append(deed)

    world.cycle(meet=do, meet_at=(point,))
    return _among_people(world, trial, base, schedule, struck=bool(done))


# --- mails that break what reads them ---------------------------------------------------------------------------------


def poison(world: World, trial: Trial) -> Outcome:
    """Mails that kill, hang or puzzle the parser lie among the answers: each ends before a person, no other is late."""
    base = prepared(world, trial)
    bad = deeds.poisonous(trial.seed)
    for raw in bad:
        world.account.append(raw)
    ended = world.cycle(**trial.job)
    if ended.code is None or (ended.code != 0 and not trial.job):
        raise AssertionError(f"it ended by {ended.code}: {ended.failures}")
    end = world.settle()
    names = deeds.names_of(world, bad)
    outcome = judge(trial, base, end, world, struck=True, ignoring=frozenset(names))
    stuck = tuple(
        f"neither read nor set aside: {fact}"
        for fact in end.facts
        if set(fact.split()) & names and fact.startswith("message") and fact.split(" | ")[1].split()[2] not in _HANDLED
    )
    missing = len(bad) - len(names)
    lost = stuck + ((f"{missing} of {len(bad)} bad mails are not known",) if missing else ())
    return replace(outcome, lost=outcome.lost + lost, peak_bytes=ended.rss_bytes)


_HANDLED = frozenset({"applied", "queued", "quarantined"})
