"""What comes of a change that places an order anew, told and written into its attempts."""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from oms.adapters.ccxt.faults import OutcomeUnknown
from oms.adapters.ccxt.finding import Absent, Found
from oms.adapters.ccxt.inbox import Inbox
from oms.adapters.ccxt.known import Known, KnownOrders
from oms.adapters.ccxt.known import ended as over
from oms.adapters.ccxt.orders_read import OrderShown, Shown
from oms.adapters.ccxt.pace import Pace
from oms.adapters.ccxt.telling import Telling, about, refused
from oms.adapters.ccxt.wishes import Way, Wish
from oms.domain.money import total
from oms.domain.report import Edit, Heard, ReportKind
from oms.domain.value import evolve

logger = logging.getLogger("oms.ccxt")
CREATE_FAILED = "create_failed"
_OVER = (Shown.FILLED, Shown.CANCELED, Shown.EXPIRED, Shown.REJECTED)


class ReplacingTold:
    """For one account; nothing is asked or sent here."""

    def __init__(
        self,
        *,
        orders: KnownOrders,
        telling: Telling,
        inbox: Inbox,
        clock: Callable[[], datetime],
        pace: Pace,
    ) -> None:
        self._orders = orders
        self._telling = telling
        self._inbox = inbox
        self._clock = clock
        self._pace = pace

    def step(self, wish: Wish, edit: Edit) -> None:
        """The change is one step further."""
        kind, now = ReportKind.CHANGED, self._clock()
        self._inbox.put([about(wish.known, kind, Heard.REPLY, now, edit=edit)], [wish.row])

    def done(self, wish: Wish) -> None:
        """The successor stands with the terms wished."""
        now, known = self._clock(), wish.known
        new = self._orders.promote(known, now)
        new.answers += 1
        qty, price = new.whole_qty, new.price
        report = about(
            new, ReportKind.CHANGED, Heard.REPLY, now, qty=qty, price=price, edit=Edit.DONE
        )
        replaced = {"exchange_order_id": new.exchange_order_id} if wish.way is Way.REPLACE else {}
        wish.row = evolve(wish.row, acked_at=now, outcome="acked", **replaced)
        self._inbox.put([report], [wish.row])

    def ended(
        self, wish: Wish, found: Found | None, why: str, *, code: str = CREATE_FAILED
    ) -> None:
        """It ended and nothing took its place: the change failed, what was left is canceled."""
        now, known = self._clock(), wish.known
        if code == CREATE_FAILED:
            logger.error("order_create_failed order_id=%d why=%s", known.order_id, why)
        told = refused(wish, code, why, Heard.REPLY, now)
        known.is_replacing = False
        if found is not None:
            told += self._telling.found(found.shown, found.trades, now)
        if not known.is_over:
            over(known, now)
            edit = Edit.CREATE_FAILED if code == CREATE_FAILED else None
            told.append(about(known, ReportKind.CANCELED, Heard.RECONCILE, now, edit=edit))
        wish.row = evolve(wish.row, acked_at=now, outcome="rejected", code=code)
        self._inbox.put(told, [wish.row])

    def refuse(
        self,
        wish: Wish,
        code: str,
        message: str,
        found: Found | Absent | None = None,
        *,
        outcome: str = "rejected",
    ) -> None:
        """The order lives on as it was."""
        now = self._clock()
        told = refused(wish, code, message, Heard.REPLY, now)
        if isinstance(found, Found):
            told += self._telling.found(found.shown, found.trades, now)
        wish.row = evolve(wish.row, outcome=outcome, code=code)
        self._inbox.put(told, [wish.row])

    def doubt(self, wish: Wish, fault: OutcomeUnknown) -> None:
        kind, now = ReportKind.UNKNOWN, self._clock()
        told = about(wish.known, kind, Heard.REPLY, now, code=fault.code, message=fault.message)
        self._inbox.put([told])

    def close(self, wish: Wish, outcome: str, code: str | None, **more: str | None) -> None:
        now = self._clock()
        wish.row = evolve(wish.row, acked_at=now, outcome=outcome, code=code, **more)
        self._inbox.put([], [wish.row])

    def note(self, wish: Wish, **changes: object) -> None:
        wish.row = evolve(wish.row, **changes)
        self._inbox.put([], [wish.row])

    def found(self, known: Known, found: Found) -> None:
        self._inbox.put(self._telling.found(found.shown, found.trades, self._clock()))

    def infer(self, known: Known, found: Found) -> None:
        """Tell what was found of an order of which more was executed; infer what stays away."""
        assert found.shown is not None, "it is over"
        after = timedelta(seconds=self._pace.provisional)
        told, fees = self._telling.looked(found.shown, found.trades, self._clock(), after)
        self._inbox.put(told, [], fees)


def is_told(known: Known, found: Found) -> bool:
    """Whether it is over and what was found tells all of its executions."""
    shown = found.shown
    if shown is None or not is_over(shown):
        return False
    fresh = {each.execution.exchange_trade_id: each.execution.qty for each in found.trades}
    told = total(known.filled, known.inferred)
    for name, qty in fresh.items():
        told = told if name in known.trade_ids else total(told, qty)
    return told >= shown.filled


def is_over(shown: OrderShown | None) -> bool:
    """Whether it ended there."""
    return shown is not None and shown.shown in _OVER
