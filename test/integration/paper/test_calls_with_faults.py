"""Direct trading by ccxt's methods with latency and faults."""

from datetime import timedelta
from typing import Any

import pytest

from kit.exchanges.paper_harness import LINEAR, PaperHarness
from oms.domain.account import LatencySettings, PositionMode
from oms.domain.orders.execution_report import ReportKind
from oms.ports.exchange import DirectTradeResult

SLOW = LatencySettings(decision=timedelta(seconds=1), ack=timedelta(seconds=1))


async def _bought(port: PaperHarness, **params: Any) -> DirectTradeResult:
    arguments = (LINEAR, "market", "buy", 1, None, params)
    return await port.exchange.trade("create_order", arguments, {}, port.now)


async def test_direct_trades_ignore_latency() -> None:
    port = PaperHarness(PositionMode.NETTING, latency=SLOW)
    port.quote("100")
    traded = await _bought(port)
    assert isinstance(traded.value, dict) and traded.value["status"] == "closed"
    kinds = [report.kind for report in traded.reports]
    assert kinds == [ReportKind.ACCEPTED, ReportKind.EXECUTION]
    assert all(report.external and not report.order_id for report in traded.reports)


@pytest.mark.parametrize(
    ("fault", "code", "outcome", "holds"),
    [
        ("timeout", "outcome_unknown", "unknown", 1),
        ("timeout_before", "outcome_unknown", "unknown", 0),
        ("overload:5", "exchange_rate_limited", "rejected", 0),
        ("reject", "exchange_rejected", "rejected", 0),
        ("no_such_fault", "validation_error", "not_sent", 0),
    ],
)
async def test_faults_of_direct_trades_are_reported(
    fault: str, code: str, outcome: str, holds: int
) -> None:
    port = PaperHarness(PositionMode.NETTING)
    port.quote("100")
    traded = await _bought(port, sim=fault)
    assert traded.refused is not None
    assert (traded.refused.code, traded.refused.outcome) == (code, outcome)
    assert traded.reports == []
    assert len(port.paper.state.positions) == holds
    if holds:  # the stream reports it later, once
        reports = await port.exchange.poll_reports(port.now + timedelta(seconds=10))
        assert [report.kind for report in reports] == [ReportKind.ACCEPTED, ReportKind.EXECUTION]


async def test_client_order_ids_are_unique_among_open_orders() -> None:
    port = PaperHarness(PositionMode.NETTING)
    port.quote("100")
    arguments = (LINEAR, "limit", "buy", 1, 50, {"clientOrderId": "7"})
    first = await port.exchange.trade("create_order", arguments, {}, port.now)
    assert isinstance(first.value, dict) and first.value["clientOrderId"] == "7"
    second = await port.exchange.trade("create_order", arguments, {}, port.now)
    assert second.refused is not None and second.refused.code == "idempotency_mismatch"
    name = ("7", LINEAR)
    await port.exchange.trade("cancel_order_with_client_order_id", name, {}, port.now)
    assert port.paper.state.orders.get(LINEAR, {}) == {}
    third = await port.exchange.trade("create_order", arguments, {}, port.now)
    assert third.refused is None
