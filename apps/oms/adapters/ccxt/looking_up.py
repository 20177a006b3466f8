"""What is in doubt is looked up until it is known, and what was acknowledged until it is seen.

An order counts as never placed when the time in which its request could be carried out is over and
two complete searches, some time apart, found nothing. Nothing is sent here but cancels again, and
what was not placed where the account wishes that.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import count

from oms.adapters.ccxt.chores import Chores
from oms.adapters.ccxt.faults import ReadFailed, Rejected
from oms.adapters.ccxt.finding import Absent, Finder, Found
from oms.adapters.ccxt.inbox import Inbox
from oms.adapters.ccxt.known import Known, ended
from oms.adapters.ccxt.pace import Pace
from oms.adapters.ccxt.telling import Telling, about, refused
from oms.adapters.ccxt.wishes import Wish
from oms.domain.report import Heard, Report, ReportKind

_log = logging.getLogger("oms.ccxt")
_SEEN_TRIES = 3
#: Order, kind, attempt: the next change of an order is another question than the one before.
_Key = tuple[int, "Doubt", int]


class Doubt(StrEnum):
    """What is asked of an order."""

    #: Whether it was placed.
    PLACE = "place"
    #: Whether it has its new terms.
    CHANGE = "change"
    #: Whether it is canceled.
    CANCEL = "cancel"
    #: What became of it: a list does not show it any more.
    SEEN = "seen"


@dataclass(slots=True, kw_only=True, eq=False)
class Question:
    """One thing to find out; ``since`` is when its request left, or could have."""

    known: Known
    kind: Doubt
    since: datetime
    is_acked: bool = False
    wish: Wish | None = None
    #: The exchange's refusal that has to be understood.
    refusal: Rejected | None = None
    hurry: asyncio.Event = field(default_factory=asyncio.Event)
    over: asyncio.Event = field(default_factory=asyncio.Event)
    #: When nothing was found first, the time for it being over.
    absent_at: datetime | None = None


class LookingUp:
    """Asks about orders of one account, one task a question."""

    def __init__(
        self,
        *,
        finder: Finder,
        telling: Telling,
        inbox: Inbox,
        clock: Callable[[], datetime],
        pace: Pace,
        window: Callable[[], float],
        chores: Chores,
        again: Callable[[Wish], None],
        resend: Callable[[Wish], bool],
    ) -> None:
        self._finder = finder
        self._telling = telling
        self._inbox = inbox
        self._clock = clock
        self._pace = pace
        self._window = window
        self._chores = chores
        #: Sends a cancel once more.
        self._again = again
        #: Sends what was not placed once more; ``False`` where that is not done.
        self._resend = resend
        self._open: dict[_Key, Question] = {}

    def begin(self, question: Question) -> None:
        """Ask until it is known; a question that is open already is not asked twice."""
        key = _key(question)
        if key in self._open:
            self._open[key].hurry.set()
            return
        self._open[key] = question
        self._chores.begin(self._ask(key, question))

    def is_asked(self, known: Known) -> bool:
        """Whether anything is being asked about the order."""
        name = known.order_id or id(known)
        return any(name == order for order, _, _ in self._open)

    def is_idle(self) -> bool:
        """Whether nothing is asked."""
        return not self._open

    async def settled(self, known: Known) -> None:
        """Wait until it is known whether the order was placed; asks at once."""
        question = self._open.get((known.order_id, Doubt.PLACE, 0))
        if question is None:
            known.is_in_doubt = False
            return
        question.hurry.set()
        await question.over.wait()

    async def _ask(self, key: _Key, question: Question) -> None:
        try:
            for number in count():
                await self._wait(question, number)
                if await self._is_known(question, number):
                    return
        finally:
            del self._open[key]
            question.over.set()

    async def _wait(self, question: Question, number: int) -> None:
        """Until the next look; sooner when somebody is in a hurry or a verdict is due."""
        pace, now = self._pace, self._clock()
        times = pace.confirm if question.is_acked else pace.look_up
        if question.kind is Doubt.SEEN:
            times = (0.0, *pace.confirm)
        before = times[number - 1] if 0 < number <= len(times) else 0.0
        pause = times[number] - before if number < len(times) else pace.look_up_every
        if question.absent_at is not None:
            pause = min(pause, pace.absent_apart)
        else:
            due = question.since + timedelta(seconds=self._window())
            if due > now:
                pause = min(pause, (due - now).total_seconds() + 0.01)
        try:
            async with asyncio.timeout(pause):
                await question.hurry.wait()
        except TimeoutError:
            return
        question.hurry.clear()

    async def _is_known(self, question: Question, number: int) -> bool:
        """Look once; whether the question is answered."""
        known = question.known
        try:
            found = await self._finder.find(known, proves=self._may_prove(question))
        except ReadFailed as failed:
            _log.warning("order %d cannot be looked up: %s", known.order_id, failed.message)
            return question.kind is Doubt.SEEN and number + 1 >= _SEEN_TRIES
        now = self._clock()
        if isinstance(found, Absent):
            return self._judge_absence(question, found, now)
        question.absent_at, known.missed_at = None, None
        return self._judge(question, found, now)

    def _judge(self, question: Question, found: Found, now: datetime) -> bool:
        known, wish = question.known, question.wish
        after = timedelta(seconds=self._pace.provisional)
        reports, fees = self._telling.looked(found.shown, found.trades, now, after)
        is_known = known.is_over or question.kind in (Doubt.PLACE, Doubt.SEEN)
        if wish is not None and question.kind in (Doubt.CHANGE, Doubt.CANCEL):
            verdict = self._verdict(question, wish, now)
            is_known = is_known or verdict is not None
            reports += verdict or []
        self._inbox.put(reports, [], fees)
        return is_known

    def _verdict(self, question: Question, wish: Wish, now: datetime) -> list[Report] | None:
        """What the order as found says of a wish; ``None``: nothing yet."""
        known, heard = wish.known, Heard.RECONCILE
        if known.is_over:
            if question.kind is Doubt.CANCEL:
                return []
            return refused(wish, "too_late", "the order is over", heard, now)
        if question.kind is Doubt.CHANGE and _has_terms(known, wish):
            if known.answers != wish.answers:
                return []
            known.answers += 1
            kind, qty, price = ReportKind.CHANGED, known.whole_qty, known.price
            return [about(known, kind, heard, now, qty=qty, price=price)]
        may_repeat = question.kind is Doubt.CANCEL and now < wish.deadline
        has_moved = wish.named_id not in (None, known.live_id)
        if may_repeat and (has_moved or not question.is_acked):
            self._again(wish)
            return []
        if question.refusal is not None and question.kind is Doubt.CHANGE:
            return refused(wish, question.refusal.code, question.refusal.message, heard, now)
        if self._is_past_window(question, now):
            message = f"the {wish.kind} was not carried out: the order is as it was"
            return refused(wish, "exchange_rejected", message, heard, now)
        return None

    def _judge_absence(self, question: Question, absent: Absent, now: datetime) -> bool:
        known = question.known
        if question.kind is Doubt.SEEN:
            known.missed_at = now
            return True
        if not absent.is_complete or not self._is_past_window(question, now):
            return False
        question.absent_at = question.absent_at or now
        apart = timedelta(seconds=self._pace.absent_apart)
        if now - question.absent_at < apart:
            return False
        if question.kind is Doubt.PLACE:
            if question.wish is None or not self._resend(question.wish):
                self._inbox.put([self._not_placed(known, now)])
        elif question.wish is not None:
            message = "the exchange does not show the order"
            told = refused(question.wish, "order_not_found", message, Heard.RECONCILE, now)
            self._inbox.put(told)
        return True

    def _not_placed(self, known: Known, now: datetime) -> Report:
        ended(known, now)
        known.is_not_placed = True
        message = "the exchange has no such order"
        return about(known, ReportKind.NOT_PLACED, Heard.RECONCILE, now, message=message)

    def _may_prove(self, question: Question) -> bool:
        """Whether it would mean anything that an order is not shown."""
        is_placing = question.kind is Doubt.PLACE
        return not is_placing or self._is_past_window(question, self._clock())

    def _is_past_window(self, question: Question, now: datetime) -> bool:
        return now >= question.since + timedelta(seconds=self._window())


def _key(question: Question) -> _Key:
    known, kind, wish = question.known, question.kind, question.wish
    attempt = 0 if kind is Doubt.PLACE or wish is None else wish.row.attempt
    return known.order_id or id(known), kind, attempt


def _has_terms(known: Known, wish: Wish) -> bool:
    return wish.qty in (None, known.whole_qty) and wish.price in (None, known.price)
