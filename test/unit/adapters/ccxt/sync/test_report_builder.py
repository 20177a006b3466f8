"""Reports from snapshots of all statuses, and from executions with all their fees."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from kit.exchanges.scripted_venue import INSTRUMENTS, LINEAR, a_trade_row, an_order_row
from oms.adapters.ccxt.client.request_errors import ReadFailed
from oms.adapters.ccxt.orders.client_order_ids import ClientOrderIdCodec
from oms.adapters.ccxt.orders.order_cache import OrderCache, TrackedOrder
from oms.adapters.ccxt.parsing.funding_rows import parse_funding
from oms.adapters.ccxt.parsing.order_snapshot import OrderSnapshot, parse_order
from oms.adapters.ccxt.parsing.trade_snapshot import (
    TradeSnapshot,
    fee_charges,
    parse_trades,
)
from oms.adapters.ccxt.sync.report_builder import ReportBuilder
from oms.adapters.ccxt.venues.order_status import VenueOrderStatus
from oms.domain.orders.execution_report import ExecutionReport, ReportKind, ReportSource
from oms.domain.side import Side

NAMES = ClientOrderIdCodec("0a1b2c3d")
OURS = NAMES.encode(7, 1)
NOW = datetime(2024, 1, 1, tzinfo=UTC)
AT = 1_700_000_000_000


def snapshot_of(name: str = "x7", client_id: str = OURS, **changes: Any) -> OrderSnapshot:
    parsed = parse_order(an_order_row(name, client_id, **changes), "bybit", INSTRUMENTS)
    assert parsed is not None
    return parsed


def trade(name: str = "t1", **changes: Any) -> TradeSnapshot:
    row = a_trade_row(name, changes.pop("order", "x7"), changes.pop("client_id", OURS), **changes)
    [parsed] = parse_trades([row], "bybit", INSTRUMENTS)
    return parsed


def test_an_execution_keeps_the_exchange_s_sequence() -> None:
    assert trade(sequence=4_688_002_127).execution.sequence == 4_688_002_127
    assert trade(sequence=None).execution.sequence == 0


@pytest.fixture
def report_builder() -> ReportBuilder:
    orders = OrderCache(NAMES)
    orders.add(
        TrackedOrder(
            order_id=7,
            symbol=LINEAR,
            side=Side.BUY,
            order_type="limit",
            qty=Decimal(1),
            price=Decimal(100),
            created_at=NOW,
            client_id=OURS,
        )
    )
    return ReportBuilder(orders)


def reports_of(report_builder: ReportBuilder, seen: OrderSnapshot) -> list[ExecutionReport]:
    return report_builder.from_order(seen, ReportSource.RECONCILE, NOW)


def kinds(reports: list[ExecutionReport]) -> list[ReportKind]:
    return [report.kind for report in reports]


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("New", [ReportKind.ACCEPTED]),
        ("Untriggered", [ReportKind.ACCEPTED]),
        ("PartiallyFilled", [ReportKind.ACCEPTED]),
        ("Filled", [ReportKind.ACCEPTED]),
        ("Cancelled", [ReportKind.ACCEPTED, ReportKind.CANCELED]),
        ("PartiallyFilledCanceled", [ReportKind.ACCEPTED, ReportKind.CANCELED]),
        ("Rejected", [ReportKind.REJECTED]),
        ("SomethingNew", [ReportKind.ACCEPTED]),
    ],
)
def test_each_status_reports_what_it_proves(
    report_builder: ReportBuilder, status: str, expected: list[ReportKind]
) -> None:
    reports = reports_of(report_builder, snapshot_of(status=status))
    assert kinds(reports) == expected
    assert {(report.order_id, report.exchange_order_id) for report in reports} == {(7, "x7")}
    assert reports_of(report_builder, snapshot_of(status=status)) == [], "reported once"


def test_an_unknown_status_is_kept_and_ends_nothing(report_builder: ReportBuilder) -> None:
    seen = snapshot_of(status="SettledSomehow")
    assert (seen.status, seen.raw_status) == (VenueOrderStatus.UNRECOGNIZED, "SettledSomehow")
    reports_of(report_builder, seen)
    assert kinds(reports_of(report_builder, snapshot_of(status="Cancelled"))) == [
        ReportKind.CANCELED
    ]


def test_new_terms_are_an_amendment_and_older_ones_are_not(report_builder: ReportBuilder) -> None:
    reports_of(report_builder, snapshot_of(at=AT))
    [report] = reports_of(report_builder, snapshot_of(at=AT + 5, qty="2", price="101"))
    assert (report.kind, report.qty, report.price) == (
        ReportKind.CHANGED,
        Decimal(2),
        Decimal(101),
    )
    assert reports_of(report_builder, snapshot_of(at=AT)) == [], "older"
    assert reports_of(report_builder, snapshot_of(at=AT + 5, qty="2", price="101")) == []


def test_after_the_end_nothing_is_reported(report_builder: ReportBuilder) -> None:
    reports_of(report_builder, snapshot_of(at=AT, status="Cancelled"))
    assert reports_of(report_builder, snapshot_of(at=AT + 1)) == []
    late = report_builder.from_trade(trade(qty="0.5"), ReportSource.RECONCILE, NOW)
    assert late is not None and late.kind is ReportKind.EXECUTION, "a fill is reported in any state"


def test_a_met_trigger_is_reported(report_builder: ReportBuilder) -> None:
    reports_of(report_builder, snapshot_of(status="Untriggered"))
    assert kinds(reports_of(report_builder, snapshot_of(status="New", at=AT + 1))) == [
        ReportKind.TRIGGERED
    ]


def test_executions_are_reported_once_by_symbol_and_id(report_builder: ReportBuilder) -> None:
    first = report_builder.from_trade(trade("t1", qty="0.25"), ReportSource.RECONCILE, NOW)
    assert first is not None and first.execution is not None
    assert (first.execution.qty, first.execution.fee) == (Decimal("0.25"), Decimal("0.05"))
    assert report_builder.from_trade(trade("t1", qty="0.25"), ReportSource.RECONCILE, NOW) is None
    assert (
        report_builder.from_trade(trade("t2", qty="0.25"), ReportSource.RECONCILE, NOW) is not None
    )


def test_an_execution_finds_its_order_by_either_id(report_builder: ReportBuilder) -> None:
    reports_of(report_builder, snapshot_of())
    for seen in (trade("t1", client_id=""), trade("t2", order="x8")):
        report = report_builder.from_trade(seen, ReportSource.RECONCILE, NOW)
        assert report is not None and report.order_id == 7
    external = trade("t3", order="y1", client_id="")
    assert report_builder.from_trade(external, ReportSource.RECONCILE, NOW) is None


def test_an_external_order_is_described(report_builder: ReportBuilder) -> None:
    [report] = reports_of(report_builder, snapshot_of("y1", "", qty="3", price="90"))
    assert (report.order_id, report.exchange_order_id) == (0, "y1")
    assert report.external is not None
    assert (report.external.qty, report.external.price) == (Decimal(3), Decimal(90))
    forced = snapshot_of("y2", "", info={"createType": "CreateByLiq"})
    assert [r.external.reason for r in reports_of(report_builder, forced) if r.external] == [
        "liquidation"
    ]


def test_proven_but_missing_fills_are_inferred_after_a_while(
    report_builder: ReportBuilder,
) -> None:
    seen = snapshot_of(status="PartiallyFilled", filled="0.6", average="99.5")
    reports_of(report_builder, seen)
    report_builder.from_trade(trade("t1", qty="0.2"), ReportSource.RECONCILE, NOW)
    minute = timedelta(seconds=60)
    assert report_builder.infer_fills(seen, NOW, minute, ReportSource.RECONCILE) == []
    [report] = report_builder.infer_fills(seen, NOW + minute, minute, ReportSource.RECONCILE)
    assert report.execution is not None and report.execution.provisional
    assert (report.execution.qty, report.execution.price) == (Decimal("0.4"), Decimal("99.5"))
    assert report_builder.infer_fills(seen, NOW + 2 * minute, minute, ReportSource.RECONCILE) == []


@pytest.mark.parametrize(
    ("fees", "expected"),
    [
        ({"fee": {"currency": "USDT", "cost": "-0.05"}, "fees": None}, ("USDT", "-0.05")),
        ({"fee": {"currency": "BTC", "cost": "0.05"}}, ("BTC", "0.05")),
        ({"fee": {"currency": "BNB", "cost": "0.05"}}, ("BNB", "0.05")),
    ],
)
def test_a_fee_is_taken_as_reported(fees: dict[str, Any], expected: tuple[str, str]) -> None:
    cost = fees["fee"]["cost"]
    parsed = trade(fee=cost)
    row = {**a_trade_row("t1", "x7", fee=cost), **fees}
    [parsed] = parse_trades([row], "bybit", INSTRUMENTS)
    assert (parsed.execution.fee_currency, parsed.execution.fee) == (
        expected[0],
        Decimal(expected[1]),
    )
    assert parsed.extra_fees == ()


def test_fees_in_two_currencies_are_both_kept() -> None:
    row = a_trade_row("t1", "x7")
    row["fees"] = [{"currency": "USDT", "cost": "0.01"}, {"currency": "MNT", "cost": "0.5"}]
    [parsed] = parse_trades([row], "bybit", INSTRUMENTS)
    assert parsed.execution.fee == Decimal("0.01")
    [charge] = fee_charges(parsed, ReportSource.RECONCILE, NOW)
    assert (charge.amount, charge.currency) == (Decimal("-0.5"), "MNT")


def test_no_fee_is_no_fee_and_not_zero() -> None:
    row = {**a_trade_row("t1", "x7"), "fee": None, "fees": []}
    [parsed] = parse_trades([row], "bybit", INSTRUMENTS)
    assert (parsed.execution.fee, parsed.execution.fee_currency) == (None, None)


def test_executions_without_an_id_get_a_stable_one() -> None:
    rows = [a_trade_row("", "x7", qty=qty) for qty in ("1", "1", "2")]
    first = [each.execution.exchange_trade_id for each in parse_trades(rows, "gate", INSTRUMENTS)]
    again = [each.execution.exchange_trade_id for each in parse_trades(rows, "gate", INSTRUMENTS)]
    assert first == again
    assert len(set(first)) == 3
    assert all(name.startswith("x-") and len(name) == 26 for name in first)


def test_an_execution_without_the_usual_id_is_malformed() -> None:
    with pytest.raises(ReadFailed, match="without its id"):
        parse_trades([a_trade_row("", "x7")], "bybit", INSTRUMENTS)


def test_funding_is_a_payment() -> None:
    row = a_trade_row("f1", "", kind="Funding", fee="0.3")
    assert parse_trades([row], "bybit", INSTRUMENTS) == []
    [charge] = parse_funding([row], INSTRUMENTS, NOW)
    assert (charge.amount, charge.currency, charge.symbol) == (Decimal("-0.3"), "USDT", LINEAR)


@pytest.mark.parametrize(
    "row",
    [
        a_trade_row("t1", "x7", qty=""),
        a_trade_row("t1", "x7", price=""),
        a_trade_row("t1", "x7", qty="nan"),
        a_trade_row("t1", "x7", qty="0"),
        {**a_trade_row("t1", "x7"), "side": None},
        {**a_trade_row("t1", "x7"), "timestamp": None},
    ],
)
def test_a_malformed_execution_is_not_read(row: dict[str, Any]) -> None:
    with pytest.raises(ReadFailed):
        parse_trades([row], "bybit", INSTRUMENTS)


@pytest.mark.parametrize("missing", ["id", "side", "symbol"])
def test_a_malformed_order_is_not_read(missing: str) -> None:
    with pytest.raises(ReadFailed):
        parse_order({**an_order_row("x7"), missing: None}, "bybit", INSTRUMENTS)


def test_numbers_are_the_venue_s_own_text() -> None:
    exact = "0.123456789012345678"
    row = an_order_row("x7", qty=exact) | {"amount": 0.12345678901234568}
    parsed = parse_order(row, "bybit", INSTRUMENTS)
    assert parsed is not None and parsed.qty == Decimal(exact)
