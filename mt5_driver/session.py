"""The connection that ``initialize`` makes: a client, an account, and what is read once."""

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from itertools import count
from typing import Any

from mt5_driver.candles import CandleReader
from mt5_driver.config import Settings, read_settings, resolve_login
from mt5_driver.constants import (
    RES_E_INTERNAL_FAIL_CONNECT,
    RES_E_INVALID_PARAMS,
    RES_E_NOT_FOUND,
)
from mt5_driver.errors import CallFailed, GatewayError, invalid_argument
from mt5_driver.gateway_client import Credentials, GatewayClient
from mt5_driver.magics import MagicNumbers
from mt5_driver.numbers import exact, read_decimal
from mt5_driver.symbols import Instrument, SymbolCatalog, build_catalog
from mt5_driver.tickets import PositionTickets

DEFAULT_TIMEOUT_MS = 60_000
#: Settings of an account that others may change are read again after this time.
_ACCOUNT_SECONDS = 5.0
_TICK_SIZE = 4
#: A day: longer timeouts are none.
_TIMEOUT_SECONDS_MAX = 86_400.0


@dataclass
class Session:
    """One account of one gateway."""

    client: GatewayClient
    credentials: Credentials
    settings: Settings
    #: Names of symbols that ``symbol_select`` removed from the market watch.
    hidden: set[str] = field(default_factory=set)
    #: Names whose order book is subscribed.
    books: set[str] = field(default_factory=set)
    #: Whether the first wallet that the gateway reads is still waited for.
    awaits_wallet: bool = True
    request_ids: Any = field(default_factory=lambda: count(1))
    _account: Mapping[str, Any] = field(default_factory=dict)
    _account_at: float = float("-inf")
    _leverages: dict[str, Decimal] = field(default_factory=dict)

    @property
    def account_id(self) -> int:
        """The account."""
        return self.credentials.account_id

    @property
    def account(self) -> Mapping[str, Any]:
        """The account's row with the permissions of the key. Raises ``CallFailed``."""
        if time.monotonic() - self._account_at > _ACCOUNT_SECONDS:
            rows = self.client.get("/oms/accounts")["items"]
            self._account = _choose_account(rows, self.account_id)
            self._account_at = time.monotonic()
        return self._account

    @property
    def is_hedging(self) -> bool:
        """Whether the account keeps a position per deal."""
        return bool(self.account["position_mode"] == "hedge")

    @cached_property
    def catalog(self) -> SymbolCatalog:
        """The instruments, read with the first use."""
        markets = self.client.call(self.account_id, "load_markets")
        rows = markets.values() if isinstance(markets, dict) else markets
        mode = self.client.call(self.account_id, "precision_mode")
        return build_catalog(
            {row["symbol"]: row for row in rows}, int(mode or _TICK_SIZE), self.settings.symbols
        )

    @cached_property
    def candles(self) -> CandleReader:
        """Reads candles."""
        venue = str(self.account["exchange_id"]).partition(".")[2]
        return CandleReader(self.client, self.account_id, venue)

    @cached_property
    def tickets(self) -> PositionTickets:
        """Tickets of positions."""
        return PositionTickets(self.client, self.account_id)

    @cached_property
    def magics(self) -> MagicNumbers:
        """Magic numbers."""
        return MagicNumbers(self.client, self.account_id, self.settings.new_magic)

    def instrument(self, name: Any) -> Instrument:
        """Returns the instrument of a symbol. Raises ``CallFailed``."""
        if not isinstance(name, str):
            raise invalid_argument("symbol")
        found = self.catalog.find(name)
        if found is None:
            raise CallFailed(RES_E_NOT_FOUND, f"Terminal: Not found: symbol {name}")
        return found

    def leverage_of(self, instrument: Instrument) -> Decimal:
        """Returns the leverage of an instrument; 1 where the exchange does not say it."""
        known = self._leverages.get(instrument.symbol)
        if known is not None:
            return known
        value = None
        if instrument.max_leverage is None or instrument.max_leverage > 1:
            try:
                answer = self.client.call(self.account_id, "fetch_leverage", instrument.symbol)
                value = read_decimal((answer or {}).get("longLeverage"))
            except GatewayError as error:
                if error.status == 401:
                    raise
        return self._leverages.setdefault(instrument.symbol, value or Decimal(1))

    def rate(self, currency: str) -> Decimal | None:
        """Returns what one unit of a currency is worth in that of the account.

        ``None`` if there is no market for it: no rate is assumed. Raises ``CallFailed``.
        """
        if currency == self.currency:
            return Decimal(1)
        market = self.rate_market(currency)
        if market is None:
            return None
        ticker = self.client.call(self.account_id, "fetch_ticker", market.symbol)
        return read_decimal(ticker.get("last"))

    def rate_market(self, currency: str) -> Instrument | None:
        """Returns the market whose price is the rate of a currency in that of the account."""
        target = self.currency
        symbols = (f"{currency}/{target}", f"{currency}/{target}:{target}")
        return next((each for each in map(self.catalog.find, symbols) if each is not None), None)

    @cached_property
    def currency(self) -> str:
        """The currency of the account."""
        return str(self.portfolio()["currency"])

    def portfolio(self) -> Any:
        """Returns cash, equity and balances of the account, read now."""
        query = {"account_ids": self.account_id}
        return self.client.get("/portfolio", query)["items"][0]


def open_session(
    path: Any = None,
    login: Any = None,
    password: Any = None,
    server: Any = None,
    timeout: Any = DEFAULT_TIMEOUT_MS,
) -> Session:
    """Returns a session whose key may read its account. Raises ``CallFailed``."""
    if path is not None and not isinstance(path, str):
        raise invalid_argument("path")
    settings = read_settings(os.environ)
    if path is not None and "://" in path and server is None:
        server = path
    credentials = resolve_login(settings, login, password, server, path)
    milliseconds = exact(timeout, "timeout")
    if milliseconds <= 0:
        raise invalid_argument("timeout")
    seconds = min(float(milliseconds) / 1000, _TIMEOUT_SECONDS_MAX)
    client = GatewayClient(credentials.base_url, credentials.api_key, seconds)
    try:
        rows = client.get("/oms/accounts")["items"]
        row = _choose_account(rows, credentials.account_id)
    except CallFailed:
        client.close()
        raise
    chosen = Credentials(
        base_url=credentials.base_url, api_key=credentials.api_key, account_id=row["account_id"]
    )
    session = Session(client=client, credentials=chosen, settings=settings)
    session._account, session._account_at = row, time.monotonic()
    session.awaits_wallet = not row["restrict_to_strategies"]
    return session


def no_connection() -> CallFailed:
    """Returns the failure of a call before ``initialize``."""
    return CallFailed(RES_E_INTERNAL_FAIL_CONNECT, "No IPC connection")


def _choose_account(rows: list[Any], account_id: int) -> Mapping[str, Any]:
    if account_id:
        for row in rows:
            if row["account_id"] == account_id:
                return dict(row)
        text = f"Terminal: Authorization failed: the key does not read account {account_id}"
        raise CallFailed(-6, text)
    if len(rows) == 1:
        return dict(rows[0])
    text = f'Invalid "login" argument: the key reads {len(rows)} accounts, name one'
    raise CallFailed(RES_E_INVALID_PARAMS, text)
