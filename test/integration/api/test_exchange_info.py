"""Capabilities of exchanges and accounts, and the connection of an account."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from kit.exchanges.deferred_exchange import DeferredExchange, connect_deferred
from kit.gateway.in_process import AUDIT, InProcessGateway, now
from kit.http.asgi_client import AsgiClient
from oms.domain.errors import Refused
from oms.ports.exchange import ConnectionState, StreamState

FIELDS = {
    "client_id", "order_types", "time_in_force", "expiry", "post_only", "reduce_only",
    "native_exits",
    "trigger", "trigger_direction", "attached_tp_sl", "conditional_list", "trailing", "hedge",
    "read_position_mode", "edit", "edit_fields", "order_batch", "cancel_all_after",
    "deadman_timer_seconds",
    "request_expiry_ms",
    "trades", "closed_orders", "spot_fee_currency", "contract_size", "streams", "environments",
    "environment", "label",
}  # fmt: skip


async def test_capability_record_of_a_venue(gateway: InProcessGateway) -> None:
    result = await gateway.client.get(
        "/meta/exchanges/ccxtpro.bybit/capabilities?environment=testnet"
    )
    assert (result["exchange_id"], result["environment"]) == ("ccxtpro.bybit", "testnet")
    fields = result["capabilities"]
    assert set(fields) == FIELDS
    assert fields["hedge"] == {"value": "unified", "source": "table"}
    assert fields["trigger"]["source"] == "declared"
    assert fields["streams"]["value"] == ["orders", "trades", "positions", "balance"]
    bare = await gateway.client.get("/meta/exchanges/bybit/capabilities")
    assert (bare["exchange_id"], bare["environment"]) == ("ccxt.bybit", "live")
    assert bare["capabilities"]["streams"]["value"] == []


async def test_paper_record_has_the_same_fields(gateway: InProcessGateway) -> None:
    result = await gateway.client.get("/meta/exchanges/paper.binance/capabilities")
    assert set(result["capabilities"]) == FIELDS
    assert {each["source"] for each in result["capabilities"].values()} == {"table"}


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("foo.bybit/capabilities", "unsupported_engine"),
        ("ccxt.nothing/capabilities", "unsupported_engine"),
        ("paper.NoName/capabilities", "unsupported_engine"),
        ("ccxtpro.zaif/capabilities", "unsupported_engine"),
        ("ccxt.kraken/capabilities?environment=testnet", "environment_not_supported"),
        ("paper.binance/capabilities?environment=live", "environment_not_supported"),
    ],
)
async def test_unknown_exchange_is_not_found(
    gateway: InProcessGateway, path: str, code: str
) -> None:
    answer = await gateway.client("GET", f"/meta/exchanges/{path}")
    assert (answer.status, answer.json()["detail"]["code"]) == (422, code)


async def real_account(gateway: InProcessGateway, extra: str = "{}") -> int:
    return await gateway.store.registry.create_account(
        exchange_id="ccxt.bybit",
        label="testnet",
        position_mode="netting",
        environment="testnet",
        is_testnet=True,
        extra_config=extra,
        trader_name=None,
        now=now(),
        audit=AUDIT,
    )


async def test_account_settings_only_remove_capabilities(gateway: InProcessGateway) -> None:
    extra = '{"oms":{"capabilities":{"edit":"none","trailing":false,"wings":true}}}'
    account_id = await real_account(gateway, extra)
    key = await gateway.add_key("admin2", "oms_another-admin-for-tests", role="admin")
    result = await AsgiClient(gateway.app, key).get(f"/oms/accounts/{account_id}/capabilities")
    fields = result["capabilities"]
    assert result["account_id"] == account_id
    assert fields["edit"] == {"value": {"spot": "none", "linear": "none"}, "source": "account"}
    assert fields["trailing"]["source"] == "account"
    assert "wings" not in fields
    foreign = await gateway.client("GET", f"/oms/accounts/{account_id}/capabilities")
    assert foreign.json()["detail"]["code"] == "permission_denied"
    missing = await gateway.client("GET", "/oms/accounts/99/connection")
    assert (missing.status, missing.json()["detail"]["code"]) == (404, "account_not_found")


@pytest.fixture
async def slow(gateway: InProcessGateway) -> AsyncIterator[InProcessGateway]:
    gateway.worker.processor.connect = connect_deferred
    gateway.start_worker()
    price = {"symbol": "BTC/USDT:USDT", "bid": "1", "ask": "2", "account_id": gateway.account_id}
    assert (await gateway.client("POST", "/paper/price", price)).status == 200
    yield gateway


async def test_worker_reports_the_connection(slow: InProcessGateway) -> None:
    exchange = slow.worker.processor.states[slow.account_id].exchange
    assert isinstance(exchange, DeferredExchange)
    state = ConnectionState(
        engine="paper",
        environment="paper",
        hosts_called=("127.0.0.1:18443",),
        last_call_at=now(),
        stream=StreamState.CONNECTED,
        last_event_at=now(),
        gaps=2,
        reconciled_at=now(),
    )
    why = Refused(code="exchange_unavailable", message="cannot be reached")
    exchange.connection = lambda: state  # type: ignore[method-assign]
    exchange.unavailable_reason = lambda: why  # type: ignore[method-assign]
    result = await slow.client.get(f"/oms/accounts/{slow.account_id}/connection")
    assert result["answered"] is True
    assert result["hosts_called"] == ["127.0.0.1:18443"]
    assert (result["stream"], result["gaps"]) == ("connected", 2)
    assert 0 <= result["last_event_age_s"] < 30 and 0 <= result["reconcile_lag_s"] < 30
    assert result["trouble"] == {"code": "exchange_unavailable", "message": "cannot be reached"}


async def test_connection_is_reported_while_connecting(slow: InProcessGateway) -> None:
    exchange = slow.worker.processor.states[slow.account_id].exchange
    exchange.is_ready = asyncio.Event().is_set  # type: ignore[method-assign]
    result = await slow.client.get(f"/oms/accounts/{slow.account_id}/connection")
    assert (result["answered"], result["stream"]) == (True, "none")


async def test_connection_read_is_neither_event_nor_audit_entry(slow: InProcessGateway) -> None:
    before = await slow.client.get(f"/oms/events?account_ids={slow.account_id}&limit=500")
    await slow.client.get(f"/oms/accounts/{slow.account_id}/connection")
    after = await slow.client.get(f"/oms/events?account_ids={slow.account_id}&limit=500")
    assert len(after["items"]) == len(before["items"])


async def test_without_a_worker_static_fields_are_returned(gateway: InProcessGateway) -> None:
    account_id = await real_account(gateway)
    key = await gateway.add_key("admin2", "oms_another-admin-for-tests", role="admin")
    result = await AsgiClient(gateway.app, key).get(f"/oms/accounts/{account_id}/connection")
    assert (result["answered"], result["hosts_called"], result["reconcile_lag_s"]) == (
        False,
        None,
        None,
    )
    assert (result["engine"], result["environment"]) == ("ccxt", "testnet")
    assert "api-testnet.bybit.com" in result["hosts_allowed"]["rest"]
    assert "api.bybit.com" not in result["hosts_allowed"]["rest"]
