"""Hypothesis strategies for all inputs of the simulated exchange.

Prices are close together, so that orders match; ids are few, so that changes and cancels hit.

Strategies are constants: hypothesis analyses a new one at its first draw, which takes longer than
the draw.
"""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from hypothesis import strategies as st

from kit.builders import NOON
from kit.exchanges.simulation_harness import LINEAR, SPOT, rates, some_settings
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

SYMBOLS = st.sampled_from([SPOT, LINEAR])
SIDES = st.sampled_from(list(Side))
PRICES = st.integers(195, 205).map(lambda halves: Decimal(halves) / 2)
QTYS = st.integers(1, 4_000).map(lambda steps: Decimal(steps * 10).scaleb(-3))
DEPTHS = st.none() | QTYS
NAMES = st.integers(1, 8).map("o{}".format)
SPANS = st.sampled_from([timedelta(0), timedelta(milliseconds=40), timedelta(seconds=2)])
PRICES_OF_BOOK = st.sets(PRICES, min_size=4, max_size=8)
PRICES_OF_CANDLE = st.tuples(PRICES, PRICES, PRICES, PRICES)
PRICE_OR_NONE = st.none() | PRICES
HUNDREDTHS = st.integers(1, 300)
TRAILING_AMOUNTS = st.integers(1, 200)
FORCES = st.sampled_from([TimeInForce.GTC, *TimeInForce])
TRIGGERS = st.sampled_from(list(TriggerBy))

#: Most requests have no fault.
FAULTS = st.one_of(
    *[st.none()] * 6,
    st.builds(
        Fault,
        kind=st.sampled_from(list(FaultKind)),
        code=st.just("exchange_rejected"),
        amount=st.sampled_from([Decimal(0), Decimal("0.5"), Decimal(1), Decimal(1500)]),
    ).filter(lambda fault: fault.kind is not FaultKind.PARTIAL or fault.amount <= 1),
)


@st.composite
def quotes(draw: st.DrawFn, prices: st.SearchStrategy[Decimal] = PRICES) -> QuoteUpdate:
    """Best prices, with or without depth."""
    bid, ask = sorted([draw(prices), draw(prices)])
    return QuoteUpdate(
        symbol=draw(SYMBOLS),
        bid=bid,
        ask=ask,
        bid_qty=draw(DEPTHS),
        ask_qty=draw(DEPTHS),
        at=NOON,
    )


@st.composite
def books(draw: st.DrawFn, prices: st.SearchStrategy[set[Decimal]] = PRICES_OF_BOOK) -> BookUpdate:
    """An order book of a few levels, possibly on one side only."""
    levels = sorted(draw(prices))
    cut = draw(st.integers(0, len(levels)))
    return BookUpdate(
        symbol=draw(SYMBOLS),
        bids=tuple((price, draw(DEPTHS)) for price in reversed(levels[:cut])),
        asks=tuple((price, draw(DEPTHS)) for price in levels[cut:]),
        at=NOON,
    )


@st.composite
def candles(draw: st.DrawFn) -> CandleClosed:
    """A candle."""
    low, first, second, high = sorted(draw(PRICES_OF_CANDLE))
    ends = (first, second) if draw(st.booleans()) else (second, first)
    return CandleClosed(
        symbol=draw(SYMBOLS),
        open=ends[0],
        high=high,
        low=low,
        close=ends[1],
        volume=draw(QTYS),
        at=NOON,
    )


@st.composite
def exits(draw: st.DrawFn) -> AttachedExit:
    """The price of an attached exit order."""
    if draw(st.booleans()):
        return AttachedExit(percent=Decimal(draw(HUNDREDTHS)).scaleb(-2))
    return AttachedExit(price=draw(PRICES))


EXIT_OR_NONE = st.none() | exits()
ORDER_TYPES = st.sampled_from(
    [
        *("market", "market", "limit", "limit", "limit", "stop_market", "stop_limit"),
        *("take_profit", "take_profit_limit", "trailing_stop"),
    ]
)


@st.composite
def places(draw: st.DrawFn) -> NewOrder:
    """An order of any type with any valid combination of terms."""
    kind = draw(ORDER_TYPES)
    has_price = kind in ("limit", "stop_limit", "take_profit_limit")
    force = draw(FORCES)
    terms = PLAIN_TERMS
    if kind not in ("market", "limit") or draw(st.booleans()):
        is_trailing = kind == "trailing_stop"
        conditional = kind not in ("market", "limit")
        terms = OrderTerms(
            time_in_force=force,
            expires_at=NOON + draw(st.integers(1, 60)) * timedelta(seconds=1)
            if force is TimeInForce.GTD
            else None,
            trigger_price=draw(PRICES) if conditional and not is_trailing else None,
            trigger_by=draw(TRIGGERS),
            trailing_amount=Decimal(draw(TRAILING_AMOUNTS)).scaleb(-2) if is_trailing else None,
            take_profit=draw(EXIT_OR_NONE),
            stop_loss=draw(EXIT_OR_NONE),
        )
    is_immediate = terms.time_in_force in (TimeInForce.IOC, TimeInForce.FOK)
    return NewOrder(
        client_id=str(draw(st.integers(1, 9))),
        symbol=draw(SYMBOLS),
        side=draw(SIDES),
        order_type=kind,
        qty=draw(QTYS),
        price=draw(PRICES) if has_price else None,
        reduce_only=draw(st.integers(0, 3)) == 0,
        post_only=has_price and not is_immediate and draw(st.integers(0, 5)) == 0,
        terms=terms,
        fault=draw(FAULTS),
        at=NOON,
    )


@st.composite
def pairs(draw: st.DrawFn) -> NewOrderPair:
    """An OCO pair of a limit and a stop order."""
    symbol, side, qty = draw(SYMBOLS), draw(SIDES), draw(QTYS)
    reduce_only = draw(st.booleans())

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

    stop_price = draw(PRICE_OR_NONE)
    kind = "stop_market" if stop_price is None else "stop_limit"
    return NewOrderPair(
        first=leg("limit", draw(PRICES), PLAIN_TERMS),
        second=leg(kind, stop_price, OrderTerms(trigger_price=draw(PRICES))),
        at=NOON,
    )


CHANGES = st.builds(
    ChangeOrder,
    client_id=st.just("1"),
    exchange_order_id=NAMES,
    symbol=SYMBOLS,
    price=st.none() | PRICES,
    qty=st.none() | QTYS,
    trigger_price=st.none() | PRICES,
    fault=FAULTS,
    at=st.just(NOON),
)
CANCELS = st.builds(
    CancelOrder,
    client_id=st.just("1"),
    exchange_order_id=NAMES,
    symbol=SYMBOLS,
    fault=FAULTS,
    at=st.just(NOON),
)
PRINTS = st.builds(
    TradeTick,
    symbol=SYMBOLS,
    price=PRICES,
    qty=QTYS,
    side=st.none() | SIDES,
    at=st.just(NOON),
)
MARKS = st.builds(MarkPriceUpdate, symbol=SYMBOLS, price=PRICES, at=st.just(NOON))
OTHERS = st.just(TimeUpdate(at=NOON)) | st.builds(
    QueryOrder, client_id=st.just("1"), at=st.just(NOON)
)

ANY_INPUT: st.SearchStrategy[Input] = st.one_of(
    *(quotes(), books(), books(), places(), places(), places(), places(), places(), pairs()),
    *(CHANGES, CANCELS, PRINTS, PRINTS, MARKS, candles(), OTHERS),
)
MANY_INPUTS = st.lists(ANY_INPUT, min_size=15, max_size=45)


@st.composite
def inputs(draw: st.DrawFn) -> list[Input]:
    """Enough inputs for full order lifecycles; sometimes the clock goes backwards."""
    inputs_in_order, now = [], NOON
    for each in draw(MANY_INPUTS):
        now += draw(SPANS)
        is_backwards = draw(st.integers(0, 15)) == 0
        inputs_in_order.append(
            replace(each, at=now - timedelta(seconds=9) if is_backwards else now)
        )
    return inputs_in_order


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
