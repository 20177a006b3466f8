"""Floors of the conformance suite: paper, and the loopback exchange's two dialects by real ccxt.

What an exchange can do is read from what the adapter itself goes by, never tried out.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import count
from pathlib import Path

import pytest

from kit.exchanges.ccxt_harness import FAST_TIMINGS, TAG
from kit.exchanges.loopback_process import LoopbackExchange
from kit.exchanges.port_harness import PortHarness, now
from oms.adapters.ccxt.ccxt_exchange import CcxtExchange
from oms.adapters.ccxt.client.market_cache import MarketCache
from oms.adapters.ccxt.client.venue_client import ClientSpec, VenueClient
from oms.adapters.paper.paper_exchange import PaperExchange
from oms.domain.account import Account, Environment, PaperSettings, PositionMode
from oms.domain.orders.execution_report import ExecutionReport
from oms.domain.value import evolve
from oms.ports.exchange import ExchangeStateRows, Quote

LINEAR, SPOT = "BTC/USDT:USDT", "BTC/USDT"
TIMINGS = evolve(
    FAST_TIMINGS,
    live_poll_seconds=0.1,
    wake_delay_seconds=0.01,
    confirm_delays_seconds=(0.02, 0.05, 0.1),
    window_seconds=0.2,
    absence_interval_seconds=0.05,
)
INITIAL_BALANCES = {"USDT": Decimal(100_000)}
_NUMBERS = count(1)


@dataclass(frozen=True)
class ExchangeCase:
    """An exchange, a symbol there and a way to hold positions."""

    venue: str
    symbol: str
    mode: PositionMode
    #: Whether the exchange nets what a hedge account holds apart.
    is_virtual: bool = False
    #: Whether ``oms.capabilities`` takes away that orders are changed in place.
    edits_nothing: bool = False

    def __str__(self) -> str:
        kind = "linear" if ":" in self.symbol else "spot"
        mode = "virtual" if self.is_virtual else self.mode.value
        mode += "-anew" if self.edits_nothing else ""
        return f"{self.venue}-{kind}-{mode}"


VENUES = ("paper", "bybit", "binance")
MODES = (PositionMode.NETTING, PositionMode.HEDGE)
CASES = [
    ExchangeCase(v, symbol, mode) for v in VENUES for symbol in (SPOT, LINEAR) for mode in MODES
]
#: Without spot in hedge accounts at the loopback exchange: forms of orders know no legs there.
SUPPORTED_CASES = [
    f for f in CASES if f.symbol == LINEAR or f.mode is MODES[0] or f.venue == VENUES[0]
]
VIRTUAL_HEDGE_CASES = [ExchangeCase(v, LINEAR, PositionMode.HEDGE, is_virtual=True) for v in VENUES]
REPLACE_CASES = [
    ExchangeCase(v, symbol, PositionMode.NETTING, edits_nothing=True)
    for v in VENUES
    if v != "paper"
    for symbol in (SPOT, LINEAR)
]


def parametrize_cases(symbol: str, mode: PositionMode | None = None) -> pytest.MarkDecorator:
    """Those of a symbol, for a rule that is about such alone."""
    fitting = [f for f in CASES if f.symbol == symbol and mode in (None, f.mode)]
    return pytest.mark.parametrize("floor", fitting, ids=str)


def make_account(floor: ExchangeCase) -> Account:
    """An account on that floor."""
    is_paper = floor.venue == "paper"
    hedge = False if floor.is_virtual else None
    return Account(
        id=1,
        exchange_id="paper.bybit" if is_paper else f"ccxt.{floor.venue}",
        label="desk",
        position_mode=floor.mode,
        environment=Environment.PAPER if is_paper else Environment.LOOPBACK,
        paper=PaperSettings(source="manual", balances=INITIAL_BALANCES, hedge=hedge),
    )


def make_paper_harness(floor: ExchangeCase) -> PortHarness:
    """A paper account."""
    paper = PaperExchange.restore(make_account(floor), ExchangeStateRows())

    def show(bid: str, ask: str, **sizes: str | None) -> Sequence[ExecutionReport]:
        told = {name: None if size is None else Decimal(size) for name, size in sizes.items()}
        quote = Quote(
            symbol=floor.symbol,
            bid=Decimal(bid),
            ask=Decimal(ask),
            bid_qty=told.get("bid_qty"),
            ask_qty=told.get("ask_qty"),
            at=now(),
        )
        return paper.set_price(quote)

    return PortHarness(
        exchange=paper,
        symbol=floor.symbol,
        set_market=show,
        capabilities=dict.fromkeys(("trailing", "expiry"), True),
        drop_next_request=lambda: {"params": {"sim": "timeout_before"}},
    )


@dataclass(frozen=True)
class LoopbackHarnesses:
    """Makes accounts at the loopback exchange; ``tables`` and ``shelf`` are shared by all."""

    venue: LoopbackExchange
    tables: Path
    shelf: MarketCache

    async def desk(self, floor: ExchangeCase) -> PortHarness:
        """A new account there, its contracts in the mode of the floor."""
        spec = self._spec(floor.venue)
        if floor.mode is PositionMode.HEDGE and not floor.is_virtual:
            client = VenueClient(spec, self.shelf)
            await client.open()
            await client.write("set_position_mode", True, LINEAR)
            await client.close()
        extra = dict(spec.extra_config)
        if floor.edits_nothing:
            extra["oms"] = {**extra.get("oms", {}), "capabilities": {"edit": "none"}}
        exchange = CcxtExchange(
            account=evolve(make_account(floor), extra_config=json.dumps(extra)),
            make_client=lambda: VenueClient(spec, self.shelf),
            tag=TAG,
            on_update=lambda: None,
            timings=TIMINGS,
        )

        def show(bid: str, ask: str, **sizes: str | None) -> Sequence[ExecutionReport]:
            told = {name: size for name, size in sizes.items() if size is not None}
            self.venue.control("price", symbol=floor.symbol, bid=bid, ask=ask, **told)
            return ()

        def lose() -> Mapping[str, object]:
            self.venue.control("fault", match="/order", mode="close_before", key=spec.api_key)
            return {}

        return PortHarness(
            exchange=exchange,
            symbol=floor.symbol,
            set_market=show,
            capabilities=dict.fromkeys(("trailing", "expiry"), False),
            drop_next_request=lose,
        )

    def _spec(self, venue: str) -> ClientSpec:
        key = f"desk-{next(_NUMBERS)}"
        money = {currency: str(amount) for currency, amount in INITIAL_BALANCES.items()}
        self.venue.control("account", key=key, secret=key, balances=money)
        return ClientSpec(
            account_id=1,
            venue=venue,
            engine="ccxt",
            environment="loopback",
            api_key=key,
            secret=key,
            extra_config=self.venue.startup["extra_config"][venue] | {"rateLimit": 2},
            cache_folder=self.tables,
        )
