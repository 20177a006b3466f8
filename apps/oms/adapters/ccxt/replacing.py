"""Other terms where an order is not changed in place: it ends at the exchange, another one begins.

First the end is certain, with all that was executed, then what is left is placed, under an attempt
that is stored before it leaves: never are two of them live. The ledger's order keeps its id and the
exchange's first one. What is in doubt is looked up; nothing is placed twice.
"""

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import count

from oms.adapters.ccxt.faults import Fault, OutcomeUnknown, ReadFailed, Rejected
from oms.adapters.ccxt.finding import Absent, Finder, Found
from oms.adapters.ccxt.known import Known, KnownOrders
from oms.adapters.ccxt.orders_read import Shown
from oms.adapters.ccxt.pace import Pace
from oms.adapters.ccxt.position_modes import PositionModes
from oms.adapters.ccxt.replacing_told import ReplacingTold, is_over, is_told
from oms.adapters.ccxt.sending import Sending
from oms.adapters.ccxt.taking_down import Terms
from oms.adapters.ccxt.venue import Venue
from oms.adapters.ccxt.wishes import (
    Way,
    Wish,
    cancel_call,
    in_two_steps,
    replace_call,
    successor_of,
    with_legs,
)
from oms.domain.instrument import Instrument
from oms.domain.money import ZERO, difference, plain, product, total
from oms.domain.report import Edit
from oms.domain.value import evolve

_log = logging.getLogger("oms.ccxt")
Anew = Callable[[Known, Instrument, Terms, datetime], tuple[Wish, Known]]


class Replacing:
    """Carries changes of one account out, each within the lane of its order."""

    def __init__(
        self,
        *,
        client: Venue,
        modes: PositionModes,
        orders: KnownOrders,
        finder: Finder,
        told: ReplacingTold,
        sending: Sending,
        anew: Anew,
        clock: Callable[[], datetime],
        pace: Pace,
        window: Callable[[], float],
    ) -> None:
        self._client = client
        self._modes = modes
        self._orders = orders
        self._finder = finder
        self._told = told
        self._sending = sending
        self._anew = anew
        self._clock = clock
        self._pace = pace
        self._window = window

    async def __call__(self, wish: Wish) -> None:
        """Take the change to its end, from wherever a restart found it."""
        known = wish.known
        refusal = None if wish.is_resumed else self._refusal(wish)
        if refusal is not None:
            self._told.refuse(wish, *refusal)
            return
        known.is_replacing = True
        try:
            new = known.successor
            if new is not None and wish.way is Way.EMULATED:
                await self._settle_create(wish, new)
            elif wish.way is Way.REPLACE and (wish.is_resumed or known.filled == ZERO):
                await self._replace(wish)
            else:
                await self._emulate(wish)
        finally:
            known.is_replacing, known.successor = False, None

    def _refusal(self, wish: Wish) -> tuple[str, str] | None:
        """Why it is not even begun: the order would be canceled, and nothing take its place."""
        known, instrument = wish.known, self._client.instruments[wish.known.symbol]
        assert wish.qty is not None, "a change knows all its terms"
        executed = total(known.before, known.filled)
        if executed >= wish.qty:
            return "too_late", f"{plain(executed)} of it are executed"
        left = difference(wish.qty, executed)
        worth = None if wish.price is None else product(left, wish.price)
        is_free = known.params.get("reduceOnly") is True
        if worth is not None and worth < instrument.min_notional and not is_free:
            least = plain(instrument.min_notional)
            return "exchange_rejected", f"what is left is worth less than {least}"
        return None

    async def _replace(self, wish: Wish) -> None:
        """One request; the exchange does it only while nothing of the order was executed."""
        known = wish.known
        assert wish.qty is not None, "a change knows all its terms"
        own_qty = difference(wish.qty, known.before)
        new = successor_of(known, wish.row.client_id, own_qty, wish.price, known.before)
        known.successor, refusal = new, None
        if not wish.is_resumed:
            wish.row = evolve(wish.row, sent_at=self._clock())
            self._told.step(wish, Edit.CHANGING)
            call = replace_call(known, new, self._client.instruments[known.symbol])
            try:
                answer = await self._sending(wish, call)
            except Rejected as fault:
                refusal = fault
            except OutcomeUnknown as fault:
                self._told.doubt(wish, fault)
            except Fault as fault:
                self._told.refuse(wish, fault.code, fault.message, outcome="not_sent")
                return
            else:
                self._orders.link(new, str(answer["id"]))
                self._told.done(wish)
                return
        if not await self._settle_replace(wish, new, refusal):
            known.successor = None
            wish.way, wish.row = Way.EMULATED, in_two_steps(wish.row)
            self._told.note(wish)
            await self._emulate(wish)

    async def _settle_replace(self, wish: Wish, new: Known, refusal: Rejected | None) -> bool:
        """What became of the request; false: it has to be done in two steps."""
        known, since, absent = wish.known, self._since(wish), 0
        for number in count():
            there, old = await self._look(new), await self._look(known)
            is_certain = refusal is not None or self._is_past(since)
            if isinstance(there, Found):
                self._told.found(new, there)
                self._told.done(wish)
                return True
            if isinstance(old, Found) and isinstance(there, Absent) and is_certain:
                absent += 1
                if old.shown is not None and not is_over(old.shown):
                    if refusal is not None and old.shown.filled > ZERO:
                        return False
                    code = "exchange_rejected" if refusal is None else refusal.code
                    self._told.refuse(wish, code, "the order is as it was", old)
                    return True
                if is_told(known, old) and (refusal is not None or absent > 1):
                    self._told.ended(wish, old, "the new order was not placed")
                    return True
            await asyncio.sleep(self._pause(number))
        raise AssertionError("it is looked for until it is known")

    async def _emulate(self, wish: Wish) -> None:
        """Cancel, be sure of it, place what is left."""
        found = await self._canceled(wish)
        if found is None:
            return
        known, shown = wish.known, found.shown
        assert shown is not None and wish.qty is not None, "it was shown, and the terms are known"
        filled = total(known.before, shown.filled)
        if shown.shown is Shown.FILLED or filled >= wish.qty:
            self._told.ended(wish, found, "it was executed before", code="too_late")
            return
        self._told.found(known, found)
        await self._create(wish, (difference(wish.qty, filled), wish.price, filled))

    async def _canceled(self, wish: Wish) -> Found | None:
        """The order as it ended, all executions found; ``None``: it lives on, and so it was said.

        A cancel that is in doubt is repeated until the deadline.
        """
        known, sent_at, is_acked = wish.known, self._since(wish), False
        for number in count(1 if wish.is_resumed else 0):
            found = await self._look(known) if number else None
            if isinstance(found, Found) and is_over(found.shown):
                if is_told(known, found):
                    return found
                self._told.infer(known, found)
            is_open = isinstance(found, Found) and not is_over(found.shown)
            if number and is_open and self._clock() >= wish.deadline and self._is_past(sent_at):
                self._told.refuse(wish, "exchange_rejected", "it could not be canceled", found)
                return None
            if not is_acked and (not number or is_open) and self._clock() < wish.deadline:
                sent_at = self._clock()
                wish.row = evolve(wish.row, sent_at=sent_at)
                self._told.step(wish, Edit.CANCEL_PENDING)
                try:
                    await self._sending(wish, cancel_call(known))
                except OutcomeUnknown as fault:
                    self._told.doubt(wish, fault)
                except Rejected as fault:
                    if fault.code != "order_not_found":
                        self._told.refuse(wish, fault.code, fault.message)
                        return None
                except Fault as fault:
                    if not number:
                        self._told.refuse(wish, fault.code, fault.message, outcome="not_sent")
                        return None
                is_acked = True
            await asyncio.sleep(self._pause(number))
        raise AssertionError("it is looked for until it is known")

    async def _create(self, wish: Wish, terms: Terms) -> None:
        """Place what is left, once its attempt is stored."""
        known, instrument = wish.known, self._client.instruments[wish.known.symbol]
        create, new = self._anew(known, instrument, terms, self._clock())
        known.successor = new
        self._told.step(wish, Edit.CREATE_PENDING)
        assert create.released is not None and create.call is not None, "made to be waited for"
        await create.released.wait()
        if create.is_revoked:
            return
        create.deadline = self._clock() + timedelta(seconds=self._pace.may_send)
        create.row = evolve(create.row, sent_at=self._clock())
        try:
            call = with_legs(create.call, instrument, await self._modes.legs(known.symbol))
            answer = await self._sending(create, call)
        except OutcomeUnknown as fault:
            self._told.close(create, "unknown", fault.cause)
            self._told.doubt(wish, fault)
            await self._settle_create(wish, new)
        except Fault as fault:
            outcome = "rejected" if isinstance(fault, Rejected) else "not_sent"
            self._told.close(create, outcome, fault.code)
            self._told.ended(wish, None, fault.message)
        else:
            self._orders.link(new, str(answer["id"]))
            self._told.close(create, "acked", None, exchange_order_id=new.exchange_order_id)
            self._told.done(wish)

    async def _settle_create(self, wish: Wish, new: Known) -> None:
        """Whether a request to place that is in doubt was carried out."""
        since, absent = self._clock(), 0
        for number in count():
            if new.exchange_order_id is not None:
                self._told.done(wish)
                return
            found = await self._look(new)
            if isinstance(found, Found):
                self._told.found(new, found)
                self._told.done(wish)
                return
            absent += isinstance(found, Absent) and found.is_complete and self._is_past(since)
            if absent > 1:
                self._told.ended(wish, None, "the exchange does not show it")
                return
            await asyncio.sleep(self._pace.absent_apart if absent else self._pause(number))

    async def _look(self, known: Known) -> Found | Absent | None:
        """The order as it is; ``None`` where it could not be read."""
        try:
            return await self._finder.find(known)
        except ReadFailed as failed:
            _log.warning("order %d cannot be looked up: %s", known.order_id, failed.message)
            return None

    def _since(self, wish: Wish) -> datetime:
        return wish.row.sent_at or wish.row.may_send_until

    def _is_past(self, since: datetime) -> bool:
        return self._clock() >= since + timedelta(seconds=self._window())

    def _pause(self, number: int) -> float:
        times = (*self._pace.confirm, self._pace.look_up_every)
        return times[min(number, len(times) - 1)]
