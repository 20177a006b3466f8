"""Random histories in a real store: what a book does step by step, committed as a worker would.

One database holds many: each history is an account, its ids moved behind those of the others.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar

from kit.builders import NOON
from kit.databases.store_rows import AUDIT
from kit.ledger.histories import History, HistoryRun
from kit.ledger.ledger_book import LedgerBook
from oms.adapters.sql.store import SqlStore
from oms.domain.ledger.deal import Deal
from oms.domain.ledger.position import Position
from oms.domain.orders.order import Order
from oms.domain.value import evolve
from oms.ports.leases import Lease
from oms.ports.ledger_store import AccountBatch, EventRow
from oms.wire.responses.events import EventSource, build_events, outbox_payload

IDS_PER_ACCOUNT = 1_000_000
"""Ids of one account."""

Row = TypeVar("Row", Order, Deal, Position)


class BookStep:
    """What one call changed of a book."""

    def __init__(self, book: LedgerBook, before: "BookStep | None") -> None:
        self.orders = dict(book.orders)
        self.positions = dict(book.positions)
        self.deals = {deal.id: deal for deal in book.deals}
        self.before = before

    def changed(self, name: str) -> Iterator[tuple[Any, bool]]:
        """Rows that differ from the step before, each with whether it is new."""
        known: Mapping[int, Any] = {} if self.before is None else getattr(self.before, name)
        for row_id, row in getattr(self, name).items():
            if known.get(row_id) != row:
                yield row, row_id not in known

    def removed(self) -> list[Deal]:
        """Deals that are gone since the step before."""
        known = {} if self.before is None else self.before.deals
        return [deal for row_id, deal in known.items() if row_id not in self.deals]


class RecordingBook(LedgerBook):
    """A book that keeps what each of its calls changed."""

    steps: list[BookStep]

    def _keep(self, entry: Any) -> Any:
        kept = super()._keep(entry)
        self.steps.append(BookStep(self, self.steps[-1] if self.steps else None))
        return kept


def record_steps(history: History) -> tuple[HistoryRun, Sequence[BookStep]]:
    """The history played to its end, and all that changed on the way."""
    rehearsal = HistoryRun(history.mode, history.instrument, hostile=history.hostile)
    book = RecordingBook(history.mode, history.instrument)
    book.steps = []
    rehearsal.book = book
    rehearsal.play(history.steps)
    return rehearsal, book.steps


async def store_history(store: SqlStore, history: History) -> tuple[int, HistoryRun]:
    """Play and store a history on an account of its own, whose id is returned."""
    rehearsal, steps = record_steps(history)
    account_id = await store.registry.create_account(
        exchange_id="ccxt.binance",
        label="history",
        position_mode=history.mode.value,
        environment="testnet",
        is_testnet=True,
        extra_config="{}",
        trader_name=None,
        now=NOON,
        audit=AUDIT,
    )
    (lease,) = await store.leases.acquire("w1", [account_id], 600)
    seq = 0
    for step in steps:
        batch = _batch(step, lease, seq)
        seq = batch.head_after
        assert not await store.ledger.commit([batch]), "the lease is ours"
    await store.leases.release("w1", [lease])
    return account_id, rehearsal


def _batch(step: BookStep, lease: Lease, seq: int) -> AccountBatch:
    account_id = lease.account_id
    orders = [(shift_order_ids(row, account_id), new) for row, new in step.changed("orders")]
    deals = [(shift_deal_ids(row, account_id), new) for row, new in step.changed("deals")]
    positions = [
        (shift_position_ids(row, account_id), new) for row, new in step.changed("positions")
    ]
    gone = [shift_deal_ids(row, account_id) for row in step.removed()]
    tale = EventSource(
        account_id=account_id,
        orders=[row for row, _ in orders],
        deals=[row for row, _ in deals],
        deals_removed=gone,
        positions=[row for row, _ in positions],
    )
    events = list(build_events(tale))
    rows: list[EventRow] = []
    if events:
        namespace, event_type, payload = outbox_payload(events)
        rows.append(
            EventRow(
                id=account_id * IDS_PER_ACCOUNT + seq,
                account_id=account_id,
                seq=seq + 1,
                seq_to=seq + len(events),
                strategy_id=0,
                namespace=namespace,
                event_type=event_type,
                payload=payload,
            )
        )
    return AccountBatch(
        lease=lease,
        head_before=seq,
        head_after=seq + len(events),
        orders_new=[row for row, new in orders if new],
        orders_changed=[row for row, new in orders if not new],
        deals=[row for row, new in deals if new],
        deals_changed=[row for row, new in deals if not new],
        deals_removed=gone,
        positions_new=[row for row, new in positions if new],
        positions_changed=[row for row, new in positions if not new],
        events=rows,
    )


def shift_order_ids(order: Order, account_id: int) -> Order:
    """The order among those of its account; nobody's command made it."""
    return _moved(
        evolve(order, command_id=None, exchange_order_id=f"x{order.id}"),
        account_id,
        ("id", "position_id", "previous_position_id", "ticket_id"),
    )


def shift_deal_ids(deal: Deal, account_id: int) -> Deal:
    """The deal among those of its account."""
    return _moved(deal, account_id, ("id", "order_id", "position_id", "previous_position_id"))


def shift_position_ids(position: Position, account_id: int) -> Position:
    """The position among those of its account."""
    names = ("id", "identifier", "previous_position_id", "merged_into")
    return _moved(position, account_id, names)


def _moved(row: Row, account_id: int, names: Sequence[str]) -> Row:
    room = account_id * IDS_PER_ACCOUNT
    ids = {name: getattr(row, name) for name in names}
    return evolve(row, account_id=account_id, **{n: room + i for n, i in ids.items() if i})
