"""Instruments of an account: names, lots, steps and ticks, from the markets of its exchange."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from typing import Any

from mt5_driver.config import SymbolName
from mt5_driver.numbers import decimal_text, read_decimal, round_to

#: ccxt's precision modes: decimal places, significant digits, steps.
_DECIMAL_PLACES, _TICK_SIZE = 2, 4
_ONE = Decimal(1)


class Kind(Enum):
    """How the profit of an instrument is computed."""

    SPOT = "spot"
    LINEAR = "linear"
    INVERSE = "inverse"


@dataclass(frozen=True, slots=True, kw_only=True)
class Instrument:
    """One symbol. Volumes are in lots: ``lot_size`` of the gateway's quantity each."""

    name: str
    symbol: str
    kind: Kind
    base: str
    quote: str
    settle: str
    #: The value of one unit of an inverse contract in its quote; 1 for all others.
    contract_size: Decimal
    lot_size: Decimal
    tick: Decimal
    volume_step: Decimal
    volume_min: Decimal
    volume_max: Decimal | None
    max_leverage: Decimal | None

    @property
    def digits(self) -> int:
        """Decimal places of prices."""
        exponent = self.tick.normalize().as_tuple().exponent
        return max(-int(exponent), 0)

    @property
    def point(self) -> Decimal:
        """The smallest step that the digits can express."""
        return Decimal(1).scaleb(-self.digits)

    def to_quantity(self, lots: Decimal) -> Decimal:
        """Returns the gateway's quantity of a volume."""
        return lots * self.lot_size

    def to_lots(self, quantity: Decimal | str | None) -> Decimal:
        """Returns the volume of a quantity of the gateway; 0 for null."""
        return (read_decimal(quantity) or Decimal(0)) / self.lot_size

    def price_text(self, price: Decimal) -> str | None:
        """Returns a price at the instrument's digits as text; ``None`` for 0, which is no price."""
        return decimal_text(round_to(price, self.point)) if price else None

    def profit(
        self, quantity: Decimal, open_price: Decimal, close_price: Decimal, *, is_long: bool
    ) -> Decimal:
        """Returns the profit of a position in its settle currency, without fees."""
        if self.kind is Kind.INVERSE:
            gain = self.contract_size * (1 / open_price - 1 / close_price)
        else:
            gain = close_price - open_price
        return quantity * (gain if is_long else -gain)

    def notional(self, quantity: Decimal, price: Decimal) -> Decimal:
        """Returns the value of a quantity in the settle currency."""
        if self.kind is Kind.INVERSE:
            return quantity * self.contract_size / price
        return quantity * price


class SymbolCatalog:
    """The instruments of an account by their names and by the gateway's symbols."""

    def __init__(self, instruments: Iterable[Instrument]) -> None:
        self._by_name = {each.name: each for each in instruments}
        self._by_symbol = {each.symbol: each for each in self._by_name.values()}

    def all(self) -> list[Instrument]:
        """Returns all instruments by name."""
        return [self._by_name[name] for name in sorted(self._by_name)]

    def find(self, name: str) -> Instrument | None:
        """Returns the instrument of a name, or of a symbol of the gateway."""
        return self._by_name.get(name) or self._by_symbol.get(name)

    def name_of(self, symbol: str) -> str:
        """Returns the name of a symbol of the gateway; itself if it is traded no more."""
        known = self._by_symbol.get(symbol)
        return symbol if known is None else known.name

    def lots(self, symbol: str, quantity: str | None) -> float:
        """Returns a quantity of a row as volume."""
        known = self._by_symbol.get(symbol)
        if known is None:
            return float(quantity or 0)
        return float(known.to_lots(quantity))


def build_catalog(
    markets: Mapping[str, Any], precision_mode: int, names: tuple[SymbolName, ...]
) -> SymbolCatalog:
    """Returns the catalogue of ccxt's markets: active spot markets and perpetual contracts."""
    named = {each.symbol: each for each in names}
    instruments = []
    for symbol, market in markets.items():
        if not (market.get("spot") or market.get("swap")) or market.get("active") is False:
            continue
        name = named.get(symbol) or SymbolName(name=symbol, symbol=symbol)
        step = _steps(market, precision_mode)
        tick, amount_step = step("price"), step("amount")
        if tick and amount_step:
            instruments.append(_instrument(market, name, tick, amount_step))
    return SymbolCatalog(instruments)


def _instrument(market: Any, name: SymbolName, tick: Decimal, amount_step: Decimal) -> Instrument:
    size = read_decimal(market.get("contractSize")) or _ONE
    kind = Kind.SPOT if market.get("spot") else Kind.LINEAR
    if market.get("inverse"):
        kind = Kind.INVERSE
    # The gateway counts linear contracts in units of the base, inverse ones in contracts.
    unit = (size if kind is Kind.LINEAR else _ONE) / name.lot_size
    limits = (market.get("limits") or {}).get("amount") or {}
    leverage = (market.get("limits") or {}).get("leverage") or {}
    least = (read_decimal(limits.get("min")) or amount_step) * unit
    most = read_decimal(limits.get("max"))
    return Instrument(
        name=name.name,
        symbol=name.symbol,
        kind=kind,
        base=market.get("base") or "",
        quote=market.get("quote") or "",
        settle=market.get("settle") or market.get("quote") or "",
        contract_size=size if kind is Kind.INVERSE else _ONE,
        lot_size=name.lot_size,
        tick=tick,
        volume_step=amount_step * unit,
        volume_min=max(least, amount_step * unit),
        volume_max=None if most is None else most * unit,
        max_leverage=read_decimal(leverage.get("max")),
    )


def _steps(market: Any, mode: int) -> Callable[[str], Decimal | None]:
    precision = market.get("precision") or {}

    def step(name: str) -> Decimal | None:
        value = read_decimal(precision.get(name))
        if value is None or mode == _TICK_SIZE:
            return value
        return _ONE.scaleb(-int(value)) if mode == _DECIMAL_PLACES else None

    return step
