"""Venue profiles: one module per venue, and no venue named anywhere else in the adapter."""

import ast
from pathlib import Path

import pytest

from oms.adapters.ccxt.venues.catalog import load_venues
from oms.adapters.ccxt.venues.profile import LookupMethod, VenueProfile
from oms.adapters.ccxt.venues.profile_registry import get_profile
from oms.domain.instrument import InstrumentKind

ADAPTER = Path(__file__).resolve().parents[5] / "apps/oms/adapters/ccxt"
VENUES = ("alpaca", "binance", "bitget", "bybit", "gate", "kraken", "kucoin", "okx")


def text_constants(path: Path) -> set[str]:
    """The string constants of a module without its docstrings."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    docs = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    return {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docs
    }


def test_only_venue_modules_name_a_venue() -> None:
    own = {ADAPTER / "venues" / f"{name}.py" for name in (*VENUES, "profile_registry")}
    named = {
        (path.relative_to(ADAPTER).as_posix(), text)
        for path in ADAPTER.rglob("*.py")
        if path not in own
        for text in text_constants(path) & load_venues().keys()
    }
    assert named == set()


@pytest.mark.parametrize("venue", VENUES)
def test_a_venue_module_names_its_own_family_only(venue: str) -> None:
    texts = text_constants(ADAPTER / "venues" / f"{venue}.py") & load_venues().keys()
    assert venue in texts
    assert all(venue in name or name == f"my{venue}" for name in texts)


@pytest.mark.parametrize("venue", VENUES)
def test_each_venue_has_a_profile_of_its_own(venue: str) -> None:
    assert get_profile(venue) != VenueProfile()


def test_a_regional_exchange_shares_what_its_api_defines() -> None:
    bybit, regional = get_profile("bybit"), get_profile("bybiteu")
    assert regional.errors == bybit.errors and regional.limit_headers == bybit.limit_headers
    assert regional.lookup_method is LookupMethod.SCAN, "its lists were never tested"


def test_an_unknown_venue_gets_the_careful_default() -> None:
    profile = get_profile("zaif")
    assert profile == VenueProfile() and profile.lookup_method is LookupMethod.SCAN
    assert not (profile.amend_kinds or profile.has_unique_client_ids)


@pytest.mark.parametrize(
    ("contract_kind", "is_apart"), [(InstrumentKind.LINEAR, True), (InstrumentKind.INVERSE, False)]
)
def test_contracts_of_a_venue_are_of_its_own_kind(
    contract_kind: InstrumentKind, is_apart: bool
) -> None:
    inverse = frozenset({InstrumentKind.INVERSE})
    profile = VenueProfile(
        contract_kind=contract_kind, one_cancel_kinds=inverse, separate_trigger_kinds=inverse
    )
    assert profile.cancels_triggers_apart("BTC/USD:BTC") is is_apart
    assert profile.waits_separately("BTC/USD:BTC", "stop_market") is not is_apart
    assert not profile.waits_separately("BTC/USD", "stop_market"), "spot"
