"""Frames of the OKX streams: rows of the private channels, and market channels.

An execution is a row of its order with the fields of the fill.
"""

from collections.abc import Iterator, Sequence
from zlib import crc32

from loopback.exchange.account import Account
from loopback.exchange.market_rows import bars_of
from loopback.exchange.rows import (
    AccountUpdate,
    ExecutionUpdate,
    OrderRow,
    OrderUpdate,
    PositionUpdate,
    WalletUpdate,
)
from loopback.exchange.venue import MarketState, PublicTradeRow, Venue
from loopback.formatting import Json, to_ms
from loopback.okx.account_json import balance_json, position_json
from loopback.okx.algo_json import algo_json
from loopback.okx.algo_rows import is_algo, is_hidden, is_placed
from loopback.okx.order_json import order_json
from loopback.okx.params import instrument_id, instrument_type
from loopback.okx.rest_public import INTERVALS, book_json, candle_json, ticker_json, trade_json
from loopback.server.stream_hub import StreamConnection

_BOOK_DEPTHS = {"books": 400, "books5": 5, "bbo-tbt": 1}
_CHECKSUM_LEVELS = 25


def private_data(
    account: Account, updates: Sequence[AccountUpdate]
) -> Iterator[tuple[str, str, Json]]:
    """Yields channel, instrument type and row of each update; a balance has no type."""
    executed: OrderRow | None = None
    for update in updates:
        match update:
            case ExecutionUpdate(row=fill) if fill.order is not None:
                executed = fill.order
                kind = instrument_type(fill.trade.symbol)
                yield "orders", kind, order_json(account, executed, fill)
            case OrderUpdate(row=row) if row is not executed:
                yield from _order_data(account, row)
            case PositionUpdate(row=position):
                instrument = account.settings.instruments[position.symbol]
                body = position_json(instrument, position)
                yield "positions", "SWAP", body
            case WalletUpdate(coins=coins):
                yield "account", "", balance_json(coins, to_ms(account.state.clock))


def snapshot_data(venue: Venue, connection: StreamConnection, arg: Json) -> list[Json]:
    """Returns the first frames of a new subscription to a market channel."""
    for market in venue.markets.values():
        if instrument_id(market.instrument.symbol) == arg.get("instId"):
            return list(market_data(market, (), connection, str(arg.get("channel"))))
    return []


def market_data(
    market: MarketState,
    trades: Sequence[PublicTradeRow],
    connection: StreamConnection,
    channel: str,
) -> Iterator[Json]:
    """Yields what a channel reports when a market has changed."""
    if channel == "tickers":
        yield {"data": [ticker_json(market)]}
    elif channel == "trades" and trades:
        yield {"data": [trade_json(market, row) for row in trades]}
    elif channel in _BOOK_DEPTHS and not trades:
        yield _book_data(market, channel)
    elif channel.startswith("candle") and channel[len("candle") :] in INTERVALS:
        span = INTERVALS[channel[len("candle") :]]
        yield {"data": [candle_json(market, bars_of(market.bars, span)[-1])]}


def _order_data(account: Account, row: OrderRow) -> Iterator[tuple[str, str, Json]]:
    kind = instrument_type(row.order.symbol)
    if is_placed(row):
        yield "orders", kind, order_json(account, row)
    if is_algo(row) and not is_hidden(account, row):
        yield "orders-algo", kind, algo_json(account, row)


def _book_data(market: MarketState, channel: str) -> Json:
    """The whole book each time: a snapshot of ``books``, else a frame without an action."""
    book = book_json(market, _BOOK_DEPTHS[channel])
    sequence = {"seqId": market.sequence, "prevSeqId": -1}
    if channel != "books":
        return {"data": [book | sequence | {"instId": instrument_id(market.instrument.symbol)}]}
    return {"action": "snapshot", "data": [book | sequence | {"checksum": _checksum(book)}]}


def _checksum(book: Json) -> int:
    """The signed CRC-32 of the best bids and asks in turn."""
    parts: list[str] = []
    for number in range(_CHECKSUM_LEVELS):
        for levels in (book["bids"], book["asks"]):
            parts += levels[number][:2] if number < len(levels) else []
    checksum = crc32(":".join(parts).encode())
    return checksum - (1 << 32) if checksum >= 1 << 31 else checksum
