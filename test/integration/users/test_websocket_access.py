"""Tokens and restrictions of WebSocket connections."""

import pytest

from kit.gateway.admin_client import AdminClient
from kit.http.asgi_websocket import connect_websocket


async def test_token_is_accepted_like_its_key(api: AdminClient) -> None:
    account_id = api.gateway.account_id
    made = await api.user(permissions=[{"account_id": account_id}])
    token = await api.token()
    async with connect_websocket(api.gateway.app, token) as socket:
        result = await socket.request("subscribe", {"account_ids": [account_id]})
        assert result["payload"]["account_ids"] == [account_id]
        who = await socket.request("auth", {"api_key": token})
    assert who["payload"] == {
        "user_id": made["user_id"],
        "api_key_id": made["api_key_id"],
        "role": "trader",
    }


@pytest.mark.parametrize("ending", ["logout", "disabled", "moved"])
async def test_connection_closes_with_its_credential(api: AdminClient, ending: str) -> None:
    made = await api.user(permissions=[{"account_id": api.gateway.account_id}])
    token = await api.token()
    target = f"/admin/api-keys/{made['api_key_id']}"
    elsewhere = {"status": "active", "restrictions": {"ip_allowlist": ["192.0.2.1"]}}
    async with connect_websocket(api.gateway.app, token) as socket:
        await socket.request("subscribe", {"account_ids": [api.gateway.account_id]})
        if ending == "logout":
            answer = await api.client("POST", "/auth/logout", key=token)
        elif ending == "disabled":
            answer = await api.admin("PATCH", target, {"status": "disabled"})
        else:
            answer = await api.admin("PATCH", target, elsewhere)
        assert answer.status == 200
        code = await socket.closed()
    assert code == 4401


async def test_key_from_a_disallowed_address_is_closed(api: AdminClient) -> None:
    made = await api.user(restrictions={"ip_allowlist": ["192.0.2.1"]})
    with pytest.raises(AssertionError, match="1008"):
        async with connect_websocket(api.gateway.app, str(made["api_key_plain"])):
            pass
