"""Tables on a terminal fit its width; nothing of a row is lost with ``--wide``."""

from argparse import Namespace
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, localcontext
from typing import Any

import pytest

from oms.cli.output import render_text
from oms.cli.terminal.row_tables import COLUMNS, build_rows_view, fit_table, round_number

WIDTH = 120
#: Values as wide as they get: a dated option, eight digits of ids, sixteen of money.
ROW: dict[str, Any] = {
    "id": 12345678,
    "order_id": 12345679,
    "position_id": 12345680,
    "account_id": 1234,
    "symbol": "1000PEPE/USDT:USDT-261225",
    "strategy_id": 123,
    "side": "sell",
    "order_type": "take_profit_limit",
    "status": "PARTIALLY_FILLED",
    "qty": "123456.123456789012",
    "filled_qty": "100000.000000000001",
    "qty_opened": "123456.123456789012",
    "price": "61806.123456789012",
    "avg_price": "61806.1234567890123456789",
    "avg_fill_price": "61806.1234567890123456789",
    "mark_price": "61806.5",
    "close_price": "61900",
    "unrealized_pnl": "-1234.567890123456",
    "realized_pnl": "-1234.567890123456",
    "pnl": "-1234.567890123456",
    "fee": "0.618061234567890123",
    "fee_currency": "USDT",
    "trigger_price": "61000.5",
    "stop_loss": "60000",
    "stop_gain": "70000",
    "entry": "out",
    "created_at": "2026-11-22T17:50:24.846965Z",
    "opened_at": "2026-11-22T17:50:24.846965Z",
    "closed_at": "2026-11-22T17:50:25.846965Z",
    "executed_at": "2026-11-22T17:50:24.846965Z",
    "label": "the main account of the team",
    "exchange_id": "ccxtpro.binanceusdm",
    "environment": "loopback",
    "position_mode": "strategy_netting",
    "can_trade": True,
    "allow_new_positions": False,
    "can_close_position": True,
}


def _parsed(command: str, *, wide: bool = False) -> Namespace:
    return Namespace(command=command, wide=wide)


@pytest.mark.parametrize("command", COLUMNS)
def test_a_table_fits_120_columns(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(WIDTH))
    text = render_text(build_rows_view(_parsed(command), {"items": [ROW, ROW]}), width=10_000)
    lines = text.splitlines()
    assert max(len(line.rstrip()) for line in lines) <= WIDTH
    first = str(ROW[COLUMNS[command][0]])
    assert [line.split()[0] for line in lines[2:4]] == [first, first]
    assert lines[4] == "2 rows; all columns: --wide"


@pytest.mark.parametrize("command", COLUMNS)
def test_wide_shows_every_value_as_it_is(command: str) -> None:
    view = build_rows_view(_parsed(command, wide=True), {"items": [ROW]})
    words = render_text(view, width=10_000)
    for name, value in ROW.items():
        assert name in words
        assert (str(value).lower() if isinstance(value, bool) else str(value)) in words


def test_less_important_columns_are_left_out_first() -> None:
    rows = [{"id": 1, "a": "a" * 30, "b": "b" * 30, "c": "c" * 30, "d": "d" * 30}]
    names = ("id", "a", "b", "c", "d")
    headings = [len(fit_table(rows, names, width).columns) for width in (200, 110, 80, 20)]
    assert headings == [5, 4, 4, 4]


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ({"items": [ROW], "total": 250}, "1 row of 250 (--page, --page-size)"),
        ({"items": [ROW], "total": None, "truncated": True}, "1 row, there are more (--limit)"),
    ],
)
def test_more_rows_are_announced(answer: dict[str, Any], said: str) -> None:
    assert said in render_text(build_rows_view(_parsed("deals"), answer), width=10_000)


def test_no_rows_are_nothing() -> None:
    assert render_text(build_rows_view(_parsed("deals"), {"items": []})) == "nothing\n"


@pytest.mark.parametrize(
    ("text", "rounded"),
    [
        ("61806.1234567890", "61806.12346"),
        ("0.000000012345678901234", "0.0000000123456789"),
        ("123456789012.5", "123456789012"),
        ("67097.4", "67097.4"),
        ("-0.10", "-0.10"),
        ("not a number", "not a number"),
    ],
)
@pytest.mark.parametrize("rounding", [ROUND_HALF_EVEN, ROUND_HALF_UP])
def test_prices_have_ten_digits(text: str, rounded: str, rounding: str) -> None:
    with localcontext(rounding=rounding):
        assert round_number(text) == rounded
