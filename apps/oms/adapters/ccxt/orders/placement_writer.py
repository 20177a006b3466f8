"""Sends placements: each by a request of its own, or several by one where more of them wait.

One request is sent once. Each order of it has its own journal entry, client order id and outcome;
if the reply is lost, each is unknown.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from typing import Any

from oms.adapters.ccxt.client.exchange_client import ExchangeClient
from oms.adapters.ccxt.client.request_errors import NotSent, Rejected, RequestError
from oms.adapters.ccxt.orders.ccxt_calls import CcxtCall, call_params
from oms.adapters.ccxt.orders.order_queues import Slot, WriteLimiter
from oms.adapters.ccxt.orders.order_request import OrderRequest
from oms.adapters.ccxt.orders.retrying_writer import EXPIRED_BEFORE_SEND
from oms.adapters.ccxt.ratelimit.request_throttle import send_within
from oms.adapters.ccxt.venues.order_batches import OrderBatch
from oms.domain.instrument import InstrumentKind
from oms.domain.orders.order_types import WAITING_TYPES
from oms.domain.value import evolve


class RefusedTogether(RequestError):
    """The venue refused a whole batch: nothing was placed, and each is sent by itself."""


@dataclass(slots=True, eq=False)
class _Waiting:
    """A placement that waits for a place among the writes in flight."""

    request: OrderRequest
    call: CcxtCall
    #: Orders of one kind share a request; ``None``: it is sent by itself.
    kind: InstrumentKind | None
    slot: Slot
    outcome: asyncio.Future[Any]
    #: It is part of a request.
    is_taken: bool = False


class PlacementWriter:
    """Sends the placements of one account."""

    def __init__(
        self,
        *,
        client: ExchangeClient,
        limiter: WriteLimiter,
        batch: OrderBatch | None,
        clock: Callable[[], datetime],
        renew: Callable[[OrderRequest, datetime], Awaitable[None]],
        renew_before: timedelta,
    ) -> None:
        self._client = client
        self._limiter = limiter
        self._batch = batch
        self._clock = clock
        #: Stores a later deadline, where the order may wait longer.
        self._renew = renew
        self._renew_before = renew_before
        self._waiting: list[_Waiting] = []

    async def __call__(self, request: OrderRequest, call: CcxtCall) -> Any:
        """Returns the reply to the order; ``None`` if it was revoked. Raises ``RequestError``."""
        try:
            return await self._place(request, call)
        finally:
            # Not sooner: a cancel revokes what is not being sent, and this order may be placed.
            request.is_sending = False

    async def _place(self, request: OrderRequest, call: CcxtCall) -> Any:
        entry = _Waiting(
            request=request,
            call=call,
            kind=self._shared_kind(request, call),
            slot=self._limiter.request_slot(),
            outcome=asyncio.get_running_loop().create_future(),
        )
        self._waiting.append(entry)
        try:
            has_slot = await self._wait_slot(entry)
        except asyncio.CancelledError:
            self._limiter.give_up(entry.slot)
            self._remove(entry)
            raise
        try:
            if has_slot:
                await asyncio.sleep(0)  # those of the same commit are here after it
                if not entry.is_taken:
                    return await self._send(entry)
        finally:
            self._remove(entry)
            if has_slot:
                self._limiter.release()
        return await entry.outcome

    async def _wait_slot(self, entry: _Waiting) -> bool:
        """Waits for a slot or for another's request; renews the deadline meanwhile."""
        while not entry.slot.done():
            seconds = (entry.request.deadline - self._renew_before - self._clock()).total_seconds()
            await asyncio.wait({entry.slot}, timeout=max(seconds, 0))
            if entry.slot.done():
                break
            deadline = entry.request.deadline
            await self._renew(entry.request, self._clock())
            if entry.request.deadline == deadline:  # it may not wait any longer
                return await entry.slot
        return entry.slot.result()

    async def _send(self, entry: _Waiting) -> Any:
        entry.is_taken = True
        if entry.request.is_revoked:
            return None
        if self._clock() >= entry.request.deadline:
            raise NotSent(
                EXPIRED_BEFORE_SEND, "the time limit for sending has passed", headers_sent=False
            )
        others = self._choose_others(entry)
        if not others:
            with self._in_flight([entry]):
                call = entry.call
                return await self._client.write(call.method, *call.args, **call_params(call))
        return await self._send_together([entry, *others])

    def _choose_others(self, entry: _Waiting) -> Sequence[_Waiting]:
        """Takes those that share the request: none while each could be sent by itself."""
        if entry.kind is None or self._batch is None:
            return ()
        now = self._clock()
        others = [
            each
            for each in self._waiting
            if each.kind is entry.kind
            and not (each.is_taken or each.request.is_revoked or each.outcome.done())
            and not each.slot.cancelled()
            and now < each.request.deadline
        ]
        held = sum(each.slot.done() and each.slot.result() for each in others)
        requests = self._limiter.free_slots + held + 1
        size = min(self._batch.size, ceil((len(others) + 1) / requests))
        symbol, wait = entry.request.tracked.symbol, self._client.order_wait
        if size < 2 or wait(symbol, size) / size > wait(symbol, 1):
            return ()  # the venue counts batches apart, and takes single orders sooner
        for each in others[: size - 1]:
            each.is_taken = True
            if not each.slot.done():
                each.slot.set_result(False)
        return others[: size - 1]

    async def _send_together(self, entries: Sequence[_Waiting]) -> Any:
        """Sends one request; returns or raises the outcome of the first entry."""
        try:
            with self._in_flight(entries):
                outcomes = await self._client.place_orders([_order_fields(e.call) for e in entries])
        except Rejected as error:
            refused = RefusedTogether(error.code, error.message, headers_sent=True)
            for entry in entries:
                entry.request.sends_alone = True
            outcomes = [refused] * len(entries)
        except RequestError as error:
            outcomes = [error] * len(entries)
        except BaseException:
            for entry in entries[1:]:
                entry.outcome.cancel()
            raise
        for entry, outcome in zip(entries[1:], outcomes[1:], strict=True):
            if entry.outcome.done():
                continue
            if isinstance(outcome, RequestError):
                entry.outcome.set_exception(outcome)
            else:
                entry.outcome.set_result(outcome)
        if isinstance(outcomes[0], RequestError):
            raise outcomes[0]
        return outcomes[0]

    @contextmanager
    def _in_flight(self, entries: Sequence[_Waiting]) -> Iterator[None]:
        """Marks the requests as sent now, and none of them is sent after its deadline."""
        now = self._clock()
        requests = [entry.request for entry in entries]
        for request in requests:
            request.is_sending = True
            request.row = evolve(request.row, sent_at=now)
        with send_within(min((each.deadline - now).total_seconds() for each in requests)):
            yield

    def _shared_kind(self, request: OrderRequest, call: CcxtCall) -> InstrumentKind | None:
        """The kind of orders that it may share a request with."""
        if self._batch is None or request.sends_alone or call.method != "create_order":
            return None
        if request.tracked.order_type in WAITING_TYPES:
            return None
        kind = self._client.instruments[request.tracked.symbol].kind
        return kind if kind in self._batch.kinds else None

    def _remove(self, entry: _Waiting) -> None:
        if entry in self._waiting:
            self._waiting.remove(entry)


def _order_fields(call: CcxtCall) -> Mapping[str, Any]:
    """The order as ``create_orders`` of ccxt takes it."""
    symbol, kind, side, amount, price = call.args
    return {
        "symbol": symbol,
        "type": kind,
        "side": side,
        "amount": amount,
        "price": price,
        "params": dict(call.params),
    }
