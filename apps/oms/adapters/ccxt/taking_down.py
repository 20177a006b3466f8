"""Wishes are taken down as attempts; they may leave once the store has them, and not before.

An order that has not left is taken back by its cancel, and with it all that was wished of it.
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from oms.adapters.ccxt.inbox import Inbox
from oms.adapters.ccxt.known import Known, KnownOrders, ended
from oms.adapters.ccxt.lanes import Lanes
from oms.adapters.ccxt.pace import Pace
from oms.adapters.ccxt.rules import VenueRules
from oms.adapters.ccxt.settings import Settings
from oms.adapters.ccxt.telling import about
from oms.adapters.ccxt.wishes import (
    CANCEL,
    CHANGE,
    PLACE,
    REVOKED,
    Call,
    Way,
    Wish,
    again_call,
    deadline_of,
    known_of_order,
    place_call,
    refuse_form,
    request_text,
    successor_of,
    way_of_change,
)
from oms.domain.instrument import Instrument
from oms.domain.order import Order
from oms.domain.report import Heard, ReportKind
from oms.domain.value import evolve
from oms.ports.exchange import AttemptRow

#: What is sent once more leaves so long after its first time at most: as long as a command waits.
RESEND_WITHIN = timedelta(seconds=60)

Terms = tuple[Decimal, Decimal | None, Decimal]
"""Quantity and price of what is placed anew, and what was executed before it."""


class TakingDown:
    """The wishes of one account that are on their way to the store."""

    def __init__(
        self,
        *,
        orders: KnownOrders,
        lanes: Lanes,
        inbox: Inbox,
        venue: str,
        rules: VenueRules,
        pace: Pace,
        settings: Settings,
    ) -> None:
        self._orders = orders
        self._lanes = lanes
        self._inbox = inbox
        self._venue = venue
        self._rules = rules
        self._pace = pace
        self._settings = settings
        self._fresh: list[Wish] = []
        self._handed: list[Wish] = []

    def place(self, order: Order, instrument: Instrument, now: datetime) -> None:
        """Take down a new order. Raises ``Invalid`` for forms that are not sent."""
        refuse_form(order, instrument, self._rules)
        self._settings.refuse(order, instrument)
        client_id = self._orders.names.render(order.id, 1)
        call = place_call(order, instrument, self._venue, client_id)
        known = self._orders.add(known_of_order(order, self._rules))
        known.client_id = client_id
        known.params = {name: each for name, each in call.params.items() if name != "clientOrderId"}
        self._take(PLACE, known, order, now, call=call)

    def change(
        self,
        order: Order,
        instrument: Instrument,
        price: Decimal | None,
        qty: Decimal | None,
        now: datetime,
    ) -> None:
        """Take down other terms; ``None`` stays."""
        known = self.known(order)
        qty, price = qty or known.whole_qty, price or known.price
        way = way_of_change(known, instrument.kind, self._rules, self._settings.left)
        self._take(CHANGE, known, order, now, qty=qty, price=price, way=way)

    def anew(
        self, known: Known, instrument: Instrument, terms: Terms, now: datetime
    ) -> tuple[Wish, Known]:
        """Take down what takes the place of ``known``; ``released`` is set once it is stored."""
        known.attempts += 1
        qty, price, before = terms
        client_id = self._orders.names.render(known.order_id, known.attempts)
        new = successor_of(known, client_id, qty, price, before)
        call, deadline = again_call(new, instrument), now + timedelta(seconds=self._pace.may_send)
        row = AttemptRow(
            order_id=known.order_id,
            attempt=known.attempts,
            kind=PLACE,
            client_id=client_id,
            request=request_text(new, call, qty, price),
            may_send_until=deadline,
            created_at=now,
        )
        wish = Wish(
            kind=PLACE, known=new, row=row, deadline=deadline, call=call, released=asyncio.Event()
        )
        self._fresh.append(wish)
        self._inbox.put([], [row])
        return wish, new

    def resend(self, wish: Wish, now: datetime) -> bool:
        """Take the same request down once more, if its command may still wait so long."""
        row = wish.row
        is_hurried = row.may_send_until < row.created_at + timedelta(seconds=self._pace.may_send)
        if wish.is_resent or is_hurried or now >= row.created_at + RESEND_WITHIN:
            return False
        wish.is_resent = True
        wish.deadline = now + timedelta(seconds=self._pace.may_send)
        wish.row = evolve(row, may_send_until=wish.deadline, sent_at=None, outcome=None, code=None)
        self._fresh.append(wish)
        self._inbox.put([], [wish.row])
        return True

    def cancel(self, order: Order, now: datetime) -> None:
        """Take down a cancel, or take back what has not left."""
        known = self.known(order)
        waiting = [each for each in self._waiting(order.id) if not each.is_revoked]
        if any(each.kind == PLACE for each in waiting):
            self._revoke(known, waiting, now)
        else:
            self._take(CANCEL, known, order, now)

    def known(self, order: Order) -> Known:
        """The order; one that was a stranger to the adapter is the ledger's from now on."""
        known = self._orders.own(order.id)
        if known is not None:
            return known
        known = self._orders.named(order.symbol, order.exchange_order_id, None)
        if known is None:
            known = known_of_order(order, self._rules)
        known.order_id, known.external = order.id, None
        return self._orders.add(known)

    def handed_out(self, changed: Sequence[AttemptRow]) -> tuple[AttemptRow, ...]:
        """New rows, and those that changed, to be stored in one transaction."""
        rows = {(wish.row.order_id, wish.row.attempt): wish.row for wish in self._fresh}
        rows |= {(row.order_id, row.attempt): row for row in changed}
        self._handed += self._fresh
        self._fresh = []
        return tuple(rows.values())

    def stored(self) -> None:
        """What was handed out enters its lane."""
        handed, self._handed = self._handed, []
        for wish in handed:
            if wish.released is not None:
                wish.released.set()
            elif not wish.is_revoked:
                self._lanes.enter(wish)

    def _take(
        self,
        kind: str,
        known: Known,
        order: Order,
        now: datetime,
        *,
        call: Call | None = None,
        qty: Decimal | None = None,
        price: Decimal | None = None,
        way: Way | None = None,
    ) -> None:
        known.attempts += 1
        deadline = now + timedelta(seconds=self._pace.may_send)
        if kind == PLACE:
            deadline = deadline_of(order, now, self._pace.may_send)
        row = AttemptRow(
            order_id=order.id,
            attempt=known.attempts,
            kind=kind,
            client_id=self._orders.names.render(order.id, known.attempts),
            request=request_text(known, call, qty or known.qty, price or known.price, way),
            may_send_until=deadline,
            created_at=now,
        )
        wish = Wish(
            kind=kind,
            known=known,
            row=row,
            deadline=deadline,
            qty=qty,
            price=price,
            call=call,
            answers=known.answers_heard,
            way=way or Way.NATIVE,
        )
        self._fresh.append(wish)

    def _waiting(self, order_id: int) -> Sequence[Wish]:
        """What was wished of an order that has not left."""
        noted = [each for each in (*self._handed, *self._fresh) if each.known.order_id == order_id]
        return [*self._lanes.unsent(order_id), *noted]

    def _revoke(self, known: Known, wishes: Sequence[Wish], now: datetime) -> None:
        rows = []
        for wish in wishes:
            wish.is_revoked = True
            wish.row = evolve(wish.row, outcome="not_sent", code=REVOKED)
            if wish not in self._fresh:
                rows.append(wish.row)
        ended(known, now)
        self._inbox.put([about(known, ReportKind.CANCELED, Heard.REPLY, now)], rows)
