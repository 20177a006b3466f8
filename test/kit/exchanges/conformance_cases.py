"""Cases of the conformance suite: paper, and the loopback exchange by three dialects of real ccxt.

Capabilities are read from the tables that the adapter uses, never probed.
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
from oms.adapters.ccxt.client.market_cache import MarketCache
from oms.adapters.ccxt.client.venue_client import ClientSpec, VenueClient
from oms.adapters.ccxt.wiring import build_exchange
from oms.adapters.paper.paper_exchange import PaperExchange
from oms.domain.account import Account, Environment, PaperSettings, PositionMode
from oms.domain.orders.execution_report import ExecutionReport
from oms.domain.quotes import Quote
from oms.domain.value import evolve
from oms.ports.exchange import ExchangeStateRows

LINEAR, SPOT = "BTC/USDT:USDT", "BTC/USDT"
TIMINGS = evolve(
    FAST_TIMINGS,
    live_poll_seconds=0.1,
    wake_delay_seconds=0.01,
    confirm_delays_seconds=(0.02, 0.05, 0.1),
    window_seconds=0.2,
    unbounded_window_seconds=0.2,
    absence_interval_seconds=0.05,
)
INITIAL_BALANCES = {"USDT": Decimal(100_000)}
_NUMBERS = count(1)
#: The request that places an order, by venue; elsewhere at a path with ``/order``.
_PLACE_PATHS = {"okx": "POST /api/v5/trade/order"}


@dataclass(frozen=True)
class ExchangeCase:
    """An exchange, a symbol and a position mode."""

    venue: str
    symbol: str
    mode: PositionMode
    #: Whether the exchange nets the positions that a hedge account keeps separately.
    is_virtual: bool = False
    #: Whether ``oms.capabilities`` disables amending orders in place.
    edits_nothing: bool = False

    def __str__(self) -> str:
        kind = "linear" if ":" in self.symbol else "spot"
        mode = "virtual" if self.is_virtual else self.mode.value
        mode += "-replace" if self.edits_nothing else ""
        return f"{self.venue}-{kind}-{mode}"


VENUES = ("paper", "bybit", "binance", "okx")
MODES = (PositionMode.NETTING, PositionMode.HEDGE)
CASES = [
    ExchangeCase(v, symbol, mode) for v in VENUES for symbol in (SPOT, LINEAR) for mode in MODES
]
#: Without spot in hedge accounts at the loopback exchange: its orders have no position side there.
SUPPORTED_CASES = [
    case
    for case in CASES
    if case.symbol == LINEAR or case.mode is MODES[0] or case.venue == VENUES[0]
]
VIRTUAL_HEDGE_CASES = [ExchangeCase(v, LINEAR, PositionMode.HEDGE, is_virtual=True) for v in VENUES]
REPLACE_CASES = [
    ExchangeCase(v, symbol, PositionMode.NETTING, edits_nothing=True)
    for v in VENUES
    if v != "paper"
    for symbol in (SPOT, LINEAR)
]


def parametrize_cases(symbol: str, mode: PositionMode | None = None) -> pytest.MarkDecorator:
    """Parametrizes ``case`` with the cases of a symbol (and position mode)."""
    matching = [case for case in CASES if case.symbol == symbol and mode in (None, case.mode)]
    return pytest.mark.parametrize("case", matching, ids=str)


def make_account(case: ExchangeCase) -> Account:
    """The account of a case."""
    is_paper = case.venue == "paper"
    hedge = False if case.is_virtual else None
    return Account(
        id=1,
        exchange_id="paper.bybit" if is_paper else f"ccxt.{case.venue}",
        label="conformance",
        position_mode=case.mode,
        environment=Environment.PAPER if is_paper else Environment.LOOPBACK,
        paper=PaperSettings(source="manual", balances=INITIAL_BALANCES, hedge=hedge),
    )


def make_paper_harness(case: ExchangeCase) -> PortHarness:
    """A harness on a paper account."""
    paper = PaperExchange.restore(make_account(case), ExchangeStateRows())

    def set_prices(bid: str, ask: str, **sizes: str | None) -> Sequence[ExecutionReport]:
        amounts = {name: None if size is None else Decimal(size) for name, size in sizes.items()}
        quote = Quote(
            symbol=case.symbol,
            bid=Decimal(bid),
            ask=Decimal(ask),
            bid_qty=amounts.get("bid_qty"),
            ask_qty=amounts.get("ask_qty"),
            at=now(),
        )
        return paper.set_price(quote)

    return PortHarness(
        exchange=paper,
        symbol=case.symbol,
        set_market=set_prices,
        capabilities={"trailing": True},
        drop_next_request=lambda: {"params": {"sim": "timeout_before"}},
    )


@dataclass(frozen=True)
class LoopbackHarnesses:
    """Creates accounts at the loopback exchange; all share ``tables`` and ``market_cache``."""

    venue: LoopbackExchange
    tables: Path
    market_cache: MarketCache

    async def create(self, case: ExchangeCase) -> PortHarness:
        """A harness on a new account, its contracts in the position mode of the case."""
        spec = self._spec(case.venue)
        if case.mode is PositionMode.HEDGE and not case.is_virtual:
            client = VenueClient(spec, self.market_cache)
            await client.open()
            await client.write("set_position_mode", True, LINEAR)
            await client.close()
        extra = dict(spec.extra_config)
        if case.edits_nothing:
            extra["oms"] = {**extra.get("oms", {}), "capabilities": {"edit": "none"}}
        exchange = build_exchange(
            account=evolve(make_account(case), extra_config=json.dumps(extra)),
            make_client=lambda: VenueClient(spec, self.market_cache),
            installation_tag=TAG,
            on_update=lambda: None,
            timings=TIMINGS,
        )

        def set_prices(bid: str, ask: str, **sizes: str | None) -> Sequence[ExecutionReport]:
            amounts = {name: size for name, size in sizes.items() if size is not None}
            self.venue.control("price", symbol=case.symbol, bid=bid, ask=ask, **amounts)
            return ()

        def drop_next() -> Mapping[str, object]:
            path = _PLACE_PATHS.get(case.venue, "/order")
            self.venue.control("fault", match=path, mode="close_before", key=spec.api_key)
            return {}

        return PortHarness(
            exchange=exchange,
            symbol=case.symbol,
            set_market=set_prices,
            capabilities={"trailing": case.venue == "binance" and ":" in case.symbol},
            drop_next_request=drop_next,
        )

    def _spec(self, venue: str) -> ClientSpec:
        key = f"conformance-{next(_NUMBERS)}"
        money = {currency: str(amount) for currency, amount in INITIAL_BALANCES.items()}
        self.venue.control("account", key=key, secret=key, passphrase=key, balances=money)
        return ClientSpec(
            account_id=1,
            venue=venue,
            engine="ccxt",
            environment="loopback",
            api_key=key,
            secret=key,
            passphrase=key,
            extra_config=self.venue.startup["extra_config"][venue] | {"rateLimit": 2},
            cache_folder=self.tables,
        )
