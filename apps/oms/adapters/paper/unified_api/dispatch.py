"""Dispatch of ccxt's unified read methods of a paper exchange."""

import inspect
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime

from oms.adapters.paper.paper_engine import PaperEngine
from oms.adapters.paper.unified_api.account_reads import FUNCTIONS as ACCOUNT_METHODS
from oms.adapters.paper.unified_api.account_reads import AccountReads
from oms.adapters.paper.unified_api.derived_account_reads import (
    FUNCTIONS as DERIVED_ACCOUNT_METHODS,
)
from oms.adapters.paper.unified_api.derived_market_reads import FUNCTIONS as DERIVED_MARKET_METHODS
from oms.adapters.paper.unified_api.exchange_info import FUNCTIONS as INFO_METHODS
from oms.adapters.paper.unified_api.funding_reads import ACCOUNT_FUNCTIONS as FUNDING_METHODS
from oms.adapters.paper.unified_api.funding_reads import (
    MARKET_FUNCTIONS as FUNDING_RATE_METHODS,
)
from oms.adapters.paper.unified_api.market_listings import FUNCTIONS as LISTING_METHODS
from oms.adapters.paper.unified_api.market_reads import MarketReads
from oms.adapters.paper.unified_api.venue_settings import FUNCTIONS as VENUE_METHODS
from oms.domain.account import Account
from oms.domain.errors import Invalid
from oms.ports.history_reads import HistoryReads
from oms.wire.ccxt.trade_parser import PARSED_METHODS

_MARKET_METHODS: Mapping[str, Callable[..., object]] = {
    name: getattr(MarketReads, name)
    for name in (
        "fetch_ticker",
        "fetch_order_book",
        "fetch_time",
        "fetch_markets",
        "load_markets",
    )
} | {**LISTING_METHODS, **DERIVED_MARKET_METHODS, **FUNDING_RATE_METHODS, **INFO_METHODS}

_ACCOUNT_METHODS: Mapping[str, Callable[..., Awaitable[object]]] = {
    **ACCOUNT_METHODS,
    **DERIVED_ACCOUNT_METHODS,
    **FUNDING_METHODS,
}

READS = frozenset({*_MARKET_METHODS, *_ACCOUNT_METHODS})
"""Names of the read methods that every paper exchange supports."""


async def call_method(
    engine: PaperEngine,
    account: Account,
    history: HistoryReads | None,
    func: str,
    args: Sequence[object],
    kwargs: Mapping[str, object],
    now: datetime,
) -> object:
    """Returns the result of a read. Raises ``Invalid`` for unknown methods or arguments."""
    venue_method = VENUE_METHODS.get(account.venue, {}).get(func)
    account_method = venue_method or _ACCOUNT_METHODS.get(func)
    if account_method is not None:
        account_reads = AccountReads(
            account_id=account.id,
            settings=engine.settings,
            state=engine.state,
            market=engine.market,
            trades=engine.trades,
            history=history,
            now=now,
        )
        _check_arguments(func, account_method, account_reads, args, kwargs)
        return await account_method(account_reads, *args, **kwargs)
    market_method = _MARKET_METHODS.get(func)
    if market_method is None:
        raise not_supported(func)
    market_reads = MarketReads(
        venue=account.venue,
        settings=engine.settings,
        prices=engine.prices,
        market=engine.read_market,
        now=now,
        methods=READS | frozenset(PARSED_METHODS),
        contracts=engine.state.contracts,
    )
    _check_arguments(func, market_method, market_reads, args, kwargs)
    return market_method(market_reads, *args, **kwargs)


def not_supported(func: str) -> Invalid:
    """Returns ccxt's ``NotSupported``."""
    message = f"a paper exchange does not support {func[:64]}"
    return Invalid(message, code="unsupported_func", reason="not_supported")


def _check_arguments(
    func: str,
    method: Callable[..., object],
    reads: object,
    args: Sequence[object],
    kwargs: Mapping[str, object],
) -> None:
    try:
        inspect.signature(method).bind(reads, *args, **kwargs)
    except TypeError as error:
        raise Invalid(f"{func}: {error}") from None
