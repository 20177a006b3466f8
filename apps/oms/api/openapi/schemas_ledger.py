"""Response schemas of orders, deals, positions, commands and events."""

from collections.abc import Mapping

from oms.api.openapi.schema import (
    COUNT,
    DECIMAL,
    ID,
    OBJECT,
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
from oms.domain.orders.order import OrderState

_SIDE = enum_of("buy", "sell")
_STATES = sorted(state.value for state in OrderState)
_STATUSES = [state for state in _STATES if state != "EXPIRED"]
_PHASES = (
    *("queued", "risk_checked", "leased", "sent", "acked", "triggered", "change_requested"),
    *("changed", "cancel_requested", "fill", "canceled", "expired", "rejected", "refused"),
    *("unknown", "resolved", "reconciled", "reassigned"),
)

_ORDER = row(
    "id:id command_id:id? account_id:id symbol:text order_type:text strategy_id:count "
    "position_id:count previous_position_id:id? reason:text comment:text? client_order_id:text? "
    "exchange_order_id:text? qty:dec price:dec? stop_loss:dec? stop_gain:dec? filled_qty:dec "
    "avg_fill_price:dec? edit_replace_state:text? edit_replace_at:time? "
    "edit_replace_orphan_order_id:id? edit_replace_origin_order_id:id? created_at:time "
    "updated_at:time closed_at:time? remaining_qty:dec canceled_qty:dec reconciled:bool "
    "reduce_only:bool post_only:bool time_in_force:text? trigger_price:dec? triggered_at:time? "
    "expires_at:time? fee:dec? fee_currency:text? reject_code:text? reject_message:text? "
    "replaced_by:id? group_id:id? parent_order_id:id? signal_id:id? submitted_at:time? "
    "last_fill_at:time? version:count",
    side=_SIDE,
    status=enum_of(*_STATUSES),
    state=enum_of(*_STATES),
    pending_change=nullable(enum_of("cancel", "replace")),
    reject_source=nullable(enum_of("oms", "exchange")),
)
_DEAL = row(
    "id:id account_id:id order_id:id? position_id:count previous_position_id:id? symbol:text "
    "qty:dec price:dec fee:dec? fee_currency:text? pnl:dec? strategy_id:count reason:text "
    "comment:text? reconciled:bool exchange_trade_id:text? created_at:time executed_at:time "
    "leg:count type:text provisional:bool origin:text exchange_order_id:text? signal_id:id?",
    side=_SIDE,
    entry=enum_of("in", "out", "out_by"),
    liquidity=nullable(enum_of("maker", "taker")),
)
_POSITION = row(
    "id:id account_id:id symbol:text strategy_id:count qty:dec avg_price:dec stop_loss:dec? "
    "stop_gain:dec? reason:text comment:text? opened_at:time updated_at:time closed_at:time? "
    "identifier:id previous_position_id:id? qty_opened:dec qty_closed:dec max_qty:dec "
    "realized_pnl:dec funding:dec mark_price:dec? mark_at:time? unrealized_pnl:dec? "
    "close_price:dec? close_reason:text? merged_into:id? external:bool version:count",
    side=_SIDE,
    state=enum_of("open", "close_requested", "closed"),
    fees=map_of(DECIMAL),
    protection=enum_of("none", "native", "emulated"),
)
_ACCOUNT = row(
    "account_id:id label:text exchange_id:text is_testnet:bool status:text "
    "allow_new_positions:bool can_read:bool can_trade:bool can_risk_manage:bool trader_name:text? "
    "can_close_position:bool can_block_new_positions:bool can_block_account:bool "
    "restrict_to_strategies:bool exchange_mode:text live_enabled:bool quarantine:text?",
    position_mode=enum_of("hedge", "netting", "strategy_netting"),
    strategy_ids=array_of(COUNT),
    environment=enum_of("paper", "testnet", "demo", "loopback", "live"),
    engine=enum_of("ccxt", "ccxtpro", "paper"),
)
_COMMAND = row(
    "command_id:id account_id:id command:text request_id:text? payload:object order_id:id? "
    "order_ids:ids deal_ids:ids position_ids:ids actor_user_id:id? actor_api_key_id:id? "
    "created_at:time started_at:time? finished_at:time? attempts:count",
    status=enum_of("queued", "running", "done", "failed", "refused", "unknown"),
    legacy_status=enum_of("accepted", "completed", "failed"),
    error=nullable(ref("ErrorDetail")),
)
_RESULT = object_of(
    row(
        "index:count ok:bool command_id:id? order_id:id? request_id:text? client_order_id:text? "
        "replayed:bool",
        status=enum_of("queued", "running", "done", "failed", "refused", "unknown"),
        error=nullable(ref("ErrorDetail")),
        order=nullable(ref("Order")),
        deals=nullable(array_of(ref("Deal"))),
        orders=nullable(array_of(ref("Order"))),
    )["properties"],
    {"mt5": ref("Mt5Result")},
)
_REASSIGNED = row(
    "id:id account_id:id symbol:text status:text? reconciled:bool strategy_id:count "
    "position_id:count previous_position_id:id? edit_replace_state:text? edit_replace_at:time? "
    "edit_replace_orphan_order_id:id? edit_replace_origin_order_id:id? executed_at:time? "
    "created_at:time exchange_id:text? exchange_order_id:text? qty:dec price:dec? "
    "filled_qty:dec? avg_fill_price:dec?",
    kind=enum_of("order", "deal"),
    side=_SIDE,
)
_TIMELINE = object_of(
    {
        "order_id": ID,
        "summary": row(
            "queue_ms:number? risk_ms:number? send_ms:number? ack_ms:number? "
            "first_fill_ms:number? total_ms:number? arrival_price:dec? avg_fill_price:dec? "
            "slippage_bps:number?"
        ),
        "items": array_of(
            row(
                "seq:count at:time exec_type:text? status:text? state:text? filled_qty:dec? "
                "remaining_qty:dec? request_id:text? detail:object",
                phase=enum_of(*_PHASES),
                source=enum_of(
                    *("api", "worker", "exchange_reply", "exchange_stream"),
                    *("reconcile", "operator"),
                ),
            )
        ),
    }
)
_EVENTS = object_of(
    {
        "items": array_of(ref("Event")),
        "next_after": TEXT,
        "heads": map_of(COUNT),
        "gaps": array_of(row("account_id:count from:count to:count")),
    }
)

SCHEMAS: Mapping[str, Schema] = {
    "Order": _ORDER,
    "Deal": _DEAL,
    "Position": _POSITION,
    "Account": _ACCOUNT,
    "Command": _COMMAND,
    "CommandResult": _RESULT,
    "CommandResults": object_of({"results": array_of(ref("CommandResult"))}),
    "ReassignItem": _REASSIGNED,
    "Timeline": _TIMELINE,
    "Event": row(
        "event_id:count account_id:count seq:count namespace:text event:text ts:time",
        payload=OBJECT,
    ),
    "Events": _EVENTS,
    "Mt5Order": row(
        "ticket:id type:int state:int symbol:text volume_initial:dec volume_current:dec "
        "price_open:dec? price_current:dec? price_stoplimit:dec? sl:dec? tp:dec? "
        "type_filling:int type_time:int time_setup:int? time_setup_msc:int? time_done:int? "
        "time_done_msc:int? time_expiration:int? magic:count reason:int position_id:count "
        "position_by_id:id? comment:text? external_id:text?"
    ),
    "Mt5Deal": row(
        "ticket:id order:id? time:int? time_msc:int? type:int entry:int magic:count reason:int "
        "position_id:count volume:dec price:dec commission:dec? swap:dec profit:dec fee:dec "
        "symbol:text comment:text? external_id:text?"
    ),
    "Mt5Position": row(
        "ticket:id identifier:id time:int? time_msc:int? time_update:int? time_update_msc:int? "
        "type:int magic:count reason:int volume:dec price_open:dec price_current:dec? sl:dec? "
        "tp:dec? swap:dec profit:dec? symbol:text comment:text? external_id:text?"
    ),
    "Mt5Result": row(
        "retcode:int? deal:id? order:id? volume:dec? price:dec? bid:dec? ask:dec? comment:text? "
        "request_id:text?"
    ),
    "RawOrder": row(
        "id:id account_id:id exchange_id:text exchange_order_id:text? symbol:text? raw_json:any "
        "observed_at:time client_order_id:text?"
    ),
    "RawTrade": row(
        "id:id account_id:id exchange_id:text exchange_order_id:text? symbol:text? raw_json:any "
        "observed_at:time exchange_trade_id:text?"
    ),
}
"""Shapes by the name they have in the document."""
