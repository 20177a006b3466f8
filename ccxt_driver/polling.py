"""The plan that stands in for the WebSocket: one round of asking over HTTP what has happened.

What is open is read once; from then on the same numbered events are read that the WebSocket
pushes. A gateway that tells no numbers is asked for its lists each time.
"""

from typing import Any

from ccxt_driver.following import Following
from ccxt_driver.plans import NO_PARAMS, Plan, Terms
from ccxt_driver.reading import (
    OPEN_ORDERS_MAX,
    OPEN_POSITIONS,
    PAGE_SIZE_MAX,
    history_query,
    rows_of,
)
from ccxt_driver.wire import Request, milliseconds, path_part

_EVENTS_MAX = 1000
_PATHS = {"orders": "/oms/orders/open", "trades": "/oms/deals", "positions": "/oms/positions/open"}


def poll(following: Following, terms: Terms, wait_seconds: float) -> Plan[None]:
    """One round; where events can be awaited at the gateway, for at most ``wait_seconds``."""
    if following.seq is not None:
        yield from _events(following, terms, wait_seconds)
        yield from catch_up(following, terms)
        return
    head = yield from _head(terms)
    for kind in following.kinds_watched():
        yield from _take_list(kind, following, terms)
    if following.seq is None:  # the WebSocket may have come up meanwhile
        following.seq = head
    yield from _look_up(following)


def catch_up(following: Following, terms: Terms) -> Plan[None]:
    """Read what events did not tell: kinds that are not known, and what has vanished."""
    for kind in following.kinds_watched():
        if kind not in following.known:
            yield from _take_list(kind, following, terms)
    yield from _look_up(following)


def _take_list(kind: str, following: Following, terms: Terms) -> Plan[None]:
    query: dict[str, Any] = {"account_ids": terms.account_id}
    match kind:
        case "trades":
            since = milliseconds(following.last_trade_at)
            query = history_query(terms, None, since, PAGE_SIZE_MAX, NO_PARAMS)
        case "orders":
            query["limit"] = OPEN_ORDERS_MAX
        case _:
            query["limit"] = OPEN_POSITIONS
    body = yield Request(method="GET", path=_PATHS[kind], query=query)
    following.take_list(kind, rows_of(body))


def _look_up(following: Following) -> Plan[None]:
    """How rows ended that are not open any more."""
    for kind, row_id in sorted(following.vanished):
        body = yield Request(method="GET", path=f"/oms/{kind}/{path_part(row_id)}")
        following.vanished.discard((kind, row_id))
        for row in rows_of(body):
            following.take_read(kind, row)


def _head(terms: Terms) -> Plan[int | None]:
    """The number of the newest event; ``None`` if the gateway tells none."""
    query: dict[str, str | int] = {"account_ids": terms.account_id, "after": "now", "limit": 1}
    try:
        body = yield Request(method="GET", path="/oms/events", query=query)
    except RuntimeError:
        return None  # whatever is wrong, the lists will tell
    heads = body.get("heads")
    told = heads.get(str(terms.account_id)) if isinstance(heads, dict) else None
    return told if isinstance(told, int) else None


def _events(following: Following, terms: Terms, wait_seconds: float) -> Plan[None]:
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
        following.start_anew()  # the next round reads what is open
        return
    _, _, after = str(body.get("next_after", "")).rpartition(":")
    if after.isdigit() and following.seq is not None:
        following.seq = max(following.seq, int(after))
