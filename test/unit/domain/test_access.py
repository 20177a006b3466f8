"""Authorization: role table, account flags, strategy allow-lists."""

import pytest

from oms.domain.access import (
    ROLES,
    Grant,
    Permission,
    Principal,
    Role,
    allowed_strategies,
    refuse,
    refuse_account,
    refuse_strategy,
)

FULL = Grant(
    can_trade=True,
    can_close_position=True,
    can_risk_manage=True,
    can_block_new_positions=True,
    can_block_account=True,
)


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("permission", Permission)
def test_a_role_outside_the_table_is_refused_whatever_the_flags(
    role: Role, permission: Permission
) -> None:
    refused = refuse(_who(role, FULL), permission, 1, ())
    if role in ROLES[permission]:
        assert refused is None
    else:
        assert refused is not None


def test_an_admin_who_trades_is_refused_with_a_reason() -> None:
    refused = refuse(_who(Role.ADMIN, FULL), Permission.TRADE, 1)
    assert refused is not None
    assert refused.code == "admin_read_only"


@pytest.mark.parametrize(
    ("permission", "grant"),
    [
        (Permission.READ, Grant(can_read=False, can_trade=True)),
        (Permission.TRADE, Grant()),
        (Permission.CANCEL, Grant(can_close_position=True)),
        (Permission.CLOSE, Grant(can_trade=True)),
        (Permission.REASSIGN, Grant(can_close_position=True)),
    ],
)
def test_a_missing_flag_is_refused_and_names_the_account(
    permission: Permission, grant: Grant
) -> None:
    refused = refuse_account(_who(Role.TRADER, grant), permission, 1)
    assert refused is not None
    assert (refused.code, refused.message) == ("permission_denied", "account_id=1")


def test_an_account_without_grant_is_refused() -> None:
    assert refuse(_who(Role.TRADER, FULL), Permission.READ, 2) is not None


@pytest.mark.parametrize("grant", [Grant(can_trade=True), Grant(can_risk_manage=True)])
def test_either_flag_reassigns(grant: Grant) -> None:
    for role in (Role.TRADER, Role.PORTFOLIO_MANAGER, Role.RISK):
        assert refuse(_who(role, grant), Permission.REASSIGN, 1) is None
    assert refuse(_who(Role.ROBOT, grant), Permission.REASSIGN, 1) is not None
    assert refuse(_who(Role.ADMIN, Grant()), Permission.REASSIGN, 1) is None


def test_keys_restricted_to_strategies() -> None:
    listed = Grant(can_trade=True, strategy_ids=frozenset({3}))
    assert allowed_strategies(_who(Role.TRADER, listed), 1) is None
    assert allowed_strategies(_who(Role.ROBOT, listed), 1) == {3}
    kept = Grant(restrict_to_strategies=True)
    assert allowed_strategies(_who(Role.TRADER, kept), 1) == frozenset()
    assert allowed_strategies(_who(Role.ADMIN, kept), 1) is None


def test_the_risk_role_cancels_by_its_own_flag() -> None:
    assert refuse(_who(Role.RISK, Grant(can_risk_manage=True)), Permission.CANCEL, 1) is None
    assert refuse(_who(Role.RISK, Grant(can_trade=True)), Permission.CANCEL, 1) is not None


def test_a_restricted_key_is_limited_to_its_strategies() -> None:
    grant = Grant(can_trade=True, restrict_to_strategies=True, strategy_ids=frozenset({3}))
    assert refuse_strategy(_who(Role.TRADER, grant), 1, (3,)) is None
    refused = refuse_strategy(_who(Role.TRADER, grant), 1, (3, 4))
    assert refused is not None
    assert refused.code == "strategy_permission_denied"


def test_a_robot_is_always_restricted() -> None:
    assert refuse_strategy(_who(Role.ROBOT, Grant(can_trade=True)), 1, (0,)) is not None


def test_an_unknown_role_is_readonly() -> None:
    assert Role.parse("emperor") is Role.READONLY
    assert Role.parse("trader") is Role.TRADER


def _who(role: Role, grant: Grant) -> Principal:
    return Principal(user_id=1, user_name="u", api_key_id=1, role=role, grants={1: grant})
