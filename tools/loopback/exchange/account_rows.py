"""How an account stands now: its positions at the mark, its wallet by currency. It only reads."""

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
from oms.simulation.state.exchange_state import EPOCH, Balance, Leg

if TYPE_CHECKING:
    from loopback.exchange.account import Account


def position_row(account: "Account", symbol: str, leg: Leg) -> PositionRow:
    """One leg of a contract, flat ones too."""
    state, settings = account.state, account.settings
    instrument, key = settings.instruments[symbol], (symbol, leg)
    held = state.positions.get(key)
    market = state.markets.get(symbol)
    stand = None if held is None else compute_position_margin(state, settings, held)
    exits = _exits(account, symbol, leg) if held is not None else {}
    return PositionRow(
        symbol=symbol,
        leg=leg,
        qty=ZERO if held is None else held.qty,
        entry=None if held is None else entry_price(instrument, held),
        mark=None if market is None else market.mark_price,
        worth=ZERO if stand is None else round_to_scale(stand.value.copy_abs()),
        margin=ZERO if held is None else held.margin,
        maintenance=ZERO if stand is None else round_to_scale(stand.maintenance),
        unrealised=ZERO if stand is None else round_to_scale(stand.unrealised),
        realised=account.records.realised.get(key, ZERO),
        leverage=settings.leverage_of(instrument, state.contracts.get(symbol)),
        liquidation=liquidation_price(state, settings, symbol, leg),
        take_profit=exits.get(ExitKind.TAKE_PROFIT),
        stop_loss=exits.get(ExitKind.STOP_LOSS),
        trailing=exits.get(ExitKind.TRAILING),
        created_at=account.opened.get(key, EPOCH),
        updated_at=state.clock,
    )


def wallet_rows(account: "Account") -> tuple[CurrencyRow, ...]:
    """Every currency that was ever held."""
    return tuple(
        _coin(account, name, balance) for name, balance in sorted(account.state.balances.items())
    )


def legs_of(account: "Account", symbol: str) -> tuple[Leg, ...]:
    """One in one-way mode, two in hedge mode."""
    return (Leg.LONG, Leg.SHORT) if symbol in account.hedged else (Leg.BOTH,)


def _coin(account: "Account", currency: str, balance: Balance) -> CurrencyRow:
    state, settings = account.state, account.settings
    spot = orders = positions = maintenance = unrealised = ZERO
    for held in state.orders.values():
        for order in held.values():
            if order.locked_currency != currency:
                continue
            if settings.instruments[order.symbol].kind is InstrumentKind.SPOT:
                spot = add(spot, order.locked)
            else:
                orders = add(orders, order.locked)
    for stand in compute_position_margins(state, settings, currency):
        positions = add(positions, stand.position.margin)
        maintenance = add(maintenance, stand.maintenance)
        unrealised = add(unrealised, stand.unrealised)
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


def _exits(account: "Account", symbol: str, leg: Leg) -> dict[ExitKind, Decimal | None]:
    """Where open exits of a position are."""
    found: dict[ExitKind, Decimal | None] = {}
    for row in account.open_orders():
        order = row.order
        if row.exit is not ExitKind.NONE and (order.symbol, order.leg) == (symbol, leg):
            distance = order.terms.trailing_amount
            found[row.exit] = distance or order.terms.trigger_price or order.price
    return found
