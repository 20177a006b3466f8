"""ccxt's reads of funding: the payments of the account, and the rates of past funding times."""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from itertools import groupby

from oms.adapters.paper.unified_api.account_reads import (
    ROWS_MAX,
    AccountReads,
    parse_limit_of_rows,
    parse_since,
)
from oms.adapters.paper.unified_api.market_reads import MarketReads
from oms.adapters.paper.unified_api.structures import Structure, timestamp_fields, to_float
from oms.domain.errors import Invalid
from oms.domain.instrument import InstrumentKind
from oms.domain.ledger.deal import Deal, DealType
from oms.domain.money import ZERO, add
from oms.ports.history_reads import HistoryQuery
from oms.simulation.account.funding_schedule import FUNDING_INTERVAL, last_funding_time
from oms.simulation.state.exchange_state import EPOCH

_RATES_DEFAULT = 100


async def fetch_funding_history(
    reads: AccountReads,
    symbol: object = None,
    since: object = None,
    limit: object = None,
    params: object = None,
) -> list[Structure]:
    """Returns the payments that the ledger booked, the oldest first: the newest ``limit``.

    From ``since`` on the first ones. A payment of several positions is one row. A symbol that is
    not traded any more has no ``code``.
    """
    if reads.history is None:
        return []
    window = HistoryQuery(
        account_ids=(reads.account_id,),
        symbol=None if symbol is None else reads.symbol(symbol),
        deal_type=DealType.FUNDING.value,
        since=None if since is None else parse_since(since),
        page_size=ROWS_MAX,
        descending=since is None,
        with_total=False,
    )
    page = await reads.history.deals(window)
    known = page.items
    if page.next_after_id is not None:
        # Other parts of the last payment may be on the next page.
        cut = known[-1].exchange_trade_id
        known = [deal for deal in known if deal.exchange_trade_id != cut]
    deals = sorted(known, key=lambda deal: (deal.executed_at, deal.exchange_trade_id))
    rows = [
        _payment(reads, list(parts))
        for _, parts in groupby(deals, key=lambda deal: deal.exchange_trade_id)
    ]
    count = parse_limit_of_rows(limit)
    return rows[-count:] if since is None else rows[:count]


def fetch_funding_rate_history(
    reads: MarketReads,
    symbol: object = None,
    since: object = None,
    limit: object = None,
    params: object = None,
) -> list[Structure]:
    """Returns the rates of past funding times, the oldest first: the newest, or from ``since`` on.

    The rate is the one of the account's settings; where a price source has changed it, the past
    ones are not known, and the method is not supported.
    """
    instrument = reads.instrument(symbol)
    if instrument.kind is InstrumentKind.SPOT:
        raise Invalid(f"{symbol} is no contract and pays no funding")
    terms = reads.contracts.get(instrument.symbol)
    if terms is not None and terms.funding_rate is not None:
        message = f"the past funding rates of {symbol} are not kept"
        raise Invalid(message, code="unsupported_func", reason="not_supported")
    count = _RATES_DEFAULT if limit is None else parse_limit_of_rows(limit)
    if since is None:
        first = last_funding_time(reads.now) - (count - 1) * FUNDING_INTERVAL
    else:
        start = parse_since(since)
        first = last_funding_time(start)
        if first < start:
            first += FUNDING_INTERVAL
    return [
        {
            "info": {},
            "symbol": instrument.symbol,
            "fundingRate": to_float(reads.settings.funding_rate),
            **timestamp_fields(time),
        }
        for time in _funding_times(max(first, EPOCH), reads.now, count)
    ]


def _payment(reads: AccountReads, parts: list[Deal]) -> Structure:
    amount: Decimal = ZERO
    for deal in parts:
        amount = add(amount, deal.profit)
    first = parts[0]
    instrument = reads.settings.instruments.get(first.symbol)
    return {
        "info": {},
        "symbol": first.symbol,
        "code": None if instrument is None else instrument.settle,
        **timestamp_fields(first.executed_at),
        "id": first.exchange_trade_id,
        "amount": to_float(amount),
    }


def _funding_times(first: datetime, now: datetime, count: int) -> Iterator[datetime]:
    for number in range(count):
        time = first + number * FUNDING_INTERVAL
        if time > now:
            return
        yield time


ACCOUNT_FUNCTIONS: Mapping[str, Callable[..., Awaitable[object]]] = {
    "fetch_funding_history": fetch_funding_history
}
"""Methods of accounts by their ccxt names."""

MARKET_FUNCTIONS: Mapping[str, Callable[..., object]] = {
    "fetch_funding_rate_history": fetch_funding_rate_history
}
"""Methods of markets by their ccxt names."""
