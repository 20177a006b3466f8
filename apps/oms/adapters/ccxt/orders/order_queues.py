"""Queues of requests: those about one order are sent one after the other, others overlap.

The number of concurrent writes is limited. Cancels go first and have one extra slot, so that none
waits behind writes that wait for the rate limit.
"""

import asyncio
import heapq
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from itertools import count

from oms.adapters.ccxt.exchange_tasks import ExchangeTasks
from oms.adapters.ccxt.orders.order_request import CANCEL, PLACE, OrderRequest

_CANCEL_RANK, _OTHER_RANK = 0, 1

#: A place among the writes in flight: done once it is held.
Slot = asyncio.Future[bool]


class WriteLimiter:
    """Limits concurrent writes to ``slots``; of those that wait, cancels go first.

    Cancels have one extra slot, unless ``slots`` is 1: then nothing overlaps.
    """

    def __init__(self, slots: int) -> None:
        self._free_slots = slots
        self._extra_cancel_slots = 0 if slots == 1 else 1
        self._waiters: list[tuple[int, int, Slot]] = []
        self._number = count()

    @property
    def free_slots(self) -> int:
        """How many further writes may be in flight."""
        return max(self._free_slots, 0)

    @asynccontextmanager
    async def acquire(self, request: OrderRequest) -> AsyncIterator[None]:
        """Waits for a slot and holds it."""
        slot = self.request_slot(_CANCEL_RANK if request.kind == CANCEL else _OTHER_RANK)
        try:
            await slot
        except asyncio.CancelledError:
            self.give_up(slot)
            raise
        try:
            yield
        finally:
            self.release()

    def request_slot(self, rank: int = _OTHER_RANK) -> Slot:
        """Returns a slot that is done, with ``True``, once it is held; ``release`` it then.

        It ends with ``False``, and nothing is held, where another request took the caller's order.
        """
        slot: Slot = asyncio.get_running_loop().create_future()
        if self._has_free_slot(rank):
            self._free_slots -= 1
            slot.set_result(True)
        else:
            heapq.heappush(self._waiters, (rank, next(self._number), slot))
        return slot

    def give_up(self, slot: Slot) -> None:
        """Stop waiting for a slot; one that was assigned meanwhile is released."""
        if not slot.done():
            slot.cancel()
        elif not slot.cancelled() and slot.result():
            self.release()

    def release(self) -> None:
        """Free a slot that was held."""
        self._free_slots += 1
        while self._waiters and self._has_free_slot(self._waiters[0][0]):
            slot = heapq.heappop(self._waiters)[2]
            if not slot.done():
                self._free_slots -= 1
                slot.set_result(True)

    def _has_free_slot(self, rank: int) -> bool:
        return self._free_slots + (self._extra_cancel_slots if rank == _CANCEL_RANK else 0) > 0


class PerOrderQueue:
    """One queue per order; the sender takes one request at a time to its outcome."""

    def __init__(self, tasks: ExchangeTasks) -> None:
        self._send: Callable[[OrderRequest], Awaitable[None]] | None = None
        self._tasks = tasks
        self._queues: dict[int, deque[OrderRequest]] = {}

    def set_sender(self, send: Callable[[OrderRequest], Awaitable[None]]) -> None:
        """Set what takes a request to its outcome; called once, before the first request."""
        self._send = send

    def enqueue(self, request: OrderRequest) -> None:
        """Append the request to the queue of its order."""
        order_id = request.tracked.order_id
        queue = self._queues.get(order_id)
        if queue is not None:
            queue.append(request)
            return
        self._queues[order_id] = deque([request])
        self._tasks.start(self._run(order_id))

    def unsent_requests(self, order_id: int) -> Sequence[OrderRequest]:
        """The requests about an order whose placement was not sent yet; empty if it was."""
        queue = self._queues.get(order_id)
        if not queue or queue[0].kind != PLACE or queue[0].is_sending:
            return ()
        return list(queue)

    def pending_requests(self, order_id: int) -> Sequence[OrderRequest]:
        """The requests about an order whose outcome is not known yet."""
        return list(self._queues.get(order_id, ()))

    @property
    def is_idle(self) -> bool:
        """Whether nothing is queued or in flight."""
        return not self._queues

    async def _run(self, order_id: int) -> None:
        queue = self._queues[order_id]
        assert self._send is not None, "a request came before the sender"
        try:
            while queue:
                if not queue[0].is_revoked:
                    await self._send(queue[0])
                queue.popleft()
        finally:
            del self._queues[order_id]
