"""The generated venue catalog: equal to the pinned ccxt, with environments kept apart."""

import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

from oms.adapters.ccxt.venues.catalog import ccxt_version, exchange_ids, load_venues

TOOL = Path(__file__).resolve().parents[5] / "tools" / "generate_venues.py"


def test_the_catalog_equals_the_installed_ccxt() -> None:
    run = subprocess.run(
        [sys.executable, str(TOOL), "--check"], capture_output=True, text=True, check=False
    )
    assert (run.returncode, run.stderr) == (0, "")
    assert ccxt_version() == version("ccxt")


def test_number_of_venues() -> None:
    known = load_venues()
    assert len(known) == 104
    assert sum(each.websockets for each in known.values()) == 76
    ids = exchange_ids()
    assert len(ids) == len(set(ids)) == 104 * 2 + 76 + 1
    assert {"ccxt.bybit", "ccxtpro.bybit", "paper.bybit", "paper.generic"} <= set(ids)


def test_test_environments_never_use_live_order_hosts() -> None:
    """Two venues read public pages of the live one; orders go elsewhere."""
    shared = {}
    for name, venue in load_venues().items():
        live = venue.environments["live"]
        for environment, hosts in venue.environments.items():
            if environment != "live" and hosts.header is None:
                both = set(hosts.rest) & set(live.rest)
                private = set(hosts.private_stream) & set(live.private_stream)
                if both or private:
                    shared[name] = both | private
    assert shared == {
        "alpaca": {"data.alpaca.markets", "stream.data.alpaca.markets"},
        "gemini": {"docs.gemini.com", "exchange.gemini.com"},
    }


def test_own_table_and_declared_features_are_separate() -> None:
    bybit, kraken = load_venues()["bybit"], load_venues()["kraken"]
    assert bybit.table["edit"] == {"spot": "native", "linear": "native"}
    assert bybit.table["trades"]["linear"] == {
        "page": 100,
        "span_days": 7,
        "back_days": 730,
        "symbol_required": False,
    }
    assert bybit.declared["linear"]["trades"] == bybit.table["trades"]["linear"]
    assert kraken.table["hedge"] == "none" and kraken.is_tested
    assert not load_venues()["zaif"].is_tested
