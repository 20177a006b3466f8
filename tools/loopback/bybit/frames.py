"""What the streams of the Bybit dialect say: private frames by topic, and the market's."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING
from uuid import uuid4

from loopback.bybit.holdings import position_json, wallet_json
from loopback.bybit.names import category_of
from loopback.bybit.rest_public import INTERVALS, book_json, print_stream_json, ticker_json
from loopback.bybit.shapes import execution_json, order_json
from loopback.rows import Executed, Happening, OrderTold, PositionTold, WalletTold
from loopback.showing import bars_of
from loopback.venue import Print, Shown, Venue
from loopback.words import Json, id_of, ms, text
from oms.domain.money import product

if TYPE_CHECKING:
    from loopback.talks import Talk


def private_frames(
    told: Sequence[Happening], now_ms: int
) -> Iterator[tuple[tuple[str, ...], Json]]:
    """One frame for each thing that happened, with the topics under which it is heard."""
    for each in told:
        match each:
            case OrderTold(row=row):
                yield _private("order", category_of(row.order.symbol), order_json(row), now_ms)
            case Executed(row=execution):
                category = category_of(execution.trade.symbol)
                yield _private("execution", category, execution_json(execution), now_ms)
            case PositionTold(row=position):
                told_position = position_json(position, stream=True)
                yield _private("position", "linear", told_position, now_ms)
            case WalletTold(coins=coins):
                frame = _frame("wallet", wallet_json(coins), now_ms)
                yield ("wallet",), frame


def snapshot_frames(venue: Venue, talk: "Talk", category: str, topic: str) -> list[Json]:
    """What a new listener of a market topic is told at once."""
    shown = _shown(venue, category, topic)
    if shown is None:
        return []
    now_ms = ms(venue.now())
    word, *_ = topic.split(".")
    if word == "orderbook":
        return [_book_frame(shown, talk, topic, now_ms)]
    if word == "tickers":
        return [_ticker_frame(shown, topic, now_ms)]
    return []


def market_frames(
    shown: Shown, prints: Sequence[Print], talk: "Talk", category: str, now_ms: int
) -> Iterator[tuple[str, Json]]:
    """What the listener of a category hears when a market has moved."""
    if category_of(shown.instrument.symbol) != category:
        return
    name = id_of(shown.instrument.symbol)
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
                data = [print_stream_json(shown, row) for row in prints]
                yield topic, {"topic": topic, "type": "snapshot", "ts": now_ms, "data": data}


def _private(word: str, category: str, told: Json, now_ms: int) -> tuple[tuple[str, ...], Json]:
    return (word, f"{word}.{category}"), _frame(word, {"category": category} | told, now_ms)


def _frame(word: str, told: Json, now_ms: int) -> Json:
    return {"id": str(uuid4()), "topic": word, "creationTime": now_ms, "data": [told]}


def _shown(venue: Venue, category: str, topic: str) -> Shown | None:
    name = topic.rpartition(".")[2]
    for symbol, shown in venue.shown.items():
        if category_of(symbol) == category and id_of(symbol) == name:
            return shown
    return None


def _book_frame(shown: Shown, talk: "Talk", topic: str, now_ms: int) -> Json:
    """The whole book the first time, then what differs; a level of size "0" is gone."""
    depth = topic.split(".")[1]
    whole = book_json(shown, int(depth) if depth.isdigit() else 50)
    now = (_levels(whole["b"]), _levels(whole["a"]))
    before = talk.books.get(topic)
    talk.books[topic] = now
    frame = {"topic": topic, "ts": now_ms, "cts": ms(shown.at)}
    if before is None:
        return frame | {"type": "snapshot", "data": whole}
    changes = {"b": _difference(before[0], now[0]), "a": _difference(before[1], now[1])}
    return frame | {"type": "delta", "data": whole | changes}


def _levels(rows: list[list[str]]) -> dict[str, str]:
    return {row[0]: row[1] for row in rows}


def _difference(before: dict[str, str], now: dict[str, str]) -> list[list[str]]:
    gone = [[price, "0"] for price in before if price not in now]
    return gone + [[price, size] for price, size in now.items() if before.get(price) != size]


def _ticker_frame(shown: Shown, topic: str, now_ms: int) -> Json:
    return {
        "topic": topic,
        "type": "snapshot",
        "cs": shown.sequence,
        "ts": now_ms,
        "data": ticker_json(shown),
    }


def _kline_frame(shown: Shown, topic: str, interval: str, now_ms: int) -> Json:
    span = INTERVALS[interval]
    bar = bars_of(shown.bars, span)[-1]
    data = {
        "start": ms(bar.begins),
        "end": ms(bar.begins + span) - 1,
        "interval": interval,
        "open": text(bar.open),
        "close": text(bar.close),
        "high": text(bar.high),
        "low": text(bar.low),
        "volume": text(bar.volume),
        "turnover": text(product(bar.volume, bar.close)),
        "confirm": False,
        "timestamp": now_ms,
    }
    return {"topic": topic, "type": "snapshot", "ts": now_ms, "data": [data]}
