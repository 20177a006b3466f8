"""Rates of fees in third currencies: stored once with the deal, and never asked for again."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from kit.builders import NOON, a_late_fee, a_spot_instrument, an_instrument
from kit.ledger.stored_account import StoredAccount, a_trade
from oms.adapters.sql.store import SqlStore
from oms.domain.account import PositionMode
from oms.domain.instrument import InstrumentKind
from oms.domain.ledger.deal import Deal, FeeRate
from oms.domain.orders.execution_report import ReportKind
from oms.domain.value import evolve
from oms.services.ledger.fee_rates import RATE_AGE_MAX, await_rates
from oms.wire.responses.ledger_rows import deal_row

LINEAR = an_instrument()
BNB = a_spot_instrument(symbol="BNB/USDT", base="BNB")
IN_BNB: dict[str, Any] = {"fee": "0.002", "fee_currency": "BNB"}


def at(second: float) -> datetime:
    return NOON + timedelta(seconds=second)


async def open_account(
    store: SqlStore, *instruments: Any, mode: PositionMode = PositionMode.NETTING
) -> StoredAccount:
    account = await StoredAccount.create(store, mode, *(instruments or (LINEAR, BNB)))
    account.exchange.prices["BNB/USDT"] = Decimal(600)
    return account


async def stored_deals(account: StoredAccount) -> list[Deal]:
    await account.commit()
    await account.restart()
    return sorted((await account.books()).deals.values(), key=lambda deal: deal.id)


async def test_the_rate_is_stored_with_the_deal(store: SqlStore) -> None:
    account = await open_account(store)
    buy = await account.send("buy", 1)
    await account.ingest(a_trade(buy, "t1", 1, 100, at(1), **IN_BNB))

    (deal,) = await stored_deals(account)
    assert deal.fee_rate == FeeRate(rate=Decimal(600), source="BNB/USDT", at=at(1))
    assert deal_row(deal)["fee_valuation"] == {
        "value": "1.2",
        "rate": "600",
        "source": "BNB/USDT",
        "at": "2026-02-25T12:00:01.000000Z",
    }


async def test_a_replay_keeps_the_rate_and_asks_for_none(store: SqlStore) -> None:
    """A flip by a late execution splits the deal: each leg has the rate of the execution."""
    account = await open_account(store)
    first = await account.send("buy", 3)
    await account.ingest(a_trade(first, "t3", 3, 100, at(3), **IN_BNB))
    await account.commit()
    account.exchange.prices["BNB/USDT"] = Decimal(900)
    account.exchange.asked.clear()
    late = await account.send("sell", 1)
    await account.ingest(a_trade(late, "t1", 1, 99, at(1)))

    deals = [deal for deal in await stored_deals(account) if deal.exchange_trade_id == "t3"]
    assert [deal.qty for deal in deals] == [1, 2]
    assert {deal.fee_rate.rate for deal in deals if deal.fee_rate} == {600}
    assert account.exchange.asked == []

    bust = a_trade(late, "t1", 1, 99, at(1), kind=ReportKind.BUSTED)
    await account.ingest(bust)
    (whole,) = [d for d in await stored_deals(account) if d.exchange_trade_id == "t3"]
    assert (whole.qty, whole.fee_rate and whole.fee_rate.rate) == (3, 600)


async def test_fees_in_other_currencies_ask_for_no_price(store: SqlStore) -> None:
    """In the settle currency, and in the coins of a spot execution."""
    spot = a_spot_instrument()
    account = await open_account(store, spot, LINEAR, BNB)
    for number, (currency, symbol) in enumerate(
        (("USDT", LINEAR.symbol), ("USDT", spot.symbol), ("BTC", spot.symbol)), 1
    ):
        buy = await account.send("buy", 1, symbol=symbol)
        report = a_trade(buy, f"t{number}", 1, 100, at(number), fee="0.01", fee_currency=currency)
        await account.ingest(report)

    assert [deal.fee_rate for deal in await stored_deals(account)] == [None] * 3
    assert account.exchange.asked == []


async def test_a_fee_without_a_price_waits_for_one(store: SqlStore) -> None:
    account = await open_account(store)
    account.exchange.prices.clear()
    buy = await account.send("buy", 1)
    await account.ingest(a_trade(buy, "t1", 1, 100, at(1), **IN_BNB))
    (unvalued,) = await stored_deals_without_restart(account)
    assert unvalued.fee_rate is None
    assert not (await account.value_fees(at(2))).deals

    account.exchange.prices["BNB/USDT"] = Decimal(610)
    changes = await account.value_fees(at(5))
    assert [deal.id for deal in changes.deals] == [unvalued.id]
    account.exchange.prices["BNB/USDT"] = Decimal(700)
    assert not (await account.value_fees(at(6))).deals

    (deal,) = await stored_deals(account)
    assert deal.fee_rate == FeeRate(rate=Decimal(610), source="BNB/USDT", at=at(5))


async def stored_deals_without_restart(account: StoredAccount) -> list[Deal]:
    await account.commit()
    return list((await account.books()).deals.values())


async def test_a_reconcile_pass_lets_fees_wait_again_after_a_restart(store: SqlStore) -> None:
    account = await open_account(store)
    account.exchange.prices.clear()
    buy = await account.send("buy", 1)
    await account.ingest(a_trade(buy, "t1", 1, 100, at(1), **IN_BNB))
    booked = await stored_deals(account)
    assert not account.state.unvalued_fees

    await_rates(account.state, booked, at(60))
    account.exchange.prices["BNB/USDT"] = Decimal(610)
    await account.value_fees(at(61))
    (deal,) = await stored_deals(account)
    assert deal.fee_rate is not None and deal.fee_rate.at == at(61)


async def test_an_old_execution_is_not_valued_at_a_price_of_now(store: SqlStore) -> None:
    account = await open_account(store)
    buy = await account.send("buy", 2)
    old = a_trade(buy, "t1", 1, 100, at(1) - RATE_AGE_MAX - timedelta(seconds=2), **IN_BNB)
    near = a_trade(buy, "t2", 1, 100, at(1) - RATE_AGE_MAX, **IN_BNB)
    for report in (old, near):
        await account.ingest(evolve(report, received_at=at(1)))
    assert not account.state.unvalued_fees
    rates = [deal.fee_rate and deal.fee_rate.rate for deal in await stored_deals(account)]
    assert rates == [None, 600]


async def test_a_late_and_an_early_fee_are_valued(store: SqlStore) -> None:
    account = await open_account(store)
    buy = await account.send("buy", 2)
    await account.charge(a_late_fee(LINEAR.symbol, "t2", "0.001", "BNB", at(1)))
    for name, second in (("t1", 1), ("t2", 2)):
        await account.ingest(a_trade(buy, name, 1, 100, at(second), fee=None))
    await account.charge(a_late_fee(LINEAR.symbol, "t1", "0.003", "BNB", at(3)))

    fees = [deal for deal in await stored_deals(account) if deal.fee_currency == "BNB"]
    assert [deal.fee_rate and deal.fee_rate.rate for deal in fees] == [600, 600]
    assert all(deal.position_id for deal in fees)


async def test_the_price_of_the_execution_values_fees_between_its_currencies(
    store: SqlStore,
) -> None:
    inverse = an_instrument(
        symbol="BTC/USD:BTC", kind=InstrumentKind.INVERSE, quote="USD", settle="BTC"
    )
    account = await open_account(store, LINEAR, inverse)
    for number, (symbol, currency) in enumerate(
        ((LINEAR.symbol, "BTC"), (inverse.symbol, "USD")), 1
    ):
        buy = await account.send("buy", 1, symbol=symbol)
        report = a_trade(buy, f"t{number}", 1, 200, at(number), fee="0.5", fee_currency=currency)
        await account.ingest(report)

    rates = [deal.fee_rate for deal in await stored_deals(account)]
    assert [(rate.rate, rate.source) for rate in rates if rate] == [
        (200, "execution"),
        (Decimal("0.005"), "execution"),
    ]
    assert account.exchange.asked == []


async def test_rates_are_found_over_the_markets_of_the_exchange(store: SqlStore) -> None:
    """An inverted market, and two markets with a common quote."""
    spot = a_spot_instrument(symbol="ETH/BTC", base="ETH", quote="BTC", settle="BTC")
    account = await open_account(store, spot, BNB, a_spot_instrument())
    account.exchange.prices["BTC/USDT"] = Decimal(60_000)
    buy = await account.send("buy", 2, symbol=spot.symbol)
    await account.ingest(a_trade(buy, "t1", 1, "0.05", at(1), **IN_BNB))
    await account.ingest(a_trade(buy, "t2", 1, "0.05", at(2), fee="1", fee_currency="USDT"))

    rates = [deal.fee_rate for deal in await stored_deals(account)]
    assert rates == [
        FeeRate(rate=Decimal("0.01"), source="BNB/USDT,BTC/USDT", at=at(1)),
        FeeRate(rate=Decimal("0.000016666666666667"), source="BTC/USDT", at=at(2)),
    ]


async def test_a_fee_of_a_currency_without_a_market_waits_for_nothing(store: SqlStore) -> None:
    account = await open_account(store)
    buy = await account.send("buy", 1)
    await account.ingest(a_trade(buy, "t1", 1, 100, at(1), fee="1", fee_currency="GT"))
    assert not account.state.unvalued_fees
    assert [deal.fee_rate for deal in await stored_deals(account)] == [None]
