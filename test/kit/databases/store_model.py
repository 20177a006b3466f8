"""A reference model of the store in plain dictionaries, for model-based tests of every dialect.

Written from the ports alone; it shares no code with the adapters: no SQL, no optimistic locking, no
batching. Calls are sequential; nothing is durable. Time is not modelled: a lease is held or
expired, a hold is over or far in the future.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from oms.domain.commands.command import CommandResult, CommandStatus
from oms.domain.errors import LeaseLost, OmsError
from oms.domain.ledger.deal import Deal
from oms.domain.ledger.position import Position
from oms.domain.orders.order import Order
from oms.domain.value import evolve
from oms.ports.command_queue import (
    CommandRow,
    EnqueueResult,
    IdempotencyKeyRow,
    NewCommand,
    Submission,
)
from oms.ports.exchange import ExchangeStateRows
from oms.ports.leases import Lease
from oms.ports.ledger_store import AccountBatch, EventRow
from oms.wire.commands.result_codec import dump_error, dump_result

COMMENT_CHARS_MAX = 255
#: Stands for every end time: the model has no clock, so the comparison replaces real times by it.
ANY_TIME = datetime.max
WAITING = (CommandStatus.QUEUED, CommandStatus.RUNNING)
#: Set on insert; an update of the row does not change them.
ORDER_FIXED = ["symbol", "side", "order_type", "client_order_id", "command_id", "created_at"]


@dataclass(slots=True)
class HeldLease:
    """The lease of an account; free if ``owner`` is empty."""

    owner: str = ""
    token: int = 0
    is_expired: bool = True

    @property
    def is_free(self) -> bool:
        """Whether it can be acquired."""
        return not self.owner or self.is_expired


@dataclass(slots=True)
class Stream:
    """The head sequence and the fencing token of an account."""

    head: int = 0
    token: int = 0


@dataclass(slots=True)
class StoreRows:
    """All rows. ``commit`` works on a copy, so that a failure changes nothing."""

    commands: dict[int, CommandRow] = field(default_factory=dict)
    orders: dict[int, Order] = field(default_factory=dict)
    deals: dict[int, Deal] = field(default_factory=dict)
    positions: dict[int, Position] = field(default_factory=dict)
    events: dict[int, EventRow] = field(default_factory=dict)
    memories: dict[int, ExchangeStateRows] = field(default_factory=dict)

    def copy(self) -> "StoreRows":
        """A copy that can be changed independently."""
        return StoreRows(
            commands=dict(self.commands),
            orders=dict(self.orders),
            deals=dict(self.deals),
            positions=dict(self.positions),
            events=dict(self.events),
            memories=dict(self.memories),
        )


class StoreModel:
    """The ports of queue, leases and ledger. Lease 0 is the right to do housekeeping."""

    def __init__(self, account_ids: Iterable[int]) -> None:
        accounts = list(account_ids)
        self.books = StoreRows()
        self.leases = {account_id: HeldLease() for account_id in (0, *accounts)}
        self.streams = {account_id: Stream() for account_id in (0, *accounts)}
        self.keys: dict[str, IdempotencyKeyRow] = {}
        self.workers: dict[str, tuple[str, str]] = {}
        #: command id -> (the command it waits for, whether its hold is over)
        self._holds: dict[int, tuple[int | None, bool]] = {}

    # The queue

    def enqueue(self, submissions: Sequence[Submission], now: datetime) -> Sequence[EnqueueResult]:
        """Stores submissions in order; each sees the rows of those before it."""
        return [self._submitted(submission, now) for submission in submissions]

    def _submitted(self, submission: Submission, now: datetime) -> EnqueueResult:
        key = submission.key
        if key is not None and key.scope_hash in self.keys:
            return EnqueueResult(key=self.keys[key.scope_hash])
        ids: list[int] = []
        replayed: set[int] = set()
        mismatched: set[int] = set()
        replaced_by: dict[int, int] = {}
        for index, command in enumerate(submission.commands):
            first = self._first_with_request_id(command.account_id, command.request_id)
            if first is None:
                after = command.after_command_id
                self._insert_command(
                    command, None if after is None else replaced_by.get(after, after), now
                )
                ids.append(command.id)
                continue
            ids.append(first.id)
            replaced_by[command.id] = first.id
            same = first.fingerprint == command.fingerprint
            (replayed if same else mismatched).add(index)
        if key is not None:
            command_ids = tuple(ids) or key.command_ids
            self.keys[key.scope_hash] = evolve(key, command_ids=command_ids)
        return EnqueueResult(
            ids=tuple(ids), replayed=frozenset(replayed), mismatched=frozenset(mismatched)
        )

    def _first_with_request_id(self, account_id: int, request_id: str | None) -> CommandRow | None:
        for row in self.books.commands.values():
            if request_id is not None and (row.account_id, row.request_id) == (
                account_id,
                request_id,
            ):
                return row
        return None

    def _insert_command(self, command: NewCommand, after: int | None, now: datetime) -> None:
        held_until = command.hold_until if after is None else None
        if after is not None or held_until is not None:
            is_hold_over = command.hold_until is not None and command.hold_until <= now
            self._holds[command.id] = (after, is_hold_over)
        self.books.commands[command.id] = CommandRow(
            id=command.id,
            account_id=command.account_id,
            command_type=command.command_type,
            payload=command.payload,
            fingerprint=command.fingerprint,
            actor=command.actor,
            status=CommandStatus.QUEUED,
            created_at=command.created_at,
            request_id=command.request_id,
            comment=_clipped(command.comment),
            held_until=held_until,
        )

    def take(
        self, account_ids: Collection[int], limit: int, exclude_ids: Collection[int]
    ) -> Sequence[CommandRow]:
        """Queued commands, oldest first, without those that wait for another command."""
        selected: dict[int, CommandRow] = {}
        for row in sorted(self.books.commands.values(), key=lambda row: (row.created_at, row.id)):
            if row.status is not CommandStatus.QUEUED or row.account_id not in account_ids:
                continue
            if row.id not in exclude_ids and not self._is_held(row.id, {*selected, *exclude_ids}):
                selected[row.id] = row
        return list(selected.values())[:limit]

    def _is_held(self, command_id: int, done: Collection[int]) -> bool:
        after, is_hold_over = self._holds.get(command_id, (None, True))
        if is_hold_over or after in done:
            return False
        if after is None:
            return True
        before = self.books.commands.get(after)
        return before is not None and before.status in WAITING

    def depths(self) -> Mapping[int, int]:
        """Queued commands per account."""
        rows = self.books.commands.values()
        return dict(Counter(r.account_id for r in rows if r.status is CommandStatus.QUEUED))

    def drop_expired_keys(self, now: datetime) -> int:
        """Deletes expired keys; returns how many."""
        expired = [name for name, key in self.keys.items() if key.expires_at <= now]
        for name in expired:
            del self.keys[name]
        return len(expired)

    # Leases

    def free(self, limit: int) -> Sequence[int]:
        """Accounts without a live lease."""
        return [each for each, lease in sorted(self.leases.items()) if lease.is_free][:limit]

    def acquire(
        self, owner: str, account_ids: Iterable[int], *, is_lasting: bool
    ) -> Sequence[Lease]:
        """Acquires the free ones; without ``is_lasting`` a lease expires at once."""
        selected = []
        for account_id in sorted(set(account_ids)):
            lease = self.leases.get(account_id)
            if lease is None or not lease.is_free:
                continue
            lease.owner, lease.token, lease.is_expired = owner, lease.token + 1, not is_lasting
            self.streams[account_id].token = lease.token
            selected.append(Lease(account_id=account_id, token=lease.token))
        return selected

    def renew(self, owner: str, leases: Sequence[Lease], *, is_lasting: bool) -> Sequence[int]:
        """Extends leases; returns the accounts whose lease is lost."""
        lost = []
        for lease in leases:
            held = self.leases[lease.account_id]
            if held.is_free or (held.owner, held.token) != (owner, lease.token):
                lost.append(lease.account_id)
                continue
            held.is_expired = not is_lasting
            if not is_lasting:
                lost.append(lease.account_id)
        return lost

    def release(self, owner: str, leases: Sequence[Lease]) -> None:
        """Releases leases that are still held under their token."""
        for lease in leases:
            held = self.leases[lease.account_id]
            if (held.owner, held.token) == (owner, lease.token):
                held.owner = ""

    def release_all(self, owner: str) -> None:
        """Releases all leases of the owner."""
        for held in self.leases.values():
            if held.owner == owner:
                held.owner = ""

    def counts(self) -> Mapping[str, int]:
        """Live leases per owner, without lease 0."""
        return dict(
            Counter(
                lease.owner
                for account_id, lease in self.leases.items()
                if account_id and not lease.is_free
            )
        )

    # The ledger

    def require_token(self, lease: Lease) -> Stream:
        """Returns the stream of a valid lease. Raises ``LeaseLost``."""
        stream = self.streams.get(lease.account_id)
        if stream is None or stream.token != lease.token:
            raise LeaseLost("another owner")
        return stream

    def commit(self, batches: Sequence[AccountBatch]) -> frozenset[int]:
        """Writes all batches with a valid token and head; returns the other accounts."""
        lost = {b.lease.account_id for b in batches if not self._may_write(b)}
        accepted = [b for b in batches if b.lease.account_id not in lost]
        after = self.books.copy()
        # Table by table: a unique key released by an update is not free for an insert yet.
        for row in (order for b in accepted for order in b.orders_new):
            _put_order(after, row)
        for row in (order for b in accepted for order in b.orders_changed):
            _put_order(
                after,
                _with_fixed_fields(after.orders[row.id], row) if row.id in after.orders else row,
            )
        for deal in (deal for b in accepted for deal in b.deals):
            _put_deal(after, deal)
        for batch in accepted:
            _put_rest(after, batch)
        self.books = after
        for batch in accepted:
            self.streams[batch.lease.account_id].head = batch.head_after
        return frozenset(lost)

    def _may_write(self, batch: AccountBatch) -> bool:
        stream = self.streams[batch.lease.account_id]
        return (stream.token, stream.head) == (batch.lease.token, batch.head_before)


def _put_order(books: StoreRows, order: Order) -> None:
    for other in books.orders.values():
        if other.id == order.id or other.account_id != order.account_id:
            continue
        same_client_id = order.client_order_id is not None and (
            order.client_order_id == other.client_order_id
        )
        same_exchange_id = order.exchange_order_id is not None and (
            (order.symbol, order.exchange_order_id) == (other.symbol, other.exchange_order_id)
        )
        if same_client_id or same_exchange_id:
            raise OmsError("duplicate row", reason="duplicate")
    books.orders[order.id] = evolve(order, comment=_clipped(order.comment))


def _with_fixed_fields(before: Order, after: Order) -> Order:
    return evolve(after, **{name: getattr(before, name) for name in ORDER_FIXED})


def _put_deal(books: StoreRows, deal: Deal) -> None:
    def name(each: Deal) -> tuple[int, str, str, int]:
        return each.account_id, each.symbol, each.exchange_trade_id, each.leg

    if deal.id in books.deals or name(deal) in {name(each) for each in books.deals.values()}:
        raise OmsError("duplicate row", reason="duplicate")
    books.deals[deal.id] = deal


def _put_rest(books: StoreRows, batch: AccountBatch) -> None:
    """Positions, results, events and exchange state: the order of these does not matter."""
    for position in (*batch.positions_new, *batch.positions_changed):
        books.positions[position.id] = position
    for command_id, result in batch.results.items():
        books.commands[command_id] = _finished(books.commands[command_id], result)
    books.events.update({event.id: event for event in batch.events})
    if batch.exchange_state is not None:
        before = books.memories.get(batch.lease.account_id, ExchangeStateRows())
        books.memories[batch.lease.account_id] = _merged_state(before, batch.exchange_state)


def _finished(row: CommandRow, result: CommandResult) -> CommandRow:
    return evolve(
        row,
        status=result.status,
        error=None if result.error is None else dump_error(result.error),
        result=dump_result(result),
        order_id=result.order_id,
        attempts=row.attempts + 1,
        finished_at=ANY_TIME if result.status.is_final else None,
    )


def _merged_state(before: ExchangeStateRows, changes: ExchangeStateRows) -> ExchangeStateRows:
    known_ids = {trade.trade_id for trade in before.trades}
    if any(trade.trade_id in known_ids for trade in changes.trades):
        raise OmsError("duplicate row", reason="duplicate")
    latest = changes if changes.state is not None else before
    orders = {**before.orders, **changes.orders}
    trades = sorted((*before.trades, *changes.trades), key=lambda t: (t.executed_at, t.trade_id))
    return ExchangeStateRows(
        state=latest.state,
        state_hash=latest.state_hash,
        version=latest.version,
        orders={name: order for name, order in orders.items() if order is not None},
        trades=tuple(trades),
        prices={**before.prices, **changes.prices},
    )


def _clipped(text: str | None) -> str | None:
    return None if text is None else text[:COMMENT_CHARS_MAX]
