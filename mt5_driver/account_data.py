"""The account and the terminal as the package describes them."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from mt5_driver.candles import BARS_MAX
from mt5_driver.constants import (
    ACCOUNT_MARGIN_MODE_RETAIL_HEDGING,
    ACCOUNT_MARGIN_MODE_RETAIL_NETTING,
    ACCOUNT_STOPOUT_MODE_PERCENT,
    ACCOUNT_TRADE_MODE_DEMO,
    ACCOUNT_TRADE_MODE_REAL,
    RES_E_FAIL,
)
from mt5_driver.errors import CallFailed
from mt5_driver.numbers import read_decimal, surface
from mt5_driver.session import Session
from mt5_driver.structures import AccountInfo, TerminalInfo, fill_structure
from mt5_driver.symbols import Kind

#: The build of the package whose interface this is.
BUILD = 6231
COMPANY = "oms-gateway"
_MONEY_DIGITS = 2
_COIN_DIGITS = 8
_MONEY = frozenset({"USD", "USDT", "USDC", "EUR", "GBP", "CHF", "AUD", "CAD", "FDUSD", "TUSD"})


def build_account_info(session: Session) -> AccountInfo:
    """Returns the account. Raises ``CallFailed`` while its balance or equity is not known."""
    row, portfolio = session.account, session.portfolio()
    money = read_money(portfolio)
    currency = str(portfolio["currency"])
    is_hedging = session.is_hedging
    is_allowed = bool(row["can_trade"]) and row["status"] == "active"
    info: AccountInfo = fill_structure(
        AccountInfo,
        {
            "login": session.account_id,
            "trade_mode": ACCOUNT_TRADE_MODE_REAL
            if row["environment"] == "live"
            else ACCOUNT_TRADE_MODE_DEMO,
            "leverage": int(_account_leverage(session)),
            "margin_so_mode": ACCOUNT_STOPOUT_MODE_PERCENT,
            "trade_allowed": is_allowed,
            "trade_expert": is_allowed,
            "margin_mode": ACCOUNT_MARGIN_MODE_RETAIL_HEDGING
            if is_hedging
            else ACCOUNT_MARGIN_MODE_RETAIL_NETTING,
            "currency_digits": _MONEY_DIGITS if currency in _MONEY else _COIN_DIGITS,
            "fifo_close": False,
            **{name: float(value) for name, value in money.items()},
            "assets": 0.0,
            "name": row["label"],
            "server": session.credentials.base_url,
            "currency": currency,
            "company": COMPANY,
        },
    )
    return info


def read_money(portfolio: Mapping[str, Any]) -> dict[str, Decimal]:
    """Returns balance, equity, profit, margin, margin_free and margin_level of a portfolio.

    Raises ``CallFailed`` while balance or equity is not known: 0 would be a wrong answer.
    """
    balance, equity = read_decimal(portfolio["cash"]), read_decimal(portfolio["equity"])
    if balance is None or equity is None:
        text = "Terminal: Call failed: balance and equity of the account are not known"
        raise CallFailed(RES_E_FAIL, text)
    currency = portfolio["currency"]
    used = [row["used"] for row in portfolio["balances"] or [] if row["currency"] == currency]
    margin = sum((read_decimal(each) or Decimal(0) for each in used), Decimal(0))
    return {
        "balance": balance,
        "equity": equity,
        "profit": read_decimal(portfolio["unrealized"]) or Decimal(0),
        "margin": margin,
        "margin_free": equity - margin,
        "margin_level": equity / margin * 100 if margin else Decimal(0),
    }


def build_terminal_info(session: Session) -> TerminalInfo:
    """Returns the terminal: the gateway and the connection to it."""
    row = session.account
    info: TerminalInfo = fill_structure(
        TerminalInfo,
        {
            "community_account": False,
            "community_connection": False,
            "connected": True,
            "dlls_allowed": False,
            "trade_allowed": bool(row["can_trade"]) and row["status"] == "active",
            "tradeapi_disabled": False,
            "email_enabled": False,
            "ftp_enabled": False,
            "notifications_enabled": False,
            "mqid": False,
            "build": BUILD,
            "maxbars": BARS_MAX,
            "ping_last": int(session.client.last_ping_ms * 1000),
            "community_balance": 0.0,
            "retransmission": 0.0,
            "company": COMPANY,
            "name": COMPANY,
            "language": "English",
            "path": session.credentials.base_url,
        },
    )
    return info


def _account_leverage(session: Session) -> float:
    """Returns the leverage of the first contract; 1 on accounts that trade none."""
    contracts = [each for each in session.catalog.all() if each.kind is not Kind.SPOT]
    return surface(session.leverage_of(contracts[0])) if contracts else 1.0
