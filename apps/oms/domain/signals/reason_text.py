"""Why a signal was not executed, as one line: ``code (name=value,...)``."""

from decimal import Decimal

from oms.domain.errors import Refused
from oms.domain.money import decimal_text, subtract

#: What the value of a refusal counts, by its reason; else ``value``.
_VALUE_NAMES = {
    "max_total_open_reached": "total",
    "max_symbol_open_reached": "count",
    "max_open_orders": "count",
    "max_orders_per_minute": "count",
    "max_signals": "count",
    "pyramiding_limit": "entries",
    "max_order_qty": "qty",
    "min_order_qty": "qty",
    "min_order_notional": "notional",
    "max_order_notional": "notional",
    "max_size_per_position_exceeded": "notional",
    "max_capital_pct": "notional",
    "max_total_exposure": "notional",
    "signal_slippage": "pct",
    "key_order_notional": "notional",
    "key_day_notional": "notional",
}
#: Reasons whose value counts the refused one as well; the text has the number before it.
_COUNTS_ONE_MORE = frozenset({"max_total_open_reached", "max_symbol_open_reached"})
_NAMES_SYMBOL = frozenset({"max_symbol_open_reached", "symbol_not_allowed", "market_closed"})
#: Details that are part of the text, by reason.
_FACTS = {
    "kill_switch": ("scope", "scope_id", "mode"),
    "signal_slippage": ("price", "signal_price"),
}


def reason_code(refused: Refused) -> str:
    """Return the reason of a refusal, its code if it has none."""
    return refused.reason or refused.code


def reason_text(refused: Refused, symbol: str) -> str:
    """Return the code of a refusal with what was measured and the limit, as far as known."""
    code = reason_code(refused)
    facts = refused.facts or {}
    pairs: list[tuple[str, str]] = [("symbol", symbol)] if code in _NAMES_SYMBOL else []
    names = _FACTS.get(code, ())
    pairs += [(name, text) for name in names if (text := facts.get(name)) is not None]
    if refused.value is not None:
        measured = subtract(refused.value, Decimal(code in _COUNTS_ONE_MORE))
        pairs.append((_VALUE_NAMES.get(code, "value"), decimal_text(measured)))
    if refused.limit is not None:
        pairs.append(("limit", decimal_text(refused.limit)))
    listed = ",".join(f"{name}={text}" for name, text in pairs)
    return f"{code} ({listed})" if listed else code
