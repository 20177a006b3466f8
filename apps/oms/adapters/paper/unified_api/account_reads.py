"""ccxt's account reads: balances, positions, orders and trades at current mark prices.

Open orders and the newest trades come from the exchange state; finished orders are read from the
ledger's history.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

from oms.adapters.paper.unified_api.read_arguments import parse_limit
from oms.adapters.paper.unified_api.structures import (
    Structure,
    closed_order_structure,
    open_order_structure,
    position_structure,
    timestamp_fields,
    to_float,
    trade_structure,
)
from oms.domain.errors import Invalid
from oms.domain.money import add
from oms.domain.orders.order import TERMINAL, Order, OrderState
from oms.domain.value import evolve
from oms.ports.history_reads import HistoryQuery, HistoryReads
from oms.simulation.account.margin import compute_position_margin, compute_wallet
from oms.simulation.settings import SimulationSettings
from oms.simulation.state.exchange_state import EPOCH, ExchangeState
from oms.simulation.state.paper_market import Market
from oms.simulation.state.paper_order import PaperTrade

ROWS_MAX = 1000
"""Maximum number of orders or trades per read; the newest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountReads:
    """Account methods; each public method is a ccxt function of that name."""

    account_id: int
    settings: SimulationSettings
    state: ExchangeState
    market: Callable[[str, datetime], Market | None]
    trades: Callable[[], Sequence[PaperTrade]]
    #: Recorded orders; ``None`` where there is no ledger.
    history: HistoryReads | None
    now: datetime

    async def fetch_balance(self, params: object = None) -> Structure:
        """Returns free, used and total per currency; wallets in ``info``."""
        rows = {
            currency: {
                "free": to_float(balance.free),
                "used": to_float(balance.used),
                "total": to_float(balance.total),
            }
            for currency, balance in sorted(self.state.balances.items())
        }
        columns = {
            column: {currency: row[column] for currency, row in rows.items()}
            for column in ("free", "used", "total")
        }
        return {
            "info": {"wallets": self._wallets()},
            **timestamp_fields(self.now),
            **rows,
            **columns,
        }

    async def fetch_positions(
        self, symbols: object = None, params: object = None
    ) -> list[Structure]:
        """Returns open positions, of these symbols or of all."""
        requested = None if symbols is None else {self.symbol(each) for each in _list(symbols)}
        state = self._state_at_current_marks()
        return [
            position_structure(
                compute_position_margin(state, self.settings, held), state, self.settings, self.now
            )
            for (symbol, _), held in sorted(state.positions.items())
            if requested is None or symbol in requested
        ]

    async def fetch_open_orders(
        self,
        symbol: object = None,
        since: object = None,
        limit: object = None,
        params: object = None,
    ) -> list[Structure]:
        """Returns open orders, the oldest first."""
        requested, earliest = None if symbol is None else self.symbol(symbol), parse_since(since)
        found = [
            order
            for name, held in self.state.orders.items()
            if requested in (None, name)
            for order in held.values()
            if order.created_at >= earliest
        ]
        found.sort(key=lambda order: order.number)
        return [open_order_structure(order) for order in islice(found, parse_limit_of_rows(limit))]

    async def fetch_closed_orders(
        self,
        symbol: object = None,
        since: object = None,
        limit: object = None,
        params: object = None,
    ) -> list[Structure]:
        """Returns filled orders, the oldest first."""
        return await self._fetch_finished(symbol, since, limit, frozenset({OrderState.FILLED}))

    async def fetch_canceled_orders(
        self,
        symbol: object = None,
        since: object = None,
        limit: object = None,
        params: object = None,
    ) -> list[Structure]:
        """Returns canceled and expired orders, the oldest first."""
        finished = frozenset({OrderState.CANCELED, OrderState.EXPIRED})
        return await self._fetch_finished(symbol, since, limit, finished)

    async def fetch_orders(
        self,
        symbol: object = None,
        since: object = None,
        limit: object = None,
        params: object = None,
    ) -> list[Structure]:
        """Returns orders of any state, the oldest first."""
        finished = await self._fetch_finished(symbol, since, limit, TERMINAL)
        still_open = await self.fetch_open_orders(symbol, since)
        return [*finished, *still_open][-parse_limit_of_rows(limit) :]

    async def fetch_order(
        self, id: object, symbol: object = None, params: object = None
    ) -> Structure:
        """Returns one order by its exchange order id."""
        for held in self.state.orders.values():
            if isinstance(id, str) and id in held:
                return open_order_structure(held[id])
        for order in await self._load_recorded(None, EPOCH, TERMINAL):
            if order.exchange_order_id == id:
                return closed_order_structure(order)
        raise Invalid(f"no order {id!r} is known here", code="order_not_found")

    async def fetch_my_trades(
        self,
        symbol: object = None,
        since: object = None,
        limit: object = None,
        params: object = None,
    ) -> list[Structure]:
        """Returns executions, the oldest first: the newest ``limit``, or from ``since`` on."""
        requested, earliest = None if symbol is None else self.symbol(symbol), parse_since(since)
        found = [
            each
            for each in self.trades()
            if requested in (None, each.symbol) and each.executed_at >= earliest
        ]
        count = parse_limit_of_rows(limit)
        return [
            trade_structure(each, self.settings)
            for each in (found[-count:] if since is None else found[:count])
        ]

    def _wallets(self) -> Structure:
        """Returns each currency's wallet, with unrealised profit and margins."""
        state = self._state_at_current_marks()
        value: Structure = {}
        for currency in sorted(state.balances):
            wallet = compute_wallet(state, self.settings, currency)
            value[currency] = {
                "equity": to_float(add(wallet.total, wallet.unrealised)),
                "unrealizedPnl": to_float(wallet.unrealised),
                "initialMargin": to_float(wallet.initial),
                "maintenanceMargin": to_float(wallet.maintenance),
                "reserved": to_float(wallet.reserved),
                "available": to_float(wallet.available),
            }
        return value

    def _state_at_current_marks(self) -> ExchangeState:
        """Returns a copy of the state with current markets of the positions."""
        markets = dict(self.state.markets)
        for symbol, _ in self.state.positions:
            market = self.market(symbol, self.now)
            if market is not None:
                markets[symbol] = market
        return evolve(self.state, markets=markets)

    async def _fetch_finished(
        self, symbol: object, since: object, limit: object, states: frozenset[OrderState]
    ) -> list[Structure]:
        requested = None if symbol is None else self.symbol(symbol)
        found = await self._load_recorded(requested, parse_since(since), states)
        return [closed_order_structure(order) for order in found[-parse_limit_of_rows(limit) :]]

    async def _load_recorded(
        self, symbol: str | None, since: datetime, states: frozenset[OrderState]
    ) -> list[Order]:
        """Returns recorded orders of these states that were at the exchange, the oldest first."""
        if self.history is None:
            return []
        window = HistoryQuery(
            account_ids=(self.account_id,),
            symbol=symbol,
            status=frozenset(state.value for state in states),
            since=None if since == EPOCH else since,
            by_creation=True,
            page_size=ROWS_MAX,
            descending=True,
            with_total=False,
        )
        page = await self.history.orders(window)
        return [
            order
            for order in reversed(page.items)
            if order.exchange_order_id is not None and order.state in states
        ]

    def symbol(self, value: object) -> str:
        """Returns the symbol of an instrument that is traded. Raises ``Invalid``."""
        if not isinstance(value, str) or value not in self.settings.instruments:
            message = f"{value!r} is not traded here"
            raise Invalid(message, code="instrument_not_supported")
        return value


def _list(value: object) -> Sequence[object]:
    if not isinstance(value, list | tuple):
        raise Invalid("symbols: a list is expected")
    return value


def parse_since(value: object) -> datetime:
    """Returns the time of ``since``, or the first one. Raises ``Invalid``."""
    if value is None:
        return EPOCH
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**46:
        raise Invalid("since: a time in milliseconds is expected")
    return EPOCH + timedelta(milliseconds=value)


def parse_limit_of_rows(value: object) -> int:
    """Returns the number of rows of ``limit``. Raises ``Invalid``."""
    return parse_limit(value, default=ROWS_MAX, most=ROWS_MAX)


FUNCTIONS: Mapping[str, Callable[..., Awaitable[object]]] = {
    name: function for name, function in vars(AccountReads).items() if name.startswith("fetch_")
}
"""Methods by their ccxt names."""
