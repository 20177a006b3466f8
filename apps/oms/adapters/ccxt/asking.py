"""One look for an order because somebody asks: by its own names, or under an id that is given.

What is found goes into the inbox like anything heard. A look that finds nothing proves nothing
here: what was never placed is found out by ``looking_up``, or declared.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

from oms.adapters.ccxt.faults import ReadFailed
from oms.adapters.ccxt.finding import Finder, Found
from oms.adapters.ccxt.inbox import Inbox
from oms.adapters.ccxt.known import Known, KnownOrders, ended
from oms.adapters.ccxt.pace import Pace
from oms.adapters.ccxt.taking_down import TakingDown
from oms.adapters.ccxt.telling import Telling
from oms.domain.errors import Refused
from oms.domain.order import Order, OrderState
from oms.ports.exchange import Looked

NOT_PLACED = "not_placed"


class Asking:
    """For one account."""

    def __init__(
        self,
        *,
        orders: KnownOrders,
        finder: Finder,
        telling: Telling,
        inbox: Inbox,
        taking_down: TakingDown,
        clock: Callable[[], datetime],
        pace: Pace,
    ) -> None:
        self._orders = orders
        self._finder = finder
        self._telling = telling
        self._inbox = inbox
        self._taking_down = taking_down
        self._clock = clock
        self._pace = pace

    async def __call__(self, order: Order, name: str | None) -> Looked:
        """Look once; ``name`` is the exchange's id of an order that shall be this one."""
        known = self._known(order)
        sought = known if name is None else _named(known, name)
        try:
            found = await self._finder.find(sought)
        except ReadFailed as failed:
            return _refused(failed.code, failed.message)
        shown = found.shown if isinstance(found, Found) else None
        if name is not None:
            if shown is None:
                return _refused("order_not_found", f"the exchange shows no {known.symbol} {name}")
            why = self._differs(known, name, shown.side.value, shown.client_id)
            if why is not None:
                return _refused("conflict", why, reason="order_differs")
            self._orders.link(known, name)
        if isinstance(found, Found):
            self._tell(found)
        return Looked()

    def absent(self, order: Order) -> None:
        """Somebody says that it was never placed; it may turn up all the same."""
        known = self._known(order)
        ended(known, self._clock())
        known.is_not_placed = True

    def _known(self, order: Order) -> Known:
        """The order, also one that ended before this process began."""
        known = self._taking_down.known(order)
        known.client_id = known.client_id or self._orders.names.render(order.id, 1)
        if not order.is_open and known.over_at is None:
            ended(known, self._clock())
        if order.state is OrderState.REJECTED and order.reject_code == NOT_PLACED:
            known.is_not_placed, known.is_accepted = True, False  # it is news that it exists
        return known

    def _differs(self, known: Known, name: str, side: str, bears: str | None) -> str | None:
        """Why the order found cannot be this one."""
        if side != known.side.value:
            return f"{name} is a {side}, this order a {known.side.value}"
        other = self._orders.names.order_id_of(bears)
        if other not in (None, known.order_id):
            return f"{name} bears the name of order {other}"
        held = self._orders.named(known.symbol, name, None)
        if held is not None and held is not known:
            return f"{name} is known already, as an order of its own: reassign that one"
        return None

    def _tell(self, found: Found) -> None:
        after = timedelta(seconds=self._pace.provisional)
        reports, fees = self._telling.looked(found.shown, found.trades, self._clock(), after)
        self._inbox.put(reports, [], fees)


def _named(known: Known, name: str) -> Known:
    """What is looked for under an id of the exchange: nothing is known of it yet."""
    return Known(
        order_id=0,
        symbol=known.symbol,
        side=known.side,
        order_type=known.order_type,
        qty=known.qty,
        price=known.price,
        created_at=known.created_at,
        exchange_order_id=name,
    )


def _refused(code: str, message: str, reason: str | None = None) -> Looked:
    return Looked(refused=Refused(code=code, message=message, reason=reason))
