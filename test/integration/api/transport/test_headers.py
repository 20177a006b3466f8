"""Error bodies, request ids, body limits and headers of all responses."""

import json
import re
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from integration.api.conftest import BODY_BYTES_MAX
from kit.gateway.in_process import ADMIN_KEY, InProcessGateway, open_gateway
from kit.http import wire_keys
from kit.http.asgi_client import AsgiClient, AsgiResponse
from kit.http.wire_keys import assert_keys
from oms.api import app as api_app
from oms.api.app import create_app
from oms.api.http_protocol import MALFORMED, refusal_response
from oms.api.middleware.security_headers import SECURITY_HEADERS
from oms.config import Settings
from oms.domain.errors import Unavailable
from oms.wire.error_codes import CODES

SMALL_BODY_BYTES_MAX = Settings().commands.small_body_bytes_max
BUDGET = (
    *("ratelimit", "ratelimit-policy"),
    *("x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"),
)


def check_error(answer: AsgiResponse, status: int, code: str) -> Any:
    """Check status and code of an error response; return the error object."""
    assert answer.headers["content-type"] == "application/json"
    assert (answer.status, answer.detail["code"]) == (status, code)
    assert answer.detail["request_id"] == answer.headers["x-request-id"]
    assert set(answer.json()) == {"detail"}
    assert_keys({k: v for k, v in answer.detail.items() if k != "errors"}, wire_keys.ERROR)
    return answer.detail


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/", 404, "not_found"),
        ("GET", "/no/such/path", 404, "not_found"),
        ("GET", "/oms/orders/none", 404, "not_found"),
        ("GET", "/oms/reconcile/none/status", 404, "account_not_found"),
        ("GET", "/ws", 404, "not_found"),
        ("DELETE", "/oms/accounts", 405, "method_not_allowed"),
        ("GET", "/auth/logout", 405, "method_not_allowed"),
        ("PUT", "/oms/commands", 405, "method_not_allowed"),
        ("OPTIONS", "/oms/commands", 405, "method_not_allowed"),
    ],
)
async def test_unknown_paths_and_methods(
    gateway: InProcessGateway, method: str, path: str, status: int, code: str
) -> None:
    answer = await gateway.client(method, path)
    assert "stack" not in answer.body.decode()
    check_error(answer, status, code)
    assert ("allow" in answer.headers) is (status == 405)


@pytest.mark.parametrize("text", [b"{", b"\xff", b'{"a": NaN}', b"[" * 5000, b'"\\ud800"'])
async def test_invalid_json(gateway: InProcessGateway, text: bytes) -> None:
    for path in ("/oms/commands", "/oms/reassign", "/strategies", "/auth/login-password"):
        detail = check_error(await gateway.client("POST", path, raw=text), 422, "validation_error")
        assert set(detail["errors"][0]) == {"loc", "msg", "type"}


ASKED = [("GET", "/oms/accounts"), ("POST", "/oms/commands"), ("POST", "/oms/commands/")]


@pytest.mark.parametrize(("method", "path"), ASKED)
async def test_bug_is_logged_with_its_path_and_not_exposed(
    gateway: InProcessGateway, method: str, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(*_: object, **__: object) -> None:
        raise RuntimeError("the secret of this gateway")

    app = create_app(replace(gateway.api_context, authenticate=broken))  # type: ignore[arg-type]
    answer = await AsgiClient(app, gateway.client.key)(method, path)
    check_error(answer, 500, "internal_error")
    assert b"secret" not in answer.body
    (record,) = [each for each in caplog.records if each.message == "request_failed"]
    logged = vars(record)
    assert (logged["method"], logged["path"]) == (method, path.rstrip("/"))
    assert logged["request_id"] == answer.headers["x-request-id"]


@pytest.mark.parametrize(("method", "path"), ASKED)
async def test_retry_after_header(gateway: InProcessGateway, method: str, path: str) -> None:
    async def gone(*_: object, **__: object) -> None:
        raise Unavailable("the database does not answer")

    app = create_app(replace(gateway.api_context, authenticate=gone))  # type: ignore[arg-type]
    answer = await AsgiClient(app, gateway.client.key)(method, path)
    check_error(answer, 503, "database_unavailable")
    assert int(answer.headers["retry-after"]) >= 1


async def test_security_headers_of_every_response(gateway: InProcessGateway) -> None:
    asked = [
        ("GET", "/livez", 200),
        ("GET", "/openapi.json", 200),
        ("GET", "/oms/accounts", 200),
        ("GET", "/metrics", 200),
        ("GET", "/none", 404),
        ("DELETE", "/livez", 405),
        ("POST", "/oms/commands", 422),
    ]
    for method, path, status in asked:
        answer = await gateway.client(method, path)
        assert answer.status == status
        for name, value in SECURITY_HEADERS:
            assert answer.headers[name.decode()] == value.decode(), path
        assert "server" not in answer.headers
    too_much = await gateway.client("POST", "/oms/commands", raw=b" " * (BODY_BYTES_MAX + 1))
    assert too_much.headers["cache-control"] == "no-store"
    check_error(too_much, 413, "payload_too_large")


@pytest.mark.parametrize("path", ["/oms/commands", "/strategies", "/auth/login-password"])
async def test_body_over_the_limit(gateway: InProcessGateway, path: str) -> None:
    bytes_max = BODY_BYTES_MAX if path == "/oms/commands" else SMALL_BODY_BYTES_MAX
    answer = await gateway.client("POST", path, raw=b" " * (bytes_max + 1))
    check_error(answer, 413, "payload_too_large")
    pieces = [b" " * bytes_max, b" "]  # without a Content-Length
    check_error(await gateway.client("POST", path, raw=pieces), 413, "payload_too_large")
    assert (await gateway.client("POST", path, raw=b" " * bytes_max)).status == 422


@pytest.mark.parametrize(
    ("sent", "is_kept"),
    [
        ("a.B-9_x", True),
        ("x" * 128, True),
        ("x" * 129, False),
        ("with space", False),
        ("slash/", False),
        ("ümlaut", False),
        ("", False),
    ],
)
async def test_request_ids(gateway: InProcessGateway, sent: str, is_kept: bool) -> None:
    answer = await gateway.client("GET", "/none", headers={"X-Request-Id": sent})
    shown = answer.headers["x-request-id"]
    assert (shown == sent) is is_kept
    assert re.fullmatch(r"[A-Za-z0-9._-]{1,128}", shown)
    assert answer.detail["request_id"] == shown


async def test_rate_limit_headers_of_refusals_and_replays(gateway: InProcessGateway) -> None:
    named = {"Idempotency-Key": "once-and-again"}
    strategy = {"name": "trend", "account_ids": [gateway.account_id]}
    asked = [
        ("GET", "/oms/orders/1/timeline", None, {}),
        ("GET", "/oms/orders/open", None, {}),
        ("GET", "/admin/users", None, {}),
        ("POST", "/strategies", strategy, named),
        ("POST", "/strategies", strategy, named),
        ("POST", "/strategies", {**strategy, "name": "another"}, named),
    ]
    statuses = []
    for method, path, body, headers in asked:
        answer = await gateway.client(method, path, body, headers=headers)
        statuses.append(answer.status)
        for name in BUDGET:
            assert name in answer.headers, (path, answer.status)
    assert statuses == [404, 422, 403, 200, 200, 422]


async def test_login_ignores_the_idempotency_key(gateway: InProcessGateway) -> None:
    body = {"user_name": "unknown", "password": "a guess at one"}
    answer = await gateway.client(
        "POST", "/auth/login-password", body, key="", headers={"Idempotency-Key": "first"}
    )
    check_error(answer, 401, "invalid_credentials")
    assert answer.headers["www-authenticate"] == "Bearer"


async def test_location_and_preference(busy: InProcessGateway) -> None:
    prefer = {"Prefer": "respond-async"}
    answer = await busy.client("POST", "/oms/commands", busy.command(), headers=prefer)
    (result,) = answer.json()["results"]
    assert answer.status == 202
    assert answer.headers["location"] == f"/oms/commands/{result['command_id']}"
    assert answer.headers["preference-applied"] == "respond-async"
    assert (await busy.client("GET", answer.headers["location"])).status == 200
    many = [busy.command(), busy.command()]
    waited = await busy.client("POST", "/oms/commands", many, headers={"Prefer": "wait=99"})
    assert waited.status == 200
    assert waited.headers["preference-applied"] == "wait=60"
    assert "location" not in waited.headers
    plain = await busy.client("POST", "/oms/commands?wait_ms=0", busy.command(), headers=prefer)
    assert "preference-applied" not in plain.headers


async def test_openapi_document_is_public_or_needs_a_key(tmp_path: Path) -> None:
    hidden = Settings.model_validate({"public_docs": False})
    async with open_gateway(f"sqlite+aiosqlite:///{tmp_path}/oms.sqlite3", hidden) as gateway:
        check_error(await gateway.client("GET", "/openapi.json", key=""), 401, "missing_api_key")
        check_error(
            await gateway.client("GET", "/openapi.json", key="wrong"), 401, "invalid_api_key"
        )
        shown = await gateway.client("GET", "/openapi.json", key=ADMIN_KEY)
        shown_again = await gateway.client("GET", "/openapi.json")
    assert (shown.status, shown.json()["openapi"]) == (200, "3.1.0")
    assert shown_again.body == shown.body
    assert "ratelimit" in shown.headers


async def test_openapi_document_is_not_built_on_the_event_loop(
    gateway: InProcessGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: list[threading.Thread] = []

    def build(*_: object) -> dict[str, Any]:
        threads.append(threading.current_thread())
        return {}

    monkeypatch.setattr(api_app, "build_document", build)
    assert (await gateway.client("GET", "/openapi.json")).status == 200
    assert threads and threading.main_thread() not in threads


async def test_framework_pages_are_off(gateway: InProcessGateway) -> None:
    assert (await gateway.client("GET", "/openapi.json", key="")).status == 200
    for path in ("/redoc", "/docs/oauth2-redirect"):
        check_error(await gateway.client("GET", path, key=""), 404, "not_found")


def test_malformed_http_gets_a_json_response() -> None:
    head, _, body = refusal_response(*MALFORMED).partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines[1:])
    assert lines[0] == "HTTP/1.1 400 Bad Request"
    assert headers["content-type"] == "application/json"
    assert int(headers["content-length"]) == len(body)
    detail = json.loads(body)["detail"]
    assert (detail["code"], detail["request_id"]) == ("validation_error", headers["x-request-id"])
    assert detail["code"] in CODES
