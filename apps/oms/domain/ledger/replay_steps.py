"""The steps of a replay in the exchange's order: executions, close-bys and merges."""

from collections.abc import Callable, Mapping, Sequence

from oms.domain.ledger.allocation import execution_key
from oms.domain.ledger.deal import Deal, DealEntry, DealType
from oms.domain.ledger.position import Position

BUST_PREFIX = "bust:"
"""Prefix of the trade id of a reversing deal; the reversed trade id follows."""


def busted_trade_ids(deals: Sequence[Deal]) -> frozenset[str]:
    """Return the trade ids of executions that were reversed."""
    return frozenset(
        (deal.exchange_trade_id or "").removeprefix(BUST_PREFIX)
        for deal in deals
        if deal.type is DealType.CORRECTION
    )


ReplayStep = Deal | tuple[Deal, ...] | Position
"""An execution, the legs of a close-by (of a dust write-off one), or a position that was merged."""


def replay_steps(
    deals: Sequence[Deal],
    positions: Sequence[Position],
    key: Callable[[Deal], tuple[object, ...]] | None = None,
) -> list[ReplayStep]:
    """Return what moved quantity, in the order of ``key``: of the exchange, unless it is given.

    Busted executions are left out. A merge follows the executions of its time, and a merge into a
    position comes before the merge of that position.
    """
    order = key or exchange_order
    busted = busted_trade_ids(deals)
    steps: list[tuple[tuple[object, ...], int, ReplayStep]] = []
    pairs: dict[str, list[Deal]] = {}
    for deal in deals:
        if deal.type is not DealType.TRADE or deal.exchange_trade_id in busted:
            continue
        if deal.entry is DealEntry.OUT_BY:
            pairs.setdefault(deal.exchange_trade_id, []).append(deal)
        else:
            steps.append((order(deal), deal.id, deal))
    for legs in pairs.values():
        pair = tuple(sorted(legs, key=lambda leg: leg.leg))
        steps.append((order(pair[0]), pair[0].id, pair))
    targets = {each.id: each.merged_into for each in positions if each.merged_into is not None}
    for position in positions:
        if position.id in targets:
            at = position.closed_at or position.updated_at
            steps.append(((at, 2, -_merges_after(position, targets)), position.id, position))
    return [step for _, _, step in sorted(steps, key=lambda each: each[:2])]


def _merges_after(position: Position, targets: Mapping[int, int]) -> int:
    """Return into how many positions the quantity of ``position`` was merged in turn."""
    count, target = 0, targets.get(position.id)
    while target is not None and count < len(targets):  # damaged rows may form a circle
        count, target = count + 1, targets.get(target)
    return count


def exchange_order(deal: Deal) -> tuple[object, ...]:
    """Return the sort key of a deal in the exchange's order; close-bys follow executions."""
    key = execution_key(deal.executed_at, deal.exchange_sequence, deal.exchange_trade_id)
    at, sequence, length, text = key
    rank = 1 if deal.entry is DealEntry.OUT_BY else 0
    return at, rank, sequence, length, text, deal.leg
