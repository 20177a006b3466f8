"""Stored commands: encoding and decoding, equal fingerprints of equal requests."""

import hashlib
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from oms.domain.commands.account_commands import (
    READ_PAYLOADS,
    AdminMutate,
    CheckOrder,
    CreateAlert,
    DeleteAlert,
    EnforceKillSwitch,
    MutateItem,
    PaperDeposit,
    PaperPrice,
    PaperReset,
    ReadAlerts,
    ReadConnection,
    ReadRiskUsage,
    Reconcile,
    RefreshOrder,
    ResetDrawdown,
    Resolution,
    ResolveUnknownOrder,
    RiskSwitch,
    SetRiskPolicy,
)
from oms.domain.commands.command import (
    COMMAND_TYPES,
    KEEP,
    BreakEven,
    CancelAllOrders,
    CancelOrder,
    CcxtCall,
    ChangeOrder,
    ChangePosition,
    CloseAllPositions,
    CloseBy,
    ClosePosition,
    CommandPayload,
    MergePositions,
    Reassign,
    ReversePosition,
    SendOrder,
    StopMode,
)
from oms.domain.orders.order import Side
from oms.domain.protection.levels import Target
from oms.domain.protection.price_alerts import AlertCondition
from oms.domain.reconcile.discrepancy import DecideDiscrepancy, Decision
from oms.domain.reconcile.position_comparison import Scope
from oms.domain.signals.signal import (
    ExecuteSignal,
    LevelReference,
    SignalAction,
    SignalKind,
    SignalRules,
    Sizing,
    SizingKind,
)
from oms.wire.commands.command_codec import (
    command_type_of,
    decode_payload,
    encode_payload,
    is_read_only,
    payload_fingerprint,
)

FULL = SendOrder(
    symbol="BTC/USDT",
    side=Side.SELL,
    order_type="stop_limit",
    qty=Decimal("0.01"),
    price=Decimal("10.5"),
    stop_loss=Decimal(12),
    stop_gain=Decimal(8),
    strategy_id=3,
    position_id=4,
    reason="bot",
    comment="ü \"'",
    reduce_only=True,
    client_order_id="mine",
    params={"a": {"b": [1, 2.5, None, "x"]}},
    post_only=True,
    time_in_force="GTD",
    trigger_price=Decimal("1e-18"),
    take_profit_price=Decimal(1),
    trailing_amount=Decimal(2),
    trailing_percent=Decimal(3),
    expires_at=datetime(2026, 3, 1, 12, 0, 0, 5, tzinfo=UTC),
    new_position=True,
    session_policy="queue_until_open",
    bracket={"take_profit": {"pct": "4"}},
    stop_loss_pct=Decimal("1.5"),
    stop_gain_pct=Decimal("4.5"),
    stop_trailing_pct=Decimal(2),
    stop_trailing_amount=Decimal("0.5"),
    stop_trailing_activation_pct=Decimal(1),
    max_hold_seconds=60,
    targets=(
        Target(qty_pct=Decimal(50), price=Decimal("1e-18")),
        Target(qty_pct=Decimal("12.5"), pct=Decimal(9)),
    ),
    stop_trailing_from_target=2,
    tp_sl_base_price=Decimal("9.5"),
    signal_id=7,
    source_id=8,
    bot_id=9,
)
SIGNAL = ExecuteSignal(
    signal_id=7,
    source_id=8,
    bot_id=9,
    kind=SignalKind.TRADINGVIEW,
    symbol="BTC/USDT",
    action=SignalAction.POSITION_SIZE,
    strategy_id=3,
    rules=SignalRules(
        sizing=Sizing(kind=SizingKind.RISK_PCT, value=Decimal("0.5")),
        tp_sl_base=LevelReference.SIGNAL,
        stop_trailing_pct=Decimal(2),
        max_hold_seconds=60,
        is_new_entry=False,
        pyramiding_max=3,
        reverse=True,
        max_signal_slippage_pct=Decimal("0.25"),
    ),
    expires_at=datetime(2026, 3, 1, 12, 0, 0, 5, tzinfo=UTC),
    order_type="limit",
    price=Decimal("10.5"),
    signal_price=Decimal("10.4"),
    qty=Decimal(1),
    notional=Decimal(2),
    qty_pct=Decimal(50),
    position_size=Decimal(-1),
    stop_loss=Decimal(12),
    stop_gain=Decimal(8),
    stop_loss_pct=Decimal("1.5"),
    stop_gain_pct=Decimal("4.5"),
    risk_pct=Decimal("0.5"),
    comment="c",
    ratio=Decimal("0.1"),
    ratio_total=Decimal("0.7"),
    equity_weight=Decimal(2),
)
SMALL_SIGNAL = ExecuteSignal(
    signal_id=1,
    source_id=0,
    kind=SignalKind.TRADE,
    symbol="X",
    action=SignalAction.BUY,
    strategy_id=0,
    rules=SignalRules(sizing=Sizing(kind=SizingKind.QTY, value=Decimal(1))),
    expires_at=datetime(2026, 3, 1, tzinfo=UTC),
)
PAYLOADS: list[CommandPayload] = [
    FULL,
    SendOrder(symbol="X", side=Side.BUY, order_type="market", qty=Decimal("1e17")),
    CancelOrder(order_ids=(1, 2), comment="c"),
    CancelOrder(order_ids=(1,)),
    ChangeOrder(order_id=1, new_price=Decimal(5)),
    ChangeOrder(order_id=1, new_qty=Decimal("0.5"), comment="c"),
    ChangeOrder(order_id=1, new_trigger_price=Decimal("9.5"), new_trailing_amount=Decimal(2)),
    ChangeOrder(order_id=1, new_trailing_percent=Decimal("0.5"), new_time_in_force="GTC"),
    ChangeOrder(order_id=1, new_expires_at=datetime(2026, 1, 2, tzinfo=UTC)),
    ChangeOrder(order_id=1, new_price=Decimal(5), symbol="X", side=Side.BUY, order_type="limit"),
    ClosePosition(position_id=1),
    ClosePosition(
        position_id=1,
        order_type="limit",
        price=Decimal(2),
        qty=Decimal(3),
        strategy_id=4,
        reason="tp",
        comment="c",
        client_order_id="n",
        params={"x": 1},
        post_only=True,
        time_in_force="IOC",
        trigger_price=Decimal(9),
        take_profit_price=Decimal(10),
        trailing_amount=Decimal(1),
        trailing_percent=Decimal("0.5"),
        signal_id=7,
        source_id=8,
        bot_id=9,
    ),
    ChangeOrder(order_id=3, levels={"stop_loss": None, "max_hold_seconds": 5}),
    CancelAllOrders(),
    CancelAllOrders(strategy_ids=(0, 3), symbol="X", comment="c"),
    CloseAllPositions(),
    CloseAllPositions(strategy_ids=(3,), symbol="X", comment="c"),
    BreakEven(position_id=2),
    ReversePosition(position_id=2, comment="c"),
    BreakEven(position_id=1, comment="c"),
    CloseBy(position_id_a=2, position_id_b=1),
    CloseBy(position_id_a=1, position_id_b=2, qty=Decimal("0.1"), strategy_id=3, comment="c"),
    MergePositions(source_position_id=2, target_position_id=1),
    MergePositions(
        source_position_id=1,
        target_position_id=2,
        stop_mode=StopMode.SET,
        stop_loss=Decimal(1),
        stop_gain=Decimal(2),
        comment="c",
    ),
    ChangePosition(position_id=1, stop_loss=None),
    ChangePosition(position_id=1, stop_gain=Decimal("2.5"), comment=None),
    ChangePosition(position_id=1, stop_loss=Decimal(1), stop_gain=None, comment="c"),
    RiskSwitch(status="blocked", comment="c"),
    DecideDiscrepancy(discrepancy_id=7, answer=Decision.APPLY),
    DecideDiscrepancy(discrepancy_id=7, answer=Decision.DISMISS, lifts=True, comment="c"),
    RiskSwitch(allow_new_positions=False, strategy_id=7, comment="c"),
    CreateAlert(symbol="A/B", condition=AlertCondition.BELOW, price=Decimal("1.5"), note="n"),
    DeleteAlert(alert_id=7),
    ReadAlerts(),
    ResetDrawdown(key="max_total_drawdown_pct", comment="c"),
    SetRiskPolicy(keys={"max_order_notional": "500", "allowed_symbols": None}, comment="c"),
    ReadRiskUsage(),
    CheckOrder(order='{"symbol":"X"}', strategy_ids=(7,), position_ids=(8,), order_ids=(9,)),
    CheckOrder(order='{"order_id":1}', command="change_order", is_preview=True),
    SetRiskPolicy(keys={"allow_new_positions": False}, preset="small", comment="c"),
    AdminMutate(
        entity="deals",
        items=(
            MutateItem(index=0, op="update", row={"id": 1, "price": "2.5", "comment": None}),
            MutateItem(index=2, op="delete", row={"id": 7}),
        ),
        comment="c",
    ),
    EnforceKillSwitch(
        kill_id=3, scope="account", scope_id="1", mode="halt", flatten=True, comment="c"
    ),
    EnforceKillSwitch(kill_id=3, scope="global", scope_id="", mode="halt", on=False),
    RefreshOrder(order_id=4),
    ResolveUnknownOrder(
        order_id=4, action=Resolution.ADOPT, exchange_order_id="e1", comment="seen"
    ),
    ResolveUnknownOrder(
        order_id=4, action=Resolution.DECLARE_NOT_PLACED, comment="support says so"
    ),
    ReadConnection(),
    Reconcile(),
    Reconcile(
        scope=Scope.PERIOD,
        start=datetime(2026, 1, 1, tzinfo=UTC),
        end=datetime(2026, 2, 1, tzinfo=UTC),
        symbols=("BTC/USDT",),
    ),
    Reassign(order_ids=(1, 2), strategy_id=3),
    Reassign(order_ids=(1,), strategy_id=3, position_id=4, comment="c"),
    PaperDeposit(currency="USDT", amount=Decimal("-1.5")),
    PaperDeposit(currency="USDT", amount=Decimal(1), comment="c"),
    PaperReset(),
    PaperReset(comment="c"),
    PaperPrice(symbol="X", bid=Decimal(1), ask=Decimal(2), bid_qty=Decimal(3), ask_qty=Decimal(4)),
    PaperPrice(
        symbol="X",
        bid=Decimal(1),
        ask=Decimal(2),
        bids=((Decimal(1), Decimal(3)), (Decimal("0.5"), None)),
        asks=((Decimal(2), None),),
        print_price=Decimal("1.5"),
        print_qty=Decimal(7),
        print_side=Side.SELL,
    ),
    PaperPrice(symbol="X", print_price=Decimal(1), print_qty=Decimal(2)),
    CcxtCall(func="fetch_ticker", args=("BTC/USDT", None, 5), kwargs={"params": {"a": 1}}),
    CcxtCall(func="fetch_balance"),
    SIGNAL,
    SMALL_SIGNAL,
]


@pytest.mark.parametrize("payload", PAYLOADS, ids=lambda payload: command_type_of(payload))
def test_encoded_payloads_are_decoded(payload: CommandPayload) -> None:
    assert decode_payload(command_type_of(payload), encode_payload(payload)) == payload


def test_every_command_is_among_the_examples() -> None:
    assert {type(payload) for payload in PAYLOADS} == set(COMMAND_TYPES)


def test_every_field_of_an_order_is_among_the_examples() -> None:
    default = SendOrder(symbol="", side=Side.BUY, order_type="", qty=Decimal(0))
    same = [name for name in FULL.__slots__ if getattr(FULL, name) == getattr(default, name)]
    assert same == []


def test_every_field_of_a_signal_is_among_the_examples() -> None:
    for full, small in ((SIGNAL, SMALL_SIGNAL), (SIGNAL.rules, SMALL_SIGNAL.rules)):
        assert [
            name for name in full.__slots__ if getattr(full, name) == getattr(small, name)
        ] == []


def test_equal_requests_have_one_fingerprint() -> None:
    one = SendOrder(
        symbol="X",
        side=Side.BUY,
        order_type="market",
        qty=Decimal("1.50"),
        params={"a": 1, "b": {"c": 1, "d": 2}},
    )
    two = SendOrder(
        symbol="X",
        side=Side.BUY,
        order_type="market",
        qty=Decimal("1.5"),
        params={"b": {"d": 2, "c": 1}, "a": 1},
    )
    assert payload_fingerprint("send_order", encode_payload(one)) == payload_fingerprint(
        "send_order", encode_payload(two)
    )
    other = SendOrder(symbol="X", side=Side.BUY, order_type="market", qty=Decimal("1.51"))
    assert payload_fingerprint("send_order", encode_payload(one)) != payload_fingerprint(
        "send_order", encode_payload(other)
    )


def test_texts_that_are_stored_stay_as_they_are() -> None:
    close = ClosePosition(position_id=1, qty=Decimal(3), trigger_price=Decimal(9), strategy_id=4)
    assert encode_payload(close) == (
        '{"position_id":1,"order_type":"market","qty":"3","trigger_price":"9","strategy_id":4}'
    )
    assert (
        encode_payload(CancelOrder(order_ids=(1, 2), comment="c"))
        == '{"order_ids":[1,2],"comment":"c"}'
    )
    assert (
        encode_payload(CancelAllOrders())
        == encode_payload(CloseAllPositions())
        == encode_payload(PaperReset())
        == "{}"
    )
    assert encode_payload(SMALL_SIGNAL) == (
        '{"signal_id":1,"source_id":0,"kind":"trade","symbol":"X","action":"buy","strategy_id":0,'
        '"rules":{"sizing":{"kind":"qty","value":"1"}},"expires_at":"2026-03-01T00:00:00.000000Z"}'
    )
    merge = MergePositions(source_position_id=2, target_position_id=1)
    assert encode_payload(merge) == '{"source_position_id":2,"target_position_id":1}'


def test_a_change_writes_cleared_values_and_omits_kept_ones() -> None:
    change = ChangePosition(position_id=1, stop_loss=None, comment="c")
    assert encode_payload(change) == '{"position_id":1,"oms_stop_loss":null,"comment":"c"}'
    assert decode_payload("position_change", '{"position_id":1,"comment":null}') == ChangePosition(
        position_id=1, stop_loss=KEEP, stop_gain=KEEP, comment=None
    )


def test_an_unknown_command_type_is_a_bug() -> None:
    with pytest.raises(AssertionError):
        decode_payload("send_money", "{}")


@pytest.mark.parametrize("payload", PAYLOADS, ids=lambda payload: type(payload).__name__)
def test_reads_are_recognized_by_their_text(payload: CommandPayload) -> None:
    reads = isinstance(payload, READ_PAYLOADS) or (
        isinstance(payload, CcxtCall) and not payload.is_trade
    )
    assert is_read_only(command_type_of(payload), encode_payload(payload)) is reads


def test_a_fingerprint_is_the_hash_of_type_and_text() -> None:
    """Stored fingerprints must match those of later versions."""
    text = '{"symbol":"BTC/USDT","side":"buy","order_type":"market","qty":"0.01"}'
    expected = hashlib.sha256(f"send_order\n{text}".encode()).hexdigest()
    assert payload_fingerprint("send_order", text) == expected
    assert expected.startswith("1c7d0fd32d86bb8a")
