"""Payments that are not executions: funding, late fees, deposits and withdrawals.

A payment is booked as a deal without quantity. Funding is split by quantity over the positions of
the symbol that were open when it was due (``funding_split``); a late fee goes to the position of
its trade; a balance change to none.
"""

from collections.abc import Sequence
from decimal import Decimal

from oms.domain.ids import IdGenerator
from oms.domain.instrument import Instrument
from oms.domain.ledger.deal import Deal, DealEntry, DealType
from oms.domain.ledger.funding_split import funding_trade_id, split_amount
from oms.domain.ledger.ledger_events import deal_event
from oms.domain.ledger.ledger_update import LedgerUpdate
from oms.domain.ledger.position import Position, apply_fee, apply_funding
from oms.domain.ledger.replay_steps import BUST_PREFIX
from oms.domain.money import ZERO
from oms.domain.orders.execution_report import Charge, ChargeKind
from oms.domain.side import Side
from oms.domain.value import evolve, value

FEE_PREFIX = "fee:"
"""Prefix of the trade id of a late fee; the id of the trade follows."""

FOLLOW_UP_PREFIXES = (FEE_PREFIX, BUST_PREFIX)
"""Prefixes of the trade ids of deals that follow an execution."""


@value
class ChargeTargets:
    """The positions and the trade that a payment concerns."""

    account_id: int
    #: ``None`` if the payment concerns no symbol.
    instrument: Instrument | None = None
    #: For funding the positions that were open when it was due; for a late fee that of its trade.
    positions: Sequence[Position] = ()
    #: What these positions held when funding was due, signed.
    quantities: Sequence[Decimal] = ()
    #: The deal of the trade that a late fee belongs to.
    trade: Deal | None = None
    #: Number of legs booked under the trade id of the payment: fees in other currencies.
    first_leg: int = 0


def charge_trade_id(charge: Charge) -> str:
    """Return the trade id that makes the booking of the payment unique."""
    match charge.kind:
        case ChargeKind.COMMISSION:
            return f"{FEE_PREFIX}{charge.charge_id}"
        case ChargeKind.FUNDING:
            return funding_trade_id(charge.charge_id, charge.side)
        case ChargeKind.BALANCE:
            return f"balance:{charge.charge_id}"


def apply_charge(payees: ChargeTargets, charge: Charge, next_id: IdGenerator) -> LedgerUpdate:
    """Book ``charge``, which must not be booked yet."""
    match charge.kind:
        case ChargeKind.FUNDING:
            parts = split_amount(charge.amount, payees.quantities)
            legs = [
                _build_deal(payees, charge, next_id, leg, DealType.FUNDING, position, profit=part)
                for leg, (position, part) in enumerate(zip(payees.positions, parts, strict=True))
            ]
            after = [
                apply_funding(p, part) for p, part in zip(payees.positions, parts, strict=True)
            ]
            if not legs:
                legs = [
                    _build_deal(payees, charge, next_id, 0, DealType.FUNDING, None, charge.amount)
                ]
        case ChargeKind.COMMISSION:
            fee = charge.amount.copy_negate()
            position = payees.positions[0] if payees.positions else None
            legs = [
                _build_deal(
                    payees,
                    charge,
                    next_id,
                    payees.first_leg,
                    DealType.COMMISSION,
                    position,
                    ZERO,
                    fee,
                )
            ]
            after = []
            if position is not None and payees.instrument is not None:
                after = [apply_fee(position, payees.instrument, fee, charge.currency)]
        case ChargeKind.BALANCE:
            legs = [_build_deal(payees, charge, next_id, 0, DealType.BALANCE, None, charge.amount)]
            after = []
    updated = tuple(evolve(position, updated_at=charge.received_at) for position in after)
    return LedgerUpdate(
        deals=tuple(legs), positions=updated, events=tuple(deal_event(deal) for deal in legs)
    )


def find_trade(fee: Deal, deals: Sequence[Deal]) -> Deal:
    """Return the deal that a late fee belongs to."""
    trade_id = fee.exchange_trade_id.removeprefix(FEE_PREFIX)
    return charged_leg([deal for deal in deals if deal.exchange_trade_id == trade_id])


def charged_leg(legs: Sequence[Deal]) -> Deal:
    """Return the leg of an execution that its late fees go to: the last one with a position."""
    return max(legs, key=lambda leg: (bool(leg.position_id), leg.leg))


def attribute_fee(
    fee: Deal, trade: Deal, position: Position | None, instrument: Instrument
) -> LedgerUpdate:
    """Charge a ``fee`` that was booked before its ``trade`` to the trade's position, if any."""
    assert fee.fee is not None and fee.fee_currency is not None
    attributed = evolve(
        fee,
        order_id=trade.order_id,
        position_id=trade.position_id,
        strategy_id=trade.strategy_id,
    )
    if position is None:
        return LedgerUpdate(deals_changed=(attributed,))
    charged = apply_fee(position, instrument, fee.fee, fee.fee_currency)
    return LedgerUpdate(deals_changed=(attributed,), positions=(charged,))


def _build_deal(
    payees: ChargeTargets,
    charge: Charge,
    next_id: IdGenerator,
    leg: int,
    kind: DealType,
    position: Position | None,
    profit: Decimal,
    fee: Decimal | None = None,
) -> Deal:
    trade = payees.trade
    strategy_id = position.strategy_id if position is not None else 0
    return Deal(
        id=next_id("deal"),
        account_id=payees.account_id,
        order_id=None if trade is None else trade.order_id,
        position_id=0 if position is None else position.id,
        symbol=charge.booking_symbol,
        side=Side.BUY if charge.amount >= 0 else Side.SELL,
        qty=ZERO,
        price=charge.price or ZERO,
        fee=fee,
        fee_currency=charge.currency if fee is not None else None,
        profit=profit,
        strategy_id=strategy_id if trade is None else trade.strategy_id,
        reason=kind.value,
        exchange_trade_id=charge_trade_id(charge),
        leg=leg,
        entry=DealEntry.IN,
        type=kind,
        origin=charge.source.value,
        liquidity=None,
        executed_at=charge.executed_at,
        created_at=charge.received_at,
    )
