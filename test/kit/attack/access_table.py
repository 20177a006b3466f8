"""For each operation and command: its action in the documented permission table.

An operation without a row here fails the program that uses the table.
"""

from collections.abc import Mapping

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
list_candles read none
list_coverage read none
list_gaps read none
list_instruments read none
list_catalog read none
get_catalog_strategy read none
reload_catalog admin none
run_strategy read none
list_backtests read none
request_backtest research none
request_sweep research none
list_backtest_combinations read none
compare_backtests read none
get_backtest read none
delete_backtest research none
list_backtest_trades read none
list_backtest_round_trips read none
get_backtest_equity read none
get_backtest_report read none
list_ingestions read none
set_ingestion admin none
list_bots read none
list_bot_figures read none
create_bot automate account
get_bot read bot
change_bot automate bot
delete_bot automate bot
start_bot automate bot
restart_bot automate bot
stop_bot automate bot
list_bot_events read bot
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
get_result_curves read account
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
ACCOUNT_WIDE = frozenset(
    {
        *("list_audit_entries", "pull_kill_switch", "release_kill_switch", "get_equity"),
        *("set_risk_policy", "apply_risk_preset", "reset_risk", "get_risk_usage", "arm_deadman"),
        *("list_alerts", "create_alert", "delete_alert"),
    }
)
#: Operations that would change how the own account trades in later probes.
ON_SPARE_ACCOUNT = frozenset(
    (
        *("reset_paper_account", "pull_kill_switch", "set_risk_policy", "apply_risk_preset"),
        *("reset_risk", "arm_deadman"),
    )
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
