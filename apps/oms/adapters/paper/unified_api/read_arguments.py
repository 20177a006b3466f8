"""Arguments that ccxt's reads have in common."""

from collections.abc import Sequence

from oms.adapters.paper.unified_api.market_reads import MarketReads
from oms.domain.errors import Invalid


def parse_limit(limit: object, *, default: int, most: int) -> int:
    """Returns the number of rows that a read asks for, at most ``most``. Raises ``Invalid``."""
    if limit is None:
        return default
    if not isinstance(limit, int) or isinstance(limit, bool) or limit < 1:
        raise Invalid("limit must be a whole number above 0")
    return min(limit, most)


def select_symbols(reads: MarketReads, symbols: object) -> Sequence[str]:
    """Returns the symbols that a parameter names, or all. Raises ``Invalid``."""
    if symbols is None:
        return sorted(reads.settings.instruments)
    names = [symbols] if isinstance(symbols, str) else symbols
    if not isinstance(names, list):
        raise Invalid("symbols must be a list of symbols")
    return [reads.instrument(name).symbol for name in names]
