"""Bodies of signals: of bounce, trade and TradingView callers. Unknown keys are stored and ignored.

Errors never repeat what was sent: a body may have a secret.
"""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Annotated, Any, Required

from pydantic import ConfigDict, PlainValidator, TypeAdapter, WithJsonSchema
from pydantic_core import PydanticCustomError
from typing_extensions import TypedDict

from oms.domain.money import ZERO
from oms.domain.signals.message import SignalMessage
from oms.domain.signals.signal import SignalAction, SignalKind
from oms.domain.signals.symbols import SYMBOL_CHARACTERS_MAX
from oms.wire.field_types import Comment, Id, IdOrZero, Moment, Positive, enum_schema, read_amount
from oms.wire.field_validation import alias_locations, drop_nulls, resolve_aliases, validate
from oms.wire.request_body import Malformed, malformed_at

REDACTED = "***"
SECRET_KEY = "secret"
ALERT_CHARACTERS_MAX = 128
TP_PCT_MAX, SL_PCT_MAX = Decimal(1000), Decimal(100)
_OPEN = ConfigDict(extra="ignore", strict=True)
_SIDES = {
    "buy": SignalAction.BUY,
    "long": SignalAction.BUY,
    "sell": SignalAction.SELL,
    "short": SignalAction.SELL,
}
_ACTIONS = {
    "buy": SignalAction.BUY,
    "sell": SignalAction.SELL,
    "close": SignalAction.CLOSE,
}
_ORDER_TYPES = ("market", "limit")
_MARKET_POSITIONS = ("long", "short", "flat")
#: Reasons of refused fields; other fields have none.
_REASONS = {
    "side": "invalid_side",
    "action": "invalid_side",
    "price": "invalid_price",
    "tp_pct": "invalid_levels",
    "sl_pct": "invalid_levels",
    "stop_loss": "invalid_levels",
    "stop_gain": "invalid_levels",
}


def _text_type(longest: int) -> Callable[[object], str]:
    def read(value: object) -> str:
        if not isinstance(value, str) or not value.strip() or not value.isprintable():
            raise PydanticCustomError("text", "a printable text is expected")
        if len(value) > longest:
            raise PydanticCustomError("text", "at most {most} characters", {"most": longest})
        return value.strip()

    return read


def _read_signed(value: object) -> Decimal:
    """Parse a decimal of any sign, or zero."""
    if value in (0, "0") and not isinstance(value, bool):
        return ZERO
    return read_amount(value)


SymbolText = Annotated[
    str,
    PlainValidator(_text_type(SYMBOL_CHARACTERS_MAX)),
    WithJsonSchema({"type": "string", "minLength": 1, "maxLength": SYMBOL_CHARACTERS_MAX}),
]
AlertId = Annotated[
    str,
    PlainValidator(_text_type(ALERT_CHARACTERS_MAX)),
    WithJsonSchema({"type": "string", "minLength": 1, "maxLength": ALERT_CHARACTERS_MAX}),
]
Signed = Annotated[
    Decimal, PlainValidator(_read_signed), WithJsonSchema({"type": ["string", "number"]})
]


class BounceFields(TypedDict, total=False):
    """``POST /signals/bounce``."""

    __pydantic_config__ = _OPEN  # type: ignore[misc]
    symbol: Required[SymbolText]
    side: Required[Annotated[str, enum_schema(_SIDES)]]
    price: Required[Positive]
    timestamp: Required[Moment]
    exchange: str
    timeframe_min: int
    strategy: str
    tp_pct: Positive
    sl_pct: Positive
    qty: Positive
    alert_id: AlertId


class TradeFields(TypedDict, total=False):
    """``POST /signals/trade``."""

    __pydantic_config__ = _OPEN  # type: ignore[misc]
    symbol: Required[SymbolText]
    side: Annotated[str, enum_schema(("buy", "sell"))]
    qty: Positive
    notional: Positive
    order_type: Annotated[str, enum_schema(_ORDER_TYPES)]
    price: Positive
    reason: Comment
    account_id: Id
    strategy_id: IdOrZero
    alert_id: AlertId
    timestamp: Moment
    stop_loss: Positive
    stop_gain: Positive
    position_size: Signed
    market_position: Annotated[str, enum_schema(_MARKET_POSITIONS)]


class TradingViewFields(TypedDict, total=False):
    """``POST /signals/tradingview``."""

    __pydantic_config__ = _OPEN  # type: ignore[misc]
    ticker: Required[SymbolText]
    action: Annotated[str, enum_schema(_ACTIONS)]
    order_type: Annotated[str, enum_schema(_ORDER_TYPES)]
    quantity: Positive
    quantity_pct: Positive
    price: Positive
    strategy: str
    alert_id: AlertId
    timenow: Moment
    tp_pct: Positive
    sl_pct: Positive
    position_size: Signed
    market_position: Annotated[str, enum_schema(_MARKET_POSITIONS)]
    secret: str


BOUNCE = TypeAdapter(BounceFields)
TRADE = TypeAdapter(TradeFields)
TRADINGVIEW = TypeAdapter(TradingViewFields)
_LEVEL_ALIASES = {
    "sl": "stop_loss",
    "sl_price": "stop_loss",
    "tp": "stop_gain",
    "tp_price": "stop_gain",
    "take_profit": "stop_gain",
}
_TRADE_ALIASES = {"type": "order_type", **_LEVEL_ALIASES}
_TRADINGVIEW_ALIASES = {
    "symbol": "ticker",
    "side": "action",
    "type": "order_type",
    "qty": "quantity",
    "contracts": "quantity",
}
_PLACEHOLDER = "{{"
UNFILLED_PLACEHOLDER = "unfilled_placeholder"


def redacted(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return a body as it is stored."""
    return {key: REDACTED if key.lower() == SECRET_KEY else body[key] for key in body}


def read_bounce(body: Mapping[str, Any]) -> SignalMessage:
    """Return the signal of a bounce body. Raises ``Malformed`` with a reason."""
    fields = _validated(BOUNCE, drop_nulls(body), {})
    action = _word(_SIDES, fields["side"], "side")
    _check_percents(fields, action)
    identity = {
        "exchange": fields.get("exchange", "").lower(),
        "symbol": fields["symbol"].upper(),
        "side": action.value,
        "timeframe_min": fields.get("timeframe_min"),
        "strategy": fields.get("strategy"),
        "timestamp": fields["timestamp"],
    }
    return SignalMessage(
        kind=SignalKind.BOUNCE,
        symbol=fields["symbol"],
        action=action,
        raw=redacted(body),
        price=fields["price"],
        qty=fields.get("qty"),
        sl_pct=fields.get("sl_pct"),
        tp_pct=fields.get("tp_pct"),
        alert_id=fields.get("alert_id"),
        sent_at=fields["timestamp"],
        identity=identity,
    )


def read_trade(body: Mapping[str, Any]) -> SignalMessage:
    """Return the signal of a trade body. Raises ``Malformed`` with a reason."""
    fields = _validated(TRADE, drop_nulls(body), _TRADE_ALIASES)
    action, size = _action(fields, "side", {"buy": _ACTIONS["buy"], "sell": _ACTIONS["sell"]})
    if "qty" in fields and "notional" in fields:
        raise malformed_at(("notional",), "qty and notional exclude each other")
    _refuse_with_size(fields, size, ("qty", "notional"))
    return SignalMessage(
        kind=SignalKind.TRADE,
        symbol=fields["symbol"],
        action=action,
        raw=redacted(body),
        order_type=_order_type(fields, size),
        price=fields.get("price"),
        qty=fields.get("qty"),
        notional=fields.get("notional"),
        position_size=size,
        stop_loss=fields.get("stop_loss"),
        stop_gain=fields.get("stop_gain"),
        comment=fields.get("reason"),
        alert_id=fields.get("alert_id"),
        sent_at=fields.get("timestamp"),
        account_id=fields.get("account_id"),
        strategy_id=fields.get("strategy_id"),
    )


def read_tradingview(body: Mapping[str, Any]) -> SignalMessage:
    """Return the signal of a TradingView alert. Raises ``Malformed`` with a reason."""
    _refuse_placeholders(body)
    fields = _validated(TRADINGVIEW, drop_nulls(body), _TRADINGVIEW_ALIASES)
    action, size = _action(fields, "action", _ACTIONS)
    if "quantity" in fields and "quantity_pct" in fields:
        raise malformed_at(("quantity_pct",), "quantity and quantity_pct exclude each other")
    _refuse_with_size(fields, size, ("quantity", "quantity_pct"))
    if action is not SignalAction.CLOSE:
        _check_percents(fields, action)
    has_qty = action is not SignalAction.CLOSE
    return SignalMessage(
        kind=SignalKind.TRADINGVIEW,
        symbol=fields["ticker"],
        action=action,
        raw=redacted(body),
        order_type=_order_type(fields, size),
        price=fields.get("price"),
        qty=fields.get("quantity") if has_qty else None,
        qty_pct=fields.get("quantity_pct") if has_qty else None,
        position_size=size,
        sl_pct=fields.get("sl_pct"),
        tp_pct=fields.get("tp_pct"),
        alert_id=fields.get("alert_id"),
        sent_at=fields.get("timenow"),
    )


def _refuse_placeholders(body: Mapping[str, Any]) -> None:
    """Refuse a field that is read and still has a placeholder, as outside alerts of strategies."""
    for name, sent in body.items():
        field = _TRADINGVIEW_ALIASES.get(name, name)
        is_read = field in TradingViewFields.__annotations__ and field != SECRET_KEY
        if is_read and isinstance(sent, str) and _PLACEHOLDER in sent:
            msg = (
                "a placeholder was not filled in: those of orders work in alerts of strategies only"
            )
            error = malformed_at((name,), msg)
            error.reason = UNFILLED_PLACEHOLDER
            raise error


READERS: Mapping[SignalKind, Callable[[Mapping[str, Any]], SignalMessage]] = {
    SignalKind.BOUNCE: read_bounce,
    SignalKind.TRADE: read_trade,
    SignalKind.TRADINGVIEW: read_tradingview,
}


def _validated(
    schema: TypeAdapter[Any], sent: Mapping[str, Any], aliases: Mapping[str, str]
) -> dict[str, Any]:
    try:
        fields = resolve_aliases(sent, aliases, ())
        found: dict[str, Any] = validate(schema, fields, (), alias_locations(sent, aliases))
    except Malformed as error:
        names = [str(each["loc"][0]) for each in error.errors if each["loc"]]
        reasons = (_REASONS.get(aliases.get(name, name)) for name in names)
        error.reason = next((reason for reason in reasons if reason is not None), None)
        raise
    return found


def _word(words: Mapping[str, SignalAction], text: str, name: str) -> SignalAction:
    if text.strip().lower() not in words:
        raise _refused(name, f"one of {', '.join(words)} is expected")
    return words[text.strip().lower()]


def _action(
    fields: Mapping[str, Any], name: str, words: Mapping[str, SignalAction]
) -> tuple[SignalAction, Decimal | None]:
    """Return the action and the signed exposure of a position size."""
    if "position_size" not in fields:
        if name not in fields:
            raise _refused(name, "Field required")
        return _word(words, fields[name], name), None
    size: Decimal = fields["position_size"]
    side = fields.get("market_position", "").lower()
    if side not in ("", *_MARKET_POSITIONS):
        names = ", ".join(_MARKET_POSITIONS)
        raise malformed_at(("market_position",), f"one of {names} is expected", "enum")
    if side and size < 0:
        raise malformed_at(("position_size",), "with market_position it has no sign")
    if side == "flat" and size:
        raise malformed_at(("position_size",), "it is 0 with market_position flat")
    return SignalAction.POSITION_SIZE, size.copy_negate() if side == "short" and size else size


def _refuse_with_size(
    fields: Mapping[str, Any], size: Decimal | None, names: tuple[str, str]
) -> None:
    for name in names:
        if size is not None and name in fields:
            raise malformed_at((name,), "position_size says the quantity")


def _order_type(fields: Mapping[str, Any], size: Decimal | None) -> str:
    order_type: str = fields.get("order_type", "market").lower()
    if order_type not in _ORDER_TYPES or (size is not None and order_type != "market"):
        raise malformed_at(("order_type",), "market or limit is expected", "enum")
    if order_type == "limit" and "price" not in fields:
        raise _refused("price", "a limit order needs a price")
    return order_type


def _check_percents(fields: Mapping[str, Any], action: SignalAction) -> None:
    tp, sl = fields.get("tp_pct"), fields.get("sl_pct")
    is_short = action is SignalAction.SELL
    if tp is not None and (tp > TP_PCT_MAX or (is_short and tp >= SL_PCT_MAX)):
        raise _refused("tp_pct", "at most 1000, of shorts below 100")
    if sl is not None and sl >= SL_PCT_MAX:
        raise _refused("sl_pct", "it must be below 100")


def _refused(name: str, msg: str) -> Malformed:
    error = malformed_at((name,), msg)
    error.reason = _REASONS[name]
    return error
