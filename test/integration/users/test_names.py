"""Names of users and strategies: the same rule on every database."""

import pytest

from kit.gateway.admin_client import AdminClient
from kit.gateway.in_process import AUDIT, now
from oms.domain.errors import Conflict

#: Names that count as ``Ann Lee``.
SAME = ("ann lee", "ANN LEE", "Ann  Lee", "\uff21nn Lee", "Ann Lee ")


@pytest.mark.parametrize("name", SAME)
async def test_user_name_that_counts_as_the_same(api: AdminClient, name: str) -> None:
    await api.user("Ann Lee")
    other = await api.user("bo")
    body = {"user_name": name, "password": "correct horse battery staple"}
    taken = await api.admin("POST", "/admin/users-with-api-key", body)
    assert (taken.status, taken.detail["code"]) == (409, "conflict")
    renamed = await api.client(
        "PATCH", "/user/profile", {"user_name": name}, key=str(other["api_key_plain"])
    )
    assert (renamed.status, renamed.detail["code"]) == (409, "conflict")
    with pytest.raises(Conflict):
        await api.gateway.store.registry.create_user(
            name=name, role="trader", now=now(), audit=AUDIT
        )
    assert (await api.login(name)).status == 401, "a login needs the exact name"
    assert (await api.login("Ann Lee")).status == 200


async def test_user_changes_the_case_of_the_own_name(api: AdminClient) -> None:
    plain = str((await api.user("ann"))["api_key_plain"])
    for name in ("Ann", "bo", "ann"):
        answer = await api.client("PATCH", "/user/profile", {"user_name": name}, key=plain)
        assert (answer.status, answer.json()["user_name"]) == (200, name)
    await api.user("Bo")


@pytest.mark.parametrize("name", SAME)
async def test_strategy_name_that_counts_as_the_same(api: AdminClient, name: str) -> None:
    made = await api.admin("POST", "/admin/strategies", {"name": "Ann Lee"})
    assert made.status == 200, made.body
    other = (await api.admin("POST", "/admin/strategies", {"name": "other"})).json()
    for method, path in (
        ("POST", "/admin/strategies"),
        ("PATCH", f"/admin/strategies/{other['strategy_id']}"),
    ):
        taken = await api.admin(method, path, {"name": name})
        assert (taken.status, taken.detail["code"]) == (409, "conflict")
    own = f"/admin/strategies/{made.json()['strategy_id']}"
    assert (await api.admin("PATCH", own, {"name": name, "status": "disabled"})).status == 200
