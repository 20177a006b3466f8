"""Facts that an exchange lists again after their rows were archived are not booked again."""

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any, cast

from kit.builders import NOON, a_fill, a_funding, a_late_fee, a_report
from oms.domain.orders.execution_report import ExternalOrderInfo, ReportKind
from oms.domain.side import Side
from oms.domain.value import evolve
from oms.ports.exchange import ExchangeSnapshot
from oms.ports.ledger_store import ARCHIVED_AGE_MIN, LedgerStore
from oms.services.account_state.state import AccountState
from oms.services.ledger.charges import drop_archived_charges
from oms.services.reconcile.archived_facts import drop_archived

SYMBOL = "BTC/USDT:USDT"
OLD, YOUNG = NOON - ARCHIVED_AGE_MIN - timedelta(seconds=1), NOON - ARCHIVED_AGE_MIN
STATE = cast(AccountState, SimpleNamespace(account=SimpleNamespace(id=1)))


class Ledger:
    """Everything is archived but what is called new; notes what it was asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def archived_trades(
        self, account_id: int, symbol: str, trade_ids: Sequence[str]
    ) -> frozenset[str]:
        assert (account_id, symbol) == (1, SYMBOL)
        self.asked += trade_ids
        return frozenset(name for name in trade_ids if not name.endswith("new"))

    async def archived_orders(
        self, account_id: int, symbol: str, exchange_order_ids: Sequence[str]
    ) -> frozenset[str]:
        return await self.archived_trades(account_id, symbol, exchange_order_ids)


def a_trade(name: str, at: Any) -> tuple[str, Any]:
    report = a_fill("1", "100", trade=name)
    assert report.execution is not None
    return SYMBOL, evolve(report, execution=evolve(report.execution, executed_at=at))


def a_listed_order(name: str, at: Any, order_id: int = 0) -> Any:
    external = ExternalOrderInfo(
        symbol=SYMBOL, side=Side.BUY, order_type="limit", qty=Decimal(1), created_at=at
    )
    return a_report(
        ReportKind.ACCEPTED, order_id=order_id, exchange_order_id=name, external=external
    )


async def test_a_pass_over_a_long_time_leaves_out_what_is_archived() -> None:
    ledger = Ledger()
    snapshot = ExchangeSnapshot(
        since=OLD,
        orders=(
            a_listed_order("X-archived", OLD),
            a_listed_order("X-new", OLD),
            a_listed_order("X-young", YOUNG),
            a_listed_order("X-known", OLD, order_id=7),
        ),
        trades=(a_trade("T-archived", OLD), a_trade("T-new", OLD), a_trade("T-young", YOUNG)),
        holdings={},
    )

    left = await drop_archived(cast(LedgerStore, ledger), STATE, snapshot, NOON)

    trades = [report.execution and report.execution.exchange_trade_id for _, report in left.trades]
    assert trades == ["T-new", "T-young"]
    names = [report.exchange_order_id for report in left.orders]
    assert names == ["X-new", "X-young", "X-known"]
    assert sorted(ledger.asked) == ["T-archived", "T-new", "X-archived", "X-new"]


async def test_a_usual_pass_asks_nothing() -> None:
    ledger = Ledger()
    snapshot = ExchangeSnapshot(
        since=YOUNG, orders=(), trades=(a_trade("T-archived", YOUNG),), holdings={}
    )
    assert await drop_archived(cast(LedgerStore, ledger), STATE, snapshot, NOON) is snapshot
    assert ledger.asked == []


async def test_archived_payments_are_left_out_and_a_new_fee_of_an_archived_trade_is_not() -> None:
    funding = a_funding(SYMBOL, "archived", "1", OLD)
    young = a_funding(SYMBOL, "young", "1", YOUNG)
    fee, late = (a_late_fee(SYMBOL, name, "1", "USDT", OLD) for name in ("archived", "is-new"))
    charges = [evolve(each, received_at=NOON) for each in (funding, young, fee, late)]

    left = await drop_archived_charges(cast(LedgerStore, Ledger()), STATE, charges)

    assert left == [charges[1], charges[3]]
