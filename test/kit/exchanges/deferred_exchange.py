"""A paper exchange that answers like a real one: later, and only to what was stored before.

For tests of what the worker does around an exchange whose answers take time. Requests are taken
down as attempts; once stored, each is carried out by the paper exchange when ``answer`` lets it.
``lost`` of them are carried out and not answered; the look-up finds them.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from kit.gateway.in_process import InProcessGateway
from oms.adapters.paper.account_snapshot import build_snapshot
from oms.adapters.paper.paper_exchange import PaperExchange
from oms.domain.errors import Refused
from oms.domain.orders.execution_report import ExecutionReport, ReportKind, ReportSource
from oms.domain.orders.order import Order
from oms.domain.value import evolve
from oms.ports.exchange import AttemptRow, ExchangeSnapshot, ExchangeStateRows, OrderQueryResult
from oms.ports.ledger_store import LoadedAccount

DeferredRequest = tuple[str, Order, tuple[Decimal | None, Decimal | None], datetime]


class DeferredExchange(PaperExchange):
    """``ports.exchange.Exchange``; made by ``late``."""

    on_update: Callable[[], None]

    def begin(self, on_update: Callable[[], None], attempts: Sequence[AttemptRow]) -> None:
        """What ``__init__`` has no room for."""
        self.on_update = on_update
        self.seen_attempts = tuple(attempts)
        #: Taken down, handed out to be stored, stored: on their way.
        self.journaled: list[DeferredRequest] = []
        self.taken: list[DeferredRequest] = []
        self.sent: list[DeferredRequest] = []
        self.is_held = False
        self.lose_count = 0
        #: What was done and not told.
        self.unreported: list[ExecutionReport] = []
        self.found = False
        self.snapshot_requests: list[datetime] = []
        #: Orders that were looked for, and under which id.
        self.lookups: list[tuple[int, str | None]] = []
        self.is_open = True

    def sends_after_commit(self) -> bool:
        return True

    async def place(self, order: Order, now: datetime) -> Sequence[ExecutionReport]:
        self.journaled.append(("place", order, (None, None), now))
        return []

    async def change(
        self, order: Order, price: Decimal | None, qty: Decimal | None, now: datetime
    ) -> Sequence[ExecutionReport]:
        self.journaled.append(("change", order, (price, qty), now))
        return []

    async def cancel(self, order: Order, now: datetime) -> Sequence[ExecutionReport]:
        self.journaled.append(("cancel", order, (None, None), now))
        return []

    def take_state_changes(self) -> ExchangeStateRows | None:
        self.taken += self.journaled
        rows = [_attempt(wish, number) for number, wish in enumerate(self.journaled)]
        self.journaled = []
        return evolve(super().take_state_changes() or ExchangeStateRows(), attempts=rows)

    def on_committed(self) -> None:
        self.sent += self.taken
        self.taken = []
        if self.sent:
            self.on_update()

    def release(self) -> None:
        """Let what is on its way be answered."""
        self.is_held = False
        self.on_update()

    async def poll_reports(self, now: datetime) -> Sequence[ExecutionReport]:
        told = [*await super().poll_reports(now)]
        if self.found:
            told += self.unreported
            self.found, self.unreported = False, []
        if self.is_held:
            return told
        sent, self.sent = self.sent, []
        for verb, order, terms, _ in sent:
            reports = await self._carried_out(verb, order, terms, now)
            if self.lose_count:
                self.lose_count -= 1
                self.unreported += reports
                told.append(_about(order, ReportKind.UNKNOWN, now))
            else:
                told += reports
        return told

    async def find_order(
        self, order: Order, exchange_order_id: str | None, now: datetime
    ) -> OrderQueryResult:
        """What was done and not told of the order is told by the next ``advance``."""
        self.lookups.append((order.id, exchange_order_id))
        mine = [each for each in self.unreported if each.order_id == order.id]
        names = {each.exchange_order_id for each in mine}
        if exchange_order_id is not None and exchange_order_id not in names:
            why = Refused(code="order_not_found", message="no such order")
            return OrderQueryResult(refused=why)
        self.found = self.found or bool(mine)
        return OrderQueryResult()

    def report_lost(self) -> None:
        """Find what was done and not told."""
        self.found = True
        self.on_update()

    def start_snapshot(self, since: datetime, until: datetime | None = None) -> None:
        self.snapshot_requests.append(since)
        self.on_update()

    def take_snapshots(self) -> Sequence[ExchangeSnapshot]:
        since, self.snapshot_requests = self.snapshot_requests, []
        return [build_snapshot(self._engine, each, datetime.now(UTC)) for each in since]

    async def close(self) -> None:
        self.is_open = False

    async def _carried_out(
        self, verb: str, order: Order, terms: tuple[Decimal | None, Decimal | None], now: datetime
    ) -> Sequence[ExecutionReport]:
        match verb:
            case "place":
                return await super().place(order, now)
            case "change":
                return await super().change(order, *terms, now)
            case _:
                return await super().cancel(order, now)


def deferred_exchange(gateway: InProcessGateway) -> DeferredExchange:
    """The one of the office's account."""
    exchange = gateway.worker.processor.states[gateway.account_id].exchange
    assert isinstance(exchange, DeferredExchange)
    return exchange


def connect_deferred(image: LoadedAccount, on_update: Callable[[], None]) -> DeferredExchange:
    """The exchange of an account, for ``Accounts.connect``."""
    made = DeferredExchange.restore(image.account, image.exchange_state)
    assert isinstance(made, DeferredExchange)
    made.begin(on_update, image.exchange_state.attempts)
    return made


def _attempt(wish: DeferredRequest, number: int) -> AttemptRow:
    verb, order, _, now = wish
    return AttemptRow(
        order_id=order.id,
        attempt=order.version * 10 + number,
        kind=verb,
        client_id=f"{verb}-{order.id}-{order.version}-{number}",
        request="{}",
        may_send_until=now + timedelta(seconds=10),
        created_at=now,
    )


def _about(order: Order, kind: ReportKind, now: datetime) -> ExecutionReport:
    return ExecutionReport(kind=kind, order_id=order.id, source=ReportSource.REPLY, received_at=now)
