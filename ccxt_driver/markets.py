"""Markets by symbol and id, their currencies, and rounding to their price and amount steps.

Pure: the markets come in as ccxt's structures.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal
from importlib import import_module
from types import MappingProxyType
from typing import Any

from ccxt_driver.errors import driver_error
from ccxt_driver.wire import format_decimal

#: ccxt's precision modes; in ``TICK_SIZE`` mode a precision is the step itself.
DECIMAL_PLACES, SIGNIFICANT_DIGITS, TICK_SIZE = 2, 3, 4

Market = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Markets:
    """All markets of an account's exchange."""

    by_symbol: dict[str, Any]
    by_id: dict[str, list[Any]] = field(init=False)
    currencies: dict[str, Any] = field(init=False)

    def __post_init__(self) -> None:
        by_id: dict[str, list[Any]] = {}
        for market in self.by_symbol.values():
            by_id.setdefault(str(market.get("id")), []).append(market)
        object.__setattr__(self, "by_id", by_id)
        object.__setattr__(self, "currencies", _currencies(self.by_symbol))

    def find(
        self,
        symbol: Any,
        options: Mapping[str, Any] = MappingProxyType({}),
        *,
        swaps_spot_symbols: bool = False,
    ) -> Any:
        """Returns a market by symbol or exchange id, as ccxt's ``market`` does.

        ``defaultType`` of the options selects one of several markets with the same id. With
        ``swaps_spot_symbols`` and ``defaultType`` swap a spot symbol is the contract of that
        pair. Raises ccxt's ``BadSymbol``.
        """
        market = self.find_or_none(symbol, options, swaps_spot_symbols=swaps_spot_symbols)
        if market is None:
            message = f"there is no market {symbol!r} on this account"
            raise driver_error("BadSymbol", message, code="instrument_not_supported")
        return market

    def find_or_none(
        self, symbol: Any, options: Mapping[str, Any], *, swaps_spot_symbols: bool
    ) -> Any:
        """Like ``find``; ``None`` without such a market."""
        market = self.by_symbol.get(symbol)
        default_type = options.get("defaultType") or options.get("defaultSubType") or "spot"
        is_linear = options.get("defaultSubType") != "inverse"
        if swaps_spot_symbols and default_type == "swap" and (market or {"spot": 1}).get("spot"):
            market = self._contract_of(str(symbol), is_linear=is_linear) or market
        if market is not None:
            return market
        markets = self.by_id.get(str(symbol))
        if swaps_spot_symbols and default_type in ("swap", "future"):
            default_type = "linear" if is_linear else "inverse"
        if not markets:
            return None
        return next((each for each in markets if each.get(default_type) is True), markets[0])

    def contract_sizes(self) -> dict[str, Decimal]:
        """Returns the base units of one contract by symbol, where they are not 1."""
        sizes = {
            symbol: Decimal(format_decimal(market["contractSize"]))
            for symbol, market in self.by_symbol.items()
            if not market.get("spot") and market.get("contractSize") is not None
        }
        return {symbol: size for symbol, size in sizes.items() if size != 1}

    def _contract_of(self, symbol: str, *, is_linear: bool) -> Any:
        """Returns the perpetual contract of a pair; ``None`` if there is none."""
        base, slash, quote = symbol.partition("/")
        if not slash or ":" in quote:
            return None
        settle = quote if is_linear and quote != "USD" else base
        return self.by_symbol.get(f"{symbol}:{settle}")


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketRounding:
    """Formats numbers of one market as decimal text; ``mode`` is ccxt's ``precisionMode``."""

    market: Market
    mode: int = TICK_SIZE

    def amount(self, value: Any) -> str | None:
        """Truncates to the amount step. Raises ``InvalidOrder`` if the result is zero."""
        return self._not_zero("amount", value, self._step("amount"), ROUND_DOWN)

    def price(self, value: Any) -> str | None:
        """Rounds to the price tick. Raises ``InvalidOrder`` if the result is zero."""
        return self._not_zero("price", value, self._step("price"), ROUND_HALF_UP)

    def cost(self, value: Any) -> str | None:
        """Truncates to the cost step, or to the price tick if there is none."""
        step = self._step("cost") or self._step("price")
        return None if value is None else round_to_step(value, step, ROUND_DOWN, self.mode)

    def fee(self, value: Any) -> str | None:
        """Rounds to the price tick."""
        step = self._step("price")
        return None if value is None else round_to_step(value, step, ROUND_HALF_UP, self.mode)

    def _step(self, name: str) -> Any:
        return (self.market.get("precision") or {}).get(name)

    def _not_zero(self, name: str, value: Any, step: Any, rounding: str) -> str | None:
        if value is None:
            return None
        text = round_to_step(value, step, rounding, self.mode)
        if text == "0":
            message = f"{name} of {self.market.get('symbol')} must be at least {step}"
            raise driver_error("InvalidOrder", message, code="precision_mismatch")
        return text


def round_to_step(value: Any, step: Any, rounding: str, mode: int = TICK_SIZE) -> str:
    """Returns a number as text, rounded to ``step`` (unrounded if that is ``None``).

    Raises ``InvalidOrder`` if ``value`` is not a number.
    """
    try:
        number = Decimal(format_decimal(value))
    except ValueError as error:
        raise driver_error("InvalidOrder", str(error), code="validation_error") from None
    if step is None:
        return format_decimal(number)
    if mode != TICK_SIZE:
        ccxt = import_module("ccxt.base.decimal_to_precision")
        ccxt_rounding = ccxt.TRUNCATE if rounding == ROUND_DOWN else ccxt.ROUND
        return str(ccxt.decimal_to_precision(format_decimal(number), ccxt_rounding, step, mode))
    tick = Decimal(format_decimal(step))
    return format_decimal((number / tick).quantize(Decimal(1), rounding=rounding) * tick)


def _currencies(by_symbol: Mapping[str, Market]) -> dict[str, Any]:
    """Returns the currencies of all markets, each with the finest step of any of them."""
    steps: dict[str, Any] = {}
    ids: dict[str, Any] = {}
    for market in by_symbol.values():
        precision = market.get("precision") or {}
        for part, fallback in (("base", "amount"), ("quote", "price"), ("settle", "price")):
            code = market.get(part)
            if code is None:
                continue
            step = precision.get(part) or precision.get(fallback)
            candidates = [each for each in (step, steps.get(code)) if each is not None]
            steps[code] = min(candidates) if candidates else None
            ids.setdefault(code, market.get(f"{part}Id") or code)
    return {code: _currency(code, ids[code], step) for code, step in sorted(steps.items())}


def _currency(code: str, id: Any, step: Any) -> dict[str, Any]:
    """Returns ccxt's currency structure; fields about deposits are empty."""
    empty = dict.fromkeys(("name", "active", "deposit", "withdraw", "fee", "numericId", "margin"))
    ranges = {name: {"min": None, "max": None} for name in ("amount", "deposit", "withdraw")}
    fields = {"info": {}, "id": id, "code": code, "precision": step, "type": None}
    return {**fields, **empty, "limits": ranges, "networks": {}, "fees": {}}
