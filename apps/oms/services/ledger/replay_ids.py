"""Ids that the replay of a history may take: it restates as many rows as the history has."""

from bisect import bisect_left, bisect_right

from oms.domain.ledger.deal import DealType
from oms.domain.ledger.history_replay import SymbolHistory
from oms.ports.ids import IdBlocks

ROWS_PER_EXECUTION = 2
"""An execution closes a position and opens another, with a deal for each."""


async def reserve_replay_ids(ids: IdBlocks, history: SymbolHistory, added: int) -> None:
    """Reserve ids for a replay of ``history`` with ``added`` further executions.

    A replayed execution may reverse a position that it only reduced before. A funding payment is
    split again over all positions that were open when it was due. Raises ``Unavailable``.
    """
    trades = sum(deal.type is DealType.TRADE for deal in history.deals)
    rows = ROWS_PER_EXECUTION * (trades + added)
    await ids.ensure("position", rows)
    await ids.ensure("deal", rows + _funding_legs(history, ROWS_PER_EXECUTION * added))


def _funding_legs(history: SymbolHistory, added_positions: int) -> int:
    """Return an upper bound of the deals that the payments of ``history`` are split into."""
    due = {
        deal.exchange_trade_id: deal.executed_at
        for deal in history.deals
        if deal.type is DealType.FUNDING and history.covers(deal.executed_at)
    }
    opened = sorted(position.opened_at for position in history.positions)
    closed = sorted(each.closed_at for each in history.positions if each.closed_at is not None)
    return sum(
        bisect_right(opened, at) - bisect_left(closed, at) + added_positions for at in due.values()
    )
