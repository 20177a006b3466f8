"""The exact key sets of the objects of the wire contract."""

from collections.abc import Mapping
from typing import Any


def _keys(text: str) -> frozenset[str]:
    return frozenset(text.split())


PAGE = _keys("items total page page_size next_cursor")
OPEN_LIST = PAGE | {"truncated"}
ERROR = _keys(
    "code message request_id outcome retryable ccxt_class mt5_retcode reason limit value set_by"
)
ORDER = _keys(
    "id command_id account_id symbol side order_type status strategy_id position_id "
    "previous_position_id reason comment client_order_id exchange_order_id qty price "
    "stop_loss stop_gain stop_loss_pct stop_gain_pct stop_trailing_pct stop_trailing_amount "
    "stop_trailing_activation_pct max_hold_seconds "
    "targets stop_trailing_from_target tp_sl_base tp_sl_base_price filled_qty avg_fill_price "
    "edit_replace_state edit_replace_at "
    "edit_replace_orphan_order_id edit_replace_origin_order_id created_at updated_at "
    "closed_at state pending_change remaining_qty canceled_qty requested_qty requested_price "
    "risk_status risk_code risk_detail reconciled reduce_only "
    "post_only time_in_force trigger_price trailing_amount trailing_percent triggered_at "
    "expires_at fee fee_currency "
    "reject_source reject_code reject_message replaced_by group_id cancel_reason "
    "parent_order_id signal_id source_id bot_id submitted_at last_fill_at version"
)
DEAL = _keys(
    "id account_id order_id position_id previous_position_id symbol side qty price fee "
    "fee_currency fee_valuation pnl strategy_id reason comment reconciled exchange_trade_id "
    "created_at executed_at entry leg type provisional origin liquidity exchange_order_id "
    "signal_id source_id bot_id group_id"
)
POSITION = _keys(
    "id account_id symbol strategy_id side qty avg_price stop_loss stop_gain stop_loss_pct "
    "stop_gain_pct stop_trailing_pct stop_trailing_amount stop_trailing_activation_pct "
    "stop_trailing_best max_hold_seconds state reason "
    "targets stop_trailing_from_target tp_sl_base tp_sl_base_price "
    "comment opened_at updated_at closed_at identifier previous_position_id qty_opened "
    "qty_closed max_qty realized_pnl fees funding mark_price mark_at unrealized_pnl "
    "close_price close_reason merged_into external protection version"
)
MARKED_POSITION = POSITION | _keys(
    "fees_value unvalued_fees matched_pnl break_even_price "
    "market_value cost_basis last_price last_price_at"
)
ACCOUNT = _keys(
    "account_id label exchange_id position_mode is_testnet status allow_new_positions "
    "can_read can_trade can_risk_manage trader_name can_close_position "
    "can_block_new_positions can_block_account restrict_to_strategies strategy_ids "
    "environment engine exchange_mode live_enabled quarantine"
)
RESULT = _keys(
    "index ok command_id order_id error status request_id client_order_id replayed order "
    "deals orders"
)
COMMAND = _keys(
    "command_id account_id command status legacy_status request_id payload order_id order_ids "
    "deal_ids position_ids error actor_user_id actor_api_key_id created_at started_at "
    "finished_at attempts"
)
EVENT = _keys("event_id account_id seq namespace event ts payload")
MT5_ORDER = _keys(
    "ticket type state symbol volume_initial volume_current price_open price_current "
    "price_stoplimit sl tp type_filling type_time time_setup time_setup_msc time_done "
    "time_done_msc time_expiration magic reason position_id position_by_id comment "
    "external_id"
)
MT5_DEAL = _keys(
    "ticket order time time_msc type entry magic reason position_id volume price commission "
    "swap profit fee symbol comment external_id"
)
MT5_POSITION = _keys(
    "ticket identifier time time_msc time_update time_update_msc type magic reason volume "
    "price_open price_current sl tp swap profit symbol comment external_id"
)
MT5_COMMAND = _keys("retcode deal order volume price bid ask comment request_id")
TIMELINE = _keys("order_id summary items gaps")
TIMELINE_SUMMARY = _keys(
    "queue_ms risk_ms send_ms ack_ms first_fill_ms total_ms arrival_price avg_fill_price "
    "slippage_bps slippage exchange_ms"
)
TIMELINE_ITEM = _keys(
    "seq at phase exec_type status state source filled_qty remaining_qty request_id detail"
)
RISK_FLAG_CHANGE = _keys("ok account_id strategy_id status allow_new_positions rows command_id")
STRATEGY_SWITCH = _keys("account_id strategy_id name status allow_new_positions")
KILL = _keys(
    "id scope scope_id mode on comment cancel_entries flatten set_by set_by_user_id "
    "set_by_api_key_id set_at released_at released_by release_comment cause confirm"
)
LINEAGE = _keys("order_id signals commands orders deals positions")
LINEAGE_COMMAND = _keys(
    "command_id account_id command request_id status created_at started_at finished_at"
)
KILL_REPORT = _keys("account_id command_id status canceled not_canceled closed remaining dust")
DEADMAN = _keys(
    "id account_ids strategy_ids timeout_seconds action state deadline comment set_by "
    "set_by_user_id set_by_api_key_id set_at beat_at fired_at disarmed_at"
)
RAW = _keys("id account_id exchange_id exchange_order_id symbol raw_json observed_at")
RECONCILED = _keys(
    "account_id run_id ok fetched new_deals new_orders discrepancies watermark error"
)
HEALTH = _keys("status app env db_engine")
HEALTH_REPORT = _keys(
    "ok service status environment broker_mode oms_enabled live_trading_allowed database_url parts"
    " tasks audit_log_path"
)
HEALTH_PARTS = _keys(
    "database worker worker_loops queue queue_age streams price_feed stop_watcher outbox runner "
    "sinks candles bots audit_mirror replica calendar"
)
SINK = _keys(
    "id name kind status events account_ids min_interval_seconds has_secret created_at created_by"
    " delivered failed dead waiting waiting_since last_sent_at last_delivered_at last_error"
)
DELIVERY = _keys(
    "id sink_id event_id account_id event status attempts next_at expires_at created_at"
    " delivered_at last_error"
)
BOT = _keys(
    "id name strategy version params params_hash account_id strategy_id exchange symbols timeframe"
    " sizing mode allow_short max_lag_seconds stop_loss_pct take_profit_pct stop_trailing_pct"
    " desired status reason stale last_heartbeat_at heartbeat_age_seconds started_at stopped_at"
    " failures decided last_decision created_at created_by updated_at"
)
RUNNER_TASK = _keys("name ok state owner silence_s restarts last_error")
CHECKS = _keys("database migrations workers queue outbox")
VERSION = _keys("name version commit schema_version ccxt_version python_version")
CACHE_CLEARED = _keys("scope cleared_before account_count")
WORKER = _keys("worker_id host heartbeat_age_s accounts stop_watch_age_s calendar loop_restarts")
PERCENTILES = _keys("p50 p95 p99")
OP_TIMING = _keys("count total_ms avg_ms max_ms p95_ms p99_ms")
DISPATCHER = _keys(
    "started_at pool_size_by_engine total_requests total_errors op_counts accounts_mapped "
    "worker_inflight worker_active_accounts worker_queue_depth read_pool_size "
    "read_worker_inflight read_worker_queue_depth control_queue_depth "
    "ccxt_session_count_total ccxt_session_count_by_engine ccxt_session_account_ids "
    "ccxt_session_ttl_seconds ccxt_session_oldest_age_seconds auth_cache_ttl_seconds "
    "auth_cache_size auth_cache_hits auth_cache_misses auth_cache_invalidations "
    "permission_cache_ttl_seconds permission_cache_account_size permission_cache_strategy_size "
    "permission_cache_account_hits permission_cache_account_misses "
    "permission_cache_strategy_hits permission_cache_strategy_misses "
    "permission_cache_invalidations oms_query_cache_ttl_seconds oms_query_cache_size "
    "oms_query_cache_hits oms_query_cache_misses oms_query_cache_invalidations "
    "timing_samples_count queue_wait_ms execute_ms op_timing_ms workers outbox_lag_ms "
    "orders_unknown orders_unknown_age_seconds_max"
)

EVENTS: Mapping[str, frozenset[str]] = {
    name: _keys(text)
    for name, text in {
        "order_submitted": "command_id order_id exchange_order_id",
        "order_changed": "command_id order_id",
        "order_canceled": "command_id order_id",
        "orders_canceled_batch": "command_id command_type canceled_order_ids skipped_order_ids",
        "order_expired": "command_id order_id client_order_id",
        "order_rejected": "command_id order_id code message outcome ccxt_class",
        "order_unknown": "command_id order_id client_order_id deadline_at",
        "order_resolved": "command_id order_id client_order_id state evidence",
        "order_late_found": "command_id order_id client_order_id state evidence",
        "order_change_replace_pending": "command_id order_id",
        "order_change_replace_failed": "command_id order_id error",
        "deal_created": "deal_id order_id position_id exchange_trade_id symbol side strategy_id "
        "qty price entry",
        "position_changed": "position_id oms_stop_loss oms_stop_gain comment",
        "position_closed": "position_id symbol strategy_id close_price close_reason realized_pnl "
        "fees",
        "close_by_executed": "command_id position_id_a position_id_b qty",
        "positions_merged": "command_id source_position_id target_position_id symbol side "
        "source_qty target_qty_before target_qty_after target_avg_price_after "
        "source_strategy_id target_strategy_id stop_mode",
        "reassigned": "deals_updated orders_updated positions_updated target_strategy_id "
        "target_position_id",
        "reassign_audit": "deals_updated orders_updated positions_updated target_strategy_id "
        "target_position_id before after",
        "reconciliation_tick": "scope lookback_seconds trades_count cursor fetch_path "
        "raw_inserted_count projected_deals_count projected_orders_count "
        "skipped_duplicate_count lag_ms",
        "account_allow_new_positions_changed": "allow_new_positions comment actor_user_id "
        "actor_api_key_id",
        "strategy_allow_new_positions_changed": "allow_new_positions strategy_id comment "
        "actor_user_id actor_api_key_id",
        "account_status_changed": "status comment actor_user_id actor_api_key_id",
        "kill_switch_changed": "kill_id scope scope_id mode on comment actor",
        "worker_stale": "heartbeat_age_seconds limit",
        "worker_recovered": "",
        "deadman_fired": "deadman_id kill_id scope scope_id flatten comment",
        "flatten_report": "kill_id comment canceled not_canceled closed remaining dust",
        "stop_price_stale": "symbol age_ms",
        **dict.fromkeys(
            (f"signal_{name}" for name in ("received", "done", "blocked", "ignored", "failed")),
            "signal_id source_id symbol action status reason_code command_ids",
        ),
        "stop_triggered": "position_id kind level price command_id targets",
        "stop_close_failed": "position_id kind command_id code message retry_at",
        "protection_degraded": "position_id kind level order_id code message",
        "protection_overfill": "position_id order_id deal_id opened_position_id qty price",
        "command_updated": "command_id command status request_id order_id error",
    }.items()
}
"""Payload keys of events, without ``account_id``; events with a full row are not listed."""


def assert_keys(body: Mapping[str, Any], keys: frozenset[str]) -> None:
    """Asserts that ``body`` has exactly ``keys``; the message lists missing and unknown keys."""
    assert set(body) == keys, {"missing": keys - set(body), "unknown": set(body) - keys}
