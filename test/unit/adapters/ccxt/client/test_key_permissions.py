"""Permissions of API keys as venues report them; a key that may withdraw is refused by default."""

from json import dumps
from typing import Any

import pytest

from oms.adapters.ccxt.account_validation import check_account
from oms.adapters.ccxt.client.key_permissions import (
    KeyPermissions,
    fetch_key_owner,
    fetch_key_permissions,
    refuse_changed_owner,
    refuse_withdrawal_key,
)
from oms.adapters.ccxt.client.request_errors import ReadFailed, Rejected
from oms.domain.errors import Invalid

BYBIT: dict[str, Any] = {"ContractTrade": ["Order"], "Spot": [], "Derivatives": [], "Wallet": []}


class ScriptedReads:
    def __init__(self, answer: Any) -> None:
        self.answer = answer

    async def read(self, method: str, *args: Any, **kwargs: Any) -> Any:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def bybit(wallet: list[str], read_only: int = 0, **more: Any) -> dict[str, Any]:
    payload = {"permissions": BYBIT | {"Wallet": wallet}, "readOnly": read_only}
    return {"result": payload | more}


@pytest.mark.parametrize(
    ("venue", "answer", "rights"),
    [
        ("bybit", bybit([]), KeyPermissions(trades=True, can_withdraw=False)),
        ("bybit", bybit(["Withdraw"]), KeyPermissions(trades=True, can_withdraw=True)),
        ("bybit", bybit([], 1), KeyPermissions(trades=False, can_withdraw=False)),
        (
            "binance",
            {"enableSpotAndMarginTrading": True, "enableWithdrawals": True},
            KeyPermissions(trades=True, can_withdraw=True),
        ),
        (
            "okx",
            {"data": [{"perm": "read_only,trade"}]},
            KeyPermissions(trades=True, can_withdraw=False),
        ),
        ("okx", {"data": [{"perm": "withdraw"}]}, KeyPermissions(trades=False, can_withdraw=True)),
        (
            "bybit",
            bybit([], userID=24617703),
            KeyPermissions(trades=True, can_withdraw=False, owner="24617703"),
        ),
        (
            "okx",
            {"data": [{"perm": "trade", "uid": "446"}]},
            KeyPermissions(trades=True, can_withdraw=False, owner="446"),
        ),
        ("okx", {"data": []}, KeyPermissions()),
        ("bybit", {"result": None}, KeyPermissions()),
        ("bybit", ReadFailed("exchange_error", "no", retryable=False), KeyPermissions()),
        ("zaif", {}, KeyPermissions()),
    ],
)
async def test_permissions_are_read(venue: str, answer: Any, rights: KeyPermissions) -> None:
    assert await fetch_key_permissions(ScriptedReads(answer), venue, "live") == rights


def test_a_key_that_may_withdraw_is_refused_unless_allowed() -> None:
    rights = KeyPermissions(trades=True, can_withdraw=True)
    with pytest.raises(Rejected) as refused:
        refuse_withdrawal_key(rights, {})
    assert (refused.value.code, refused.value.reason) == ("auth_failed", "withdrawal_key")
    refuse_withdrawal_key(rights, {"oms": {"withdrawal_key": True}})
    refuse_withdrawal_key(KeyPermissions(trades=True, can_withdraw=False), {})
    refuse_withdrawal_key(KeyPermissions(), {})


@pytest.mark.parametrize("payload", ["yes", 1, None])
def test_the_setting_is_a_boolean(payload: Any) -> None:
    extra = dumps({"oms": {"withdrawal_key": payload}})
    with pytest.raises(Invalid, match=r"oms\.withdrawal_key"):
        check_account(exchange_id="ccxt.bybit", environment="live", extra_config=extra)


@pytest.mark.parametrize(
    ("venue", "environment", "answer", "owner"),
    [
        ("binance", "live", {"uid": 354937868}, "354937868"),
        ("binance", "loopback", {"uid": 354937868}, None),
        ("binance", "live", {"uid": 0}, None),
        ("binance", "live", ReadFailed("exchange_error", "no", retryable=False), None),
        ("okx", "live", {"uid": 1}, None),
    ],
)
async def test_the_owner_of_a_key(
    venue: str, environment: str, answer: Any, owner: str | None
) -> None:
    assert (
        await fetch_key_owner(ScriptedReads(answer), venue, environment, KeyPermissions()) == owner
    )


def test_a_key_of_another_account_is_refused_unless_allowed() -> None:
    with pytest.raises(Rejected) as refused:
        refuse_changed_owner("2", "1", {})
    why = refused.value
    assert (why.code, why.reason) == ("auth_failed", "credentials_changed_owner")
    refuse_changed_owner("2", "1", {"oms": {"exchange_owner": "2"}})
    with pytest.raises(Rejected):
        refuse_changed_owner("1", "1", {"oms": {"exchange_owner": "2"}})
    for owner, before in (("1", "1"), ("1", None), (None, "1"), (None, None)):
        refuse_changed_owner(owner, before, {})


@pytest.mark.parametrize("payload", ["", 7, None])
def test_the_owner_setting_is_a_text(payload: Any) -> None:
    extra = dumps({"oms": {"exchange_owner": payload}})
    with pytest.raises(Invalid, match=r"oms\.exchange_owner"):
        check_account(exchange_id="ccxt.bybit", environment="live", extra_config=extra)
