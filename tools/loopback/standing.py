"""How an account stands now: its positions at the mark, its wallet by currency. It only reads."""

from decimal import Decimal
from typing import TYPE_CHECKING

from loopback.rows import CoinRow, Exit, PositionRow
from oms.domain.instrument import Kind
from oms.domain.money import ZERO, rounded, total
from oms.simulation.margin import entry_price, liquidation_price, stand_of, stands_in
from oms.simulation.memory import EPOCH, Balance, Leg

if TYPE_CHECKING:
    from loopback.account import Account


def position_row(account: "Account", symbol: str, leg: Leg) -> PositionRow:
    """One leg of a contract, flat ones too."""
    memory, settings = account.memory, account.settings
    instrument, key = settings.instruments[symbol], (symbol, leg)
    held = memory.positions.get(key)
    market = memory.markets.get(symbol)
    stand = None if held is None else stand_of(memory, settings, held)
    exits = _exits(account, symbol, leg) if held is not None else {}
    return PositionRow(
        symbol=symbol,
        leg=leg,
        qty=ZERO if held is None else held.qty,
        entry=None if held is None else entry_price(instrument, held),
        mark=None if market is None else market.mark_price,
        worth=ZERO if stand is None else rounded(stand.value.copy_abs()),
        margin=ZERO if held is None else held.margin,
        maintenance=ZERO if stand is None else rounded(stand.maintenance),
        unrealised=ZERO if stand is None else rounded(stand.unrealised),
        realised=account.records.realised.get(key, ZERO),
        leverage=settings.leverage_of(instrument, memory.contracts.get(symbol)),
        liquidation=liquidation_price(memory, settings, symbol, leg),
        take_profit=exits.get(Exit.TAKE_PROFIT),
        stop_loss=exits.get(Exit.STOP_LOSS),
        trailing=exits.get(Exit.TRAILING),
        created_at=account.opened.get(key, EPOCH),
        updated_at=memory.clock,
    )


def wallet_rows(account: "Account") -> tuple[CoinRow, ...]:
    """Every currency that was ever held."""
    return tuple(
        _coin(account, name, balance) for name, balance in sorted(account.memory.balances.items())
    )


def legs_of(account: "Account", symbol: str) -> tuple[Leg, ...]:
    """One in one-way mode, two in hedge mode."""
    return (Leg.LONG, Leg.SHORT) if symbol in account.hedged else (Leg.BOTH,)


def _coin(account: "Account", currency: str, balance: Balance) -> CoinRow:
    memory, settings = account.memory, account.settings
    spot = orders = positions = maintenance = unrealised = ZERO
    for held in memory.orders.values():
        for order in held.values():
            if order.locked_currency != currency:
                continue
            if settings.instruments[order.symbol].kind is Kind.SPOT:
                spot = total(spot, order.locked)
            else:
                orders = total(orders, order.locked)
    for stand in stands_in(memory, settings, currency):
        positions = total(positions, stand.position.margin)
        maintenance = total(maintenance, stand.maintenance)
        unrealised = total(unrealised, stand.unrealised)
    return CoinRow(
        currency=currency,
        free=balance.free,
        total=balance.total,
        spot_locked=spot,
        order_margin=orders,
        position_margin=positions,
        maintenance=rounded(maintenance),
        unrealised=rounded(unrealised),
        realised=account.records.realised.get(currency, ZERO),
    )


def _exits(account: "Account", symbol: str, leg: Leg) -> dict[Exit, Decimal | None]:
    """Where open exits of a position are."""
    found: dict[Exit, Decimal | None] = {}
    for row in account.open_orders():
        order = row.order
        if row.exit is not Exit.NONE and (order.symbol, order.leg) == (symbol, leg):
            distance = order.terms.trailing_amount
            found[row.exit] = distance or order.terms.trigger_price or order.price
    return found
