"""Tables of orders, positions, deals and accounts that fit the width of a terminal."""

import argparse
from collections.abc import Mapping, Sequence
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from oms.cli.output import WIDTH_MAX, build_table

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

#: Columns of each command in the order of their importance: the last ones are left out first.
ORDER_COLUMNS = (
    *("id", "account_id", "symbol", "side", "order_type", "qty", "filled_qty", "price"),
    *("avg_fill_price", "status", "created_at", "trigger_price", "strategy_id"),
)
POSITION_COLUMNS = (
    *("id", "account_id", "symbol", "side", "qty", "avg_price", "mark_price", "unrealized_pnl"),
    *("realized_pnl", "opened_at", "stop_loss", "stop_gain", "strategy_id"),
    *("break_even_price", "matched_pnl"),
)
DEAL_COLUMNS = (
    *("id", "order_id", "position_id", "account_id", "symbol", "side", "qty", "price", "fee"),
    *("pnl", "executed_at", "entry", "strategy_id"),
)
COLUMNS = {
    "orders-open": ORDER_COLUMNS,
    "orders-history": ORDER_COLUMNS,
    "positions-open": POSITION_COLUMNS,
    "deals": DEAL_COLUMNS,
    "positions-history": (
        *("id", "account_id", "symbol", "side", "qty_opened", "avg_price", "close_price"),
        *("realized_pnl", "closed_at", "opened_at", "strategy_id", "matched_pnl"),
    ),
    "list-accounts": (
        *("account_id", "label", "exchange_id", "environment", "position_mode", "status"),
        *("can_trade", "allow_new_positions", "can_close_position"),
    ),
}
HEADINGS = {
    "account_id": "account",
    "order_id": "order",
    "position_id": "position",
    "strategy_id": "strategy",
    "order_type": "type",
    "filled_qty": "filled",
    "qty_opened": "qty",
    "trigger_price": "trigger",
    "avg_fill_price": "average",
    "avg_price": "average",
    "mark_price": "mark",
    "close_price": "exit",
    "unrealized_pnl": "unrealized",
    "realized_pnl": "realized",
    "matched_pnl": "matched",
    "break_even_price": "break-even",
    "exchange_id": "exchange",
    "position_mode": "mode",
    "allow_new_positions": "new positions",
}
COLUMNS_MIN = 4
#: Significant digits of a price or profit; all of them are shown with ``--wide``.
DIGITS_MAX = 10
_ROUNDED = frozenset(
    {"price", "avg_price", "avg_fill_price", "mark_price", "close_price", "fee", "pnl"}
    | {"realized_pnl", "unrealized_pnl", "trigger_price", "stop_loss", "stop_gain"}
    | {"break_even_price", "matched_pnl"}
)
_STYLES = {"buy": "green", "sell": "red"}


def build_rows_view(parsed: argparse.Namespace, answer: Mapping[str, Any]) -> "RenderableType":
    """Return the rows of an answer as a table; with ``--wide`` all of their columns."""
    from rich.console import Console, Group
    from rich.text import Text

    rows = answer["items"]
    if not rows:
        return Text("nothing")
    if parsed.wide:
        return Group(build_table(rows), Text(_count(rows, answer)))
    table = fit_table(rows, COLUMNS[parsed.command], Console().width)
    return Group(table, Text(f"{_count(rows, answer)}; all columns: --wide", style="dim"))


def fit_table(rows: Sequence[Mapping[str, Any]], names: Sequence[str], width: int) -> "Table":
    """Return a table of the columns that fit ``width``, at least four."""
    from rich.console import Console

    console = Console()
    unlimited = console.options.update(max_width=WIDTH_MAX)
    used = [name for name in names if any(_is_shown(name, row.get(name)) for row in rows)]
    table = _build(rows, used)
    while len(used) > COLUMNS_MIN and console.measure(table, options=unlimited).maximum > width:
        used.pop()
        table = _build(rows, used)
    return table


def short_text(name: str, row: Mapping[str, Any]) -> str:
    """Return a value in the form of a narrow table: times to the second, prices rounded."""
    value = row.get(name)
    if value is None:
        return ""
    if name.endswith("_at"):
        return str(value)[5:19].replace("T", " ")
    text = round_number(str(value)) if name in _ROUNDED else str(value)
    if isinstance(value, bool):
        text = "yes" if value else "no"
    return f"{text} {row['fee_currency']}" if name == "fee" and row.get("fee_currency") else text


def round_number(text: str) -> str:
    """Return a decimal number with at most ten significant digits."""
    try:
        number = Decimal(text)
    except InvalidOperation:
        return text
    places = max(DIGITS_MAX - 1 - number.adjusted(), 0)
    if -int(number.as_tuple().exponent) <= places:
        return text
    # The context's rounding is that of any library: ccxt sets it for the whole thread.
    rounded = format(number.quantize(Decimal(1).scaleb(-places), ROUND_HALF_EVEN), "f")
    return rounded.rstrip("0").rstrip(".") if "." in rounded else rounded


def _build(rows: Sequence[Mapping[str, Any]], names: Sequence[str]) -> "Table":
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for name in names:
        numbers = all(_is_number(row.get(name)) for row in rows)
        heading = Text(HEADINGS.get(name, name.removesuffix("_at")))
        table.add_column(heading, overflow="fold", justify="right" if numbers else "left")
    for row in rows:
        texts = (short_text(name, row) for name in names)
        table.add_row(*(Text(text, style=_STYLES.get(text, "")) for text in texts))
    return table


def _is_shown(name: str, value: Any) -> bool:
    return bool(value) if name == "strategy_id" else value not in (None, "")


def _is_number(value: Any) -> bool:
    if isinstance(value, bool) or value is None:
        return value is None
    try:
        Decimal(str(value))
    except InvalidOperation:
        return False
    return True


def _count(rows: Sequence[Any], answer: Mapping[str, Any]) -> str:
    """Return how many rows there are, and how to see more."""
    text = f"{len(rows)} row{'' if len(rows) == 1 else 's'}"
    total = answer.get("total")
    if isinstance(total, int) and total > len(rows):
        return f"{text} of {total} (--page, --page-size)"
    return f"{text}, there are more (--limit)" if answer.get("truncated") else text
