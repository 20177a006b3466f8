"""Invariants of an account for any commands and crashes.

7. The event numbers of an account have no gap. 8. Every finished command has exactly one result and
one event. 9. Paper: balances conserve; free + used = total ≥ 0. 11. Reconciling an unchanged
exchange twice writes nothing.

The services are the real ones, on rows in memory.
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
from kit.generators.byte_choices import ByteChoices, even_lists_from_bytes
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


class RandomCommand(NamedTuple):
    """A command and the numbers that choose its targets."""

    verb: str
    numbers: Sequence[int]


VERBS = (
    *("send",) * 8,
    *("price",) * 4,
    *("close", "close_by", "merge", "levels", "cancel", "change") * 2,
    *("cancel_all", "close_all", "reassign", "call", "reconcile"),
)
#: Actions of the process between commands: process, commit, or crash.
TURNS = ["write"] * 6 + ["work"] * 3 + ["die", "die after writing"]


def _command_and_turn(choices: ByteChoices) -> tuple[RandomCommand, str]:
    verb, turn = choices.among(VERBS), choices.among(TURNS)
    return RandomCommand(verb, [choices.below(256) for _ in range(6)]), turn


STORIES = even_lists_from_bytes(_command_and_turn, width=8, min_size=1, max_size=25)
ACCOUNTS = st.builds(
    lambda mode, fees: MemoryAccount(mode, balances=START, **fees),
    st.sampled_from(PositionMode),
    st.sampled_from(FEES),
)


@settings(max_examples=count_examples(500), deadline=None)
@given(ACCOUNTS, STORIES)
def test_7_event_numbers_have_no_gap(
    account: MemoryAccount, steps: list[tuple[RandomCommand, str]]
) -> None:
    asyncio.run(_run(account, steps))
    after = 0
    for row in account.ledger.events:
        assert row.seq == after + 1
        events = json.loads(row.payload)
        assert row.seq_to - row.seq + 1 == (len(events) if row.event_type == "batch" else 1)
        after = row.seq_to
    assert after == account.ledger.head


@settings(max_examples=count_examples(500), deadline=None)
@given(ACCOUNTS, STORIES)
def test_8_every_command_has_exactly_one_result(
    account: MemoryAccount, steps: list[tuple[RandomCommand, str]]
) -> None:
    asyncio.run(_run(account, steps))
    event_counts: Counter[int] = Counter()
    for row in account.ledger.events:
        payload = json.loads(row.payload)
        events = payload if row.event_type == "batch" else [{"event": row.event_type} | payload]
        for event in events:
            if event["event"] == "command_updated":
                event_counts[event.get("payload", event)["command_id"]] += 1
    for command in account.commands:
        (result,) = account.ledger.results[command.id]
        assert result.status.is_final
        assert (result.error is None) == (result.status is CommandStatus.DONE)
        assert event_counts[command.id] == (0 if account.emits_no_event(command) else 1)


@settings(max_examples=count_examples(500), deadline=None)
@given(ACCOUNTS, STORIES)
def test_9_paper_balances_conserve(
    account: MemoryAccount, steps: list[tuple[RandomCommand, str]]
) -> None:
    """Once all positions are closed, money equals deposits plus ledger profit."""

    async def lived() -> None:
        await _run(account, steps)
        account.enqueue(CloseAllPositions(symbol=LINEAR))
        await account.process()
        account.commit()
        balances = await account.call_exchange("fetch_balance")
        _check(balances)
        held = [p for p in account.ledger.positions.values() if p.is_open and p.symbol == LINEAR]
        assert not held
        money, coins = Fraction(START["USDT"]), Fraction(START["SOL"])
        for deal in account.ledger.deals.values():
            fee = Fraction(deal.fee or 0)
            money -= fee * (deal.fee_currency == "USDT")
            coins -= fee * (deal.fee_currency == "SOL")
            is_trade = deal.type is DealType.TRADE and deal.order_id is not None
            if deal.symbol == SPOT and is_trade:
                money -= deal.side.sign * Fraction(deal.qty) * Fraction(deal.price)
                coins += deal.side.sign * Fraction(deal.qty)
            elif deal.symbol == LINEAR:
                money += Fraction(deal.profit)
        rounding = Fraction(4 * len(account.ledger.deals) + 4, 10**18)
        assert total_balance(balances, "SOL") == coins
        assert abs(Fraction(total_balance(balances, "USDT")) - money) <= rounding

    asyncio.run(lived())


@settings(max_examples=count_examples(500), deadline=None)
@given(ACCOUNTS, STORIES)
def test_11_reconciling_an_unchanged_exchange_twice_writes_nothing(
    account: MemoryAccount, steps: list[tuple[RandomCommand, str]]
) -> None:
    """Only the time of the reconciliation may change."""

    async def lived() -> None:
        await _run(account, steps)
        rows = account.ledger
        account.enqueue(Reconcile())
        await account.process()
        account.commit()
        before = dict(rows.orders), dict(rows.positions), dict(rows.deals), _seen(account)
        account.enqueue(Reconcile())
        await account.process()
        account.commit()
        assert (rows.orders, rows.positions, rows.deals, _seen(account)) == before

    asyncio.run(lived())


def _seen(account: MemoryAccount) -> dict[int, Discrepancy]:
    return {i: evolve(row, last_seen=NOON) for i, row in account.ledger.discrepancies.items()}


def _check(balances: dict[str, dict[str, str]]) -> None:
    for currency, total in balances["total"].items():
        free, used = balances["free"][currency], balances["used"][currency]
        assert Decimal(str(free)) + Decimal(str(used)) == Decimal(str(total))
        assert Decimal(str(total)) >= 0


async def _run(account: MemoryAccount, steps: list[tuple[RandomCommand, str]]) -> None:
    for symbol in (SPOT, LINEAR):
        account.enqueue(PaperPrice(symbol=symbol, bid=Decimal(100), ask=Decimal(100)))
    await account.process()
    account.commit()
    for command_spec, turn in steps:
        account.enqueue(_payload(account, command_spec))
        match turn:
            case "work":
                await account.process()
            case "write":
                await account.process()
                account.commit()
            case "die":
                await account.process()
                account.crash()
            case "die after writing":
                await account.process()
                account.commit(then_crash=True)
    await account.process()
    account.commit()


def _payload(account: MemoryAccount, command_spec: RandomCommand) -> CommandPayload:
    one, two, three, four, five, six = command_spec.numbers
    symbol = (SPOT, LINEAR)[one % 2]
    positions = [*(p.id for p in account.state.positions.values()), 999]
    orders = [*account.state.orders, 999]
    first, second = positions[two % len(positions)], positions[three % len(positions)]
    price = Decimal(90 + four % 21)
    match command_spec.verb:
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
            made = [*account.ledger.orders, 999]
            return Reassign(order_ids=(made[two % len(made)],), strategy_id=three % 3)
        case "call":
            return CcxtCall(func="fetch_balance")
        case _:
            return Reconcile()
