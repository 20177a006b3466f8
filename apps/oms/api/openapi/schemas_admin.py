"""Response schemas of users, keys, strategies, the audit log and the gateway's status."""

from collections.abc import Mapping

from oms.api.openapi.schema import (
    BOOLEAN,
    COUNT,
    DECIMAL,
    NUMBER,
    TEXT,
    Schema,
    any_of,
    array_of,
    enum_of,
    map_of,
    nullable,
    object_of,
    ref,
    row,
)
from oms.domain.access import Role

_ROLE = enum_of(*sorted(role.value for role in Role))
_STATUS = enum_of("active", "disabled")
_RESTRICTIONS = row(
    "expires_at:time? max_order_notional:dec? max_day_notional:dec?",
    ip_allowlist=nullable(array_of(TEXT)),
)
_FLAGS = (
    "can_read:bool can_trade:bool can_close_position:bool can_risk_manage:bool "
    "can_block_new_positions:bool can_block_account:bool restrict_to_strategies:bool"
)
_USER_SCHEMAS: Mapping[str, Schema] = {
    "User": row("user_id:id user_name:text role:text status:text created_at:time"),
    "Profile": row(
        "user_id:id user_name:text status:text api_key_id:id expires_at:time?",
        role=_ROLE,
        auth=enum_of("key", "token"),
    ),
    "Restrictions": _RESTRICTIONS,
    "ApiKey": row(
        "api_key_id:id user_id:id user_name:text role:text created_at:time label:text? "
        "key_prefix:text? last_used_at:time? last_used_ip:text?",
        status=_STATUS,
        restrictions=ref("Restrictions"),
    ),
    "UserApiKey": row(
        "user_id:id user_name:text role:text user_status:text api_key_id:id label:text? "
        "created_at:time key_prefix:text? last_used_at:time? last_used_ip:text?",
        api_key_status=_STATUS,
        restrictions=ref("Restrictions"),
    ),
    "Permission": row(
        f"api_key_id:id account_id:id {_FLAGS} status:text", strategy_ids=array_of(COUNT)
    ),
    # The clear text is returned once; a replay of the Idempotency-Key has null in its place.
    "NewKey": row("ok:bool user_id:id api_key_id:id api_key_plain:text? label:text?"),
    "Strategy": row(
        "strategy_id:id client_strategy_id:id? name:text account_ids:ids", status=_STATUS
    ),
    "AdminAccount": row(
        "account_id:id label:text exchange_id:text position_mode:text extra_config_json:object "
        "is_testnet:bool reconcile_enabled:bool reconcile_short_interval_seconds:count? "
        "reconcile_short_lookback_seconds:count? reconcile_hourly_interval_seconds:count? "
        "reconcile_hourly_lookback_seconds:count? reconcile_long_interval_seconds:count? "
        "reconcile_long_lookback_seconds:count? dispatcher_worker_hint:int? "
        "dispatcher_hint_updated_at:time? raw_storage_mode:text status:text created_at:time "
        "api_key_enc:text? secret_enc:text? passphrase_enc:text? credentials_updated_at:time? "
        "environment:text live_enabled:bool trader_name:text?"
    ),
    "AuditEntry": row(
        "id:id created_at:time account_id:count? actor:text actor_user_id:id? "
        "actor_api_key_id:id? actor_role:text? actor_ip:text? action:text entity:text "
        "entity_id:text before_json:any after_json:any comment:text? request_id:text?"
    ),
}
_CHECK = enum_of("ok", "failed")
_BY_ENGINE = map_of(COUNT)
_BY_WORKER = map_of(map_of(COUNT))
_PERCENTILES = row("p50:number? p95:number? p99:number?")
_DISPATCHER = row(
    "started_at:number total_requests:count total_errors:count accounts_mapped:count "
    "read_pool_size:count control_queue_depth:count ccxt_session_count_total:count "
    "ccxt_session_account_ids:ids ccxt_session_ttl_seconds:number? "
    "ccxt_session_oldest_age_seconds:number? auth_cache_ttl_seconds:number auth_cache_size:count "
    "auth_cache_hits:count auth_cache_misses:count auth_cache_invalidations:count "
    "permission_cache_ttl_seconds:number permission_cache_account_size:count "
    "permission_cache_strategy_size:count permission_cache_account_hits:count "
    "permission_cache_account_misses:count permission_cache_strategy_hits:count "
    "permission_cache_strategy_misses:count permission_cache_invalidations:count "
    "oms_query_cache_ttl_seconds:number oms_query_cache_size:count oms_query_cache_hits:count "
    "oms_query_cache_misses:count oms_query_cache_invalidations:count "
    "timing_samples_count:count outbox_lag_ms:number orders_unknown:count "
    "orders_unknown_age_seconds_max:number",
    pool_size_by_engine=_BY_ENGINE,
    op_counts=_BY_ENGINE,
    worker_inflight=_BY_WORKER,
    worker_active_accounts=_BY_WORKER,
    worker_queue_depth=_BY_WORKER,
    read_worker_inflight=map_of(COUNT),
    read_worker_queue_depth=map_of(COUNT),
    ccxt_session_count_by_engine=_BY_ENGINE,
    queue_wait_ms=_PERCENTILES,
    execute_ms=_PERCENTILES,
    op_timing_ms=map_of(
        row("count:count total_ms:number avg_ms:number max_ms:number p95_ms:number? p99_ms:number?")
    ),
    workers=array_of(row("worker_id:text host:text heartbeat_age_s:number accounts:count")),
)
_DETAIL = row(
    "code:text message:text request_id:text retryable:bool ccxt_class:text mt5_retcode:int? "
    "reason:text? set_by:text?",
    outcome=nullable(enum_of("not_sent", "rejected", "unknown")),
    limit=nullable(DECIMAL),
    value=nullable(DECIMAL),
)
_VALIDATION_ERROR = row("msg:text type:text", loc=array_of(any_of(TEXT, {"type": "integer"})))
_STATUS_SCHEMAS: Mapping[str, Schema] = {
    "Health": row("app:text env:text db_engine:text", status=enum_of("ok", "degraded")),
    "Ready": object_of(
        {
            "status": enum_of("ready", "not_ready"),
            "checks": object_of(
                dict.fromkeys(("database", "migrations", "workers", "queue", "outbox"), _CHECK)
            ),
        }
    ),
    "Version": row(
        "name:text version:text commit:text? schema_version:text? ccxt_version:text "
        "python_version:text"
    ),
    "Dispatcher": _DISPATCHER,
    "CacheCleared": row(
        "cleared_before:time account_count:count?", scope=enum_of("all", "visible_accounts")
    ),
    "Switched": row(
        "ok:bool account_id:id strategy_id:count? status:text? rows:count command_id:id",
        allow_new_positions=nullable(BOOLEAN),
    ),
    "StrategySwitch": row(
        "account_id:id strategy_id:id name:text status:text allow_new_positions:bool"
    ),
    "Reconciled": row(
        "account_id:id ok:bool fetched:count? new_deals:count? new_orders:count? "
        "discrepancies:count?",
        run_id=nullable(any_of(TEXT, COUNT)),
        watermark=nullable(any_of(TEXT, COUNT)),
        error=nullable(ref("ErrorDetail")),
    ),
    "ReconcileStatus": row(
        "account_id:id cursor_value:text? updated_at:time? lag_ms:number? discrepancies:count "
        "degraded:text? history_unreachable:time?",
        status=enum_of("fresh", "stale", "never"),
        age_seconds=nullable(NUMBER),
    ),
    "PaperDone": row("ok:bool account_ids:ids command_id:id command_ids:ids"),
    "CallDone": row("ok:bool result:any"),
    "ErrorDetail": object_of(
        _DETAIL["properties"],
        {
            "errors": array_of(_VALIDATION_ERROR),
            "results": {"type": "array", "items": {"type": "object"}},
        },
    ),
    "Error": object_of({"detail": ref("ErrorDetail")}),
}

SCHEMAS: Mapping[str, Schema] = {**_USER_SCHEMAS, **_STATUS_SCHEMAS}
"""Shapes by the name they have in the document."""
