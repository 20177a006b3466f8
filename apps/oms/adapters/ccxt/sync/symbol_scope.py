"""The symbols that a reconcile pass reads where a venue lists nothing without one.

Another program, a liquidation or an earlier process may have traded any symbol of the account.
"""

from collections.abc import Collection, Iterable, Mapping
from decimal import Decimal

from oms.adapters.ccxt.client.exchange_client import ExchangeClient
from oms.adapters.ccxt.parsing.order_snapshot import OrderSnapshot
from oms.domain.instrument import InstrumentKind
from oms.domain.reconcile.position_comparison import HoldingKey

#: A coin is looked up against these, and against the other coins held.
_MAIN_QUOTES = frozenset({"USDT", "USDC", "USD", "EUR", "BTC"})


class SymbolScope:
    """The symbols of one account's history, positions, open orders and coins; it only grows."""

    def __init__(self, client: ExchangeClient, stored: Collection[str]) -> None:
        self._client = client
        self._symbols = set(stored)

    @property
    def symbols(self) -> Collection[str]:
        """The symbols found so far."""
        return frozenset(self._symbols)

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
        coins = {coin for coin, total in (balances or {}).items() if total}
        quotes = coins | _MAIN_QUOTES
        self._symbols.update(
            symbol
            for symbol, each in self._client.instruments.items()
            if each.kind is InstrumentKind.SPOT and each.base in coins and each.quote in quotes
        )
