"""What a key may do, as venues tell it; one that may withdraw is refused unless that is wished."""

from json import dumps
from typing import Any

import pytest

from oms.adapters.ccxt.account_check import check_account
from oms.adapters.ccxt.faults import ReadFailed, Rejected
from oms.adapters.ccxt.key_rights import KeyRights, key_rights, refuse_rights
from oms.domain.errors import Invalid

BYBIT: dict[str, Any] = {"ContractTrade": ["Order"], "Spot": [], "Derivatives": [], "Wallet": []}


class Told:
    def __init__(self, answer: Any) -> None:
        self.answer = answer

    async def read(self, method: str, *args: Any, **kwargs: Any) -> Any:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def bybit(wallet: list[str], read_only: int = 0) -> dict[str, Any]:
    return {"result": {"permissions": BYBIT | {"Wallet": wallet}, "readOnly": read_only}}


@pytest.mark.parametrize(
    ("venue", "answer", "rights"),
    [
        ("bybit", bybit([]), KeyRights(trades=True, withdraws=False)),
        ("bybit", bybit(["Withdraw"]), KeyRights(trades=True, withdraws=True)),
        ("bybit", bybit([], 1), KeyRights(trades=False, withdraws=False)),
        (
            "binance",
            {"enableSpotAndMarginTrading": True, "enableWithdrawals": True},
            KeyRights(trades=True, withdraws=True),
        ),
        ("okx", {"data": [{"perm": "read_only,trade"}]}, KeyRights(trades=True, withdraws=False)),
        ("okx", {"data": [{"perm": "withdraw"}]}, KeyRights(trades=False, withdraws=True)),
        ("okx", {"data": []}, KeyRights()),
        ("bybit", {"result": None}, KeyRights()),
        ("bybit", ReadFailed("exchange_error", "no", retryable=False), KeyRights()),
        ("zaif", {}, KeyRights()),
    ],
)
async def test_what_is_told(venue: str, answer: Any, rights: KeyRights) -> None:
    assert await key_rights(Told(answer), venue, "live") == rights


def test_a_key_that_may_withdraw_is_refused_unless_that_is_wished() -> None:
    rights = KeyRights(trades=True, withdraws=True)
    with pytest.raises(Rejected) as refused:
        refuse_rights(rights, {})
    assert (refused.value.code, refused.value.reason) == ("auth_failed", "withdrawal_key")
    refuse_rights(rights, {"oms": {"withdrawal_key": True}})
    refuse_rights(KeyRights(trades=True, withdraws=False), {})
    refuse_rights(KeyRights(), {})


@pytest.mark.parametrize("told", ["yes", 1, None])
def test_the_wish_is_true_or_false(told: Any) -> None:
    extra = dumps({"oms": {"withdrawal_key": told}})
    with pytest.raises(Invalid, match=r"oms\.withdrawal_key"):
        check_account(exchange_id="ccxt.bybit", environment="live", extra_config=extra)
