"""Rules for changes of an account's settings."""

import pytest

from oms.domain.account_change import AccountUsage, affects_trading, refuse_account_change

UNUSED = AccountUsage(has_orders=False, has_open_orders=False, has_open_positions=False)
TRADED = AccountUsage(has_orders=True, has_open_orders=False, has_open_positions=False)


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        (set[str](), False),
        ({"label", "trader_name"}, False),
        ({"label", "status"}, True),
        ({"extra_config"}, True),
    ],
)
def test_only_display_settings_leave_the_account_loaded(changed: set[str], expected: bool) -> None:
    assert affects_trading(changed) is expected


@pytest.mark.parametrize("field", ["exchange_id", "is_testnet"])
def test_exchange_is_fixed_after_the_first_order(field: str) -> None:
    assert refuse_account_change({field}, UNUSED) is None
    refused = refuse_account_change({field, "label"}, TRADED)
    assert refused is not None and refused.code == "conflict"


@pytest.mark.parametrize(
    "usage",
    [
        AccountUsage(has_orders=True, has_open_orders=True, has_open_positions=False),
        AccountUsage(has_orders=True, has_open_orders=False, has_open_positions=True),
    ],
)
def test_position_mode_is_fixed_while_something_is_open(usage: AccountUsage) -> None:
    assert refuse_account_change({"position_mode"}, TRADED) is None
    assert refuse_account_change({"position_mode"}, usage) is not None
    assert refuse_account_change({"status", "extra_config"}, usage) is None
