"""``oms doctor --url``: what a caller of a gateway behind a proxy gets.

It asks over the network only. An address in ``X-Forwarded-For`` that no caller may claim reveals
whether the gateway knows the address of its callers.
"""

import argparse
import http.client
import json
import secrets
import socket
import ssl
from base64 import b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from oms.cli.network import api_key
from oms.cli.output import CommandFailed

SECONDS_MAX = 10.0
#: A certificate that is not renewed by then probably will not be.
CERTIFICATE_DAYS_MIN = 14
#: An address of documentation (RFC 5737), which no caller has.
FORGED_ADDRESS = "198.51.100.7"
FORGED = {"x-forwarded-for": FORGED_ADDRESS}
Outcome = tuple[str, bool, str]
"""Name of a check, whether it passed, and what was found."""


@dataclass(frozen=True, slots=True)
class _Target:
    """The gateway as callers reach it."""

    scheme: str
    host: str
    port: int
    prefix: str
    key: str

    def get(self, path: str, headers: Mapping[str, str]) -> tuple[int, bytes]:
        """Return status and body. Raises ``OSError``, ``HTTPException``."""
        kind = http.client.HTTPSConnection if self.scheme == "https" else http.client.HTTPConnection
        connection = kind(self.host, self.port, timeout=SECONDS_MAX)
        try:
            connection.request("GET", self.prefix + path, None, dict(headers))
            response = connection.getresponse()
            has_body = response.status != http.HTTPStatus.SWITCHING_PROTOCOLS
            return response.status, response.read() if has_body else b""
        finally:
            connection.close()


def check_url(parsed: argparse.Namespace) -> Iterator[Outcome]:
    """Yield the checks of ``--url``; none after one without which the next cannot succeed."""
    parts = urlsplit(parsed.url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        yield "url", False, "a URL like https://oms.example.com is expected"
        return
    default_port = 443 if parts.scheme == "https" else 80
    target = _Target(
        scheme=parts.scheme,
        host=parts.hostname,
        port=parts.port or default_port,
        prefix=parts.path.rstrip("/"),
        key=api_key(parsed),
    )
    try:
        yield _check_tls(target)
        version, detail = _version(target)
        yield "url_gateway", version, detail
        if version:
            yield _check_address(target)
            yield _check_metrics(target)
            yield _check_websocket(target)
    except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError) as error:
        yield "url_gateway", False, f"{parsed.url} cannot be reached: {error}"


def _check_tls(target: _Target) -> Outcome:
    """Check the certificate and its end, and name the version of HTTP that is offered."""
    if target.scheme == "http":
        return "url_tls", False, "plain HTTP: who reads the network reads keys and sessions"
    context = ssl.create_default_context()
    context.set_alpn_protocols(["h2", "http/1.1"])
    with (
        socket.create_connection((target.host, target.port), SECONDS_MAX) as plain,
        context.wrap_socket(plain, server_hostname=target.host) as secured,
    ):
        certificate = secured.getpeercert() or {}
        offered = "HTTP/2" if secured.selected_alpn_protocol() == "h2" else "HTTP/1.1"
        ends_at = datetime.fromtimestamp(
            ssl.cert_time_to_seconds(str(certificate["notAfter"])), UTC
        )
        days = (ends_at - datetime.now(UTC)).days
        detail = f"{secured.version()}, {offered}, certificate ends in {days} days"
    return "url_tls", days >= CERTIFICATE_DAYS_MIN, detail


def _version(target: _Target) -> tuple[bool, str]:
    status, text = target.get("/healthz", {})
    try:
        body: dict[str, Any] = json.loads(text)
        return body["status"] == "ok", f"{body['app']} {body['env']}, status {body['status']}"
    except (ValueError, KeyError, TypeError):
        return False, f"status {status}, and no answer of a gateway"


def _check_address(target: _Target) -> Outcome:
    """Check that the gateway does not take a forged address for that of the caller."""
    status, text = target.get("/auth/me", FORGED | {"x-api-key": target.key})
    body = json.loads(text)
    if status != http.HTTPStatus.OK:
        return "url_address", False, f"the key is refused: {body['detail']['code']}"
    address = str(body["client_ip"])
    if address == FORGED_ADDRESS:
        detail = "the proxy passes X-Forwarded-For of callers on: any caller can claim any address"
        return "url_address", False, detail
    return "url_address", address != "unknown", f"the gateway sees {address or 'no address'}"


def _check_metrics(target: _Target) -> Outcome:
    """Check that a caller from outside does not count as one of the gateway's own machine."""
    status, _ = target.get("/metrics", FORGED)
    if status != http.HTTPStatus.OK:
        return "url_proxy", True, "callers have addresses of their own"
    detail = (
        "the gateway takes this caller for its own machine: name the proxy in trusted_proxies"
        " (it is one if you run doctor on the machine of the gateway and its proxy)"
    )
    return "url_proxy", _is_own_machine(target), detail


def _is_own_machine(target: _Target) -> bool:
    """Return whether this process reaches the target over the loopback interface."""
    with socket.create_connection((target.host, target.port), SECONDS_MAX) as probe:
        address: str = probe.getpeername()[0]
    return address.startswith("127.") or address == "::1"


def _check_websocket(target: _Target) -> Outcome:
    """Check that a WebSocket handshake reaches the gateway."""
    nonce = b64encode(secrets.token_bytes(16)).decode()
    headers = {
        "connection": "Upgrade",
        "upgrade": "websocket",
        "sec-websocket-version": "13",
        "sec-websocket-key": nonce,
    }
    status, _ = target.get("/ws", headers)
    if status == http.HTTPStatus.SWITCHING_PROTOCOLS:
        return "url_websocket", True, "connections are passed on"
    return "url_websocket", False, f"status {status}: the proxy does not pass Upgrade on"


def refuse_account(parsed: argparse.Namespace) -> None:
    """Refuse ``--account-id`` beside ``--url``. Raises ``CommandFailed``."""
    if parsed.account_id is not None:
        message = "--account-id needs the database; --url asks over the network"
        raise CommandFailed(message, status=2)
