"""Drives the paper exchange through its port; orders change only by its reports."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from kit.builders import NOON, an_order
from oms.adapters.paper.paper_exchange import PaperExchange
from oms.domain.account import Account, Environment, PaperSettings, PositionMode
from oms.domain.orders.execution_report import (
    Charge,
    ExecutionReport,
    ExternalOrderInfo,
    ReportKind,
)
from oms.domain.orders.order import Order, advance_order
from oms.domain.quotes import Quote
from oms.domain.side import Side
from oms.ports.exchange import Exchange, ExchangeStateRows

SPOT = "SOL/USDT"
LINEAR = "ETH/USDT:USDT"
NO_FEES = {"maker": Decimal(0), "taker": Decimal(0)}


def a_paper_account(mode: PositionMode = PositionMode.NETTING, **paper: Any) -> Account:
    """A paper account without fees and with manual prices."""
    return Account(
        id=7,
        exchange_id="paper.binance",
        label="paper",
        position_mode=mode,
        environment=Environment.PAPER,
        paper=PaperSettings(**({"source": "manual", **NO_FEES} | paper)),
    )


class PaperHarness:
    """One account; time passes only by ``advance_time``."""

    def __init__(self, mode: PositionMode = PositionMode.NETTING, **paper: Any) -> None:
        self.account = a_paper_account(mode, **paper)
        self.paper = PaperExchange.restore(self.account, ExchangeStateRows())
        self.now: datetime = NOON
        self.orders: dict[int, Order] = {}
        #: External orders as last reported, and the kinds of all reports about each.
        self.externals: dict[str, ExternalOrderInfo] = {}
        self.external_kinds: dict[str, list[str]] = {}
        self.trades: set[str] = set()
        self._rows = ExchangeStateRows()

    @property
    def exchange(self) -> Exchange:
        """The exchange as its port."""
        return self.paper

    def quote(self, bid: str, ask: str | None = None, symbol: str = LINEAR) -> list[str]:
        """Set bid and ask with unlimited depth."""
        quote = Quote(
            symbol=symbol,
            bid=Decimal(bid),
            ask=Decimal(ask or bid),
            bid_qty=None,
            ask_qty=None,
            at=self.now,
        )
        return self.ingest(self.exchange.set_price(quote))

    async def send(self, side: Side, qty: str, **fields: Any) -> list[str]:
        """Place an order; its id is the number of orders so far."""
        for name in ("price", "trigger_price", "trailing_amount", "trailing_percent"):
            if name in fields:
                fields[name] = Decimal(fields[name])
        order = an_order(
            **(
                {"id": len(self.orders) + 1, "symbol": LINEAR, "side": side, "qty": Decimal(qty)}
                | fields
            )
        )
        self.orders[order.id] = order
        return self.ingest(await self.exchange.place(order, self.now))

    async def buy(self, qty: str, **fields: Any) -> list[str]:
        """A buy, a market order by default."""
        return await self.send(Side.BUY, qty, **fields)

    async def sell(self, qty: str, **fields: Any) -> list[str]:
        """A sell, a market order by default."""
        return await self.send(Side.SELL, qty, **fields)

    async def cancel(self, number: int) -> list[str]:
        """Cancel an order."""
        return self.ingest(
            await self.exchange.cancel(self.orders[number], self.now), is_own_request=True
        )

    async def query(self, number: int) -> list[str]:
        """Query an order by id."""
        return self.ingest(await self.exchange.query_order(self.orders[number], self.now))

    async def advance_time(self, **time: float) -> list[str]:
        """Let time pass and poll."""
        self.now += timedelta(**time)
        return self.ingest(await self.exchange.poll_reports(self.now))

    def take_charges(self) -> list[Charge]:
        """Charges reported since the last call."""
        return list(self.exchange.take_charges())

    def state(self, number: int) -> str:
        """The state value of an order."""
        return self.orders[number].state.value

    def restart(self) -> None:
        """Restore the exchange from its stored state, as a new process does."""
        self.store()
        self.paper = PaperExchange.restore(self.account, self._rows)

    def store(self) -> ExchangeStateRows:
        """Store the changed rows, as the store does; returns all rows."""
        changed = self.exchange.take_state_changes()
        if changed is not None:
            orders = {**self._rows.orders, **changed.orders}
            self._rows = ExchangeStateRows(
                state=changed.state,
                state_hash=changed.state_hash,
                version=changed.version,
                orders={name: text for name, text in orders.items() if text is not None},
                prices={**self._rows.prices, **changed.prices},
            )
        return self._rows

    def ingest(
        self, reports: Sequence[ExecutionReport], *, is_own_request: bool = False
    ) -> list[str]:
        """Apply reports as the ledger does; returns e.g. ``"1 accepted"`` for order 1."""
        summaries = []
        for report in reports:
            name: object = report.order_id or report.exchange_order_id
            summaries.append(f"{name} {report.kind.value}")
            if report.execution is not None:
                if report.execution.exchange_trade_id in self.trades:
                    continue
                self.trades.add(report.execution.exchange_trade_id)
            if not report.order_id:
                self._ingest_external(report)
            elif not (is_own_request and report.kind is ReportKind.REJECTED):
                order = self.orders[report.order_id]
                self.orders[order.id] = advance_order(order, report) or order
        return summaries

    def _ingest_external(self, report: ExecutionReport) -> None:
        assert report.external is not None, "the report describes the order"
        assert report.exchange_order_id is not None
        self.externals[report.exchange_order_id] = report.external
        kinds = self.external_kinds.setdefault(report.exchange_order_id, [])
        kinds.append(report.kind.value)


def report_kinds(reports: Iterable[ExecutionReport]) -> list[str]:
    """The kinds of reports."""
    return [report.kind.value for report in reports]
