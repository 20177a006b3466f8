"""Capabilities of venues, which the settings of an account can only restrict."""

from typing import Any

import pytest

from oms.adapters.ccxt.venues.capabilities import ACCOUNT, DECLARED, TABLE, build_capabilities
from oms.adapters.ccxt.venues.catalog import load_venues


def capability_pairs(name: str, taken: dict[str, Any] | None = None) -> dict[str, tuple[Any, str]]:
    known = build_capabilities(load_venues()[name], "live", taken)
    return {field: (each.value, each.source) for field, each in known.items()}


def test_capabilities_of_bybit() -> None:
    row = capability_pairs("bybit")
    assert row["edit"] == ({"spot": "native", "linear": "native"}, TABLE)
    assert row["attached_tp_sl"] == (["spot", "linear"], TABLE)
    assert row["hedge"] == ("unified", TABLE)
    assert row["cancel_all_after"] == (True, TABLE)
    assert row["client_id"][0]["look_up"] == "orderLinkId"
    assert row["trailing"] == ({"spot": False, "linear": False}, TABLE)
    assert row["time_in_force"][0]["linear"] == ["FOK", "GTC", "GTD", "IOC", "PO"]
    assert row["expiry"] == ({"spot": "emulated", "linear": "emulated"}, TABLE)
    assert row["streams"] == (["orders", "trades", "positions", "balance"], DECLARED)
    assert row["environments"] == (["demo", "live", "testnet"], DECLARED)
    assert row["label"] == (None, TABLE)


def test_times_in_force_that_are_not_sent_are_left_out() -> None:
    assert capability_pairs("kucoin")["time_in_force"][0]["linear"] == ["GTC", "GTD", "IOC", "PO"]


def test_a_venue_without_a_table_row_is_untested() -> None:
    row = capability_pairs("zaif")
    assert row["label"] == ("untested", TABLE)
    assert row["client_id"][0]["look_up"] == "scan"
    assert row["hedge"] == ("none", DECLARED)
    assert all(word == "emulated" for word in row["edit"][0].values())


@pytest.mark.parametrize(
    ("field", "taken", "left"),
    [
        ("edit", "none", {"spot": "none", "linear": "none"}),
        ("edit", {"linear": "none"}, {"spot": "native", "linear": "none"}),
        ("trailing", False, {"spot": False, "linear": False}),
        ("cancel_all_after", False, False),
        ("attached_tp_sl", ["linear"], ["linear"]),
        ("attached_tp_sl", ["linear", "inverse"], ["linear"]),
        ("time_in_force", {"linear": ["GTC"]}, None),
    ],
)
def test_settings_restrict(field: str, taken: Any, left: Any) -> None:
    value, source = capability_pairs("bybit", {field: taken})[field]
    assert source == ACCOUNT
    if left is None:
        assert value["linear"] == ["GTC"] and len(value["spot"]) > 1
    else:
        assert value == left


def test_settings_add_nothing() -> None:
    before = capability_pairs("kraken")
    after = capability_pairs(
        "kraken", {"hedge": "unified", "attached_tp_sl": ["spot"], "wings": True}
    )
    assert after["hedge"] == before["hedge"] == ("none", TABLE)
    assert after["attached_tp_sl"][0] == []
    assert "wings" not in after
