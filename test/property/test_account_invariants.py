"""What the rules promise of an account, whatever is commanded and whenever its process dies.

7. The event numbers of an account have no gap.
8. Every command that ended has exactly one result, and one event that tells it.
9. Paper: balances conserve; free + used = total ≥ 0.
11. Reconciling an unchanged exchange twice writes nothing.

All services are the real ones, over rows in memory.
"""

import asyncio
import json
from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from kit.builders import NOON
from kit.exchanges.paper_harness import LINEAR, SPOT
from kit.ledger.memory_account import MemoryAccount, total_balance
from kit.run_size import count_examples
from oms.domain.account import PositionMode
from oms.domain.commands.account_commands import PaperPrice, Reconcile
from oms.domain.commands.command import (
    CancelAllOrders,
    CancelOrder,
    CcxtCall,
    ChangeOrder,
    ChangePosition,
    CloseAllPositions,
    CloseBy,
    ClosePosition,
    CommandPayload,
    CommandStatus,
    MergePositions,
    Reassign,
    SendOrder,
)
from oms.domain.ledger.deal import DealType
from oms.domain.side import Side
from oms.domain.value import evolve
from oms.ports.reconcile_store import Discrepancy

START = {"USDT": Decimal(1_000_000), "SOL": Decimal(5_000)}
FEES = [
    {},
    {"maker": Decimal("-0.0001"), "taker": Decimal("0.00055")},
    {"maker": Decimal("0.001"), "taker": Decimal("0.002"), "base_fee_on_buy": False},
]


class Wish(NamedTuple):
    """A command to come, and the numbers that choose whom it is about."""

    verb: str
    numbers: Sequence[int]


VERBS = (
    *("send",) * 8,
    *("price",) * 4,
    *("close", "close_by", "merge", "levels", "cancel", "change") * 2,
    *("cancel_all", "close_all", "reassign", "call", "reconcile"),
)
WISHES = st.builds(
    Wish,
    st.sampled_from(VERBS),
    st.binary(min_size=6, max_size=6).map(tuple),
)
#: What the process does between commands: works, writes, or dies at some moment.
TURNS = st.sampled_from(["write"] * 6 + ["work"] * 3 + ["die", "die after writing"])
STORIES = st.integers(1, 25).flatmap(
    lambda size: st.lists(st.tuples(WISHES, TURNS), min_size=size, max_size=size)
)
HOUSES = st.builds(
    lambda mode, fees: MemoryAccount(mode, balances=START, **fees),
    st.sampled_from(PositionMode),
    st.sampled_from(FEES),
)


@settings(max_examples=count_examples(500), deadline=None)
@given(HOUSES, STORIES)
def test_7_event_numbers_have_no_gap(house: MemoryAccount, story: list[tuple[Wish, str]]) -> None:
    asyncio.run(_lived(house, story))
    after = 0
    for row in house.ledger.events:
        assert row.seq == after + 1
        told = json.loads(row.payload)
        assert row.seq_to - row.seq + 1 == (len(told) if row.event_type == "batch" else 1)
        after = row.seq_to
    assert after == house.ledger.head


@settings(max_examples=count_examples(500), deadline=None)
@given(HOUSES, STORIES)
def test_8_every_command_has_exactly_one_result(
    house: MemoryAccount, story: list[tuple[Wish, str]]
) -> None:
    asyncio.run(_lived(house, story))
    told: Counter[int] = Counter()
    for row in house.ledger.events:
        payload = json.loads(row.payload)
        events = payload if row.event_type == "batch" else [{"event": row.event_type} | payload]
        for event in events:
            if event["event"] == "command_updated":
                told[event.get("payload", event)["command_id"]] += 1
    for command in house.commands:
        (result,) = house.ledger.results[command.id]
        assert result.status.is_final
        assert (result.error is None) == (result.status is CommandStatus.DONE)
        assert told[command.id] == (0 if house.emits_no_event(command) else 1)


@settings(max_examples=count_examples(500), deadline=None)
@given(HOUSES, STORIES)
def test_9_paper_balances_conserve(house: MemoryAccount, story: list[tuple[Wish, str]]) -> None:
    """Once all is closed, money is what came in and what the ledger says was gained."""

    async def lived() -> None:
        await _lived(house, story)
        house.enqueue(CloseAllPositions(symbol=LINEAR))
        await house.process()
        house.commit()
        balances = await house.call_exchange("fetch_balance")
        _check(balances)
        held = [p for p in house.ledger.positions.values() if p.is_open and p.symbol == LINEAR]
        assert not held
        money, coins = Fraction(START["USDT"]), Fraction(START["SOL"])
        for deal in house.ledger.deals.values():
            fee = Fraction(deal.fee or 0)
            money -= fee * (deal.fee_currency == "USDT")
            coins -= fee * (deal.fee_currency == "SOL")
            is_trade = deal.type is DealType.TRADE and deal.order_id is not None
            if deal.symbol == SPOT and is_trade:
                money -= deal.side.sign * Fraction(deal.qty) * Fraction(deal.price)
                coins += deal.side.sign * Fraction(deal.qty)
            elif deal.symbol == LINEAR:
                money += Fraction(deal.profit)
        rounding = Fraction(4 * len(house.ledger.deals) + 4, 10**18)
        assert total_balance(balances, "SOL") == coins
        assert abs(Fraction(total_balance(balances, "USDT")) - money) <= rounding

    asyncio.run(lived())


@settings(max_examples=count_examples(500), deadline=None)
@given(HOUSES, STORIES)
def test_11_reconciling_an_unchanged_exchange_twice_writes_nothing(
    house: MemoryAccount, story: list[tuple[Wish, str]]
) -> None:
    """Nothing but that, and when, it looked."""

    async def lived() -> None:
        await _lived(house, story)
        rows = house.ledger
        house.enqueue(Reconcile())
        await house.process()
        house.commit()
        before = dict(rows.orders), dict(rows.positions), dict(rows.deals), _seen(house)
        house.enqueue(Reconcile())
        await house.process()
        house.commit()
        assert (rows.orders, rows.positions, rows.deals, _seen(house)) == before

    asyncio.run(lived())


def _seen(house: MemoryAccount) -> dict[int, Discrepancy]:
    return {i: evolve(row, last_seen=NOON) for i, row in house.ledger.seen.items()}


def _check(balances: dict[str, dict[str, str]]) -> None:
    for currency, total in balances["total"].items():
        free, used = balances["free"][currency], balances["used"][currency]
        assert Decimal(str(free)) + Decimal(str(used)) == Decimal(str(total))
        assert Decimal(str(total)) >= 0


async def _lived(house: MemoryAccount, story: list[tuple[Wish, str]]) -> None:
    for symbol in (SPOT, LINEAR):
        house.enqueue(PaperPrice(symbol=symbol, bid=Decimal(100), ask=Decimal(100)))
    await house.process()
    house.commit()
    for wish, turn in story:
        house.enqueue(_payload(house, wish))
        match turn:
            case "work":
                await house.process()
            case "write":
                await house.process()
                house.commit()
            case "die":
                await house.process()
                house.crash()
            case "die after writing":
                await house.process()
                house.commit(then_crash=True)
    await house.process()
    house.commit()


def _payload(house: MemoryAccount, wish: Wish) -> CommandPayload:
    one, two, three, four, five, six = wish.numbers
    symbol = (SPOT, LINEAR)[one % 2]
    positions = [*(p.id for p in house.state.positions.values()), 999]
    orders = [*house.state.orders, 999]
    first, second = positions[two % len(positions)], positions[three % len(positions)]
    price = Decimal(90 + four % 21)
    match wish.verb:
        case "send":
            return SendOrder(
                symbol=symbol,
                side=(Side.BUY, Side.SELL)[two % 2],
                order_type=("market", "limit")[three % 2],
                qty=Decimal(five) / 10,
                price=price if three % 2 else None,
                strategy_id=six % 3,
                position_id=positions[four % len(positions)] if one > 190 else 0,
                reduce_only=six > 200,
                new_position=five % 4 == 0,
            )
        case "price":
            return PaperPrice(symbol=symbol, bid=price, ask=price)
        case "close":
            return ClosePosition(position_id=first, qty=Decimal(four) / 10 if one % 2 else None)
        case "close_by":
            return CloseBy(position_id_a=first, position_id_b=second)
        case "merge":
            return MergePositions(source_position_id=first, target_position_id=second)
        case "levels":
            return ChangePosition(position_id=first, stop_loss=Decimal(four) if one % 2 else None)
        case "cancel":
            return CancelOrder(order_ids=(orders[two % len(orders)],))
        case "change":
            return ChangeOrder(order_id=orders[two % len(orders)], new_price=price)
        case "cancel_all":
            return CancelAllOrders(symbol=symbol if two % 2 else None)
        case "close_all":
            return CloseAllPositions(strategy_ids=(two % 3,) if two % 2 else ())
        case "reassign":
            made = [*house.ledger.orders, 999]
            return Reassign(order_ids=(made[two % len(made)],), strategy_id=three % 3)
        case "call":
            return CcxtCall(func="fetch_balance")
        case _:
            return Reconcile()
