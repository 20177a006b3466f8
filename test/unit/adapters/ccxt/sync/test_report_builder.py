"""What is shown becomes reports: orders of all states, executions with all their fees."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from kit.exchanges.scripted_venue import INSTRUMENTS, LINEAR, a_trade_row, an_order_row
from oms.adapters.ccxt.client.request_errors import ReadFailed
from oms.adapters.ccxt.orders.client_order_ids import ClientOrderIdCodec
from oms.adapters.ccxt.orders.order_cache import OrderCache, TrackedOrder
from oms.adapters.ccxt.parsing.order_parser import OrderSnapshot, parse_order
from oms.adapters.ccxt.parsing.trade_parser import (
    TradeSnapshot,
    fee_charges,
    parse_funding,
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


def shown(name: str = "x7", client_id: str = OURS, **changes: Any) -> OrderSnapshot:
    told = parse_order(an_order_row(name, client_id, **changes), "bybit", INSTRUMENTS)
    assert told is not None
    return told


def trade(name: str = "t1", **changes: Any) -> TradeSnapshot:
    row = a_trade_row(name, changes.pop("order", "x7"), changes.pop("client_id", OURS), **changes)
    [told] = parse_trades([row], "bybit", INSTRUMENTS)
    return told


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


def told(report_builder: ReportBuilder, seen: OrderSnapshot) -> list[ExecutionReport]:
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
def test_each_state_says_what_it_proves(
    report_builder: ReportBuilder, status: str, expected: list[ReportKind]
) -> None:
    reports = told(report_builder, shown(status=status))
    assert kinds(reports) == expected
    assert {(report.order_id, report.exchange_order_id) for report in reports} == {(7, "x7")}
    assert told(report_builder, shown(status=status)) == [], "told once"


def test_a_strange_word_is_shown_and_ends_nothing(report_builder: ReportBuilder) -> None:
    seen = shown(status="SettledSomehow")
    assert (seen.status, seen.raw_status) == (VenueOrderStatus.UNRECOGNIZED, "SettledSomehow")
    told(report_builder, seen)
    assert kinds(told(report_builder, shown(status="Cancelled"))) == [ReportKind.CANCELED]


def test_other_terms_are_a_change_and_older_ones_are_not(report_builder: ReportBuilder) -> None:
    told(report_builder, shown(at=AT))
    [report] = told(report_builder, shown(at=AT + 5, qty="2", price="101"))
    assert (report.kind, report.qty, report.price) == (
        ReportKind.CHANGED,
        Decimal(2),
        Decimal(101),
    )
    assert told(report_builder, shown(at=AT)) == [], "older"
    assert told(report_builder, shown(at=AT + 5, qty="2", price="101")) == []


def test_after_its_end_nothing_is_told_of_it(report_builder: ReportBuilder) -> None:
    told(report_builder, shown(at=AT, status="Cancelled"))
    assert told(report_builder, shown(at=AT + 1)) == []
    late = report_builder.from_trade(trade(qty="0.5"), ReportSource.RECONCILE, NOW)
    assert late is not None and late.kind is ReportKind.EXECUTION, "a fill is told from any state"


def test_a_trigger_that_was_met_is_told(report_builder: ReportBuilder) -> None:
    told(report_builder, shown(status="Untriggered"))
    assert kinds(told(report_builder, shown(status="New", at=AT + 1))) == [ReportKind.TRIGGERED]


def test_executions_are_told_once_by_symbol_and_name(report_builder: ReportBuilder) -> None:
    first = report_builder.from_trade(trade("t1", qty="0.25"), ReportSource.RECONCILE, NOW)
    assert first is not None and first.execution is not None
    assert (first.execution.qty, first.execution.fee) == (Decimal("0.25"), Decimal("0.05"))
    assert report_builder.from_trade(trade("t1", qty="0.25"), ReportSource.RECONCILE, NOW) is None
    assert (
        report_builder.from_trade(trade("t2", qty="0.25"), ReportSource.RECONCILE, NOW) is not None
    )


def test_an_execution_joins_its_order_by_either_name(report_builder: ReportBuilder) -> None:
    told(report_builder, shown())
    for seen in (trade("t1", client_id=""), trade("t2", order="x8")):
        report = report_builder.from_trade(seen, ReportSource.RECONCILE, NOW)
        assert report is not None and report.order_id == 7
    stranger = trade("t3", order="y1", client_id="")
    assert report_builder.from_trade(stranger, ReportSource.RECONCILE, NOW) is None


def test_a_stranger_is_described(report_builder: ReportBuilder) -> None:
    [report] = told(report_builder, shown("y1", "", qty="3", price="90"))
    assert (report.order_id, report.exchange_order_id) == (0, "y1")
    assert report.external is not None
    assert (report.external.qty, report.external.price) == (Decimal(3), Decimal(90))
    forced = shown("y2", "", info={"createType": "CreateByLiq"})
    assert [r.external.reason for r in told(report_builder, forced) if r.external] == [
        "liquidation"
    ]


def test_what_is_proven_and_not_found_is_inferred_after_a_while(
    report_builder: ReportBuilder,
) -> None:
    seen = shown(status="PartiallyFilled", filled="0.6", average="99.5")
    told(report_builder, seen)
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
def test_a_fee_is_taken_as_told(fees: dict[str, Any], expected: tuple[str, str]) -> None:
    cost = fees["fee"]["cost"]
    told = trade(fee=cost)
    row = {**a_trade_row("t1", "x7", fee=cost), **fees}
    [told] = parse_trades([row], "bybit", INSTRUMENTS)
    assert (told.execution.fee_currency, told.execution.fee) == (expected[0], Decimal(expected[1]))
    assert told.extra_fees == ()


def test_fees_in_two_currencies_are_both_kept() -> None:
    row = a_trade_row("t1", "x7")
    row["fees"] = [{"currency": "USDT", "cost": "0.01"}, {"currency": "MNT", "cost": "0.5"}]
    [told] = parse_trades([row], "bybit", INSTRUMENTS)
    assert told.execution.fee == Decimal("0.01")
    [charge] = fee_charges(told, ReportSource.RECONCILE, NOW)
    assert (charge.amount, charge.currency) == (Decimal("-0.5"), "MNT")


def test_no_fee_is_no_fee_and_not_zero() -> None:
    row = {**a_trade_row("t1", "x7"), "fee": None, "fees": []}
    [told] = parse_trades([row], "bybit", INSTRUMENTS)
    assert (told.execution.fee, told.execution.fee_currency) == (None, None)


def test_executions_without_a_name_get_one_that_stays() -> None:
    rows = [a_trade_row("", "x7", qty=qty) for qty in ("1", "1", "2")]
    first = [each.execution.exchange_trade_id for each in parse_trades(rows, "gate", INSTRUMENTS)]
    again = [each.execution.exchange_trade_id for each in parse_trades(rows, "gate", INSTRUMENTS)]
    assert first == again
    assert len(set(first)) == 3
    assert all(name.startswith("x-") and len(name) == 26 for name in first)


def test_where_all_have_a_name_one_without_is_unreadable() -> None:
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
def test_an_execution_that_makes_no_sense_is_not_read(row: dict[str, Any]) -> None:
    with pytest.raises(ReadFailed):
        parse_trades([row], "bybit", INSTRUMENTS)


@pytest.mark.parametrize("missing", ["id", "side", "symbol"])
def test_an_order_that_makes_no_sense_is_not_read(missing: str) -> None:
    with pytest.raises(ReadFailed):
        parse_order({**an_order_row("x7"), missing: None}, "bybit", INSTRUMENTS)


def test_numbers_are_the_venue_s_own_text() -> None:
    exact = "0.123456789012345678"
    row = an_order_row("x7", qty=exact) | {"amount": 0.12345678901234568}
    told = parse_order(row, "bybit", INSTRUMENTS)
    assert told is not None and told.qty == Decimal(exact)
