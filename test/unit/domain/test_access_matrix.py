"""The role table and the flag checks equal the documented table, cell by cell."""

from itertools import chain, combinations

import pytest

from kit.http.permission_table import (
    PERMISSION_FLAGS,
    ROLE_BY_LETTER,
    PermissionRow,
    load_permission_rows,
)
from oms.domain.access import (
    Grant,
    Permission,
    Principal,
    Role,
    refuse,
    refuse_missing_comment,
    refuse_role,
)
from oms.domain.value import evolve

LINES = load_permission_rows()
SETS = list(
    chain.from_iterable(
        combinations(PERMISSION_FLAGS, size) for size in range(len(PERMISSION_FLAGS) + 1)
    )
)
#: Not bound to an account.
WITHOUT_ACCOUNT = {"self", "research", "admin"}


def test_the_page_has_a_row_for_every_action_and_a_column_for_every_role() -> None:
    assert set(LINES) == {permission.value for permission in Permission}
    assert set(ROLE_BY_LETTER.values()) == {role.value for role in Role}
    assert {sign for line in LINES.values() for sign in line.marks.values()} == {"✓", "c", "–"}


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("line", LINES.values(), ids=LINES)
def test_role_and_flags(line: PermissionRow, role: Role) -> None:
    permission = Permission(line.action)
    for held in SETS:
        for is_restricted in (False, True):
            grant = Grant(
                **{flag: flag in held for flag in PERMISSION_FLAGS},
                restrict_to_strategies=is_restricted,
                strategy_ids=frozenset({3}),
            )
            who = _who(role, grant)
            if line.action in WITHOUT_ACCOUNT:
                refused = refuse_role(who, permission)
            else:
                refused = refuse(who, permission, 1)
            expected = line.allows(role.value, set(held), is_restricted=is_restricted)
            assert (refused is None) is expected, (held, is_restricted, refused)


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("line", LINES.values(), ids=LINES)
def test_comments(line: PermissionRow, role: Role) -> None:
    who, permission = _who(role, Grant()), Permission(line.action)
    for silence in (None, "", "  \t"):
        refused = refuse_missing_comment(who, permission, silence)
        assert (refused is not None) is line.needs_comment(role.value)
        if refused is not None:
            assert refused.code == "comment_required"
    assert refuse_missing_comment(who, permission, "because") is None


def test_the_role_risk_comments_on_every_change_that_it_may_make() -> None:
    reads = {"read", "market", "audit"}
    marks = {action: line.marks["risk"] for action, line in LINES.items() if action not in reads}
    assert set(marks.values()) == {"c", "–"}


@pytest.mark.parametrize(
    ("role", "permission", "code"),
    [
        (Role.ADMIN, Permission.CANCEL, "admin_read_only"),
        (Role.ADMIN, Permission.CCXT_TRADE, "admin_read_only"),
        (Role.ADMIN, Permission.AUTOMATE, "admin_read_only"),
        (Role.TRADER, Permission.ADMIN, "admin_required"),
        (Role.READONLY, Permission.AUDIT, "admin_required"),
        (Role.RISK, Permission.TRADE, "permission_denied"),
        (Role.ROBOT, Permission.CCXT_TRADE, "permission_denied"),
        (Role.TRADER, Permission.KILL_OFF, "permission_denied"),
    ],
)
def test_the_code_of_a_refusal(role: Role, permission: Permission, code: str) -> None:
    refused = refuse_role(_who(role, Grant()), permission)
    assert refused is not None and refused.code == code


def test_a_restricted_key_never_trades_directly_at_the_exchange() -> None:
    grant = Grant(can_trade=True, restrict_to_strategies=True, strategy_ids=frozenset({3}))
    refused = refuse(_who(Role.TRADER, grant), Permission.CCXT_TRADE, 1)
    assert refused is not None and refused.code == "strategy_permission_denied"
    free = evolve(grant, restrict_to_strategies=False)
    assert refuse(_who(Role.TRADER, free), Permission.CCXT_TRADE, 1) is None


def _who(role: Role, grant: Grant) -> Principal:
    return Principal(user_id=1, user_name="u", api_key_id=1, role=role, grants={1: grant})
