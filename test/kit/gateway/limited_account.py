"""An account under a risk policy, in the gateway of one process."""

from typing import Any

from kit.gateway.in_process import ADMIN_KEY, MANUAL, TRADER, InProcessGateway
from kit.http.asgi_client import AsgiResponse
from oms.domain.value import evolve

BTC, ETH = "BTC/USDT:USDT", "ETH/USDT:USDT"
KEY = "oms_a-trader-under-limits"
WATCH = "oms_watches-over-the-limits"


async def open_limited(busy: InProcessGateway, mode: str, extra: str = MANUAL) -> InProcessGateway:
    """Return the gateway with a new account, at prices of 100, and a key of role risk."""
    busy.account_id = await busy.add_account(mode, extra)
    grants = {busy.account_id: TRADER}
    await busy.add_key("limited", KEY, grants=grants)
    grants = {busy.account_id: evolve(TRADER, can_risk_manage=True)}
    await busy.add_key("watch", WATCH, role="risk", grants=grants)
    for symbol in (BTC, ETH):
        await busy.set_price(symbol, "100", key=KEY)
    return busy


async def put_policy(
    gateway: InProcessGateway, scope: str = "account", scope_id: int | None = None, **keys: Any
) -> AsgiResponse:
    """Set keys of a scope (the account, if none is named), with immediate effect in the worker."""
    if scope == "account" and scope_id is None:
        scope_id = gateway.account_id
    body = {"scope": scope, "scope_id": scope_id, "keys": keys, "comment": "first week"}
    key = WATCH if scope == "account" else ADMIN_KEY
    answer = await gateway.client("PUT", "/risk/policy", body, key=key)
    forget_limits(gateway)
    return answer


def forget_limits(gateway: InProcessGateway) -> None:
    """Make the worker read the shared limits with the next command."""
    kill_switches = gateway.worker.processor.execute.kill_switches
    assert kill_switches is not None
    kill_switches.forget()


async def set_limits(
    gateway: InProcessGateway, scope: str = "account", scope_id: int | None = None, **keys: Any
) -> None:
    """Set keys as ``put_policy`` does, and check that they are set."""
    answer = await put_policy(gateway, scope, scope_id, **keys)
    assert answer.status == 200, answer.body


async def post_command(gateway: InProcessGateway, command: str, **payload: Any) -> Any:
    """Return the result of a command."""
    body = {"account_id": gateway.account_id, "command": command, "payload": payload}
    answer = await gateway.client("POST", "/oms/commands?wait_ms=8000", body, key=KEY)
    sent = answer.json()
    return (sent.get("detail") or sent)["results"][0]


async def post_previews(gateway: InProcessGateway, body: Any, key: str = KEY) -> AsgiResponse:
    """Return the answer to a request of previews."""
    return await gateway.client("POST", "/oms/commands/preview?wait_ms=8000", body, key=key)


async def preview_of(gateway: InProcessGateway, command: str, **payload: Any) -> Any:
    """Return the preview of a command."""
    body = {"account_id": gateway.account_id, "command": command, "payload": payload}
    answer = await post_previews(gateway, body)
    assert answer.status == 200, answer.body
    (result,) = answer.json()["results"]
    assert result["ok"] and result["error"] is None
    return result["preview"]


async def send(gateway: InProcessGateway, **changes: Any) -> Any:
    """Return the result of a market buy of 1, changed by ``changes``."""
    order = {"symbol": BTC, "side": "buy", "order_type": "market", "qty": "1"}
    return await post_command(gateway, "send_order", **(order | changes))


def reason_of(result: Any) -> str | None:
    """Return the reason of a refusal by risk, ``None`` of a result without error."""
    if result["ok"]:
        return None
    assert result["error"]["code"] == "risk_blocked", result
    reason: str = result["error"]["reason"]
    return reason


async def reason_of_call(gateway: InProcessGateway, func: str, *args: Any) -> str | None:
    """Return the reason of the refusal of a ccxt call, ``None`` if it passes."""
    path = f"/ccxt/{gateway.account_id}/{func}"
    answer = await gateway.client("POST", path, {"args": list(args)}, key=KEY)
    if answer.status == 200:
        return None
    assert answer.detail["code"] == "risk_blocked", answer.body
    reason: str = answer.detail["reason"]
    return reason
