"""The drawn table of venues: as the pinned ccxt has it, and what it must tell apart."""

import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

from oms.adapters.ccxt.venues.catalog import ccxt_version, exchange_ids, load_venues

TOOL = Path(__file__).resolve().parents[5] / "tools" / "generate_venues.py"


def test_it_is_what_the_installed_ccxt_says() -> None:
    run = subprocess.run(
        [sys.executable, str(TOOL), "--check"], capture_output=True, text=True, check=False
    )
    assert (run.returncode, run.stderr) == (0, "")
    assert ccxt_version() == version("ccxt")


def test_how_many_there_are() -> None:
    known = load_venues()
    assert len(known) == 104
    assert sum(each.websockets for each in known.values()) == 76
    ids = exchange_ids()
    assert len(ids) == len(set(ids)) == 104 * 2 + 76 + 1
    assert {"ccxt.bybit", "ccxtpro.bybit", "paper.bybit", "paper.generic"} <= set(ids)


def test_a_test_tree_never_names_where_real_orders_go() -> None:
    """Two venues read the web pages of the real one; their orders go elsewhere."""
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


def test_our_table_stands_beside_what_is_declared() -> None:
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
