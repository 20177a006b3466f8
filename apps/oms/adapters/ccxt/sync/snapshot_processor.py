"""What was read of a part of an account becomes reports: whose it is, what of it is new.

Executions of orders that nobody knows wait where one of ours has no id of the exchange yet; else
they are a stranger's, which is described before its executions are told.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from oms.adapters.ccxt.orders.order_cache import OrderCache, TrackedOrder
from oms.adapters.ccxt.parsing.order_parser import OrderSnapshot
from oms.adapters.ccxt.parsing.trade_parser import TradeSnapshot, fee_charges
from oms.adapters.ccxt.sync.account_reader import AccountReader
from oms.adapters.ccxt.sync.order_lookup import OrderFound, OrderLookup
from oms.adapters.ccxt.sync.report_builder import ReportBuilder
from oms.adapters.ccxt.venues.profile import AccountSection, VenueProfile
from oms.domain.money import ZERO, add
from oms.domain.orders.execution_report import (
    Charge,
    ExecutionReport,
    ExternalOrderInfo,
    ReportSource,
)
from oms.domain.value import evolve, value

_LOOKED_UP_MAX = 3
"""More strangers than these are described by a list, not one by one."""

_NO_ORDER = "ext-trade:"
#: More than any order: its executions need not be read.
_ANY = Decimal("Infinity")


@value
class ProcessedSnapshot:
    """What was read says; ``waiting_since`` is the first execution that nobody owns yet."""

    orders: Sequence[ExecutionReport]
    trades: Sequence[tuple[str, ExecutionReport]]
    charges: Sequence[Charge]
    unattributed_since: datetime | None


class SnapshotProcessor:
    """For one account."""

    def __init__(
        self,
        *,
        orders: OrderCache,
        report_builder: ReportBuilder,
        lookup: OrderLookup,
        reader: AccountReader,
        profile: VenueProfile,
        window: Callable[[], float],
        belongs: Callable[[int], Awaitable[bool]] | None,
    ) -> None:
        self._orders = orders
        self._report_builder = report_builder
        self._lookup = lookup
        self._reader = reader
        self._profile = profile
        self._window = window
        #: Whether an order of this installation is one of this account.
        self._belongs = belongs
        self._others: set[int] = set()

    async def __call__(
        self,
        part: AccountSection,
        shown: Sequence[OrderSnapshot],
        trades: Sequence[TradeSnapshot],
        now: datetime,
        *,
        always: bool = False,
        source: ReportSource = ReportSource.RECONCILE,
    ) -> ProcessedSnapshot:
        """What is new, or with ``always`` all of it. Raises ``ReadFailed``."""
        # All that may fail comes first: what is told once is not told again.
        await self._admit(shown, trades)
        waiting = [each for each in trades if self._waits(each, now)]
        owned = [each if each.exchange_order_id else _with_order(each) for each in trades]
        owned = [each for each, told in zip(owned, trades, strict=True) if told not in waiting]
        strangers = await self._strangers(part, shown, owned, now)
        await self._admit(strangers, ())  # their names are told only now
        find_overfilled = await self._outgrown(owned)
        orders: list[ExecutionReport] = []
        for each in find_overfilled:
            orders += self._report_builder.terms(each, source, now)
        for each in shown:
            orders += self._report_builder.from_order(each, source, now, always=always)
        for each in strangers:
            orders += self._report_builder.from_order(each, source, now)
        self._describe(owned)
        told: list[tuple[str, ExecutionReport]] = []
        charges: list[Charge] = []
        for trade in owned:
            report = self._report_builder.from_trade(trade, source, now, always=always)
            if report is not None:
                told.append((trade.symbol, report))
                charges += fee_charges(trade, source, now)
        first = min((each.execution.executed_at for each in waiting), default=None)
        return ProcessedSnapshot(
            orders=orders, trades=told, charges=charges, unattributed_since=first
        )

    async def _admit(self, shown: Iterable[OrderSnapshot], trades: Iterable[TradeSnapshot]) -> None:
        """Know orders of ours that this process has not heard of."""
        if self._belongs is None:
            return
        for each in shown:
            if await self._is_missed(each.client_id):
                self._add(each.client_id, each, each.qty or each.filled, each.price)
        for trade in trades:
            if await self._is_missed(trade.client_id):
                self._add(trade.client_id, trade, trade.execution.qty, None)

    async def _is_missed(self, name: str | None) -> bool:
        order_id = self._orders.names.order_id_of(name)
        if order_id is None or order_id in self._others or self._belongs is None:
            return False
        if self._orders.own(order_id) is not None:
            return False
        if await self._belongs(order_id):
            return True
        self._others.add(order_id)
        return False

    def _add(
        self,
        name: str | None,
        told: OrderSnapshot | TradeSnapshot,
        qty: Decimal,
        price: Decimal | None,
    ) -> None:
        order_id = self._orders.names.order_id_of(name)
        assert order_id is not None, "only names of ours are missed"
        is_order = isinstance(told, OrderSnapshot)
        at = told.created_at if isinstance(told, OrderSnapshot) else told.execution.executed_at
        known = TrackedOrder(
            order_id=order_id,
            symbol=told.symbol,
            side=told.side,
            order_type=told.order_type if isinstance(told, OrderSnapshot) else "market",
            qty=qty,
            price=price,
            created_at=at or datetime.min,
            client_id=name,
            exchange_order_id=told.exchange_order_id,
            # The name of a request says its number; a later one must be greater.
            attempts=_attempt(self._orders, name),
            is_accepted=not is_order,
        )
        self._orders.add(known)

    def _waits(self, trade: TradeSnapshot, now: datetime) -> bool:
        if self._orders.named(trade.symbol, trade.exchange_order_id, trade.client_id) is not None:
            return False
        if self._profile.trades_have_client_id or not self._orders.has_unidentified(trade.symbol):
            return False
        return now - trade.execution.executed_at < timedelta(seconds=self._window())

    async def _strangers(
        self,
        part: AccountSection,
        shown: Sequence[OrderSnapshot],
        trades: Sequence[TradeSnapshot],
        now: datetime,
    ) -> list[OrderSnapshot]:
        """Strangers' orders behind executions, as far as they can be found."""
        listed = {(each.symbol, each.exchange_order_id) for each in shown}
        groups = {key: group for key, group in self._unknown(trades).items() if key not in listed}
        if len(groups) > _LOOKED_UP_MAX:
            first = min(each.execution.executed_at for each in trades)
            closed = await self._reader.closed_orders(part, first - timedelta(hours=1), now)
            return [each for each in closed if (each.symbol, each.exchange_order_id) in groups]
        found = []
        for (_, name), group in groups.items():
            if not name.startswith(_NO_ORDER):
                answer = await self._lookup.find(_sought(name, group))
                if isinstance(answer, OrderFound) and answer.shown is not None:
                    found.append(answer.shown)
        return found

    async def _outgrown(self, trades: Sequence[TradeSnapshot]) -> list[OrderSnapshot]:
        """Orders that were changed, as they are now: more was executed than they were for."""
        answers = [
            await self._lookup.find(each) for each in self._report_builder.find_overfilled(trades)
        ]
        return [
            each.shown
            for each in answers
            if isinstance(each, OrderFound) and each.shown is not None
        ]

    def _describe(self, trades: Sequence[TradeSnapshot]) -> None:
        """Make strangers known that nothing but their executions is known of."""
        for (_, name), group in self._unknown(trades).items():
            first = group[0]
            external = ExternalOrderInfo(
                symbol=first.symbol,
                side=first.side,
                order_type="market",
                qty=_sum(group),
                reason=first.reason,
                created_at=first.execution.executed_at,
            )
            self._report_builder.stranger(external, name).is_accepted = True

    def _unknown(
        self, trades: Sequence[TradeSnapshot]
    ) -> dict[tuple[str, str], list[TradeSnapshot]]:
        """Executions that nobody owns, by symbol and order."""
        groups: dict[tuple[str, str], list[TradeSnapshot]] = {}
        for trade in trades:
            name = trade.exchange_order_id
            assert name is not None, "one without an order was given a name for it"
            if self._orders.named(trade.symbol, name, trade.client_id) is None:
                groups.setdefault((trade.symbol, name), []).append(trade)
        return groups


def _sought(name: str, group: Sequence[TradeSnapshot]) -> TrackedOrder:
    """An order to look up by its id; its executions are known."""
    first = group[0]
    return TrackedOrder(
        order_id=0,
        symbol=first.symbol,
        side=first.side,
        order_type="market",
        qty=_sum(group),
        price=None,
        created_at=first.execution.executed_at,
        exchange_order_id=name,
        filled=_ANY,
    )


def _attempt(orders: OrderCache, name: str | None) -> int:
    told = orders.names.read(name)
    return 0 if told is None else told.attempt


def _with_order(trade: TradeSnapshot) -> TradeSnapshot:
    """An execution that tells no order, as one of an order of its own."""
    name = f"{_NO_ORDER}{trade.execution.exchange_trade_id}"
    return evolve(trade, exchange_order_id=name)


def _sum(group: Sequence[TradeSnapshot]) -> Decimal:
    found = ZERO
    for trade in group:
        found = add(found, trade.execution.qty)
    return found
