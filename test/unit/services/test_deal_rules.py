"""``oms verify`` of deals without a position: sales of coins beyond what positions held."""

from decimal import Decimal
from typing import Any

import pytest

from kit.builders import an_order
from kit.databases.store_rows import a_deal
from oms.domain.account import PositionMode
from oms.domain.ledger.deal import DealEntry, DealType
from oms.domain.side import Side
from oms.services.verify.deal_rules import DealContext, check_deal

SALE = {"order_id": 1, "position_id": 0, "side": Side.SELL, "entry": DealEntry.OUT}

REDUCING = {"side": Side.SELL, "reduce_only": True}


def invariants(order: dict[str, Any] = REDUCING, /, **changes: object) -> list[str]:
    """The findings about a sale of ``order`` without a position, changed so."""
    deal = a_deal(1, 1, **({"symbol": "SOL/USDT", "profit": Decimal(0)} | SALE | changes))
    context = DealContext(
        mode=PositionMode.HEDGE,
        orders={1: an_order(symbol=deal.symbol, **order)},
        positions={},
        trades={},
        spot_symbols=frozenset({"SOL/USDT"}),
    )
    return [finding.invariant for finding in check_deal(deal, context)]


def test_a_sale_of_coins_needs_no_position() -> None:
    assert invariants() == []


@pytest.mark.parametrize(
    "changes",
    [
        {"symbol": "SOL/USDT:USDT"},
        {"side": Side.BUY},
        {"entry": DealEntry.IN},
        {"profit": Decimal(1)},
        {"order_id": None},
        {"order_id": 2},
        {"type": DealType.CORRECTION, "exchange_trade_id": "bust:T1"},
    ],
)
def test_other_deals_need_one(changes: dict[str, object]) -> None:
    assert "deal_position" in invariants(**changes)


@pytest.mark.parametrize(
    "order", [{"side": Side.SELL}, {"side": Side.BUY, "reduce_only": True}, {"side": Side.BUY}]
)
def test_only_a_sale_that_reduces_sells_beyond_positions(order: dict[str, Any]) -> None:
    assert "deal_position" in invariants(order)
