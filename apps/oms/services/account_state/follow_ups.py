"""System commands: commands that the gateway makes itself, in the transaction that causes them.

The row enters the queue under the account's fence, in the same commit as the change that caused it,
and is executed afterwards like any other command. So a crash loses neither and repeats neither.
"""

from datetime import datetime

from oms.domain.commands.command import OWN_REQUEST_ID_PREFIX, SYSTEM_ACTOR, Actor, CommandPayload
from oms.ports.command_queue import NewCommand
from oms.ports.ids import IdBlocks
from oms.services.account_state.state import AccountState
from oms.wire.commands.command_codec import command_type_of, encode_payload, payload_fingerprint


async def add_follow_up(
    state: AccountState,
    ids: IdBlocks,
    name: str,
    payload: CommandPayload,
    now: datetime,
    *,
    actor: Actor = SYSTEM_ACTOR,
    hold_until: datetime | None = None,
) -> int:
    """Add a system command to the account's unit of work; returns its id.

    ``name`` follows the reserved prefix in the request id. Of two commands with one name only the
    first is stored. With ``hold_until`` it enters the queue at that time.
    """
    command_type, text = command_type_of(payload), encode_payload(payload)
    await ids.ensure("command", 1)
    command = NewCommand(
        id=ids("command"),
        account_id=state.account.id,
        command_type=command_type,
        payload=text,
        fingerprint=payload_fingerprint(command_type, text),
        actor=actor,
        created_at=now,
        request_id=f"{OWN_REQUEST_ID_PREFIX}{name}",
        hold_until=hold_until,
    )
    state.work.follow_ups.append(command)
    return command.id
