"""Flows that replace the WebSocket while it is down: they read changes over HTTP.

Open rows are read once; then the same numbered events that the WebSocket pushes. From a gateway
that returns no event numbers the lists are read every time.
"""

from typing import Any

from ccxt_driver.sansio.account_cache import AccountCache
from ccxt_driver.sansio.flow import NO_PARAMS, CallContext, Flow
from ccxt_driver.sansio.read_flows import (
    OPEN_ORDERS_MAX,
    OPEN_POSITIONS_MAX,
    PAGE_SIZE_MAX,
    build_history_query,
    list_rows,
)
from ccxt_driver.wire import Request, parse_milliseconds, quote_path_part

_EVENTS_MAX = 1000
_PATHS = {"orders": "/oms/orders/open", "trades": "/oms/deals", "positions": "/oms/positions/open"}


def poll(cache: AccountCache, context: CallContext, wait_seconds: float) -> Flow[None]:
    """Polls once; the gateway may hold the request for new events for ``wait_seconds``."""
    if cache.seq is not None:
        yield from _read_events(cache, context, wait_seconds)
        yield from catch_up(cache, context)
        return
    head = yield from _read_head(context)
    for kind in cache.watched_kinds():
        yield from _read_list(kind, cache, context)
    if cache.seq is None:  # otherwise the WebSocket has connected meanwhile
        cache.seq = head
    yield from _read_unlisted(cache)


def catch_up(cache: AccountCache, context: CallContext) -> Flow[None]:
    """Reads what events do not contain: kinds that are not synced, and unlisted rows."""
    for kind in cache.watched_kinds():
        if kind not in cache.synced_kinds:
            yield from _read_list(kind, cache, context)
    yield from _read_unlisted(cache)


def _read_list(kind: str, cache: AccountCache, context: CallContext) -> Flow[None]:
    query: dict[str, Any] = {"account_ids": context.account_id}
    match kind:
        case "trades":
            since = parse_milliseconds(cache.last_trade_at)
            query = build_history_query(context, None, since, PAGE_SIZE_MAX, NO_PARAMS)
        case "orders":
            query["limit"] = OPEN_ORDERS_MAX
        case _:
            query["limit"] = OPEN_POSITIONS_MAX
    body = yield Request(method="GET", path=_PATHS[kind], query=query)
    cache.apply_snapshot(kind, list_rows(body))


def _read_unlisted(cache: AccountCache) -> Flow[None]:
    """Reads the final state of rows that are not open any more."""
    for kind, row_id in sorted(cache.unlisted):
        body = yield Request(method="GET", path=f"/oms/{kind}/{quote_path_part(row_id)}")
        cache.unlisted.discard((kind, row_id))
        for row in list_rows(body):
            cache.apply_row(kind, row)


def _read_head(context: CallContext) -> Flow[int | None]:
    """Returns the number of the newest event; ``None`` if the gateway returns none."""
    query: dict[str, str | int] = {"account_ids": context.account_id, "after": "now", "limit": 1}
    try:
        body = yield Request(method="GET", path="/oms/events", query=query)
    except RuntimeError:
        return None  # the lists that follow raise the error if it persists
    heads = body.get("heads")
    head = heads.get(str(context.account_id)) if isinstance(heads, dict) else None
    return head if isinstance(head, int) else None


def _read_events(cache: AccountCache, context: CallContext, wait_seconds: float) -> Flow[None]:
    query: dict[str, Any] = {
        "account_ids": context.account_id,
        "after": f"{context.account_id}:{cache.seq}",
        "namespaces": "position",
        "limit": _EVENTS_MAX,
        "wait_ms": int(wait_seconds * 1000),
    }
    body = yield Request(method="GET", path="/oms/events", query=query)
    for item in body.get("items") or ():
        cache.apply_frame(item)
    if body.get("gaps"):
        cache.reset_sequence()  # the next poll reads what is open
        return
    _, _, after = str(body.get("next_after", "")).rpartition(":")
    if after.isdigit() and cache.seq is not None:
        cache.seq = max(cache.seq, int(after))
