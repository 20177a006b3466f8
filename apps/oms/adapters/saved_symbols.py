"""Symbols of the market tables that workers have stored on disk, read without ccxt."""

import asyncio
import gzip
import json
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path

from oms.domain.account import Account


@dataclass(frozen=True, slots=True)
class SavedSymbols:
    """Returns the symbols of an account's exchange; none before a worker has stored its table."""

    folder: Path
    #: By file: the time of its last change, and its symbols.
    _read: dict[Path, tuple[int, frozenset[str]]] = field(default_factory=dict)

    async def __call__(self, account: Account) -> Collection[str]:
        """Return active spot markets and perpetual contracts."""
        return await asyncio.to_thread(self._symbols, account)

    def _symbols(self, account: Account) -> frozenset[str]:
        environment = account.environment.value
        tables = (self.folder / "markets").glob(f"{account.venue}.{environment}*.json.gz")
        found: set[str] = set()
        for path in tables:
            try:
                changed_at = path.stat().st_mtime_ns
                if self._read.get(path, (0,))[0] != changed_at:
                    self._read[path] = (changed_at, _read_table(path))
            except (OSError, EOFError, ValueError, KeyError):
                continue
            found |= self._read[path][1]
        return frozenset(found)


def _read_table(path: Path) -> frozenset[str]:
    """Return the symbols of a table. Raises ``OSError``, ``EOFError``, ``ValueError``."""
    markets = json.loads(gzip.decompress(path.read_bytes()))["markets"]
    return frozenset(
        market["symbol"]
        for market in markets
        if market.get("active") is not False and (market.get("spot") or market.get("swap"))
    )
