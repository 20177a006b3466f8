"""The plan that stands in for the WebSocket: one round of asking over HTTP what has happened.

What is open is read once; from then on the same numbered events are read that the WebSocket
pushes. A gateway that tells no numbers is asked for its lists each time.
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


def poll(following: AccountCache, terms: CallContext, wait_seconds: float) -> Flow[None]:
    """One round; where events can be awaited at the gateway, for at most ``wait_seconds``."""
    if following.seq is not None:
        yield from _events(following, terms, wait_seconds)
        yield from catch_up(following, terms)
        return
    head = yield from _head(terms)
    for kind in following.watched_kinds():
        yield from _take_list(kind, following, terms)
    if following.seq is None:  # the WebSocket may have come up meanwhile
        following.seq = head
    yield from _look_up(following)


def catch_up(following: AccountCache, terms: CallContext) -> Flow[None]:
    """Read what events did not tell: kinds that are not known, and what has vanished."""
    for kind in following.watched_kinds():
        if kind not in following.known:
            yield from _take_list(kind, following, terms)
    yield from _look_up(following)


def _take_list(kind: str, following: AccountCache, terms: CallContext) -> Flow[None]:
    query: dict[str, Any] = {"account_ids": terms.account_id}
    match kind:
        case "trades":
            since = parse_milliseconds(following.last_trade_at)
            query = build_history_query(terms, None, since, PAGE_SIZE_MAX, NO_PARAMS)
        case "orders":
            query["limit"] = OPEN_ORDERS_MAX
        case _:
            query["limit"] = OPEN_POSITIONS_MAX
    body = yield Request(method="GET", path=_PATHS[kind], query=query)
    following.apply_snapshot(kind, list_rows(body))


def _look_up(following: AccountCache) -> Flow[None]:
    """How rows ended that are not open any more."""
    for kind, row_id in sorted(following.unlisted):
        body = yield Request(method="GET", path=f"/oms/{kind}/{quote_path_part(row_id)}")
        following.unlisted.discard((kind, row_id))
        for row in list_rows(body):
            following.apply_row(kind, row)


def _head(terms: CallContext) -> Flow[int | None]:
    """The number of the newest event; ``None`` if the gateway tells none."""
    query: dict[str, str | int] = {"account_ids": terms.account_id, "after": "now", "limit": 1}
    try:
        body = yield Request(method="GET", path="/oms/events", query=query)
    except RuntimeError:
        return None  # whatever is wrong, the lists will tell
    heads = body.get("heads")
    told = heads.get(str(terms.account_id)) if isinstance(heads, dict) else None
    return told if isinstance(told, int) else None


def _events(following: AccountCache, terms: CallContext, wait_seconds: float) -> Flow[None]:
    query: dict[str, Any] = {
        "account_ids": terms.account_id,
        "after": f"{terms.account_id}:{following.seq}",
        "namespaces": "position",
        "limit": _EVENTS_MAX,
        "wait_ms": int(wait_seconds * 1000),
    }
    body = yield Request(method="GET", path="/oms/events", query=query)
    for item in body.get("items") or ():
        following.take(item)
    if body.get("gaps"):
        following.reset_sequence()  # the next round reads what is open
        return
    _, _, after = str(body.get("next_after", "")).rpartition(":")
    if after.isdigit() and following.seq is not None:
        following.seq = max(following.seq, int(after))
