"""A session that uses secrets at every entry point of a gateway and records all responses.

It logs in, fails to log in, creates and replaces keys, seals credentials of an exchange, sends
secrets in wrong places, and repeats that during a database outage. It checks no secrecy itself.
"""

import asyncio
import base64
import json
import re
import secrets
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from kit.gateway.processes import Gateway
from kit.polling import wait_until

ORDER = {"symbol": "BTC/USDT:USDT", "side": "buy", "order_type": "market", "qty": "0.01"}
SECONDS_MAX = 30
SHOWN_ONCE = ("api_key_plain", "token", "csrf_token", "path_token", "secret")
"""Response keys under which a new secret is returned to its owner only."""
SET_COOKIE = re.compile(r"^set-cookie: (\w+)=(ses_[\w-]+)(.*)$", re.IGNORECASE | re.MULTILINE)


def make_secret(purpose: str) -> str:
    """A unique secret; ``purpose`` is part of it."""
    return f"{purpose.replace(' ', '-')}-{secrets.token_urlsafe(18)}"


@dataclass
class Session:
    """A gateway, its responses, and the secrets that must not appear in them."""

    gateway: Gateway
    #: Secrets by name.
    secrets: dict[str, str] = field(default_factory=dict)
    #: Every response: the request, and headers with body.
    answers: list[tuple[str, str]] = field(default_factory=list)
    #: The cookies that responses set, as name and text.
    cookies: list[tuple[str, str]] = field(default_factory=list)

    def add_secret(self, name: str, text: str | None = None) -> str:
        """Registers a secret under a name, a new one unless ``text`` is given; returns it."""
        self.secrets[name] = make_secret(name) if text is None else text
        return self.secrets[name]

    def call(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        key: str | None = None,
        raw: bytes | None = None,
        headers: dict[str, str] | None = None,
    ) -> tuple[int, Any]:
        """Status and JSON of one request; records the response without secrets shown once."""
        data = raw if raw is not None else None if body is None else json.dumps(body).encode()
        sent = {"content-type": "application/json", **(headers or {})}
        if key is not None:
            sent["x-api-key"] = key
        request = urllib.request.Request(
            self.gateway.base_url + path, data=data, method=method, headers=sent
        )
        try:
            answer = urllib.request.urlopen(request, timeout=30)
        except urllib.error.HTTPError as refusal:
            answer = refusal
        with answer:
            status, header_text, text = answer.status, str(answer.headers), answer.read().decode()
        value = _json(text)
        if (cookie := SET_COOKIE.search(header_text)) is not None:
            self.cookies.append((cookie[1], cookie[2]))
            header_text = SET_COOKIE.sub(r"set-cookie: \1=\3", header_text)
        kept = text
        if isinstance(value, dict) and set(value) & set(SHOWN_ONCE):
            kept = json.dumps({k: v for k, v in value.items() if k not in SHOWN_ONCE})
        self.answers.append((f"{method} {path} {status}", f"{header_text}\n{kept}"))
        return status, value

    def call_ok(self, method: str, path: str, body: object = None, **options: Any) -> Any:
        """The JSON of a request that must succeed."""
        status, value = self.call(method, path, body, **options)
        assert status < 300, (method, path, status, value)
        return value


def run_session(session: Session) -> None:
    """The whole session except the outage."""
    exercise_users(session)
    exercise_credentials(session)
    send_misplaced_secrets(session)
    exercise_reads(session)
    asyncio.run(exercise_websocket(session))


def exercise_users(session: Session) -> None:
    """Users, passwords, keys and tokens, valid and invalid."""
    admin = session.add_secret("admin key", session.gateway.admin_api_key)
    session.add_secret("trader key", session.gateway.api_key)
    user = {"user_name": "ann", "role": "trader", "password": session.add_secret("password")}
    permits = [{"account_id": session.gateway.account_id, "can_trade": True}]
    ann = session.call_ok(
        "POST", "/admin/users-with-api-key", user | {"permissions": permits}, key=admin
    )
    key = session.add_secret("made key", ann["api_key_plain"])
    key_request = {
        "user_id": ann["user_id"],
        "api_key": session.add_secret("chosen key"),
        "label": "chosen",
    }
    idempotency_headers = {"headers": {"Idempotency-Key": "one-key"}}
    session.call_ok("POST", "/admin/api-keys", key_request, key=admin, **idempotency_headers)
    session.call_ok("POST", "/admin/api-keys", key_request, key=admin, **idempotency_headers)
    own = session.call_ok("POST", "/user/api-keys", {"label": "own"}, key=key)
    session.add_secret("own key", own["api_key_plain"])
    _logins(session, key)
    exercise_browser_sessions(session)
    session.call_ok("PATCH", f"/admin/users/{ann['user_id']}", _password(session, "set"), key=admin)
    session.call("PATCH", f"/admin/users/{ann['user_id']}", {"password": "short-pw"}, key=admin)
    session.add_secret("short password", "short-pw")
    session.call_ok(
        "PATCH", f"/admin/api-keys/{own['api_key_id']}", {"status": "disabled"}, key=admin
    )
    assert session.call("GET", "/user/profile", key=own["api_key_plain"])[0] == 401


def _password(session: Session, purpose: str) -> dict[str, str]:
    return {"password": session.add_secret(f"{purpose} password")}


def _logins(session: Session, key: str) -> None:
    name = {"user_name": "ann"}
    body = session.call_ok(
        "POST", "/auth/login-password", name | {"password": session.secrets["password"]}
    )
    token = session.add_secret("token", body["token"])
    session.call_ok("GET", "/user/profile", headers={"Authorization": f"Bearer {token}"})
    wrong = {"password": session.add_secret("wrong password")}
    for user in ("ann", "unknown"):
        assert session.call("POST", "/auth/login-password", {"user_name": user, **wrong})[0] == 401
    change = {
        "current_password": session.secrets["password"],
        "new_password": session.add_secret("new password"),
    }
    session.call_ok("POST", "/user/password", change, key=key)
    session.call("POST", "/user/password", change | {"current_password": "x" * 12}, key=key)
    body = session.call_ok(
        "POST", "/auth/login-password", name | {"password": session.secrets["new password"]}
    )
    session.add_secret("second token", body["token"])
    session.call_ok("POST", "/auth/logout", key=body["token"])
    for _ in range(6):  # until the user name is locked out
        status, _ = session.call("POST", "/auth/login-password", {"user_name": "bob", **wrong})
    assert status == 429


def exercise_browser_sessions(session: Session) -> None:
    """Logins of a browser, its session, and the texts of sessions in wrong places."""
    page = {"Origin": session.gateway.base_url}
    login = {"mode": "password", "user_name": "ann", "password": session.secrets["new password"]}
    caller = session.call_ok("POST", "/auth/session", login, headers=page)
    name, text = session.cookies[-1]
    session.add_secret("session", text)
    page |= {"Cookie": f"{name}={text}"}
    signed = page | {"X-Csrf-Token": session.add_secret("csrf token", caller["csrf_token"])}
    session.call_ok("GET", "/auth/me", headers=page)
    session.call_ok("POST", "/auth/session/touch", headers=signed)
    assert session.call("POST", "/auth/session/touch", headers=page)[0] == 403
    wrong = {"password": session.secrets["wrong password"]}
    assert session.call("POST", "/auth/session/confirm", wrong, headers=signed)[0] == 401
    right = {"password": session.secrets["new password"]}
    session.call_ok("POST", "/auth/session/confirm", right, headers=signed)
    assert session.call("GET", "/user/profile", key=text)[0] == 401
    session.call("GET", f"/oms/accounts?session={text}")
    session.call("POST", f"/auth/{text}", {"text": text}, headers=signed)
    rotated = {"api_key_id": caller["api_key"]["api_key_id"]}
    session.call_ok("PATCH", "/auth/session", rotated, headers=signed)
    session.add_secret("second session", session.cookies[-1][1])
    by_key = {"mode": "api_key", "api_key": session.secrets["made key"]}
    session.call_ok("POST", "/auth/session", by_key, headers={"Origin": page["Origin"]})
    session.add_secret("third session", session.cookies[-1][1])
    unknown = {"mode": "api_key", "api_key": session.add_secret("unknown session key")}
    assert session.call("POST", "/auth/session", unknown, headers=page)[0] == 401
    for path in ("/user/sessions", "/user/preferences"):
        session.call_ok("GET", path, key=session.secrets["made key"])
    session.call_ok("GET", "/admin/sessions", key=session.secrets["admin key"])
    link = {"view": "stats", "account_ids": [session.gateway.account_id]}
    made = session.call_ok("POST", "/user/share-links", link, key=session.secrets["admin key"])
    token = session.add_secret("token of a share link", made["token"])
    session.call_ok("GET", f"/share/{token}")
    assert session.call("GET", f"/share/{token}?q={token}/{token}")[0] == 200
    assert session.call("GET", f"/share/{token}/x")[0] == 404


def exercise_credentials(session: Session) -> None:
    """Seals credentials of an exchange and replaces them."""
    path = f"/admin/accounts/{session.gateway.account_id}"
    credentials_fields = {
        name: session.add_secret(f"exchange {name}") for name in ("api_key", "secret", "passphrase")
    }
    admin = session.secrets["admin key"]
    session.call_ok(
        "PATCH", path, {"credentials": credentials_fields, "comment": "first"}, key=admin
    )
    other = {"secret": session.add_secret("exchange other secret")}
    idempotency_headers = {"Idempotency-Key": "seal"}
    session.call_ok("PATCH", path, {"credentials": other}, key=admin, headers=idempotency_headers)
    session.call_ok("PATCH", path, {"credentials": other}, key=admin, headers=idempotency_headers)
    wrong = {"secret": session.add_secret("exchange lost secret"), "passphrase": ["x"]}
    assert session.call("PATCH", path, {"credentials": wrong}, key=admin)[0] == 422
    stray_credentials = {"credentials": {"secret": session.add_secret("exchange stray secret")}}
    assert session.call("PATCH", "/admin/accounts/987654", stray_credentials, key=admin)[0] == 404
    # A trader without the permission gets nothing of the request back.
    assert (
        session.call("PATCH", path, stray_credentials, key=session.secrets["trader key"])[0] == 403
    )


def send_misplaced_secrets(session: Session) -> None:
    """Secrets in wrong places: bad headers, broken JSON, wrong types, wrong routes."""
    trader, admin = session.secrets["trader key"], session.secrets["admin key"]
    bad = session.add_secret("bad key", f"oms_{secrets.token_urlsafe(32)}")
    bad_token = session.add_secret("bad token", f"tok_{secrets.token_urlsafe(32)}")
    plain = session.add_secret("basic password")
    basic = base64.b64encode(f"ann:{plain}".encode()).decode()
    session.add_secret("basic header", basic)
    for header in (
        {"x-api-key": bad},
        {"Authorization": f"Bearer {bad_token}"},
        {"Authorization": f"Basic {basic}"},
        {"Authorization": f"Bearer {session.add_secret('odd key')} and more"},
    ):
        assert session.call("GET", "/oms/accounts", headers=header)[0] == 401
    truncated = f'{{"user_name": "ann", "password": "{session.add_secret("half password")}'.encode()
    assert session.call("POST", "/auth/login-password", raw=truncated)[0] == 422
    wrong_type = {"user_name": "ann", "password": [session.add_secret("listed password")]}
    assert session.call("POST", "/auth/login-password", wrong_type)[0] == 422
    command = {"account_id": session.gateway.account_id, "command": "send_order"}
    payload = ORDER | {
        "api_key": session.add_secret("stray key"),
        "qty": session.add_secret("stray value"),
    }
    session.call("POST", "/oms/commands", command | {"payload": payload}, key=trader)
    broken = f'{{"api_key": "{session.add_secret("broken key")}" "x": 1}}'.encode()
    assert session.call("POST", "/admin/api-keys", key=admin, raw=broken)[0] == 422
    short = {"user_id": 1, "api_key": session.add_secret("weak key", "weak-key-123456")}
    assert session.call("POST", "/admin/api-keys", short, key=admin)[0] == 422
    session.call("GET", f"/oms/accounts?api_key={session.add_secret('query key')}")
    session.call("GET", f"/oms/orders/{session.add_secret('path key')}", key=trader)


def exercise_reads(session: Session) -> None:
    """Reads."""
    account = session.gateway.account_id
    trader, admin = session.secrets["trader key"], session.secrets["admin key"]
    order = {"account_id": account, "command": "send_order", "payload": ORDER}
    session.call_ok("POST", "/oms/commands?wait_ms=5000", order, key=trader)
    namespaces = "position,command,risk"
    session.call_ok(
        "GET", f"/oms/events?account_ids={account}&limit=1000&namespaces={namespaces}", key=trader
    )
    for path in (
        *("/user/profile", "/user/api-keys", "/user/api-keys/permissions", "/oms/accounts"),
        *("/dispatcher/status", "/version", "/healthz", "/readyz", "/meta/exchanges"),
        f"/oms/commands?account_ids={account}&cursor=",
    ):
        session.call_ok("GET", path, key=trader)
    for path in ("/admin/users", "/admin/users-api-keys", "/admin/accounts", "/metrics"):
        session.call_ok("GET", path, key=admin)
    audit = session.call_ok("GET", "/admin/audit?page_size=500&sort=desc", key=admin)
    assert {"set_credentials"} <= {row["action"] for row in audit["items"]}


async def exercise_websocket(session: Session) -> None:
    """The same at the WebSocket; its frames are recorded as responses."""
    url = session.gateway.base_url.replace("http", "ws") + "/ws"
    wrong = session.add_secret("socket key", f"oms_{secrets.token_urlsafe(32)}")
    await _record_frames(session, url, {"x-api-key": wrong}, [])
    broken = session.add_secret("socket broken")
    frames = [
        json.dumps({"id": 1, "action": "auth", "payload": {"api_key": wrong}}),
        f'{{"id": 2, "action": "auth", "payload": {{"api_key": "{broken}"',
        json.dumps({"id": 3, "action": "auth", "payload": {"api_key": [broken]}}),
        json.dumps(
            {"id": 4, "action": "auth", "payload": {"api_key": session.secrets["trader key"]}}
        ),
        json.dumps({"id": 5, "action": broken, "payload": {"secret": broken}}),
        json.dumps({"id": 6, "action": "ping"}),
    ]
    await _record_frames(session, url, {}, frames)


async def _record_frames(
    session: Session, url: str, headers: dict[str, str], frames: list[str]
) -> None:
    """Sends the frames; records received ones until the pong or until the server closes."""
    async with connect(url, additional_headers=headers) as connection:
        for frame in frames:
            await connection.send(frame)
        try:
            while True:
                text = str(await asyncio.wait_for(connection.recv(), 20))
                # ``action`` of the request is echoed, to that client only.
                body = json.loads(text)
                body.pop("action", None)
                frame_text = json.dumps(body)
                session.answers.append(("/ws", frame_text))
                if body.get("event") == "pong":
                    return
        except ConnectionClosed as closed:
            session.answers.append(("/ws closed", str(closed)))


def run_during_outage(
    session: Session, stop_database: Callable[[], None], start_database: Callable[[], None]
) -> None:
    """The same routes during an outage between ``stop_database`` and ``start_database``."""
    stop_database()
    admin = session.secrets["admin key"]
    user = {"user_name": "ann", "password": session.add_secret("outage password")}
    account = f"/admin/accounts/{session.gateway.account_id}"
    credentials_fields = {"credentials": {"secret": session.add_secret("outage secret")}}
    unknown = session.add_secret("outage key", f"oms_{secrets.token_urlsafe(32)}")
    statuses = [
        session.call("POST", "/auth/login-password", user)[0],
        session.call("PATCH", account, credentials_fields, key=admin)[0],
        session.call("GET", "/oms/accounts", key=unknown)[0],
        session.call("GET", "/healthz")[0],
        session.call("GET", "/metrics")[0],
    ]
    log = session.gateway.log
    wait_until(
        lambda: "store_unavailable" in log.read_text(),
        SECONDS_MAX,
        "the worker reported the outage",
    )
    start_database()
    assert statuses[1] == 503, statuses


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text
