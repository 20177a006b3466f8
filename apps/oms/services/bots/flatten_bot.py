"""Closes the positions of a bot before it stops: ``close_all`` of its strategy and symbols."""

from collections.abc import Sequence
from dataclasses import dataclass

from oms.domain.bots.bot import Bot
from oms.domain.commands.command import OWN_REQUEST_ID_PREFIX, SYSTEM_ACTOR, CloseAllPositions
from oms.ports.clock import Clock
from oms.ports.command_queue import CommandQueue, NewCommand, Submission
from oms.ports.history_reads import HistoryQuery, HistoryReads
from oms.ports.ids import IdBlocks
from oms.ports.notifier import Notifier, Topic
from oms.wire.commands.command_codec import command_type_of, encode_payload, payload_fingerprint
from oms.wire.commands.result_codec import load_error


@dataclass(frozen=True, slots=True, kw_only=True)
class FlattenBot:
    """Queues the commands before a stop; an attempt that is repeated queues none again."""

    queue: CommandQueue
    history: HistoryReads
    ids: IdBlocks
    notifier: Notifier
    clock: Clock

    async def send(self, bot: Bot, attempt: int) -> Sequence[int]:
        """Return the ids of the commands of an attempt. Raises ``Unavailable``."""
        await self.ids.ensure("command", len(bot.terms.symbols))
        commands = [self._command(bot, symbol, attempt) for symbol in bot.terms.symbols]
        stored = await self.queue.enqueue([Submission(commands=commands)])
        self.notifier.notify(Topic.COMMANDS, stored[0].ids)
        return stored[0].ids

    async def has_ended(self, command_ids: Sequence[int]) -> bool:
        """Return whether all commands are final. Raises ``Unavailable``."""
        rows = await self.queue.find(command_ids)
        return all(row.status.is_final for row in rows.values())

    async def refusal(self, command_ids: Sequence[int]) -> tuple[str, str] | None:
        """Return code and message of a command that did not succeed. Raises ``Unavailable``."""
        for row in (await self.queue.find(command_ids)).values():
            if row.error is not None and (error := load_error(row.error)) is not None:
                return error.reason or error.code, error.message
        return None

    async def is_flat(self, bot: Bot) -> bool:
        """Return whether the bot has neither positions nor open orders. Raises ``Unavailable``."""
        for symbol in bot.terms.symbols:
            scope = HistoryQuery(
                account_ids=[bot.terms.account_id],
                symbol=symbol,
                strategy_id=bot.terms.strategy_id,
                with_total=False,
            )
            if await self.history.open_orders(scope, 1):
                return False
            if await self.history.open_positions(scope, 1):
                return False
        return True

    def _command(self, bot: Bot, symbol: str, attempt: int) -> NewCommand:
        comment = f"bot {bot.terms.name} stops"
        payload = CloseAllPositions(
            strategy_ids=(bot.terms.strategy_id,), symbol=symbol, comment=comment
        )
        command_type, text = command_type_of(payload), encode_payload(payload)
        name = f"bot:{bot.id}:{bot.desired.number}:{attempt}:{symbol}"
        return NewCommand(
            id=self.ids("command"),
            account_id=bot.terms.account_id,
            command_type=command_type,
            payload=text,
            fingerprint=payload_fingerprint(command_type, text),
            actor=SYSTEM_ACTOR,
            created_at=self.clock.now(),
            request_id=OWN_REQUEST_ID_PREFIX + name,
            comment=comment,
        )
