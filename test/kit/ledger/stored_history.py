"""Random histories in a real store: each step of a book is committed as by a worker.

One database holds many histories: each is an account with its own range of ids.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar

from kit.builders import NOON
from kit.databases.store_rows import AUDIT
from kit.ledger.histories import History
from kit.ledger.history_run import HistoryRun
from kit.ledger.ledger_book import LedgerBook
from oms.adapters.sql.store import SqlStore
from oms.domain.ledger.deal import Deal
from oms.domain.ledger.position import Position
from oms.domain.orders.order import Order
from oms.domain.value import evolve
from oms.ports.exchange import ExchangeStateRows
from oms.ports.leases import Lease
from oms.ports.ledger_store import AccountBatch, EventRow
from oms.wire.responses.events import EventSource, build_events, outbox_payload

IDS_PER_ACCOUNT = 1_000_000
"""Size of the id range of one account."""

Row = TypeVar("Row", Order, Deal, Position)


class BookStep:
    """The rows of a book after one call, and the step before."""

    def __init__(self, book: LedgerBook, before: "BookStep | None") -> None:
        self.orders = dict(book.orders)
        self.positions = dict(book.positions)
        self.deals = {deal.id: deal for deal in book.deals}
        self.before = before

    def changed(self, name: str) -> Iterator[tuple[Any, bool]]:
        """Rows that differ from the previous step, each with whether it is new."""
        previous_rows: Mapping[int, Any] = {} if self.before is None else getattr(self.before, name)
        for row_id, row in getattr(self, name).items():
            if previous_rows.get(row_id) != row:
                yield row, row_id not in previous_rows

    def removed(self) -> list[Deal]:
        """Deals removed since the previous step."""
        previous_rows = {} if self.before is None else self.before.deals
        return [deal for row_id, deal in previous_rows.items() if row_id not in self.deals]


class RecordingBook(LedgerBook):
    """A book that records a step per call."""

    steps: list[BookStep]

    def _keep(self, entry: Any) -> Any:
        kept = super()._keep(entry)
        self.steps.append(BookStep(self, self.steps[-1] if self.steps else None))
        return kept


def record_steps(history: History) -> tuple[HistoryRun, Sequence[BookStep]]:
    """Plays the history; returns the run and its steps."""
    run = HistoryRun(history.mode, history.instrument, allows_impossible=history.allows_impossible)
    book = RecordingBook(history.mode, history.instrument)
    book.steps = []
    run.book = book
    run.play(history.steps)
    return run, book.steps


async def store_history(store: SqlStore, history: History) -> tuple[int, HistoryRun]:
    """Plays and stores a history in a new account; returns account id and run."""
    run, steps = record_steps(history)
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
        if not seq:
            instruments = {history.instrument.symbol: history.instrument}
            batch = evolve(batch, exchange_state=ExchangeStateRows(instruments=instruments))
        seq = batch.head_after
        assert not await store.ledger.commit([batch]), "the lease is held"
    await store.leases.release("w1", [lease])
    return account_id, run


def _batch(step: BookStep, lease: Lease, seq: int) -> AccountBatch:
    account_id = lease.account_id
    orders = [(shift_order_ids(row, account_id), new) for row, new in step.changed("orders")]
    deals = [(shift_deal_ids(row, account_id), new) for row, new in step.changed("deals")]
    positions = [
        (shift_position_ids(row, account_id), new) for row, new in step.changed("positions")
    ]
    removed = [shift_deal_ids(row, account_id) for row in step.removed()]
    change_set = EventSource(
        account_id=account_id,
        orders=[row for row, _ in orders],
        deals=[row for row, _ in deals],
        deals_removed=removed,
        positions=[row for row, _ in positions],
    )
    events = list(build_events(change_set))
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
        deals_removed=removed,
        positions_new=[row for row, new in positions if new],
        positions_changed=[row for row, new in positions if not new],
        events=rows,
    )


def shift_order_ids(order: Order, account_id: int) -> Order:
    """The order with ids of its account, without a command."""
    return _with_shifted_ids(
        evolve(order, command_id=None, exchange_order_id=f"x{order.id}"),
        account_id,
        ("id", "position_id", "previous_position_id", "ticket_id"),
    )


def shift_deal_ids(deal: Deal, account_id: int) -> Deal:
    """The deal with ids of its account."""
    return _with_shifted_ids(
        deal, account_id, ("id", "order_id", "position_id", "previous_position_id")
    )


def shift_position_ids(position: Position, account_id: int) -> Position:
    """The position with ids of its account."""
    names = ("id", "identifier", "previous_position_id", "merged_into")
    return _with_shifted_ids(position, account_id, names)


def _with_shifted_ids(row: Row, account_id: int, names: Sequence[str]) -> Row:
    offset = account_id * IDS_PER_ACCOUNT
    ids = {name: getattr(row, name) for name in names}
    return evolve(row, account_id=account_id, **{n: offset + i for n, i in ids.items() if i})
