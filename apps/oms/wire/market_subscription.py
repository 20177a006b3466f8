"""Market data subscriptions from WebSocket frames: symbol, channels, parameters."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Required

from pydantic import ConfigDict, Field, TypeAdapter
from pydantic_core import PydanticCustomError
from typing_extensions import TypedDict

from oms.domain.commands.command import CcxtCall
from oms.domain.errors import Invalid
from oms.domain.value import value
from oms.wire.field_types import Id, Symbol, read_id
from oms.wire.field_validation import drop_nulls, validate
from oms.wire.request_body import malformed_at

CHANNELS = ("ticker", "orderbook", "trades", "ohlcv")
POLL_MS_RANGE = (250, 10_000)
POLL_MS_DEFAULT = 1200
ROWS_MAX = 1000


class _Fields(TypedDict, total=False):
    __pydantic_config__ = ConfigDict(extra="ignore")  # type: ignore[misc]
    account_id: Required[Id]
    symbol: Required[Symbol]
    timeframe: Annotated[str, Field(pattern=r"^\d{1,3}[smhdwMy]$")]
    depth: Annotated[int, Field(ge=1, le=ROWS_MAX)]
    limit: Annotated[int, Field(ge=1, le=ROWS_MAX)]
    poll_interval_ms: int


_SHAPE = TypeAdapter(_Fields)


@dataclass(frozen=True, slots=True)
class Channel:
    """One market data channel; equal channels are polled once for all subscribers."""

    account_id: int
    symbol: str
    name: str
    #: Depth of a book, number of trades or candles.
    rows: int = 0
    timeframe: str = ""

    @property
    def call(self) -> CcxtCall:
        """Return the ccxt call that reads the channel."""
        match self.name:
            case "ticker":
                return CcxtCall(func="fetch_ticker", args=(self.symbol,))
            case "orderbook":
                return CcxtCall(func="fetch_order_book", args=(self.symbol, self.rows))
            case "trades":
                return CcxtCall(func="fetch_trades", args=(self.symbol, None, self.rows))
            case _:
                args = (self.symbol, self.timeframe, None, self.rows)
                return CcxtCall(func="fetch_ohlcv", args=args)


@value
class MarketSubscription:
    """Payload of a ``subscribe_market`` frame."""

    account_id: int
    symbol: str
    channels: tuple[Channel, ...]
    poll_ms: int


def read_market_subscription(payload: Mapping[str, Any]) -> MarketSubscription:
    """Parse a payload. Raises ``Malformed``, ``Invalid`` (``missing_account_id``)."""
    sent = drop_nulls(payload)
    if "account_id" not in sent:
        raise Invalid("account_id is required", code="missing_account_id")
    names = _names(sent.pop("channels", ["ticker"]))
    fields = validate(_SHAPE, sent, ())
    account_id, symbol = fields["account_id"], fields["symbol"]
    depth, limit = fields.get("depth", 20), fields.get("limit", 50)
    timeframe = fields.get("timeframe", "1m")
    channels_by_name = {
        "ticker": Channel(account_id, symbol, "ticker"),
        "orderbook": Channel(account_id, symbol, "orderbook", depth),
        "trades": Channel(account_id, symbol, "trades", limit),
        "ohlcv": Channel(account_id, symbol, "ohlcv", limit, timeframe),
    }
    interval_ms = fields.get("poll_interval_ms", POLL_MS_DEFAULT)
    return MarketSubscription(
        account_id=account_id,
        symbol=symbol,
        channels=tuple(channels_by_name[name] for name in names),
        poll_ms=min(max(interval_ms, POLL_MS_RANGE[0]), POLL_MS_RANGE[1]),
    )


def matches_channel(payload: Mapping[str, Any], channel: Channel) -> bool:
    """Return whether an ``unsubscribe_market`` covers the channel: absent keys match any.

    Raises ``Malformed``.
    """
    sent = drop_nulls(payload)
    if "account_id" in sent and _id(sent["account_id"]) != channel.account_id:
        return False
    if sent.get("symbol", channel.symbol) != channel.symbol:
        return False
    return "channels" not in sent or channel.name in _names(sent["channels"])


def _names(value: object) -> tuple[str, ...]:
    values = value.split(",") if isinstance(value, str) else value
    if not isinstance(values, list) or not values:
        raise malformed_at(("channels",), "a list of channels is expected", "list_type")
    names = [value.strip().lower() if isinstance(value, str) else "" for value in values]
    if not set(names) <= set(CHANNELS):
        raise malformed_at(("channels",), f"of {', '.join(CHANNELS)}", "enum")
    return tuple(dict.fromkeys(names))


def _id(value: object) -> int:
    try:
        return read_id(value)
    except PydanticCustomError as error:
        raise malformed_at(("account_id",), error.message(), error.type) from None
