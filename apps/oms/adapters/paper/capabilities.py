"""Capabilities of the paper exchange, in the same fields as those of real venues."""

from typing import Any

from oms.domain.orders.order_types import ORDER_TYPES

_FORCES = ("FOK", "GTC", "GTD", "IOC", "PO")
_KINDS = ("spot", "linear")


def paper_capabilities() -> dict[str, Any]:
    """Returns the capabilities by field."""
    both = dict.fromkeys(_KINDS, True)
    lists = {"symbol_required": False, "page": None, "span_days": None, "back_days": None}
    return {
        "client_id": {"rendering": "the order's id", "look_up": "id", "unique_for": None},
        "order_types": {kind: sorted(ORDER_TYPES) for kind in _KINDS},
        "time_in_force": {kind: list(_FORCES) for kind in _KINDS},
        "expiry": dict.fromkeys(_KINDS, "native"),
        "post_only": both,
        "native_exits": {kind: kind != "spot" for kind in _KINDS},
        "reduce_only": dict.fromkeys(_KINDS, "native"),
        "trigger": both,
        "trigger_direction": True,
        "attached_tp_sl": list(_KINDS),
        "conditional_list": dict.fromkeys(_KINDS, "same"),
        "trailing": both,
        "hedge": "unified",
        "read_position_mode": True,
        "edit": dict.fromkeys(_KINDS, "native"),
        "edit_fields": [
            *("price", "qty", "trigger_price"),
            *("trailing_amount", "trailing_percent", "time_in_force", "expires_at"),
        ],
        "order_batch": dict.fromkeys(_KINDS),
        "cancel_all_after": False,
        "deadman_timer_seconds": None,
        "request_expiry_ms": None,
        "trades": dict.fromkeys(_KINDS, lists),
        "closed_orders": dict.fromkeys(_KINDS, lists),
        "spot_fee_currency": "base on a buy, quote on a sell",
        "contract_size": "1",
        "streams": ["orders", "trades", "positions", "balance"],
        "environments": ["paper"],
        "environment": "paper",
        "label": None,
    }
