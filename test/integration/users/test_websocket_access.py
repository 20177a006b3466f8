"""Tokens and restrictions at the socket: in like a key, out when they end."""

import pytest

from kit.gateway.admin_client import AdminClient
from kit.http.asgi_websocket import connect_websocket


async def test_a_token_opens_the_socket_like_its_key(desk: AdminClient) -> None:
    account_id = desk.gateway.account_id
    made = await desk.user(permissions=[{"account_id": account_id}])
    token = await desk.token()
    async with connect_websocket(desk.gateway.app, token) as socket:
        told = await socket.request("subscribe", {"account_ids": [account_id]})
        assert told["payload"]["account_ids"] == [account_id]
        who = await socket.request("auth", {"api_key": token})
    assert who["payload"] == {
        "user_id": made["user_id"],
        "api_key_id": made["api_key_id"],
        "role": "trader",
    }


@pytest.mark.parametrize("ending", ["logout", "disabled", "moved"])
async def test_a_socket_ends_with_its_credential(desk: AdminClient, ending: str) -> None:
    made = await desk.user(permissions=[{"account_id": desk.gateway.account_id}])
    token = await desk.token()
    target = f"/admin/api-keys/{made['api_key_id']}"
    elsewhere = {"status": "active", "restrictions": {"ip_allowlist": ["192.0.2.1"]}}
    async with connect_websocket(desk.gateway.app, token) as socket:
        await socket.request("subscribe", {"account_ids": [desk.gateway.account_id]})
        if ending == "logout":
            answer = await desk.client("POST", "/auth/logout", key=token)
        elif ending == "disabled":
            answer = await desk.admin("PATCH", target, {"status": "disabled"})
        else:
            answer = await desk.admin("PATCH", target, elsewhere)
        assert answer.status == 200
        code = await socket.closed()
    assert code == 4401


async def test_a_key_from_elsewhere_is_closed_at_once(desk: AdminClient) -> None:
    made = await desk.user(restrictions={"ip_allowlist": ["192.0.2.1"]})
    with pytest.raises(AssertionError, match="1008"):
        async with connect_websocket(desk.gateway.app, str(made["api_key_plain"])):
            pass
