"""Working copy of the exchange state for one step, with copy on write.

It moves and counts, but does not decide what is allowed. A step state that is discarded has changed
nothing.
"""

from datetime import datetime
from decimal import Decimal

from oms.domain.instrument import Instrument
from oms.domain.money import ZERO, add, subtract
from oms.domain.orders.order import Side
from oms.domain.value import constructor, evolver
from oms.simulation.account.funding_schedule import next_funding_at
from oms.simulation.events import PaperEvent
from oms.simulation.settings import SimulationSettings
from oms.simulation.state.contract_overrides import ContractOverrides
from oms.simulation.state.exchange_state import ExchangeState
from oms.simulation.state.paper_account import Balance, PaperPosition, PositionKey
from oms.simulation.state.paper_market import BookSide, Market
from oms.simulation.state.paper_order import PLAIN_TERMS, Leg, PaperOrder
from oms.simulation.step_result import StateChanges, StepResult

_NOTHING = Balance()
_new_balance, _new_state = constructor(Balance), constructor(ExchangeState)
_new_touched, _new_step = constructor(StateChanges), constructor(StepResult)
_with_asks, _with_bids = evolver(Market, "asks"), evolver(Market, "bids")


class StepState:
    """Exchange state under change, the events so far, and what was touched."""

    __slots__ = (
        "_copied",
        "at",
        "balances",
        "before",
        "contracts",
        "ended_orders",
        "events",
        "filled_parents",
        "input_at",
        "instruments",
        "markets",
        "orders",
        "orders_made",
        "orders_with_terms",
        "positions",
        "settings",
        "settled_currencies",
        "touched_markets",
        "touched_orders",
        "touched_positions",
        "trades_made",
        "transfers_made",
        "volumes",
    )

    def __init__(self, state: ExchangeState, settings: SimulationSettings, at: datetime) -> None:
        self.before = state
        self.settings = settings
        #: Traded instruments by symbol.
        self.instruments = settings.instruments
        #: Time of this step's events; never before the previous step, even if the host's clock went
        #: back.
        self.at = at if at > state.clock else state.clock
        #: Time of the input by the host's clock; ages of prices are measured with it.
        self.input_at = at
        self.balances = dict(state.balances)
        self.positions = dict(state.positions)
        self.orders = dict(state.orders)
        self.markets = state.markets
        self.orders_with_terms = state.orders_with_terms
        self.orders_made = state.orders_made
        self.trades_made = state.trades_made
        self.transfers_made = state.transfers_made
        self.contracts = state.contracts
        self.volumes = state.volumes
        self.events: list[PaperEvent] = []
        #: Orders that ended in this step, in their last form.
        self.ended_orders: list[PaperOrder] = []
        #: Orders with attached exits that were filled since their exits were last updated, before
        #: that.
        self.filled_parents: dict[str, PaperOrder] = {}
        self.touched_orders: dict[str, PaperOrder | None] = {}
        self.touched_markets: set[str] = set()
        self.touched_positions: set[PositionKey] = set()
        #: Currencies in which contracts have moved money in this step.
        self.settled_currencies: set[str] = set()
        self._copied: dict[str, dict[str, PaperOrder]] = {}

    def leverage_of(self, instrument: Instrument) -> int:
        """Returns the leverage in force for a contract."""
        return self.settings.leverage_of(instrument, self.contracts.get(instrument.symbol))

    def set_contract_overrides(self, symbol: str, terms: ContractOverrides) -> None:
        """Replaces the settings of one contract."""
        self.contracts = {**self.contracts, symbol: terms}

    def next_transfer(self) -> str:
        """Returns the id of the next transfer."""
        self.transfers_made += 1
        return f"m{self.transfers_made}"

    def free_balance(self, currency: str) -> Decimal:
        """Returns the amount that is not locked."""
        return self.balances.get(currency, _NOTHING).free

    def credit(self, currency: str, amount: Decimal, locked: Decimal = ZERO) -> None:
        """Adds ``amount`` (may be negative) to free, then moves ``locked`` from free to used."""
        balance = self.balances.get(currency, _NOTHING)
        free, used = add(balance.free, amount), balance.used
        if locked:
            free, used = subtract(free, locked), add(used, locked)
        self.balances[currency] = _new_balance(free=free, used=used)

    def lock(self, currency: str, amount: Decimal) -> None:
        """Moves ``amount`` from free to used; a negative amount moves back."""
        if amount:
            balance = self.balances.get(currency, _NOTHING)
            self.balances[currency] = Balance(
                free=subtract(balance.free, amount), used=add(balance.used, amount)
            )

    def position(self, symbol: str, leg: Leg) -> PaperPosition | None:
        """Returns an open position, or ``None``."""
        return self.positions.get((symbol, leg))

    def position_qty(self, symbol: str, leg: Leg) -> Decimal:
        """Returns the signed quantity of a position; 0 where none is open."""
        position = self.positions.get((symbol, leg))
        return ZERO if position is None else position.qty

    def put_position(self, key: PositionKey, position: PaperPosition | None) -> None:
        """Replaces a position; ``None`` closes it."""
        self.touched_positions.add(key)
        if position is None:
            self.positions.pop(key, None)
        else:
            self.positions[key] = position

    def order(self, symbol: str, order_id: str) -> PaperOrder | None:
        """Returns an open order, or ``None``."""
        return self.orders.get(symbol, {}).get(order_id)

    def put_order(self, order: PaperOrder) -> None:
        """Adds or replaces an open order."""
        order_id = order.exchange_order_id
        self._orders_of(order.symbol)[order_id] = order
        self.touched_orders[order_id] = order
        if order.terms is not PLAIN_TERMS:
            if order_id not in self.orders_with_terms:
                self.orders_with_terms = {**self.orders_with_terms, order_id: order.symbol}
        elif self.orders_with_terms and order_id in self.orders_with_terms:
            self._drop_terms(order_id)  # its expiry was removed

    def end_order(self, order: PaperOrder) -> None:
        """Removes an order that ended."""
        self.ended_orders.append(order)
        order_id = order.exchange_order_id
        if order_id in self.orders.get(order.symbol, {}):
            orders = self._orders_of(order.symbol)
            del orders[order_id]
            self.touched_orders[order_id] = None
            if order_id in self.orders_with_terms:
                self._drop_terms(order_id)
            if not orders:
                del self.orders[order.symbol]
                del self._copied[order.symbol]

    def _drop_terms(self, order_id: str) -> None:
        self.orders_with_terms = {n: s for n, s in self.orders_with_terms.items() if n != order_id}

    def fresh_market(self, symbol: str) -> Market | None:
        """Returns the symbol's market; ``None`` where it is unknown, too old, or closed."""
        if symbol in self.settings.closed_symbols:
            return None
        market, age = self.markets.get(symbol), self.settings.price_age_of(symbol)
        if market is None or age is None:
            return market
        return market if self.input_at - market.at <= age else None

    def put_market(self, market: Market) -> None:
        """Replaces the market of a symbol."""
        if self.markets is self.before.markets:
            self.markets = dict(self.before.markets)
        assert isinstance(self.markets, dict)
        self.markets[market.symbol] = market
        self.touched_markets.add(market.symbol)

    def consume_depth(self, symbol: str, side: Side, book: BookSide) -> None:
        """Replaces the book side that orders of ``side`` consume by the rest, ``book``."""
        market = self.markets[symbol]
        is_buy = side is Side.BUY
        if book is (market.asks if is_buy else market.bids):
            return
        self.put_market(_with_asks(market, asks=book) if is_buy else _with_bids(market, bids=book))

    def next_rank(self) -> int:
        """Returns the time priority of an order that arrives in this step."""
        return self.before.version + 1

    def freeze(self) -> StepResult:
        """Returns the result of the step with the new frozen exchange state."""
        before, events = self.before, tuple(self.events)
        books = bool(events or self.touched_orders or self.touched_positions)
        books = books or self.contracts is not before.contracts
        state = _new_state(
            balances=self.balances,
            orders=self.orders,
            positions=self.positions,
            markets=self.markets,
            orders_made=self.orders_made,
            trades_made=self.trades_made,
            version=before.version + 1 if books else before.version,
            clock=self.at,
            orders_with_terms=self.orders_with_terms,
            in_flight=before.in_flight,
            contracts=self.contracts,
            volumes=self.volumes,
            transfers_made=self.transfers_made,
            next_funding_at=next_funding_at(self.positions)
            if self.touched_positions
            else before.next_funding_at,
        )
        changes = _new_touched(
            orders=self.touched_orders, markets=frozenset(self.touched_markets), books=books
        )
        return _new_step(state=state, events=events, delivered=events, changes=changes)

    def _orders_of(self, symbol: str) -> dict[str, PaperOrder]:
        copied = self._copied.get(symbol)
        if copied is None:
            copied = self._copied[symbol] = dict(self.orders.get(symbol, {}))
            self.orders[symbol] = copied
        return copied
