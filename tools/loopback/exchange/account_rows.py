"""Rows of an account's current positions and balances, valued at mark prices. Read only."""

from decimal import Decimal
from typing import TYPE_CHECKING

from loopback.exchange.rows import CurrencyRow, ExitKind, PositionRow
from oms.domain.instrument import InstrumentKind
from oms.domain.money import ZERO, add, round_to_scale
from oms.simulation.account.margin import (
    compute_position_margin,
    compute_position_margins,
    entry_price,
    liquidation_price,
)
from oms.simulation.state.exchange_state import EPOCH
from oms.simulation.state.paper_account import Balance
from oms.simulation.state.paper_order import Leg

if TYPE_CHECKING:
    from loopback.exchange.account import Account


def position_row(account: "Account", symbol: str, leg: Leg) -> PositionRow:
    """Returns the row of one leg of a contract; its quantity may be zero."""
    state, settings = account.state, account.settings
    instrument, key = settings.instruments[symbol], (symbol, leg)
    position = state.positions.get(key)
    market = state.markets.get(symbol)
    margin = None
    if position is not None:
        margin = compute_position_margin(state, settings, position)
    exits = _exit_prices(account, symbol, leg) if position is not None else {}
    return PositionRow(
        symbol=symbol,
        leg=leg,
        qty=ZERO if position is None else position.qty,
        entry=None if position is None else entry_price(instrument, position),
        mark=None if market is None else market.mark_price,
        notional=ZERO if margin is None else round_to_scale(margin.value.copy_abs()),
        margin=ZERO if position is None else position.margin,
        maintenance=ZERO if margin is None else round_to_scale(margin.maintenance),
        unrealised=ZERO if margin is None else round_to_scale(margin.unrealised),
        realised=account.records.realised.get(key, ZERO),
        leverage=account.leverage_of(symbol),
        liquidation=liquidation_price(state, settings, symbol, leg),
        take_profit=exits.get(ExitKind.TAKE_PROFIT),
        stop_loss=exits.get(ExitKind.STOP_LOSS),
        trailing=exits.get(ExitKind.TRAILING),
        created_at=account.opened_at.get(key, EPOCH),
        updated_at=state.clock,
    )


def wallet_rows(account: "Account") -> tuple[CurrencyRow, ...]:
    """Returns the rows of all currencies that ever had a balance."""
    return tuple(
        _currency_row(account, name, balance)
        for name, balance in sorted(account.state.balances.items())
    )


def legs_of(account: "Account", symbol: str) -> tuple[Leg, ...]:
    """Returns the legs of a symbol: one in one-way mode, two in hedge mode."""
    return (Leg.LONG, Leg.SHORT) if symbol in account.hedged else (Leg.BOTH,)


def _currency_row(account: "Account", currency: str, balance: Balance) -> CurrencyRow:
    state, settings = account.state, account.settings
    spot = orders = positions = maintenance = unrealised = ZERO
    for open_orders in state.orders.values():
        for order in open_orders.values():
            if order.locked_currency != currency:
                continue
            if settings.instruments[order.symbol].kind is InstrumentKind.SPOT:
                spot = add(spot, order.locked)
            else:
                orders = add(orders, order.locked)
    for margin in compute_position_margins(state, settings, currency):
        positions = add(positions, margin.position.margin)
        maintenance = add(maintenance, margin.maintenance)
        unrealised = add(unrealised, margin.unrealised)
    return CurrencyRow(
        currency=currency,
        free=balance.free,
        total=balance.total,
        spot_locked=spot,
        order_margin=orders,
        position_margin=positions,
        maintenance=round_to_scale(maintenance),
        unrealised=round_to_scale(unrealised),
        realised=account.records.realised.get(currency, ZERO),
    )


def _exit_prices(account: "Account", symbol: str, leg: Leg) -> dict[ExitKind, Decimal | None]:
    """Returns the prices (or the trailing distance) of a position's open exits."""
    prices: dict[ExitKind, Decimal | None] = {}
    for row in account.open_orders():
        order = row.order
        if row.exit is not ExitKind.NONE and (order.symbol, order.leg) == (symbol, leg):
            distance = order.terms.trailing_amount
            prices[row.exit] = distance or order.terms.trigger_price or order.price
    return prices
