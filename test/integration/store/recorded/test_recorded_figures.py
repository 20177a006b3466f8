"""Matched profit and break-even prices of stored positions, as callers read them."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from kit.builders import NOON, a_late_fee, a_spot_instrument, an_instrument
from kit.ledger.stored_account import StoredAccount, a_trade
from oms.adapters.sql.store import SqlStore
from oms.domain.account import PositionMode
from oms.domain.ledger.deal import Deal
from oms.domain.ledger.matched_view import MatchedView
from oms.domain.value import evolve
from oms.ports.history_reads import HistoryQuery
from oms.services.performance.value_accounts import money_of
from oms.services.queries.position_figures import PositionFigures
from oms.services.verify.account_instruments import AccountInstruments

LINEAR = an_instrument()
BNB = a_spot_instrument(symbol="BNB/USDT", base="BNB")


def at(second: float) -> datetime:
    return NOON + timedelta(seconds=second)


def exact(*texts: str | None) -> tuple[Decimal | None, ...]:
    return tuple(None if text is None else Decimal(text) for text in texts)


class Reader:
    """An account, and the figures of its positions as a process of the API reads them."""

    def __init__(self, account: StoredAccount) -> None:
        self.account = account
        store: Any = account.store
        self.figures = PositionFigures(
            registry=store.registry,
            reads=store.verification_reads,
            account_instruments=AccountInstruments(store.verification_reads, dict),
        )

    @classmethod
    async def open(cls, store: SqlStore) -> "Reader":
        account = await StoredAccount.create(store, PositionMode.HEDGE, LINEAR, BNB)
        account.exchange.prices[BNB.symbol] = Decimal(600)
        return cls(account)

    async def execute(
        self, side: str, qty: str, price: str, second: int, fee: tuple[str, str], **order: Any
    ) -> int:
        """Execute an order; returns its position."""
        sent = await self.account.send(side, qty, **order)
        amount, currency = fee
        report = a_trade(
            sent, f"t{second}", qty, price, at(second), fee=amount, fee_currency=currency
        )
        changes = await self.account.ingest(report)
        return changes.orders[sent.id].position_id

    async def views(self, *ids: int) -> Mapping[int, MatchedView]:
        """The views of these positions, by default of all."""
        await self.account.commit()
        positions = (await self.account.books()).positions
        return await self.figures([positions[one] for one in ids or positions])


async def test_figures_count_partial_closes_merges_and_third_currencies(store: SqlStore) -> None:
    reader = await Reader.open(store)
    source = await reader.execute("buy", "1", "100", 1, ("1", "USDT"), new_position=True)
    target = await reader.execute("buy", "3", "100", 2, ("0.005", "BNB"), new_position=True)
    views = await reader.views()
    assert [views[one].break_even for one in (source, target)] == [101, 101]

    reader.account.merge(source, target, at(5))
    close: dict[str, Any] = {"reduce_only": True, "position_id": target, "ticket_id": target}
    await reader.execute("sell", "2", "110", 6, ("0.5", "USDT"), **close)
    views = await reader.views()
    assert (views[target].fees, views[target].profit, views[target].break_even) == exact(
        "3.5", "17.5", "101"
    )
    assert (views[source].fees, views[source].profit, views[source].break_even) == exact(
        "1", "0", None
    )


@pytest.mark.parametrize("with_target", [False, True])
async def test_a_chain_of_merges_is_followed_from_each_page(
    store: SqlStore, with_target: bool
) -> None:
    """Three are merged into a position of five; five of the eight are closed, the rest is merged.

    The middle one has opened what it closed; 1.125 of the fees of 1.8 leave with what is closed.
    """
    reader = await Reader.open(store)
    middle = await reader.execute("buy", "5", "100", 1, ("1", "USDT"), new_position=True)
    source = await reader.execute("buy", "3", "100", 2, ("0.8", "USDT"), new_position=True)
    target = await reader.execute("buy", "1", "100", 3, ("0.325", "USDT"), new_position=True)
    reader.account.merge(source, middle, at(5))
    close: dict[str, Any] = {"reduce_only": True, "position_id": middle, "ticket_id": middle}
    await reader.execute("sell", "5", "110", 6, ("0.5", "USDT"), **close)
    reader.account.merge(middle, target, at(7))

    page = (middle, target) if with_target else (middle,)
    for _ in range(2):  # the second time what is kept of the first
        views = await reader.views(*page)
        found = [(views[i].fees, views[i].profit, views[i].break_even) for i in page]
        expected = [exact("1.5", "48.375", None), exact("0.325", "0", "100.25")]
        assert found == expected[: len(page)]


async def test_figures_are_those_of_the_last_change(store: SqlStore) -> None:
    """Also of one that changes a deal and not the position: the rate of a fee that waited."""
    reader = await Reader.open(store)
    reader.account.exchange.prices.clear()
    position = await reader.execute("buy", "2", "100", 1, ("0.01", "BNB"))
    unknown = (await reader.views())[position]
    assert (unknown.fees, unknown.profit, unknown.break_even) == (None, 0, None)
    assert unknown.unvalued_fees == {"BNB": Decimal("0.01")}

    reader.account.exchange.prices[BNB.symbol] = Decimal(500)
    await reader.account.value_fees(at(2))
    for _ in range(2):
        known = (await reader.views())[position]
        assert (known.fees, known.profit, known.break_even) == exact("5", "0", "102.5")
    await reader.account.charge(a_late_fee(LINEAR.symbol, "t1", "0.002", "BNB", at(3)))
    late = (await reader.views())[position]
    assert (late.fees, late.break_even) == exact("6", "103")


async def test_positions_of_unknown_instruments_are_left_out(store: SqlStore) -> None:
    reader = await Reader.open(store)
    await reader.execute("buy", "2", "100", 1, ("1", "USDT"))
    await reader.account.commit()
    (position,) = (await reader.account.books()).positions.values()
    assert await reader.figures([evolve(position, symbol="X/Y")]) == {}


async def test_instruments_that_other_reads_forget_meanwhile_are_kept(
    store: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The cache is emptied between the reads of deals of two symbols."""
    reader = await Reader.open(store)
    await reader.execute("buy", "2", "100", 1, ("0.01", "BNB"))
    bnb = await reader.account.send("buy", 2, symbol=BNB.symbol)
    fee = {"fee": "0.01", "fee_currency": "BNB"}
    await reader.account.ingest(a_trade(bnb, "t2", 2, 600, at(2), **fee))
    await reader.account.commit()
    positions = [*(await reader.account.books()).positions.values()]
    reads = reader.figures.reads
    read_deals = type(reads).deals_of_positions

    async def read_and_forget(self: Any, position_ids: Sequence[int]) -> Sequence[Deal]:
        reader.figures._instruments.clear()
        return await read_deals(self, position_ids)

    monkeypatch.setattr(type(reads), "deals_of_positions", read_and_forget)
    views = await reader.figures(positions)
    assert views.keys() == {position.id for position in positions}


async def test_results_count_fees_in_other_currencies_at_their_rates(store: SqlStore) -> None:
    reader = await Reader.open(store)
    position = await reader.execute("buy", "2", "100", 1, ("0.01", "BNB"))
    await reader.execute("sell", "2", "110", 2, ("0.3", "USDT"), position_id=position)
    await reader.account.charge(a_late_fee(LINEAR.symbol, "t2", "0.002", "BNB", at(3)))
    await reader.account.commit()
    window = HistoryQuery(account_ids=[reader.account.state.account.id])
    (result,) = await store.position_results.closed(window, 10)
    assert (result.id, result.realized_pnl) == (position, Decimal("19.7"))
    assert result.other_fees == Decimal(600) * Decimal("0.012")
    assert result.source_id == 0


async def test_late_fees_in_coins_are_counted_apart(store: SqlStore) -> None:
    """The fee of an execution took coins of the position, the later one did not."""
    reader = await Reader.open(store)
    sent = await reader.account.send("buy", "2", symbol=BNB.symbol)
    fee = {"fee": "0.01", "fee_currency": "BNB"}
    await reader.account.ingest(a_trade(sent, "t1", "2", "600", at(1), **fee))
    await reader.account.charge(a_late_fee(BNB.symbol, "t1", "0.002", "BNB", at(3)))
    await reader.account.commit()
    account_id = reader.account.state.account.id
    money = (await store.account_money([account_id]))[account_id]
    assert money.fees == {(BNB.symbol, "BNB"): Decimal("0.012")}
    assert money.late_fees == {(BNB.symbol, "BNB"): Decimal("0.002")}
    assert money_of(money, {}).fees["BNB"] == Decimal("0.002")
