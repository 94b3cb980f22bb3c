"""Servers that are away for minutes and hours, tokens that run out, and a wait for mail that breaks.

Time is not slept through: between two tries of a server that is away the world's clock moves on by the rest that the
engine takes, which is a function of how often it failed.
"""

import contextlib
import math
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from agent.engine import LONGEST_REST, rest
from agent.inbound import idle
from config import load
from models import Delivery
from models.states import DeliveryState
from tests.builders import mail
from tests.faults import scene
from tests.faults.proxy import Proxy
from tests.faults.trials import Outcome, Trial, judge, prepared
from tests.faults.world import World
from tests.servers.process import free_port, until
from tests.servers.tokens import TokenServer

REFRESH = "refresh-token-of-the-lab"


# --- servers that are down --------------------------------------------------------------------------------------------


def down(world: World, trial: Trial) -> Outcome:
    """`trial.what` is ``SERVER down for MINUTES minutes``: tried as the engine would, then everything as undisturbed.

    `back_seconds` is how long after its return the server was tried again.
    """
    base = prepared(world, trial)
    server, _, span = trial.what.partition(" down for ")
    seconds = 60.0 * int(span.split()[0])
    began, passed, tries, in_a_row = world.now, 0.0, 0, 0
    with _AWAY[server](world):
        while passed < seconds:
            ended = world.cycle()
            if ended.code != 0 or ended.said.get("sent") or (passed == 0 and not ended.failures):
                raise AssertionError(f"at {passed:.0f} s without its server: {ended}")
            in_a_row = in_a_row + 1 if ended.failures else 0
            tries += bool(ended.failures)
            passed = passed + rest(in_a_row, needs_person=False) if in_a_row else _next_due(world, began)
            world.now = began + timedelta(seconds=passed)
    back = world.cycle()
    if back.code != 0 or back.failures or not back.said.get("sent"):
        raise AssertionError(f"the server is back, and the next try does not go on: {back}")
    if passed - seconds > LONGEST_REST or tries > 10 + seconds / 60:
        raise AssertionError(f"{tries} tries, the next {passed - seconds:.0f} s after the server's return")
    outcome = judge(trial, base, world.settle(), world, struck=True)
    return replace(outcome, back_seconds=passed - seconds)


def _next_due(world: World, began: datetime) -> float:
    """Nothing was tried, as no mail is due: the seconds at which the next one is, at the schedule's next minute."""
    with world.opened() as database, database.read() as session:
        waits = session.scalars(select(Delivery.not_before).where(Delivery.state == DeliveryState.FAILED)).all()
    return 60.0 * math.ceil((min(waits) - began).total_seconds() / 60)


@contextmanager
def _no_smtp(world: World) -> Iterator[None]:
    world.configure(smtp=free_port())
    try:
        yield
    finally:
        world.configure()


@contextmanager
def _no_server(world: World) -> Iterator[None]:
    with world.dovecot.down(), _no_smtp(world):
        yield


_AWAY: Mapping[str, Callable[[World], contextlib.AbstractContextManager[None]]] = {
    "IMAP": lambda world: world.dovecot.down(),
    "SMTP": _no_smtp,
    "both": _no_server,
}
OUTAGES = [f"{server} down for {minutes} minutes" for server in _AWAY for minutes in (10, 180)]


# --- tokens -----------------------------------------------------------------------------------------------------------


def token(world: World, trial: Trial) -> Outcome:
    """The mailbox is read by XOAUTH2; `trial.what` says what becomes of its tokens. None is written anywhere."""
    base = prepared(world, trial)
    with TokenServer.serving(world.dovecot.introspection_port, world.account.address) as server:
        _log_in_by_token(world, server)
        environment = {"LAB_REFRESH": REFRESH}
        fails = TOKENS[trial.what](server)
        ended = world.cycle(environment=environment, **trial.job)
        if ended.code != 0 or bool(ended.failures) != fails:
            raise AssertionError(f"with {trial.what}: {ended}")
        server.refusals.clear()
        server.uses, server.stale = None, 0
        again = world.cycle(environment=environment)
        if again.code != 0 or again.failures:
            raise AssertionError(f"once it is over: {again}")
        given = [*server.given, REFRESH]
    world.configure()
    told = "\n".join(ended.failures).encode()
    leaked = tuple(f"a token is in {where}" for where in _written(world, told, given))
    outcome = judge(trial, base, world.settle(), world, struck=bool(given))
    return replace(outcome, doubled=outcome.doubled + leaked)


def _log_in_by_token(world: World, server: TokenServer) -> None:
    text = world.config.read_text(encoding="utf-8")
    oauth = f'oauth = {{ token_url = "{server.url}", client_id = "lab", refresh_token_env = "LAB_REFRESH" }}'
    world.config.write_text(text.replace('password_env = "LAB_IMAP_PASSWORD"', oauth), encoding="utf-8")


def _written(world: World, told: bytes, secrets: list[str]) -> Iterator[str]:
    """Where any of them stands: what was told of failures, and all files of the installation."""
    places = {"an error": told, **{f.name: f.read_bytes() for f in world.folder.rglob("*") if f.is_file()}}
    for name, content in places.items():
        if any(secret.encode() in content for secret in secrets):
            yield name


def _refuse(*codes: int) -> Callable[[TokenServer], bool]:
    """The token server answers so; the cycle fails by it."""

    def refuse(server: TokenServer) -> bool:
        server.refusals = list(codes) * 20
        return True

    return refuse


def _run_out(server: TokenServer) -> bool:
    server.stale = 1
    return False


def _good_once(server: TokenServer) -> bool:
    server.uses = 1
    return False


def _all_run_out(server: TokenServer) -> bool:
    server.stale = 1_000
    return True


TOKENS: Mapping[str, Callable[[TokenServer], bool]] = {
    "token server says 503": _refuse(503),
    "token server says 500 and 429": _refuse(500, 429),
    "refresh token refused": _refuse(400),
    "access token has run out": _run_out,
    "access token runs out between two log-ins": _good_once,
    "every access token has run out": _all_run_out,
}
"""Each sets the fault up, and says whether the cycle fails by it: a token that has run out is fetched anew."""


# --- the wait for mail ------------------------------------------------------------------------------------------------


def waiting(world: World, trial: Trial) -> Outcome:
    """The connection that waits for mail breaks at IDLE or DONE; mail that comes afterwards still wakes the collection.

    `back_seconds` is how long that took.
    """
    prepared(world, trial)
    proxy: Proxy = world.imap
    proxy.arm(trial.fault)
    stop, woken = threading.Event(), threading.Semaphore(0)
    mailbox = load(world.config).mailbox["ar"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LAB_IMAP_PASSWORD", world.account.password)
        patch.setattr(idle, "PAUSES", (0.1, 0.2))
        patch.setattr(idle, "SLICE_SECONDS", 1.0)  # so that DONE is said soon
        patch.setattr(idle, "COMMAND_SECONDS", 1.5)
        thread = threading.Thread(target=idle.watch, args=(mailbox, woken.release, stop))
        thread.start()
        try:
            until(lambda: proxy.fired, seconds=30, what=f"the fault {trial.fault}")
            while woken.acquire(blocking=False):
                pass
            began = time.monotonic()
            world.account.append(mail.letter("Late.\n", sender="x@late.test", to=(scene.ADDRESS,)))
            is_woken = woken.acquire(timeout=60)
            took = time.monotonic() - began
        finally:
            stop.set()
            proxy.hang_up()
            thread.join(30)
    lost = () if is_woken else ("mail came, and nobody was woken",)
    hung = "" if not thread.is_alive() else "the thread that waits does not end"
    return Outcome(str(trial), trial.group, struck=True, lost=lost, broke=hung, back_seconds=took)
