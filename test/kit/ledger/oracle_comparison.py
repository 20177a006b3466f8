"""Compares a ledger book with the reference ledger.

Positions are matched by the trades that entered them: no trade enters two.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

from kit.ledger.ledger_book import LedgerBook
from kit.ledger.oracle import Oracle, OracleEntry, OraclePosition
from kit.ledger.oracle_fees import OracleFees, SteppedOracle, fee_differences
from oms.domain.account import PositionMode
from oms.domain.ledger.deal import Deal, DealEntry, DealType, signed_quantity
from oms.domain.ledger.position import Position
from oms.domain.money import round_to_scale

HALF = Fraction(1, 2 * 10**18)
ZERO = Fraction(0)


class Payment(NamedTuple):
    """Funding that was due at a time, for the whole symbol or for one side of it."""

    due: datetime
    amount: Decimal
    sign: int = 0


class Charges(NamedTuple):
    """Charges without quantity: late fees by trade id, funding by name, and rates of fees."""

    commissions: dict[str, list[tuple[Decimal, str]]]
    fundings: dict[str, Payment]
    #: Rates that fees were recorded with, by the trade id of the deal and the currency.
    rates: dict[tuple[str, str], Fraction]


def oracle_positions_by_id(oracle: Oracle, book: LedgerBook) -> dict[int, OraclePosition]:
    """The oracle's position for each position of the book that a trade entered."""
    entered_by: dict[int, set[str]] = defaultdict(set)
    for deal in _live_deals(oracle, book):
        if deal.entry is DealEntry.IN:
            entered_by[deal.position_id].add(deal.exchange_trade_id)
    expected_positions: dict[int, set[str]] = defaultdict(set)
    by_id = {id(expected): expected for expected in oracle.positions}
    for part in oracle.parts:
        if part.entry == "in":
            expected_positions[id(part.position)].add(part.fact)
    by_trades = {frozenset(trades): by_id[one] for one, trades in expected_positions.items()}
    return {
        position_id: by_trades[frozenset(trades)]
        for position_id, trades in entered_by.items()
        if frozenset(trades) in by_trades
    }


def differences(oracle: SteppedOracle, book: LedgerBook, charges: Charges) -> list[str]:
    """Messages about all differences; empty if book and oracle agree."""
    expected_positions = oracle_positions_by_id(oracle, book)
    if len(expected_positions) != len(oracle.positions):
        return [f"{len(oracle.positions)} positions, {len(expected_positions)} of them in the book"]
    parts: dict[int, list[OracleEntry]] = defaultdict(list)
    deals: dict[int, list[Deal]] = defaultdict(list)
    for part in oracle.parts:
        if part.position is not None:
            parts[id(part.position)].append(part)
    for deal in _live_deals(oracle, book):
        deals[deal.position_id].append(deal)
    last = {part.fact: part.position for part in oracle.parts if part.position is not None}
    if unknown := charges.commissions.keys() - {part.fact for part in oracle.parts}:
        return [f"fees of trades that the oracle lacks: {sorted(unknown)}"]
    shares = _funding_shares(oracle, charges)
    messages: list[str] = []
    for position in book.positions.values():
        expected = expected_positions.get(position.id)
        if expected is None:
            pairs: list[tuple[str, object, object]] = [
                ("qty", position.qty, 0),
                ("open", position.is_open, False),
            ]
        else:
            own = deals[position.id]
            pairs = [*_position_pairs(position, expected, oracle, book, expected_positions)]
            pairs += [*_part_pairs(position, own, parts[id(expected)], oracle, book)]
            late_fees = [
                fee
                for i, fees in charges.commissions.items()
                if last.get(i) is expected
                for fee in fees
            ]
            funding = shares.get(id(expected), Decimal(0))
            pairs += [*_sum_pairs(position, own, late_fees, funding, book)]
        messages += [
            f"position {position.id}: {name} {actual}, the oracle has {expected_value}"
            for name, actual, expected_value in pairs
            if actual != expected_value
        ]
    messages += _sale_differences(oracle, deals[0], book)
    settle = book.instrument.settle
    fees = OracleFees(oracle, settle, charges.commissions, charges.rates)
    messages += fee_differences(
        fees, book.instrument, book.deals, book.positions, expected_positions
    )
    return [*messages, *_order_differences(oracle, book), *_trade_differences(oracle, book)]


def _sale_differences(oracle: Oracle, deals: list[Deal], book: LedgerBook) -> list[str]:
    """What was sold beyond positions is booked without one, and without profit."""
    booked = {
        deal.exchange_trade_id: (_moved(deal, book), deal.entry.value, deal.profit)
        for deal in deals
    }
    sold = {part.fact: (part.d, part.entry, 0) for part in oracle.parts if part.position is None}
    if booked == sold and len(deals) == len(booked):
        return []
    return [f"sold without a position {booked}, the oracle has {sold}"]


def _moved(deal: Deal, book: LedgerBook) -> Fraction:
    fee = (deal.fee, deal.fee_currency)
    return Fraction(signed_quantity(book.instrument, deal.side, deal.qty, *fee))


def _funding_shares(oracle: Oracle, charges: Charges) -> dict[int, Decimal]:
    """The funding of each position of the oracle, split by what it held when it was due."""
    shares: dict[int, Decimal] = defaultdict(Decimal)
    for payment in charges.fundings.values():
        held = _held(oracle, payment, until=False) or _held(oracle, payment, until=True)
        net = sum((q for _, q in held), ZERO)
        left = payment.amount
        for number, (position, q) in enumerate(held, 1):
            share = q / net if net else Fraction(1, len(held))
            part = left if number == len(held) else round_to_scale(Fraction(payment.amount) * share)
            shares[id(position)] += part
            left -= part
    return shares


def _held(
    oracle: Oracle, payment: Payment, *, until: bool
) -> list[tuple[OraclePosition, Fraction]]:
    """What positions held before, or ``until``, the millisecond of a payment, oldest first."""
    quantities: dict[int, Fraction] = defaultdict(Fraction)
    facts = {**oracle.trades, **oracle.moves}
    for part in oracle.parts:
        at = facts[part.fact].at
        if part.position is None:
            continue
        if at < payment.due or (until and at == payment.due):
            quantities[id(part.position)] += part.d
    merged = [one for one in oracle.positions if one.merged is not None]
    for one in sorted(merged, key=lambda one: one.closed):
        if one.closed < payment.due or (until and one.closed == payment.due):
            quantities[id(one.merged)] += quantities.pop(id(one), ZERO)
    return [
        (one, quantities[id(one)])
        for one in oracle.positions
        if quantities[id(one)] * (payment.sign or quantities[id(one)]) > 0
    ]


def _live_deals(oracle: Oracle, book: LedgerBook) -> list[Deal]:
    """Trades that were not busted."""
    return [
        deal
        for deal in book.deals
        if deal.type is DealType.TRADE and deal.exchange_trade_id not in oracle.busted
    ]


_Pairs = Iterator[tuple[str, object, object]]


def _position_pairs(
    position: Position,
    expected: OraclePosition,
    oracle: Oracle,
    book: LedgerBook,
    expected_positions: dict[int, OraclePosition],
) -> _Pairs:
    """Attributes of the position: (name, actual, expected)."""
    previous = position.previous_position_id
    first = expected
    while first.flipped is not None:
        first = first.flipped
    yield "qty", Fraction(position.qty), expected.q
    yield "cost", _bounded(position.cost), _bounded(expected.c)
    yield "average", position.avg_price, round_to_scale(expected.average)
    yield "max_qty", Fraction(position.max_qty), expected.most
    yield "strategy", position.strategy_id, expected.strategy
    yield "side", position.side.sign, expected.sign
    yield "opened_at", position.opened_at, expected.opened
    yield "closed_at", position.closed_at, expected.closed
    yield "open", position.is_open, bool(expected.q)
    yield "state merged", position.state.value == "merged", expected.merged is not None
    yield "flipped from", _name(expected_positions.get(previous or 0)), _name(expected.flipped)
    yield "first of the chain", _name(expected_positions.get(position.identifier)), _name(first)


def _name(expected: OraclePosition | None) -> int:
    return expected.name if expected is not None else 0


def _bounded(cost: Fraction) -> Fraction:
    """Costs are bounded in the book: beyond 1000 bits they agree to 50 decimal places."""
    return cost if cost.denominator.bit_length() <= 1000 else Fraction(round(cost * 10**50))


def _part_pairs(
    position: Position,
    deals: list[Deal],
    parts: list[OracleEntry],
    oracle: Oracle,
    book: LedgerBook,
) -> _Pairs:
    """The effects on the position by trade, and their sums: (name, actual, expected)."""
    by_trade: dict[str, list[Deal]] = defaultdict(list)
    for deal in deals:
        by_trade[deal.exchange_trade_id].append(deal)
    yield "trades", sorted(by_trade), sorted(part.fact for part in parts)
    for part in parts:
        legs = by_trade.get(part.fact, [])
        yield f"{part.fact} moved", sum((_moved(d, book) for d in legs), ZERO), part.d
        yield f"{part.fact} entry", {leg.entry.value for leg in legs}, {part.entry}
        profit = sum((leg.profit for leg in legs), Decimal(0))
        yield f"{part.fact} profit", *_rounded_pair(profit, part.profit, len(legs))
        fee = sum((leg.fee or Decimal(0) for leg in legs), Decimal(0))
        yield (
            f"{part.fact} fee",
            *_rounded_pair(fee, part.fee or ZERO, _count_legs(book, part.fact)),
        )
    outs = [part for part in parts if part.entry != "in"]
    qty_out = sum((abs(part.d) for part in outs), ZERO)
    yield (
        "qty_opened",
        Fraction(position.qty_opened),
        sum((abs(part.d) for part in parts if part.entry == "in"), ZERO),
    )
    yield "qty_closed", Fraction(position.qty_closed), qty_out
    if outs:
        value = sum((abs(part.d) * part.value for part in outs), ZERO) / qty_out
        yield "close_price", position.close_price, round_to_scale(oracle.v(value))


def _sum_pairs(
    position: Position,
    deals: list[Deal],
    late_fees: list[tuple[Decimal, str]],
    funding: Decimal,
    book: LedgerBook,
) -> _Pairs:
    """Profit, fees and funding as sums of deals and charges: (name, actual, expected)."""
    fees: dict[str, Decimal] = defaultdict(Decimal)
    paid = ZERO
    for deal in deals:
        if deal.fee is not None and deal.fee_currency is not None:
            fees[deal.fee_currency] += deal.fee
            paid += _in_settle(deal, book)
    for fee, currency in late_fees:
        fees[currency] += fee
        paid += Fraction(fee) if currency == book.instrument.settle else 0
    profit = sum((deal.profit for deal in deals), Decimal(0))
    yield "profit", position.profit, profit
    yield "fees", _without_zeros(position.fees), _without_zeros(fees)
    yield "funding", position.funding, funding
    realized = Fraction(profit) - paid + Fraction(funding)
    yield "realized_pnl", Fraction(position.realized_pnl), realized


def _rounded_pair(actual: Decimal, exact: Fraction, legs: int) -> tuple[object, object]:
    """The value and the rounded exact value; equal if within the rounding error of the legs."""
    if legs > 1 and abs(Fraction(actual) - exact) <= legs * HALF:
        return 0, 0
    return actual, round_to_scale(exact)


def _count_legs(book: LedgerBook, trade: str) -> int:
    return sum(deal.exchange_trade_id == trade for deal in book.deals)


def _in_settle(deal: Deal, book: LedgerBook) -> Fraction:
    """The fee of a deal in settle currency, at 18 decimal places; 0 in a third currency."""
    fee, instrument = deal.fee or Decimal(0), book.instrument
    if deal.fee_currency == instrument.settle:
        return Fraction(fee)
    if deal.fee_currency == instrument.base and instrument.kind.value == "spot":
        return Fraction(round_to_scale(Fraction(fee) * Fraction(deal.price)))
    return ZERO


def _without_zeros(
    fees: Mapping[str, Decimal],
) -> dict[str, Decimal]:
    return {currency: fee for currency, fee in fees.items() if fee}


def _order_differences(oracle: Oracle, book: LedgerBook) -> list[str]:
    """Filled quantity and fees of orders equal those of their live trades."""
    messages: list[str] = []
    for order in book.orders.values():
        trades = [
            trade
            for i, trade in oracle.trades.items()
            if trade.order_id == order.id and i not in oracle.busted
        ]
        fees: dict[str, Fraction] = defaultdict(Fraction)
        for trade in trades:
            fees[trade.currency] += trade.fee or 0
        filled = sum((trade.q for trade in trades), ZERO)
        charged = {currency: Fraction(fee) for currency, fee in order.fees.items() if fee}
        if Fraction(order.filled_qty) != filled:
            messages.append(f"order {order.id}: filled {order.filled_qty}, the oracle has {filled}")
        if charged != {currency: fee for currency, fee in fees.items() if fee}:
            messages.append(f"order {order.id}: fees {charged}, the oracle has {dict(fees)}")
    return messages


def _trade_differences(oracle: Oracle, book: LedgerBook) -> Iterator[str]:
    """The legs of each trade sum to its quantity and fee, and have distinct keys."""
    legs: dict[str, list[Deal]] = defaultdict(list)
    for deal in _live_deals(oracle, book):
        legs[deal.exchange_trade_id].append(deal)
    for i, trade in oracle.trades.items():
        if i in oracle.busted:
            continue
        qty = sum((Fraction(leg.qty) for leg in legs[i]), ZERO)
        fee = sum((Fraction(leg.fee or 0) for leg in legs[i]), ZERO)
        if (qty, fee) != (trade.q, trade.fee or 0):
            yield f"{i}: {float(qty)} charged {float(fee)}, the exchange reported {trade}"
        if any((leg.price, leg.executed_at) != (trade.p, trade.at) for leg in legs[i]):
            yield f"{i}: price or time differs from the exchange"
    keys = [(deal.exchange_trade_id, deal.leg) for deal in book.deals]
    if len(set(keys)) != len(keys) or len({deal.id for deal in book.deals}) != len(keys):
        yield f"deals with the same key: {sorted(key for key in keys if keys.count(key) > 1)}"


def invariant_breaches(book: LedgerBook) -> Iterator[str]:
    """Violated invariants that need no oracle: quantities and cash of all live deals."""
    busted = {
        deal.exchange_trade_id.removeprefix("bust:")
        for deal in book.deals
        if deal.type is DealType.CORRECTION
    }
    instrument = book.instrument
    qty_moved, cash_flow, profit = ZERO, ZERO, ZERO
    live_deals = [
        deal
        for deal in book.deals
        if deal.type is DealType.TRADE and deal.exchange_trade_id not in busted
    ]
    for deal in live_deals:
        if not deal.position_id:
            continue
        d = _moved(deal, book)
        qty_moved += d
        cash_flow -= d * instrument.value(deal.price)
        profit += Fraction(deal.profit)
    position_qty = sum((Fraction(one.qty) for one in book.positions.values()), ZERO)
    cost = sum((one.cost for one in book.positions.values()), ZERO)
    if qty_moved != position_qty:
        yield f"deals moved {qty_moved}, positions hold {position_qty}"
    exact = Fraction(instrument.contract_size) * (cash_flow + cost)
    if abs(profit - exact) > len(live_deals) * HALF:
        yield f"profit {float(profit)}, by cash {float(exact)}"
    if profit != sum((Fraction(one.profit) for one in book.positions.values()), ZERO):
        yield "the profit of positions differs from that of their deals"
    for order in book.orders.values():
        filled = sum((deal.qty for deal in live_deals if deal.order_id == order.id), Decimal(0))
        if filled != order.filled_qty:
            yield f"order {order.id} filled {order.filled_qty}, its deals {filled}"
    owners = [
        one.strategy_id * (book.mode is not PositionMode.NETTING)
        for one in book.positions.values()
        if one.is_open
    ]
    if book.mode is not PositionMode.HEDGE and len(set(owners)) != len(owners):
        yield f"several open positions of one strategy: {owners}"
