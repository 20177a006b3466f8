"""Rates of fees in third currencies, stored with the deals when these are recorded.

A rate is the price of the execution itself, where that is between the two currencies, else the
middle of the current prices that the exchange port holds: nothing is read for it. Where the port
holds none yet, the deal waits, and is valued with the first price. A price more than
``RATE_AGE_MAX`` from the execution is not used: such a fee stays without a value.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from fractions import Fraction

from oms.domain.instrument import Instrument
from oms.domain.ledger.deal import Deal, DealType, FeeRate
from oms.domain.ledger.fee_valuation import (
    MarketPrice,
    chain_prices,
    execution_rate,
    is_third_currency,
)
from oms.domain.ledger.ledger_update import LedgerUpdate
from oms.domain.money import add
from oms.domain.value import evolve
from oms.ports.exchange import Exchange
from oms.ports.ledger_store import LedgerStore
from oms.services.account_state.state import AccountState
from oms.services.ledger.booked_deals import find_deals

RATE_AGE_MAX = timedelta(hours=1)
"""Maximum time between an execution and the price that values its fee."""

WAITING_MAX = 200
"""Deals of an account that wait for a price; further ones are left to the next reconcile pass."""

_COMMON_QUOTES = ("USDT", "USDC", "USD", "BTC")

Market = tuple[str, bool]
"""A symbol, and whether its price is used inverted."""


def value_fees(state: AccountState, update: LedgerUpdate) -> LedgerUpdate:
    """Return the update with rates of the new deals; those without a price wait for one."""
    instruments = state.exchange.instruments()
    rates: dict[int, FeeRate] = {}
    for deal in update.deals:
        if deal.fee_currency is None or deal.fee_rate is not None:
            continue
        instrument = instruments.get(deal.symbol)
        if instrument is None or deal.fee_currency == instrument.settle:
            continue
        if is_third_currency(instrument, deal) and not _follows_another(deal, update):
            rate = _rate_of(state, instrument, deal, deal.created_at)
            if rate is not None:
                rates[deal.id] = rate
    if not rates:
        return update
    deals = [
        evolve(deal, fee_rate=rates[deal.id]) if deal.id in rates else deal for deal in update.deals
    ]
    return evolve(update, deals=tuple(deals))


def _follows_another(deal: Deal, update: LedgerUpdate) -> bool:
    """Return whether the deal has the rate of an earlier one, or none as that: it reverses it, or
    is a leg that a replay split off.
    """
    return deal.type is DealType.CORRECTION or any(
        changed.exchange_trade_id == deal.exchange_trade_id for changed in update.deals_changed
    )


def await_rates(state: AccountState, deals: Sequence[Deal], now: datetime) -> None:
    """Let booked deals wait for a rate that have none, as after a restart."""
    instruments = state.exchange.instruments()
    for deal in deals:
        instrument = instruments.get(deal.symbol)
        if instrument is None or deal.fee_rate is not None or not _is_near(deal, now):
            continue
        if deal.type is not DealType.CORRECTION and is_third_currency(instrument, deal):
            _wait(state, instrument, deal)


async def value_waiting(
    ledger: LedgerStore, state: AccountState, now: datetime
) -> LedgerUpdate | None:
    """Return an update with the deals for whose fees a price is known by now."""
    rates: dict[str, dict[tuple[str, str | None], FeeRate]] = {}
    for key, waiting in list(state.unvalued_fees.items()):
        instrument = state.exchange.instruments().get(waiting.symbol)
        if instrument is None or not _is_near(waiting, now):
            del state.unvalued_fees[key]
            continue
        rate = _market_rate(state.exchange, waiting, instrument.settle, now)
        if rate is not None and _is_near(waiting, rate.at):
            del state.unvalued_fees[key]
            fee = waiting.exchange_trade_id, waiting.fee_currency
            rates.setdefault(waiting.symbol, {})[fee] = rate
    valued: list[Deal] = []
    for symbol, known in rates.items():
        for leg in await find_deals(ledger, state, symbol, sorted({name for name, _ in known})):
            rate = known.get((leg.exchange_trade_id, leg.fee_currency))
            if rate is not None and leg.fee_rate is None:
                valued.append(evolve(leg, fee_rate=rate))
    return LedgerUpdate(deals_changed=tuple(valued)) if valued else None


def _rate_of(
    state: AccountState, instrument: Instrument, deal: Deal, now: datetime
) -> FeeRate | None:
    rate = execution_rate(instrument, deal)
    if rate is not None or not _is_near(deal, now):
        return rate
    rate = _market_rate(state.exchange, deal, instrument.settle, now)
    if rate is not None and _is_near(deal, rate.at):
        return rate
    _wait(state, instrument, deal)
    return None


def _wait(state: AccountState, instrument: Instrument, deal: Deal) -> None:
    """Let the deal wait, if there is a market that may get a price."""
    paths = _paths(state.exchange.instruments(), deal.fee_currency or "", instrument.settle)
    if len(state.unvalued_fees) < WAITING_MAX and next(paths, None) is not None:
        key = (deal.symbol, deal.exchange_trade_id, deal.fee_currency or "")
        state.unvalued_fees.setdefault(key, deal)


def _is_near(deal: Deal, at: datetime) -> bool:
    return abs(at - deal.executed_at) <= RATE_AGE_MAX


def _market_rate(exchange: Exchange, deal: Deal, settle: str, now: datetime) -> FeeRate | None:
    """Return the rate by the first markets that lead to the settle currency, if it is known."""
    path = next(_paths(exchange.instruments(), deal.fee_currency or "", settle), ())
    prices = [_market_price(exchange, market, now) for market in path]
    known = [price for price in prices if price is not None]
    return chain_prices(known) if known and len(known) == len(prices) else None


def _market_price(exchange: Exchange, market: Market, now: datetime) -> MarketPrice | None:
    """Return the middle of the best prices; asking keeps them up to date for the next time."""
    symbol, is_inverted = market
    quote = exchange.quote(symbol, now)
    if quote is None:
        return None
    middle = Fraction(add(quote.bid, quote.ask)) / 2
    return MarketPrice(1 / middle if is_inverted else middle, symbol, quote.at)


def _paths(
    instruments: Mapping[str, Instrument], currency: str, settle: str
) -> Iterator[tuple[Market, ...]]:
    """Yield the markets by which a currency is converted: one, or two with a common quote."""
    direct = _market(instruments, currency, settle)
    if direct is not None:
        yield (direct,)
    for common in _COMMON_QUOTES:
        first = _market(instruments, currency, common)
        second = _market(instruments, common, settle)
        if first is not None and second is not None:
            yield first, second


def _market(instruments: Mapping[str, Instrument], one: str, other: str) -> Market | None:
    """Return the market between two currencies: spot, else the linear contract."""
    for symbol, is_inverted in (
        (f"{one}/{other}", False),
        (f"{other}/{one}", True),
        (f"{one}/{other}:{other}", False),
        (f"{other}/{one}:{one}", True),
    ):
        if symbol in instruments:
            return symbol, is_inverted
    return None
