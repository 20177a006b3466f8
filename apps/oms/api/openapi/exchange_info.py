"""Exchanges, connections and orders in doubt: response schemas and operations."""

from collections.abc import Mapping

from oms.api.openapi import parameters as p
from oms.api.openapi.operation import Operation
from oms.api.openapi.request_bodies import body
from oms.api.openapi.schema import (
    ANY,
    TEXT,
    Schema,
    array_of,
    enum_of,
    map_of,
    nullable,
    object_of,
    ref,
    row,
)

_FIELD = object_of({"value": ANY, "source": enum_of("declared", "table", "observed", "account")})
_RECORD = row(
    "exchange_id:text engine:text venue:text environment:text name:text ccxt:text?",
    capabilities=map_of(_FIELD),
)
_HOSTS = array_of(TEXT)

SCHEMAS: Mapping[str, Schema] = {
    "Capabilities": _RECORD,
    "AccountCapabilities": object_of(
        {**row("account_id:id")["properties"], **_RECORD["properties"]},
    ),
    "Connection": row(
        "account_id:id exchange_id:text engine:text environment:text last_call_at:time? "
        "gaps:count? last_event_age_s:number? reconcile_lag_s:number? answered:bool",
        hosts_allowed=object_of(
            {"rest": _HOSTS, "private_stream": _HOSTS, "public_stream": _HOSTS}
        ),
        hosts_called=nullable(_HOSTS),
        stream=nullable(enum_of("none", "connecting", "connected")),
        trouble=nullable(row("code:text message:text")),
        prices=nullable(TEXT),
        prices_trouble=nullable(row("code:text message:text")),
    ),
    "OrderAsked": row("ok:bool command_id:id status:text", order=nullable(ref("Order"))),
}
"""Shapes by the name they have in the document."""

_ANSWERS = dict.fromkeys((200, 202), ref("OrderAsked"))
_CAN_FAIL = frozenset({404, 502, 504})

OPERATIONS = (
    Operation(
        method="get",
        path="/meta/exchanges/{exchange_id}/capabilities",
        name="get_exchange_capabilities",
        summary="Capabilities of an exchange, each with its source",
        query=(
            p.query(
                "environment",
                enum_of("paper", "testnet", "demo", "loopback", "live"),
                "live by default, paper for paper exchanges.",
            ),
        ),
        answers={200: ref("Capabilities")},
    ),
    Operation(
        method="get",
        path="/oms/accounts/{account_id}/capabilities",
        name="get_account_capabilities",
        summary="Capabilities of an account's exchange as restricted by its settings",
        answers={200: ref("AccountCapabilities")},
    ),
    Operation(
        method="get",
        path="/oms/accounts/{account_id}/connection",
        name="get_account_connection",
        summary="State of an account's exchange connection as its worker reports it",
        query=(p.WAIT_MS,),
        answers={200: ref("Connection")},
    ),
    Operation(
        method="post",
        path="/oms/orders/{order_id}/refresh",
        name="refresh_order",
        summary="Query the exchange for one order now",
        query=p.WAIT,
        answers=_ANSWERS,
        errors=_CAN_FAIL,
    ),
    Operation(
        method="post",
        path="/oms/orders/{order_id}/resolve",
        name="resolve_order",
        summary="Match an order of the exchange with this one, or declare it never placed",
        query=(*p.WAIT, p.COMMENT),
        body=body("OrderResolution"),
        answers=_ANSWERS,
        errors=_CAN_FAIL,
    ),
)
