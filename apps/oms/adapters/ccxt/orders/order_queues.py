"""Lanes: the requests of one order leave one after the other, those of different orders overlap.

At most so many writes are under way at once; cancels go first, and have one place beside, so that
none waits behind writes which wait for the rate limit. What a lane carries is not judged here.
"""

import asyncio
import heapq
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from itertools import count

from oms.adapters.ccxt.background_tasks import BackgroundTasks
from oms.adapters.ccxt.orders.order_requests import CANCEL, PLACE, OrderRequest

_FIRST, _THEN = 0, 1


class WriteLimiter:
    """Lets at most ``room`` writes through at once; of those that wait, cancels first.

    One cancel goes beside them, unless ``room`` is 1: then nothing overlaps at all.
    """

    def __init__(self, room: int) -> None:
        self._room = room
        self._beside = 0 if room == 1 else 1
        self._waiting: list[tuple[int, int, asyncio.Future[None]]] = []
        self._number = count()

    @asynccontextmanager
    async def acquire(self, request: OrderRequest) -> AsyncIterator[None]:
        """Wait for a place and hold it."""
        await self._enter(_FIRST if request.kind == CANCEL else _THEN)
        try:
            yield
        finally:
            self._leave()

    async def _enter(self, rank: int) -> None:
        if self._has_room(rank):
            self._room -= 1
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (rank, next(self._number), turn))
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._leave()  # the place was given in the moment of leaving
            raise

    def _leave(self) -> None:
        self._room += 1
        while self._waiting and self._has_room(self._waiting[0][0]):
            turn = heapq.heappop(self._waiting)[2]
            if not turn.done():
                self._room -= 1
                turn.set_result(None)

    def _has_room(self, rank: int) -> bool:
        return self._room + (self._beside if rank == _FIRST else 0) > 0


class PerOrderQueue:
    """One lane an order; ``carry`` takes one wish to its outcome."""

    def __init__(
        self, carry: Callable[[OrderRequest], Awaitable[None]], tasks: BackgroundTasks
    ) -> None:
        self._carry = carry
        self._background_tasks = tasks
        self._queues: dict[int, deque[OrderRequest]] = {}

    def enqueue(self, request: OrderRequest) -> None:
        """Let it follow those of its order that came before."""
        order_id = request.tracked.order_id
        lane = self._queues.get(order_id)
        if lane is not None:
            lane.append(request)
            return
        self._queues[order_id] = deque([request])
        self._background_tasks.begin(self._run(order_id))

    def unsent_requests(self, order_id: int) -> Sequence[OrderRequest]:
        """The wishes about an order, if its placing is among them and not under way."""
        lane = self._queues.get(order_id)
        if not lane or lane[0].kind != PLACE or lane[0].is_sending:
            return ()
        return list(lane)

    def of(self, order_id: int) -> Sequence[OrderRequest]:
        """The wishes about an order whose outcome is not known yet."""
        return list(self._queues.get(order_id, ()))

    @property
    def is_idle(self) -> bool:
        """Whether nothing waits and nothing is under way."""
        return not self._queues

    async def _run(self, order_id: int) -> None:
        lane = self._queues[order_id]
        try:
            while lane:
                if not lane[0].is_revoked:
                    await self._carry(lane[0])
                lane.popleft()
        finally:
            del self._queues[order_id]
