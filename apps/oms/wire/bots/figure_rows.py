"""Figures of bots in responses."""

from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict

from oms.domain.bots.bot_figures import BotFigures
from oms.domain.money import decimal_text
from oms.wire.bots.bot_rows import BotEventRow, bot_event_row
from oms.wire.json import optional_decimal_text
from oms.wire.performance.portfolio_rows import BalanceRow, balance_rows
from oms.wire.responses.value_types import Count, DecimalText, Id


class BotFiguresRow(TypedDict):
    """What a bot has earned, and what it has to trade with; amounts by currency."""

    bot_id: Id
    day_results: Annotated[
        dict[str, DecimalText],
        Field(description="Net results of the positions that closed today (UTC)."),
    ]
    day_trades: Count
    open_profit: Annotated[
        dict[str, DecimalText | None],
        Field(description="Of open positions, before fees; null: a price is missing."),
    ]
    open_positions: Count
    errors_24h: Annotated[
        Count, Field(description="Failures, and signals that failed or were blocked.")
    ]
    last_signal: BotEventRow | None
    balances: Annotated[
        list[BalanceRow] | None,
        Field(description="Of the currencies of its symbols; null: not known, or not permitted."),
    ]


def bot_figures_row(figures: BotFigures) -> BotFiguresRow:
    """Return the figures of a bot."""
    profits = figures.open_profit.items()
    last = figures.last_signal
    return {
        "bot_id": figures.bot_id,
        "day_results": {name: decimal_text(result) for name, result in figures.day_results.items()},
        "day_trades": figures.day_trades,
        "open_profit": {name: optional_decimal_text(profit) for name, profit in profits},
        "open_positions": figures.open_positions,
        "errors_24h": figures.errors,
        "last_signal": None if last is None else bot_event_row(last),
        "balances": balance_rows(figures.balances),
    }
