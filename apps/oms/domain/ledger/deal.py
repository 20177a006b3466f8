"""Deals: accounting facts. Only deals change quantities and money.

One execution is one deal, except if it closes one position and opens another (two legs) or affects
several tickets (one leg each). The legs share ``exchange_trade_id``; the key ``(account, symbol,
exchange_trade_id, leg)`` is unique.
"""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from oms.domain.instrument import Instrument, InstrumentKind
from oms.domain.money import add, multiply, round_to_scale, subtract
from oms.domain.orders.order import Side
from oms.domain.value import value


class DealEntry(StrEnum):
    """Effect of a deal on its position."""

    IN = "in"
    OUT = "out"
    OUT_BY = "out_by"


class DealType(StrEnum):
    """Kind of a deal."""

    TRADE = "trade"
    BALANCE = "balance"
    FUNDING = "funding"
    COMMISSION = "commission"
    CORRECTION = "correction"


@value
class FeeRate:
    """What a fee in a third currency was worth: settle currency per unit of its currency."""

    rate: Decimal
    #: The symbols whose prices gave it, separated by commas, or ``execution``.
    source: str
    #: Time of the price.
    at: datetime


@value
class Deal:
    """One leg of one execution."""

    id: int
    account_id: int
    order_id: int | None
    position_id: int
    previous_position_id: int | None = None
    #: Tickets that a replay opened for this entry when it separated it from others: orders may
    #: name it by them, wherever it went since. Hedge mode only.
    opened_ticket_ids: tuple[int, ...] = ()
    symbol: str
    side: Side
    #: Executed quantity of this leg, positive, as reported by the exchange.
    qty: Decimal
    price: Decimal
    #: Fee share of this leg in ``fee_currency``; negative is a rebate.
    fee: Decimal | None
    fee_currency: str | None
    #: Of a fee in a third currency; ``None``: it is in no such currency, or no rate is known.
    fee_rate: FeeRate | None = None
    #: Gross profit of this leg at 18 places; 0 for an entry.
    profit: Decimal
    strategy_id: int
    reason: str
    comment: str | None = None
    reconciled: bool = True
    exchange_trade_id: str
    #: Sequence of executions with equal time in the symbol; 0: not reported.
    exchange_sequence: int = 0
    exchange_order_id: str | None = None
    #: Those of its order: the signal, its source or bot, and the group.
    signal_id: int | None = None
    source_id: int | None = None
    bot_id: int | None = None
    group_id: int | None = None
    leg: int
    entry: DealEntry
    type: DealType = DealType.TRADE
    provisional: bool = False
    origin: str
    liquidity: str | None
    executed_at: datetime
    created_at: datetime


def signed_quantity(
    instrument: Instrument, side: Side, qty: Decimal, fee: Decimal | None, currency: str | None
) -> Decimal:
    """Return the signed change (positive long) that an execution makes to a position.

    A spot fee paid in base reduces the holding: a buy adds ``qty − fee``, a sell removes ``qty +
    fee``.
    """
    in_base = instrument.kind is InstrumentKind.SPOT and currency == instrument.base
    charged = fee if fee is not None and in_base else Decimal(0)
    if side is Side.BUY:
        return subtract(qty, charged)
    return add(qty, charged).copy_negate()


def settle_fee(
    instrument: Instrument, fee: Decimal, currency: str, price: Decimal | None
) -> Decimal | None:
    """Return a fee in the settle currency, ``None`` for one in a third currency.

    ``price`` is that of the execution which the fee was taken with, ``None`` if it came later: then
    it takes no coins.
    """
    if currency == instrument.settle:
        return fee
    is_spot = instrument.kind is InstrumentKind.SPOT
    if price is not None and is_spot and currency == instrument.base:
        return round_to_scale(multiply(fee, price))
    return None
