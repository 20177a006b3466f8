"""Symbols as signals spell them: ``BTCUSDT``, ``BTC-USDT``, ``BINANCE:BTCUSDT.P``, ``BTC/USDT``."""

import re
from collections.abc import Collection, Mapping

from oms.domain.errors import Invalid

SYMBOL_CHARACTERS_MAX = 64
PERPETUAL_SUFFIX = ".P"
#: Currency in which stocks are quoted; a stock is named by its base alone.
STOCK_QUOTE = "USD"

_PREFIX = re.compile(r"[A-Z0-9_]+:(?=[A-Z0-9])")
_SEPARATOR = re.compile(r"[-_/]")


def resolve_symbol(text: str, symbols: Collection[str], names: Mapping[str, str]) -> str:
    """Return the symbol among ``symbols`` that ``text`` means.

    A name in ``names`` comes first, then a symbol itself. Otherwise case, separators and the name
    of an exchange before a colon make no difference; the suffix ``.P`` means a perpetual contract,
    and without it a spot market is preferred. Raises ``Invalid`` with the reason ``unknown_symbol``
    or ``ambiguous_symbol``.
    """
    if text in names:
        return names[text]
    if text in symbols:
        return text
    found = _matches(text.strip().upper(), symbols)
    if not found:
        raise Invalid(f"the account has no symbol {text}", reason="unknown_symbol")
    if len(found) > 1:
        listed = ", ".join(sorted(found)[:5])
        raise Invalid(f"several symbols match: {listed}", reason="ambiguous_symbol")
    return found[0]


def _matches(text: str, symbols: Collection[str]) -> list[str]:
    """Return the symbols that match a text in upper case, spot markets alone if there are any."""
    wanted, _, settle = _split(text)
    is_perpetual = wanted.endswith(PERPETUAL_SUFFIX)
    if is_perpetual:
        wanted = wanted.removesuffix(PERPETUAL_SUFFIX)
    spot: list[str] = []
    contracts: list[str] = []
    for symbol in symbols:
        pair, _, settled_in = symbol.upper().partition(":")
        if not _is_pair(wanted, pair) or (settle and settle != settled_in):
            continue
        (contracts if settled_in else spot).append(symbol)
    return contracts if is_perpetual or not spot else spot


def _split(text: str) -> tuple[str, str, str]:
    """Return a text without the exchange's name as pair, colon and settlement currency."""
    if "/" in text.partition(":")[0]:
        return text.partition(":")
    return _PREFIX.sub("", text, count=1).partition(":")


def _is_pair(wanted: str, pair: str) -> bool:
    """Return whether ``wanted`` spells a pair such as ``BTC/USDT``."""
    if _SEPARATOR.search(wanted):
        return _SEPARATOR.sub("/", wanted) == pair
    base, _, quote = pair.partition("/")
    return wanted == base + quote or (wanted == base and quote == STOCK_QUOTE)
