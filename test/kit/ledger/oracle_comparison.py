"""Says where a ledger's book differs from the oracle's.

A position is known by the trades that entered it: no trade enters two.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

from kit.ledger.ledger_book import LedgerBook
from kit.ledger.oracle import Oracle, OracleEntry, OraclePosition
from oms.domain.account import PositionMode
from oms.domain.ledger.deal import Deal, DealEntry, DealType, signed_quantity
from oms.domain.ledger.position import Position
from oms.domain.money import round_to_scale

HALF = Fraction(1, 2 * 10**18)
ZERO = Fraction(0)


class Charges(NamedTuple):
    """Payments without quantity: late fees by trade, and funding by position."""

    commissions: dict[str, tuple[Decimal, str]]
    fundings: dict[int, Decimal]


def oracle_positions_by_id(oracle: Oracle, book: LedgerBook) -> dict[int, OraclePosition]:
    """The oracle's place for each position of the book that anything entered."""
    entered: dict[int, set[str]] = defaultdict(set)
    for deal in _standing(oracle, book):
        if deal.entry is DealEntry.IN:
            entered[deal.position_id].add(deal.exchange_trade_id)
    places: dict[int, set[str]] = defaultdict(set)
    by_id = {id(place): place for place in oracle.places}
    for part in oracle.parts:
        if part.entry == "in":
            places[id(part.place)].add(part.fact)
    known = {frozenset(trades): by_id[one] for one, trades in places.items()}
    return {
        position_id: known[frozenset(trades)]
        for position_id, trades in entered.items()
        if frozenset(trades) in known
    }


def differences(oracle: Oracle, book: LedgerBook, charges: Charges) -> list[str]:
    """Every difference in words; empty where book and oracle agree."""
    places = oracle_positions_by_id(oracle, book)
    if len(places) != len(oracle.places):
        return [f"{len(oracle.places)} positions, {len(places)} of them in the book"]
    parts: dict[int, list[OracleEntry]] = defaultdict(list)
    deals: dict[int, list[Deal]] = defaultdict(list)
    for part in oracle.parts:
        parts[id(part.place)].append(part)
    for deal in _standing(oracle, book):
        deals[deal.position_id].append(deal)
    last = {part.fact: part.place for part in oracle.parts}
    told: list[str] = []
    for position in book.positions.values():
        place = places.get(position.id)
        if place is None:
            pairs: list[tuple[str, object, object]] = [
                ("qty", position.qty, 0),
                ("open", position.is_open, False),
            ]
        else:
            own = deals[position.id]
            pairs = [*_standing_pairs(position, place, oracle, book, places)]
            pairs += [*_part_pairs(position, own, parts[id(place)], oracle, book)]
            late = [fee for i, fee in charges.commissions.items() if last[i] is place]
            pairs += [*_sum_pairs(position, own, late, charges.fundings[position.id], book)]
        told += [
            f"position {position.id}: {name} {ours}, the oracle has {theirs}"
            for name, ours, theirs in pairs
            if ours != theirs
        ]
    return [*told, *_order_differences(oracle, book), *_trade_differences(oracle, book)]


def _standing(oracle: Oracle, book: LedgerBook) -> list[Deal]:
    """Deals that move quantity and were not taken back."""
    return [
        deal
        for deal in book.deals
        if deal.type is DealType.TRADE and deal.exchange_trade_id not in oracle.busted
    ]


_Pairs = Iterator[tuple[str, object, object]]


def _standing_pairs(
    position: Position,
    place: OraclePosition,
    oracle: Oracle,
    book: LedgerBook,
    places: dict[int, OraclePosition],
) -> _Pairs:
    """How the position stands: ours and the oracle's."""
    previous = position.previous_position_id
    first = place
    while first.flipped is not None:
        first = first.flipped
    yield "qty", Fraction(position.qty), place.q
    yield "cost", _short(position.cost), _short(place.c)
    yield "average", position.avg_price, round_to_scale(place.average)
    yield "max_qty", Fraction(position.max_qty), place.most
    yield "strategy", position.strategy_id, place.strategy
    yield "side", position.side.sign, place.sign
    yield "opened_at", position.opened_at, place.opened
    yield "closed_at", position.closed_at, place.closed
    yield "open", position.is_open, bool(place.q)
    yield "state merged", position.state.value == "merged", place.merged is not None
    yield "flipped from", _name(places.get(previous or 0)), _name(place.flipped)
    yield "first of the chain", _name(places.get(position.identifier)), _name(first)


def _name(place: OraclePosition | None) -> int:
    return place.name if place is not None else 0


def _short(cost: Fraction) -> Fraction:
    """Costs are bounded in the book: beyond 1000 bits they agree in 50 places."""
    return cost if cost.denominator.bit_length() <= 1000 else Fraction(round(cost * 10**50))


def _part_pairs(
    position: Position,
    deals: list[Deal],
    parts: list[OracleEntry],
    oracle: Oracle,
    book: LedgerBook,
) -> _Pairs:
    """What moved the position, trade by trade, and the sums of it."""
    instrument = book.instrument
    by_trade: dict[str, list[Deal]] = defaultdict(list)
    for deal in deals:
        by_trade[deal.exchange_trade_id].append(deal)
    yield "trades", sorted(by_trade), sorted(part.fact for part in parts)
    for part in parts:
        legs = by_trade.get(part.fact, [])
        moved = (signed_quantity(instrument, d.side, d.qty, d.fee, d.fee_currency) for d in legs)
        yield f"{part.fact} moved", sum(map(Fraction, moved), ZERO), part.d
        yield f"{part.fact} entry", {leg.entry.value for leg in legs}, {part.entry}
        profit = sum((leg.profit for leg in legs), Decimal(0))
        yield f"{part.fact} profit", *_near(profit, part.profit, len(legs))
        fee = sum((leg.fee or Decimal(0) for leg in legs), Decimal(0))
        yield f"{part.fact} fee", *_near(fee, part.fee or ZERO, _cuts(book, part.fact))
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
    late: list[tuple[Decimal, str]],
    funding: Decimal,
    book: LedgerBook,
) -> _Pairs:
    """Profit, fees and funding are the sums of what the deals and the payments say."""
    fees: dict[str, Decimal] = defaultdict(Decimal)
    paid = ZERO
    for deal in deals:
        if deal.fee is not None and deal.fee_currency is not None:
            fees[deal.fee_currency] += deal.fee
            paid += _in_settle(deal, book)
    for fee, currency in late:
        fees[currency] += fee
        paid += Fraction(fee) if currency == book.instrument.settle else 0
    profit = sum((deal.profit for deal in deals), Decimal(0))
    yield "profit", position.profit, profit
    yield "fees", _without_zeros(position.fees), _without_zeros(fees)
    yield "funding", position.funding, funding
    realized = Fraction(profit) - paid + Fraction(funding)
    yield "realized_pnl", Fraction(position.realized_pnl), realized


def _near(ours: Decimal, exact: Fraction, legs: int) -> tuple[object, object]:
    """Equal once rounded; of a sum of several rounded parts, as near as they allow."""
    if legs > 1 and abs(Fraction(ours) - exact) <= legs * HALF:
        return 0, 0
    return ours, round_to_scale(exact)


def _cuts(book: LedgerBook, trade: str) -> int:
    return sum(deal.exchange_trade_id == trade for deal in book.deals)


def _in_settle(deal: Deal, book: LedgerBook) -> Fraction:
    """The fee of a deal in settle currency, at 18 places; a third currency counts nothing."""
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
    """Orders: filled quantity and fees are those of the trades that stand."""
    told: list[str] = []
    for order in book.orders.values():
        trades = [
            trade
            for i, trade in oracle.trades.items()
            if trade.order == order.id and i not in oracle.busted
        ]
        fees: dict[str, Fraction] = defaultdict(Fraction)
        for trade in trades:
            fees[trade.currency] += trade.fee or 0
        filled = sum((trade.q for trade in trades), ZERO)
        charged = {currency: Fraction(fee) for currency, fee in order.fees.items() if fee}
        if Fraction(order.filled_qty) != filled:
            told.append(f"order {order.id}: filled {order.filled_qty}, the oracle has {filled}")
        if charged != {currency: fee for currency, fee in fees.items() if fee}:
            told.append(f"order {order.id}: fees {charged}, the oracle has {dict(fees)}")
    return told


def _trade_differences(oracle: Oracle, book: LedgerBook) -> Iterator[str]:
    """The legs of each trade sum to what was executed and charged, and no two have one key."""
    legs: dict[str, list[Deal]] = defaultdict(list)
    for deal in _standing(oracle, book):
        legs[deal.exchange_trade_id].append(deal)
    for i, trade in oracle.trades.items():
        if i in oracle.busted:
            continue
        qty = sum((Fraction(leg.qty) for leg in legs[i]), ZERO)
        fee = sum((Fraction(leg.fee or 0) for leg in legs[i]), ZERO)
        if (qty, fee) != (trade.q, trade.fee or 0):
            yield f"{i}: {float(qty)} charged {float(fee)}, the exchange told {trade}"
        if any((leg.price, leg.executed_at) != (trade.p, trade.at) for leg in legs[i]):
            yield f"{i}: another price or time than the exchange told"
    keys = [(deal.exchange_trade_id, deal.leg) for deal in book.deals]
    if len(set(keys)) != len(keys) or len({deal.id for deal in book.deals}) != len(keys):
        yield f"two deals of one key: {sorted(key for key in keys if keys.count(key) > 1)}"


def invariant_breaches(book: LedgerBook) -> Iterator[str]:
    """Invariants that need no oracle: quantities and cash of all standing deals."""
    undone = {
        deal.exchange_trade_id.removeprefix("bust:")
        for deal in book.deals
        if deal.type is DealType.CORRECTION
    }
    instrument = book.instrument
    moved, flow, profit = ZERO, ZERO, ZERO
    standing = [
        deal
        for deal in book.deals
        if deal.type is DealType.TRADE and deal.exchange_trade_id not in undone
    ]
    for deal in standing:
        d = signed_quantity(instrument, deal.side, deal.qty, deal.fee, deal.fee_currency)
        moved += Fraction(d)
        flow -= Fraction(d) * instrument.value(deal.price)
        profit += Fraction(deal.profit)
    held = sum((Fraction(one.qty) for one in book.positions.values()), ZERO)
    cost = sum((one.cost for one in book.positions.values()), ZERO)
    if moved != held:
        yield f"deals moved {moved}, positions hold {held}"
    exact = Fraction(instrument.contract_size) * (flow + cost)
    if abs(profit - exact) > len(standing) * HALF:
        yield f"profit {float(profit)}, by cash {float(exact)}"
    if profit != sum((Fraction(one.profit) for one in book.positions.values()), ZERO):
        yield "the profit of positions is not that of their deals"
    for order in book.orders.values():
        filled = sum((deal.qty for deal in standing if deal.order_id == order.id), Decimal(0))
        if filled != order.filled_qty:
            yield f"order {order.id} filled {order.filled_qty}, its deals {filled}"
    owners = [
        one.strategy_id * (book.mode is not PositionMode.NETTING)
        for one in book.positions.values()
        if one.is_open
    ]
    if book.mode is not PositionMode.HEDGE and len(set(owners)) != len(owners):
        yield f"several open positions of one owner: {owners}"
