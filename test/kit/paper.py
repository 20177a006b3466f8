"""A paper exchange for tests: it keeps the memory between steps and says things in few words."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from kit.builders import NOON
from oms.domain.instrument import Kind
from oms.domain.money import plain
from oms.domain.order import Side
from oms.simulation.contracts import MarginMode
from oms.simulation.exchange import step
from oms.simulation.facts import Fact, Filled, Rejected, Step
from oms.simulation.inputs import (
    BookSeen,
    Cancel,
    CandleSeen,
    Change,
    Clock,
    Deposit,
    Input,
    MarkSeen,
    Place,
    PlacePair,
    PrintSeen,
    QuoteSeen,
    Reset,
    SetLeverage,
    SetMarginMode,
    Withdraw,
)
from oms.simulation.instruments import instruments_of
from oms.simulation.invariants import check_all
from oms.simulation.margin import Wallet, wallet_of
from oms.simulation.memory import Leg, Memory, PaperOrder, PaperTrade, Terms
from oms.simulation.settings import Rates, Settings

SPOT = "SOL/USDT"
LINEAR = "ETH/USDT:USDT"
INVERSE = "BTC/USD:BTC"


def rates(maker: str = "0", taker: str = "0") -> Rates:
    """Fees as fractions."""
    return Rates(maker=Decimal(maker), taker=Decimal(taker))


def some_settings(**changes: Any) -> Settings:
    """No fees, one-way, leverage 10."""
    values: dict[str, Any] = {
        "instruments": instruments_of("binance"),
        "fees": {Kind.SPOT: rates(), Kind.LINEAR: rates()},
    }
    return Settings(**(values | changes))


def levels(*pairs: str) -> tuple[tuple[Decimal, Decimal | None], ...]:
    """``"1 @ 100"`` is one level of a book; ``"* @ 100"`` is without limit."""
    read = []
    for pair in pairs:
        qty, _, price = pair.partition(" @ ")
        read.append((Decimal(price), None if qty == "*" else Decimal(qty)))
    return tuple(read)


class PaperDesk:
    """One account; every input comes a second after the one before."""

    def __init__(self, settings: Settings | None = None, **balances: str) -> None:
        self.settings = settings or some_settings()
        self.memory = Memory()
        self.now: datetime = NOON
        self._orders = 0
        #: The last step, as it was told.
        self.last: Step | None = None
        for currency, amount in balances.items():
            self.put(Deposit(currency=currency, amount=Decimal(amount), at=self.now))

    def put(self, input: Input) -> tuple[Fact, ...]:
        """One step."""
        result = step(self.memory, input, self.settings)
        check_all(result.memory, self.settings)
        self.memory = result.memory
        self.last = result
        self.now += timedelta(seconds=1)
        return result.facts

    def quote(self, bid: str, ask: str, symbol: str = SPOT) -> tuple[Fact, ...]:
        """Prices without limit of depth."""
        return self.put(QuoteSeen(symbol=symbol, bid=Decimal(bid), ask=Decimal(ask), at=self.now))

    def book(
        self, bids: tuple[str, ...] = (), asks: tuple[str, ...] = (), symbol: str = SPOT
    ) -> tuple[Fact, ...]:
        """A book of levels."""
        return self.put(
            BookSeen(symbol=symbol, bids=levels(*bids), asks=levels(*asks), at=self.now)
        )

    def buy(self, qty: str, price: str | None = None, **wish: Any) -> tuple[Fact, ...]:
        """A market buy, or a limit one."""
        return self._place(Side.BUY, qty, price, **wish)

    def sell(self, qty: str, price: str | None = None, **wish: Any) -> tuple[Fact, ...]:
        """A market sell, or a limit one."""
        return self._place(Side.SELL, qty, price, **wish)

    def stop(
        self, side: Side, qty: str, trigger: str, price: str | None = None, **wish: Any
    ) -> tuple[Fact, ...]:
        """A stop, to the market or to a limit; ``order_type`` makes it a take profit."""
        kind = wish.pop("order_type", "stop_market" if price is None else "stop_limit")
        terms = Terms(trigger_price=Decimal(trigger), **wish.pop("terms", {}))
        return self._place(side, qty, price, order_type=kind, terms=terms, **wish)

    def pair(
        self, side: Side, qty: str, price: str, trigger: str, symbol: str = SPOT, **wish: Any
    ) -> tuple[Fact, ...]:
        """A limit order and a stop of which one cancels the other."""
        first = self.wish(side, qty, price, symbol=symbol, **wish)
        terms = Terms(trigger_price=Decimal(trigger))
        second = self.wish(
            side, qty, None, symbol=symbol, order_type="stop_market", terms=terms, **wish
        )
        return self.put(PlacePair(first=first, second=second, at=self.now))

    def print(
        self, price: str, qty: str = "1", side: Side | None = None, symbol: str = SPOT
    ) -> tuple[Fact, ...]:
        """A trade of others."""
        return self.put(
            PrintSeen(symbol=symbol, price=Decimal(price), qty=Decimal(qty), side=side, at=self.now)
        )

    def candle(
        self, open: str, high: str, low: str, close: str, volume: str = "100", symbol: str = SPOT
    ) -> tuple[Fact, ...]:
        """A bar that has closed."""
        prices = {"open": open, "high": high, "low": low, "close": close, "volume": volume}
        read = {name: Decimal(text) for name, text in prices.items()}
        return self.put(CandleSeen(symbol=symbol, at=self.now, **read))

    def mark(self, price: str, symbol: str = LINEAR) -> tuple[Fact, ...]:
        """A mark price."""
        return self.put(MarkSeen(symbol=symbol, price=Decimal(price), at=self.now))

    def deposit(self, amount: str, currency: str = "USDT") -> tuple[Fact, ...]:
        """Money arrives."""
        return self.put(Deposit(currency=currency, amount=Decimal(amount), at=self.now))

    def withdraw(self, amount: str, currency: str = "USDT") -> tuple[Fact, ...]:
        """Money leaves."""
        return self.put(Withdraw(currency=currency, amount=Decimal(amount), at=self.now))

    def reset(self, **balances: str) -> tuple[Fact, ...]:
        """Everything anew."""
        told = tuple((currency, Decimal(amount)) for currency, amount in balances.items())
        return self.put(Reset(balances=told, at=self.now))

    def set_leverage(self, leverage: int, symbol: str = LINEAR) -> tuple[Fact, ...]:
        """Another leverage."""
        return self.put(SetLeverage(symbol=symbol, leverage=leverage, at=self.now))

    def set_margin_mode(self, mode: MarginMode, symbol: str = LINEAR) -> tuple[Fact, ...]:
        """Another margin mode."""
        return self.put(SetMarginMode(symbol=symbol, mode=mode, at=self.now))

    def wallet(self, currency: str = "USDT") -> Wallet:
        """A currency's wallet."""
        return wallet_of(self.memory, self.settings, currency)

    def total(self, currency: str = "USDT") -> str:
        """All of a currency, as plain text."""
        return plain(self.memory.balances[currency].total)

    def until(self, moment: datetime) -> tuple[Fact, ...]:
        """Nothing happens until a moment."""
        self.now = moment
        return self.put(Clock(at=moment))

    def wait(self, seconds: int) -> tuple[Fact, ...]:
        """Nothing happens for a while."""
        self.now += timedelta(seconds=seconds)
        return self.put(Clock(at=self.now))

    def order(self, name: str) -> PaperOrder:
        """An open order by its exchange id."""
        found = [held[name] for held in self.memory.orders.values() if name in held]
        assert found, f"{name} is not open"
        return found[0]

    @property
    def open(self) -> list[str]:
        """Exchange ids of the open orders."""
        return sorted(name for held in self.memory.orders.values() for name in held)

    def change(
        self,
        name: str,
        *,
        price: str | None = None,
        qty: str | None = None,
        trigger: str | None = None,
        symbol: str = SPOT,
    ) -> tuple[Fact, ...]:
        """Change an order."""
        return self.put(
            Change(
                client_id="x",
                exchange_order_id=name,
                symbol=symbol,
                price=None if price is None else Decimal(price),
                qty=None if qty is None else Decimal(qty),
                trigger_price=None if trigger is None else Decimal(trigger),
                at=self.now,
            )
        )

    def cancel(self, name: str, symbol: str = SPOT) -> tuple[Fact, ...]:
        """Cancel an order."""
        wish = Cancel(client_id="x", exchange_order_id=name, symbol=symbol, at=self.now)
        return self.put(wish)

    def balance(self, currency: str) -> tuple[str, str]:
        """Free and used, as plain text."""
        balance = self.memory.balances[currency]
        return format(balance.free.normalize(), "f"), format(balance.used.normalize(), "f")

    def held(self, symbol: str = LINEAR, leg: Leg = Leg.BOTH) -> Decimal:
        """Signed quantity of a contract position."""
        position = self.memory.positions.get((symbol, leg))
        return Decimal(0) if position is None else position.qty

    def _place(self, side: Side, qty: str, price: str | None, **wish: Any) -> tuple[Fact, ...]:
        return self.put(self.wish(side, qty, price, **wish))

    def wish(self, side: Side, qty: str, price: str | None, **wish: Any) -> Place:
        """An order that is wished for, with the next client id."""
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
        return Place(**(values | wish))


def trades(facts: tuple[Fact, ...]) -> list[PaperTrade]:
    """The executions among facts."""
    return [fact.trade for fact in facts if isinstance(fact, Filled)]


def fills(facts: tuple[Fact, ...]) -> list[str]:
    """The executions among facts, each as ``"qty @ price"``."""
    return [f"{plain(trade.qty)} @ {plain(trade.price)}" for trade in trades(facts)]


def words(facts: tuple[Fact, ...]) -> list[str]:
    """The kinds of facts in order."""
    return [type(fact).__name__ for fact in facts]


def code(facts: tuple[Fact, ...]) -> str:
    """The code of the one rejection that facts must be."""
    (fact,) = facts
    assert isinstance(fact, Rejected)
    assert fact.message
    return fact.code
