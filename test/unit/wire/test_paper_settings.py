"""``oms.paper`` of an account: every key is parsed, errors contain the key."""

from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from oms.adapters.paper.simulation_settings import simulation_settings
from oms.domain.account import Account, Environment, PaperSettings, PositionMode
from oms.domain.errors import Invalid
from oms.domain.instrument import InstrumentKind
from oms.domain.orders.order_types import ORDER_TYPES
from oms.domain.orders.order_validation import TIMES_IN_FORCE
from oms.simulation.settings import FillModel, Latency, SimulationSettings
from oms.simulation.state.contract_overrides import MarginMode
from oms.simulation.transport.faults import FaultKind
from oms.wire.account_config.paper_settings import PAPER_KEYS, read_paper_settings
from oms.wire.json import dumps

ROOT = Path(__file__).resolve().parents[3]


def read(value: object, *, strict: bool = True) -> PaperSettings:
    return read_paper_settings(dumps({"oms": {"paper": value}}), strict=strict)


def simulated(value: object, mode: PositionMode = PositionMode.NETTING) -> SimulationSettings:
    account = Account(
        id=7,
        exchange_id="paper.binance",
        label="paper",
        position_mode=mode,
        environment=Environment.PAPER,
        paper=read(value),
    )
    return simulation_settings(account)


def test_empty_settings_are_the_defaults() -> None:
    assert read_paper_settings("{}") == read({}) == PaperSettings()
    settings = simulated({})
    assert (settings.seed, settings.latency, settings.max_price_age) == (7, None, None)
    assert settings == simulated({"seed": 7, "latency_ms": 0, "fill": None})


def test_every_key_reaches_the_simulation() -> None:
    settings = simulated(
        {
            "commission": {"maker": "-0.0001", "taker": "0.0006"},
            "fee_tiers": {
                "linear": [
                    {"volume": "5000000", "maker": "0", "taker": "0.0003"},
                    {"volume": 1000000, "maker": "0.0001", "taker": "0.0004"},
                ]
            },
            "fee_currency": "quote",
            "allow_spot_short": True,
            "leverage": 20,
            "margin_mode": "isolated",
            "position_mode": "hedge",
            "funding_rate": "0.0002",
            "spread_bps": "5",
            "slippage": "0.001",
            "impact": "0.002",
            "fill": "through",
            "queue_cancels": "prorata",
            "partial_fill": "0.5",
            "reject_rate": "0.1",
            "volume_cap_pct": 10,
            "max_price_age": "2.5",
            "latency_ms": {"decision": 50, "ack": "30", "stream": 20, "jitter": "0.5"},
            "seed": 99,
        }
    )
    assert settings.fees[InstrumentKind.SPOT].maker == Decimal("-0.0001")
    assert [tier.volume for tier in settings.fee_tiers[InstrumentKind.LINEAR]] == [
        1_000_000,
        5_000_000,
    ]
    assert settings.fee_tiers[InstrumentKind.LINEAR][1].rates.taker == Decimal("0.0003")
    assert (settings.hedge, settings.base_fee_on_buy, settings.allow_spot_short) == (
        True,
        False,
        True,
    )
    assert (settings.leverage, settings.margin_mode) == (20, MarginMode.ISOLATED)
    assert (settings.funding_rate, settings.spread_bps) == (Decimal("0.0002"), 5)
    assert (settings.slippage, settings.impact) == (Decimal("0.001"), Decimal("0.002"))
    assert (settings.fill, settings.queue_prorata) == (FillModel.THROUGH, True)
    assert (settings.partial_fill, settings.reject_rate) == (Decimal("0.5"), Decimal("0.1"))
    assert (settings.volume_cap_pct, settings.seed) == (10, 99)
    assert settings.max_price_age == timedelta(seconds=2.5)
    assert settings.latency == Latency(
        decision=timedelta(milliseconds=50),
        ack=timedelta(milliseconds=30),
        stream=timedelta(milliseconds=20),
        jitter=timedelta(microseconds=500),
    )


def test_short_strategy_lists() -> None:
    one_way = timedelta(milliseconds=40)
    assert simulated({"latency_ms": 40}).latency == Latency(
        decision=one_way, ack=one_way, stream=one_way
    )
    tier = {"volume": 1, "maker": 0, "taker": 0}
    settings = simulated({"commission": "0.002", "fee_tiers": [tier]})
    assert (
        settings.fees[InstrumentKind.LINEAR].maker
        == settings.fees[InstrumentKind.SPOT].taker
        == Decimal("0.002")
    )
    assert settings.fee_tiers[InstrumentKind.SPOT] == settings.fee_tiers[InstrumentKind.LINEAR]
    assert simulated({}, PositionMode.HEDGE).hedge
    assert not simulated({"position_mode": "one_way"}, PositionMode.HEDGE).hedge


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("source", "dice"),
        ("sources", {"BTC/USDT": "dice"}),
        ("sources", "walk"),
        ("seed", "many"),
        ("seed", 1.5),
        ("balances", {"USDT": -1}),
        ("balances", {"USDT": "NaN"}),
        ("commission", {"makers": "0.1"}),
        ("commission", 3),
        ("fee_tiers", {"options": []}),
        ("fee_tiers", [{"volume": 1, "maker": 0}]),
        ("fee_tiers", 5),
        ("fee_currency", "gold"),
        ("allow_spot_short", "yes"),
        ("leverage", 0),
        ("leverage", True),
        ("margin_mode", "portfolio"),
        ("position_mode", "both"),
        ("funding_rate", 2),
        ("spread_bps", -1),
        ("slippage", 1),
        ("impact", "lots"),
        ("fill", "always"),
        ("queue_cancels", True),
        ("partial_fill", 1),
        ("reject_rate", "1.1"),
        ("volume_cap_pct", 101),
        ("max_price_age", 0),
        ("stocks", "AAPL"),
        ("stocks", ["aapl"]),
        ("stocks", ["BTC/USDT"]),
        ("stocks", ["AAPL"] * 501),
        ("latency_ms", -1),
        ("latency_ms", {"there": 5}),
        ("replay", {"loop": "yes"}),
        ("replay", {"speed": -1}),
    ],
)
def test_a_wrong_value_is_refused_and_named(key: str, value: Any) -> None:
    with pytest.raises(Invalid) as refused:
        read({key: value})
    assert refused.value.code == "extra_config_refused"
    assert f"oms.paper {key}:" in refused.value.message


def test_an_unknown_key_is_refused_on_creation_and_ignored_on_read() -> None:
    with pytest.raises(Invalid) as refused:
        read({"leverege": 5})
    assert "'leverege'" in refused.value.message
    assert read({"leverege": 5, "leverage": 3}, strict=False).leverage == 3


@pytest.mark.parametrize("text", ["{", "[]", '{"oms":5}', '{"oms":{"paper":[]}}'])
def test_non_objects_are_refused(text: str) -> None:
    with pytest.raises(Invalid) as refused:
        read_paper_settings(text)
    assert refused.value.code == "extra_config_refused"


def test_the_reference_names_every_key_type_and_fault() -> None:
    page = (ROOT / "docs/reference/paper.md").read_text(encoding="utf-8")
    words = [*PAPER_KEYS, *ORDER_TYPES, *TIMES_IN_FORCE, *(kind.value for kind in FaultKind)]
    assert [word for word in words if f"`{word}" not in page] == []
