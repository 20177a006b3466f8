"""Health, status, metrics and response headers as in the contract."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from integration.api.conftest import TRADES_PER_SECOND
from kit.gateway.in_process import ADMIN_KEY, InProcessGateway, open_gateway
from kit.http import wire_keys
from kit.http.asgi_client import AsgiClient
from kit.http.wire_keys import assert_keys
from oms.config import Settings

PUBLIC = ("/healthz", "/livez", "/version")


async def test_health_and_version_without_a_key(gateway: InProcessGateway) -> None:
    assert_keys(await gateway.client.get("/healthz", key=""), wire_keys.HEALTH)
    assert await gateway.client.get("/livez", key="") == {"status": "ok"}
    assert_keys(await gateway.client.get("/version", key=""), wire_keys.VERSION)
    answer = await gateway.client("GET", "/readyz", key="")
    assert (answer.status, answer.json()["status"]) == (503, "not_ready")
    assert int(answer.headers["retry-after"]) >= 1
    assert_keys(answer.json()["checks"], wire_keys.CHECKS)


async def test_ready_with_a_worker(busy: InProcessGateway) -> None:
    body = await busy.client.get("/readyz", key="")
    assert body["status"] == "ready"
    assert set(body["checks"].values()) == {"ok"}


async def test_exchange_ids_are_listed(gateway: InProcessGateway) -> None:
    body = await gateway.client.get("/meta/exchanges")
    assert body["items"] == sorted(body["items"])
    assert {"ccxt.binance", "ccxtpro.binance", "paper.binance"} <= set(body["items"])
    assert (await gateway.client("GET", "/meta/exchanges", key="")).status == 401


async def test_dispatcher_status(busy: InProcessGateway) -> None:
    await busy.order()
    body = await busy.client.get("/dispatcher/status")
    assert body["ok"] is True
    result = body["result"]
    assert_keys(result, wire_keys.DISPATCHER)
    assert result["op_counts"] == {"send_order": 1}
    assert result["timing_samples_count"] == result["op_timing_ms"]["send_order"]["count"] == 1
    assert_keys(result["op_timing_ms"]["send_order"], wire_keys.OP_TIMING)
    assert_keys(result["execute_ms"], wire_keys.PERCENTILES)
    (worker,) = result["workers"]
    assert_keys(worker, wire_keys.WORKER)
    assert result["worker_active_accounts"] == {"paper": {worker["worker_id"]: 1}}
    await busy.add_account()
    lonely = await busy.add_key("lonely", "oms_reads-no-account-at-all", grants={})
    few = (await busy.client.get("/dispatcher/status", key=lonely))["result"]
    assert (few["accounts_mapped"], result["accounts_mapped"]) == (0, 1)
    assert few["total_requests"] > result["total_requests"]


async def test_metrics_need_loopback_or_role(busy: InProcessGateway) -> None:
    await busy.order()
    answer = await busy.client("GET", "/metrics", key="")
    assert answer.status == 200
    assert answer.headers["content-type"].startswith("text/plain")
    text = answer.body.decode()
    samples = {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    assert samples[("oms_commands_total", "send_order")] == 1
    assert samples[("oms_up",)] == 1
    assert samples[("oms_command_seconds_bucket", "send_order", "+Inf")] == 1
    assert samples[("oms_command_seconds_count", "send_order")] == 1
    assert 0 < samples[("oms_command_seconds_sum", "send_order")] < 60


@pytest.mark.parametrize(("role", "status"), [("admin", 200), ("risk", 200), ("trader", 403)])
async def test_metrics_from_a_remote_address(
    gateway: InProcessGateway, role: str, status: int
) -> None:
    settings = gateway.api_context.settings.model_copy(
        update={"trusted_proxies": ("127.0.0.1/32",)}
    )
    gateway.app.state.api_context = replace(gateway.api_context, settings=settings)
    key = await gateway.add_key(role, f"oms_watches-as-{role}-in-tests", role=role)
    far = {"X-Forwarded-For": "203.0.113.9"}
    assert (await gateway.client("GET", "/metrics", key=key, headers=far)).status == status
    assert (await gateway.client("GET", "/metrics", key="", headers=far)).status == 401


async def test_cache_is_cleared(gateway: InProcessGateway) -> None:
    for key, scope, count in (
        (gateway.client.key, "visible_accounts", 1),
        (ADMIN_KEY, "all", None),
    ):
        answer = await gateway.client("POST", "/oms/cache/clear", key=key)
        body = answer.json()
        assert_keys(body["result"], wire_keys.CACHE_CLEARED)
        assert (body["ok"], body["result"]["scope"]) == (True, scope)
        assert body["result"]["account_count"] == count
        assert body["result"]["cleared_before"] == 1, "the number of cached keys: the caller's own"


async def test_headers_of_every_response(gateway: InProcessGateway) -> None:
    for method, path, key in (
        ("GET", "/livez", ""),
        ("GET", "/oms/accounts", gateway.client.key),
        ("GET", "/nothing", ""),
        ("GET", "/oms/accounts", ""),
    ):
        headers = (await gateway.client(method, path, key=key)).headers
        assert headers["x-request-id"]
        assert headers["x-oms-version"] == gateway.api_context.version
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == "no-store"


async def test_rate_limit_headers_of_authenticated_responses(gateway: InProcessGateway) -> None:
    read = await gateway.client("GET", "/oms/accounts/")
    assert read.headers["ratelimit-policy"] == '"read";q=5000;w=1'
    assert re.fullmatch(r'"read";r=\d+;t=1', read.headers["ratelimit"])
    assert read.headers["x-ratelimit-limit"] == "5000"
    assert int(read.headers["x-ratelimit-remaining"]) in range(4990, 5000)
    assert read.headers["x-ratelimit-reset"] == "1"
    cancel = {"command": "cancel_order", "payload": {"order_id": 999}}
    trades = TRADES_PER_SECOND
    for body, kind, limit in ((gateway.command(), "trade", trades), (cancel, "cancel", 500)):
        answer = await gateway.client("POST", "/oms/commands?wait_ms=0", body)
        assert answer.headers["ratelimit-policy"] == f'"{kind}";q={limit};w=1'
    call = await gateway.client("POST", f"/ccxt/{gateway.account_id}/fetch_ticker", {})
    assert (call.status, call.headers["x-ratelimit-limit"]) == (503, "200")
    assert int(call.headers["retry-after"]) >= 1
    assert "ratelimit" not in (await gateway.client("GET", "/livez", key="")).headers


async def test_exhausted_trade_limit_does_not_block_cancels(tmp_path: Path) -> None:
    limits = {"trade_per_second": 1, "read_per_second": 1}
    dsn = f"sqlite+aiosqlite:///{tmp_path}/oms.sqlite3"
    async with open_gateway(dsn, Settings.model_validate({"limits": limits})) as gateway:
        batch = [gateway.command(), gateway.command()]
        assert (await gateway.client("POST", "/oms/commands?wait_ms=0", batch)).status == 202
        late = await gateway.client("POST", "/oms/commands?wait_ms=0", gateway.command())
        assert (late.status, late.detail["code"]) == (429, "rate_limited")
        assert (late.detail["retryable"], late.detail["reason"]) == (True, "trade")
        assert int(late.headers["retry-after"]) in (1, 2)
        assert late.headers["x-ratelimit-remaining"] == "0"
        cancel = {"account_id": gateway.account_id, "command": "cancel_all_orders", "payload": {}}
        answer = await gateway.client("POST", "/oms/commands?wait_ms=0", cancel)
        assert answer.status == 202, answer.body
        statuses = [(await gateway.client("GET", "/oms/accounts")).status for _ in range(2)]
        assert statuses == [200, 429]
        other = await gateway.client("GET", "/oms/accounts", key=ADMIN_KEY)
        assert other.status == 200


async def test_listed_origins_get_cors_headers(tmp_path: Path) -> None:
    origin = "https://app.example"
    settings = Settings.model_validate({"cors_origins": [origin]})
    async with open_gateway(f"sqlite+aiosqlite:///{tmp_path}/oms.sqlite3", settings) as gateway:
        mine = await gateway.client("GET", "/oms/accounts", headers={"Origin": origin})
        assert mine.headers["access-control-allow-origin"] == origin
        shown = mine.headers["access-control-expose-headers"].lower()
        for name in ("ratelimit", "x-request-id", "location", "retry-after", "x-oms-version"):
            assert name in shown
        other = await gateway.client("GET", "/oms/accounts", headers={"Origin": "https://evil"})
        assert "access-control-allow-origin" not in other.headers
    with pytest.raises(ValueError, match="exact origins"):
        Settings.model_validate({"cors_origins": ["*"]})


async def test_bodies_of_all_sizes(gateway: InProcessGateway) -> None:
    answer = await gateway.client("POST", "/oms/commands", raw=b" " * 100_001)
    assert (answer.status, answer.detail["code"]) == (413, "payload_too_large")
    assert Settings().commands.body_bytes_max == 8 * 1024 * 1024


async def test_token_in_the_url_is_not_a_credential(gateway: InProcessGateway) -> None:
    bare = AsgiClient(gateway.app)
    answer = await bare("GET", f"/oms/accounts?api_key={gateway.client.key}&x-api-key=1")
    assert (answer.status, answer.detail["code"]) == (401, "missing_api_key")
    bearer = {"Authorization": f"Bearer {gateway.client.key}"}
    assert (await bare("GET", "/oms/accounts", headers=bearer)).status == 200
    both = bearer | {"x-api-key": "oms_wrong"}
    refused = await bare("GET", "/oms/accounts", headers=both)
    assert (refused.status, refused.headers["www-authenticate"]) == (401, "Bearer")
