"""A paper exchange that answers like a real one: later, and only to what was stored before.

For tests of what the worker does around an exchange whose answers take time. Requests are taken
down as attempts; once stored, each is carried out by the paper exchange when ``answer`` lets it.
``lost`` of them are carried out and not answered; the look-up finds them.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from kit.office import Office
from oms.adapters.paper.exchange import PaperExchange
from oms.adapters.paper.snapshot import snapshot_of
from oms.domain.errors import Refused
from oms.domain.order import Order
from oms.domain.report import Heard, Report, ReportKind
from oms.domain.value import evolve
from oms.ports.exchange import AttemptRow, Looked, MemoryRows, Snapshot
from oms.ports.ledger import AccountImage

Wish = tuple[str, Order, tuple[Decimal | None, Decimal | None], datetime]


class LateExchange(PaperExchange):
    """``ports.exchange.Exchange``; made by ``late``."""

    on_news: Callable[[], None]

    def begin(self, on_news: Callable[[], None], attempts: Sequence[AttemptRow]) -> None:
        """What ``__init__`` has no room for."""
        self.on_news = on_news
        self.seen_attempts = tuple(attempts)
        #: Taken down, handed out to be stored, stored: on their way.
        self.noted: list[Wish] = []
        self.handed: list[Wish] = []
        self.sent: list[Wish] = []
        self.held = False
        self.loses = 0
        #: What was done and not told.
        self.untold: list[Report] = []
        self.found = False
        self.asked_since: list[datetime] = []
        #: Orders that were looked for, and under which id.
        self.looked_for: list[tuple[int, str | None]] = []
        self.is_open = True

    def answers_later(self) -> bool:
        return True

    async def place(self, order: Order, now: datetime) -> Sequence[Report]:
        self.noted.append(("place", order, (None, None), now))
        return []

    async def change(
        self, order: Order, price: Decimal | None, qty: Decimal | None, now: datetime
    ) -> Sequence[Report]:
        self.noted.append(("change", order, (price, qty), now))
        return []

    async def cancel(self, order: Order, now: datetime) -> Sequence[Report]:
        self.noted.append(("cancel", order, (None, None), now))
        return []

    def changed_memory(self) -> MemoryRows | None:
        self.handed += self.noted
        rows = [_attempt(wish, number) for number, wish in enumerate(self.noted)]
        self.noted = []
        return evolve(super().changed_memory() or MemoryRows(), attempts=rows)

    def stored(self) -> None:
        self.sent += self.handed
        self.handed = []
        if self.sent:
            self.on_news()

    def answer(self) -> None:
        """Let what is on its way be answered."""
        self.held = False
        self.on_news()

    async def advance(self, now: datetime) -> Sequence[Report]:
        told = [*await super().advance(now)]
        if self.found:
            told += self.untold
            self.found, self.untold = False, []
        if self.held:
            return told
        sent, self.sent = self.sent, []
        for verb, order, terms, _ in sent:
            reports = await self._carried_out(verb, order, terms, now)
            if self.loses:
                self.loses -= 1
                self.untold += reports
                told.append(_about(order, ReportKind.UNKNOWN, now))
            else:
                told += reports
        return told

    async def find(self, order: Order, exchange_order_id: str | None, now: datetime) -> Looked:
        """What was done and not told of the order is told by the next ``advance``."""
        self.looked_for.append((order.id, exchange_order_id))
        mine = [each for each in self.untold if each.order_id == order.id]
        names = {each.exchange_order_id for each in mine}
        if exchange_order_id is not None and exchange_order_id not in names:
            why = Refused(code="order_not_found", message="no such order")
            return Looked(refused=why)
        self.found = self.found or bool(mine)
        return Looked()

    def look_up(self) -> None:
        """Find what was done and not told."""
        self.found = True
        self.on_news()

    def begin_sweep(self, since: datetime, until: datetime | None = None) -> None:
        self.asked_since.append(since)
        self.on_news()

    def swept(self) -> Sequence[Snapshot]:
        since, self.asked_since = self.asked_since, []
        return [snapshot_of(self._engine, each, datetime.now(UTC)) for each in since]

    async def close(self) -> None:
        self.is_open = False

    async def _carried_out(
        self, verb: str, order: Order, terms: tuple[Decimal | None, Decimal | None], now: datetime
    ) -> Sequence[Report]:
        match verb:
            case "place":
                return await super().place(order, now)
            case "change":
                return await super().change(order, *terms, now)
            case _:
                return await super().cancel(order, now)


def exchange_of(office: Office) -> LateExchange:
    """The one of the office's account."""
    exchange = office.worker.accounts.homes[office.account_id].exchange
    assert isinstance(exchange, LateExchange)
    return exchange


def late(image: AccountImage, on_news: Callable[[], None]) -> LateExchange:
    """The exchange of an account, for ``Accounts.connect``."""
    made = LateExchange.restore(image.account, image.memory)
    assert isinstance(made, LateExchange)
    made.begin(on_news, image.memory.attempts)
    return made


def _attempt(wish: Wish, number: int) -> AttemptRow:
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


def _about(order: Order, kind: ReportKind, now: datetime) -> Report:
    return Report(kind=kind, order_id=order.id, heard=Heard.REPLY, heard_at=now)
