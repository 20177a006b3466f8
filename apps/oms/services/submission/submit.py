"""THE DOOR IN: every wish, from wherever it comes, becomes a durable command here, or is refused.

Refused here is what needs no ledger: who may not, what is named and does not exist, what finds
the queue full. Such items are not stored. Everything else is judged by the account's worker.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from oms.domain.access import (
    Principal,
    refuse_account,
    refuse_account_wide,
    refuse_missing_comment,
    refuse_role,
    refuse_strategy,
)
from oms.domain.commands.command import (
    Actor,
    CancelOrder,
    CloseBy,
    ClosePosition,
    CommandPayload,
    Reassign,
    SendOrder,
)
from oms.domain.commands.command_targets import target_order_ids, target_position_ids
from oms.domain.errors import Invalid, Refused
from oms.domain.value import constructor, evolve, value
from oms.ports.clock import Clock
from oms.ports.command_queue import (
    CommandQueue,
    EnqueueResult,
    IdempotencyKeyRow,
    NewCommand,
    Submission,
)
from oms.ports.history_reads import HistoryReads
from oms.ports.ids import IdBlocks
from oms.ports.registry import Registry
from oms.services.access.command_permissions import (
    narrow_to_allowed,
    permission_for,
    refuse_all_strategies,
)
from oms.services.submission.enqueue import Enqueue
from oms.services.submission.queue_depth import QueueDepthLimiter
from oms.wire.commands.command_codec import command_type_of, encode_payload, payload_fingerprint
from oms.wire.commands.command_requests import CommandRequest
from oms.wire.commands.result_codec import dump_error, load_error
from oms.wire.json import dumps_fast, loads

#: (account id, strategy id) of the rows that wishes name, by row id.
OwnerRows = Mapping[int, tuple[int, int]]


@value
class IdempotencyKey:
    """A caller's name for a whole request; ``scope`` is who, method, path and the name."""

    scope: str
    body: str

    @property
    def scope_hash(self) -> str:
        """What the key is stored under."""
        return hashlib.sha256(self.scope.encode()).hexdigest()

    @property
    def fingerprint(self) -> str:
        """What tells one body from another."""
        return hashlib.sha256(self.body.encode()).hexdigest()


@value
class SubmitRequest:
    """The wishes of one request and who asks."""

    commands: Sequence[CommandRequest]
    principal: Principal
    ip: str = ""
    #: Whether all enter the queue at once; else each waits for the one before, at most so long.
    parallel: bool = True
    hold_seconds: float = 0
    key: IdempotencyKey | None = None


@value
class SubmitItemResult:
    """What became of one wish: a command to wait for, or a refusal with nothing stored."""

    wish: CommandRequest
    account_id: int | None
    command_id: int | None = None
    refused: Refused | None = None
    replayed: bool = False


_new_command, _new_placed = constructor(NewCommand), constructor(SubmitItemResult)


@value
class SubmitResult:
    """What became of a request; ``replayed`` if its Idempotency-Key was used before."""

    items: Sequence[SubmitItemResult]
    replayed: bool = False
    #: What was stored for it, by command id.
    stored: Mapping[int, NewCommand] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class Submit:
    """Checks access, gives ids, stores. An answer means: durable."""

    queue: CommandQueue
    history: HistoryReads
    registry: Registry
    ids: IdBlocks
    clock: Clock
    enqueue: Enqueue
    depths: QueueDepthLimiter
    idempotency_hours: int = 72
    _last_time: datetime | None = field(default=None)

    async def __call__(self, ask: SubmitRequest) -> SubmitResult:
        """Store what may be stored. Raises ``Unavailable`` (nothing stored), ``Invalid``."""
        rows = await self._rows(ask.commands)
        placed = [await self._judged(ask.principal, wish, rows) for wish in ask.commands]
        if all(item.refused is not None for item in placed):
            return SubmitResult(items=placed)
        await self.depths.refresh()
        placed = [self._claimed(item) for item in placed]
        wanted = [index for index, item in enumerate(placed) if item.refused is None]
        if not wanted:
            return SubmitResult(items=placed)
        await self.ids.ensure("command", len(wanted))
        commands = self._commands(ask, [placed[index] for index in wanted])
        stored = await self.enqueue(
            Submission(commands=commands, key=self._key_row(ask, placed, commands))
        )
        if stored.key is not None:
            return await self._replayed(ask, stored.key)
        for position, index in enumerate(wanted):
            placed[index] = _settled(placed[index], stored, position)
        return SubmitResult(items=placed, stored={command.id: command for command in commands})

    async def _rows(self, commands: Sequence[CommandRequest]) -> tuple[OwnerRows, OwnerRows]:
        """Accounts and strategies of the orders and positions that the wishes name."""
        orders = {row for wish in commands for row in target_order_ids(wish.payload)}
        positions = {row for wish in commands for row in target_position_ids(wish.payload)}
        of_order = await self.history.account_of("order", sorted(orders)) if orders else {}
        of_position = (
            await self.history.account_of("position", sorted(positions)) if positions else {}
        )
        return of_order, of_position

    async def _judged(
        self, principal: Principal, wish: CommandRequest, rows: tuple[OwnerRows, OwnerRows]
    ) -> SubmitItemResult:
        permission = permission_for(wish.payload)
        account_id, strategies, missing = _target(principal, wish, rows)
        refused = refuse_role(principal, permission)
        if refused is None and account_id:
            if principal.grant(account_id) is None:  # grants stand on accounts that exist
                refused = await self._refuse_unknown(account_id)
            refused = refused or refuse_account(principal, permission, account_id)
        refused = refused or refuse_account_wide(principal, permission, account_id)
        refused = refused or missing or refuse_strategy(principal, account_id, strategies)
        refused = refused or refuse_all_strategies(
            principal, account_id, narrow_to_allowed(principal, account_id, wish.payload)
        )
        refused = refused or refuse_missing_comment(principal, permission, wish.comment)
        return _new_placed(wish=wish, account_id=account_id or None, refused=refused)

    def _claimed(self, item: SubmitItemResult) -> SubmitItemResult:
        """``item`` with its place in the queue, if it may have one and there is one."""
        if item.refused is not None:
            return item
        refused = self.depths.reserve(item.account_id or 0)
        return item if refused is None else evolve(item, refused=refused)

    async def _refuse_unknown(self, account_id: int) -> Refused | None:
        if await self.registry.accounts([account_id]):
            return None
        return Refused(code="account_not_found", message=f"account_id={account_id}")

    def _commands(self, ask: SubmitRequest, items: Sequence[SubmitItemResult]) -> list[NewCommand]:
        now = self._now()
        hold_until = now + timedelta(seconds=ask.hold_seconds)
        is_chain = not ask.parallel and ask.hold_seconds > 0
        who = ask.principal
        actor = Actor(
            user_id=who.user_id, api_key_id=who.api_key_id, role=who.role.value, ip=ask.ip
        )
        commands: list[NewCommand] = []
        for item in items:
            assert item.account_id is not None
            wished = item.wish.payload
            payload = narrow_to_allowed(who, item.account_id, wished)
            word, text = command_type_of(payload), encode_payload(payload)
            said = text if payload is wished else encode_payload(wished)
            before = commands[-1].id if commands and is_chain else None
            commands.append(
                _new_command(
                    id=self.ids("command"),
                    account_id=item.account_id,
                    command_type=word,
                    payload=text,
                    fingerprint=payload_fingerprint(word, said),  # whatever the key was narrowed to
                    actor=actor,
                    created_at=now,
                    request_id=item.wish.request_id,
                    comment=item.wish.comment,
                    after_command_id=before,
                    hold_until=hold_until if before is not None else None,
                )
            )
        return commands

    def _now(self) -> datetime:
        """A time after that of every earlier submission here: the queue's order is ours."""
        now = self.clock.now()
        if self._last_time is not None and now <= self._last_time:
            now = self._last_time + timedelta(microseconds=1)
        self._last_time = now
        return now

    def _key_row(
        self, ask: SubmitRequest, placed: Sequence[SubmitItemResult], commands: Sequence[NewCommand]
    ) -> IdempotencyKeyRow | None:
        if ask.key is None:
            return None
        refusals = [
            None if item.refused is None else loads(dump_error(item.refused)) for item in placed
        ]
        return IdempotencyKeyRow(
            scope_hash=ask.key.scope_hash,
            fingerprint=ask.key.fingerprint,
            command_ids=tuple(command.id for command in commands),
            response=dumps_fast(refusals),
            expires_at=self.clock.now() + timedelta(hours=self.idempotency_hours),
        )

    async def _replayed(self, ask: SubmitRequest, key: IdempotencyKeyRow) -> SubmitResult:
        """The first answer to the request, built anew from what was stored then."""
        assert ask.key is not None
        if key.fingerprint != ask.key.fingerprint:
            raise Invalid(
                "this Idempotency-Key was used for another request",
                code="idempotency_mismatch",
                reason="Idempotency-Key",
            )
        ids = iter(key.command_ids)
        rows = await self.queue.find(key.command_ids)
        items: list[SubmitItemResult] = []
        for wish, told in zip(ask.commands, loads(key.response or "[]"), strict=True):
            if told is not None:
                error = load_error(dumps_fast(told))
                items.append(SubmitItemResult(wish=wish, account_id=wish.account_id, refused=error))
                continue
            command_id = next(ids)
            row = rows.get(command_id)
            same = row is None or row.fingerprint == _fingerprint(wish.payload)
            item = _new_placed(
                wish=wish,
                account_id=wish.account_id if row is None else row.account_id,
                command_id=command_id if same else None,
                refused=None if same else _mismatch(),
                replayed=True,
            )
            items.append(item)
        return SubmitResult(items=items, replayed=True)


def _target(
    principal: Principal, wish: CommandRequest, rows: tuple[OwnerRows, OwnerRows]
) -> tuple[int, tuple[int, ...], Refused | None]:
    """The account a wish is for and the strategies it touches, or why there is none."""
    orders, positions = rows
    payload = wish.payload
    if named := target_order_ids(payload):
        kind, known = "order", orders
    elif named := target_position_ids(payload):
        kind, known = "position", positions
    else:
        own = (payload.strategy_id,) if isinstance(payload, SendOrder) else ()
        return wish.account_id or 0, getattr(payload, "strategy_ids", own), None
    readable = [known[i][0] for i in named if i in known and principal.grant(known[i][0])]
    account_id = wish.account_id or next(iter(readable), 0)
    mine = {i: known[i][1] for i in named if i in known and known[i][0] == account_id}
    missing = [i for i in named if i not in mine]
    if missing and not (mine and isinstance(payload, CancelOrder)):
        text = f"there is no {kind} {missing[0]}"
        return account_id, (), Refused(code=f"{kind}_not_found", message=text)
    strategies = set(mine.values())
    if isinstance(payload, (ClosePosition, CloseBy, Reassign)) and payload.strategy_id:
        strategies.add(payload.strategy_id)
    return account_id, tuple(sorted(strategies)), None


def _settled(item: SubmitItemResult, stored: EnqueueResult, position: int) -> SubmitItemResult:
    if position in stored.mismatched:
        return _new_placed(wish=item.wish, account_id=item.account_id, refused=_mismatch())
    return _new_placed(
        wish=item.wish,
        account_id=item.account_id,
        command_id=stored.ids[position],
        replayed=position in stored.replayed,
    )


def _mismatch() -> Refused:
    return Refused(
        code="idempotency_mismatch",
        reason="request_id",
        message="this request_id was used for another command",
    )


def _fingerprint(payload: CommandPayload) -> str:
    return payload_fingerprint(command_type_of(payload), encode_payload(payload))
