"""Legs of executions before a replay: joined into one, and the ticket that each one entered."""

from collections.abc import Sequence

from oms.domain.account import PositionMode
from oms.domain.ledger.booking import merge_legs
from oms.domain.ledger.deal import Deal, DealEntry, DealType
from oms.domain.money import ZERO
from oms.domain.side import Side
from oms.domain.value import evolve


def ticket_name(mode: PositionMode, deal: Deal) -> int:
    """Return the id under which orders know the position that ``deal`` entered first.

    In hedge mode the previous position of a deal is the ticket that it was in before a replay
    joined that ticket with another one; elsewhere it is the position that it flipped.
    """
    if mode is PositionMode.HEDGE and deal.previous_position_id is not None:
        return deal.previous_position_id
    return deal.position_id


def join_legs(
    deals: Sequence[Deal], busted: frozenset[str]
) -> tuple[list[Deal], dict[int, tuple[Deal, ...]]]:
    """Return the deals with executions as one, and the legs of each by its id.

    Those of ``busted`` trade ids are left as they are: they are not replayed.
    """
    joined: list[Deal] = []
    trades: dict[tuple[str, Side | None], list[Deal]] = {}
    for deal in deals:
        if deal.type is not DealType.TRADE or deal.exchange_trade_id in busted:
            joined.append(deal)
            continue
        # The two sides of a close-by are different legs, those of an execution have one side.
        side = deal.side if deal.order_id is None else None
        trades.setdefault((deal.exchange_trade_id, side), []).append(deal)
    legs_by_id: dict[int, tuple[Deal, ...]] = {}
    for each in trades.values():
        legs = tuple(sorted(each, key=lambda leg: leg.leg))
        first = legs[0]
        legs_by_id[first.id] = legs
        if len(legs) > 1:
            whole = merge_legs(legs)
            opened = dict.fromkeys(each for leg in legs for each in leg.opened_ticket_ids)
            first = evolve(
                first,
                qty=whole.qty,
                fee=whole.fee,
                profit=ZERO,
                opened_ticket_ids=tuple(opened),
            )
        if first.order_id is None:
            # It may have been impossible for a while, and booked as entry or exit.
            first = evolve(first, entry=DealEntry.OUT_BY)
        joined.append(first)
    return joined, legs_by_id


def number_legs(
    deals: tuple[Deal, ...], stored: Sequence[Deal], known: Sequence[Deal]
) -> tuple[Deal, ...]:
    """Assign legs beyond the ``stored`` ones the next unused leg numbers of their trade.

    ``known`` are deals that contain all legs of the trade.
    """
    trade = deals[0].exchange_trade_id
    last = max(one.leg for one in known if one.exchange_trade_id == trade)
    fresh = enumerate(deals[len(stored) :], last + 1)
    return (*deals[: len(stored)], *(evolve(leg, leg=number) for number, leg in fresh))
