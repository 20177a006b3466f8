"""Turns what was read of an account section into reports: whose it is, and what of it is new.

Executions of unknown orders wait while an own order has no exchange id yet. They wait with their
orders while an own stop may have placed these, where they do not name it. Else they belong to an
external order, which is described before its executions are reported.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from oms.adapters.ccxt.orders.order_cache import OrderCache, TrackedOrder
from oms.adapters.ccxt.parsing.order_snapshot import OrderSnapshot
from oms.adapters.ccxt.parsing.trade_snapshot import TradeSnapshot, fee_charges
from oms.adapters.ccxt.sync.account_reader import AccountReader
from oms.adapters.ccxt.sync.order_lookup import OrderFound, OrderLookup
from oms.adapters.ccxt.sync.report_builder import ReportBuilder
from oms.adapters.ccxt.sync.tagged_orders import TaggedOrders, unnamed_ids
from oms.adapters.ccxt.venues.account_sections import AccountSection
from oms.adapters.ccxt.venues.profile import VenueProfile
from oms.domain.money import ZERO, add
from oms.domain.orders.execution_report import (
    Charge,
    ExecutionReport,
    ExternalOrderInfo,
    ReportSource,
)
from oms.domain.value import evolve, value

FindOwnOrders = Callable[[str, Sequence[str]], Awaitable[Mapping[str, int]]]
"""Returns which of the exchange ids of a symbol are of own orders, with the orders' ids."""

_SINGLE_LOOKUPS_MAX = 3
"""More external orders than this are read from a list, not one by one."""

_PLACEHOLDER_PREFIX = "ext-trade:"
#: More than any order: its executions need not be read.
_UNLIMITED = Decimal("Infinity")


@value
class ProcessedSnapshot:
    """The reports of a section; ``unattributed_since`` is the first execution without an order."""

    orders: Sequence[ExecutionReport]
    trades: Sequence[tuple[str, ExecutionReport]]
    charges: Sequence[Charge]
    unattributed_since: datetime | None


class SnapshotProcessor:
    """Processes the sections of one account."""

    def __init__(
        self,
        *,
        orders: OrderCache,
        report_builder: ReportBuilder,
        lookup: OrderLookup,
        reader: AccountReader,
        profile: VenueProfile,
        window: Callable[[], float],
        is_own_order: Callable[[int], Awaitable[bool]] | None,
        find_own_orders: FindOwnOrders | None = None,
    ) -> None:
        self._orders = orders
        self._report_builder = report_builder
        self._lookup = lookup
        self._reader = reader
        self._profile = profile
        self._window = window
        #: Returns whether an order of this installation belongs to this account.
        self._is_own_order = is_own_order
        self._find_own_orders = find_own_orders
        self._tagged = TaggedOrders(orders, profile.trigger_tag)
        self._foreign_order_ids: set[int] = set()

    async def __call__(
        self,
        section: AccountSection,
        orders_read: Sequence[OrderSnapshot],
        trades: Sequence[TradeSnapshot],
        now: datetime,
        *,
        include_reported: bool = False,
        source: ReportSource = ReportSource.RECONCILE,
    ) -> ProcessedSnapshot:
        """Returns what is new, or with ``include_reported`` everything. Raises ``ReadFailed``."""
        orders_read = self._tagged.named(orders_read)
        orders_read = [each for each in orders_read if not self._tagged.is_unclear(each)]
        # All that may fail comes first: what is reported once is not reported again.
        await self._track_own_orders(orders_read, trades)
        triggered, by_others = await self._link_triggered(orders_read, trades)
        orders_read = [
            each
            for each in orders_read
            if each.exchange_order_id in by_others or not self._may_be_placed(each, now)
        ]
        unattributed = [each for each in trades if self._may_be_own(each, now, by_others)]
        attributed = [
            each if each.exchange_order_id else _with_placeholder_order(each) for each in trades
        ]
        attributed = [
            each
            for each, trade in zip(attributed, trades, strict=True)
            if trade not in unattributed
        ]
        external_orders = await self._find_external_orders(section, orders_read, attributed, now)
        await self._track_own_orders(
            external_orders, ()
        )  # their client order ids are only known now
        find_overfilled = await self._refresh_overfilled(attributed)
        orders: list[ExecutionReport] = []
        for each in find_overfilled:
            orders += self._report_builder.from_terms(each, source, now)
        for each in triggered:
            orders += self._report_builder.from_order(each, source, now)
        for each in orders_read:
            orders += self._report_builder.from_order(
                each, source, now, include_reported=include_reported
            )
        for each in external_orders:
            orders += self._report_builder.from_order(each, source, now)
        self._add_external_orders(attributed)
        reports: list[tuple[str, ExecutionReport]] = []
        charges: list[Charge] = []
        for trade in attributed:
            report = self._report_builder.from_trade(
                trade, source, now, include_reported=include_reported
            )
            if report is not None:
                reports.append((trade.symbol, report))
                charges += fee_charges(trade, source, now)
        first = min((each.execution.executed_at for each in unattributed), default=None)
        return ProcessedSnapshot(
            orders=orders, trades=reports, charges=charges, unattributed_since=first
        )

    async def _track_own_orders(
        self, orders_read: Iterable[OrderSnapshot], trades: Iterable[TradeSnapshot]
    ) -> None:
        """Track own orders that this process does not know."""
        if self._is_own_order is None:
            return
        for each in orders_read:
            if await self._is_untracked_own(each.client_id):
                self._add(each.client_id, each, each.qty or each.filled, each.price)
        for trade in trades:
            if await self._is_untracked_own(trade.client_id):
                self._add(trade.client_id, trade, trade.execution.qty, None)

    async def _link_triggered(
        self, orders_read: Iterable[OrderSnapshot], trades: Iterable[TradeSnapshot]
    ) -> tuple[list[OrderSnapshot], set[str]]:
        """Give unknown orders to the own stops that placed them, where they do not name these.

        Returns these stops, and the ids of orders that stops of others placed.
        """
        triggered, by_others = list[OrderSnapshot](), set[str]()
        if self._profile.names_triggered_orders:
            return triggered, by_others
        unknown: dict[str, set[str | None]] = {}
        read: list[OrderSnapshot | TradeSnapshot] = [*orders_read, *trades]
        for each in read:
            if self._orders.find(each.symbol, each.exchange_order_id, each.client_id) is None:
                unknown.setdefault(each.symbol, set()).add(each.exchange_order_id)
        for symbol, order_ids in sorted(unknown.items()):
            for stop in await self._ended_triggers(symbol):
                if self._orders.client_ids.order_id_of(stop.client_id) is None:
                    if stop.triggered_order_id is not None and not self._tagged.is_unclear(stop):
                        by_others.add(stop.triggered_order_id)
                    continue
                placed_id = await self._lookup.placed_order_id(stop)
                if placed_id is None or placed_id not in order_ids:
                    continue
                if await self._is_untracked_own(stop.client_id):
                    self._add(stop.client_id, stop, stop.qty or ZERO, stop.price)
                order_id = self._orders.client_ids.order_id_of(stop.client_id)
                tracked = None if order_id is None else self._orders.by_order_id(order_id)
                if tracked is not None:
                    tracked.has_separate_trigger = True
                    self._orders.link(tracked, stop.exchange_order_id)
                    self._orders.mark_triggered(tracked, placed_id)
                    triggered.append(stop)
        return triggered, by_others

    async def _ended_triggers(self, symbol: str) -> list[OrderSnapshot]:
        """Conditional orders that ended; own ones with their client order id.

        Where the venue does not return it, they are known by their exchange ids, which the ledger
        is asked for if they are not tracked.
        """
        stops = [self._named(each) for each in await self._lookup.ended_triggers(symbol)]
        unnamed = unnamed_ids(stops)
        if not unnamed or self._find_own_orders is None:
            return stops
        found = await self._find_own_orders(symbol, unnamed)
        client_ids = {name: self._orders.client_ids.encode(i, 1) for name, i in found.items()}
        return [
            evolve(each, client_id=client_ids[each.exchange_order_id])
            if each.exchange_order_id in client_ids
            else each
            for each in stops
        ]

    def _named(self, stop: OrderSnapshot) -> OrderSnapshot:
        """The stop; with its client order id if it is tracked and the row does not have it."""
        client_ids = self._orders.client_ids
        if client_ids.order_id_of(stop.client_id) is not None:
            return stop
        known = self._orders.find(stop.symbol, stop.exchange_order_id, None)
        if known is None or not known.order_id:
            return stop
        return evolve(stop, client_id=known.client_id or client_ids.encode(known.order_id, 1))

    async def _is_untracked_own(self, name: str | None) -> bool:
        order_id = self._orders.client_ids.order_id_of(name)
        if order_id is None or order_id in self._foreign_order_ids or self._is_own_order is None:
            return False
        if self._orders.by_order_id(order_id) is not None:
            return False
        if await self._is_own_order(order_id):
            return True
        self._foreign_order_ids.add(order_id)
        return False

    def _add(
        self,
        name: str | None,
        snapshot: OrderSnapshot | TradeSnapshot,
        qty: Decimal,
        price: Decimal | None,
    ) -> None:
        order_id = self._orders.client_ids.order_id_of(name)
        assert order_id is not None, "only own client order ids are untracked"
        is_order = isinstance(snapshot, OrderSnapshot)
        at = (
            snapshot.created_at
            if isinstance(snapshot, OrderSnapshot)
            else snapshot.execution.executed_at
        )
        known = TrackedOrder(
            order_id=order_id,
            symbol=snapshot.symbol,
            side=snapshot.side,
            order_type=snapshot.order_type if isinstance(snapshot, OrderSnapshot) else "market",
            qty=qty,
            price=price,
            created_at=at or datetime.min,
            client_id=name,
            exchange_order_id=snapshot.exchange_order_id,
            # The attempt is part of the client order id; a later one must be greater.
            attempts=_attempt_of(self._orders, name),
            is_accepted=not is_order,
        )
        self._orders.add(known)

    def _may_be_own(self, trade: TradeSnapshot, now: datetime, by_others: set[str]) -> bool:
        if self._orders.find(trade.symbol, trade.exchange_order_id, trade.client_id) is not None:
            return False
        if self._profile.trades_have_client_id or not self._is_recent(
            trade.execution.executed_at, now
        ):
            return False
        if self._orders.has_unidentified(trade.symbol):
            return True
        if self._profile.names_triggered_orders or trade.exchange_order_id in by_others:
            return False
        return self._orders.may_have_placed(trade.symbol, trade.side, trade.execution.qty, None)

    def _may_be_placed(self, order: OrderSnapshot, now: datetime) -> bool:
        """Whether an own stop may have placed the order, which names neither of them."""
        if self._profile.names_triggered_orders or order.is_conditional or order.created_at is None:
            return False
        if self._orders.find(order.symbol, order.exchange_order_id, order.client_id) is not None:
            return False
        is_expected = self._orders.has_unidentified(order.symbol) or self._orders.may_have_placed(
            order.symbol, order.side, order.qty, order.price
        )
        return is_expected and self._is_recent(order.created_at, now)

    def _is_recent(self, at: datetime, now: datetime) -> bool:
        """Whether what happened then may still turn out to be of an own order."""
        return now - at < timedelta(seconds=self._window())

    async def _find_external_orders(
        self,
        section: AccountSection,
        orders_read: Sequence[OrderSnapshot],
        trades: Sequence[TradeSnapshot],
        now: datetime,
    ) -> list[OrderSnapshot]:
        """External orders of executions, as far as they can be found."""
        listed = {(each.symbol, each.exchange_order_id) for each in orders_read}
        groups = {
            key: group for key, group in self._unknown_by_order(trades).items() if key not in listed
        }
        if len(groups) > _SINGLE_LOOKUPS_MAX:
            first = min(each.execution.executed_at for each in trades)
            closed = await self._reader.closed_orders(section, first - timedelta(hours=1), now)
            return [each for each in closed if (each.symbol, each.exchange_order_id) in groups]
        orders_found = []
        for (_, name), group in groups.items():
            if not name.startswith(_PLACEHOLDER_PREFIX):
                result = await self._lookup.find(_lookup_target(name, group))
                if isinstance(result, OrderFound) and result.order is not None:
                    orders_found.append(result.order)
        return orders_found

    async def _refresh_overfilled(self, trades: Sequence[TradeSnapshot]) -> list[OrderSnapshot]:
        """Amended orders as they are now: their executions exceed the known quantity."""
        results = [
            await self._lookup.find(each) for each in self._report_builder.find_overfilled(trades)
        ]
        return [
            each.order
            for each in results
            if isinstance(each, OrderFound) and each.order is not None
        ]

    def _add_external_orders(self, trades: Sequence[TradeSnapshot]) -> None:
        """Track external orders of which only executions are known."""
        for (_, name), group in self._unknown_by_order(trades).items():
            first = group[0]
            external = ExternalOrderInfo(
                symbol=first.symbol,
                side=first.side,
                order_type="market",
                qty=_total_qty(group),
                reason=first.reason,
                created_at=first.execution.executed_at,
            )
            external = self._report_builder.with_sender(external, first.client_id)
            self._report_builder.add_external(external, name).is_accepted = True

    def _unknown_by_order(
        self, trades: Sequence[TradeSnapshot]
    ) -> dict[tuple[str, str], list[TradeSnapshot]]:
        """Executions of unknown orders, by symbol and order."""
        groups: dict[tuple[str, str], list[TradeSnapshot]] = {}
        for trade in trades:
            name = trade.exchange_order_id
            assert name is not None, "an execution without an order has a placeholder"
            if self._orders.find(trade.symbol, name, trade.client_id) is None:
                groups.setdefault((trade.symbol, name), []).append(trade)
        return groups


def _lookup_target(name: str, group: Sequence[TradeSnapshot]) -> TrackedOrder:
    """A lookup target; its executions are known."""
    first = group[0]
    return TrackedOrder(
        order_id=0,
        symbol=first.symbol,
        side=first.side,
        order_type="market",
        qty=_total_qty(group),
        price=None,
        created_at=first.execution.executed_at,
        exchange_order_id=name,
        filled=_UNLIMITED,
    )


def _attempt_of(orders: OrderCache, name: str | None) -> int:
    decoded = orders.client_ids.decode(name)
    return 0 if decoded is None else decoded.attempt


def _with_placeholder_order(trade: TradeSnapshot) -> TradeSnapshot:
    """An execution without an order, as one of a placeholder order."""
    name = f"{_PLACEHOLDER_PREFIX}{trade.execution.exchange_trade_id}"
    return evolve(trade, exchange_order_id=name)


def _total_qty(group: Sequence[TradeSnapshot]) -> Decimal:
    orders_found = ZERO
    for trade in group:
        orders_found = add(orders_found, trade.execution.qty)
    return orders_found
