"""Drives the simulated exchange: keeps its state between steps, with short calls per input."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from kit.builders import NOON
from oms.domain.instrument import InstrumentKind
from oms.domain.money import decimal_text
from oms.domain.orders.order import Side
from oms.simulation.account.margin import Wallet, compute_wallet
from oms.simulation.events import Filled, PaperEvent, Rejected
from oms.simulation.inputs import (
    BookUpdate,
    CancelOrder,
    CandleClosed,
    ChangeOrder,
    Deposit,
    Input,
    MarkPriceUpdate,
    NewOrder,
    NewOrderPair,
    QuoteUpdate,
    Reset,
    SetLeverage,
    SetMarginMode,
    TimeUpdate,
    TradeTick,
    Withdraw,
)
from oms.simulation.invariants import check_state
from oms.simulation.market.instruments import instruments_of
from oms.simulation.settings import FeeRates, SimulationSettings
from oms.simulation.state.contract_overrides import MarginMode
from oms.simulation.state.exchange_state import ExchangeState
from oms.simulation.state.paper_order import Leg, OrderTerms, PaperOrder, PaperTrade
from oms.simulation.step import step
from oms.simulation.step_result import StepResult

SPOT = "SOL/USDT"
LINEAR = "ETH/USDT:USDT"
INVERSE = "BTC/USD:BTC"


def rates(maker: str = "0", taker: str = "0") -> FeeRates:
    """Fees as fractions."""
    return FeeRates(maker=Decimal(maker), taker=Decimal(taker))


def some_settings(**changes: Any) -> SimulationSettings:
    """No fees, one-way, leverage 10."""
    values: dict[str, Any] = {
        "instruments": instruments_of("binance"),
        "fees": {InstrumentKind.SPOT: rates(), InstrumentKind.LINEAR: rates()},
    }
    return SimulationSettings(**(values | changes))


def parse_levels(*pairs: str) -> tuple[tuple[Decimal, Decimal | None], ...]:
    """Parses book levels: ``"1 @ 100"``, or ``"* @ 100"`` with unlimited quantity."""
    parsed = []
    for pair in pairs:
        qty, _, price = pair.partition(" @ ")
        parsed.append((Decimal(price), None if qty == "*" else Decimal(qty)))
    return tuple(parsed)


class SimulationHarness:
    """One account; each input is one second after the previous one."""

    def __init__(self, settings: SimulationSettings | None = None, **balances: str) -> None:
        self.settings = settings or some_settings()
        self.state = ExchangeState()
        self.now: datetime = NOON
        self._orders = 0
        #: The result of the last step.
        self.last: StepResult | None = None
        for currency, amount in balances.items():
            self.apply(Deposit(currency=currency, amount=Decimal(amount), at=self.now))

    def apply(self, input: Input) -> tuple[PaperEvent, ...]:
        """Run one step; checks the invariants and returns its events."""
        result = step(self.state, input, self.settings)
        check_state(result.state, self.settings)
        self.state = result.state
        self.last = result
        self.now += timedelta(seconds=1)
        return result.events

    def quote(self, bid: str, ask: str, symbol: str = SPOT) -> tuple[PaperEvent, ...]:
        """Best prices with unlimited depth."""
        return self.apply(
            QuoteUpdate(symbol=symbol, bid=Decimal(bid), ask=Decimal(ask), at=self.now)
        )

    def book(
        self, bids: tuple[str, ...] = (), asks: tuple[str, ...] = (), symbol: str = SPOT
    ) -> tuple[PaperEvent, ...]:
        """An order book."""
        return self.apply(
            BookUpdate(
                symbol=symbol, bids=parse_levels(*bids), asks=parse_levels(*asks), at=self.now
            )
        )

    def buy(self, qty: str, price: str | None = None, **fields: Any) -> tuple[PaperEvent, ...]:
        """A market buy, or a limit one."""
        return self._place(Side.BUY, qty, price, **fields)

    def sell(self, qty: str, price: str | None = None, **fields: Any) -> tuple[PaperEvent, ...]:
        """A market sell, or a limit one."""
        return self._place(Side.SELL, qty, price, **fields)

    def stop(
        self, side: Side, qty: str, trigger: str, price: str | None = None, **fields: Any
    ) -> tuple[PaperEvent, ...]:
        """A stop, to the market or to a limit; ``order_type`` makes it a take profit."""
        kind = fields.pop("order_type", "stop_market" if price is None else "stop_limit")
        terms = OrderTerms(trigger_price=Decimal(trigger), **fields.pop("terms", {}))
        return self._place(side, qty, price, order_type=kind, terms=terms, **fields)

    def pair(
        self, side: Side, qty: str, price: str, trigger: str, symbol: str = SPOT, **fields: Any
    ) -> tuple[PaperEvent, ...]:
        """A limit order and a stop of which one cancels the other."""
        first = self.make_order(side, qty, price, symbol=symbol, **fields)
        terms = OrderTerms(trigger_price=Decimal(trigger))
        second = self.make_order(
            side, qty, None, symbol=symbol, order_type="stop_market", terms=terms, **fields
        )
        return self.apply(NewOrderPair(first=first, second=second, at=self.now))

    def public_trade(
        self, price: str, qty: str = "1", side: Side | None = None, symbol: str = SPOT
    ) -> tuple[PaperEvent, ...]:
        """A public trade."""
        return self.apply(
            TradeTick(symbol=symbol, price=Decimal(price), qty=Decimal(qty), side=side, at=self.now)
        )

    def candle(
        self, open: str, high: str, low: str, close: str, volume: str = "100", symbol: str = SPOT
    ) -> tuple[PaperEvent, ...]:
        """A closed candle."""
        prices = {"open": open, "high": high, "low": low, "close": close, "volume": volume}
        parsed = {name: Decimal(text) for name, text in prices.items()}
        return self.apply(CandleClosed(symbol=symbol, at=self.now, **parsed))

    def mark(self, price: str, symbol: str = LINEAR) -> tuple[PaperEvent, ...]:
        """A mark price."""
        return self.apply(MarkPriceUpdate(symbol=symbol, price=Decimal(price), at=self.now))

    def deposit(self, amount: str, currency: str = "USDT") -> tuple[PaperEvent, ...]:
        """A deposit."""
        return self.apply(Deposit(currency=currency, amount=Decimal(amount), at=self.now))

    def withdraw(self, amount: str, currency: str = "USDT") -> tuple[PaperEvent, ...]:
        """A withdrawal."""
        return self.apply(Withdraw(currency=currency, amount=Decimal(amount), at=self.now))

    def reset(self, **balances: str) -> tuple[PaperEvent, ...]:
        """Reset the account to these balances."""
        amounts = tuple((currency, Decimal(amount)) for currency, amount in balances.items())
        return self.apply(Reset(balances=amounts, at=self.now))

    def set_leverage(self, leverage: int, symbol: str = LINEAR) -> tuple[PaperEvent, ...]:
        """Set the leverage."""
        return self.apply(SetLeverage(symbol=symbol, leverage=leverage, at=self.now))

    def set_margin_mode(self, mode: MarginMode, symbol: str = LINEAR) -> tuple[PaperEvent, ...]:
        """Set the margin mode."""
        return self.apply(SetMarginMode(symbol=symbol, mode=mode, at=self.now))

    def wallet(self, currency: str = "USDT") -> Wallet:
        """The wallet of a currency."""
        return compute_wallet(self.state, self.settings, currency)

    def total(self, currency: str = "USDT") -> str:
        """The total of a currency, as plain decimal text."""
        return decimal_text(self.state.balances[currency].total)

    def advance_to(self, at: datetime) -> tuple[PaperEvent, ...]:
        """Advance the clock to ``at``."""
        self.now = at
        return self.apply(TimeUpdate(at=at))

    def advance(self, seconds: int) -> tuple[PaperEvent, ...]:
        """Advance the clock."""
        self.now += timedelta(seconds=seconds)
        return self.apply(TimeUpdate(at=self.now))

    def order(self, name: str) -> PaperOrder:
        """An open order by its exchange id."""
        orders = [
            open_orders[name] for open_orders in self.state.orders.values() if name in open_orders
        ]
        assert orders, f"{name} is not open"
        return orders[0]

    @property
    def open_orders(self) -> list[str]:
        """Exchange ids of the open orders."""
        return sorted(name for open_orders in self.state.orders.values() for name in open_orders)

    def change(
        self,
        name: str,
        *,
        price: str | None = None,
        qty: str | None = None,
        trigger: str | None = None,
        symbol: str = SPOT,
        **terms: Any,
    ) -> tuple[PaperEvent, ...]:
        """Change an order."""
        return self.apply(
            ChangeOrder(
                client_id="x",
                exchange_order_id=name,
                symbol=symbol,
                price=None if price is None else Decimal(price),
                qty=None if qty is None else Decimal(qty),
                trigger_price=None if trigger is None else Decimal(trigger),
                at=self.now,
                **terms,
            )
        )

    def cancel(self, name: str, symbol: str = SPOT) -> tuple[PaperEvent, ...]:
        """Cancel an order."""
        fields = CancelOrder(client_id="x", exchange_order_id=name, symbol=symbol, at=self.now)
        return self.apply(fields)

    def balance(self, currency: str) -> tuple[str, str]:
        """Free and used amount, as plain decimal text."""
        balance = self.state.balances[currency]
        return format(balance.free.normalize(), "f"), format(balance.used.normalize(), "f")

    def position_qty(self, symbol: str = LINEAR, leg: Leg = Leg.BOTH) -> Decimal:
        """Signed quantity of a contract position."""
        position = self.state.positions.get((symbol, leg))
        return Decimal(0) if position is None else position.qty

    def _place(
        self, side: Side, qty: str, price: str | None, **fields: Any
    ) -> tuple[PaperEvent, ...]:
        return self.apply(self.make_order(side, qty, price, **fields))

    def make_order(self, side: Side, qty: str, price: str | None, **fields: Any) -> NewOrder:
        """A new order with the next client id."""
        self._orders += 1
        values: dict[str, Any] = {
            "client_id": str(self._orders),
            "symbol": SPOT,
            "side": side,
            "order_type": "market" if price is None else "limit",
            "qty": Decimal(qty),
            "price": None if price is None else Decimal(price),
            "at": self.now,
        }
        return NewOrder(**(values | fields))


def trades(events: tuple[PaperEvent, ...]) -> list[PaperTrade]:
    """The executions among events."""
    return [event.trade for event in events if isinstance(event, Filled)]


def fills(events: tuple[PaperEvent, ...]) -> list[str]:
    """The executions among events, each as ``"qty @ price"``."""
    return [f"{decimal_text(trade.qty)} @ {decimal_text(trade.price)}" for trade in trades(events)]


def event_kinds(events: tuple[PaperEvent, ...]) -> list[str]:
    """The class names of events, in order."""
    return [type(event).__name__ for event in events]


def only_rejection_code(events: tuple[PaperEvent, ...]) -> str:
    """The code of the only event, which must be a rejection."""
    (event,) = events
    assert isinstance(event, Rejected)
    assert event.message
    return event.code
