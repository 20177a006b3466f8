"""The same facts in any order, told any number of times, end in the same order row."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from kit.builders import an_order
from kit.ledger_book import LedgerBook
from kit.scripted_venue import INSTRUMENTS, LINEAR, a_trade_row, an_order_row
from kit.whole import size
from oms.adapters.ccxt.known import KnownOrders
from oms.adapters.ccxt.orders_read import order_shown
from oms.adapters.ccxt.own_names import OwnNames
from oms.adapters.ccxt.rules import rules_of
from oms.adapters.ccxt.telling import Telling
from oms.adapters.ccxt.trades_read import trades_shown
from oms.adapters.ccxt.wishes import known_of_order
from oms.domain.account import PositionMode
from oms.domain.report import Heard
from oms.domain.side import Side

NAMES = OwnNames("0a1b2c3d")
NOON = datetime(2024, 1, 1, 12, tzinfo=UTC)
AT = 1_700_000_000_000
ENDS = ("Filled", "Cancelled", "PartiallyFilledCanceled", "Deactivated")
Fact = tuple[str, dict[str, Any]]


@st.composite
def lives(draw: st.DrawFn) -> list[Fact]:
    """An order's life as the exchange shows it: snapshots as it went on, and its executions."""
    qty, filled, price = 10, 0, 100
    name, client_id = "x1", NAMES.render(1, 1)
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
                # It never grows: fills heard first would have completed it in the ledger.
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


def ended(facts: list[Fact]) -> dict[str, Any]:
    """The book after the facts, in the order given: the order's row and its deals."""
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
    orders = KnownOrders(NAMES)
    orders.add(known_of_order(order, rules_of("bybit"))).client_id = NAMES.render(1, 1)
    telling = Telling(orders)
    for number, (kind, row) in enumerate(facts):
        now = NOON + timedelta(seconds=number)
        if kind == "order":
            shown = order_shown(row, "bybit", INSTRUMENTS)
            assert shown is not None
            reports = telling.of_order(shown, Heard.RECONCILE, now)
        else:
            [trade] = trades_shown([row], "bybit", INSTRUMENTS)
            report = telling.of_trade(trade, Heard.RECONCILE, now)
            reports = [] if report is None else [report]
        for report in reports:
            book.hear(report)
    last = book.orders[1]
    return {
        "state": last.state,
        "qty": last.qty,
        # An order that fills have ended is not told its last price any more.
        "price": last.price if last.is_open else None,
        "filled": last.filled_qty,
        "value": last.fill_value,
        "fees": dict(last.fees),
        "name": last.exchange_order_id,
        "deals": sorted((deal.exchange_trade_id, deal.qty, deal.price) for deal in book.deals),
        "positions": [(p.qty, p.cost) for p in book.positions.values()],
    }


@settings(max_examples=size(300, 10_000), deadline=None)
@given(lives(), st.randoms(use_true_random=False), st.data())
def test_any_order_and_repetition_ends_in_the_same_book(
    facts: list[Fact], random: Any, data: st.DataObject
) -> None:
    expected = ended(facts)
    again = facts + data.draw(st.lists(st.sampled_from(facts), max_size=6))
    random.shuffle(again)
    assert ended(again) == expected


@settings(max_examples=100, deadline=None)
@given(lives())
def test_an_unknown_word_never_ends_an_order(facts: list[Fact]) -> None:
    strange = [(kind, row) for kind, row in facts if kind == "order"]
    for _, row in strange:
        row["info"]["orderStatus"] = "Xyzzy"
    assert ended(strange)["state"] == "SUBMITTED"
