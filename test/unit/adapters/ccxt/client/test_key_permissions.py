"""What a key may do, as venues tell it; one that may withdraw is refused unless that is wished."""

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


class Told:
    def __init__(self, answer: Any) -> None:
        self.answer = answer

    async def read(self, method: str, *args: Any, **kwargs: Any) -> Any:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def bybit(wallet: list[str], read_only: int = 0, **more: Any) -> dict[str, Any]:
    told = {"permissions": BYBIT | {"Wallet": wallet}, "readOnly": read_only}
    return {"result": told | more}


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
async def test_what_is_told(venue: str, answer: Any, rights: KeyPermissions) -> None:
    assert await fetch_key_permissions(Told(answer), venue, "live") == rights


def test_a_key_that_may_withdraw_is_refused_unless_that_is_wished() -> None:
    rights = KeyPermissions(trades=True, can_withdraw=True)
    with pytest.raises(Rejected) as refused:
        refuse_withdrawal_key(rights, {})
    assert (refused.value.code, refused.value.reason) == ("auth_failed", "withdrawal_key")
    refuse_withdrawal_key(rights, {"oms": {"withdrawal_key": True}})
    refuse_withdrawal_key(KeyPermissions(trades=True, can_withdraw=False), {})
    refuse_withdrawal_key(KeyPermissions(), {})


@pytest.mark.parametrize("told", ["yes", 1, None])
def test_the_wish_is_true_or_false(told: Any) -> None:
    extra = dumps({"oms": {"withdrawal_key": told}})
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
async def test_whose_a_key_is(venue: str, environment: str, answer: Any, owner: str | None) -> None:
    assert await fetch_key_owner(Told(answer), venue, environment, KeyPermissions()) == owner


def test_a_key_of_another_account_is_refused_unless_that_is_wished() -> None:
    with pytest.raises(Rejected) as refused:
        refuse_changed_owner("2", "1", {})
    why = refused.value
    assert (why.code, why.reason) == ("auth_failed", "credentials_changed_owner")
    refuse_changed_owner("2", "1", {"oms": {"exchange_owner": "2"}})
    with pytest.raises(Rejected):
        refuse_changed_owner("1", "1", {"oms": {"exchange_owner": "2"}})
    for owner, before in (("1", "1"), ("1", None), (None, "1"), (None, None)):
        refuse_changed_owner(owner, before, {})


@pytest.mark.parametrize("told", ["", 7, None])
def test_the_owner_is_a_name(told: Any) -> None:
    extra = dumps({"oms": {"exchange_owner": told}})
    with pytest.raises(Invalid, match=r"oms\.exchange_owner"):
        check_account(exchange_id="ccxt.bybit", environment="live", extra_config=extra)
