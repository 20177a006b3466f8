"""Frames of the Bybit streams: private topics and market topics."""

from collections.abc import Iterator, Sequence
from uuid import uuid4

from loopback.bybit.account_json import position_json, wallet_json
from loopback.bybit.order_json import execution_json, order_json
from loopback.bybit.params import category_of_symbol
from loopback.bybit.rest_public import INTERVALS, book_json, ticker_json, trade_stream_json
from loopback.exchange.market_rows import bars_of
from loopback.exchange.rows import (
    AccountUpdate,
    ExecutionUpdate,
    OrderUpdate,
    PositionUpdate,
    WalletUpdate,
)
from loopback.exchange.venue import MarketState, PublicTradeRow, Venue
from loopback.formatting import Json, format_number, market_id, to_ms
from loopback.server.stream_hub import StreamConnection
from oms.domain.money import multiply


def private_frames(
    updates: Sequence[AccountUpdate], now_ms: int
) -> Iterator[tuple[tuple[str, ...], Json]]:
    """Yields a frame for each update, with the topics of its subscribers."""
    for update in updates:
        match update:
            case OrderUpdate(row=row):
                yield _private(
                    "order", category_of_symbol(row.order.symbol), order_json(row), now_ms
                )
            case ExecutionUpdate(row=execution):
                category = category_of_symbol(execution.trade.symbol)
                yield _private("execution", category, execution_json(execution), now_ms)
            case PositionUpdate(row=position):
                body = position_json(position, stream=True)
                yield _private("position", "linear", body, now_ms)
            case WalletUpdate(coins=coins):
                frame = _frame("wallet", wallet_json(coins), now_ms)
                yield ("wallet",), frame


def snapshot_frames(
    venue: Venue, connection: StreamConnection, category: str, topic: str
) -> list[Json]:
    """Returns the first frames of a new subscription to a market topic."""
    market = _find_market(venue, category, topic)
    if market is None:
        return []
    now_ms = to_ms(venue.now())
    channel, *_ = topic.split(".")
    if channel == "orderbook":
        return [_book_frame(market, connection, topic, now_ms)]
    if channel == "tickers":
        return [_ticker_frame(market, topic, now_ms)]
    return []


def market_frames(
    market: MarketState,
    trades: Sequence[PublicTradeRow],
    connection: StreamConnection,
    category: str,
    now_ms: int,
) -> Iterator[tuple[str, Json]]:
    """Yields topic and frame of each subscription of a connection when a market has changed."""
    if category_of_symbol(market.instrument.symbol) != category:
        return
    name = market_id(market.instrument.symbol)
    for topic in sorted(connection.topics):
        channel, *rest = topic.split(".")
        if not rest or rest[-1] != name:
            continue
        match channel:
            case "orderbook" if not trades:
                yield topic, _book_frame(market, connection, topic, now_ms)
            case "tickers":
                yield topic, _ticker_frame(market, topic, now_ms)
            case "kline" if rest[0] in INTERVALS:
                yield topic, _kline_frame(market, topic, rest[0], now_ms)
            case "publicTrade" if trades:
                data = [trade_stream_json(market, row) for row in trades]
                yield topic, {"topic": topic, "type": "snapshot", "ts": now_ms, "data": data}


def _private(topic: str, category: str, body: Json, now_ms: int) -> tuple[tuple[str, ...], Json]:
    return (topic, f"{topic}.{category}"), _frame(topic, {"category": category} | body, now_ms)


def _frame(topic: str, body: Json, now_ms: int) -> Json:
    return {"id": str(uuid4()), "topic": topic, "creationTime": now_ms, "data": [body]}


def _find_market(venue: Venue, category: str, topic: str) -> MarketState | None:
    name = topic.rpartition(".")[2]
    for symbol, market in venue.markets.items():
        if category_of_symbol(symbol) == category and market_id(symbol) == name:
            return market
    return None


def _book_frame(market: MarketState, connection: StreamConnection, topic: str, now_ms: int) -> Json:
    """Returns the whole book the first time, then changes; size "0" removes a level."""
    depth = topic.split(".")[1]
    whole = book_json(market, int(depth) if depth.isdigit() else 50)
    levels = (_levels(whole["b"]), _levels(whole["a"]))
    previous = connection.books.get(topic)
    connection.books[topic] = levels
    frame = {"topic": topic, "ts": now_ms, "cts": to_ms(market.at)}
    if previous is None:
        return frame | {"type": "snapshot", "data": whole}
    changes = {"b": _difference(previous[0], levels[0]), "a": _difference(previous[1], levels[1])}
    return frame | {"type": "delta", "data": whole | changes}


def _levels(rows: list[list[str]]) -> dict[str, str]:
    return {row[0]: row[1] for row in rows}


def _difference(previous: dict[str, str], levels: dict[str, str]) -> list[list[str]]:
    removed = [[price, "0"] for price in previous if price not in levels]
    changed = [[price, size] for price, size in levels.items() if previous.get(price) != size]
    return removed + changed


def _ticker_frame(market: MarketState, topic: str, now_ms: int) -> Json:
    return {
        "topic": topic,
        "type": "snapshot",
        "cs": market.sequence,
        "ts": now_ms,
        "data": ticker_json(market),
    }


def _kline_frame(market: MarketState, topic: str, interval: str, now_ms: int) -> Json:
    span = INTERVALS[interval]
    bar = bars_of(market.bars, span)[-1]
    data = {
        "start": to_ms(bar.opened_at),
        "end": to_ms(bar.opened_at + span) - 1,
        "interval": interval,
        "open": format_number(bar.open),
        "close": format_number(bar.close),
        "high": format_number(bar.high),
        "low": format_number(bar.low),
        "volume": format_number(bar.volume),
        "turnover": format_number(multiply(bar.volume, bar.close)),
        "confirm": False,
        "timestamp": now_ms,
    }
    return {"topic": topic, "type": "snapshot", "ts": now_ms, "data": [data]}
