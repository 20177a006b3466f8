"""The trailing stop of a replayed run: moved at the close of each candle, as the run moves it.

The gateway itself watches trailing stops between candles, at each price. The replay therefore gives
its bot none, and changes the stop loss of the position by a command, as a client would.
"""

from dataclasses import dataclass, field
from decimal import Decimal

from oms.adapters.clock import SettableClock
from oms.adapters.sql.store import SqlStore
from oms.domain.commands.command import (
    OWN_REQUEST_ID_PREFIX,
    SYSTEM_ACTOR,
    ChangePosition,
)
from oms.domain.ledger.position import Position
from oms.domain.market.candle import Candle
from oms.domain.protection.level_prices import level_from_percent
from oms.domain.side import Side
from oms.ports.command_queue import NewCommand, Submission
from oms.wire.commands.command_codec import command_type_of, encode_payload, payload_fingerprint


@dataclass(slots=True, kw_only=True)
class ReplayTrailing:
    """The level of the open position."""

    store: SqlStore
    clock: SettableClock
    percent: Decimal
    tick: Decimal
    _position_id: int = 0
    _best: Decimal = field(default=Decimal(0))
    _level: Decimal | None = None
    _sent: int = 0

    async def follow(self, position: Position | None, candle: Candle | None) -> bool:
        """Move the level of what is open after an entry, or after a candle was judged.

        Returns whether a command is queued.
        """
        if position is None:
            return False
        is_long = position.side is Side.BUY
        if position.id != self._position_id:
            self._position_id, self._best = position.id, position.avg_price
            self._level = position.stop_loss
        elif candle is not None:
            extremes = (self._best, candle.high if is_long else candle.low)
            self._best = max(extremes) if is_long else min(extremes)
        level = level_from_percent(self._best, self.percent, self.tick, is_above=not is_long)
        if self._level is not None and (level > self._level) is not is_long:
            return False
        if level == self._level:
            return False
        self._level = level
        await self._send(position, level)
        return True

    async def _send(self, position: Position, level: Decimal) -> None:
        await self.store.ids.ensure("command", 1)
        payload = ChangePosition(position_id=position.id, stop_loss=level)
        command_type, text = command_type_of(payload), encode_payload(payload)
        self._sent += 1
        command = NewCommand(
            id=self.store.ids("command"),
            account_id=position.account_id,
            command_type=command_type,
            payload=text,
            fingerprint=payload_fingerprint(command_type, text),
            actor=SYSTEM_ACTOR,
            created_at=self.clock.now(),
            request_id=f"{OWN_REQUEST_ID_PREFIX}replay:{self._sent}",
        )
        await self.store.queue.enqueue([Submission(commands=[command])])
