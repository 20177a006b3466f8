"""The positions that an order would leave, if all of it were filled at one price, before fees."""

from collections.abc import Sequence
from decimal import Decimal

from oms.domain.account import PositionMode
from oms.domain.instrument import Instrument
from oms.domain.ledger.allocation import AllocationSpec, Leg, allocate
from oms.domain.ledger.deal import DealEntry
from oms.domain.ledger.position import Position, average_entry_price
from oms.domain.money import ZERO, add
from oms.domain.side import Side
from oms.domain.value import evolve, value


@value
class ExpectedPosition:
    """A position after an order; closed where ``qty`` is 0."""

    #: ``None`` if the order opens it.
    position_id: int | None
    strategy_id: int
    side: Side
    qty: Decimal
    #: ``None`` if it is closed, or if no price is known.
    avg_price: Decimal | None
    #: What the order closes of it.
    closed_qty: Decimal = ZERO


def expected_positions(
    mode: PositionMode,
    spec: AllocationSpec,
    positions: Sequence[Position],
    instrument: Instrument,
    qty: Decimal,
    price: Decimal | None,
) -> list[ExpectedPosition]:
    """Return the positions that ``qty`` of an order would change, as they would be after it.

    ``positions`` are the open ones of the symbol, oldest first.
    """
    delta = qty if spec.side is Side.BUY else qty.copy_negate()
    legs = [leg for leg in allocate(mode, spec, positions, delta) if leg.has_position]
    return [_after(leg, spec, instrument, price) for leg in legs if leg.delta]


def _after(
    leg: Leg, spec: AllocationSpec, instrument: Instrument, price: Decimal | None
) -> ExpectedPosition:
    before = leg.position
    if before is None:
        return ExpectedPosition(
            position_id=None,
            strategy_id=spec.strategy_id,
            side=spec.side,
            qty=leg.delta.copy_abs(),
            avg_price=price,
        )
    is_exit = leg.entry is DealEntry.OUT
    qty = add(before.qty, leg.delta)
    average = before.avg_price if is_exit and qty else None
    if not is_exit and price is not None:
        cost = before.cost + instrument.worth(leg.delta, price)
        average = average_entry_price(evolve(before, qty=qty, cost=cost), instrument)
    return ExpectedPosition(
        position_id=before.id,
        strategy_id=before.strategy_id,
        side=before.side,
        qty=qty.copy_abs(),
        avg_price=average,
        closed_qty=leg.delta.copy_abs() if is_exit else ZERO,
    )
