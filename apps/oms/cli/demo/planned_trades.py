"""The trades of the demo's past, drawn from a seed: who opens what and when, and how it ends."""

import random
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType

from oms.domain.value import value

DAYS = 35
"""Usual length of the past."""


class Entry(StrEnum):
    """Order type of an entry; a limit and a stop are a little away from the market."""

    MARKET = "market"
    LIMIT = "limit"
    STOP = "stop_market"


class Exit(StrEnum):
    """How a position ends, unless one of its levels closes it before."""

    CLOSE = "close"
    HALVES = "halves"
    CLOSE_BY = "close_by"
    REVERSE = "reverse"


@value
class PlannedTrade:
    """One position; times count from the start of the past."""

    account: str
    strategy: str
    symbol: str
    side: str
    #: Value in dollars.
    notional: int
    opened_after: timedelta
    held: timedelta
    entry: Entry
    exit: Exit
    #: Distances of the stop levels in percent; ``None``: without.
    stop_loss_pct: Decimal | None = None
    stop_gain_pct: Decimal | None = None


HEDGE, NETTING, COIN = "Binance hedge", "Bybit netting", "OKX coin-margined"

#: Strategies by account, with the symbols they trade.
STRATEGIES: Mapping[str, Mapping[str, Sequence[str]]] = MappingProxyType(
    {
        HEDGE: {
            "Trend 4h": ("BTC/USDT:USDT", "ETH/USDT:USDT", "SOL/USDT:USDT"),
            "Breakout": ("SOL/USDT:USDT", "BNB/USDT:USDT", "XRP/USDT:USDT"),
            "Spot rotation": ("BTC/USDT", "ETH/USDT", "LINK/USDT"),
        },
        NETTING: {
            "Mean reversion": ("BTC/USDT:USDT", "XRP/USDT:USDT", "ADA/USDT:USDT"),
            "Market making": ("ETH/USDT:USDT", "DOGE/USDT:USDT", "LTC/USDT:USDT"),
        },
        COIN: {"Carry": ("BTC/USD:BTC", "ETH/USD:ETH")},
    }
)
#: Trades of the hedge account that end in the usual past, and those that are open at its end.
_CLOSED_TICKETS, _OPEN_TICKETS = 111, 17
#: Share of the symbols of the other accounts with an open position at the end.
_OPEN_SHARE = 0.7
_NOTIONALS: Mapping[str, tuple[int, int]] = MappingProxyType(
    {HEDGE: (1500, 6000), NETTING: (1000, 5000), COIN: (2000, 9000)}
)
_HOUR = timedelta(hours=1)
#: Who holds this long holds to the end: `draw` gives others less.
_KEPT = 240 * _HOUR
#: The longest time from one entry of a symbol to its next one, where one follows the other.
_CYCLE_MAX = 171 * _HOUR


def draw_trades(seed: int, history: timedelta) -> Sequence[PlannedTrade]:
    """Return the trades by time of entry; the last ones are open at the end of the past."""
    draw = random.Random(seed)
    trades = [
        *_tickets(draw, history),
        *_netted(draw, NETTING, history),
        *_netted(draw, COIN, history),
    ]
    return sorted(trades, key=lambda trade: trade.opened_after)


def _tickets(draw: random.Random, history: timedelta) -> Iterator[PlannedTrade]:
    """Yield the trades of the hedge account, which may hold many of one symbol."""
    symbols = [
        (strategy, symbol) for strategy, all_of in STRATEGIES[HEDGE].items() for symbol in all_of
    ]
    end = history / _HOUR
    for number in range(_OPEN_TICKETS + _CLOSED_TICKETS * history.days // DAYS):
        strategy, symbol = draw.choice(symbols)
        if number < _OPEN_TICKETS:
            after, held = draw.uniform(max(end - 60, 0.2), end - 1), end + _KEPT / _HOUR
        else:
            after, held = (
                draw.uniform(0.2, max(end - 30, 1)),
                min(draw.expovariate(1 / 40) + 1, 200),
            )
        yield _trade(draw, HEDGE, strategy, symbol, after * _HOUR, held * _HOUR)


def _netted(draw: random.Random, account: str, history: timedelta) -> Iterator[PlannedTrade]:
    """Yield the trades of an account with one position per symbol: one after the other."""
    for strategy, symbols in STRATEGIES[account].items():
        for symbol in symbols:
            after = draw.uniform(1, 20) * _HOUR
            while after + _CYCLE_MAX < history:
                held = min(draw.expovariate(1 / 30) + 2, 100) * _HOUR
                yield _trade(draw, account, strategy, symbol, after, held)
                after += held + draw.uniform(4, 70) * _HOUR
            if draw.random() < _OPEN_SHARE or account == COIN:
                yield _trade(draw, account, strategy, symbol, after, history + _KEPT)


def _trade(
    draw: random.Random,
    account: str,
    strategy: str,
    symbol: str,
    after: timedelta,
    held: timedelta,
) -> PlannedTrade:
    is_spot, tickets = ":" not in symbol, account == HEDGE
    exits = [Exit.CLOSE, Exit.HALVES]
    weights = [75, 15]
    if not is_spot:
        exits.append(Exit.CLOSE_BY if tickets else Exit.REVERSE)
        weights.append(10)
    is_kept = held >= _KEPT
    has_levels, width = draw.random() < 0.6, 3 if is_kept else 1
    return PlannedTrade(
        account=account,
        strategy=strategy,
        symbol=symbol,
        side="buy" if is_spot or draw.random() < 0.58 else "sell",
        notional=draw.randint(*_NOTIONALS[account]),
        opened_after=after,
        held=held,
        entry=Entry.MARKET
        if is_kept
        else draw.choices([Entry.MARKET, Entry.LIMIT, Entry.STOP], [70, 22, 8])[0],
        exit=draw.choices(exits, weights)[0],
        stop_loss_pct=width * Decimal(draw.randint(35, 80)) / 10 if has_levels else None,
        stop_gain_pct=width * Decimal(draw.randint(40, 120)) / 10 if has_levels else None,
    )
