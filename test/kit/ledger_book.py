"""A book in memory for tests of the pure ledger: orders run through ``apply``, rows kept."""

from decimal import Decimal

from kit.builders import CountingMint, a_fill, a_report, an_order
from oms.domain.account import PositionMode
from oms.domain.deal import Deal
from oms.domain.instrument import Instrument, Kind
from oms.domain.ledger import Book, Entry, apply
from oms.domain.order import Order, Side
from oms.domain.position import Position
from oms.domain.report import Report, ReportKind


class LedgerBook:
    """Rows of one account and one symbol, changed only by ``apply``."""

    def __init__(self, mode: PositionMode, instrument: Instrument) -> None:
        self.mode = mode
        self.instrument = instrument
        self.mint = CountingMint()
        self.orders: dict[int, Order] = {}
        self.positions: dict[int, Position] = {}
        self.deals: list[Deal] = []

    def send(self, side: str, qty: Decimal, **changes: object) -> Order:
        """A new order, accepted."""
        order = an_order(
            id=self.mint("order"),
            symbol=self.instrument.symbol,
            side=Side(side),
            qty=qty,
            **changes,
        )
        self.orders[order.id] = order
        self.hear(a_report(ReportKind.ACCEPTED, order_id=order.id, exchange_order_id="x"))
        return self.orders[order.id]

    def fill(self, order_id: int, qty: Decimal, price: Decimal, rate: Decimal) -> Entry:
        """An execution of the order with a fee of ``rate``; a spot buy pays it in base."""
        order = self.orders[order_id]
        in_base = self.instrument.kind is Kind.SPOT and order.side is Side.BUY
        fee = qty * rate if in_base else qty * price * rate
        currency = self.instrument.base if in_base else self.instrument.settle
        trade = f"t{self.mint('event')}"
        return self.hear(
            a_fill(qty, price, order_id=order_id, trade=trade, fee=fee, fee_currency=currency)
        )

    def hear(self, report: Report) -> Entry:
        """Apply one report and keep what it changed."""
        known: dict[str, list[Deal]] = {}
        for deal in self.deals:
            known.setdefault(deal.exchange_trade_id, []).append(deal)
        book = Book(
            mode=self.mode,
            instrument=self.instrument,
            order=self.orders[report.order_id],
            positions=[p for p in self.positions.values() if p.is_open],
            deals=known,
        )
        entry = apply(book, report, self.mint)
        if entry.order is not None:
            self.orders[entry.order.id] = entry.order
        self.positions |= {position.id: position for position in entry.positions}
        self.deals.extend(entry.deals)
        return entry

    def open_positions(self) -> list[Position]:
        """Positions that hold quantity, oldest first."""
        return [p for p in self.positions.values() if p.is_open]
