"""The configurations of nginx and Caddy in ``deploy``, in front of a gateway in real processes.

Callers of two addresses of the loopback network stand for callers of two machines.
"""

import asyncio
import datetime
import json
import ssl
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import connect

from kit.gateway.processes import Gateway, run_gateway
from kit.http.client import call
from kit.polling import wait_until
from kit.proxies.proxies import ROOT, Certificate, Proxy, create_certificate

CALLER = "127.0.0.2"
FORGED = ("-H", "X-Forwarded-For: 10.9.8.7")


@dataclass
class Front:
    """A gateway behind a proxy."""

    gateway: Gateway
    proxy: Proxy
    certificate: Certificate

    @property
    def key(self) -> tuple[str, str]:
        """Options of curl with the trader's key."""
        return "-H", f"x-api-key: {self.gateway.api_key}"

    def doctor(self, url: str, key: str | None = None) -> dict[str, dict[str, object]]:
        """The checks of ``oms doctor --url`` by name."""
        environment = self.gateway.environment | {
            "SSL_CERT_FILE": str(self.certificate.chain),
            "OMS_API_KEY": key or self.gateway.api_key,
        }
        done = subprocess.run(
            [sys.executable, "-m", "oms", "doctor", "--url", url, "--json"],
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode in (0, 7), done.stderr
        answer = json.loads(done.stdout)
        assert answer["ok"] is (done.returncode == 0)
        return {check["name"]: check for check in answer["checks"]}


@pytest.fixture(scope="module")
def trusting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A gateway that trusts the proxies."""
    environment = {"OMS_TRUSTED_PROXIES": "127.0.0.1/32"}
    with run_gateway(
        Gateway(tmp_path_factory.mktemp("trusting"), environment=environment)
    ) as running:
        yield running


@pytest.fixture(scope="module", params=["nginx", "caddy"])
def front(
    request: pytest.FixtureRequest, trusting: Gateway, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Front]:
    """The gateway behind each proxy."""
    folder = tmp_path_factory.mktemp(request.param)
    certificate = create_certificate(folder)
    with Proxy(request.param, folder, trusting.port, certificate) as proxy:
        yield Front(trusting, proxy, certificate)


def test_http_2_is_spoken_and_an_order_is_executed(front: Front) -> None:
    order = {"symbol": "BTC/USDT", "side": "buy", "order_type": "market", "qty": "0.01"}
    command = {"account_id": front.gateway.account_id, "command": "send_order", "payload": order}
    answer = front.proxy.curl(
        "/oms/commands?wait_ms=10000",
        *("--http2", "-w", "\n%{http_version} %{http_code}", *front.key),
        *("-H", "content-type: application/json", "-d", json.dumps(command)),
    )
    body, _, protocol = answer.rpartition("\n")
    assert protocol == "2 200", answer
    assert json.loads(body)["results"][0]["order"]["status"] == "FILLED"


def test_the_gateway_sees_the_address_of_the_caller(front: Front) -> None:
    for options in ((), FORGED):
        text = front.proxy.curl("/auth/me", "--interface", CALLER, *options, *front.key)
        assert json.loads(text)["client_ip"] == CALLER


async def test_a_websocket_gets_its_snapshot_and_events(front: Front) -> None:
    trust = ssl.create_default_context(cafile=str(front.certificate.chain))
    url = front.proxy.url.replace("https", "wss") + "/ws"
    headers = {"x-api-key": front.gateway.api_key}
    async with connect(url, ssl=trust, additional_headers=headers) as socket:
        await socket.send(json.dumps({"id": 1, "action": "ping"}))
        async with asyncio.timeout(20):
            frames = [json.loads(await socket.recv()) for _ in range(2)]
    assert any(frame.get("id") == 1 for frame in frames), frames


def test_plain_http_is_redirected_by_nginx(front: Front) -> None:
    url = f"http://localhost:{front.proxy.plain_port}/oms/accounts"
    done = subprocess.run(
        ["curl", "-sk", "-o", "/dev/null", "-w", "%{http_code} %{redirect_url}", url],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    if "caddy" in front.proxy.log.read_text():
        assert done.returncode != 0  # Its own redirect needs port 80, which the test does not use.
    else:
        assert done.stdout == "308 https://localhost/oms/accounts"


def test_doctor_accepts_what_it_finds(front: Front) -> None:
    checks = front.doctor(front.proxy.url)
    assert {name: check["ok"] for name, check in checks.items()} == {
        "url_tls": True,
        "url_gateway": True,
        "url_address": True,
        "url_proxy": True,
        "url_websocket": True,
    }
    assert "HTTP/2" in str(checks["url_tls"]["detail"])


def test_doctor_names_what_is_wrong(front: Front) -> None:
    plain = front.doctor(front.gateway.base_url)
    assert plain["url_tls"]["ok"] is False
    # Without a proxy a trusted peer may claim any address: this is how a passing proxy looks.
    assert plain["url_address"]["ok"] is False
    assert "any caller can claim" in str(plain["url_address"]["detail"])
    refused = front.doctor(front.proxy.url, key="oms_wrong")
    assert "invalid_api_key" in str(refused["url_address"]["detail"])
    unreachable = front.doctor("https://localhost:1")
    assert unreachable["url_gateway"]["ok"] is False
    assert [*front.doctor("localhost")] == ["url"]


@pytest.mark.parametrize("name", ["nginx", "caddy"])
def test_an_alert_of_tradingview_becomes_a_filled_order(
    name: str, trusting: Gateway, tmp_path: Path
) -> None:
    """With what the how-to prints for the proxy, which passes on nothing but alerts."""
    source = {
        "name": f"chart behind {name}",
        "kind": "tradingview",
        "account_id": trusting.account_id,
    }
    rules = {"sizing": {"kind": "qty", "value": "0.01"}, "ip_allowlist": [f"{CALLER}/32"]}
    status, made, _ = call(
        trusting, "POST", "/signals/sources", source | rules, key=trusting.admin_api_key
    )
    assert status == 200, made
    path = f"/signals/tradingview/{made['path_token']}"
    now = datetime.datetime.now(datetime.UTC).isoformat()
    alert = {"ticker": "BTCUSDT.P", "action": "buy", "alert_id": f"by {name}", "timenow": now}
    options = ("-4", "-H", "content-type: text/plain; charset=utf-8", "-d", json.dumps(alert))
    certificate = create_certificate(tmp_path)
    with Proxy(name, tmp_path, trusting.port, certificate, site=_how_to_site(name)) as proxy:
        foreign = proxy.curl(path, "-w", "\n%{http_code}", *FORGED, *options)
        answer = json.loads(proxy.curl(path, "--interface", CALLER, *options))
        key = f"x-api-key: {trusting.api_key}"
        other = proxy.curl("/oms/accounts", "-w", "\n%{http_code}", "-H", key)
    assert foreign.endswith("\n403"), foreign
    assert answer["success"] is True, answer
    assert other.endswith("\n404"), other
    signal = wait_until(
        lambda: _ended_signal(trusting, answer["signal_id"]), 20, "the signal was executed"
    )
    assert signal["signal"]["status"] == "done", signal
    assert [order["status"] for order in signal["lineage"]["orders"]] == ["FILLED"]
    for log in (proxy.log, trusting.log):
        assert made["path_token"] not in log.read_text(encoding="utf-8")


def _how_to_site(name: str) -> str:
    """Return what ``docs/how-to/tradingview.md`` has the proxy do."""
    page = (ROOT / "docs/how-to/tradingview.md").read_text(encoding="utf-8")
    starts = {"nginx": "location /signals/tradingview/ {", "caddy": "oms.example.com {"}
    start = page.index(starts[name])
    text = page[start : page.index("```", start)]
    if name == "caddy":
        return text
    return "    " + text.replace("\n", "\n    ").rstrip() + "\n"  # Within a server block.


def _ended_signal(gateway: Gateway, signal_id: int) -> dict[str, Any]:
    """Return a signal with its orders; nothing while it is queued."""
    _, found, _ = call(gateway, "GET", f"/signals/{signal_id}")
    return {} if found["signal"]["status"] == "queued" else dict(found)
