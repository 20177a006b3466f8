"""Orders and trades as received from exchanges, stored unchanged."""

from datetime import datetime

from oms.domain.value import value


@value
class RawOrder:
    """One version of an order; ``raw`` is JSON text in ccxt's format."""

    id: int
    account_id: int
    exchange_id: str
    exchange_order_id: str | None
    client_order_id: str | None
    symbol: str | None
    raw: str
    #: SHA-256 of ``raw`` in hex; identifies the version.
    fingerprint: str
    observed_at: datetime


@value
class RawTrade:
    """One execution; ``raw`` is JSON text in ccxt's format."""

    id: int
    account_id: int
    exchange_id: str
    exchange_trade_id: str
    exchange_order_id: str | None
    symbol: str
    raw: str
    fingerprint: str
    observed_at: datetime


RawPayload = RawOrder | RawTrade
