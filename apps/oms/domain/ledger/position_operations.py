"""Position commands without an order: close-by, merge, change of levels.

Each operation has a check (``refuse_…``) and a function that applies it. A close-by books two
``out_by`` deals at the average of the second position, so all profit goes to the first; a merge
moves quantity and cost and books no deal.
"""

from datetime import datetime
from decimal import Decimal
from fractions import Fraction

from oms.domain.account import PositionMode
from oms.domain.commands.command import KEEP, ChangePosition, CloseBy, MergePositions, StopMode
from oms.domain.errors import Refused
from oms.domain.event import Event
from oms.domain.ids import IdGenerator
from oms.domain.instrument import Instrument, refuse_off_grid
from oms.domain.ledger.deal import Deal, DealEntry, signed_quantity
from oms.domain.ledger.ledger_events import closed_event, deal_event
from oms.domain.ledger.ledger_update import LedgerUpdate
from oms.domain.ledger.position import (
    Fill,
    Position,
    PositionState,
    apply_fill,
    average_entry_price,
    join_positions,
)
from oms.domain.money import ZERO, decimal_text, subtract
from oms.domain.protection.entry_levels import with_percent_levels
from oms.domain.protection.position_levels import with_changed_levels, without_levels
from oms.domain.side import Side
from oms.domain.value import evolve

CLOSE_BY_PREFIX = "close_by:"
"""Prefix of the trade id of a close-by; the id of its command follows."""


def refuse_close_by(
    request: CloseBy, a: Position, b: Position, instrument: Instrument
) -> Refused | None:
    """Refuse to close ``a`` against ``b``."""
    if a.symbol != b.symbol or (a.qty > 0) == (b.qty > 0):
        message = f"positions {a.id} and {b.id} are not opposite tickets of one symbol"
        return Refused(code="invalid_position_id", reason="not_opposite", message=message)
    for position in (a, b):
        if position.state is PositionState.CLOSE_REQUESTED:
            message = f"an order that closes position {position.id} is already open"
            return Refused(code="position_close_in_progress", message=message)
    smaller = min(a.qty.copy_abs(), b.qty.copy_abs())
    qty = smaller if request.qty is None else request.qty
    if qty > smaller:
        return Refused(
            code="invalid_close_volume",
            message=f"qty {decimal_text(qty)} is more than the smaller position holds,"
            f" {decimal_text(smaller)}",
            limit=smaller,
            value=qty,
            set_by="position",
        )
    if (
        request.qty is not None
        and (off := refuse_off_grid(instrument, qty=request.qty)) is not None
    ):
        return off
    for position in (a, b):
        rest = subtract(position.qty.copy_abs(), qty)
        if ZERO < rest < instrument.step:
            return Refused(
                code="invalid_close_volume",
                message=f"position {position.id} would keep {decimal_text(rest)}, below the"
                f" smallest quantity {decimal_text(instrument.step)}",
                limit=instrument.step,
                value=rest,
                set_by="exchange",
            )
    return None


def close_by(
    request: CloseBy,
    a: Position,
    b: Position,
    instrument: Instrument,
    command_id: int,
    next_id: IdGenerator,
    now: datetime,
) -> LedgerUpdate:
    """Close ``a`` against ``b`` at the average of ``b``."""
    smaller = min(a.qty.copy_abs(), b.qty.copy_abs())
    qty = smaller if request.qty is None else request.qty
    price, average = average_entry_price(b, instrument), b.cost / Fraction(b.qty)
    deals: list[Deal] = []
    positions: list[Position] = []
    for leg, position in enumerate((a, b)):
        deal = _leg(position, qty, price, leg, command_id, next_id, now)
        fill = Fill(
            delta=signed_quantity(instrument, deal.side, qty, None, None),
            price=price,
            fee=None,
            fee_currency=None,
            reason=deal.reason,
            executed_at=now,
            received_at=now,
            value=average,
        )
        after, profit = apply_fill(position, instrument, fill)
        deals.append(evolve(deal, profit=profit))
        positions.append(after)
    facts = {
        "command_id": command_id,
        "position_id_a": a.id,
        "position_id_b": b.id,
        "qty": qty,
    }
    events = (
        *(deal_event(deal) for deal in deals),
        Event(name="close_by_executed", strategy_id=a.strategy_id, facts=facts),
        *(closed_event(position) for position in positions if not position.is_open),
    )
    return LedgerUpdate(deals=tuple(deals), positions=tuple(positions), events=events)


def _leg(
    position: Position,
    qty: Decimal,
    price: Decimal,
    leg: int,
    command_id: int,
    next_id: IdGenerator,
    now: datetime,
) -> Deal:
    return Deal(
        id=next_id("deal"),
        account_id=position.account_id,
        order_id=None,
        position_id=position.id,
        symbol=position.symbol,
        side=Side.SELL if position.qty > 0 else Side.BUY,
        qty=qty,
        price=price,
        fee=None,
        fee_currency=None,
        profit=ZERO,
        strategy_id=position.strategy_id,
        reason="close_by_internal",
        exchange_trade_id=f"{CLOSE_BY_PREFIX}{command_id}",
        leg=leg,
        entry=DealEntry.OUT_BY,
        origin="operator",
        liquidity=None,
        executed_at=now,
        created_at=now,
    )


def refuse_merge(
    request: MergePositions, source: Position, target: Position, mode: PositionMode
) -> Refused | None:
    """Refuse to move ``source`` into ``target``."""
    if source.id == target.id:
        message = f"position {source.id} cannot be merged into itself"
        return Refused(code="invalid_position_id", reason="not_alike", message=message)
    if source.symbol != target.symbol or (source.qty > 0) != (target.qty > 0):
        message = f"positions {source.id} and {target.id} differ in symbol or side"
        return Refused(code="invalid_position_id", reason="not_alike", message=message)
    per_strategy = mode is PositionMode.STRATEGY_NETTING
    if per_strategy and source.strategy_id != target.strategy_id:
        message = f"positions {source.id} and {target.id} belong to different strategies"
        return Refused(code="invalid_position_id", reason="other_strategy", message=message)
    for position in (source, target):
        if position.state is PositionState.CLOSE_REQUESTED:
            message = f"an order that closes position {position.id} is already open"
            return Refused(code="position_close_in_progress", message=message)
    return None


def merge_positions(
    request: MergePositions,
    source: Position,
    target: Position,
    instrument: Instrument,
    command_id: int,
    now: datetime,
) -> LedgerUpdate:
    """Move ``source`` into ``target``; the caller updates orders that refer to the source."""
    grown, ended = join_positions(target, source, now)
    grown = evolve(grown, avg_price=average_entry_price(grown, instrument))
    match request.stop_mode:
        case StopMode.KEEP:
            grown = with_percent_levels(grown, instrument)
        case StopMode.CLEAR:
            grown = without_levels(grown)
        case StopMode.SET:
            cleared = without_levels(grown)
            grown = evolve(cleared, stop_loss=request.stop_loss, stop_gain=request.stop_gain)
    facts = {
        "command_id": command_id,
        "source_position_id": source.id,
        "target_position_id": target.id,
        "symbol": target.symbol,
        "side": target.side.value,
        "source_qty": source.qty.copy_abs(),
        "target_qty_before": target.qty.copy_abs(),
        "target_qty_after": grown.qty.copy_abs(),
        "target_avg_price_after": grown.avg_price,
        "source_strategy_id": source.strategy_id,
        "target_strategy_id": target.strategy_id,
        "stop_mode": request.stop_mode.value,
    }
    event = Event(name="positions_merged", strategy_id=target.strategy_id, facts=facts)
    return LedgerUpdate(positions=(grown, ended), events=(event,))


def change_position(
    request: ChangePosition, position: Position, instrument: Instrument, now: datetime
) -> LedgerUpdate:
    """Set or clear the levels and the comment that the command contains."""
    after = evolve(
        with_changed_levels(position, request, instrument),
        comment=position.comment if request.comment is KEEP else request.comment,
        updated_at=now,
        version=position.version + 1,
    )
    facts = {
        "position_id": after.id,
        "oms_stop_loss": after.stop_loss,
        "oms_stop_gain": after.stop_gain,
        "comment": after.comment,
    }
    event = Event(name="position_changed", strategy_id=after.strategy_id, facts=facts)
    return LedgerUpdate(positions=(after,), events=(event,))
