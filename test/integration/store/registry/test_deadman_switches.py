"""Dead-man switches in the database: beats, deadlines, and what fires together."""

from datetime import timedelta
from typing import Any

from kit.builders import NOON
from kit.databases.sql import fetch_rows
from kit.databases.store_rows import an_account
from oms.adapters.sql.store import SqlStore
from oms.domain.commands.command import SYSTEM_ACTOR
from oms.domain.risk.deadman import DeadmanAction, DeadmanState, DeadmanSwitch
from oms.domain.risk.kill_switch import KillMode, KillScope, KillSwitch
from oms.domain.value import evolve
from oms.ports.audit_log import AuditContext
from oms.ports.command_queue import NewCommand

CONTEXT = AuditContext(actor="ann", at=NOON, user_id=7)
LATER = NOON + timedelta(seconds=60)


async def _armed(store: SqlStore, account_id: int) -> DeadmanSwitch:
    switch = DeadmanSwitch(
        id=0,
        account_ids=(account_id,),
        strategy_ids=(3, 4),
        timeout_seconds=30,
        action=DeadmanAction.FLATTEN,
        deadline=NOON + timedelta(seconds=30),
        comment="the host",
        set_by="ann",
        set_by_user_id=7,
        set_at=NOON,
        beat_at=NOON,
    )
    return await store.deadman_switches.arm(switch, CONTEXT)


async def test_deadlines_move_with_beats_and_once_after_an_outage(store: SqlStore) -> None:
    switches = store.deadman_switches
    armed = await _armed(store, await an_account(store))
    assert await switches.find(armed.id) == armed
    assert await switches.overdue(NOON + timedelta(seconds=29)) == []
    assert await switches.overdue(armed.deadline) == [armed]
    await switches.extend(armed, LATER)
    extended = evolve(armed, deadline=LATER + timedelta(seconds=30), is_extended=True)
    assert await switches.find(armed.id) == extended
    assert await switches.beat([armed.id, 99], NOON) == 0
    assert await switches.find(armed.id) == extended
    at = LATER + timedelta(seconds=10)
    assert await switches.beat([armed.id], at) == 1
    beaten = evolve(armed, deadline=at + timedelta(seconds=30), beat_at=at)
    assert await switches.find(armed.id) == beaten
    disarmed = await switches.disarm(armed.id, evolve(CONTEXT, at=LATER))
    assert disarmed == evolve(beaten, state=DeadmanState.DISARMED, disarmed_at=LATER)
    assert await switches.disarm(armed.id, CONTEXT) is None
    assert await switches.overdue(LATER + timedelta(days=1)) == []
    assert await switches.all(is_active=True, limit=10) == []
    assert await switches.all(is_active=False, limit=10) == [disarmed]


async def test_a_switch_fires_once_with_its_kill_switch_and_command(
    store: SqlStore, place: Any
) -> None:
    account_id = await an_account(store)
    armed = await _armed(store, account_id)
    await store.ids.ensure("command", 1)
    await store.ids.ensure("kill", 1)
    kill_switch = KillSwitch(
        id=store.ids("kill"),
        scope=KillScope.STRATEGY,
        scope_id="3",
        mode=KillMode.REDUCE_ONLY,
        comment="missed",
        cause=armed.cause,
        set_by="dead-man switch",
        set_at=LATER,
    )
    command = NewCommand(
        id=store.ids("command"),
        account_id=account_id,
        command_type="kill",
        payload="{}",
        fingerprint="0" * 64,
        actor=SYSTEM_ACTOR,
        created_at=LATER,
        request_id=kill_switch.activation_request_id,
    )
    context = AuditContext(actor="dead-man switch", at=LATER)
    switches = store.deadman_switches
    beaten = evolve(armed, deadline=armed.deadline + timedelta(seconds=1))
    assert await switches.fire(beaten, [kill_switch], [command], context) is False
    assert await store.kill_switches.all(is_on=True, limit=None) == []
    assert await switches.fire(armed, [kill_switch], [command], context) is True
    assert await switches.fire(armed, [kill_switch], [command], context) is False
    assert await store.kill_switches.all(is_on=True, limit=None) == [kill_switch]
    (row,) = await store.kill_switches.commands(kill_switch)
    assert row[:3] == (account_id, command.id, "queued")
    fired = evolve(armed, state=DeadmanState.FIRED, fired_at=LATER)
    assert await switches.all(is_active=True, limit=10) == [fired]
    assert await switches.beat([armed.id], LATER) == 0
    actions = fetch_rows(place.url, "SELECT action FROM audit_log ORDER BY id")
    assert [action for (action,) in actions][-3:] == ["deadman_arm", "deadman_fire", "kill_on"]
    events = fetch_rows(place.url, "SELECT event_type FROM event_outbox WHERE account_id = 0")
    assert [name for (name,) in events] == ["kill_switch_changed"]
