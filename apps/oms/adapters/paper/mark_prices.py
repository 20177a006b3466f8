"""Mark prices of paper positions, computed without the worker of their account.

Random-walk prices are computed; all others are read as the worker stored them last. Nothing is
executed here. An account with invalid price settings has no mark prices.
"""

import time
from collections.abc import Callable, Mapping, Sequence

from oms.adapters.paper.market_data.price_sources import PriceSources
from oms.domain.account import Account, Engine
from oms.domain.errors import Invalid
from oms.domain.ledger.position import Position
from oms.ports.clock import Clock
from oms.ports.mark_prices import PositionMark, StoredPaperPrices, mark_position
from oms.ports.registry import Registry
from oms.simulation.market.instruments import paper_instruments
from oms.simulation.market.matching import market_from_update
from oms.simulation.state.paper_market import Market
from oms.simulation.state.state_json import decode_market
from oms.wire.account_config.paper_settings import LIVE_SOURCE

ACCOUNT_CACHE_SECONDS = 2.0
"""How long account settings are cached."""

CACHED_ACCOUNTS_MAX = 1000


class PaperMarks:
    """``MarkPrices`` of paper accounts; positions of other engines are left out."""

    def __init__(
        self,
        registry: Registry,
        stored: StoredPaperPrices,
        clock: Clock,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._registry = registry
        self._stored = stored
        self._clock = clock
        self._monotonic = monotonic
        self._accounts: dict[int, tuple[float, Account, PriceSources]] = {}

    async def __call__(self, positions: Sequence[Position]) -> Mapping[int, PositionMark]:
        """Returns marks by position id, of positions that have one. Raises ``Unavailable``."""
        held = [position for position in positions if position.is_open]
        if not held:
            return {}
        accounts = await self._load_accounts({position.account_id for position in held})
        stored_symbols: dict[int, frozenset[str]] = {}
        for position in held:
            account_id, symbol = position.account_id, position.symbol
            if account_id in accounts and accounts[account_id][1].is_stored(symbol):
                stored_symbols[account_id] = stored_symbols.get(account_id, frozenset()) | {symbol}
        texts = await self._stored(stored_symbols)
        marks: dict[int, PositionMark] = {}
        for position in held:
            if position.account_id in accounts:
                account, prices = accounts[position.account_id]
                text = texts.get((position.account_id, position.symbol))
                mark = self._mark(account, prices, position, text)
                if mark is not None:
                    marks[position.id] = mark
        return marks

    def _mark(
        self, account: Account, prices: PriceSources, position: Position, text: str | None
    ) -> PositionMark | None:
        symbol = position.symbol
        instrument = paper_instruments(account).get(symbol)
        market: Market | None = None
        if instrument is None:
            return None
        if text is not None:
            market = decode_market(symbol, text)
        elif not prices.is_stored(symbol):
            market = market_from_update(prices.walk_book(instrument, self._clock.now()))
        price = None if market is None else market.mark_price
        if market is None or price is None:
            return None
        ages = account.paper.source_of(symbol) == LIVE_SOURCE
        return mark_position(position, instrument, price, market.at, ages=ages)

    async def _load_accounts(self, ids: set[int]) -> Mapping[int, tuple[Account, PriceSources]]:
        now = self._monotonic()
        stale = [i for i in ids if i not in self._accounts or self._accounts[i][0] <= now]
        if stale:
            if len(self._accounts) > CACHED_ACCOUNTS_MAX:
                self._accounts.clear()
                stale = list(ids)
            for row in await self._registry.accounts(stale):
                self._cache_account(row.account, now)
        return {i: self._accounts[i][1:] for i in ids if i in self._accounts}

    def _cache_account(self, account: Account, now: float) -> None:
        cached = self._accounts.get(account.id)
        try:
            if account.engine is not Engine.PAPER:
                return
            prices = (
                cached[2] if cached and cached[1].paper == account.paper else PriceSources(account)
            )
        except Invalid:
            return
        self._accounts[account.id] = (now + ACCOUNT_CACHE_SECONDS, account, prices)
