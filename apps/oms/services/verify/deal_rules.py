"""Invariants of deals, as pure functions: type, order, position and uniqueness."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from oms.domain.account import PositionMode
from oms.domain.ledger.charges import FEE_PREFIX
from oms.domain.ledger.deal import Deal, DealEntry, DealType
from oms.domain.ledger.dust import DUST_PREFIX
from oms.domain.ledger.position import Position
from oms.domain.ledger.position_operations import CLOSE_BY_PREFIX
from oms.domain.ledger.replay_steps import BUST_PREFIX
from oms.domain.orders.order import Order
from oms.domain.side import Side
from oms.services.verify.findings import Finding, make_finding

#: Prefixes of the trade ids of payments.
_PAYMENTS = {
    DealType.FUNDING: "funding:",
    DealType.COMMISSION: FEE_PREFIX,
    DealType.BALANCE: "balance:",
}


SYNTHETIC_PREFIXES = (CLOSE_BY_PREFIX, DUST_PREFIX)
"""Prefixes of the trade ids of deals priced by us, which no exchange executed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DealContext:
    """Rows referenced by deals, and all deals of the same executions."""

    mode: PositionMode
    orders: Mapping[int, Order]
    positions: Mapping[int, Position]
    #: By symbol and trade id, legs ascending.
    trades: Mapping[tuple[str, str], Sequence[Deal]]
    #: Symbols of spot instruments: what a reduce-only sale sold beyond positions belongs to none.
    spot_symbols: frozenset[str] = frozenset()


def busted_trade_id(deal: Deal) -> str:
    """Return the trade id of the execution that a correction reverses."""
    return deal.exchange_trade_id.removeprefix(BUST_PREFIX)


def check_deal(deal: Deal, context: DealContext) -> Iterator[Finding]:
    """Check type, position and order of a deal."""
    yield from _kind_findings(deal, context)
    yield from _position_findings(deal, context)
    yield from _order_findings(deal, context)


def find_repeated_deals(deals: Iterable[Deal]) -> Iterator[Finding]:
    """Yield findings for legs of executions that are booked twice."""
    first: dict[tuple[str, str, int], int] = {}
    for deal in sorted(deals, key=lambda deal: deal.id):
        key = (deal.symbol, deal.exchange_trade_id, deal.leg)
        earlier = first.setdefault(key, deal.id)
        if earlier != deal.id and deal.exchange_trade_id:
            duplicate = f"also deal {earlier}"
            name = f"{deal.symbol} {deal.exchange_trade_id} leg {deal.leg} once"
            yield make_finding("deal_unique", "deal", deal.id, name, duplicate)


def _kind_findings(deal: Deal, context: DealContext) -> Iterator[Finding]:
    name, found = deal.exchange_trade_id, f"{deal.type.value} {deal.exchange_trade_id}"
    match deal.type:
        case DealType.TRADE:
            if name.startswith((BUST_PREFIX, *_PAYMENTS.values())) or deal.qty <= 0:
                expected = "an execution with a quantity"
                yield make_finding("deal_type", "deal", deal.id, expected, f"{found}, {deal.qty:f}")
        case DealType.CORRECTION:
            victims = context.trades.get((deal.symbol, busted_trade_id(deal)), ())
            if not name.startswith(BUST_PREFIX) or not any(_reverses(deal, one) for one in victims):
                expected = "the reversed execution"
                yield make_finding("deal_correction", "deal", deal.id, expected, found)
        case DealType.FUNDING | DealType.COMMISSION | DealType.BALANCE:
            if not name.startswith(_PAYMENTS[deal.type]) or deal.qty != 0:
                expected = f"{_PAYMENTS[deal.type]} without quantity"
                yield make_finding("deal_type", "deal", deal.id, expected, f"{found}, {deal.qty:f}")


def _reverses(deal: Deal, victim: Deal) -> bool:
    return (
        victim.type is DealType.TRADE
        and (victim.leg, victim.qty, victim.price) == (deal.leg, deal.qty, deal.price)
        and victim.side is deal.side.opposite
    )


def _position_findings(deal: Deal, context: DealContext) -> Iterator[Finding]:
    if not deal.position_id and not _requires_position(deal, context):
        return
    position = context.positions.get(deal.position_id)
    if position is None:
        yield make_finding("deal_position", "deal", deal.id, f"position {deal.position_id}", None)
        return
    if (position.account_id, position.symbol) != (deal.account_id, deal.symbol):
        found = f"account {position.account_id}, {position.symbol}"
        expected = f"account {deal.account_id}, {deal.symbol}"
        yield make_finding("deal_position", "deal", deal.id, expected, found)
    per_strategy = context.mode is PositionMode.STRATEGY_NETTING
    is_own = (
        deal.exchange_trade_id.startswith(SYNTHETIC_PREFIXES)
        or deal.strategy_id == position.strategy_id
    )
    is_valid_trade = deal.type is DealType.TRADE and not _is_busted(deal, context)
    if per_strategy and is_valid_trade and not is_own:
        yield make_finding("deal_strategy", "deal", deal.id, position.strategy_id, deal.strategy_id)


def _requires_position(deal: Deal, context: DealContext) -> bool:
    match deal.type:
        case DealType.TRADE:
            side = Side.SELL
        case DealType.CORRECTION:
            side = Side.BUY
        case DealType.FUNDING | DealType.COMMISSION | DealType.BALANCE:
            return False
    order = context.orders.get(deal.order_id or 0)
    is_sale = order is not None and order.side is Side.SELL and order.reduce_only
    is_outside = deal.side is side and deal.entry is DealEntry.OUT and not deal.profit
    return not (is_sale and is_outside and deal.symbol in context.spot_symbols)


def _is_busted(deal: Deal, context: DealContext) -> bool:
    return (deal.symbol, f"{BUST_PREFIX}{deal.exchange_trade_id}") in context.trades


def _order_findings(deal: Deal, context: DealContext) -> Iterator[Finding]:
    if deal.order_id is None:
        return
    order = context.orders.get(deal.order_id)
    if order is None:
        yield make_finding("deal_order", "deal", deal.id, f"order {deal.order_id}", None)
        return
    side = deal.side.opposite if deal.type is DealType.CORRECTION else deal.side
    if deal.type is DealType.COMMISSION:
        side = order.side
    yield from _signal_findings(deal, order)
    if (order.account_id, order.symbol, order.side) != (deal.account_id, deal.symbol, side):
        found = f"account {order.account_id}, {order.symbol}, {order.side.value}"
        expected = f"account {deal.account_id}, {deal.symbol}, {side.value}"
        yield make_finding("deal_order", "deal", deal.id, expected, found)


def _links(row: Deal | Order) -> str:
    """Return what names the cause of an order, and of its executions."""
    cause = f"signal {row.signal_id}, source {row.source_id}, bot {row.bot_id}"
    return f"{cause}, group {row.group_id}"


def _signal_findings(deal: Deal, order: Order) -> Iterator[Finding]:
    if deal.type is not DealType.TRADE:
        return
    found, expected = _links(deal), _links(order)
    if found != expected:
        yield make_finding("deal_signal", "deal", deal.id, expected, found)
