"""Clients of real ccxt classes at the loopback exchange: numbers, markets, clock, keys."""

import asyncio
import gzip
import json
from collections.abc import Awaitable, Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from kit.exchanges.loopback_process import LoopbackExchange
from oms.adapters.ccxt.client.client_preparation import prepare_clients
from oms.adapters.ccxt.client.market_cache import MarketCache
from oms.adapters.ccxt.client.request_errors import NotSent, ReadFailed, Rejected
from oms.adapters.ccxt.client.venue_client import VenueClient
from oms.domain.instrument import InstrumentKind
from oms.ports.registry import ExchangeSettings

Opened = Callable[..., Awaitable[VenueClient]]
SPOT, LINEAR = "BTC/USDT", "BTC/USDT:USDT"
DIALECTS = ["bybit", "bybit_tls", "binance_tls"]


async def order(client: VenueClient, symbol: str = LINEAR, **params: Any) -> Any:
    price, qty = Decimal("50000.0"), Decimal("0.10")
    return await client.write("create_order", symbol, "limit", "buy", qty, price, params)


@pytest.mark.parametrize("symbol", [SPOT, LINEAR])
@pytest.mark.parametrize("dialect", DIALECTS)
async def test_an_order_is_made_read_and_canceled(
    venue: LoopbackExchange, opened: Opened, dialect: str, symbol: str
) -> None:
    client = await opened(dialect)
    name = "0123456789abcdef0123456789abcdef"
    made = await order(client, symbol, clientOrderId=name)
    [seen] = await client.read("fetch_open_orders", symbol)
    assert (seen["id"], seen["clientOrderId"]) == (made["id"], name)
    saved = [seen[key] for key in ("price", "amount", "filled")]
    assert all(isinstance(text, str) for text in saved), "numbers stay texts"
    assert [Decimal(text) for text in saved] == [Decimal(50000), Decimal("0.1"), Decimal(0)]
    await client.write("cancel_order", made["id"], symbol)
    assert await client.read("fetch_open_orders", symbol) == []
    [booked] = venue.books()["orders"]
    assert Decimal(booked["qty"]) == Decimal("0.1")


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_instruments_are_exact(opened: Opened, dialect: str) -> None:
    client = await opened(dialect)
    spot, linear = client.instruments[SPOT], client.instruments[LINEAR]
    assert (spot.kind, spot.tick, spot.step) == (
        InstrumentKind.SPOT,
        Decimal("0.01"),
        Decimal("0.00001"),
    )
    assert (linear.kind, linear.tick, linear.step) == (
        InstrumentKind.LINEAR,
        Decimal("0.1"),
        Decimal("0.001"),
    )
    assert (linear.base, linear.quote, linear.settle) == ("BTC", "USDT", "USDT")
    assert (spot.min_notional, linear.contract_size) == (Decimal(5), Decimal(1))


async def test_a_write_is_one_request(venue: LoopbackExchange, opened: Opened) -> None:
    client = await opened()
    before = venue.control("log")["log"][-1]["number"]
    await order(client)
    [row] = venue.control("log", after=before)["log"]
    assert (row["method"], row["path"]) == ("POST", "/v5/order/create")


async def test_hosts_and_the_last_call_are_reported(
    venue: LoopbackExchange, opened: Opened
) -> None:
    client = await opened()
    assert client.hosts_called == (f"127.0.0.1:{venue.port}",)
    first = client.last_call_at
    await client.read("fetch_balance")
    assert first is not None and client.last_call_at is not None and client.last_call_at > first


async def test_production_names_resolve_to_this_machine(opened: Opened) -> None:
    client = await opened("bybit_tls")
    assert client.hosts_called == ("api.bybit.com",)


async def test_markets_are_loaded_once_and_shared(
    venue: LoopbackExchange, opened: Opened, tables: Path
) -> None:
    first = await opened()
    before = venue.control("log")["log"][-1]["number"]
    second = await opened(account_id=2)
    assert second.exchange.markets is first.exchange.markets
    assert not _asked(venue, before, "instruments-info")
    third = await opened(shares=False)
    assert not _asked(venue, before, "instruments-info"), "it is on disk"
    assert third.instruments == first.instruments
    assert (await order(third))["id"]


async def test_prepared_exchanges_share_their_table_with_the_clients_of_accounts(
    venue: LoopbackExchange,
    opened: Opened,
    tmp_path: Path,
    market_cache: MarketCache,
    caplog: pytest.LogCaptureFixture,
) -> None:
    configs = venue.startup["extra_config"]
    settings = [
        ExchangeSettings(
            exchange_id=name, environment="loopback", extra_config=json.dumps(configs[dialect])
        )
        for name, dialect in (
            ("ccxt.nosuch", "bybit"),
            ("ccxt.binance", "binance_tls"),
            ("ccxt.bybit", "bybit"),
        )
    ]
    before = venue.control("log")["log"][-1:]
    caplog.set_level("INFO", "oms.ccxt")
    await prepare_clients(settings, market_cache, tmp_path / "prepared")
    assert "exchange_not_prepared exchange=ccxt.nosuch code=engine_unavailable" in caplog.text
    rows = venue.control("log", after=before[0]["number"] if before else 0)["log"]
    assert rows and {row["key"] for row in rows} == {""}, "no request is signed"
    prepared = venue.control("log")["log"][-1]["number"]
    client = await opened(cache_folder=tmp_path / "client")
    assert client.exchange.markets
    assert not _asked(venue, prepared, "instruments-info")
    assert caplog.text.count("exchange_not_prepared") == 1


async def test_an_outdated_table_is_read_again_and_used_if_that_fails(
    venue: LoopbackExchange, opened: Opened, made: Callable[..., VenueClient], tables: Path
) -> None:
    client = await opened(shares=False)
    path = client._table_path(client._table_name())
    assert path.parent == tables / "markets"
    assert path.name.startswith("bybit.loopback-") and path.name.endswith(".json.gz")
    saved = json.loads(gzip.decompress(path.read_bytes()))
    saved["saved_at"] = "2020-01-01T00:00:00+00:00"
    path.write_bytes(gzip.compress(json.dumps(saved).encode()))
    venue.control("fault", match="instruments-info", mode="http", status=502, count=20)
    served = await opened(shares=False)
    assert served.instruments == client.instruments
    path.write_bytes(b"half a file")
    with pytest.raises(ReadFailed) as failed:
        await made(shares=False).open()
    assert (failed.value.code, failed.value.retryable) == ("exchange_unavailable", True)
    venue.control("clear")
    fresh = await opened(shares=False)
    assert fresh.instruments == client.instruments


async def test_the_clock_is_measured_and_read_again_after_an_error(
    venue: LoopbackExchange, opened: Opened
) -> None:
    client = await opened()
    assert 0 <= client.clock_error_ms < 1000
    venue.control("fault", mode="skew", ms=60_000)
    made = await order(client)
    assert made["id"], "rejected for our clock, read again, sent once more"
    assert venue.paths("order/create") == ["POST /v5/order/create"] * 2
    assert len(venue.books()["orders"]) == 1


async def test_the_clock_is_read_again_after_a_read_was_refused_for_it(
    venue: LoopbackExchange, opened: Opened
) -> None:
    """The account sends nothing: its reads must not fail until the clock is old."""
    client = await opened()
    for skew_ms in (60_000, 0):
        before = len(venue.paths("market/time"))
        venue.control("fault", mode="skew", ms=skew_ms)
        assert all(await asyncio.gather(*(client.read("fetch_balance") for _ in range(4))))
        assert len(venue.paths("market/time")) - before == 1, "once for all"


async def test_a_read_of_the_clock_that_is_refused_for_the_clock_fails(
    venue: LoopbackExchange, opened: Opened
) -> None:
    client = await opened()
    body = {"retCode": 10002, "retMsg": "invalid request, please check your server timestamp"}
    venue.control("fault", match="market/time", mode="json", body=body, count=3)
    with pytest.raises(ReadFailed) as failed:
        await client.sync_clock()
    assert failed.value.code == "clock_skew"


async def test_an_old_clock_is_read_once_for_all_callers(
    venue: LoopbackExchange, opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = await opened()
    before = len(venue.paths("market/time"))
    monkeypatch.setattr(client._clock, "read_at", client._clock.read_at - 601)
    await asyncio.gather(*(client.read("fetch_balance") for _ in range(4)))
    assert len(venue.paths("market/time")) - before == 1


async def test_a_clock_that_stays_wrong_is_a_rejection(
    venue: LoopbackExchange, opened: Opened
) -> None:
    client = await opened()
    body = {"retCode": 10002, "retMsg": "invalid request, please check your server timestamp"}
    venue.control("fault", match="order/create", mode="json", body=body, count=2)
    with pytest.raises(Rejected) as refused:
        await order(client)
    assert (refused.value.code, refused.value.venue_code) == ("clock_skew", "10002")
    assert len(venue.paths("order/create")) == 2


async def test_nothing_to_do_is_a_success(opened: Opened) -> None:
    client = await opened()
    await client.write("set_leverage", 7, LINEAR)
    assert (await client.write("set_leverage", 7, LINEAR))["already"] is True


@pytest.mark.parametrize("changes", [{"secret": "wrong"}, {"api_key": "unknown"}])
async def test_wrong_keys_fail_at_open(
    made: Callable[..., VenueClient], changes: dict[str, str]
) -> None:
    client = made(**changes)
    with pytest.raises(Rejected) as refused:
        await client.open()
    assert (refused.value.code, refused.value.reason) == ("auth_failed", None)
    assert changes.get("secret", "wrong") not in refused.value.message
    with pytest.raises(NotSent):
        await order(client)


async def test_a_closed_client_sends_nothing(venue: LoopbackExchange, opened: Opened) -> None:
    client = await opened()
    await client.close()
    await client.close()
    before = venue.control("log")["log"][-1]["number"]
    with pytest.raises(NotSent) as refused:
        await order(client)
    assert refused.value.code == "engine_unavailable"
    with pytest.raises(ReadFailed):
        await client.read("fetch_balance")
    assert venue.control("log", after=before)["log"] == []


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"venue": "unknown"}, "engine_unavailable"),
        ({"extra_config": {"apiKey": "x"}}, "extra_config_refused"),
        ({"extra_config": {"cafile": "/nowhere/ca.pem"}}, "extra_config_refused"),
    ],
)
async def test_what_cannot_be_constructed(
    made: Callable[..., VenueClient], changes: dict[str, Any], code: str
) -> None:
    with pytest.raises(NotSent) as refused:
        await made(**changes).open()
    assert refused.value.code == code


async def test_a_local_error_is_never_sent(venue: LoopbackExchange, opened: Opened) -> None:
    client = await opened()
    before = venue.control("log")["log"][-1]["number"]
    for arguments, code in (
        (("NO/SUCH", "limit", "buy", "1", "1"), "instrument_not_supported"),
        ((LINEAR, "limit", "buy", "0.0000001", "50000"), "precision_mismatch"),
    ):
        with pytest.raises(NotSent) as refused:
            await client.write("create_order", *arguments)
        assert refused.value.code == code
    assert venue.control("log", after=before)["log"] == []


def _asked(venue: LoopbackExchange, after: int, part: str) -> list[Any]:
    rows: list[Any] = venue.control("log", after=after, match=part)["log"]
    return rows
