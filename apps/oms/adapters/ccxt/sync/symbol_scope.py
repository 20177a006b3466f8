"""The symbols that a reconcile pass reads where a venue lists nothing without one.

Another program, a liquidation or an earlier process may have traded any symbol of the account.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

from oms.adapters.ccxt.client.exchange_client import ExchangeClient
from oms.adapters.ccxt.parsing.order_snapshot import OrderSnapshot
from oms.domain.instrument import InstrumentKind
from oms.domain.money import ZERO
from oms.domain.reconcile.position_comparison import HoldingKey

#: A coin is looked up against these, and against the other coins held.
_MAIN_QUOTES = frozenset({"USDT", "USDC", "USD", "EUR", "BTC"})
#: A pass that reads further back reads every symbol.
_SKIP_LOOKBACK_MAX = timedelta(days=1)


class _LastRead(NamedTuple):
    """The total of a coin before its symbol was read, and since when the reads are complete."""

    total: Decimal
    since: datetime


class SymbolScope:
    """The symbols of one account's history, positions, open orders and coins; it only grows.

    A symbol that is known only because its coin is held is read again when the total of the coin
    has changed, or the pass reads further back than the reads before.
    """

    def __init__(self, client: ExchangeClient, stored: Collection[str]) -> None:
        self._client = client
        self._symbols = set(stored)
        #: The coin of each symbol that is known only because the coin is or was held.
        self._coins: dict[str, str] = {}
        self._totals: Mapping[str, Decimal] = {}
        self._last_reads: dict[str, _LastRead] = {}

    @property
    def symbols(self) -> Collection[str]:
        """The symbols found so far."""
        return frozenset(self._symbols.union(self._coins))

    def due(self, since: datetime, now: datetime) -> Collection[str]:
        """Return the symbols of which a pass since then may find something."""
        if now - since > _SKIP_LOOKBACK_MAX:
            return self.symbols
        return frozenset(
            self._symbols.union(each for each in self._coins if self._is_due(each, since))
        )

    def _is_due(self, symbol: str, since: datetime) -> bool:
        last = self._last_reads.get(symbol)
        return last is None or since < last.since or self._total_of(symbol) != last.total

    def add(self, symbols: Iterable[str]) -> None:
        """Add symbols that a caller named or that orders were sent in."""
        self._symbols.update(symbols)

    def add_orders(self, orders: Iterable[OrderSnapshot]) -> None:
        """Add the symbols of orders that the exchange lists."""
        self._symbols.update(order.symbol for order in orders)

    def add_holdings(
        self, holdings: Mapping[HoldingKey, Decimal], balances: Mapping[str, Decimal] | None
    ) -> None:
        """Add the symbols of contracts held, and those in which the coins held are bought."""
        self._symbols.update(symbol for (symbol, _), qty in holdings.items() if qty)
        if balances is None:
            self._last_reads.clear()  # whether a total has changed is not known
            return
        self._totals = balances
        coins = {coin for coin, total in balances.items() if total}
        quotes = coins | _MAIN_QUOTES
        self._coins |= {
            symbol: each.base
            for symbol, each in self._client.instruments.items()
            if each.kind is InstrumentKind.SPOT and each.base in coins and each.quote in quotes
        }

    def mark_read(self, symbols: Iterable[str], since: datetime) -> None:
        """Note that the symbols were read since then, after the last ``add_holdings``."""
        for symbol in self._coins.keys() & symbols:
            last = self._last_reads.get(symbol)
            start = since if last is None else min(since, last.since)
            self._last_reads[symbol] = _LastRead(self._total_of(symbol), start)

    def _total_of(self, symbol: str) -> Decimal:
        return self._totals.get(self._coins[symbol], ZERO)
