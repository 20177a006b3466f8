"""What a role may do by a browser session is what it may do by its key, on every operation."""

from pathlib import Path
from typing import Any

from kit.attack.access_table import PUBLIC
from kit.gateway.admin_client import AdminClient
from kit.gateway.in_process import InProcessGateway, open_gateway
from kit.http.browser import Browser
from kit.http.permission_table import PERMISSION_FLAGS

ROLES = ("admin", "trader", "portfolio_manager", "robot", "risk", "readonly")
#: Operations of sessions, which a key cannot use, and what would end the session.
_OF_SESSIONS = {"change_session_key", "touch_session", "confirm_session", "log_out"}
_UNKNOWN_ID = 2**40
WAIT_MS = 8000
"""An answer has the end of its command, else it may or may not come in time."""
_TEXTS = {
    "func": "fetch_ticker",
    "exchange_id": "paper.binance",
    "view": "open_orders",
    "entity": "orders",
    "strategy_name": "rsi",
    "run_strategy_name": "rsi",
}
_REFUSED_MIN = {"admin": 2, "trader": 30, "readonly": 40}
"""So many refusals there are at least: answers that are all alike would prove nothing."""


async def test_each_role_gets_the_same_answers_by_key_and_by_session(tmp_path: Path) -> None:
    dsn = f"sqlite+aiosqlite:///{tmp_path}/oms.sqlite3"
    async with open_gateway(dsn) as gateway:
        api = AdminClient(gateway, dsn)
        # Without a worker each request that asks an exchange would wait for its time-out.
        gateway.start_worker()
        document = (await api.client("GET", "/openapi.json")).json()
        requests = [*_requests(document, gateway.account_id), *_commands(gateway)]
        refused = {}
        for role in ROLES:
            flags = dict.fromkeys(PERMISSION_FLAGS, True) | {"account_id": gateway.account_id}
            made = await api.user(f"a {role}", role=role, permissions=[flags])
            key = str(made["api_key_plain"])
            browser = Browser(api.client)
            await browser.start({"mode": "api_key", "api_key": key})
            confirmed = await browser("POST", "/auth/session/confirm", {"api_key": key})
            assert confirmed.status == 200, confirmed.body
            differing, refusals = {}, 0
            for method, target, body in requests:
                by_key = _verdict(await api.client(method, target, body, key=key))
                by_session = _verdict(await browser(method, target, body))
                refusals += by_key[0] == 403
                if by_key != by_session:
                    differing[f"{method} {target}"] = (by_key, by_session)
            assert differing == {}, role
            refused[role] = refusals
        assert all(refused[role] >= least for role, least in _REFUSED_MIN.items()), refused


def _requests(document: Any, account_id: int) -> list[tuple[str, str, object]]:
    """One request per operation; its ids are unknown and its body is empty: nothing is changed."""
    found: list[tuple[str, str, object]] = []
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if operation["operationId"] in PUBLIC | _OF_SESSIONS:
                continue
            names = {part.strip("{}") for part in path.split("/") if part.startswith("{")}
            values = dict.fromkeys(names, _UNKNOWN_ID) | _TEXTS | {"account_id": account_id}
            known = {each.get("name") for each in operation["parameters"]}
            given = {"account_ids": account_id, "account_id": account_id, "wait_ms": WAIT_MS}
            if operation["operationId"] == "list_events":
                given["wait_ms"] = 0  # It would wait for an event that does not come.
            query = "&".join(f"{name}={each}" for name, each in given.items() if name in known)
            body = {} if "requestBody" in operation else None
            found.append((method.upper(), f"{path.format_map(values)}?{query}", body))
    return found


def _commands(gateway: InProcessGateway) -> list[tuple[str, str, object]]:
    """Commands that are stored if the role may send them."""
    account_id = gateway.account_id
    closing = {"account_id": account_id, "command": "close_position", "payload": {"position_id": 1}}
    canceling = {"account_id": account_id, "command": "cancel_order", "payload": {"order_id": 1}}
    return [
        ("POST", f"/oms/commands?wait_ms={WAIT_MS}", body)
        for body in (gateway.command(), closing, canceling)
    ]


def _verdict(answer: Any) -> tuple[int, str | None]:
    detail = answer.json().get("detail") if answer.body.startswith(b"{") else None
    return answer.status, detail.get("code") if isinstance(detail, dict) else None
