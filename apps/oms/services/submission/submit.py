"""Admission of commands: every request becomes a durable command here, or is refused.

Refused here is what can be decided without the ledger: missing permissions, references to rows that
do not exist, a full queue. Such items are not stored. All other checks are made by the account's
worker.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from oms.domain.access import (
    Permission,
    Principal,
    refuse_account,
    refuse_missing_comment,
    refuse_role,
)
from oms.domain.commands.command import (
    Actor,
    CommandPayload,
)
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
    CACHEABLE,
    PermissionQuery,
    narrow_to_allowed,
    permission_for,
    refuse_command,
)
from oms.services.submission.enqueue import Enqueue
from oms.services.submission.queue_depth import QueueDepthLimiter
from oms.services.submission.target_rows import NamedRows, Owners, named_rows, target_of
from oms.wire.commands.command_codec import command_type_of, encode_payload, payload_fingerprint
from oms.wire.commands.command_requests import CommandRequest
from oms.wire.commands.result_codec import dump_error, load_error
from oms.wire.json import dumps_fast, loads
from oms.wire.steps import Steps, in_steps


@value
class IdempotencyKey:
    """The idempotency key of a request; ``scope`` is caller, method, path and key."""

    scope: str
    body: str

    @property
    def scope_hash(self) -> str:
        """The hash under which the key is stored."""
        return hashlib.sha256(self.scope.encode()).hexdigest()

    @property
    def fingerprint(self) -> str:
        """The hash that distinguishes one request body from another."""
        return hashlib.sha256(self.body.encode()).hexdigest()


@value
class SubmitRequest:
    """The command requests of one call, and the caller."""

    commands: Sequence[CommandRequest]
    principal: Principal
    ip: str = ""
    #: Whether all are queued at once; else each waits for the one before, at most ``hold_seconds``.
    parallel: bool = True
    hold_seconds: float = 0
    key: IdempotencyKey | None = None


@value
class SubmitItemResult:
    """The admission result of one request: a command to wait for, or a refusal."""

    command: CommandRequest
    account_id: int | None
    command_id: int | None = None
    refused: Refused | None = None
    replayed: bool = False


_Grant = tuple[PermissionQuery, str | None]
"""What a command of the batch was permitted, with which comment."""

_new_command, _new_result = constructor(NewCommand), constructor(SubmitItemResult)


@value
class SubmitResult:
    """The admission results; ``replayed`` if the Idempotency-Key was used before."""

    items: Sequence[SubmitItemResult]
    replayed: bool = False
    #: The commands stored, by id.
    stored: Mapping[int, NewCommand] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class Submit:
    """Checks access, assigns ids and stores commands. A result without refusal is durable."""

    queue: CommandQueue
    history: HistoryReads
    registry: Registry
    ids: IdBlocks
    clock: Clock
    enqueue: Enqueue
    depths: QueueDepthLimiter
    idempotency_hours: int = 72
    _last_time: datetime | None = field(default=None)

    async def __call__(self, request: SubmitRequest) -> SubmitResult:
        """Store the admitted commands. Raises ``Unavailable`` (nothing stored), ``Invalid``."""
        named = [named_rows(command.payload) for command in request.commands]
        rows = await self._rows(named)
        granted: set[_Grant] = set()
        results = [
            await self._check_access(request.principal, command, names, rows, granted)
            for command, names in zip(request.commands, named, strict=True)
        ]
        counts: dict[int, int] = {}
        for item in results:
            if item.refused is None:
                account_id = item.account_id or 0
                counts[account_id] = counts.get(account_id, 0) + 1
        if not counts:
            return SubmitResult(items=results)
        encoded = await in_steps(_encode_payloads(request.principal, results))
        await self.depths.refresh(counts)
        results = [self._reserve_slot(item) for item in results]
        admitted = [index for index, item in enumerate(results) if item.refused is None]
        if not admitted:
            return SubmitResult(items=results)
        await self.ids.ensure("command", len(admitted))
        commands = self._commands(request, [(results[i], encoded[i]) for i in admitted])
        stored = await self.enqueue(
            Submission(commands=commands, key=self._key_row(request, results, commands))
        )
        if stored.key is not None:
            return await self._replayed(request, stored.key)
        for position, index in enumerate(admitted):
            results[index] = _stored_result(results[index], stored, position)
        return SubmitResult(items=results, stored={command.id: command for command in commands})

    async def _rows(self, named: Sequence[NamedRows]) -> Owners:
        """Return accounts and strategies of the orders and positions that the requests refer to."""
        orders = {row for each in named for row in each.order_ids}
        positions = {row for each in named for row in each.position_ids}
        of_order = await self.history.account_of("order", sorted(orders)) if orders else {}
        of_position = (
            await self.history.account_of("position", sorted(positions)) if positions else {}
        )
        return of_order, of_position

    async def _check_access(
        self,
        principal: Principal,
        command: CommandRequest,
        named: NamedRows,
        rows: Owners,
        granted: set[_Grant],
    ) -> SubmitItemResult:
        """Check the caller's permission; ``granted`` has what others of the batch passed."""
        account_id, strategies, missing = target_of(principal, command, named, rows)
        grant = (type(command.payload), account_id, strategies), command.comment
        if missing is None and grant in granted:
            return _new_result(command=command, account_id=account_id or None)
        permission = permission_for(command.payload)
        refused = None
        if missing is not None or principal.grant(account_id) is None:
            refused = await self._refuse_target(principal, permission, account_id) or missing
        payload = narrow_to_allowed(principal, account_id, command.payload)
        refused = refused or refuse_command(principal, account_id, payload, strategies)
        refused = refused or refuse_missing_comment(principal, permission, command.comment)
        if refused is None and type(command.payload) in CACHEABLE:
            granted.add(grant)
        return _new_result(command=command, account_id=account_id or None, refused=refused)

    def _reserve_slot(self, result: SubmitItemResult) -> SubmitItemResult:
        """Reserve a place in the queue; the result is refused if the queue is full."""
        if result.refused is not None:
            return result
        refused = self.depths.reserve(result.account_id or 0)
        return result if refused is None else evolve(result, refused=refused)

    async def _refuse_target(
        self, principal: Principal, permission: Permission, account_id: int
    ) -> Refused | None:
        """Refuse a caller who may not learn whether a row exists, and an unknown account."""
        refused = refuse_role(principal, permission)
        if refused is not None or not account_id:
            return refused
        # Permissions refer to existing accounts.
        if principal.grant(account_id) is None and not await self.registry.accounts([account_id]):
            return Refused(code="account_not_found", message=f"account_id={account_id}")
        return refuse_account(principal, permission, account_id)

    def _commands(
        self, request: SubmitRequest, items: Sequence[tuple[SubmitItemResult, "_EncodedPayload"]]
    ) -> list[NewCommand]:
        now = self.next_time()
        hold_until = now + timedelta(seconds=request.hold_seconds)
        is_chain = not request.parallel and request.hold_seconds > 0
        idempotency_key = None if request.key is None else request.key.scope_hash
        principal = request.principal
        actor = Actor(
            user_id=principal.user_id,
            api_key_id=principal.api_key_id,
            role=principal.role.value,
            ip=request.ip,
        )
        first_id = self.ids.reserve_range("command", len(items))
        commands: list[NewCommand] = []
        for command_id, (item, encoded) in enumerate(items, first_id):
            assert item.account_id is not None
            previous_id = commands[-1].id if commands and is_chain else None
            commands.append(
                _new_command(
                    id=command_id,
                    account_id=item.account_id,
                    command_type=encoded.command_type,
                    payload=encoded.payload,
                    fingerprint=encoded.fingerprint,
                    actor=actor,
                    created_at=now,
                    request_id=item.command.request_id,
                    idempotency_key=idempotency_key,
                    comment=item.command.comment,
                    after_command_id=previous_id,
                    hold_until=hold_until if previous_id is not None else None,
                )
            )
        return commands

    def next_time(self) -> datetime:
        """Return a time after that of every earlier submission here: it orders the queue."""
        now = self.clock.now()
        if self._last_time is not None and now <= self._last_time:
            now = self._last_time + timedelta(microseconds=1)
        self._last_time = now
        return now

    def _key_row(
        self,
        request: SubmitRequest,
        results: Sequence[SubmitItemResult],
        commands: Sequence[NewCommand],
    ) -> IdempotencyKeyRow | None:
        if request.key is None:
            return None
        refusals = [
            None if item.refused is None else loads(dump_error(item.refused)) for item in results
        ]
        return IdempotencyKeyRow(
            scope_hash=request.key.scope_hash,
            fingerprint=request.key.fingerprint,
            command_ids=tuple(command.id for command in commands),
            response=dumps_fast(refusals),
            expires_at=self.clock.now() + timedelta(hours=self.idempotency_hours),
        )

    async def _replayed(self, request: SubmitRequest, key: IdempotencyKeyRow) -> SubmitResult:
        """Return the first result of the request, rebuilt from what was stored then."""
        assert request.key is not None
        if key.fingerprint != request.key.fingerprint:
            raise Invalid(
                "this Idempotency-Key was used for another request",
                code="idempotency_mismatch",
                reason="Idempotency-Key",
            )
        ids = iter(key.command_ids)
        rows = await self.queue.find(key.command_ids)
        items: list[SubmitItemResult] = []
        refusals = loads(key.response or "[]")
        for command, refusal in zip(_repeated(request, len(refusals)), refusals, strict=True):
            if refusal is not None:
                error = load_error(dumps_fast(refusal))
                items.append(
                    SubmitItemResult(command=command, account_id=command.account_id, refused=error)
                )
                continue
            command_id = next(ids)
            row = rows.get(command_id)
            is_same = row is None or row.fingerprint == _fingerprint(
                command.asked or command.payload
            )
            item = _new_result(
                command=command,
                account_id=command.account_id if row is None else row.account_id,
                command_id=command_id if is_same else None,
                refused=None if is_same else _refuse_mismatch(),
                replayed=True,
            )
            items.append(item)
        return SubmitResult(items=items, replayed=True)


class _EncodedPayload(NamedTuple):
    """The payload of a command as it is stored."""

    command_type: str
    payload: str
    #: Of the payload as sent, before it is narrowed to the key's strategies.
    fingerprint: str


def _encode_payloads(
    principal: Principal, items: Sequence[SubmitItemResult]
) -> Steps[dict[int, _EncodedPayload]]:
    """Return the payloads of the items that are not refused, by index, one in each step."""
    encoded: dict[int, _EncodedPayload] = {}
    for index, item in enumerate(items):
        if item.refused is None:
            assert item.account_id is not None
            sent, asked = item.command.payload, item.command.asked
            original = sent if asked is None else asked
            payload = narrow_to_allowed(principal, item.account_id, sent)
            command_type, text = command_type_of(payload), encode_payload(payload)
            text_sent = text if payload is original else encode_payload(original)
            fingerprint = payload_fingerprint(command_type, text_sent)
            encoded[index] = _EncodedPayload(command_type, text, fingerprint)
        yield
    return encoded


def _repeated(request: SubmitRequest, count: int) -> Sequence[CommandRequest]:
    """Return the requests of a repeat; a group may have other members than it had then."""
    if len(request.commands) == count or request.commands[0].asked is None:
        return request.commands
    return [evolve(request.commands[0], account_id=None)] * count


def _stored_result(
    item: SubmitItemResult, stored: EnqueueResult, position: int
) -> SubmitItemResult:
    if position in stored.mismatched:
        return _new_result(
            command=item.command, account_id=item.account_id, refused=_refuse_mismatch()
        )
    return _new_result(
        command=item.command,
        account_id=item.account_id,
        command_id=stored.ids[position],
        replayed=position in stored.replayed,
    )


def _refuse_mismatch() -> Refused:
    return Refused(
        code="idempotency_mismatch",
        reason="request_id",
        message="this request_id was used for another command",
    )


def _fingerprint(payload: CommandPayload) -> str:
    return payload_fingerprint(command_type_of(payload), encode_payload(payload))
