"""The JSON of an execution is canonical, whatever its ids contain."""

import json

import pytest

from kit.builders import NOON
from oms.domain.money import ZERO, parse_decimal
from oms.domain.orders.order import Side
from oms.domain.value import evolve
from oms.simulation.state.paper_order import Leg, OrderSource, PaperTrade
from oms.simulation.state.state_json import encode_trade

TRADE = PaperTrade(
    trade_id="t1",
    exchange_order_id="o1",
    client_id="7",
    symbol="SOL/USDT:USDT",
    side=Side.SELL,
    leg=Leg.LONG,
    qty=parse_decimal("1.50"),
    price=parse_decimal("150.10"),
    fee=parse_decimal("-0.001"),
    fee_currency="USDT",
    maker=True,
    extrapolated=False,
    realised=ZERO,
    executed_at=NOON,
)


@pytest.mark.parametrize(
    "trade",
    [
        TRADE,
        evolve(TRADE, client_id='~"\\\né☃', maker=False, extrapolated=True),
        evolve(TRADE, client_id="", source=OrderSource.ATTACHED, parent="o0"),
        evolve(TRADE, source=OrderSource.LIQUIDATION),
    ],
)
def test_trade_json_is_canonical(trade: PaperTrade) -> None:
    text = encode_trade(trade)
    parsed = json.loads(text)
    assert text == json.dumps(parsed, separators=(",", ":"), sort_keys=True, ensure_ascii=True)
    rare = {"source": trade.source.value} if trade.source is not OrderSource.USER else {}
    assert parsed == rare | ({"parent": trade.parent} if trade.parent else {}) | {
        "trade_id": "t1",
        "exchange_order_id": "o1",
        "client_id": trade.client_id,
        "symbol": "SOL/USDT:USDT",
        "side": "sell",
        "leg": "long",
        "qty": "1.5",
        "price": "150.1",
        "fee": "-0.001",
        "fee_currency": "USDT",
        "maker": trade.maker,
        "extrapolated": trade.extrapolated,
        "realised": "0",
        "executed_at": "2026-02-25T12:00:00.000000Z",
    }
