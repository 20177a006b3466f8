"""The page about the ccxt gateway lists the methods of the code."""

from pathlib import Path

from oms.domain.ccxt_methods import ACCOUNT_READS, MARKET_READS, META_READS, TRADE_METHODS

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "ccxt.md"


def test_the_table_equals_the_lists_of_the_code() -> None:
    rows = [line.split("|") for line in PAGE.read_text(encoding="utf-8").splitlines()]
    documented = {
        row[1].strip(): frozenset(name.strip() for name in row[3].split(","))
        for row in rows
        if len(row) == 5
    }
    lists = {"meta": META_READS, "market": MARKET_READS, "account": ACCOUNT_READS}
    for name, names in lists.items():
        assert documented[f"read ({name})"] == names
    assert documented["trade"] == TRADE_METHODS
