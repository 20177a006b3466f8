"""The kill switch that a close of a position meets."""

from oms.domain.commands.command import ClosePosition, Command
from oms.domain.risk.kill_switch import KillMode, KillSwitch
from oms.services.account_state.state import AccountState


def kill_switch_of_close(
    state: AccountState, command: Command, symbol: str, strategy_id: int
) -> KillSwitch | None:
    """Return the switch that applies to a close; to the gateway's own only ``halt`` does.

    A close that executes a signal is not the gateway's own.
    """
    switch = state.kill_switch_for(symbol, strategy_id, command.actor.api_key_id)
    payload = command.payload
    is_own = command.actor.is_system and not (
        isinstance(payload, ClosePosition) and payload.signal_id is not None
    )
    if switch is not None and is_own and switch.mode is not KillMode.HALT:
        return None
    return switch
