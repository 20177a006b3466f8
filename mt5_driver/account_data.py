"""The account, its money and the terminal as the package describes them.

Balance and equity are the gateway's while it knows all of them. Else they are computed from what is
known: the stored wallet, or where there is none that of the exchange, each currency at the price of
its market now. A currency without a market is not counted: the sums are too low then, and too high
by a debt in such a currency.
"""

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from mt5_driver.candles import BARS_MAX
from mt5_driver.constants import (
    ACCOUNT_MARGIN_MODE_RETAIL_HEDGING,
    ACCOUNT_MARGIN_MODE_RETAIL_NETTING,
    ACCOUNT_STOPOUT_MODE_PERCENT,
    ACCOUNT_TRADE_MODE_DEMO,
    ACCOUNT_TRADE_MODE_REAL,
    POSITION_TYPE_BUY,
)
from mt5_driver.history import read_position_rows
from mt5_driver.market_data import read_tickers
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
_ZERO = Decimal(0)
#: How long a connection waits, once, for the first wallet that the gateway reads of a new account.
WALLET_SECONDS = 3.0
_ASK_SECONDS = 0.1


def build_account_info(session: Session) -> AccountInfo:
    """Returns the account. Raises ``CallFailed`` if its wallet cannot be read."""
    row, currency = session.account, session.currency
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
            **read_money(session).fields(),
            "assets": 0.0,
            "name": row["label"],
            "server": session.credentials.base_url,
            "currency": currency,
            "company": COMPANY,
        },
    )
    return info


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


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountMoney:
    """The money of an account, without what is not known."""

    balance: Decimal
    equity: Decimal
    profit: Decimal
    margin: Decimal

    def fields(self, more_margin: Decimal = _ZERO) -> dict[str, float]:
        """Returns the fields of the package's tuples, with that much more margin in use."""
        margin = self.margin + more_margin
        level = self.equity / margin * 100 if margin else _ZERO
        return {
            "balance": float(self.balance),
            "equity": float(self.equity),
            "profit": float(self.profit),
            "margin": float(margin),
            "margin_free": float(self.equity - margin),
            "margin_level": float(level),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wallet:
    """What is in the wallet, and what is used of it, by currency."""

    totals: Mapping[str, Decimal]
    used: Mapping[str, Decimal]
    #: Whether the totals are known to be without unrealized profit.
    is_cash: bool


def read_money(session: Session) -> AccountMoney:
    """Returns the money of the account. Raises ``CallFailed`` if its wallet cannot be read."""
    portfolio = _read_portfolio(session)
    currency = str(portfolio["currency"])
    rows = portfolio["balances"]
    known = [read_decimal(portfolio[name]) for name in ("cash", "equity", "unrealized")]
    wallet = _read_wallet(session) if rows is None else _stored_wallet(rows)
    balance, equity, profit = known
    if balance is None or equity is None or profit is None:
        balance, equity, profit = _value(session, wallet, currency)
    margin = wallet.used.get(currency, _ZERO)
    return AccountMoney(balance=balance, equity=equity, profit=profit, margin=margin)


def _read_portfolio(session: Session) -> Any:
    portfolio = session.portfolio()
    deadline = time.monotonic() + WALLET_SECONDS
    while portfolio["balances"] is None and session.awaits_wallet and time.monotonic() < deadline:
        time.sleep(_ASK_SECONDS)
        portfolio = session.portfolio()
    session.awaits_wallet = False
    return portfolio


def _stored_wallet(rows: Iterable[Mapping[str, Any]]) -> _Wallet:
    totals, used = (
        {row["currency"]: read_decimal(row[name]) or _ZERO for row in rows}
        for name in ("total", "used")
    )
    return _Wallet(totals=totals, used=used, is_cash=True)


def _read_wallet(session: Session) -> _Wallet:
    """Returns the wallet that the exchange shows now: the gateway knows none, or hides its own.

    Where contracts are traded it is that of contracts, and at some exchanges the totals contain
    unrealized profit. Keys that are restricted to strategies do not see the stored wallet.
    """
    has_contracts = any(each.kind is not Kind.SPOT for each in session.catalog.all())
    kind = [{"type": "swap"}] if has_contracts else []
    answer = session.client.call(session.account_id, "fetch_balance", *kind)
    totals, used = (
        {name: read_decimal(amount) or _ZERO for name, amount in (answer.get(key) or {}).items()}
        for key in ("total", "used")
    )
    return _Wallet(totals=totals, used=used, is_cash=False)


def _value(session: Session, wallet: _Wallet, currency: str) -> tuple[Decimal, Decimal, Decimal]:
    """Returns balance, equity and profit of a wallet and the open positions at present prices.

    The totals of the exchange are both balance and equity: whether profit is in them is not known.
    """
    rows = [
        (row, instrument, price)
        for row in read_position_rows(session)
        if (instrument := session.catalog.find(row["symbol"])) is not None
        and (price := read_decimal(row["price_current"])) is not None
    ]
    named = {name for name, total in wallet.totals.items() if total}
    named |= {instrument.settle for _, instrument, _ in rows}
    named |= {instrument.base for _, instrument, _ in rows if instrument.kind is Kind.SPOT}
    rates = _rates(session, named, currency)
    cash, in_positions, profit = dict(wallet.totals), _ZERO, _ZERO
    for row, instrument, price in rows:
        rate = rates.get(instrument.settle, _ZERO)
        gain = (read_decimal(row["profit"]) or _ZERO) * rate
        profit += gain
        if not wallet.is_cash:
            continue
        if instrument.kind is Kind.SPOT:
            # The coins of a position are no cash; their price is that of the position.
            sign = 1 if row["type"] == POSITION_TYPE_BUY else -1
            quantity = sign * Decimal(row["volume"])
            cash[instrument.base] = cash.get(instrument.base, _ZERO) - quantity
            in_positions += quantity * price * rate
        else:
            in_positions += gain
    balance = sum((total * rates.get(name, _ZERO) for name, total in cash.items()), _ZERO)
    return balance, balance + in_positions, profit


def _rates(session: Session, currencies: Iterable[str], into: str) -> dict[str, Decimal]:
    """Returns what one unit of each currency is worth; those without a market are left out."""
    markets = {
        name: market
        for name in sorted(set(currencies) - {into})
        if (market := session.rate_market(name)) is not None
    }
    tickers = read_tickers(session, markets.values())
    prices = {
        name: read_decimal((tickers.get(market.symbol) or {}).get("last"))
        for name, market in markets.items()
    }
    return {into: Decimal(1), **{name: price for name, price in prices.items() if price}}
