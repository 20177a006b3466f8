"""Markets as ccxt keeps them: by symbol, by id, their currencies, and rounding to their steps.

Pure: what the exchange told comes in as the markets themselves.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal
from importlib import import_module
from typing import Any

from ccxt_driver.errors import driver_error
from ccxt_driver.wire import format_decimal

#: ccxt's numbers for how precisions are told; a tick is a step of the grid itself.
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

    def find(self, symbol: Any, wanted_type: str = "spot") -> Any:
        """A market by symbol, or by the exchange's id. Raises ccxt's ``BadSymbol``."""
        if symbol in self.by_symbol:
            return self.by_symbol[symbol]
        named = self.by_id.get(str(symbol))
        if not named:
            message = f"there is no market {symbol!r} on this account"
            raise driver_error("BadSymbol", message, code="instrument_not_supported")
        return next((market for market in named if market.get(wanted_type) is True), named[0])


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketRounding:
    """How numbers of one market are written; ``mode`` is ccxt's ``precisionMode``."""

    market: Market
    mode: int = TICK_SIZE

    def amount(self, value: Any) -> str | None:
        """Cut to the step. Raises ``InvalidOrder`` where nothing is left."""
        return self._not_zero("amount", value, self._step("amount"), ROUND_DOWN)

    def price(self, value: Any) -> str | None:
        """Rounded to the tick. Raises ``InvalidOrder`` where nothing is left."""
        return self._not_zero("price", value, self._step("price"), ROUND_HALF_UP)

    def cost(self, value: Any) -> str | None:
        """Cut to the step of costs, else of prices."""
        step = self._step("cost") or self._step("price")
        return None if value is None else round_to_step(value, step, ROUND_DOWN, self.mode)

    def fee(self, value: Any) -> str | None:
        """Rounded to the tick."""
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
    """A number as text, on the grid that ``step`` tells; without a step as it is.

    Raises ``InvalidOrder`` for what is no number.
    """
    try:
        number = Decimal(format_decimal(value))
    except ValueError as wrong:
        raise driver_error("InvalidOrder", str(wrong), code="validation_error") from None
    if step is None:
        return format_decimal(number)
    if mode != TICK_SIZE:
        theirs = import_module("ccxt.base.decimal_to_precision")
        how = theirs.TRUNCATE if rounding == ROUND_DOWN else theirs.ROUND
        return str(theirs.decimal_to_precision(format_decimal(number), how, step, mode))
    tick = Decimal(format_decimal(step))
    return format_decimal((number / tick).quantize(Decimal(1), rounding=rounding) * tick)


def _currencies(by_symbol: Mapping[str, Market]) -> dict[str, Any]:
    """The currencies that markets name, with the finest step that one of them tells."""
    steps: dict[str, Any] = {}
    ids: dict[str, Any] = {}
    for market in by_symbol.values():
        told = market.get("precision") or {}
        for part, fallback in (("base", "amount"), ("quote", "price"), ("settle", "price")):
            code = market.get(part)
            if code is None:
                continue
            step = told.get(part) or told.get(fallback)
            known = [each for each in (step, steps.get(code)) if each is not None]
            steps[code] = min(known) if known else None
            ids.setdefault(code, market.get(f"{part}Id") or code)
    return {code: _currency(code, ids[code], step) for code, step in sorted(steps.items())}


def _currency(code: str, id: Any, step: Any) -> dict[str, Any]:
    """ccxt's structure, all keys of it; a gateway says nothing of deposits."""
    nothing = dict.fromkeys(("name", "active", "deposit", "withdraw", "fee", "numericId", "margin"))
    ranges = {name: {"min": None, "max": None} for name in ("amount", "deposit", "withdraw")}
    told = {"info": {}, "id": id, "code": code, "precision": step, "type": None}
    return {**told, **nothing, "limits": ranges, "networks": {}, "fees": {}}
