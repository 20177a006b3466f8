"""Readings that go on by themselves: often while orders are live, seldom else.

An order of ours that is live and that a list does not show is looked up, never assumed to have
ended. A reading that an order's send has called for reads no executions where the list of open
orders shows all of them as they are known; the next one of the usual pace does.
"""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from oms.adapters.ccxt.connection import Connection
from oms.adapters.ccxt.digest import Digest
from oms.adapters.ccxt.faults import ReadFailed
from oms.adapters.ccxt.inbox import Inbox
from oms.adapters.ccxt.known import Known, KnownOrders
from oms.adapters.ccxt.looking_up import Doubt, LookingUp, Question
from oms.adapters.ccxt.orders_read import OrderShown
from oms.adapters.ccxt.pace import Pace
from oms.adapters.ccxt.reading import Reader
from oms.adapters.ccxt.rules import Part
from oms.adapters.ccxt.streams import Streams
from oms.adapters.ccxt.telling import Telling
from oms.domain.money import ZERO

FIRST_LOOK_BACK = timedelta(seconds=600)


class Polling:
    """Polls one account once it is open."""

    def __init__(
        self,
        *,
        connection: Connection,
        reader: Reader,
        digest: Digest,
        orders: KnownOrders,
        telling: Telling,
        looking_up: LookingUp,
        inbox: Inbox,
        streams: Streams,
        clock: Callable[[], datetime],
        pace: Pace,
    ) -> None:
        self._connection = connection
        self._reader = reader
        self._digest = digest
        self._orders = orders
        self._telling = telling
        self._looking_up = looking_up
        self._inbox = inbox
        self._streams = streams
        self._clock = clock
        self._pace = pace
        #: Until when executions of a part were told, and when they were asked for.
        self._read_until: dict[str, datetime] = {}
        self._read_at: dict[str, datetime] = {}
        self._all_read_at: datetime | None = None
        self._stirred: set[str] = set()
        self._stir = asyncio.Event()
        self._all_is_due = True
        self.is_ready = False

    @property
    def all_read_at(self) -> datetime | None:
        """When the last reading of all began."""
        return self._all_read_at

    def stir(self, symbol: str) -> None:
        """Something has happened in the symbol: read it soon, unless streams tell."""
        if self._streams.stands:
            return
        self._stirred.add(symbol)
        self._stir.set()

    def read_soon(self) -> None:
        """Something may have happened anywhere: read all soon."""
        self._all_is_due = True
        self._stir.set()

    async def run(self) -> None:
        """Read for ever. It is ready once the first reading is over, whatever it came to."""
        while True:
            try:
                await self._read()
            except ReadFailed as failed:
                pause = self._connection.failed(failed)
                self._all_is_due = True
                self._become_ready()
                await asyncio.sleep(pause)
            else:
                self._connection.succeeded()
                self._become_ready()
                await self._rest()

    def _become_ready(self) -> None:
        if not self.is_ready:
            self.is_ready = True
            self._inbox.ring()

    async def _rest(self) -> None:
        """Until the next reading is due; soon, if something has happened."""
        pause = self._pace.live if self._orders.live() else self._pace.idle
        if self._streams.stands:
            pause = self._pace.streaming
        try:
            async with asyncio.timeout(pause):
                await self._stir.wait()
        except TimeoutError:
            return
        await asyncio.sleep(self._pace.soon)

    async def _read(self) -> None:
        now = self._clock()
        idle = timedelta(seconds=self._pace.idle)
        is_all = self._all_read_at is None or now - self._all_read_at >= idle
        is_all = is_all or self._all_is_due or self._streams.stands
        self._all_is_due = False
        busy = {known.symbol for known in self._orders.live()} | self._stirred
        self._stir.clear()
        for part in self._reader.parts():
            if is_all or part.symbols & busy:
                await self._read_part(part, is_whole=is_all or self._is_due(part, now))
        self._stirred -= busy
        if is_all:
            self._all_read_at = now
            self._orders.forget(now - timedelta(seconds=self._pace.remember))

    def _is_due(self, part: Part, now: datetime) -> bool:
        """Whether executions are to be read, whatever the list of open orders shows."""
        read_at = self._read_at.get(part.name)
        return read_at is None or now - read_at >= timedelta(seconds=self._pace.live)

    async def _read_part(self, part: Part, *, is_whole: bool) -> None:
        began = self._clock()
        shown = await self._reader.open_orders(part)
        if not is_whole and self._shows_all_resting(part, shown):
            digested = await self._digest(part, shown, (), self._clock())
            self._inbox.put(digested.orders)
            return
        self._read_at[part.name] = began
        until = self._read_until.get(part.name)
        since = began - FIRST_LOOK_BACK
        if until is not None:
            since = until - timedelta(seconds=self._pace.overlap)
        now = self._clock()
        trades, _ = await self._reader.trades(part, since, now, all_kinds=False, now=now)
        digested = await self._digest(part, shown, trades, now)
        reports = [*digested.orders, *(report for _, report in digested.trades)]
        self._inbox.put(reports, [], digested.charges)
        self._read_until[part.name] = min(began, digested.waiting_since or began)
        self._look_for_missing(part, shown, began)

    def _shows_all_resting(self, part: Part, shown: Sequence[OrderShown]) -> bool:
        """Whether each live order is in the list, and nothing new was executed of any there."""
        live = [known for known in self._orders.live() if known.symbol in part.symbols]
        filled = {known.live_id: known.filled for known in live}
        is_quiet = all(each.filled <= filled.get(each.exchange_order_id, ZERO) for each in shown)
        return is_quiet and filled.keys() <= {each.exchange_order_id for each in shown}

    def _look_for_missing(self, part: Part, shown: Sequence[OrderShown], began: datetime) -> None:
        """Ask for orders that are not in the list, and for executions that are not told."""
        names = {each.exchange_order_id for each in shown}
        for known in self._orders.live():
            is_shown = known.symbol not in part.symbols or known.live_id in names
            if not is_shown and (known.accepted_at or began) < began:
                self._ask(known, began)
        for each in shown:
            known_as = self._orders.named(each.symbol, each.exchange_order_id, each.client_id)
            if known_as is not None and self._telling.missing(each, known_as):
                self._ask(known_as, began)

    def _ask(self, known: Known, now: datetime) -> None:
        pause = timedelta(seconds=self._pace.look_up_every)
        if known.missed_at is not None and now - known.missed_at < pause:
            return
        if not self._looking_up.is_asked(known):
            self._looking_up.begin(Question(known=known, kind=Doubt.SEEN, since=now))
