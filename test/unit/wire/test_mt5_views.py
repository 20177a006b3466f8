"""MetaTrader views: the documented mapping, and rows."""

import re
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import pytest

from kit.builders import NOON, an_order
from kit.databases.store_rows import a_deal, a_position
from oms.domain.commands.command import CommandResult, CommandStatus
from oms.domain.errors import Refused
from oms.domain.ledger.deal import DealEntry, DealType, FeeRate
from oms.domain.orders.order import OrderState
from oms.domain.side import Side
from oms.wire.error_codes import CODES, MT5_RETCODES_BY_REASON
from oms.wire.responses import mt5_views

_PAGE = Path(__file__).parents[3] / "docs" / "reference" / "mt5.md"
_NOON_SECONDS = int(NOON.timestamp())


def _tables() -> dict[str, list[list[str]]]:
    """Return the rows of each table of the page by its header, without quotes."""
    found: dict[str, list[list[str]]] = {}
    header = ""
    for line in _PAGE.read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if not line.startswith("|"):
            header = ""
        elif not header:
            header = line.strip("| ")
            found[header] = []
        elif not line.startswith("|---"):
            found[header].append(cells)
    return found


def _words(cell: str) -> list[str]:
    return re.findall(r"`([a-zA-Z_]+)`", cell)


def _only(header: str) -> Sequence[list[str]]:
    (rows,) = (rows for name, rows in _tables().items() if name.endswith(header))
    return rows


def test_the_page_lists_every_order_type() -> None:
    documented = {(_words(row[0])[0], row[1]): int(row[2]) for row in _only("ORDER_TYPE_")}
    known = {
        (word, str(side)): numbers[side is Side.SELL]
        for word, numbers in mt5_views.ORDER_TYPE.items()
        for side in Side
    }
    assert documented == known


def test_the_page_lists_every_state() -> None:
    documented = {_words(row[0])[-1]: int(row[1]) for row in _only("ORDER_STATE_")}
    assert documented == {
        **{str(state): number for state, number in mt5_views.ORDER_STATE.items()},
        **mt5_views.ORDER_STATE_PENDING_CHANGE,
    }


def test_the_page_lists_types_entries_and_reasons_of_deals() -> None:
    types = {_words(row[0])[0]: int(row[2]) for row in _only("DEAL_TYPE_") if row[1] == "any"}
    assert types == {str(word): number for word, number in mt5_views.DEAL_TYPE.items()}
    entries = {_words(row[0])[0]: int(row[1]) for row in _only("DEAL_ENTRY_") if _words(row[0])}
    assert entries == {str(word): number for word, number in mt5_views.DEAL_ENTRY.items()}
    reasons = {_words(row[0])[0]: int(row[1]) for row in _only("DEAL_REASON_") if _words(row[0])}
    assert reasons == dict(mt5_views.REASON)


def test_the_page_lists_every_return_code() -> None:
    documented = {
        word.removeprefix("reason ").strip("`"): int(row[0])
        for row in _tables()["value | TRADE_RETCODE_ | code or reason"]
        for word in row[2].split(", ")
    }
    codes = {code: kind.mt5_retcode for code, kind in CODES.items() if kind.mt5_retcode}
    assert documented == codes | MT5_RETCODES_BY_REASON


def test_a_limit_order_that_rests() -> None:
    order = an_order(
        id=7,
        side=Side.SELL,
        order_type="limit",
        qty=Decimal(3),
        filled_qty=Decimal(1),
        price=Decimal("101.5"),
        state=OrderState.PARTIALLY_FILLED,
        time_in_force="GTC",
        strategy_id=4,
        exchange_order_id="x7",
    )
    shown = mt5_views.order_view(order)
    assert {key: shown[key] for key in ("ticket", "type", "state", "magic", "external_id")} == {
        "ticket": 7,
        "type": 3,
        "state": 3,
        "magic": 4,
        "external_id": "x7",
    }
    assert (shown["volume_initial"], shown["volume_current"]) == ("3", "2")
    assert (shown["price_open"], shown["price_stoplimit"]) == ("101.5", None)
    assert (shown["type_filling"], shown["type_time"], shown["reason"]) == (2, 0, 3)
    assert shown["time_setup"] == _NOON_SECONDS
    assert shown["time_setup_msc"] == _NOON_SECONDS * 1000
    assert shown["time_done"] is None


def test_a_stop_limit_shows_its_trigger_first() -> None:
    order = an_order(order_type="stop_limit", price=Decimal(99), trigger_price=Decimal(100))
    shown = mt5_views.order_view(order)
    assert (shown["type"], shown["price_open"], shown["price_stoplimit"]) == (6, "100", "99")


@pytest.mark.parametrize(("change", "state"), [("cancel", 9), ("replace", 8)])
def test_a_pending_change_is_a_state(change: str, state: int) -> None:
    order = an_order(state=OrderState.SUBMITTED, pending_change=change)
    assert mt5_views.order_view(order)["state"] == state


@pytest.mark.parametrize(
    ("symbol", "currency", "rate", "commission"),
    [
        ("BTC/USDT:USDT", "USDT", None, "-0.5"),
        ("BTC/USD:BTC-261225", "BTC", None, "-0.5"),
        ("BTC/USDT", "BTC", None, "-20000.05"),
        ("BTC/USDT", "BNB", None, None),
        ("BTC/USDT", "BNB", FeeRate(rate=Decimal(600), source="BNB/USDT", at=NOON), "-300"),
    ],
)
def test_commission_is_the_value_of_the_fee_in_the_settle_currency(
    symbol: str, currency: str, rate: FeeRate | None, commission: str | None
) -> None:
    deal = a_deal(1, 1, symbol=symbol, fee=Decimal("0.5"), fee_currency=currency, fee_rate=rate)
    (view,) = mt5_views.deal_views([deal])
    assert view["commission"] == commission


def test_a_fee_in_coins_that_is_reported_later_needs_a_rate() -> None:
    late = a_deal(
        1, 1, symbol="BTC/USDT", fee=Decimal("0.5"), fee_currency="BTC", type=DealType.COMMISSION
    )
    (view,) = mt5_views.deal_views([late])
    assert view["commission"] is None


def test_a_flip_is_one_deal_in_and_out() -> None:
    closed = a_deal(
        1,
        1,
        side=Side.SELL,
        qty=Decimal(10),
        price=Decimal(110),
        fee=Decimal("0.22"),
        fee_currency="USDT",
        profit=Decimal(100),
        entry=DealEntry.OUT,
        exchange_trade_id="t",
    )
    opened = a_deal(
        2,
        1,
        side=Side.SELL,
        qty=Decimal(5),
        price=Decimal(110),
        fee=Decimal("0.11"),
        fee_currency="USDT",
        profit=Decimal(0),
        entry=DealEntry.IN,
        position_id=9,
        exchange_trade_id="t",
    )
    (shown,) = mt5_views.deal_views([closed, opened])
    assert (shown["entry"], shown["type"], shown["volume"]) == (2, 1, "15")
    assert (shown["commission"], shown["profit"], shown["position_id"]) == ("-0.33", "100", 9)


def test_funding_is_a_swap() -> None:
    deal = a_deal(1, 1, type=DealType.FUNDING, profit=Decimal("-1.5"), qty=Decimal(0))
    shown = mt5_views.deal_views([deal])[0]
    assert (shown["type"], shown["swap"], shown["profit"]) == (4, "-1.5", "0")


def test_a_short_position() -> None:
    position = a_position(5, 1, side=Side.SELL, qty=Decimal(-2), avg_price=Decimal(100))
    shown = mt5_views.position_view(position, Decimal(90), Decimal(20))
    assert (shown["ticket"], shown["type"], shown["volume"]) == (5, 1, "2")
    assert (shown["price_open"], shown["price_current"], shown["profit"]) == ("100", "90", "20")


@pytest.mark.parametrize(
    ("status", "filled", "state", "retcode"),
    [
        (CommandStatus.QUEUED, 0, OrderState.PENDING_SUBMIT, 10008),
        (CommandStatus.DONE, 0, OrderState.SUBMITTED, 10008),
        (CommandStatus.DONE, 1, OrderState.PARTIALLY_FILLED, 10010),
        (CommandStatus.DONE, 3, OrderState.FILLED, 10009),
        (CommandStatus.DONE, 1, OrderState.CANCELED, 10010),
        (CommandStatus.UNKNOWN, 0, OrderState.UNKNOWN, 10012),
    ],
)
def test_how_a_command_ended(
    status: CommandStatus, filled: int, state: OrderState, retcode: int
) -> None:
    order = an_order(qty=Decimal(3), filled_qty=Decimal(filled), state=state)
    result = CommandResult(status=status, order_id=order.id)
    assert mt5_views.command_view(result, "r", [order], [])["retcode"] == retcode


def test_a_refusal_has_the_code_of_its_reason() -> None:
    error = Refused(code="risk_blocked", reason="kill_switch", message="halted")
    result = CommandResult(status=CommandStatus.FAILED, error=error)
    shown = mt5_views.command_view(result, None, [], [])
    assert (shown["retcode"], shown["comment"]) == (10026, "halted")
