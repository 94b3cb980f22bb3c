"""The drains: each does all that there is to do of one kind, now, and is harmless when run twice.

    collect:MAILBOX   IMAP → stored
    understand        stored → read → predicted → applied or queued
    clockwork         promises and reported payments whose time has come
    plan              due reminders → reserved deliveries, tasks
    deliver:MAILBOX   unknown ones settled, then reserved → sent, then the copies in Sent
    retention         personal data that was kept for as long as it may be, erased
    digest            last week's figures by mail, for the company's own people
    warning           what went wrong, by mail to the operator, each trouble once
    anchor            the head of the event log, noted outside of the database
    webhooks          changes of state, told to the systems that the configuration names
    count             mails in each mailbox against those that are handled; an alarm where they differ
    worklist          what waits for a person is weighed; customers that everybody forgot become tasks

They are plain methods that open and close what they need; who calls them and when is no concern of theirs. The daemon's
engine calls them by name (`run`), each when it is due; `agent.cycle` calls them all once. Every call leaves a
heartbeat, and every failure comes out as a `RelanceError`.

Nothing is delivered from a mailbox that could not be read: the answer to the next reminder may lie there.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import select, update

from agent import heartbeats
from agent.audit import anchoring
from agent.host import LONG_AGO
from agent.inbound import confined, process
from agent.inbound.collect import Collected, collect
from agent.inbound.values import Kind
from agent.learning import promotion
from agent.learning.loaded import TrainedModel
from agent.ledger import lawful
from agent.ledger.claims import judge_claims
from agent.ledger.promises import judge_promises
from agent.operations import counting
from agent.privacy import erase
from agent.privacy.erase import Erased
from agent.reminders import decide, deliver, outbound, plan, reconcile
from agent.reminders.deliver import Post
from agent.reminders.sentbox import SentBox, open_sent_box
from agent.reminders.wire import NotingWire, SmtpWire
from agent.replies import apply
from agent.results import NOTHING, Next, Posted, Understood, added
from agent.review import weighing
from agent.webhooks import sending
from agent.wire.imap import imap_session
from config import Settings
from config.errors import TemporaryFailure
from models import Database, Message, Prediction
from models.message import Direction
from models.states import MessageState

SLICE = timedelta(seconds=60)
"""How long a drain of deliveries, or one that understands, goes on before it lets others have their turn; and the age
at which what was read of a mailbox is read anew before more leaves from it."""
TURN = 60
"""Mails that are read before those are decided: after weeks of downtime the first answers act within seconds."""
SLICE_MAILS = 40

SETTLED = timedelta(minutes=10)
"""So long a daemon has worked before it counts what is not handled."""

Clock = Callable[[], datetime]


class Drains:
    """The drains of one process over one database.

    ``worker`` names the process in the leases of what it works on, unlike any other one that lives or lived. Setting
    ``stop`` ends each drain after the mail in hand. ``clock`` is the wall clock; what is judged is judged at ``now``.
    """

    def __init__(
        self, database: Database, settings: Settings, *, clock: Clock, worker: str, stop: threading.Event
    ) -> None:
        self.database = database
        self.settings = settings
        self.clock = clock
        self.worker = worker
        self.stop = stop
        self._began = clock()
        self._reader = confined.Reader()
        self._trained = TrainedModel(
            lambda: settings.model_path or promotion.in_use(settings.root, database.key), settings.encoder
        )

    def close(self) -> None:
        self._reader.close()

    def run(self, loop: str) -> Next:
        """Run a loop of this name now; what should follow. Raises RelanceError, once the heartbeat has it."""
        kind, _, mailbox = loop.partition(":")
        now = self.clock()
        match kind:
            case "collect":
                return Next(("understand",) if self.collect(mailbox, now).stored else ())
            case "understand":
                understood = self.understand(now)
                again_at = self.clock() if understood.has_more else None
                return Next(("plan",) if understood.applied else (), again_at)
            case "clockwork":
                return Next(("plan",) if self.clockwork(now) else ())
            case "plan":
                return Next(self.deliveries if self.plan(now).mails else ())
            case "deliver":
                posted = self.deliver(mailbox, now)
                again_at = self.clock() if posted.has_more else posted.done.wait_until
                wake = [f"collect:{mailbox}"] if posted.is_unread else []
                return Next((*wake, "anchor") if posted.done.sent else tuple(wake), again_at)
            case _ if kind in (alone := self._alone):
                alone[kind](now)
                return Next()
        raise ValueError(f"there is no loop {loop!r}")

    @property
    def _alone(self) -> dict[str, Callable[[datetime], object]]:
        """Loops by which nothing else has work."""
        return {
            "retention": self.retention,
            "digest": self.digest,
            "warning": lambda now: self.warning(now, at_once=False),
            "anchor": self.anchor,
            "webhooks": self.webhooks,
            "worklist": self.worklist,
            "count": self._count_once_settled,
        }

    @property
    def collections(self) -> tuple[str, ...]:
        return tuple(f"collect:{name}" for name in self.settings.mailbox)

    @property
    def deliveries(self) -> tuple[str, ...]:
        return tuple(f"deliver:{name}" for name in self.settings.mailbox)

    # --- the drains -------------------------------------------------------------------------------------------------

    def collect(self, mailbox: str, now: datetime) -> Collected:
        """Store every mail of the mailbox that isn't stored yet."""
        with self._beat(f"collect:{mailbox}", now), imap_session(self.settings.mailbox[mailbox]) as imap:
            return collect(self.database, mailbox, self.settings, imap, now, self.stop)

    def understand(self, now: datetime) -> Understood:
        """Read, predict and decide, some mails after the other, each lot to its end, for a minute at most.

        What was decided of one lot stands, whatever becomes of the next; a mail that was not read yet holds everybody's
        reminders, one that was not decided its customers'. What needs no trained model doesn't wait for it: where that
        fails, the rest is done first.
        """
        with self._beat("understand", now):
            began, done, failure = self.clock(), Understood(), None
            while not self.stop.is_set():
                if self.clock() - began > SLICE:
                    done = replace(done, has_more=True)
                    break
                turn, why = self._turn(now, predicting=failure is None)
                failure = failure or why
                if turn == Understood():
                    break
                done = added(done, turn)
            if failure is not None:
                raise failure
            return done

    def clockwork(self, now: datetime) -> int:
        """Judge promises and reported payments whose time has come; how many were judged."""
        with self._beat("clockwork", now):
            judged = judge_promises(self.database, self.settings, now) + judge_claims(self.database, self.settings, now)
            return judged + lawful.watch(self.database, self.settings, now)

    def plan(self, now: datetime) -> plan.Planned:
        """Reserve what is due."""
        with self._beat("plan", now):
            return plan.drain(self.database, self.settings, now)

    def deliver(self, mailbox: str, now: datetime) -> Posted:
        """Settle what is unknown, send what is due (for a minute at most), file the copies that are missing.

        Raises:
            TemporaryFailure, NeedsPerson: one of the two servers can't be reached or refuses us; mails that left before
                are booked.
        """
        posted = Posted()
        with self._beat(f"deliver:{mailbox}", now, is_well=lambda: posted.done != NOTHING or self._is_taken(mailbox)):
            settings = self.settings.mailbox[mailbox]
            with self.database.read() as session:
                if not outbound.needs_servers(session, mailbox, settings, now):
                    return posted
            with open_sent_box(settings) as sent_box:
                settled = reconcile.drain(self.database, self.settings, mailbox, settings, sent_box, now)
                try:
                    posted = self._post(mailbox, sent_box, now)
                finally:
                    reconcile.drain(self.database, self.settings, mailbox, settings, sent_box, now)
            return replace(posted, settled=settled.sent + settled.asked)

    def retention(self, now: datetime) -> Erased:
        """Erase what has been kept for as long as it may be."""
        with self._beat("retention", now):
            return erase.drain(self.database, self.settings, now)

    def digest(self, now: datetime) -> int:
        """Send last week's figures, once."""
        with self._beat("digest", now):
            from agent.reports import posting  # noqa: PLC0415 a workbook's writer, for once a week

            return posting.drain(self.database, self.settings, now)

    def warning(self, now: datetime, *, at_once: bool) -> int:
        """Tell the operator what went wrong and was not told yet; ``at_once``: a single failure counts."""
        with self._beat("warning", now):
            from agent.reports import warning  # noqa: PLC0415 babel's plural rules and templates, for a rare mail

            return warning.drain(self.database, self.settings, now, at_once=at_once)

    def anchor(self, now: datetime) -> bool:
        """Note how far the log of events has come, where it can't be changed with the database."""
        with self._beat("anchor", now):
            return anchoring.drain(self.database, self.settings, now)

    def webhooks(self, now: datetime) -> int:
        """Tell other systems of what has changed; how many messages they took."""
        with self._beat("webhooks", now):
            return sending.drain(self.database, self.settings, now, self.stop)

    def count(self, now: datetime) -> int:
        """Hold the mails in each mailbox against those that are handled; how many alarms begin or end."""
        with self._beat("count", now):
            return counting.drain(self.database, self.settings, now)

    def worklist(self, now: datetime) -> int:
        """Put what waits for a person in order; how many items were weighed."""
        with self._beat("worklist", now):
            with self.database.read() as session:
                last_run = heartbeats.last_worked(session, "worklist")
            return weighing.drain(self.database, self.settings, now, last_run)

    def take_over(self, dead: Collection[str] | None = None) -> int:
        """End the leases of workers that are dead for certain. None: all others, as this is the only one that works."""
        ended = sum(reconcile.orphaned(self.database, name, self.worker, dead) for name in self.settings.mailbox)
        theirs = Message.owner != self.worker if dead is None else Message.owner.in_(dead)
        with self.database.write() as session:
            claimed = session.scalars(
                update(Message)
                .where(Message.state == MessageState.STORED, Message.owner.is_not(None), theirs)
                .values(lease_until=LONG_AGO)
                .returning(Message.id)
            ).all()
        return ended + len(claimed)

    def _count_once_settled(self, now: datetime) -> None:
        """What lay there since the last daemon ended needs its time."""
        if self.clock() - self._began >= SETTLED:
            self.count(now)

    # --- parts --------------------------------------------------------------------------------------------------------

    @contextmanager
    def _beat(self, loop: str, now: datetime, is_well: Callable[[], bool] = lambda: True) -> Iterator[None]:
        """Leave a heartbeat of what is done in the block; what it raises comes out as a RelanceError.

        Where ``is_well`` says no at its end, an earlier failure stands: nothing has shown that it is over.
        """
        try:
            yield
            if is_well():
                heartbeats.worked(self.database, loop, now)
        except Exception as error:
            shown = heartbeats.told(error)
            heartbeats.failed(self.database, loop, shown, now)
            raise shown from error

    def _turn(self, now: datetime, *, predicting: bool) -> tuple[Understood, Exception | None]:
        """One lot of mails, read, predicted and decided; and why they could not be predicted."""
        stop, failure, predicted = self.stop.is_set, None, 0
        read = process.process(self.database, self.settings, self._reader, now, self.worker, stop=stop, at_most=TURN)
        if predicting:
            try:
                predicted = self._predict(now)
            except Exception as error:  # noqa: BLE001 raised by the caller, once what needs no model is decided
                failure = error
        applied = apply.drain(self.database, self.settings, now, stop=stop)
        return Understood(read.read, read.quarantined, predicted, applied.applied, applied.queued), failure

    def _predict(self, now: datetime) -> int:
        with self.database.read() as session:
            waits = session.scalar(
                select(Message.id)
                .where(
                    Message.state == MessageState.READ,
                    Message.direction == Direction.IN,
                    Message.kind == Kind.HUMAN.value,
                    Message.id.not_in(select(Prediction.message_id)),
                )
                .limit(1)
            )
        if waits is None:
            return 0
        from agent.replies import predict  # noqa: PLC0415 scikit-learn and the trained model take seconds to load

        return predict.drain(self.database, self.settings, self._trained.current(), now)

    def _post(self, mailbox: str, sent_box: SentBox, now: datetime) -> Posted:
        """Send one mail after the other, as long as there are some, and time."""
        wire = NotingWire(SmtpWire(self.settings.mailbox[mailbox].smtp))
        post = Post(mailbox, self.settings.mailbox[mailbox], wire, sent_box, self.worker, self.clock)
        began, done = self.clock(), NOTHING
        for _ in range(SLICE_MAILS):
            due = self._due(mailbox, now)
            if not due or self.stop.is_set() or self.clock() - began > SLICE:
                break
            if not self._was_just_read(mailbox, now):
                return Posted(done, is_unread=True)
            one = deliver.drain(self.database, self.settings, post, now, limit=1)
            done = added(done, one)
            if one.wait_until is not None:
                return Posted(done)
            if wire.hindrance is not None:
                raise TemporaryFailure(wire.hindrance)
            if one == NOTHING and self._due(mailbox, now) >= due:
                break  # others have claimed what is left
        else:
            due = self._due(mailbox, now)
        return Posted(done, has_more=bool(due) and done != NOTHING and not self.stop.is_set())

    def _due(self, mailbox: str, now: datetime) -> int:
        with self.database.read() as session:
            return outbound.count_due(session, mailbox, now)

    def _is_taken(self, mailbox: str) -> bool:
        """Whether no mail waits because the server refuses us: until it is tried again nobody knows more."""
        with self.database.read() as session:
            return not outbound.waits_for_server(session, mailbox)

    def _was_just_read(self, mailbox: str, now: datetime) -> bool:
        with self.database.read() as session:
            return decide.was_just_read(heartbeats.last_worked(session, f"collect:{mailbox}"), now)
