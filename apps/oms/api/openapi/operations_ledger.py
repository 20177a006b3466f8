"""Operations on orders, deals, positions and commands: sending, reading, correcting."""

from oms.api.openapi import parameters as p
from oms.api.openapi.operation import Operation
from oms.api.openapi.parameters import Parameter
from oms.api.openapi.request_bodies import body, commands_body
from oms.api.openapi.schema import (
    Schema,
    any_of,
    array_of,
    items_of,
    object_of,
    open_list_of,
    page_of,
    ref,
    row,
)
from oms.wire.commands.reconcile_request import STALE_SECONDS

_UNKNOWN = frozenset({404})
_CAN_FAIL = frozenset({404, 502, 504})
_ORDERS = any_of(ref("Order"), ref("Mt5Order"))
_DEALS = any_of(ref("Deal"), ref("Mt5Deal"))
_POSITIONS = any_of(ref("Position"), ref("Mt5Position"))
_COMMANDS = any_of(ref("Command"), ref("Mt5Result"))
_STALE = p.query(
    "stale_after_seconds", {"type": "integer"}, f"Older is stale; {STALE_SECONDS} by default."
)
_REASSIGNED = object_of(
    row(
        "ok:bool deals_updated:count orders_updated:count deals_total:count orders_total:count "
        "preview:bool page:count page_size:count",
        items=array_of(ref("ReassignItem")),
    )["properties"],
    {
        "command_id": {"type": "integer"},
        "command_ids": array_of({"type": "integer"}),
        "results": array_of(ref("CommandResult")),
    },
)
_RECONCILED = row(
    "ok:bool account_ids:ids triggered_count:count", results=array_of(ref("Reconciled"))
)


def _read(
    path: str,
    name: str,
    summary: str,
    shape: Schema,
    query: tuple[Parameter, ...] = (),
    errors: frozenset[int] = _UNKNOWN,
) -> Operation:
    return Operation(
        method="get",
        path=path,
        name=name,
        summary=summary,
        query=query,
        answers={200: shape},
        errors=errors,
    )


def _switch(path: str, name: str, summary: str, body_name: str) -> Operation:
    return Operation(
        method="post",
        path=f"/oms/risk/{{account_id}}/{path}",
        name=name,
        summary=summary,
        query=(*p.WAIT, p.COMMENT),
        body=body(body_name),
        answers={200: ref("Switched"), 202: ref("Switched")},
        errors=_CAN_FAIL,
    )


_READS = (
    _read("/oms/orders/open", "list_open_orders", "Orders that are not final",
          open_list_of(_ORDERS), p.OPEN),
    _read("/oms/positions/open", "list_open_positions", "Positions that are open",
          open_list_of(_POSITIONS), p.OPEN),
    _read("/oms/orders/history", "list_orders", "Orders of any status, by their last change",
          page_of(_ORDERS), (*p.HISTORY, p.CACHE, p.VIEW)),
    _read("/oms/positions/history", "list_positions",
          "Positions of any state, by their last change",
          page_of(_POSITIONS), (*p.HISTORY, p.CACHE, p.VIEW)),
    _read("/oms/deals", "list_deals", "Deals, by the exchange's time",
          page_of(_DEALS), (*p.HISTORY, p.ORDER, p.POSITION, p.CACHE, p.VIEW)),
    _read("/oms/orders/{ids}", "get_orders", "Orders by id; what is unknown is left out",
          items_of(_ORDERS), (p.VIEW,)),
    _read("/oms/deals/{ids}", "get_deals", "Deals by id; what is unknown is left out",
          items_of(_DEALS), (p.VIEW,)),
    _read("/oms/positions/{ids}", "get_positions", "Positions by id; what is unknown is left out",
          items_of(_POSITIONS), (p.VIEW,)),
    _read("/oms/orders/{order_id}/timeline", "get_order_timeline", "The life of one order",
          ref("Timeline")),
    _read("/oms/accounts", "list_accounts", "The accounts that the key may read",
          items_of(ref("Account")),
          (p.query("status", {"type": "string", "examples": ["active"]}, "active, blocked, all"),)),
    _read("/oms/events", "list_events", "Events after a number; may wait for the first",
          ref("Events"),
          (
              p.ACCOUNTS,
              p.query("after", {"type": "string", "examples": ["1:0"]},
                      "account:seq with commas between, or now."),
              p.query("namespaces", {"type": "string"}, "Words with commas between."),
              p.LIMIT,
              p.WAIT_MS,
          )),
    _read("/oms/commands/{command_id}", "get_command", "One command; may wait for its end",
          _COMMANDS, (p.WAIT_MS, p.VIEW)),
    _read("/oms/commands", "list_commands", "A page of the commands of accounts",
          page_of(_COMMANDS), (*p.HISTORY, p.VIEW)),
    _read("/ccxt/orders/raw", "list_raw_orders", "Order snapshots that reconciliation has read",
          page_of(ref("RawOrder")), p.HISTORY),
    _read("/ccxt/trades/raw", "list_raw_trades", "Executions that reconciliation has read",
          page_of(ref("RawTrade")), p.HISTORY),
    _read("/oms/reconcile/status", "list_reconcile_status",
          "How recent the last reconciliation of each readable account is",
          items_of(ref("ReconcileStatus")),
          (p.query("status", {"type": "string", "enum": ["fresh", "stale", "never"]},
                   "Accounts of this status."), _STALE)),
    _read("/oms/reconcile/{account_id}/status", "get_reconcile_status",
          "How recent the last reconciliation of one account is",
          items_of(ref("ReconcileStatus")), (_STALE,)),
    _read("/oms/risk/{account_id}/strategies", "list_strategy_switches",
          "The strategies of an account, and which of them may open",
          items_of(ref("StrategySwitch"))),
)  # fmt: skip

OPERATIONS = (
    Operation(
        method="post",
        path="/oms/commands",
        name="send_commands",
        summary="Send one command or a list of them, and wait for their end",
        query=(
            p.PARALLEL,
            *p.WAIT,
            p.VIEW,
        ),
        body=commands_body(),
        answers=dict.fromkeys((200, 202, 207), ref("CommandResults")),
        errors=_CAN_FAIL,
    ),
    *_READS,
    Operation(
        method="post",
        path="/oms/reassign",
        name="reassign_orders",
        summary="Show what would move to a strategy, or move it",
        query=(*p.WAIT, p.COMMENT),
        body=body("Reassign"),
        answers=dict.fromkeys((200, 202, 207), _REASSIGNED),
        errors=_CAN_FAIL,
    ),
    Operation(
        method="post",
        path="/oms/reconcile",
        name="reconcile_accounts",
        summary="Reconcile accounts now; new deals are readable on return",
        body=body("Reconcile", required=False),
        answers={200: _RECONCILED},
        errors=_CAN_FAIL,
    ),
    _switch("allow_new_positions", "switch_account",
            "Open or close an account to what enlarges", "Allow"),
    _switch("strategies/allow_new_positions", "switch_strategy",
            "Open or close one strategy on an account", "StrategyAllow"),
    _switch("status", "set_account_status",
            "Block an account, or let it trade again", "AccountStatus"),
)  # fmt: skip
