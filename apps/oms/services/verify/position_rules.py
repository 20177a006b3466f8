"""Invariants of positions, as pure functions: values after replay, and number of open positions."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from fractions import Fraction

from oms.domain.account import PositionMode
from oms.domain.instrument import Instrument
from oms.domain.ledger.deal import Deal, DealType
from oms.domain.ledger.position import Position, PositionState, apply_fee, apply_funding
from oms.domain.money import ZERO
from oms.domain.value import evolve
from oms.services.verify.findings import Finding, compare_values, make_finding
from oms.services.verify.order_rules import drop_zero_fees

#: Fields that a replay must reproduce, and their invariants.
_SUMS = {
    "qty": "position_quantity",
    "cost": "position_cost",
    "exit_value": "position_exit_value",
    "qty_opened": "position_qty_opened",
    "qty_closed": "position_qty_closed",
    "max_qty": "position_max_qty",
    "profit": "position_profit",
    "funding": "position_funding",
    "realized_pnl": "position_realized_pnl",
}
_REPLAYED = {
    "avg_price": "position_avg_price",
    "close_price": "position_close_price",
    "closed_at": "position_closed_at",
    "merged_into": "position_merge",
}


def empty_position(position: Position) -> Position:
    """Return the position as before its first deal."""
    return evolve(
        position,
        qty=ZERO,
        cost=Fraction(0),
        exit_value=Fraction(0),
        avg_price=ZERO,
        close_price=None,
        state=PositionState.OPEN,
        qty_opened=ZERO,
        qty_closed=ZERO,
        max_qty=ZERO,
        profit=ZERO,
        realized_pnl=ZERO,
        fees={},
        funding=ZERO,
        close_reason=None,
        merged_into=None,
        closed_at=None,
    )


def apply_charge(position: Position, instrument: Instrument, deal: Deal) -> Position:
    """Return the position after a deal that moved only money; trades do not change it."""
    match deal.type:
        case DealType.FUNDING:
            return apply_funding(position, deal.profit)
        case DealType.COMMISSION:
            if deal.fee is None or deal.fee_currency is None:
                return position
            return apply_fee(position, instrument, deal.fee, deal.fee_currency)
        case DealType.TRADE | DealType.BALANCE | DealType.CORRECTION:
            return position


def check_position(stored: Position, after: Position, first: Deal | None) -> list[Finding]:
    """Compare the row with its replay; ``first`` is the deal that opened it."""
    findings: list[Finding] = []
    names = _SUMS if first is None else {**_SUMS, **_REPLAYED}
    for name, invariant in names.items():
        expected, actual = getattr(after, name), getattr(stored, name)
        findings += compare_values(invariant, "position", stored.id, expected, actual)
    fees, actual_fees = drop_zero_fees(after.fees), drop_zero_fees(stored.fees)
    findings += compare_values("position_fees", "position", stored.id, fees, actual_fees)
    if first is None:
        return findings + _empty_findings(stored)
    expected_state = "open" if after.is_open else after.state.value
    actual_state = "open" if stored.is_open else stored.state.value
    findings += compare_values(
        "position_state", "position", stored.id, expected_state, actual_state
    )
    for name, expected, actual in (
        ("position_side", first.side.value, stored.side.value),
        ("position_opened_at", first.executed_at, stored.opened_at),
        ("position_strategy", first.strategy_id, stored.strategy_id),
    ):
        findings += compare_values(name, "position", stored.id, expected, actual)
    return findings


def _empty_findings(stored: Position) -> list[Finding]:
    """Check a position without deals, which only a correction can leave."""
    if stored.state is PositionState.CLOSED and stored.close_reason == "correction":
        return []
    actual = f"{stored.state.value}, {stored.close_reason or 'no reason'}"
    expected = "a deal, or closed by a correction"
    return [make_finding("position_without_deals", "position", stored.id, expected, actual)]


def check_position_chain(
    position: Position,
    positions_by_id: Mapping[int, Position],
    archived: Collection[int] = frozenset(),
) -> Iterator[Finding]:
    """Check that the positions it names as first and previous exist, or are archived."""
    for name in ("identifier", "previous_position_id"):
        row_id = getattr(position, name)
        if not row_id or row_id in archived:
            continue
        other = positions_by_id.get(row_id)
        owner = (position.account_id, position.symbol)
        if other is None or (other.account_id, other.symbol) != owner:
            expected = f"{name} {row_id} in account {position.account_id}, {position.symbol}"
            yield make_finding("position_chain", "position", position.id, expected, None)


def find_excess_open(mode: PositionMode, positions: Iterable[Position]) -> Iterator[list[Position]]:
    """Yield groups of open positions of which the mode allows only one."""
    if mode is PositionMode.HEDGE:
        return
    groups: dict[tuple[str, int], list[Position]] = defaultdict(list)
    for position in positions:
        strategy_id = position.strategy_id if mode is PositionMode.STRATEGY_NETTING else 0
        groups[position.symbol, strategy_id].append(position)
    yield from (group for group in groups.values() if len(group) > 1)


def check_single_open(mode: PositionMode, group: Sequence[Position]) -> Iterator[Finding]:
    """Yield a finding for each position of a group after the first."""
    first = group[0]
    rule = f"one open position in {first.symbol}"
    if mode is PositionMode.STRATEGY_NETTING:
        rule += f" of strategy {first.strategy_id}"
    for position in group[1:]:
        yield make_finding("one_open", "position", position.id, rule, f"also position {first.id}")
