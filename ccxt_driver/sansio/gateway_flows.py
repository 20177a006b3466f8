"""Flows of what ccxt has no methods for: previews, groups of accounts, price alerts.

They return the rows of the gateway as they are.
"""

from typing import Any

from ccxt_driver.sansio.flow import CallContext, Flow
from ccxt_driver.sansio.order_terms import OrderCall
from ccxt_driver.sansio.trade_flows import number_text, send_payload, wait_query
from ccxt_driver.wire import Body, Request, quote_path_part

PREVIEW_PATH = "/oms/commands/preview"


def preview_order(context: CallContext, call: OrderCall) -> Flow[Body]:
    """Asks what an order would do; nothing is sent to the exchange."""
    payload = send_payload(context, call)
    command = {"account_id": context.account_id, "command": "send_order", "payload": payload}
    query = wait_query(context, call.params)
    body = yield Request(method="POST", path=PREVIEW_PATH, query=query, payload=command)
    preview: Body = body["results"][0]["preview"]
    return preview


def create_group_order(context: CallContext, group_id: int, call: OrderCall) -> Flow[list[Body]]:
    """Sends an order to all accounts of a group in one request; returns the result of each.

    A member that cannot take its part has ``ok`` false and its ``error``.
    """
    command = {
        "group_id": group_id,
        "command": "send_order",
        "payload": send_payload(context, call),
    }
    query = wait_query(context, call.params)
    body = yield Request(method="POST", path="/oms/commands", query=query, payload=command)
    results: list[Body] = body["results"]
    return results


def fetch_account_groups(_context: CallContext) -> Flow[list[Body]]:
    """Reads the groups of the caller."""
    groups: list[Body] = (yield Request(method="GET", path="/account-groups"))["items"]
    return groups


def create_price_alert(
    context: CallContext, symbol: str, condition: str, price: Any, note: str | None
) -> Flow[Body]:
    """Creates a price alert of the account."""
    alert = {
        "account_id": context.account_id,
        "symbol": symbol,
        "condition": condition,
        "price": number_text("price", price),
    }
    payload = alert if note is None else {**alert, "note": note}
    query = wait_query(context, {})
    body = yield Request(method="POST", path="/alerts", query=query, payload=payload)
    created: Body = body["alert"]
    return created


def fetch_price_alerts(context: CallContext) -> Flow[list[Body]]:
    """Reads the price alerts of the account that have not fired."""
    query = {"account_id": context.account_id}
    alerts: list[Body] = (yield Request(method="GET", path="/alerts", query=query))["items"]
    return alerts


def cancel_price_alert(context: CallContext, alert_id: int) -> Flow[Body]:
    """Deletes a price alert."""
    query = {"account_id": context.account_id, **wait_query(context, {})}
    path = f"/alerts/{quote_path_part(alert_id)}"
    body: Body = yield Request(method="DELETE", path=path, query=query)
    return body
