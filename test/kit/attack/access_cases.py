"""One request per operation of the OpenAPI document and per command, for own and foreign ids.

The table names, for each operation, the action of the documented permission table and how the
request names its account. An operation without a row here fails the program that uses it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from kit.attack.target import SYMBOL, AccountIds, AttackTarget, with_ids

UNKNOWN_ID = 2**40
UNKNOWN = AccountIds(**dict.fromkeys(AccountIds.__slots__, UNKNOWN_ID))

#: ``operation action reach``; reach ``none``: no account; ``all``: all accounts; ``account``: by
#: its id; ``rows``: ids of rows, unreadable ones are left out; others: the id of one row.
_OPERATIONS = """
get_metrics audit none
get_metric_series admin none
list_exchanges self none
get_dispatcher_status self none
get_health_report self none
clear_cache self none
set_paper_price paper account
deposit_paper_money paper account
reset_paper_account paper account
call_ccxt_core market account
call_ccxt market account
call_ccxt_many market account
list_open_orders read account
list_open_positions read account
list_orders read account
list_positions read account
list_deals read account
export_orders read account
export_positions read account
export_deals read account
get_orders read rows
get_deals read rows
get_positions read rows
get_order_timeline read order
get_order_lineage read order
list_accounts read none
list_events read account
get_command read command
list_commands read account
list_raw_orders read account
list_raw_trades read account
list_reconcile_status read none
get_reconcile_status read account
list_strategy_switches read account
reassign_orders reassign account
reconcile_accounts reconcile account
switch_account risk_switch account
switch_strategy risk_switch account
set_account_status risk_block account
log_out self none
get_caller self none
change_session_key self none
touch_session self none
confirm_session self none
list_own_sessions self none
revoke_own_session self session
list_sessions admin none
revoke_session admin none
get_preferences self none
set_preferences self none
list_share_links self none
create_share_link read account
revoke_share_link self none
get_profile self none
change_profile self none
change_password self none
list_own_keys self none
create_own_key self none
change_own_key self key
list_own_permissions self none
list_own_key_permissions self key
list_strategies read none
create_strategy strategy_create account
list_account_groups read none
create_account_group strategy_create account
change_account_group strategy_create none
delete_account_group strategy_create none
list_all_strategies admin none
create_any_strategy admin none
change_strategy admin none
list_all_accounts admin none
create_account admin none
change_account admin none
list_sinks admin none
create_sink admin none
change_sink admin none
test_sink admin none
list_deliveries admin none
redeliver admin none
list_session_overrides admin none
set_session_override admin none
delete_session_override admin none
list_users admin none
change_user admin none
list_all_keys admin none
create_user admin none
create_key admin none
change_key admin none
list_key_permissions admin none
set_key_permission admin none
list_audit_entries audit account
list_any_rows admin none
mutate_rows admin none
list_discrepancies read none
list_reconcile_inbox read none
apply_discrepancy reassign discrepancy
dismiss_discrepancy reassign discrepancy
apply_reconcile_inbox reassign discrepancy
dismiss_reconcile_inbox reassign discrepancy
pull_kill_switch kill_on account
list_kill_switches read none
get_kill_switch read kill
release_kill_switch kill_off kill
arm_deadman trade account
list_deadman_switches read none
beat_deadman trade deadman
disarm_deadman trade deadman
get_oms_switch self none
set_oms_switch kill_off all
get_risk_policy read account
get_portfolio read account
get_statistics read account
get_equity read account
get_summary read account
get_execution_quality read account
get_risk_usage read account
list_alerts read account
create_alert trade account
delete_alert trade account
check_risk read account
preview_commands read account
set_risk_policy kill_off account
apply_risk_preset kill_off account
reset_risk kill_off account
get_exchange_capabilities self none
get_account_capabilities read account
get_account_connection read account
refresh_order reconcile order
resolve_order reassign order
close_position close position
list_signals read account
get_signal read none
list_signal_sources admin none
create_signal_source admin none
change_signal_source admin none
rotate_signal_source admin none
try_signal_source admin none
"""
#: Operations that concern all strategies of the account that the case names.
_ACCOUNT_WIDE = frozenset(
    {
        *("list_audit_entries", "pull_kill_switch", "release_kill_switch", "get_equity"),
        *("set_risk_policy", "apply_risk_preset", "reset_risk", "get_risk_usage", "arm_deadman"),
        *("list_alerts", "create_alert", "delete_alert"),
    }
)
#: Operations that would change how the own account trades in later probes.
_ON_SPARE_ACCOUNT = frozenset(
    {
        *("reset_paper_account", "pull_kill_switch", "set_risk_policy", "apply_risk_preset"),
        *("reset_risk", "arm_deadman"),
    }
)
PUBLIC = frozenset(
    {
        *("get_health", "get_liveness", "get_readiness", "get_version"),
        *("get_openapi_document", "log_in", "start_session", "get_shared_figures"),
        *("post_bounce_signal", "post_bounce_signal_by_token", "post_trade_signal"),
        *("post_trade_signal_by_token", "post_tradingview_signal"),
        *("post_tradingview_signal_by_token", "post_tradingview_signal_by_base_url"),
    }
)
ROWS: Mapping[str, tuple[str, str]] = {
    name: (action, reach)
    for name, action, reach in (line.split() for line in _OPERATIONS.strip().splitlines())
}
_COMMANDS = """
send_order trade
change_order trade
position_change trade
break_even trade
reverse_position trade
cancel_order cancel
cancel_all_orders cancel
close_position close
close_all close
close_by close
merge_positions close
"""
COMMAND_ACTIONS = dict(line.split() for line in _COMMANDS.strip().splitlines())
_UNKNOWN = "discrepancy deadman alert session override sink delivery signal source share_link"
_PATH_VALUES = {
    "func": "fetch_ticker",
    "exchange_id": "paper.binance",
    "view": "open_orders",
    "entity": "orders",
    **dict.fromkeys((f"{each}_id" for each in _UNKNOWN.split()), UNKNOWN_ID),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessCase:
    """One request; ``of`` says whose ids it names: own, other (strategy), foreign, unknown."""

    name: str
    action: str
    reach: str
    of: str
    method: str
    target: str
    body: Any = None
    has_comment: bool = True
    is_restricted_refused: bool = False


def operation_cases(target: AttackTarget, document: Any) -> Iterator[AccessCase]:
    """Cases of all operations that need a credential, except commands."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            name = operation["operationId"]
            if name in PUBLIC or name == "send_commands":
                continue
            action, reach = ROWS[name]
            owners: tuple[str, ...] = ("own", "foreign", "unknown")
            if reach in ("none", "all"):
                owners = ("own",)
            elif reach in ("discrepancy", "deadman", "session"):
                owners = ("unknown",)
            elif reach in ("order", "position", "rows", "command"):
                owners += ("other",)
            for of in owners:
                yield _operation_case(target, (method, path), operation, (name, action, reach), of)


def _operation_case(
    target: AttackTarget,
    route: tuple[str, str],
    operation: Any,
    row: tuple[str, str, str],
    of: str,
) -> AccessCase:
    method, path = route
    name, action, reach = row
    ids = _ids(target, of)
    account_id = ids.account_id
    if of == "own" and name in _ON_SPARE_ACCOUNT:
        account_id = target.spare_account_id
    order_id = ids.order_id
    key_id = target.foreign_key_id if of == "foreign" else target.spare_key_id
    rows_by_path = {"orders": order_id, "deals": ids.deal_id, "positions": ids.position_id}
    values: dict[str, Any] = {
        **_PATH_VALUES,
        "account_id": account_id,
        "order_id": order_id,
        "position_id": ids.position_id,
        "command_id": ids.command_id,
        "kill_id": ids.kill_id,
        "user_id": target.spare_user_id,
        "api_key_id": UNKNOWN_ID if of == "unknown" else key_id,
        "strategy_id": target.spare_strategy_id,
        "group_id": UNKNOWN_ID,
        "ids": rows_by_path.get(path.split("/")[2] if path.count("/") > 1 else "", 0),
    }
    filled = path.format_map(values)
    in_query = {p["name"] for p in map(_named, operation["parameters"]) if p.get("in") == "query"}
    given = {"account_ids": account_id, "since": "2020-01-01", "wait_ms": 0, "format": "json"}
    given |= {"scope": "account", "scope_id": account_id, "account_id": account_id}
    query = "&".join(f"{key}={value}" for key, value in given.items() if key in in_query)
    body = None
    if "requestBody" in operation:
        content = operation["requestBody"]["content"]["application/json"]
        ids_of_body = {
            "account_id": account_id,
            "account_ids": [account_id],
            "order_ids": [order_id],
            "scope_id": account_id,
            "strategy_id": ids.strategy_id,
            "user_id": target.spare_user_id,
            "allow_new_positions": True,
            "date": (datetime.now(UTC) + timedelta(days=30)).date().isoformat(),
            "row": {"id": order_id, "comment": "manual correction"},
        }
        body = with_ids(content["example"], ids_of_body)
        if name == "close_position":
            body = {"qty": "0.001", "comment": "because"}
        if name == "pull_kill_switch":
            body["drill"] = True
        if name == "check_risk":
            body["order"]["strategy_id"] = ids.strategy_id
        if name == "preview_commands":
            body["payload"]["strategy_id"] = ids.strategy_id
        if name == "set_oms_switch":
            body["enabled"] = True
    return AccessCase(
        name=name,
        action=action,
        reach=reach,
        of=of,
        method=method.upper(),
        target=f"{filled}?{query}" if query else filled,
        body=body,
        is_restricted_refused=name in _ACCOUNT_WIDE,
    )


def _named(parameter: Any) -> Any:
    """A parameter, or an empty one for a reference to a common header."""
    return parameter if "name" in parameter else {"name": ""}


def command_cases(target: AttackTarget) -> Iterator[AccessCase]:
    """Every command on own, foreign and unknown ids, with and without the account's id."""
    for of in ("own", "other", "foreign", "unknown"):
        ids = _ids(target, of)
        for command, action in COMMAND_ACTIONS.items():
            is_bulk = command in ("cancel_all_orders", "close_all")
            if of == "other" and is_bulk:
                continue
            account_id = target.spare_account_id if is_bulk and of == "own" else ids.account_id
            second = target.own.position_id if of == "other" else UNKNOWN_ID + 1
            payload = _payload(command, ids, second) | {"comment": "because"}
            if command == "change_order":
                del payload["comment"]
            envelope = {"account_id": account_id, "command": command, "payload": payload}
            yield _command_case(command, action, "account", of, envelope)
            if command in ("cancel_order", "change_order"):
                del envelope["account_id"]
                yield _command_case(command, action, "order", of, envelope)


def ccxt_trade_cases(target: AttackTarget) -> Iterator[AccessCase]:
    """A trade of each route of the ccxt gateway."""
    order = {"symbol": SYMBOL, "side": "buy", "order_type": "market", "amount": "0.01"}
    args = {"args": [SYMBOL, "market", "buy", 0.01]}
    for of in ("own", "foreign", "unknown"):
        account_id = _ids(target, of).account_id
        item = {"account_id": account_id, "func": "cancel_all_orders", "args": [SYMBOL]}
        for route, body in (
            (f"{account_id}/createOrder", args),
            (f"{account_id}/create_order", args),
            (f"core/{account_id}/create_order", order),
            ("commands", [item]),
        ):
            yield AccessCase(
                name="ccxt trade",
                action="ccxt_trade",
                reach="account",
                of=of,
                method="POST",
                target=f"/ccxt/{route}?wait_ms=0",
                body=body,
                is_restricted_refused=True,
            )


def _command_case(
    command: str, action: str, reach: str, of: str, envelope: dict[str, Any]
) -> AccessCase:
    return AccessCase(
        name=command,
        action=action,
        reach=reach,
        of=of,
        method="POST",
        target="/oms/commands?wait_ms=0",
        body=dict(envelope),
        is_restricted_refused=of == "other",
    )


def _payload(command: str, ids: AccountIds, second: int) -> dict[str, Any]:
    order_id, strategy_id = ids.order_id, ids.strategy_id
    order = {"symbol": SYMBOL, "side": "buy", "order_type": "market", "qty": "0.01"}
    payloads: dict[str, dict[str, Any]] = {
        "send_order": order | {"strategy_id": strategy_id},
        "change_order": {"order_id": order_id, "new_qty": "0.02"},
        "position_change": {"position_id": ids.position_id},
        "break_even": {"position_id": ids.position_id},
        "reverse_position": {"position_id": ids.position_id},
        "cancel_order": {"order_id": order_id},
        "cancel_all_orders": {},
        "close_position": {"position_id": ids.position_id, "qty": "0.001"},
        "close_all": {},
        "close_by": {"position_id_a": ids.position_id, "position_id_b": second},
        "merge_positions": {"source_position_id": ids.position_id, "target_position_id": second},
    }
    return payloads[command]


def _ids(target: AttackTarget, of: str) -> AccountIds:
    return {"own": target.own, "other": target.other, "foreign": target.foreign}.get(of, UNKNOWN)
