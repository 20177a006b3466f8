"""The same facts in any order, repeated any number of times, end in the same order row."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from kit.builders import an_order
from kit.exchanges.scripted_venue import INSTRUMENTS, LINEAR, a_trade_row, an_order_row
from kit.ledger.ledger_book import LedgerBook
from kit.run_size import choose_size
from oms.adapters.ccxt.orders.client_order_ids import ClientOrderIdCodec
from oms.adapters.ccxt.orders.order_cache import OrderCache
from oms.adapters.ccxt.orders.order_request import track_order
from oms.adapters.ccxt.parsing.order_snapshot import parse_order
from oms.adapters.ccxt.parsing.trade_snapshot import parse_trades
from oms.adapters.ccxt.sync.report_builder import ReportBuilder
from oms.adapters.ccxt.venues.profile_registry import get_profile
from oms.domain.account import PositionMode
from oms.domain.orders.execution_report import ReportSource
from oms.domain.side import Side

NAMES = ClientOrderIdCodec("0a1b2c3d")
NOON = datetime(2024, 1, 1, 12, tzinfo=UTC)
AT = 1_700_000_000_000
ENDS = ("Filled", "Cancelled", "PartiallyFilledCanceled", "Deactivated")
Fact = tuple[str, dict[str, Any]]


@st.composite
def lives(draw: st.DrawFn) -> list[Fact]:
    """An order's life as the exchange lists it: snapshots over time, and executions."""
    qty, filled, price = 10, 0, 100
    name, client_id = "x1", NAMES.encode(1, 1)
    facts: list[Fact] = []

    def snapshot(status: str) -> None:
        at = AT + len(facts)
        terms = {"qty": str(qty), "price": str(price), "filled": str(filled), "at": at}
        facts.append(("order", an_order_row(name, client_id, status, **terms)))

    snapshot("New")
    for number in range(draw(st.integers(0, 5))):
        match draw(st.sampled_from(("fill", "change", "strange", "show"))):
            case "fill" if filled < qty:
                part = draw(st.integers(1, qty - filled))
                filled += part
                trade = a_trade_row(f"t{number}", name, client_id, str(part), at=AT + len(facts))
                facts.append(("trade", trade))
            case "change" if filled < qty:
                # The quantity never grows: fills that arrive first would complete the order in the
                # ledger.
                qty = draw(st.integers(filled + 1, qty))
                price = draw(st.integers(90, 110))
                snapshot("New")
            case "strange":
                snapshot("PendingSomething")
            case _:
                snapshot("PartiallyFilled" if filled else "New")
    if filled == qty:
        snapshot("Filled")
    elif draw(st.booleans()):
        snapshot(draw(st.sampled_from(ENDS[1:])))
    return facts


def ledger_after(facts: list[Fact]) -> dict[str, Any]:
    """The ledger after the facts in the given order: the order's row and its deals."""
    book = LedgerBook(PositionMode.NETTING, INSTRUMENTS[LINEAR])
    order = an_order(
        id=1,
        symbol=LINEAR,
        side=Side.BUY,
        order_type="limit",
        qty=Decimal(10),
        price=Decimal(100),
        created_at=NOON,
    )
    book.orders[1] = order
    orders = OrderCache(NAMES)
    orders.add(track_order(order, get_profile("bybit"))).client_id = NAMES.encode(1, 1)
    report_builder = ReportBuilder(orders)
    for number, (kind, row) in enumerate(facts):
        now = NOON + timedelta(seconds=number)
        if kind == "order":
            snapshot = parse_order(row, "bybit", INSTRUMENTS)
            assert snapshot is not None
            reports = report_builder.from_order(snapshot, ReportSource.RECONCILE, now)
        else:
            [trade] = parse_trades([row], "bybit", INSTRUMENTS)
            report = report_builder.from_trade(trade, ReportSource.RECONCILE, now)
            reports = [] if report is None else [report]
        for report in reports:
            book.ingest(report)
    last = book.orders[1]
    return {
        "state": last.state,
        "qty": last.qty,
        # The last price of an order that fills have ledger_after is not reported any more.
        "price": last.price if last.is_open else None,
        "filled": last.filled_qty,
        "value": last.fill_value,
        "fees": dict(last.fees),
        "name": last.exchange_order_id,
        "deals": sorted((deal.exchange_trade_id, deal.qty, deal.price) for deal in book.deals),
        "positions": [(p.qty, p.cost) for p in book.positions.values()],
    }


@settings(max_examples=choose_size(300, 10_000), deadline=None)
@given(lives(), st.randoms(use_true_random=False), st.data())
def test_any_order_and_repetition_ends_in_the_same_ledger(
    facts: list[Fact], random: Any, data: st.DataObject
) -> None:
    expected = ledger_after(facts)
    again = facts + data.draw(st.lists(st.sampled_from(facts), max_size=6))
    random.shuffle(again)
    assert ledger_after(again) == expected


@settings(max_examples=100, deadline=None)
@given(lives())
def test_an_unknown_status_never_ends_an_order(facts: list[Fact]) -> None:
    strange = [(kind, row) for kind, row in facts if kind == "order"]
    for _, row in strange:
        row["info"]["orderStatus"] = "Xyzzy"
    assert ledger_after(strange)["state"] == "SUBMITTED"
