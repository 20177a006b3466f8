"""Allow-lists of ccxt methods by class. Methods in no list are never allowed.

The lists are complete and exact; methods of newer ccxt versions are not allowed until they are
listed here. Names are ccxt's in snake_case; ``wire.ccxt.method_names`` converts other spellings.
"""

import re
from collections.abc import Iterable, Mapping
from enum import StrEnum
from types import MappingProxyType


class MethodClass(StrEnum):
    """Class of a ccxt method."""

    READ = "read"
    TRADE = "trade"
    STREAM = "stream"
    NEVER = "never"


def _words(text: str, prefix: str = "") -> frozenset[str]:
    return frozenset(f"{prefix}{word}" for word in text.split())


META_READS = _words(
    "describe id name has features timeframes limits fees precision_mode symbols currencies"
    " markets market market_id load_markets load_time_difference amount_to_precision"
    " price_to_precision cost_to_precision fee_to_precision currency_to_precision calculate_fee"
    " milliseconds seconds iso8601 parse8601 parse_timeframe"
)
"""Methods that describe the exchange or compute locally."""

MARKET_READS = _words(
    "markets currencies status time ticker tickers bids_asks last_prices mark_price mark_prices"
    " order_book order_books l2_order_book l3_order_book trades ohlcv mark_ohlcv index_ohlcv"
    " premium_index_ohlcv funding_rate funding_rates funding_rate_history funding_interval"
    " funding_intervals open_interest open_interests open_interest_history liquidations"
    " long_short_ratio long_short_ratio_history greeks all_greeks option option_chain"
    " volatility_history settlement_history leverage_tiers market_leverage_tiers borrow_rate"
    " cross_borrow_rate cross_borrow_rates isolated_borrow_rate isolated_borrow_rates"
    " trading_limits fees transaction_fee transaction_fees deposit_withdraw_fee"
    " deposit_withdraw_fees convert_currencies adl_rank",
    "fetch_",
)
"""Reads of market data."""

RAW_READS: Mapping[str, str] = MappingProxyType(
    {
        "fapi_private_get_position_side_dual": "fapiPrivateGetPositionSideDual",
        "fapi_private_get_multi_assets_margin": "fapiPrivateGetMultiAssetsMargin",
    }
)
"""The only raw requests that are answered, by ccxt's spelling: settings of a Binance account."""

ACCOUNT_READS = _words(
    "balance free_balance used_balance total_balance partial_balance accounts order orders"
    " open_order open_orders closed_order closed_orders canceled_orders"
    " canceled_and_closed_orders order_trades order_status order_with_client_order_id my_trades"
    " my_liquidations position positions positions_for_symbol positions_risk position_history"
    " positions_history position_mode position_adl_rank positions_adl_rank leverage leverages"
    " margin_mode margin_modes margin_adjustment_history funding_history borrow_interest"
    " trading_fee trading_fees ledger ledger_entry deposits withdrawals deposits_withdrawals"
    " transactions transfer transfers convert_trade convert_trade_history",
    "fetch_",
) | {"is_unified_enabled", *RAW_READS}
"""Reads of the account."""

STRATEGY_READS = _words(
    "order orders open_order open_orders closed_order closed_orders canceled_orders"
    " canceled_and_closed_orders order_trades order_status order_with_client_order_id my_trades"
    " my_liquidations position positions positions_for_symbol positions_risk position_history"
    " positions_history position_adl_rank positions_adl_rank margin_adjustment_history"
    " funding_history ledger ledger_entry",
    "fetch_",
)
"""Reads of orders, trades, positions and what was booked for them: rows of every strategy."""

READ_METHODS = META_READS | MARKET_READS | ACCOUNT_READS

ENTRY_METHODS = _words(
    "order orders limit_order market_order limit_buy_order limit_sell_order market_buy_order"
    " market_sell_order market_order_with_cost market_buy_order_with_cost"
    " market_sell_order_with_cost post_only_order reduce_only_order stop_order stop_limit_order"
    " stop_market_order stop_loss_order take_profit_order trigger_order trailing_amount_order"
    " trailing_percent_order twap_order order_with_take_profit_and_stop_loss",
    "create_",
) | _words(
    "order orders limit_order limit_buy_order limit_sell_order order_with_client_order_id",
    "edit_",
)
"""Methods that may open or increase a position."""

CANCEL_METHODS = _words(
    "order orders all_orders all_orders_after orders_for_symbols order_with_client_order_id"
    " orders_with_client_order_ids",
    "cancel_",
)
"""Methods that cancel orders; risk checks never block them."""

TRADE_METHODS = (
    ENTRY_METHODS
    | CANCEL_METHODS
    | _words(
        "close_position close_all_positions set_leverage set_margin_mode set_position_mode"
        " set_margin add_margin reduce_margin"
    )
)
"""Methods that change state at the exchange."""

_OPENS_NOTHING = (
    *("fetch_", "watch_", "un_watch_", "cancel_", "withdraw", "transfer", "set_"),
    *("create_deposit_address", "add_margin", "reduce_margin", "repay_"),
)
_NOT_TO_BE_ALLOWED = frozenset({"close", "set_sandbox_mode", "enable_demo_trading"})
_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")

_LISTS: Mapping[MethodClass, frozenset[str]] = MappingProxyType(
    {MethodClass.READ: READ_METHODS, MethodClass.TRADE: TRADE_METHODS}
)


def method_class_of(func: str) -> MethodClass:
    """Return the class of a method by its snake_case name; ``NEVER`` if it is not listed."""
    for method_class, names in _LISTS.items():
        if func in names:
            return method_class
    if func.startswith(("watch_", "un_watch_")) or func.endswith("_ws"):
        return MethodClass.STREAM
    return MethodClass.NEVER


def may_open(func: str) -> bool:
    """Return whether the method may open a position.

    All may that are neither listed for something else, nor reads or transfers by their name.
    """
    if func in ENTRY_METHODS:
        return True
    if func in READ_METHODS or func in TRADE_METHODS:
        return False
    return not func.startswith(_OPENS_NOTHING) and "_get_" not in func


def is_trade_method(func: str) -> bool:
    """Return whether the method counts as a trade: all methods but the listed reads do."""
    return func not in READ_METHODS


def is_allowable(func: str) -> bool:
    """Return whether the account option ``ccxt_allow`` may name the method."""
    if func in _NOT_TO_BE_ALLOWED or not _NAME.fullmatch(func):
        return False
    return method_class_of(func) is MethodClass.NEVER


def filter_allowable(names: Iterable[str]) -> frozenset[str]:
    """Return the names among ``names`` that an account may allow."""
    return frozenset(name for name in names if is_allowable(name))
