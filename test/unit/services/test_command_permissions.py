"""The worker's permission check: what was permitted on submit and is not any more."""

from datetime import UTC, datetime, timedelta
from typing import cast

import pytest

from oms.domain.access import Grant, Principal, Role
from oms.domain.ccxt_methods import ACCOUNT_READS, READ_METHODS, STRATEGY_READS
from oms.domain.commands.command import (
    Actor,
    CancelAllOrders,
    CancelOrder,
    CcxtCall,
    CloseAllPositions,
    CommandPayload,
)
from oms.domain.value import evolve
from oms.ports.registry import Registry
from oms.services.access.command_permissions import CommandPermissions, narrow_to_allowed

NOW = datetime(2026, 3, 1, tzinfo=UTC)
EARLIER = NOW - timedelta(hours=1)
ACTOR = Actor(user_id=1, api_key_id=2, role="trader")
GRANT = Grant(can_trade=True, can_close_position=True)
OWN = evolve(GRANT, restrict_to_strategies=True, strategy_ids=frozenset({3, 5}))


class Keys:
    """A registry that has one key."""

    def __init__(self, grant: Grant, role: Role = Role.TRADER) -> None:
        self.principal: Principal | None = principal_with(grant, role)

    async def principal_of(self, api_key_id: int, now: datetime) -> Principal | None:
        assert (api_key_id, now) in ((ACTOR.api_key_id, NOW), (ACTOR.api_key_id, EARLIER))
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


async def test_a_clock_that_is_set_back_keeps_no_disabled_key() -> None:
    keys, seconds = Keys(GRANT), [0.0]
    ask = CommandPermissions(
        registry=cast(Registry, keys), cache_seconds=5, monotonic=lambda: seconds[0]
    )
    payload = CancelOrder(order_ids=(1,))
    assert await ask(ACTOR, 1, payload, (), NOW) is None
    keys.principal = None
    assert await ask(ACTOR, 1, payload, (), EARLIER) is None
    seconds[0] += 5
    refused = await ask(ACTOR, 1, payload, (), EARLIER)
    assert refused is not None and refused.code == "permission_denied"


@pytest.mark.parametrize("func", sorted(STRATEGY_READS))
async def test_rows_of_all_strategies_are_not_read_by_a_restricted_key(func: str) -> None:
    call = CcxtCall(func=func)
    refused = await permissions(Keys(OWN))(ACTOR, 1, call, (), NOW)
    assert refused is not None and refused.code == "strategy_permission_denied"
    assert await permissions(Keys(GRANT))(ACTOR, 1, call, (), NOW) is None


@pytest.mark.parametrize("func", sorted(READ_METHODS - STRATEGY_READS))
async def test_other_reads_need_no_strategy(func: str) -> None:
    assert await permissions(Keys(OWN))(ACTOR, 1, CcxtCall(func=func), (), NOW) is None


def test_every_read_of_orders_trades_and_positions_is_listed() -> None:
    words = ("order", "my_", "position", "ledger", "funding_history")
    of_rows = {name for name in ACCOUNT_READS if any(word in name for word in words)}
    settings = {"fetch_position_mode", "fapi_private_get_position_side_dual"}
    assert of_rows - STRATEGY_READS == settings
    assert STRATEGY_READS <= ACCOUNT_READS
