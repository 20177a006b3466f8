"""Capabilities of exchanges and raw rows of ccxt in responses."""

from typing import Annotated, Any

from typing_extensions import TypedDict

from oms.ports.raw_payloads import RawOrder, RawTrade
from oms.wire.json import loads, time_text
from oms.wire.responses.value_types import Id, TimeText, one_of


class ExchangeIds(TypedDict):
    """The exchanges that accounts may be of."""

    items: list[str]


class Capability(TypedDict):
    """One capability and where it is known from."""

    value: Any
    source: Annotated[str, one_of("declared", "table", "observed", "account")]


class Capabilities(TypedDict):
    """The capabilities of an exchange in an environment."""

    exchange_id: str
    engine: str
    venue: str
    environment: str
    name: str
    ccxt: str | None
    capabilities: dict[str, Capability]


class AccountCapabilities(Capabilities):
    """The capabilities of an account's exchange as the account's settings restrict them."""

    account_id: Id


class RawOrderRow(TypedDict):
    """An order as ccxt returned it."""

    id: Id
    account_id: Id
    exchange_id: str
    exchange_order_id: str | None
    symbol: str | None
    raw_json: Any
    observed_at: TimeText
    client_order_id: str | None


class RawTradeRow(TypedDict):
    """An execution as ccxt returned it."""

    id: Id
    account_id: Id
    exchange_id: str
    exchange_order_id: str | None
    symbol: str | None
    raw_json: Any
    observed_at: TimeText
    exchange_trade_id: str | None


def raw_order_row(row: RawOrder) -> RawOrderRow:
    """Return the row of an order snapshot."""
    return {
        "id": row.id,
        "account_id": row.account_id,
        "exchange_id": row.exchange_id,
        "exchange_order_id": row.exchange_order_id,
        "symbol": row.symbol,
        "raw_json": loads(row.raw),
        "observed_at": time_text(row.observed_at),
        "client_order_id": row.client_order_id,
    }


def raw_trade_row(row: RawTrade) -> RawTradeRow:
    """Return the row of an execution."""
    return {
        "id": row.id,
        "account_id": row.account_id,
        "exchange_id": row.exchange_id,
        "exchange_order_id": row.exchange_order_id,
        "symbol": row.symbol,
        "raw_json": loads(row.raw),
        "observed_at": time_text(row.observed_at),
        "exchange_trade_id": row.exchange_trade_id,
    }
