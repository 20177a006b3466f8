"""Restrictions that ``extra_config.oms`` puts on the trading of an account."""

from collections.abc import Mapping
from typing import Any

from oms.adapters.ccxt.extra_config import RECEIVE_WINDOW_MS, parse_extra_config
from oms.adapters.ccxt.venues.capabilities import ACCOUNT, build_capabilities
from oms.adapters.ccxt.venues.catalog import load_venues
from oms.adapters.ccxt.venues.order_batches import OrderBatch
from oms.domain.account import Account
from oms.domain.errors import Invalid
from oms.domain.instrument import Instrument
from oms.domain.orders.order import Order
from oms.domain.orders.order_types import LIMIT_TYPES, TRAILING_STOP
from oms.domain.value import evolve, value
from oms.wire.json import loads

_UNAVAILABLE = (False, None, "none")
#: Capabilities of orders that stand for stop levels, and the values that they use.
_EXITS: tuple[tuple[str, object], ...] = (
    ("native_exits", True),
    ("reduce_only", True),
    ("trigger", True),
    ("order_types", "stop_market"),
    ("order_types", "take_profit_market"),
)


@value
class TradingSettings:
    """The settings of one account; the defaults restrict nothing."""

    #: Restricted capabilities by name, each with the values that are still allowed.
    restrictions: Mapping[str, Any]
    inflight_writes_max: int | None = None
    #: An order that was proven not placed is sent once more.
    resends_not_placed: bool = False
    #: Executions that are proven but missing are inferred.
    infers_fills: bool = True
    #: How much longer a request counts at the exchange than by default.
    extra_window_seconds: float = 0

    def allowed_batch(self, batch: OrderBatch | None) -> OrderBatch | None:
        """Returns ``batch`` for the kinds that ``order_batch`` does not exclude."""
        allowed = self.restrictions.get("order_batch")
        if batch is None or not isinstance(allowed, Mapping):
            return batch
        return evolve(batch, kinds=frozenset(each for each in batch.kinds if allowed.get(each)))

    def permits_exits(self, instrument: Instrument) -> bool:
        """Returns whether stop and take-profit market orders that reduce may be sent."""
        return self._permits(instrument, *_EXITS)

    def permits_trailing(self, instrument: Instrument) -> bool:
        """Returns whether trailing stop orders may be sent."""
        return self._permits(instrument, ("trailing", True), ("order_types", TRAILING_STOP))

    def permits_attached(self, instrument: Instrument) -> bool:
        """Returns whether exits may be attached to orders."""
        name, kind = "attached_tp_sl", instrument.kind.value
        return name not in self.restrictions or _has(self.restrictions[name], kind, kind)

    def _permits(self, instrument: Instrument, *used: tuple[str, object]) -> bool:
        kind, restrictions = instrument.kind.value, self.restrictions
        return all(
            name not in restrictions or _has(restrictions[name], kind, each) for name, each in used
        )

    def refuse(self, order: Order, instrument: Instrument) -> None:
        """Raises ``Invalid`` (``order_type_not_supported``) for an excluded order."""
        kind = instrument.kind.value
        in_force = order.time_in_force or ("GTC" if order.order_type in LIMIT_TYPES else None)
        is_post_only = order.post_only or in_force == "PO"
        used = {
            "time_in_force": "PO" if is_post_only else in_force,
            "order_types": order.order_type,
            "post_only": is_post_only or None,
            "reduce_only": order.reduce_only or None,
            "trigger": order.trigger_price is not None or None,
            "trailing": order.order_type == TRAILING_STOP or None,
        }
        for name, used_value in used.items():
            if (
                used_value is not None
                and name in self.restrictions
                and not _has(self.restrictions[name], kind, used_value)
            ):
                shown = name if used_value is True else used_value
                message = f"{shown} is disabled by oms.capabilities of the account"
                raise Invalid(message, code="order_type_not_supported")


def load_trading_settings(account: Account) -> TradingSettings:
    """Returns the settings; the defaults where they cannot be read, as no client opens then."""
    venue, environment = load_venues().get(account.venue), account.environment.value
    if venue is None:
        return TradingSettings(restrictions={})
    try:
        extra = parse_extra_config(loads(account.extra_config), venue, environment)
    except Invalid:
        return TradingSettings(restrictions={})
    fields = build_capabilities(venue, environment, extra.capabilities)
    return TradingSettings(
        restrictions={name: each.value for name, each in fields.items() if each.source == ACCOUNT},
        inflight_writes_max=extra.inflight_writes_max,
        resends_not_placed=extra.unknown_policy == "resend",
        infers_fills=extra.provisional_deals,
        extra_window_seconds=max(0, extra.receive_window_ms - RECEIVE_WINDOW_MS) / 1000,
    )


def _has(restrictions: Any, kind: str, value: object) -> bool:
    """Whether ``value`` is among the values still allowed for instruments of ``kind``."""
    allowed = restrictions.get(kind) if isinstance(restrictions, Mapping) else restrictions
    if isinstance(allowed, list | tuple):
        return value in allowed
    return allowed not in _UNAVAILABLE
