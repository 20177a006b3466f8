"""The keys of a risk policy: what their values mean, which value is tighter, and the presets.

A key without a value sets no limit; ``KEYS`` is the only list of keys that can be set. A limit is
inclusive: exactly at a maximum passes.
"""

from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from zoneinfo import ZoneInfo

from oms.domain.errors import Invalid
from oms.domain.money import NotADecimal, decimal_text, parse_decimal
from oms.domain.value import value

PolicyValue = Decimal | bool | frozenset[str] | str
"""A number, a flag, a set of symbols, or a time zone."""

SYMBOLS_MAX = 1000


class KeyKind(StrEnum):
    """What the value of a key is, and which of two values is tighter."""

    #: A largest number; the smaller is tighter.
    MAXIMUM = "maximum"
    #: A smallest number; the larger is tighter.
    MINIMUM = "minimum"
    #: A time without entries; the longer is tighter.
    PAUSE = "pause"
    #: A flag that allows; ``false`` is tighter.
    FLAG = "flag"
    #: The symbols that are allowed; only those in both are.
    SYMBOLS = "symbols"
    #: A time zone; that of the narrower scope rules.
    ZONE = "zone"


@value
class PolicyKey:
    """One key of a policy."""

    name: str
    kind: KeyKind
    #: Reason of the refusals that it causes; empty of a key that refuses nothing itself.
    reason: str
    #: Whether only whole numbers are values.
    is_count: bool = False
    #: The largest number that is a value; ``None``: any.
    largest: Decimal | None = None
    #: Whether its check needs a price of the order, and whether of everything that is held.
    needs_price: bool = False
    needs_marks: bool = False
    #: Whether it needs the equity of the account.
    needs_equity: bool = False
    #: Whether it needs what all positions become with the order.
    needs_positions: bool = False
    #: Whether orders are compared with it; the others are read where they apply.
    judges_orders: bool = True
    #: Whether it is measured over accounts only, never over a strategy.
    is_of_account: bool = False


_MAX, _MIN = KeyKind.MAXIMUM, KeyKind.MINIMUM
_TABLE = (
    PolicyKey(
        name="allow_new_positions",
        kind=KeyKind.FLAG,
        reason="new_positions_disabled",
        judges_orders=False,
    ),
    PolicyKey(name="allowed_symbols", kind=KeyKind.SYMBOLS, reason="symbol_not_allowed"),
    PolicyKey(
        name="duplicate_order_window_seconds",
        kind=KeyKind.PAUSE,
        reason="duplicate_order",
        is_count=True,
        largest=Decimal(3600),
    ),
    PolicyKey(
        name="max_orders_per_minute", kind=_MAX, reason="max_orders_per_minute", is_count=True
    ),
    PolicyKey(
        name="cooldown_seconds_after_losses",
        kind=KeyKind.PAUSE,
        reason="cooldown_seconds_after_losses",
        is_count=True,
        largest=Decimal(86400 * 30),
    ),
    PolicyKey(
        name="losses_in_a_row",
        kind=_MAX,
        reason="",
        is_count=True,
        largest=Decimal(100),
        judges_orders=False,
    ),
    PolicyKey(name="price_collar_pct", kind=_MAX, reason="price_collar", needs_price=True),
    PolicyKey(name="max_slippage_bps", kind=_MAX, reason="max_slippage_bps", needs_price=True),
    PolicyKey(
        name="max_open_positions",
        kind=_MAX,
        reason="max_total_open_reached",
        is_count=True,
        needs_positions=True,
    ),
    PolicyKey(
        name="max_open_positions_per_symbol",
        kind=_MAX,
        reason="max_symbol_open_reached",
        is_count=True,
        needs_positions=True,
    ),
    PolicyKey(
        name="max_open_orders_per_symbol", kind=_MAX, reason="max_open_orders", is_count=True
    ),
    PolicyKey(name="max_order_qty.crypto", kind=_MAX, reason="max_order_qty"),
    PolicyKey(name="max_order_qty.stock", kind=_MAX, reason="max_order_qty"),
    PolicyKey(name="min_order_notional", kind=_MIN, reason="min_order_notional", needs_price=True),
    PolicyKey(name="max_order_notional", kind=_MAX, reason="max_order_notional", needs_price=True),
    PolicyKey(
        name="max_position_notional",
        kind=_MAX,
        reason="max_size_per_position_exceeded",
        needs_price=True,
        needs_positions=True,
    ),
    PolicyKey(
        name="max_capital_per_position_pct",
        kind=_MAX,
        reason="max_capital_pct",
        needs_price=True,
        needs_equity=True,
        needs_positions=True,
    ),
    PolicyKey(
        name="max_total_exposure",
        kind=_MAX,
        reason="max_total_exposure",
        needs_price=True,
        needs_marks=True,
        needs_positions=True,
    ),
    PolicyKey(
        name="max_leverage",
        kind=_MAX,
        reason="max_leverage",
        needs_price=True,
        needs_marks=True,
        needs_equity=True,
        needs_positions=True,
    ),
    PolicyKey(
        name="daily_loss_limit",
        kind=_MAX,
        reason="daily_loss_limit",
        needs_equity=True,
        is_of_account=True,
    ),
    PolicyKey(
        name="daily_loss_limit_pct",
        kind=_MAX,
        reason="daily_loss_limit",
        needs_equity=True,
        is_of_account=True,
    ),
    PolicyKey(
        name="max_total_drawdown_pct",
        kind=_MAX,
        reason="max_drawdown",
        needs_equity=True,
        is_of_account=True,
    ),
    PolicyKey(name="max_signals_per_day", kind=_MAX, reason="max_signals", is_count=True),
    PolicyKey(
        name="max_signals_per_symbol_per_day", kind=_MAX, reason="max_signals", is_count=True
    ),
    PolicyKey(
        name="auto_reject_rate_per_minute",
        kind=_MAX,
        reason="",
        is_count=True,
        is_of_account=True,
        judges_orders=False,
    ),
    PolicyKey(
        name="risk_day_zone",
        kind=KeyKind.ZONE,
        reason="",
        is_of_account=True,
        judges_orders=False,
    ),
)

KEYS: Mapping[str, PolicyKey] = MappingProxyType({key.name: key for key in _TABLE})
"""The keys in the order in which they are checked."""

SIGNAL_KEYS = frozenset({"max_signals_per_day", "max_signals_per_symbol_per_day"})
"""Keys that entries of signals are compared with."""

ACTIVITY_KEYS = SIGNAL_KEYS | {"max_orders_per_minute", "cooldown_seconds_after_losses"}
"""Keys that are compared with what the account did lately."""

PRICES_ONLY = frozenset({"price_collar_pct", "max_slippage_bps"})
"""Keys that compare prices only: they count no money."""

LOSS_KEYS = frozenset({"daily_loss_limit", "daily_loss_limit_pct", "max_total_drawdown_pct"})
"""Keys whose limits the account reaches by itself, also without an order."""

_STANDARD: Mapping[str, PolicyValue] = {
    "price_collar_pct": Decimal(10),
    "max_open_positions": Decimal(5),
    "max_open_positions_per_symbol": Decimal(2),
    "max_open_orders_per_symbol": Decimal(5),
    "min_order_notional": Decimal(10),
    "max_order_notional": Decimal(10000),
    "max_position_notional": Decimal(10000),
    "max_capital_per_position_pct": Decimal(10),
    "daily_loss_limit": Decimal(5000),
    "daily_loss_limit_pct": Decimal(3),
    "max_total_drawdown_pct": Decimal(25),
    "auto_reject_rate_per_minute": Decimal(20),
}

PRESETS: Mapping[str, Mapping[str, PolicyValue]] = MappingProxyType(
    {
        "open": {},
        "standard": _STANDARD,
        "strict": {
            **_STANDARD,
            "duplicate_order_window_seconds": Decimal(2),
            "price_collar_pct": Decimal(5),
            "max_order_qty.crypto": Decimal(1),
            "max_order_qty.stock": Decimal(100),
            "max_total_exposure": Decimal(50000),
            "auto_reject_rate_per_minute": Decimal(10),
        },
        "small": {
            **_STANDARD,
            "max_position_notional": Decimal(10),
            "min_order_notional": Decimal(1),
        },
    }
)
"""The limits that a preset sets, by its name; it sets no other key."""


def keys_needing_equity(preset: str) -> tuple[str, ...]:
    """Return the keys of a preset that refuse entries while the equity is not known."""
    return tuple(key for key in PRESETS[preset] if KEYS[key].needs_equity)


def parse_policy_value(name: str, sent: object) -> PolicyValue | None:
    """Return the value of a key as it was sent or stored; ``None`` sets no limit.

    0, ``true`` of a flag and an empty list set no limit, either. Raises ``Invalid`` with the reason
    ``unknown_key`` or ``value``.
    """
    key = KEYS.get(name)
    if key is None:
        message = f"{name[:64]!r} is not a key of a risk policy; use one of {', '.join(KEYS)}"
        raise Invalid(message, reason="unknown_key")
    if sent is None:
        return None
    match key.kind:
        case KeyKind.FLAG:
            if not isinstance(sent, bool):
                raise _invalid(name, "true or false is expected")
            return None if sent else False
        case KeyKind.SYMBOLS:
            return _parse_symbols(name, sent)
        case KeyKind.ZONE:
            return _parse_zone(name, sent)
        case KeyKind.MAXIMUM | KeyKind.MINIMUM | KeyKind.PAUSE:
            return _parse_number(key, sent)


def policy_value_text(setting: PolicyValue) -> str | bool | list[str]:
    """Return the value as it is stored and returned: a text, a flag, a sorted list."""
    if isinstance(setting, Decimal):
        return decimal_text(setting)
    return setting if isinstance(setting, bool | str) else sorted(setting)


def tighter(kind: KeyKind, left: PolicyValue, right: PolicyValue) -> PolicyValue:
    """Return the tighter of two values; of two lists what both contain, of zones ``right``."""
    if kind is KeyKind.ZONE:
        return right
    if isinstance(left, frozenset) and isinstance(right, frozenset):
        return left & right
    assert isinstance(left, Decimal | bool) and isinstance(right, Decimal | bool)
    is_larger_tighter = kind in (KeyKind.MINIMUM, KeyKind.PAUSE)
    return max(left, right) if is_larger_tighter else min(left, right)


def _parse_symbols(name: str, sent: object) -> frozenset[str] | None:
    is_list = isinstance(sent, list | tuple) and all(isinstance(s, str) and s for s in sent)
    if not is_list or len(symbols := frozenset(sent)) > SYMBOLS_MAX:  # type: ignore[call-overload]
        raise _invalid(name, f"a list of at most {SYMBOLS_MAX} symbols is expected")
    return symbols or None


def _parse_zone(name: str, sent: object) -> str | None:
    if not isinstance(sent, str):
        raise _invalid(name, "the name of a time zone is expected")
    try:
        return ZoneInfo(sent).key if sent else None
    except (ValueError, OSError, KeyError):  # ZoneInfoNotFoundError is a KeyError
        raise _invalid(name, f"{sent[:64]!r} is not an IANA time zone, as Europe/Berlin") from None


def _parse_number(key: PolicyKey, sent: object) -> Decimal | None:
    if isinstance(sent, bool) or not isinstance(sent, str | int | Decimal):
        raise _invalid(key.name, "a decimal number is expected")
    try:
        number = parse_decimal(sent)
    except NotADecimal as error:
        raise _invalid(key.name, str(error)) from None
    if number < 0:
        raise _invalid(key.name, "it may not be negative")
    if key.is_count and number != number.to_integral_value():
        raise _invalid(key.name, "a whole number is expected")
    if key.largest is not None and number > key.largest:
        raise _invalid(key.name, f"at most {decimal_text(key.largest)} is allowed")
    return number or None


def _invalid(name: str, problem: str) -> Invalid:
    return Invalid(f"{name}: {problem}", reason="value")
