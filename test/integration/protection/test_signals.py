"""Signals are executed one after another, each by its legs, on SQLite and on MariaDB."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest

from kit.databases.sql import fetch_rows
from kit.exchanges.deferred_exchange import connect_deferred
from kit.gateway.in_process import TRADER, InProcessGateway
from kit.gateway.limited_account import WATCH, set_limits
from kit.gateway.paper_trader import SYMBOL, PaperTrader
from kit.gateway.signals import SignalSender
from kit.polling import poll_until
from oms.domain.commands.actor import Actor
from oms.domain.errors import Unavailable
from oms.domain.signals.signal import LevelReference, SignalKind, Sizing, SizingKind
from oms.domain.value import evolve


@pytest.fixture
def sender(trader: PaperTrader, dsn: str) -> SignalSender:
    """Sends signals to the account of the trader."""
    return SignalSender(trader, dsn)


async def limited(trader: PaperTrader) -> InProcessGateway:
    """The gateway, with a key that may set limits of the trader's account."""
    trader.gateway.account_id = trader.account_id
    grants = {trader.account_id: evolve(TRADER, can_risk_manage=True)}
    await trader.gateway.add_key("watch", WATCH, role="risk", grants=grants)
    return trader.gateway


async def test_an_entry_has_levels_of_its_fill_and_the_words_of_its_signal(
    trader: PaperTrader, sender: SignalSender
) -> None:
    await trader.price("102")
    percents = {"stop_gain_pct": Decimal("4.5"), "stop_loss_pct": Decimal("1.5")}
    row = await sender.send(
        "buy", signal_price=Decimal(100), comment="Technical breakout", **percents
    )
    (order,) = await trader.orders()
    assert (row["status"], row["reason_code"], row["order_ids"]) == ("done", None, [order["id"]])
    position = await trader.position(row["position_id"])
    (deal,) = await trader.deals(row["position_id"])
    assert [each["comment"] for each in (order, deal, position)] == ["Technical breakout"] * 3
    assert [each["signal_id"] for each in (order, deal)] == sender.signal_ids * 2
    assert [each["source_id"] for each in (order, deal)] == [5, 5]
    assert (order["reason"], order["avg_fill_price"]) == ("signal", "102")
    assert (position["stop_gain"], position["stop_loss"]) == ("106.59", "100.47")
    received, done = [(await trader.events(name))[0] for name in ("signal_received", "signal_done")]
    assert (received["status"], received["command_ids"]) == ("queued", row["command_ids"][:1])
    assert done == received | {"status": "done", "command_ids": row["command_ids"]}
    rules = evolve(sender.rules, tp_sl_base=LevelReference.SIGNAL, max_hold_seconds=900)
    row = await sender.send("sell", signal_price=Decimal(104), rules=rules, **percents)
    assert row["status"] == "done"  # It closed the long position.
    row = await sender.send("sell", signal_price=Decimal(104), rules=rules, **percents)
    short = await trader.position(row["position_id"])
    levels = (short["stop_gain"], short["stop_loss"], short["max_hold_seconds"])
    assert levels == ("99.32", "105.56", 900)
    await trader.assert_healthy()


async def test_signals_are_counted_per_day_of_the_zone_and_what_they_close_passes(
    trader: PaperTrader, sender: SignalSender
) -> None:
    gateway = await limited(trader)
    is_morning = trader.clock.now().hour < 12
    zone = "Asia/Tokyo" if is_morning else "America/New_York"  # Far from midnight.
    await set_limits(gateway, max_signals_per_day=1, risk_day_zone=zone)
    assert (await sender.send("buy"))["status"] == "done"
    rules = evolve(sender.rules, reverse=True)
    row = await sender.send("sell", qty=Decimal(2), rules=rules)
    assert (row["status"], row["reason_code"]) == ("blocked", "max_signals")
    assert row["reason"] == "max_signals (count=2,limit=1)"
    assert await sender.exposure() == [], "the close was executed"
    trader.clock.advance(86_400)
    assert (await sender.send("sell"))["status"] == "done", "those of yesterday do not count"


@pytest.mark.parametrize("position_mode", ["netting", "hedge"])
async def test_a_larger_sale_reverses_only_where_the_source_does(
    trader: PaperTrader, sender: SignalSender
) -> None:
    await sender.send("buy", qty=Decimal(2))
    row = await sender.send("sell", qty=Decimal(3))
    assert (row["status"], len(row["order_ids"]), await sender.exposure()) == ("done", 1, [])
    await sender.send("buy", qty=Decimal(2))
    rules = evolve(sender.rules, reverse=True)
    row = await sender.send("sell", qty=Decimal(3), rules=rules)
    assert (row["status"], await sender.exposure()) == ("done", ["-1"])
    close, opening = [each for each in await trader.orders() if each["id"] in row["order_ids"]]
    assert [(each["qty"], each["reduce_only"]) for each in (close, opening)] == [
        ("2", True),
        ("1", False),
    ]
    assert [len(await trader.deals(each["position_id"])) for each in (close, opening)] == [2, 1]
    await trader.assert_healthy()


async def test_a_close_takes_entries_with_it(trader: PaperTrader, sender: SignalSender) -> None:
    await sender.send("buy", qty=Decimal(2))
    await sender.send("sell", qty=Decimal(1))
    assert await sender.exposure() == ["1"]
    payload = {"symbol": SYMBOL, "side": "buy", "order_type": "limit", "qty": "1", "price": "90"}
    entry = (await trader.run("send_order", **payload))["order"]["id"]
    position_id = (await trader.orders())[0]["position_id"]
    rest = {"position_id": position_id, "order_type": "limit", "price": "200"}
    resting = (await trader.run("close_position", **rest))["order"]["id"]
    row = await sender.send("close")
    assert (row["status"], await sender.exposure()) == ("done", [])
    states = {each["id"]: each["status"] for each in await trader.orders()}
    assert (states[entry], states[resting]) == ("CANCELED", "CANCELED")
    row = await sender.send("close")
    assert (row["status"], row["reason_code"], row["order_ids"]) == ("ignored", "no_position", [])
    (ignored,) = await trader.events("signal_ignored")
    assert ignored["reason_code"] == "no_position"
    await trader.run("send_order", **payload)
    row = await sender.send("close")
    assert (row["status"], row["order_ids"]) == ("done", [])
    assert {each["status"] for each in await trader.orders()} == {"FILLED", "CANCELED"}
    await trader.assert_healthy()


@pytest.mark.parametrize("position_mode", ["netting", "hedge"])
async def test_a_size_is_a_state(trader: PaperTrader, sender: SignalSender) -> None:
    two = ("position_size", {"position_size": Decimal(2)})
    ids = await sender.store_all([two] * 5)
    rows = [await sender.ended(each) for each in ids]
    assert [row["status"] for row in rows] == ["done", *["ignored"] * 4]
    assert {row["reason_code"] for row in rows[1:]} == {"size_reached"}
    await sender.send("position_size", position_size=Decimal(-1))
    assert await sender.exposure() == ["-1"]
    assert len(await trader.orders()) == 3
    await trader.assert_healthy()


async def test_an_unknown_share_closes_and_opens_nothing(
    trader: PaperTrader, sender: SignalSender
) -> None:
    """The equity of another member of the group was not known when the signal came."""
    unknown = {"ratio": Decimal(0), "ratio_total": Decimal(0), "equity_weight": Decimal(1)}
    await sender.send("sell")
    row = await sender.send("buy", rules=evolve(sender.rules, reverse=True), **unknown)
    assert (row["status"], row["reason_code"]) == ("blocked", "group_equity_unknown")
    assert await sender.exposure() == []
    row = await sender.send("position_size", position_size=Decimal(2), **unknown)
    assert (row["status"], row["reason_code"]) == ("blocked", "group_equity_unknown")
    row = await sender.send("buy", qty=Decimal(2), **unknown | {"ratio_total": Decimal(4)})
    assert (row["status"], row["reason_code"]) == ("blocked", "min_order_qty")
    share = {"ratio": Decimal(1), "ratio_total": Decimal(4), "equity_weight": Decimal(1)}
    row = await sender.send("buy", qty=Decimal(2), **share)
    assert (row["status"], await sender.exposure()) == ("done", ["0.5"])


async def test_limits_admit_as_many_of_ten_at_once_as_they_allow(
    trader: PaperTrader, sender: SignalSender
) -> None:
    gateway = await limited(trader)
    await set_limits(gateway, max_open_positions_per_symbol="2")
    ids = await sender.store_all([("buy", {})] * 10)
    rows = [await sender.ended(each) for each in ids]
    assert [row["status"] for row in rows] == ["done"] * 2 + ["blocked"] * 8
    expected = f"max_symbol_open_reached (symbol={SYMBOL},count=2,limit=2)"
    assert {row["reason"] for row in rows[2:]} == {expected}
    assert await sender.exposure() == ["1", "1"]
    blocked = (await trader.orders())[2:]
    assert {each["reject_code"] for each in blocked} == {"risk_blocked"}
    # A reversal that may not open leaves the account flat, and says why.
    await set_limits(gateway, allow_new_positions=False)
    row = await sender.send("sell", rules=evolve(sender.rules, reverse=True))
    assert (row["status"], row["reason_code"]) == ("blocked", "new_positions_disabled")
    assert (await sender.exposure(), len(row["order_ids"])) == ([], 3)
    await trader.assert_healthy()


async def use_deferred(trader: PaperTrader) -> None:
    """Let the exchange answer after the commit."""
    await trader.stop()
    trader.gateway.worker.processor.connect = connect_deferred
    trader.start()


async def execute_one(trader: PaperTrader, count: int) -> None:
    """Restart the worker while the last of ``count`` orders is on its way, then execute only it."""
    await poll_until(trader.orders, lambda rows: len(rows) == count, 5)
    await trader.restart()
    await trader.look()
    state = trader.gateway.worker.processor.states[trader.account_id]
    exchange: Any = state.exchange
    execute = exchange._execute

    async def only_one(*request: Any) -> Any:
        exchange.is_held = True
        return await execute(*request)

    exchange._execute = only_one
    (order,) = state.orders.values()
    exchange.sent.append(("place", order, (None, None), trader.clock.now()))
    state.on_update()


async def test_a_restart_while_each_order_is_on_its_way(
    trader: PaperTrader, sender: SignalSender
) -> None:
    await use_deferred(trader)
    await trader.price("100")
    trader.gateway.worker.processor.states[trader.account_id].exchange.is_held = True  # type: ignore[attr-defined]
    rules = evolve(sender.rules, reverse=True)
    ids = await sender.store_all(
        [("buy", {"qty": Decimal(2)}), ("sell", {"qty": Decimal(3), "rules": rules}), ("sell", {})]
    )
    for count in (1, 2, 3):
        await execute_one(trader, count)
    rows = [await sender.ended(each) for each in ids]
    assert [row["status"] for row in rows] == ["done", "done", "ignored"]
    assert await sender.exposure() == ["-1"]
    assert [order["qty"] for order in await trader.orders()] == ["2", "2", "1"]
    await trader.assert_healthy()


async def test_an_exchange_that_answers_later(trader: PaperTrader, sender: SignalSender) -> None:
    await use_deferred(trader)
    rules = evolve(sender.rules, reverse=True)
    ids = await sender.store_all(
        [("buy", {"qty": Decimal(2)}), ("sell", {"qty": Decimal(3), "rules": rules}), ("close", {})]
    )
    rows = [await sender.ended(each) for each in ids]
    assert [(row["status"], len(row["order_ids"])) for row in rows] == [
        *(("done", 1), ("done", 2), ("done", 1)),
    ]
    assert await sender.exposure() == []
    assert [order["qty"] for order in await trader.orders()] == ["2", "2", "1", "1"]
    await trader.assert_healthy()


async def test_the_source_decides_what_is_too_late_too_far_and_too_much(
    trader: PaperTrader, sender: SignalSender
) -> None:
    now = trader.clock.now()
    row = await sender.send("buy", expires_at=now - timedelta(seconds=1))
    assert (row["status"], row["reason_code"]) == ("ignored", "expired_in_queue")
    far = evolve(sender.rules, max_signal_slippage_pct=Decimal(1))
    row = await sender.send("buy", rules=far, signal_price=Decimal(90))
    assert (row["status"], row["reason_code"]) == ("blocked", "signal_slippage")
    assert await trader.orders() == []
    once = evolve(sender.rules, pyramiding_max=1)
    assert (await sender.send("buy", rules=once))["status"] == "done"
    row = await sender.send("buy", rules=once)
    assert (row["status"], row["reason"]) == ("blocked", "pyramiding_limit (entries=1,limit=1)")
    join = evolve(sender.rules, is_new_entry=False, pyramiding_max=2)
    assert (await sender.send("buy", rules=join))["status"] == "done"
    assert await sender.exposure() == ["2"]
    assert (await sender.send("buy", rules=join))["reason_code"] == "pyramiding_limit"
    # The exit of a signal far from its price is never held back.
    row = await sender.send("sell", rules=far, signal_price=Decimal(90))
    assert (row["status"], await sender.exposure()) == ("done", [])
    await trader.assert_healthy()


async def test_quantities_follow_the_equity(trader: PaperTrader, sender: SignalSender) -> None:
    row = await sender.send("buy", kind=SignalKind.STRATEGY, qty_pct=Decimal(10))
    (order,) = await trader.orders()
    assert (row["status"], order["qty"], order["reason"]) == ("done", "100", "strategy")
    await sender.send("close")
    sizing = Sizing(kind=SizingKind.RISK_PCT, value=Decimal(1))
    rules = evolve(sender.rules, sizing=sizing)
    row = await sender.send("buy", rules=rules)
    assert (row["status"], row["reason_code"]) == ("blocked", "sizing_needs_stop")
    row = await sender.send("buy", rules=rules, stop_loss_pct=Decimal("1.5"))
    assert await sender.exposure() == ["666.66"]
    await sender.send("close")
    row = await sender.send("buy", qty=Decimal("0.001"))
    assert (row["status"], row["reason_code"]) == ("blocked", "min_order_qty")


async def test_no_new_exposure_for_a_key_that_lost_its_right(
    trader: PaperTrader, sender: SignalSender
) -> None:
    gateway = trader.gateway
    reader = await gateway.add_key("reader", "oms_reads-only-in-tests", role="readonly")
    ((key_id, user_id),) = fetch_rows(
        sender.dsn, "SELECT id, user_id FROM user_api_keys WHERE key_prefix = 'oms_read'"
    )
    assert reader
    sender.actor = Actor(user_id=user_id, api_key_id=key_id, role="trader")
    row = await sender.send("buy")
    assert (row["status"], row["reason_code"]) == ("blocked", "permission_denied")
    assert await trader.orders() == []
    (blocked,) = await trader.events("signal_blocked")
    assert blocked["reason_code"] == "permission_denied"


@pytest.mark.parametrize("position_mode", ["netting", "hedge"])
async def test_a_crash_before_and_after_each_commit_loses_no_leg_and_repeats_none(
    trader: PaperTrader,
    sender: SignalSender,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cuts: list[str] = []
    pipeline = trader.gateway.worker.processor.pipeline
    commit = pipeline.commit.ledger.commit

    async def broken(batches: Any) -> Any:
        """Lose the first transaction of each step, and the response to the second."""
        cuts.append("before" if len(cuts) % 2 == 0 else "after")
        if cuts[-1] == "after":
            await commit(batches)
        raise Unavailable("the process was killed")

    whole = pipeline.commit
    pipeline.commit = replace(whole, ledger=SimpleNamespace(commit=broken))
    monkeypatch.setattr("oms.worker.main.RETRY_SECONDS", 0)
    rules = evolve(sender.rules, reverse=True)
    asked: list[tuple[str, dict[str, Any]]] = [
        ("buy", {"qty": Decimal(2)}),
        ("sell", {"qty": Decimal(3), "rules": rules}),
        ("position_size", {"position_size": Decimal(4)}),
        ("close", {}),
        ("sell", {}),
    ]
    ids = await sender.store_all(asked)
    rows = [await sender.ended(each) for each in ids]
    assert [row["status"] for row in rows] == ["done"] * 5
    assert await sender.exposure() == ["-1"]
    sent = [(order["side"], order["qty"], order["status"]) for order in await trader.orders()]
    assert sent == [
        *(("buy", "2", "FILLED"), ("sell", "2", "FILLED"), ("sell", "1", "FILLED")),
        *(("buy", "1", "FILLED"), ("buy", "4", "FILLED"), ("sell", "4", "FILLED")),
        ("sell", "1", "FILLED"),
    ]
    assert [len(row["order_ids"]) for row in rows] == [1, 2, 2, 1, 1]
    assert len(cuts) >= 2 * len(sent), cuts
    pipeline.commit = whole
    names = [await trader.events(f"signal_{name}") for name in ("received", "done")]
    assert [[each["signal_id"] for each in found] for found in names] == [ids, ids]
    await trader.assert_healthy()
