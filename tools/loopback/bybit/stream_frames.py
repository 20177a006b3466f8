"""What the streams of the Bybit dialect say: private frames by topic, and the market's."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING
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
from oms.domain.money import multiply

if TYPE_CHECKING:
    from loopback.server.stream_hub import StreamConnection


def private_frames(
    told: Sequence[AccountUpdate], now_ms: int
) -> Iterator[tuple[tuple[str, ...], Json]]:
    """One frame for each thing that happened, with the topics under which it is heard."""
    for each in told:
        match each:
            case OrderUpdate(row=row):
                yield _private(
                    "order", category_of_symbol(row.order.symbol), order_json(row), now_ms
                )
            case ExecutionUpdate(row=execution):
                category = category_of_symbol(execution.trade.symbol)
                yield _private("execution", category, execution_json(execution), now_ms)
            case PositionUpdate(row=position):
                told_position = position_json(position, stream=True)
                yield _private("position", "linear", told_position, now_ms)
            case WalletUpdate(coins=coins):
                frame = _frame("wallet", wallet_json(coins), now_ms)
                yield ("wallet",), frame


def snapshot_frames(
    venue: Venue, talk: "StreamConnection", category: str, topic: str
) -> list[Json]:
    """What a new listener of a market topic is told at once."""
    shown = _shown(venue, category, topic)
    if shown is None:
        return []
    now_ms = to_ms(venue.now())
    word, *_ = topic.split(".")
    if word == "orderbook":
        return [_book_frame(shown, talk, topic, now_ms)]
    if word == "tickers":
        return [_ticker_frame(shown, topic, now_ms)]
    return []


def market_frames(
    shown: MarketState,
    prints: Sequence[PublicTradeRow],
    talk: "StreamConnection",
    category: str,
    now_ms: int,
) -> Iterator[tuple[str, Json]]:
    """What the listener of a category hears when a market has moved."""
    if category_of_symbol(shown.instrument.symbol) != category:
        return
    name = market_id(shown.instrument.symbol)
    for topic in sorted(talk.topics):
        word, *rest = topic.split(".")
        if not rest or rest[-1] != name:
            continue
        match word:
            case "orderbook" if not prints:
                yield topic, _book_frame(shown, talk, topic, now_ms)
            case "tickers":
                yield topic, _ticker_frame(shown, topic, now_ms)
            case "kline" if rest[0] in INTERVALS:
                yield topic, _kline_frame(shown, topic, rest[0], now_ms)
            case "publicTrade" if prints:
                data = [trade_stream_json(shown, row) for row in prints]
                yield topic, {"topic": topic, "type": "snapshot", "ts": now_ms, "data": data}


def _private(word: str, category: str, told: Json, now_ms: int) -> tuple[tuple[str, ...], Json]:
    return (word, f"{word}.{category}"), _frame(word, {"category": category} | told, now_ms)


def _frame(word: str, told: Json, now_ms: int) -> Json:
    return {"id": str(uuid4()), "topic": word, "creationTime": now_ms, "data": [told]}


def _shown(venue: Venue, category: str, topic: str) -> MarketState | None:
    name = topic.rpartition(".")[2]
    for symbol, shown in venue.shown.items():
        if category_of_symbol(symbol) == category and market_id(symbol) == name:
            return shown
    return None


def _book_frame(shown: MarketState, talk: "StreamConnection", topic: str, now_ms: int) -> Json:
    """The whole book the first time, then what differs; a level of size "0" is gone."""
    depth = topic.split(".")[1]
    whole = book_json(shown, int(depth) if depth.isdigit() else 50)
    now = (_levels(whole["b"]), _levels(whole["a"]))
    before = talk.books.get(topic)
    talk.books[topic] = now
    frame = {"topic": topic, "ts": now_ms, "cts": to_ms(shown.at)}
    if before is None:
        return frame | {"type": "snapshot", "data": whole}
    changes = {"b": _difference(before[0], now[0]), "a": _difference(before[1], now[1])}
    return frame | {"type": "delta", "data": whole | changes}


def _levels(rows: list[list[str]]) -> dict[str, str]:
    return {row[0]: row[1] for row in rows}


def _difference(before: dict[str, str], now: dict[str, str]) -> list[list[str]]:
    gone = [[price, "0"] for price in before if price not in now]
    return gone + [[price, size] for price, size in now.items() if before.get(price) != size]


def _ticker_frame(shown: MarketState, topic: str, now_ms: int) -> Json:
    return {
        "topic": topic,
        "type": "snapshot",
        "cs": shown.sequence,
        "ts": now_ms,
        "data": ticker_json(shown),
    }


def _kline_frame(shown: MarketState, topic: str, interval: str, now_ms: int) -> Json:
    span = INTERVALS[interval]
    bar = bars_of(shown.bars, span)[-1]
    data = {
        "start": to_ms(bar.begins),
        "end": to_ms(bar.begins + span) - 1,
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
