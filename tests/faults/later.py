"""Twelve days later: what the clock brings. A promise has not been kept, a reported payment has not come in, a customer
is insolvent by then, a claim of another is about to lapse; relance dies while it judges them, and the end is that of
judging them undisturbed.
"""

from datetime import datetime

from tests.faults import scene
from tests.faults.endstate import End
from tests.faults.trials import Outcome, Trial, judge, prepared
from tests.faults.world import World

LATER = datetime(2025, 3, 19, 10, 0, tzinfo=scene.PARIS)
CUSTOMERS = (
    "id,name,email,insolvent_since\neleven,Eleven SA,ap@eleven.test,2025-03-14\ntwelve,Twelve SA,ap@twelve.test,\n"
)
INVOICES = scene.INVOICES + "F-21,eleven,2025-03-04,210.00\nF-22,twelve,2020-05-04,220.00\n"


def clockwork(world: World, trial: Trial) -> Outcome:
    """Killed at a point of judging; with an odd seed once more while it recovers."""
    key = f"later-{trial.kind}"
    if key not in world.ends:
        _until_later(world, trial)
        world.ends[key] = _judged(world)
    _until_later(world, trial)
    ended = world.cycle(**trial.job)
    if ended.was_killed and trial.seed % 2:
        world.cycle(**trial.job)
    if ended.code is None or ended.said.get("broke"):
        raise AssertionError(f"it {'hung' if ended.code is None else 'broke'}: {ended.failures}")
    return judge(trial, world.ends[key], world.settle(), world, struck=ended.was_killed)


def _until_later(world: World, trial: Trial) -> None:
    prepared(world, trial)
    world.settle()
    world.now = LATER
    for kind, text in (("customers", CUSTOMERS), ("invoices", INVOICES), ("payments", scene.PAYMENTS)):
        world.load(kind, text, LATER)
    world.cycles = 0


def _judged(world: World) -> End:
    end = world.settle()
    if not any(fact.startswith("promise") and fact.endswith("broken") for fact in end.facts):
        raise AssertionError("no promise was broken by then, so that nothing was judged")
    for what in ("unpaid_claim", "insolvency", "prescription"):
        if not any(what in fact for fact in end.facts):
            raise AssertionError(f"{what}: nobody was asked by then")
    return end
