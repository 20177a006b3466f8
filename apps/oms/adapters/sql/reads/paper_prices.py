"""Stored prices of accounts."""

from collections.abc import Mapping

from oms.adapters.sql.connection.database import Database


class SqlPaperPrices:
    """``ports.mark_prices.StoredPaperPrices``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def __call__(
        self, symbols: Mapping[int, frozenset[str]]
    ) -> Mapping[tuple[int, str], str]:
        """Return prices as JSON text by (account id, symbol). Raises ``Unavailable``."""
        if not symbols:
            return {}
        dialect, names = self._database.dialect, sorted(set[str]().union(*symbols.values()))
        text = (
            "SELECT account_id, symbol, price_json FROM paper_prices"
            f" WHERE account_id IN ({dialect.params(len(symbols))})"
            f" AND symbol IN ({dialect.params(len(names))})"
        )
        rows = await self._database.fetch(text, (*symbols, *names))
        return {(row[0], row[1]): row[2] for row in rows}
