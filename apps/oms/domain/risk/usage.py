"""How much of each limit of a policy is in use.

Limits of a single order have no usage. Positions are valued at the middle of their prices; what
cannot be valued is unknown (``None``).
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from decimal import Decimal

from oms.domain.money import ZERO, add, divide, multiply, subtract
from oms.domain.risk.exposure import Exposure
from oms.domain.risk.limit_context import LimitContext
from oms.domain.risk.limits import worth_of
from oms.domain.risk.loss_limits import measured_loss
from oms.domain.risk.policy import AccountPolicy, Limit, PolicyScope
from oms.domain.risk.recent import Recent
from oms.domain.value import value


@value
class LimitUsage:
    """A limit, what is in use of it, and what is left."""

    limit: Limit
    current: Decimal | None = None
    headroom: Decimal | None = None
    #: The symbol that uses most, of limits per symbol or position.
    symbol: str | None = None
    #: When the account reached the limit, of a limit on losses that is reached.
    tripped_at: datetime | None = None


Measured = tuple[Decimal | None, str | None]
"""What is in use, and the symbol that uses it."""


def policy_usage(policy: AccountPolicy, context: LimitContext) -> Iterator[LimitUsage]:
    """Yield the usage of the limits of the account, then of those of its strategies."""
    for limit in policy.account.values():
        yield _usage(limit, context.exposure, context)
    for strategy_id, limits in policy.strategies.items():
        exposure = context.exposure.of_strategy(strategy_id)
        for limit in limits.values():
            yield _usage(limit, exposure, context)


def _usage(limit: Limit, exposure: Exposure, context: LimitContext) -> LimitUsage:
    measure = _MEASURES.get(limit.key)
    lately = _MEASURES_OF_RECENT.get(limit.key)
    if lately is not None:
        own = limit.scope_id if limit.scope is PolicyScope.STRATEGY else None
        current, symbol = (None, None) if context.recent is None else lately(context.recent, own)
    elif measure is not None:
        current, symbol = measure(exposure, context)
    else:
        return LimitUsage(limit=limit)
    assert isinstance(limit.setting, Decimal)
    headroom = None if current is None else subtract(limit.setting, current)
    trip = context.risk.trip_of(limit.key)
    return LimitUsage(
        limit=limit,
        current=current,
        headroom=headroom,
        symbol=symbol,
        tripped_at=None if trip is None else trip.tripped_at,
    )


def _order_rate(recent: Recent, strategy_id: int | None) -> Measured:
    return Decimal(recent.orders_of(strategy_id)), None


def _signals(recent: Recent, strategy_id: int | None) -> Measured:
    by_symbol = recent.signals_by_symbol(strategy_id)
    return (None if by_symbol is None else Decimal(sum(by_symbol.values()))), None


def _signals_of_symbol(recent: Recent, strategy_id: int | None) -> Measured:
    by_symbol = recent.signals_by_symbol(strategy_id)
    if by_symbol is None:
        return None, None
    return _largest({symbol: Decimal(count) for symbol, count in by_symbol.items()})


def _open_positions(exposure: Exposure, _context: LimitContext) -> Measured:
    return Decimal(len(exposure.open_keys())), None


def _open_of_symbol(exposure: Exposure, _context: LimitContext) -> Measured:
    return _most(key.symbol for key in exposure.open_keys())


def _open_orders(exposure: Exposure, _context: LimitContext) -> Measured:
    return _most(entry.symbol for entry in exposure.reserved if entry.rests)


def _position_notional(exposure: Exposure, context: LimitContext) -> Measured:
    worths: dict[str, Decimal] = {}
    for key, qty in exposure.quantities_by_position().items():
        worth = worth_of(context, key.symbol, qty)
        if worth is None:
            return None, key.symbol
        worths[key.symbol] = max(worths.get(key.symbol, ZERO), worth)
    return _largest(worths)


def _total_exposure(exposure: Exposure, context: LimitContext) -> Measured:
    total = ZERO
    for symbol, qty in exposure.quantities().items():
        worth = worth_of(context, symbol, qty)
        if worth is None:
            return None, symbol
        total = add(total, worth)
    return total, None


def _capital(exposure: Exposure, context: LimitContext) -> Measured:
    worth, symbol = _position_notional(exposure, context)
    equity = context.in_limit_currency(context.equity.equity)
    if worth is None or equity is None or equity <= 0:
        return None, symbol
    return divide(multiply(worth, Decimal(100)), equity), symbol


def _leverage(exposure: Exposure, context: LimitContext) -> Measured:
    total, symbol = _total_exposure(exposure, context)
    equity = context.in_limit_currency(context.equity.equity)
    if total is None or equity is None or equity <= 0:
        return None, symbol
    return divide(total, equity), None


def _loss(key: str) -> Callable[[Exposure, LimitContext], Measured]:
    return lambda _exposure, context: (measured_loss(key, context), None)


def _most(symbols: Iterable[str]) -> Measured:
    counts = Counter(symbols)
    return _largest({symbol: Decimal(count) for symbol, count in counts.items()})


def _largest(by_symbol: Mapping[str, Decimal]) -> Measured:
    if not by_symbol:
        return ZERO, None
    symbol = max(sorted(by_symbol), key=by_symbol.__getitem__)
    return by_symbol[symbol], symbol


_MEASURES: Mapping[str, Callable[[Exposure, LimitContext], Measured]] = {
    "max_open_positions": _open_positions,
    "max_open_positions_per_symbol": _open_of_symbol,
    "max_open_orders_per_symbol": _open_orders,
    "max_position_notional": _position_notional,
    "max_capital_per_position_pct": _capital,
    "max_total_exposure": _total_exposure,
    "max_leverage": _leverage,
    "daily_loss_limit": _loss("daily_loss_limit"),
    "daily_loss_limit_pct": _loss("daily_loss_limit_pct"),
    "max_total_drawdown_pct": _loss("max_total_drawdown_pct"),
}

_MEASURES_OF_RECENT: Mapping[str, Callable[[Recent, int | None], Measured]] = {
    "max_orders_per_minute": _order_rate,
    "max_signals_per_day": _signals,
    "max_signals_per_symbol_per_day": _signals_of_symbol,
}
"""Those of what an account did lately, of a strategy or all (``None``)."""
