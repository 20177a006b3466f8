"""Which ccxt methods may be called at all: the reads, listed one by one. Not listed is never."""

import re

_META = (
    "describe id name has features timeframes limits fees precision_mode symbols currencies"
    " markets market market_id load_markets load_time_difference amount_to_precision"
    " price_to_precision cost_to_precision fee_to_precision currency_to_precision calculate_fee"
    " milliseconds seconds iso8601 parse8601 parse_timeframe"
)
_MARKET = (
    "markets currencies status time ticker tickers bids_asks last_prices mark_price mark_prices"
    " order_book order_books l2_order_book l3_order_book trades ohlcv mark_ohlcv index_ohlcv"
    " premium_index_ohlcv funding_rate funding_rates funding_rate_history funding_interval"
    " funding_intervals open_interest open_interests open_interest_history liquidations"
    " long_short_ratio long_short_ratio_history greeks all_greeks option option_chain"
    " volatility_history settlement_history leverage_tiers market_leverage_tiers borrow_rate"
    " cross_borrow_rate cross_borrow_rates isolated_borrow_rate isolated_borrow_rates"
    " trading_limits fees transaction_fee transaction_fees deposit_withdraw_fee"
    " deposit_withdraw_fees convert_currencies adl_rank"
)
_ACCOUNT = (
    "balance free_balance used_balance total_balance partial_balance accounts order orders"
    " open_order open_orders closed_order closed_orders canceled_orders"
    " canceled_and_closed_orders order_trades order_status order_with_client_order_id my_trades"
    " my_liquidations position positions positions_for_symbol positions_risk position_history"
    " positions_history position_mode position_adl_rank positions_adl_rank leverage leverages"
    " margin_mode margin_modes margin_adjustment_history funding_history borrow_interest"
    " trading_fee trading_fees ledger ledger_entry deposits withdrawals deposits_withdrawals"
    " transactions transfer transfers convert_trade convert_trade_history"
)

READS = frozenset(_META.split()) | {f"fetch_{name}" for name in f"{_MARKET} {_ACCOUNT}".split()}
"""Methods of class read."""

CORE_READS = frozenset(
    {
        "fetch_order",
        "fetch_open_orders",
        "fetch_balance",
        "load_markets",
        "fetch_markets",
        "fetch_ticker",
        "fetch_tickers",
    }
)
"""The reads of ``/ccxt/core``; its other two methods trade."""

_HUMP = re.compile(r"(?<=[a-z0-9])([A-Z])|(?<=[A-Z])([A-Z])(?=[a-z])")


def snake_case(func: str) -> str:
    """``fetchOrderBook`` as ``fetch_order_book``; snake_case stays as it is."""
    if func.islower():
        return func
    if func in ("fetchOHLCV", "fetchMarkOHLCV", "fetchIndexOHLCV", "fetchPremiumIndexOHLCV"):
        func = func.replace("OHLCV", "Ohlcv")
    return _HUMP.sub(lambda match: "_" + match.group(0), func).lower()


def is_stream(func: str) -> bool:
    """Whether the method streams, which calls cannot."""
    return func.startswith(("watch_", "un_watch_")) or func.endswith("_ws")
