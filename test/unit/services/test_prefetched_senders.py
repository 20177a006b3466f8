"""Which orders of a batch are looked up at the accounts on the same credentials."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from types import SimpleNamespace
from typing import Any, cast

import pytest

from kit.builders import NOON, a_report, an_order
from oms.domain.account import Engine
from oms.domain.orders.execution_report import ExternalOrderInfo, ReportKind, ReportSource
from oms.domain.orders.order import Order
from oms.domain.side import Side
from oms.ports.ledger_store import LedgerStore
from oms.services.account_state.state import AccountState
from oms.services.ledger.prefetch import prefetch_rows

SYMBOL = "BTC/USDT:USDT"


class Ledger:
    """A store without rows that keeps the exchange order ids of which senders were read."""

    def __init__(self) -> None:
        self.read: list[str] = []

    async def orders_by_exchange_id(self, *_: object) -> Mapping[str, Order]:
        """Return no order."""
        return {}

    async def sending_accounts(
        self, account_id: int, symbol: str, names: Sequence[str]
    ) -> Mapping[str, int]:
        """Return no account."""
        self.read += names
        return {}


@pytest.mark.parametrize(
    ("source", "read"),
    [(ReportSource.STREAM, ["new"]), (ReportSource.RECONCILE, ["by id", "new", "own"])],
)
async def test_senders_are_read_where_a_report_may_name_them(
    source: ReportSource, read: Sequence[str]
) -> None:
    """A new order gets its sender from any report, a known one from a read of the exchange."""
    ledger = Ledger()
    known = {
        number: an_order(
            id=number,
            command_id=None,
            reason="external",
            exchange_order_id=name,
            comment=comment,
        )
        for number, (name, comment) in enumerate(
            (("own", None), ("by id", None), ("named", "sent by account 3")), 1
        )
    }
    by_name = {(order.symbol, order.exchange_order_id): order for order in known.values()}
    state: Any = SimpleNamespace(
        account=SimpleNamespace(id=1, engine=Engine.CCXT),
        find_order=known.get,
        find_order_by_exchange_id=lambda *key: by_name.get(key),
        units_of_work=tuple,
    )
    external = ExternalOrderInfo(
        symbol=SYMBOL, side=Side.BUY, order_type="limit", qty=Decimal(1), created_at=NOON
    )
    reports = [
        a_report(
            ReportKind.ACCEPTED,
            order_id=order_id,
            source=source,
            exchange_order_id=name,
            external=None if order_id else external,
        )
        for order_id, name in ((0, "new"), (0, "own"), (2, "by id"), (3, "named"))
    ]

    await prefetch_rows(cast(LedgerStore, ledger), cast(AccountState, state), reports)

    assert ledger.read == read
