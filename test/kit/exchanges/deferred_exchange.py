"""A paper exchange with asynchronous responses: requests are sent after they were stored.

For tests of the worker with an exchange whose responses take time. Requests are journaled as
attempts; once committed, the paper exchange executes them when ``release`` is called. Of them,
``lose_count`` are executed without a response; ``report_lost`` makes their reports available.
"""

from collections.abc import Callable, Collection, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from kit.gateway.in_process import InProcessGateway
from oms.adapters.paper.account_snapshot import build_snapshot
from oms.adapters.paper.paper_exchange import PaperExchange
from oms.domain.errors import Refused
from oms.domain.orders.execution_report import ExecutionReport, ReportKind, ReportSource
from oms.domain.orders.order import Order
from oms.domain.orders.order_terms import NewTerms
from oms.domain.value import evolve
from oms.ports.exchange import (
    AttemptRow,
    ExchangePorts,
    ExchangeSnapshot,
    ExchangeStateRows,
    OrderQueryResult,
)
from oms.ports.ledger_store import LoadedAccount

DeferredRequest = tuple[str, Order, tuple[Decimal | None, Decimal | None], datetime]


class DeferredExchange(PaperExchange):
    """Implements ``ports.exchange.Exchange``; created by ``connect_deferred``."""

    on_update: Callable[[], None]

    def configure(self, on_update: Callable[[], None], attempts: Sequence[AttemptRow]) -> None:
        """Set what ``restore`` does not take as arguments."""
        self.on_update = on_update
        self.seen_attempts = tuple(attempts)
        #: Requests that are journaled, taken for storage, stored (in flight).
        self.journaled: list[DeferredRequest] = []
        self.taken: list[DeferredRequest] = []
        self.sent: list[DeferredRequest] = []
        self.is_held = False
        self.lose_count = 0
        #: Reports of executed requests without a response.
        self.unreported: list[ExecutionReport] = []
        self.is_lost_reported = False
        self.snapshot_requests: list[datetime] = []
        #: (order id, exchange order id) of each lookup.
        self.lookups: list[tuple[int, str | None]] = []
        self.is_open = True

    def sends_after_commit(self) -> bool:
        return True

    async def place(self, order: Order, now: datetime) -> Sequence[ExecutionReport]:
        self.journaled.append(("place", order, (None, None), now))
        return []

    async def change(
        self,
        order: Order,
        price: Decimal | None,
        qty: Decimal | None,
        now: datetime,
        terms: NewTerms | None = None,
    ) -> Sequence[ExecutionReport]:
        self.journaled.append(("change", order, (price, qty), now))
        return []

    async def cancel(self, order: Order, now: datetime) -> Sequence[ExecutionReport]:
        self.journaled.append(("cancel", order, (None, None), now))
        return []

    def take_state_changes(self) -> ExchangeStateRows | None:
        self.taken += self.journaled
        rows = [_attempt(request, number) for number, request in enumerate(self.journaled)]
        self.journaled = []
        return evolve(super().take_state_changes() or ExchangeStateRows(), attempts=rows)

    def on_committed(self) -> None:
        self.sent += self.taken
        self.taken = []
        if self.sent:
            self.on_update()

    def release(self) -> None:
        """Execute the requests in flight with the next poll."""
        self.is_held = False
        self.on_update()

    async def poll_reports(self, now: datetime) -> Sequence[ExecutionReport]:
        collected = [*await super().poll_reports(now)]
        if self.is_lost_reported:
            collected += self.unreported
            self.is_lost_reported, self.unreported = False, []
        if self.is_held:
            return collected
        sent, self.sent = self.sent, []
        for verb, order, terms, _ in sent:
            reports = await self._execute(verb, order, terms, now)
            if self.lose_count:
                self.lose_count -= 1
                self.unreported += reports
                collected.append(_about(order, ReportKind.UNKNOWN, now))
            else:
                collected += reports
        return collected

    async def find_order(
        self, order: Order, exchange_order_id: str | None, now: datetime
    ) -> OrderQueryResult:
        """Makes the unreported reports of the order available to the next ``poll_reports``."""
        self.lookups.append((order.id, exchange_order_id))
        unreported = [each for each in self.unreported if each.order_id == order.id]
        exchange_ids = {each.exchange_order_id for each in unreported}
        if exchange_order_id is not None and exchange_order_id not in exchange_ids:
            refused = Refused(code="order_not_found", message="no such order")
            return OrderQueryResult(refused=refused)
        self.is_lost_reported = self.is_lost_reported or bool(unreported)
        return OrderQueryResult()

    def report_lost(self) -> None:
        """Make all unreported reports available to the next ``poll_reports``."""
        self.is_lost_reported = True
        self.on_update()

    def start_snapshot(
        self, since: datetime, until: datetime | None = None, symbols: Collection[str] = ()
    ) -> int:
        self.snapshot_requests.append(since)
        self.on_update()
        return 0

    def take_snapshots(self) -> Sequence[ExchangeSnapshot]:
        since, self.snapshot_requests = self.snapshot_requests, []
        return [build_snapshot(self._engine, each, datetime.now(UTC)) for each in since]

    async def close(self) -> None:
        self.is_open = False

    async def _execute(
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
    """The exchange of the gateway's account."""
    exchange = gateway.worker.processor.states[gateway.account_id].exchange
    assert isinstance(exchange, DeferredExchange)
    return exchange


def connect_deferred(image: LoadedAccount, on_update: Callable[[], None]) -> ExchangePorts:
    """Creates the exchange of a loaded account; usable as ``CommandProcessor.connect``."""
    exchange = DeferredExchange.restore(image.account, image.exchange_state)
    assert isinstance(exchange, DeferredExchange)
    exchange.configure(on_update, image.exchange_state.attempts)
    return ExchangePorts(trading=exchange, calls=exchange, paper=exchange)


def _attempt(request: DeferredRequest, number: int) -> AttemptRow:
    verb, order, _, now = request
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
