"""Every fault of the loopback exchange through real ccxt: the expected exception, sent once."""

import asyncio
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any

import pytest

from kit.exchanges.loopback_process import LoopbackExchange
from kit.polling import poll_until
from oms.adapters.ccxt.client.request_errors import (
    NotSent,
    OutcomeUnknown,
    Overloaded,
    ReadFailed,
    RequestError,
)
from oms.adapters.ccxt.client.venue_client import VenueClient

Opened = Callable[..., Awaitable[VenueClient]]
LINEAR = "BTC/USDT:USDT"
CREATE = {"bybit": "order/create", "bybit_tls": "order/create", "binance_tls": "fapi/v1/order"}
DIALECTS = sorted(CREATE)
IMPATIENT_MS = 700

BEFORE: list[tuple[dict[str, Any], type[RequestError], str | None]] = [
    ({"mode": "hang"}, OutcomeUnknown, "timeout"),
    ({"mode": "http", "status": 500}, OutcomeUnknown, "http_500"),
    ({"mode": "http", "status": 502}, OutcomeUnknown, "http_502"),
    ({"mode": "http", "status": 503}, OutcomeUnknown, "http_503"),
    ({"mode": "http", "status": 404}, OutcomeUnknown, "http_404"),
    ({"mode": "http", "status": 403}, Overloaded, None),
    ({"mode": "close_before"}, OutcomeUnknown, "connection_lost"),
    ({"mode": "json", "body": {}}, OutcomeUnknown, None),
    ({"mode": "html"}, OutcomeUnknown, "unreadable"),
    ({"mode": "redirect"}, OutcomeUnknown, "redirect"),
    ({"mode": "redirect", "status": 302}, OutcomeUnknown, "redirect"),
    ({"mode": "rate_limit"}, Overloaded, None),
    ({"mode": "ban"}, Overloaded, None),
]
AFTER: list[tuple[dict[str, Any], str]] = [
    ({"mode": "accept_then_hang"}, "timeout"),
    ({"mode": "accept_then_http", "status": 502}, "http_502"),
    ({"mode": "accept_then_http", "status": 504}, "http_504"),
    ({"mode": "accept_then_close"}, "connection_lost"),
    ({"mode": "accept_then_truncate"}, "connection_lost"),
    ({"mode": "accept_then_html"}, "unreadable"),
]


async def order(client: VenueClient) -> Any:
    price, qty = Decimal("50000"), Decimal("0.1")
    return await client.write("create_order", LINEAR, "limit", "buy", qty, price)


async def impatient(opened: Opened, dialect: str) -> VenueClient:
    client = await opened(dialect)
    client.exchange.timeout = IMPATIENT_MS
    return client


def sent(venue: LoopbackExchange, dialect: str) -> int:
    """The number of orders sent."""
    return len([path for path in venue.paths(CREATE[dialect]) if path.startswith("POST")])


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(("fault", "kind", "cause"), BEFORE)
async def test_before_acceptance(
    venue: LoopbackExchange,
    opened: Opened,
    fault: dict[str, Any],
    kind: type[RequestError],
    cause: str | None,
    dialect: str,
) -> None:
    client = await impatient(opened, dialect)
    venue.control("fault", match=CREATE[dialect], **fault)
    with pytest.raises(kind) as failed:
        await order(client)
    assert type(failed.value) is kind
    assert failed.value.headers_sent
    assert cause is None or failed.value.reason == cause
    if isinstance(failed.value, Overloaded):
        assert failed.value.retry_after == (120 if fault["mode"] == "ban" else 1)
    assert sent(venue, dialect) == 1, "sent once, and to no other host"
    assert venue.books()["orders"] == []


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(("fault", "cause"), AFTER)
async def test_after_acceptance(
    venue: LoopbackExchange, opened: Opened, fault: dict[str, Any], cause: str, dialect: str
) -> None:
    client = await impatient(opened, dialect)
    venue.control("fault", match=CREATE[dialect], **fault)
    with pytest.raises(OutcomeUnknown) as failed:
        await order(client)
    assert failed.value.cause == cause
    assert sent(venue, dialect) == 1
    assert len(venue.books()["orders"]) == 1, "it exists, and only once"
    client.exchange.timeout = 10_000
    assert len(await client.read("fetch_open_orders", LINEAR)) == 1


async def test_a_refused_connection_is_not_sent(venue: LoopbackExchange, opened: Opened) -> None:
    client = await opened()
    venue.control("fault", mode="refuse_connect", seconds=1)
    with pytest.raises(NotSent) as failed:
        await order(client)
    assert (failed.value.code, failed.value.headers_sent) == ("exchange_unavailable", False)
    assert failed.value.retry_after == 1


@pytest.mark.parametrize(
    ("fault", "tries"),
    [
        ({"mode": "http", "status": 502}, 2),
        ({"mode": "close_before"}, 2),
        ({"mode": "html"}, 2),
        ({"mode": "rate_limit"}, 2),
        ({"mode": "json", "body": {}}, 2),
    ],
)
async def test_a_read_is_retried(
    venue: LoopbackExchange, opened: Opened, fault: dict[str, Any], tries: int
) -> None:
    client = await opened()
    before = len(venue.paths("wallet-balance"))
    venue.control("fault", match="wallet-balance", **fault)
    assert (await client.read("fetch_balance"))["USDT"]["total"] == "100000"
    assert len(venue.paths("wallet-balance")) - before == tries


@pytest.mark.parametrize(
    ("fault", "code", "tries"),
    [
        ({"mode": "http", "status": 502}, "exchange_unavailable", 3),
        ({"mode": "html"}, "exchange_error", 3),
        ({"mode": "redirect"}, "exchange_error", 1),
        ({"mode": "ban"}, "exchange_rate_limited", 1),
        ({"mode": "json", "body": {"retCode": 10003, "retMsg": "x"}}, "auth_failed", 1),
    ],
)
async def test_a_read_fails_in_the_end(
    venue: LoopbackExchange, opened: Opened, fault: dict[str, Any], code: str, tries: int
) -> None:
    client = await opened()
    before = len(venue.paths("wallet-balance"))
    venue.control("fault", match="wallet-balance", count=9, **fault)
    with pytest.raises(ReadFailed) as failed:
        await client.read("fetch_balance")
    assert failed.value.code == code
    assert len(venue.paths("wallet-balance")) - before == tries


async def test_a_dropped_connection_is_not_retried_by_aiohttp(
    venue: LoopbackExchange, opened: Opened
) -> None:
    """aiohttp would send a GET once more; some venues place orders so."""
    client = await opened()
    before = len(venue.paths("wallet-balance"))
    venue.control("fault", match="wallet-balance", mode="close_before")
    with pytest.raises(OutcomeUnknown):
        await client.write("fetch_balance")
    assert len(venue.paths("wallet-balance")) - before == 1


async def test_a_cancellation_passes_through(venue: LoopbackExchange, opened: Opened) -> None:
    client = await opened()
    venue.control("fault", match="order/create", mode="hang")
    sending = asyncio.create_task(order(client))

    async def asked() -> list[str]:
        return venue.paths("order/create")

    await poll_until(asked, lambda paths: paths == ["POST /v5/order/create"])
    sending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sending
