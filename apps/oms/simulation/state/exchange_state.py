"""State of one account at the paper exchange: frozen values that every step replaces.

Final orders are not part of it: their ids
are at most ``orders_made`` and not among the open orders, and their trades were reported.
"""

from collections.abc import Mapping
from dataclasses import field
from datetime import UTC, datetime
from decimal import Decimal

from oms.domain.value import value
from oms.simulation.state.contract_overrides import ContractOverrides
from oms.simulation.state.in_flight import InFlight
from oms.simulation.state.paper_account import Balance, PaperPosition, PositionKey
from oms.simulation.state.paper_market import Market
from oms.simulation.state.paper_order import PaperOrder

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@value
class ExchangeState:
    """State of one account at the paper exchange."""

    balances: Mapping[str, Balance] = field(default_factory=dict)
    #: Open orders by symbol, then by exchange order id.
    orders: Mapping[str, Mapping[str, PaperOrder]] = field(default_factory=dict)
    positions: Mapping[PositionKey, PaperPosition] = field(default_factory=dict)
    markets: Mapping[str, Market] = field(default_factory=dict)
    orders_made: int = 0
    trades_made: int = 0
    #: Number of steps that changed anything but markets.
    version: int = 0
    #: Time of the last input; no later event is older, even if the host's clock goes back.
    clock: datetime = EPOCH
    #: Symbols of open orders with other than plain terms, by order id; derived from ``orders``.
    orders_with_terms: Mapping[str, str] = field(default_factory=dict)
    #: Messages in flight between exchange and client; ``None`` is none.
    in_flight: InFlight | None = None
    #: Next funding time of the open positions; derived from ``positions``.
    next_funding_at: datetime | None = None
    #: Settings made for single contracts, by symbol.
    contracts: Mapping[str, ContractOverrides] = field(default_factory=dict)
    #: Dollars traded by day in the last 30 days; counted only where there are fee tiers.
    volumes: Mapping[str, Decimal] = field(default_factory=dict)
    #: Number of deposits, withdrawals and insurance payments.
    transfers_made: int = 0

    def order(self, symbol: str, exchange_order_id: str) -> PaperOrder | None:
        """Returns an open order, or ``None``."""
        held = self.orders.get(symbol)
        return None if held is None else held.get(exchange_order_id)
