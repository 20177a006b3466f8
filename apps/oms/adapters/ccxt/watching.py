"""What streams tell becomes reports, by the same ways as what is read.

Executions are told before the end of their order. An order whose state says that more was executed
than was told is looked up soon: a frame got lost, or is late. A row that cannot be trusted to be
told once alone is left to readings.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from functools import partial

from oms.adapters.ccxt.chores import Chores
from oms.adapters.ccxt.digest import Digest
from oms.adapters.ccxt.evidence import ORDER, TRADE, Evidence
from oms.adapters.ccxt.exact import name_of
from oms.adapters.ccxt.faults import ReadFailed
from oms.adapters.ccxt.inbox import Inbox
from oms.adapters.ccxt.known import Known
from oms.adapters.ccxt.looking_up import Doubt, LookingUp, Question
from oms.adapters.ccxt.orders_read import OrderShown, Shown, order_shown
from oms.adapters.ccxt.pace import Pace
from oms.adapters.ccxt.rules import Part
from oms.adapters.ccxt.streams import ORDERS
from oms.adapters.ccxt.telling import Telling
from oms.adapters.ccxt.trades_read import TradeShown, trades_shown
from oms.adapters.ccxt.venue import Row, Venue
from oms.domain.report import Heard
from oms.domain.value import evolve

_ENDS = (Shown.CANCELED, Shown.EXPIRED)


class Watching:
    """Of one account."""

    def __init__(
        self,
        *,
        client: Venue,
        venue: str,
        parts: Callable[[], Sequence[Part]],
        digest: Digest,
        telling: Telling,
        looking_up: LookingUp,
        inbox: Inbox,
        evidence: Evidence,
        chores: Chores,
        read_soon: Callable[[], None],
        clock: Callable[[], datetime],
        pace: Pace,
    ) -> None:
        self._client = client
        self._venue = venue
        self._parts = parts
        self._digest = digest
        self._telling = telling
        self._looking_up = looking_up
        self._inbox = inbox
        self._evidence = evidence
        self._chores = chores
        self._read_soon = read_soon
        self._clock = clock
        self._pace = pace
        self._heard: list[tuple[bool, Row]] = []
        self._news = asyncio.Event()
        #: States that say more was executed than was told, by order.
        self._short: dict[int, tuple[Known, OrderShown]] = {}

    def take(self, method: str, rows: Sequence[Row]) -> None:
        """Put rows of a topic aside, in the order heard."""
        self._heard += [(method == ORDERS, row) for row in rows]
        self._news.set()

    async def run(self) -> None:
        """Tell what was put aside, for ever."""
        while True:
            await self._news.wait()
            self._news.clear()
            heard, self._heard = self._heard, []
            try:
                await self._tell(heard)
            except ReadFailed:
                self._read_soon()  # it will find the same, and try again

    async def _tell(self, heard: Sequence[tuple[bool, Row]]) -> None:
        orders = self._orders_of(row for is_order, row in heard if is_order)
        trades = self._trades_of([row for is_order, row in heard if not is_order])
        for part in self._parts():
            shown = [each for each in orders if each.symbol in part.symbols]
            executed = [each for each in trades if each.symbol in part.symbols]
            if shown or executed:
                await self._tell_part(part, shown, executed)

    def _orders_of(self, rows: Iterable[Row]) -> list[OrderShown]:
        found = []
        for row in rows:
            try:
                shown = order_shown(row, self._venue, self._client.instruments)
            except ReadFailed as wrong:
                self._evidence.aside(ORDER, wrong.message, row)
                continue
            if shown is not None:
                found.append(shown)
        return found

    def _trades_of(self, rows: Sequence[Row]) -> list[TradeShown]:
        """Those with an id: of two that are alike in all else, one may be a repetition."""
        named = [row for row in rows if name_of(row) is not None]
        once = {(row.get("symbol"), name_of(row)): row for row in named}
        if len(named) < len(rows):
            self._read_soon()
        aside = partial(self._evidence.aside, TRADE)
        return trades_shown(once.values(), self._venue, self._client.instruments, aside)

    async def _tell_part(
        self, part: Part, shown: Sequence[OrderShown], trades: Sequence[TradeShown]
    ) -> None:
        now, heard = self._clock(), Heard.STREAM
        standing = [evolve(o, shown=Shown.OPEN) if o.shown in _ENDS else o for o in shown]
        # Orders first: an execution may be known by its order's id alone.
        for orders, executed in ((standing, ()), ((), trades)):
            told = await self._digest(part, orders, executed, now, heard=heard)
            reports = [*told.orders, *(report for _, report in told.trades)]
            self._inbox.put(reports, [], told.charges)
            if told.waiting_since is not None:
                self._read_soon()
        for each in shown:
            self._judge(each, now)
        for known, short in list(self._short.values()):
            if not self._telling.missing(short, known):
                del self._short[id(known)]
                self._inbox.put(self._telling.of_order(short, heard, now))

    def _judge(self, shown: OrderShown, now: datetime) -> None:
        """Tell an end whose executions were told; wait for those that are missing."""
        known = self._telling.known_as(shown, now)
        if known is None:
            return
        if not self._telling.missing(shown, known):
            if shown.shown in _ENDS:
                self._inbox.put(self._telling.of_order(shown, Heard.STREAM, now))
            return
        is_new = id(known) not in self._short
        if is_new or shown.filled >= self._short[id(known)][1].filled:
            self._short[id(known)] = known, shown
        if is_new:
            self._chores.begin(self._look_up_later(known))

    async def _look_up_later(self, known: Known) -> None:
        await asyncio.sleep(self._pace.missing)
        if self._short.pop(id(known), None) is not None:
            question = Question(known=known, kind=Doubt.SEEN, since=self._clock())
            self._looking_up.begin(question)
