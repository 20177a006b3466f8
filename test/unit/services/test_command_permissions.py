"""The worker's permission check: what was permitted on submit and is not any more."""

from datetime import UTC, datetime
from typing import cast

import pytest

from oms.domain.access import Grant, Principal, Role
from oms.domain.commands.command import (
    Actor,
    CancelAllOrders,
    CancelOrder,
    CloseAllPositions,
    CommandPayload,
)
from oms.domain.value import evolve
from oms.ports.registry import Registry
from oms.services.access.command_permissions import CommandPermissions, narrow_to_allowed

NOW = datetime(2026, 3, 1, tzinfo=UTC)
ACTOR = Actor(user_id=1, api_key_id=2, role="trader")
GRANT = Grant(can_trade=True, can_close_position=True)
OWN = evolve(GRANT, restrict_to_strategies=True, strategy_ids=frozenset({3, 5}))


class Keys:
    """A registry that has one key."""

    def __init__(self, grant: Grant, role: Role = Role.TRADER) -> None:
        self.principal = principal_with(grant, role)

    async def principal_of(self, api_key_id: int, now: datetime) -> Principal:
        assert (api_key_id, now) == (ACTOR.api_key_id, NOW)
        return self.principal


def principal_with(grant: Grant, role: Role = Role.TRADER) -> Principal:
    return Principal(user_id=1, user_name="t", api_key_id=2, role=role, grants={1: grant})


def permissions(keys: Keys) -> CommandPermissions:
    return CommandPermissions(registry=cast(Registry, keys), cache_seconds=5)


@pytest.mark.parametrize("payload", [CancelAllOrders(), CloseAllPositions()])
async def test_all_strategies_are_refused_to_a_key_restricted_later(
    payload: CommandPayload,
) -> None:
    keys = Keys(OWN)
    ask = permissions(keys)
    assert await ask(ACTOR, 1, CancelOrder(order_ids=(1,)), (), NOW) is None
    refused = await ask(ACTOR, 1, payload, (), NOW)
    assert refused is not None and refused.code == "strategy_permission_denied"
    keys.principal = principal_with(GRANT)
    assert await ask(ACTOR, 1, payload, (), NOW) is None


async def test_named_strategies_are_checked() -> None:
    ask = permissions(Keys(OWN))
    assert await ask(ACTOR, 1, CloseAllPositions(strategy_ids=(3,)), (3,), NOW) is None
    refused = await ask(ACTOR, 1, CloseAllPositions(strategy_ids=(3, 4)), (3, 4), NOW)
    assert refused is not None and refused.code == "strategy_permission_denied"


def test_all_strategies_are_narrowed_to_the_list_of_the_key() -> None:
    assert narrow_to_allowed(
        principal_with(OWN), 1, CloseAllPositions(symbol="X")
    ) == CloseAllPositions(strategy_ids=(3, 5), symbol="X")
    assert narrow_to_allowed(
        principal_with(OWN), 1, CloseAllPositions(strategy_ids=(3,))
    ) == CloseAllPositions(strategy_ids=(3,))
    assert narrow_to_allowed(principal_with(GRANT), 1, CancelAllOrders()) == CancelAllOrders()
    robot = principal_with(evolve(GRANT, strategy_ids=frozenset({7})), Role.ROBOT)
    assert narrow_to_allowed(robot, 1, CancelAllOrders()) == CancelAllOrders(strategy_ids=(7,))
