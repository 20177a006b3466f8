"""What was held when funding was due, whatever the order in which positions were merged."""

from datetime import timedelta
from decimal import Decimal
from itertools import permutations

import pytest

from kit.builders import NOON, an_instrument
from kit.databases.store_rows import a_deal
from oms.domain.ledger.deal import DealEntry
from oms.domain.ledger.funding_split import Holding, Timeline
from oms.domain.side import Side

LATER = NOON + timedelta(hours=1)


@pytest.mark.parametrize("ids", list(permutations((5, 6, 7))), ids=str)
def test_merges_of_one_millisecond_are_followed_whatever_their_ids(ids: tuple[int, ...]) -> None:
    first, second, last = ids
    deals = [
        a_deal(
            number,
            1,
            position_id=each,
            symbol="BTC/USDT:USDT",
            side=Side.BUY,
            qty=Decimal(1),
            price=Decimal(100),
            fee=None,
            fee_currency=None,
            entry=DealEntry.IN,
            exchange_trade_id=f"t{each}",
            executed_at=NOON,
        )
        for number, each in enumerate(ids)
    ]
    merges = {first: (LATER, second), second: (LATER, last)}
    timeline = Timeline(an_instrument(), deals, merges)
    held = timeline.holdings_at(LATER + timedelta(hours=1), None)
    assert held == [Holding(last, Decimal(3), held[0].strategy_id)]
