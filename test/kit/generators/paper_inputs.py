"""Random inputs of any kind for the simulated exchange.

Prices are close together, so that orders match; ids are few, so that changes and cancels hit.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from hypothesis import strategies as st

from kit.builders import NOON
from kit.exchanges.simulation_harness import LINEAR, SPOT, rates, some_settings
from kit.generators.byte_choices import ByteChoices, lists_from_bytes
from oms.domain.instrument import InstrumentKind
from oms.domain.orders.order import Side
from oms.simulation.inputs import (
    BookUpdate,
    CancelOrder,
    CandleClosed,
    ChangeOrder,
    Deposit,
    Input,
    MarkPriceUpdate,
    NewOrder,
    NewOrderPair,
    QueryOrder,
    QuoteUpdate,
    TimeUpdate,
    TradeTick,
)
from oms.simulation.settings import FillModel, Latency
from oms.simulation.state.paper_order import (
    PLAIN_TERMS,
    AttachedExit,
    OrderTerms,
    TimeInForce,
    TriggerBy,
)
from oms.simulation.transport.faults import Fault, FaultKind

SYMBOLS = [SPOT, LINEAR]
SIDES = list(Side)
PRICES = [Decimal(halves) / 2 for halves in range(195, 206)]
SPANS = [timedelta(0), timedelta(milliseconds=40), timedelta(seconds=2)]
FORCES = [TimeInForce.GTC, *TimeInForce]
TRIGGERS = list(TriggerBy)
FAULT_KINDS = list(FaultKind)
FAULT_AMOUNTS = [Decimal(0), Decimal("0.5"), Decimal(1), Decimal(1500)]
PRICED_TYPES = ("limit", "stop_limit", "take_profit_limit")
ORDER_TYPES = [
    *("market", "market", "limit", "limit", "limit", "stop_market", "stop_limit"),
    *("take_profit", "take_profit_limit", "trailing_stop"),
]
#: Bytes of each input: a full order book of eight levels takes some 150 bits.
WIDTH = 20


def price_of(choices: ByteChoices) -> Decimal:
    """A price."""
    return choices.among(PRICES)


def qty_of(choices: ByteChoices) -> Decimal:
    """A quantity."""
    return Decimal(choices.between(1, 4_000) * 10).scaleb(-3)


def name_of(choices: ByteChoices) -> str:
    """The exchange's id of one of the first orders."""
    return f"o{choices.between(1, 8)}"


def quote(choices: ByteChoices, prices: Sequence[Decimal] = PRICES) -> QuoteUpdate:
    """Best prices, with or without depth."""
    bid, ask = sorted([choices.among(prices), choices.among(prices)])
    return QuoteUpdate(
        symbol=choices.among(SYMBOLS),
        bid=bid,
        ask=ask,
        bid_qty=choices.maybe(qty_of),
        ask_qty=choices.maybe(qty_of),
        at=NOON,
    )


def book(
    choices: ByteChoices, prices: Sequence[Decimal] = PRICES, levels_min: int = 4
) -> BookUpdate:
    """An order book of up to eight levels, possibly on one side only."""
    symbol, size = choices.among(SYMBOLS), choices.between(levels_min, 8)
    cut, left = choices.between(0, size), list(prices)
    levels = sorted(left.pop(choices.below(len(left))) for _ in range(size))
    return BookUpdate(
        symbol=symbol,
        bids=tuple((price, choices.maybe(qty_of)) for price in reversed(levels[:cut])),
        asks=tuple((price, choices.maybe(qty_of)) for price in levels[cut:]),
        at=NOON,
    )


def _candle(choices: ByteChoices) -> CandleClosed:
    low, first, second, high = sorted(price_of(choices) for _ in range(4))
    ends = (first, second) if choices.flag() else (second, first)
    return CandleClosed(
        symbol=choices.among(SYMBOLS),
        open=ends[0],
        high=high,
        low=low,
        close=ends[1],
        volume=qty_of(choices),
        at=NOON,
    )


def _exit(choices: ByteChoices) -> AttachedExit:
    """The price of an attached exit order."""
    if choices.flag():
        return AttachedExit(percent=Decimal(choices.between(1, 300)).scaleb(-2))
    return AttachedExit(price=price_of(choices))


def _fault(choices: ByteChoices) -> Fault | None:
    """Most requests have no fault."""
    if choices.below(7) < 6:
        return None
    kind, amount = choices.among(FAULT_KINDS), choices.among(FAULT_AMOUNTS)
    if kind is FaultKind.PARTIAL:
        amount = min(amount, Decimal(1))
    return Fault(kind=kind, code="exchange_rejected", amount=amount)


def _place(choices: ByteChoices) -> NewOrder:
    """An order of any type with any valid combination of terms."""
    kind, symbol, side = choices.among(ORDER_TYPES), choices.among(SYMBOLS), choices.among(SIDES)
    has_price = kind in PRICED_TYPES
    terms = PLAIN_TERMS
    if kind not in ("market", "limit") or choices.flag():
        terms = _terms(choices, kind)
    is_immediate = terms.time_in_force in (TimeInForce.IOC, TimeInForce.FOK)
    return NewOrder(
        client_id=str(choices.between(1, 9)),
        symbol=symbol,
        side=side,
        order_type=kind,
        qty=qty_of(choices),
        price=price_of(choices) if has_price else None,
        reduce_only=choices.below(4) == 3,
        post_only=has_price and not is_immediate and choices.below(6) == 5,
        terms=terms,
        fault=_fault(choices),
        at=NOON,
    )


def _terms(choices: ByteChoices, kind: str) -> OrderTerms:
    force = choices.among(FORCES)
    is_trailing = kind == "trailing_stop"
    is_conditional = kind not in ("market", "limit")
    is_ending = force is TimeInForce.GTD
    return OrderTerms(
        time_in_force=force,
        expires_at=NOON + timedelta(seconds=choices.between(1, 60)) if is_ending else None,
        trigger_price=price_of(choices) if is_conditional and not is_trailing else None,
        trigger_by=choices.among(TRIGGERS),
        trailing_amount=Decimal(choices.between(1, 200)).scaleb(-2) if is_trailing else None,
        take_profit=choices.maybe(_exit),
        stop_loss=choices.maybe(_exit),
    )


def _pair(choices: ByteChoices) -> NewOrderPair:
    """An OCO pair of a limit and a stop order."""
    symbol, side, qty = choices.among(SYMBOLS), choices.among(SIDES), qty_of(choices)
    reduce_only = choices.flag()

    def leg(kind: str, price: Decimal | None, terms: OrderTerms) -> NewOrder:
        return NewOrder(
            client_id=kind,
            symbol=symbol,
            side=side,
            order_type=kind,
            qty=qty,
            price=price,
            reduce_only=reduce_only,
            terms=terms,
            at=NOON,
        )

    stop_price = choices.maybe(price_of)
    kind = "stop_market" if stop_price is None else "stop_limit"
    return NewOrderPair(
        first=leg("limit", price_of(choices), PLAIN_TERMS),
        second=leg(kind, stop_price, OrderTerms(trigger_price=price_of(choices))),
        at=NOON,
    )


def change(choices: ByteChoices, price: Callable[[ByteChoices], Decimal] = price_of) -> ChangeOrder:
    """A change of price and quantity, without a fault."""
    return ChangeOrder(
        client_id="1",
        exchange_order_id=name_of(choices),
        symbol=choices.among(SYMBOLS),
        price=choices.maybe(price),
        qty=choices.maybe(qty_of),
        at=NOON,
    )


def _change(choices: ByteChoices) -> ChangeOrder:
    plain = replace(change(choices), trigger_price=choices.maybe(price_of))
    match choices.below(8):
        case 0:
            plain = replace(plain, trailing_amount=price_of(choices))
        case 1:
            plain = replace(plain, time_in_force=choices.among(tuple(TimeInForce)))
        case 2:
            plain = replace(plain, expires_at=NOON + timedelta(seconds=choices.below(100)))
    return replace(plain, fault=_fault(choices))


def cancel(choices: ByteChoices) -> CancelOrder:
    """A cancel, without a fault."""
    symbol, name = choices.among(SYMBOLS), name_of(choices)
    return CancelOrder(client_id="1", exchange_order_id=name, symbol=symbol, at=NOON)


def _cancel(choices: ByteChoices) -> CancelOrder:
    return replace(cancel(choices), fault=_fault(choices))


def _trade(choices: ByteChoices) -> TradeTick:
    return TradeTick(
        symbol=choices.among(SYMBOLS),
        price=price_of(choices),
        qty=qty_of(choices),
        side=choices.maybe(lambda chosen: chosen.among(SIDES)),
        at=NOON,
    )


def _mark(choices: ByteChoices) -> MarkPriceUpdate:
    return MarkPriceUpdate(symbol=choices.among(SYMBOLS), price=price_of(choices), at=NOON)


def _other(choices: ByteChoices) -> Input:
    return QueryOrder(client_id="1", at=NOON) if choices.flag() else TimeUpdate(at=NOON)


_KINDS: list[Callable[[ByteChoices], Input]] = [
    *(quote, book, book, _place, _place, _place, _place, _place, _pair),
    *(_change, _cancel, _trade, _trade, _mark, _candle, _other),
]


def _in_order(drawn: list[ByteChoices]) -> list[Input]:
    inputs_in_order, now = [], NOON
    for choices in drawn:
        now += choices.among(SPANS)
        at = now - timedelta(seconds=9) if choices.below(16) == 15 else now
        inputs_in_order.append(replace(choices.among(_KINDS)(choices), at=at))
    return inputs_in_order


#: Enough inputs for full order lifecycles; sometimes the clock goes backwards.
INPUTS: st.SearchStrategy[list[Input]] = lists_from_bytes(
    lambda choices: choices, width=WIDTH, min_size=15, max_size=45
).map(_in_order)

OPENING_INPUTS: list[Input] = [
    Deposit(currency="USDT", amount=Decimal(20_000), at=NOON),
    Deposit(currency="SOL", amount=Decimal(50), at=NOON),
    QuoteUpdate(symbol=SPOT, bid=Decimal(99), ask=Decimal(101), at=NOON),
    QuoteUpdate(symbol=LINEAR, bid=Decimal(99), ask=Decimal(101), ask_qty=Decimal(9), at=NOON),
]

MS = timedelta(milliseconds=1)
SETTINGS = st.builds(
    some_settings,
    fees=st.sampled_from(
        [
            {InstrumentKind.SPOT: rates(), InstrumentKind.LINEAR: rates()},
            {
                InstrumentKind.SPOT: rates("0.001", "0.002"),
                InstrumentKind.LINEAR: rates("-0.0001", "0.00055"),
            },
        ]
    ),
    hedge=st.booleans(),
    base_fee_on_buy=st.booleans(),
    allow_spot_short=st.booleans(),
    leverage=st.sampled_from([1, 3, 50]),
    fill=st.sampled_from([FillModel.QUEUE, *FillModel]),
    queue_prorata=st.booleans(),
    slippage=st.sampled_from([Decimal(0), Decimal("0.001")]),
    spread_bps=st.sampled_from([Decimal(0), Decimal(10)]),
    partial_fill=st.sampled_from([Decimal(0), Decimal("0.3")]),
    reject_rate=st.sampled_from([Decimal(0), Decimal(0), Decimal("0.1")]),
    volume_cap_pct=st.sampled_from([Decimal(0), Decimal(10)]),
    max_price_age=st.sampled_from([None, None, timedelta(seconds=5)]),
    latency=st.sampled_from(
        [None, None, Latency(decision=50 * MS, ack=30 * MS, stream=20 * MS, jitter=30 * MS)]
    ),
    seed=st.integers(0, 3),
)
