"""The page of the ccxt gateway lists what the code lists."""

from pathlib import Path

from oms.domain.ccxt_methods import ACCOUNT_READS, MARKET_READS, META_READS, TRADE_METHODS

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "ccxt.md"


def test_the_table_is_the_codes() -> None:
    rows = [line.split("|") for line in PAGE.read_text(encoding="utf-8").splitlines()]
    told = {
        row[1].strip(): frozenset(name.strip() for name in row[3].split(","))
        for row in rows
        if len(row) == 5
    }
    lists = {"meta": META_READS, "market": MARKET_READS, "account": ACCOUNT_READS}
    for word, names in lists.items():
        assert told[f"read ({word})"] == names
    assert told["trade"] == TRADE_METHODS
