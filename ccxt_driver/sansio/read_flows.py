"""Flows of the methods that read: the gateway's orders, deals and positions, and ccxt calls."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from ccxt_driver.errors import OmsDriverError, driver_error
from ccxt_driver.sansio.flow import CallContext, Flow, Params
from ccxt_driver.structures import CCXT, Structure
from ccxt_driver.wire import Body, Request, ccxt_call, parse_milliseconds, quote_path_part, utc_date

OPEN_POSITIONS_MAX = 500
OPEN_ORDERS_MAX = 5000
PAGE_SIZE = 100
PAGE_SIZE_MAX = 500
#: Pauses before the reads of a market order that is not filled yet.
FILL_DELAYS_SECONDS = (0.05, 0.1, 0.2, 0.4, 0.8, 1.5)

#: ``params`` that are passed to the gateway unchanged.
_HISTORY_PARAMS = (
    *("start_date", "end_date", "tz", "page", "page_size", "cursor", "sort", "until"),
    *("status", "reconciled", "order_id", "position_id"),
)
#: ``params`` of lists that have an effect, or none that a caller could miss.
LIST_PARAMS = frozenset(
    {
        *_HISTORY_PARAMS,
        *("strategy_id", "limit", "since", "history", "symbol", "trigger", "stop"),
        *("watch_timeout_seconds", "poll_interval_seconds", "force_polling"),
    }
)
#: The exchange's own positions are no answer to such a key, or on such an account.
_NO_EXCHANGE_POSITIONS = ("strategy_permission_denied", "unsupported_func")
#: With one of these in ``params`` the pages are in the gateway's order, the oldest row first.
_PAGING = ("page", "cursor", "sort")


def fetch_order(context: CallContext, id: Any, symbol: str | None, params: Params) -> Flow[Any]:
    """Reads an order by id; if that fails, searches the open orders, then those of two days.

    A text that is no number is a client order id.
    """
    try:
        body = yield Request(method="GET", path=f"/oms/orders/{quote_path_part(id)}")
        row = _find_row(body, id)
    except RuntimeError:
        query = {"account_ids": context.account_id, "limit": OPEN_ORDERS_MAX}
        row = _find_row((yield _get("/oms/orders/open", query)), id)
        if row is None:
            query = build_history_query(context, None, None, None, {"page_size": PAGE_SIZE_MAX})
            row = _find_row((yield _get("/oms/orders/history", query)), id)
    return _found_order(context, row, id)


def await_fill(context: CallContext, order: Structure) -> Flow[Structure]:
    """Returns an order with its executions, if they are booked within three seconds.

    It was sent: if it cannot be read, it is returned as it is.
    """
    for delay in FILL_DELAYS_SECONDS:
        if order["status"] != "open":
            break
        path = f"/oms/orders/{quote_path_part(order['id'])}"
        try:
            body = yield Request(method="GET", path=path, delay_seconds=delay)
        except RuntimeError:
            break
        row = _find_row(body, order["id"])
        if row is not None:
            order = {**context.structures.order(row), "info": order["info"]}
    return order


def fetch_order_by_client_id(context: CallContext, client_id: str, symbol: str | None) -> Flow[Any]:
    """Searches the open orders, then those of two days, for a client order id."""
    query = {"account_ids": context.account_id, "limit": OPEN_ORDERS_MAX}
    row = _find_client_row((yield _get("/oms/orders/open", query)), client_id, symbol)
    if row is None:
        query = build_history_query(context, None, None, None, {"page_size": PAGE_SIZE_MAX})
        body = yield _get("/oms/orders/history", query)
        row = _find_client_row(body, client_id, symbol)
    return _found_order(context, row, client_id)


def _found_order(context: CallContext, row: Body | None, id: Any) -> Any:
    if row is not None:
        return context.structures.order(row)
    if context.structures.dialect == CCXT:
        message = f"the gateway has no order {id}"
        raise driver_error("OrderNotFound", message, code="order_not_found", order_id=str(id))
    return None


def find_open_order(context: CallContext, client_id: str, symbol: str | None) -> Flow[Body]:
    """Returns the row of the open order with a client id. Raises ``OrderNotFound``."""
    query = {"account_ids": context.account_id, "limit": OPEN_ORDERS_MAX}
    row = _find_client_row((yield _get("/oms/orders/open", query)), client_id, symbol)
    if row is None:
        message = f"no open order has the client id {client_id}"
        raise driver_error("OrderNotFound", message, code="order_not_found")
    return row


def fetch_open_orders(
    context: CallContext, symbol: str | None, since: int | None, limit: int | None, params: Params
) -> Flow[list[Structure]]:
    """Reads the orders that are not final."""
    query: dict[str, Any] = {"account_ids": context.account_id}
    rows_max = params.get("limit") if limit is None else limit
    if rows_max is not None:
        query["limit"] = int(rows_max)
    _add_filters(query, context, symbol, params)
    body = yield _get("/oms/orders/open", query)
    rows = _filter_since(
        _filter_symbols(list_rows(body), symbol), since, "created_at", "updated_at"
    )
    return [context.structures.order(row) for row in rows]


def fetch_orders(
    context: CallContext, symbol: str | None, since: int | None, limit: int | None, params: Params
) -> Flow[list[Structure]]:
    """Reads orders of any status; without dates in ``params`` of yesterday and today (UTC)."""
    query = build_history_query(context, symbol, since, limit, params)
    body = yield _get("/oms/orders/history", query)
    rows = _filter_since(
        _filter_symbols(list_rows(body), symbol), since, "created_at", "updated_at"
    )
    return [context.structures.order(row) for row in rows]


def fetch_canceled_orders(
    context: CallContext, symbol: str | None, since: int | None, limit: int | None, params: Params
) -> Flow[list[Structure]]:
    """Reads orders that were canceled or expired."""
    with_status = {**params, "status": "CANCELED"}
    orders = yield from fetch_orders(context, symbol, since, limit, with_status)
    return [order for order in orders if order["status"] in ("canceled", "expired")]


def fetch_my_trades(
    context: CallContext, symbol: str | None, since: int | None, limit: int | None, params: Params
) -> Flow[list[Structure]]:
    """Reads deals; without dates in ``params`` of yesterday and today (UTC)."""
    query = build_history_query(context, symbol, since, limit, params)
    body = yield _get("/oms/deals", query)
    rows = _filter_since(
        _filter_symbols(list_rows(body), symbol), since, "executed_at", "created_at"
    )
    return [context.structures.trade(row) for row in rows]


def fetch_positions(
    context: CallContext, symbols: Sequence[str] | str | None, params: Params
) -> Flow[list[Structure]]:
    """Reads open positions; with ``params["history"]`` those of any state, like orders.

    In the ccxt dialect open contracts also have what the exchange says of their margin.
    """
    if params.get("history"):
        limit = params.get("limit")
        query = build_history_query(context, None, params.get("since"), limit, params)
        body = yield _get("/oms/positions/history", query)
    else:
        limit = int(params.get("limit") or OPEN_POSITIONS_MAX)
        query = {"account_ids": context.account_id, "limit": limit}
        _add_filters(query, context, None, params)
        body = yield _get("/oms/positions/open", query)
    rows = _filter_symbols(list_rows(body), symbols)
    positions = [context.structures.position(row) for row in rows]
    contracts = sorted({str(each["symbol"]) for each in positions if ":" in str(each["symbol"])})
    if context.structures.dialect != CCXT or params.get("history") or not contracts:
        return positions
    return context.structures.with_margins(
        positions, (yield from _exchange_positions(context, contracts))
    )


def _exchange_positions(context: CallContext, symbols: Sequence[str]) -> Flow[list[Body]]:
    """Reads positions from the exchange; none for a key that may not, or where it has no list."""
    try:
        body = yield ccxt_call(context.account_id, "fetch_positions", [list(symbols)], {})
    except OmsDriverError as error:
        if error.code in _NO_EXCHANGE_POSITIONS:
            return []
        raise
    return [row for row in body.get("result") or [] if isinstance(row, dict)]


def fetch_position(context: CallContext, symbol: str, params: Params) -> Flow[Structure | None]:
    """Reads the first open position of a symbol; ``None`` without one."""
    positions = yield from fetch_positions(context, symbol, params)
    return positions[0] if positions else None


def fetch_environment(context: CallContext) -> Flow[str]:
    """Reads the environment of the account: paper, testnet, demo, loopback or live."""
    rows = list_rows((yield _get("/oms/accounts", {})))
    own = (row for row in rows if row.get("account_id") == context.account_id)
    return str(next((row.get("environment") for row in own), "live"))


def fetch_balance(context: CallContext, params: Params) -> Flow[Any]:
    """Reads the exchange's balance, as ccxt returns it."""
    path = f"/ccxt/core/{context.account_id}/fetch_balance"
    body = yield Request(method="POST", path=path, payload={"params": _exchange_params(params)})
    return body.get("result")


def fetch_market(context: CallContext, func: str, args: Sequence[Any], params: Params) -> Flow[Any]:
    """Reads market data by the ccxt method ``func``."""
    exchange_params = _exchange_params(params)
    keywords = {"params": exchange_params} if exchange_params else {}
    body = yield ccxt_call(context.account_id, func, list(args), keywords)
    return body.get("result")


def call(
    context: CallContext, func: str, args: Sequence[Any], keywords: Mapping[str, Any]
) -> Flow[Any]:
    """Calls any ccxt method, if the gateway permits it."""
    body = yield ccxt_call(context.account_id, func, list(args), dict(keywords))
    return body.get("result")


def _get(path: str, query: Mapping[str, Any]) -> Request:
    return Request(method="GET", path=path, query=query)


def build_history_query(
    context: CallContext, symbol: str | None, since: int | None, limit: int | None, params: Params
) -> dict[str, Any]:
    """Returns the query of a history: dates, and at most ``limit`` rows.

    As in ccxt these are the first ones since ``since``, without it the newest ones.
    """
    query: dict[str, Any] = {"account_ids": context.account_id}
    today = context.clock().date()
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
    _add_filters(query, context, symbol, params)
    return query


def _add_filters(
    query: dict[str, Any], context: CallContext, symbol: str | None, params: Params
) -> None:
    strategy_id = context.strategy_id_for(params)
    if strategy_id > 0:
        query["strategy_id"] = strategy_id
    if symbol is not None:
        query["symbol"] = symbol


def list_rows(body: Body) -> list[Body]:
    """Returns the rows of a list response, oldest first."""
    rows = [row for row in body.get("items") or [] if isinstance(row, dict)]
    return sorted(rows, key=_row_number)


def _row_number(row: Body) -> int:
    text = str(row.get("id"))
    return int(text) if text.isdigit() else 0


def _find_row(body: Body, id: Any) -> Body | None:
    name = "id" if str(id).isdigit() else "client_order_id"
    return next((row for row in list_rows(body) if str(row.get(name)) == str(id)), None)


def _find_client_row(body: Body, client_id: str, symbol: str | None) -> Body | None:
    rows = _filter_symbols(list_rows(body), symbol)
    return next((row for row in rows if row.get("client_order_id") == client_id), None)


def _filter_symbols(rows: list[Body], symbols: Sequence[str] | str | None) -> list[Body]:
    if symbols is None or not symbols:
        return rows
    names = {each.upper() for each in ([symbols] if isinstance(symbols, str) else symbols)}
    return [row for row in rows if str(row.get("symbol")).upper() in names]


def _filter_since(rows: list[Body], since: int | None, *keys: str) -> list[Body]:
    """Returns rows not older than ``since``, by the first of ``keys`` that a row has."""
    if since is None:
        return rows
    return [row for row in rows if _timestamp_ms(row, keys) >= since]


def _timestamp_ms(row: Body, keys: Sequence[str]) -> int:
    timestamps = (parse_milliseconds(row.get(key)) for key in keys)
    return next((each for each in timestamps if each is not None), 0)


def _exchange_params(params: Params) -> dict[str, Any]:
    """Returns ``params`` without those that only the gateway uses."""
    return {name: value for name, value in params.items() if name != "strategy_id"}
