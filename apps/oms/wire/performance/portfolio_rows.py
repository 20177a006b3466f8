"""Rows of portfolios."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict

from oms.domain.money import decimal_text
from oms.domain.performance.account_value import AccountValue
from oms.domain.performance.balances import Balances
from oms.wire.json import optional_decimal_text, optional_time_text, time_text
from oms.wire.performance.marked_positions import MarkedPositionRow
from oms.wire.responses.value_types import DecimalText, Id, TimeText


class ValueRow(TypedDict):
    """The value of an account, or of several, in one currency; null is unknown."""

    currency: str
    cash: DecimalText | None
    equity: DecimalText | None
    market_value: DecimalText | None
    unrealized: DecimalText | None
    realized: Annotated[DecimalText | None, Field(description="Gross, with funding.")]
    fees: DecimalText | None
    total_pnl: Annotated[DecimalText | None, Field(description="realized + unrealized - fees")]
    missing_rates: Annotated[
        list[str], Field(description="Currencies that could not be converted.")
    ]


class BalanceRow(TypedDict):
    """One currency of the wallet, without unrealized profit; null is not reported."""

    currency: str
    total: DecimalText
    free: DecimalText | None
    used: DecimalText | None


class AccountValueRow(ValueRow):
    """An account with its wallet and its open positions."""

    account_id: Id
    balances: Annotated[
        list[BalanceRow] | None, Field(description="Null: not known, or too old to be used.")
    ]
    balances_at: Annotated[
        TimeText | None, Field(description="When the exchange reported them; null: paper.")
    ]
    positions: list[MarkedPositionRow]
    stale_symbols: Annotated[
        list[str], Field(description="Symbols held whose price is old or missing.")
    ]
    as_of: TimeText


class PortfolioBody(TypedDict):
    """Accounts and their total in the gateway's report currency."""

    items: list[AccountValueRow]
    total: ValueRow
    report_currency: str
    as_of: TimeText


def value_row(figures: AccountValue) -> ValueRow:
    """Return the row of a value."""
    return {
        "currency": figures.currency,
        "cash": optional_decimal_text(figures.cash),
        "equity": optional_decimal_text(figures.equity),
        "market_value": optional_decimal_text(figures.market_value),
        "unrealized": optional_decimal_text(figures.unrealized),
        "realized": optional_decimal_text(figures.realized),
        "fees": optional_decimal_text(figures.fees),
        "total_pnl": optional_decimal_text(figures.total_pnl),
        "missing_rates": sorted(figures.missing_rates),
    }


def balance_rows(balances: Balances | None) -> list[BalanceRow] | None:
    """Return the rows of a wallet, by currency."""
    if balances is None:
        return None
    return [
        {
            "currency": currency,
            "total": decimal_text(each.total),
            "free": optional_decimal_text(each.free),
            "used": optional_decimal_text(each.used),
        }
        for currency, each in sorted(balances.amounts.items())
    ]


def account_value_row(
    account_id: int,
    figures: AccountValue,
    balances: Balances | None,
    positions: Sequence[MarkedPositionRow],
    stale_symbols: Sequence[str],
    as_of: datetime,
) -> AccountValueRow:
    """Return the row of an account."""
    return {
        "account_id": account_id,
        **value_row(figures),
        "balances": balance_rows(balances),
        "balances_at": None if balances is None else optional_time_text(balances.as_of),
        "positions": list(positions),
        "stale_symbols": list(stale_symbols),
        "as_of": time_text(as_of),
    }
