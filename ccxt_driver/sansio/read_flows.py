"""Plans of the methods that read: the gateway's own orders, deals and positions, and ccxt calls."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from ccxt_driver.errors import driver_error
from ccxt_driver.sansio.flow import CallContext, Flow, Params
from ccxt_driver.structures import CCXT, Structure
from ccxt_driver.wire import Body, Request, ccxt_call, parse_milliseconds, quote_path_part, utc_date

OPEN_POSITIONS_MAX = 500
OPEN_ORDERS_MAX = 5000
PAGE_SIZE = 100
PAGE_SIZE_MAX = 500

#: ``params`` that go to the gateway as they are.
_HISTORY_PARAMS = (
    *("start_date", "end_date", "tz", "page", "page_size", "cursor", "sort", "until"),
    *("status", "reconciled", "order_id", "position_id"),
)
#: Who names one of these turns pages in the gateway's order, the oldest first.
_PAGING = ("page", "cursor", "sort")


def fetch_order(terms: CallContext, id: Any, symbol: str | None, params: Params) -> Flow[Any]:
    """An order by id. If that read fails: among the open ones, then those of the last days."""
    try:
        body = yield Request(method="GET", path=f"/oms/orders/{quote_path_part(id)}")
        row = _named(body, id)
    except RuntimeError:
        query = {"account_ids": terms.account_id, "limit": OPEN_ORDERS_MAX}
        row = _named((yield _get("/oms/orders/open", query)), id)
        if row is None:
            query = build_history_query(terms, None, None, None, {"page_size": PAGE_SIZE_MAX})
            row = _named((yield _get("/oms/orders/history", query)), id)
    if row is not None:
        return terms.shapes.order(row)
    if terms.shapes.dialect == CCXT:
        message = f"the gateway knows no order {id}"
        raise driver_error("OrderNotFound", message, code="order_not_found", order_id=str(id))
    return None


def fetch_open_orders(
    terms: CallContext, symbol: str | None, since: int | None, limit: int | None, params: Params
) -> Flow[list[Structure]]:
    """Orders that are not final."""
    query: dict[str, Any] = {"account_ids": terms.account_id}
    wanted = params.get("limit") if limit is None else limit
    if wanted is not None:
        query["limit"] = int(wanted)
    _narrow(query, terms, symbol, params)
    body = yield _get("/oms/orders/open", query)
    rows = _since(_of_symbols(list_rows(body), symbol), since, "created_at", "updated_at")
    return [terms.shapes.order(row) for row in rows]


def fetch_orders(
    terms: CallContext, symbol: str | None, since: int | None, limit: int | None, params: Params
) -> Flow[list[Structure]]:
    """Orders of any status; without dates in ``params``, those of yesterday and today (UTC)."""
    query = build_history_query(terms, symbol, since, limit, params)
    body = yield _get("/oms/orders/history", query)
    rows = _since(_of_symbols(list_rows(body), symbol), since, "created_at", "updated_at")
    return [terms.shapes.order(row) for row in rows]


def fetch_canceled_orders(
    terms: CallContext, symbol: str | None, since: int | None, limit: int | None, params: Params
) -> Flow[list[Structure]]:
    """Orders that were canceled or expired."""
    wanted = {**params, "status": "CANCELED"}
    orders = yield from fetch_orders(terms, symbol, since, limit, wanted)
    return [order for order in orders if order["status"] in ("canceled", "expired")]


def fetch_my_trades(
    terms: CallContext, symbol: str | None, since: int | None, limit: int | None, params: Params
) -> Flow[list[Structure]]:
    """Deals; without dates in ``params``, those of yesterday and today (UTC)."""
    query = build_history_query(terms, symbol, since, limit, params)
    body = yield _get("/oms/deals", query)
    rows = _since(_of_symbols(list_rows(body), symbol), since, "executed_at", "created_at")
    return [terms.shapes.trade(row) for row in rows]


def fetch_positions(
    terms: CallContext, symbols: Sequence[str] | str | None, params: Params
) -> Flow[list[Structure]]:
    """Open positions; with ``params["history"]`` positions of any state, windowed as orders."""
    if params.get("history"):
        limit = params.get("limit")
        query = build_history_query(terms, None, params.get("since"), limit, params)
        body = yield _get("/oms/positions/history", query)
    else:
        limit = int(params.get("limit") or OPEN_POSITIONS_MAX)
        query = {"account_ids": terms.account_id, "limit": limit}
        _narrow(query, terms, None, params)
        body = yield _get("/oms/positions/open", query)
    return [terms.shapes.position(row) for row in _of_symbols(list_rows(body), symbols)]


def fetch_position(terms: CallContext, symbol: str, params: Params) -> Flow[Structure | None]:
    """The first open position of a symbol."""
    found = yield from fetch_positions(terms, symbol, params)
    return found[0] if found else None


def fetch_balance(terms: CallContext, params: Params) -> Flow[Any]:
    """The exchange's balance, as ccxt tells it."""
    path = f"/ccxt/core/{terms.account_id}/fetch_balance"
    body = yield Request(method="POST", path=path, payload={"params": _theirs(params)})
    return body.get("result")


def fetch_market(terms: CallContext, func: str, args: Sequence[Any], params: Params) -> Flow[Any]:
    """A read of the market by the ccxt method ``func``."""
    theirs = _theirs(params)
    keywords = {"params": theirs} if theirs else {}
    body = yield ccxt_call(terms.account_id, func, list(args), keywords)
    return body.get("result")


def call(
    terms: CallContext, func: str, args: Sequence[Any], keywords: Mapping[str, Any]
) -> Flow[Any]:
    """Any ccxt method; whether it may be called is the gateway's decision."""
    body = yield ccxt_call(terms.account_id, func, list(args), dict(keywords))
    return body.get("result")


def _get(path: str, query: Mapping[str, Any]) -> Request:
    return Request(method="GET", path=path, query=query)


def build_history_query(
    terms: CallContext, symbol: str | None, since: int | None, limit: int | None, params: Params
) -> dict[str, Any]:
    """The query of a history: dates, and at most ``limit`` rows.

    As in ccxt these are the first since ``since``, else the newest.
    """
    query: dict[str, Any] = {"account_ids": terms.account_id}
    today = terms.clock().date()
    yesterday = (today - timedelta(days=1)).isoformat()
    if params.get("start_date") is None and params.get("end_date") is None:
        first = yesterday if since is None else min(yesterday, utc_date(since))
        query |= {"start_date": first, "end_date": today.isoformat(), "tz": "UTC"}
    query |= {"page": 1, "page_size": int(limit or PAGE_SIZE)}
    if since is not None:
        query["since"] = int(since)
    elif not any(name in params for name in _PAGING):
        query["sort"] = "desc"
    query |= {name: params[name] for name in _HISTORY_PARAMS if params.get(name) is not None}
    _narrow(query, terms, symbol, params)
    return query


def _narrow(query: dict[str, Any], terms: CallContext, symbol: str | None, params: Params) -> None:
    strategy_id = terms.strategy_id_for(params)
    if strategy_id > 0:
        query["strategy_id"] = strategy_id
    if symbol is not None:
        query["symbol"] = symbol


def list_rows(body: Body) -> list[Body]:
    """The rows of a list, oldest first."""
    rows = [row for row in body.get("items") or [] if isinstance(row, dict)]
    return sorted(rows, key=_row_number)


def _row_number(row: Body) -> int:
    text = str(row.get("id"))
    return int(text) if text.isdigit() else 0


def _named(body: Body, id: Any) -> Body | None:
    return next((row for row in list_rows(body) if str(row.get("id")) == str(id)), None)


def _of_symbols(rows: list[Body], symbols: Sequence[str] | str | None) -> list[Body]:
    if symbols is None or not symbols:
        return rows
    named = [symbols] if isinstance(symbols, str) else symbols
    wanted = {symbol.upper() for symbol in named}
    return [row for row in rows if str(row.get("symbol")).upper() in wanted]


def _since(rows: list[Body], since: int | None, *moments: str) -> list[Body]:
    """Rows not older than ``since``, by the first of ``moments`` that they tell."""
    if since is None:
        return rows
    return [row for row in rows if _moment(row, moments) >= since]


def _moment(row: Body, moments: Sequence[str]) -> int:
    read = (parse_milliseconds(row.get(moment)) for moment in moments)
    return next((moment for moment in read if moment is not None), 0)


def _theirs(params: Params) -> dict[str, Any]:
    """``params`` for the exchange: without what is the gateway's."""
    return {name: value for name, value in params.items() if name != "strategy_id"}
