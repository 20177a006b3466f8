"""Built-in instruments, the stocks an account names, and the fees of each venue profile.

With these a paper account works without a network. All venues have the same instruments; a venue
without fees of its own has those of ``GENERIC``.
"""

from collections.abc import Collection, Mapping
from decimal import Decimal
from functools import cache, lru_cache
from types import MappingProxyType

from oms.domain.account import Account
from oms.domain.instrument import Instrument, InstrumentKind
from oms.domain.market_hours import Session
from oms.domain.money import ZERO
from oms.simulation.settings import FeeRates

GENERIC = "generic"

DOLLARS = "USD"

#: Symbol: tick, step, minimum notional in quote.
_SPOT: Mapping[str, tuple[str, str, str]] = MappingProxyType(
    {
        "BTC/USDT": ("0.01", "0.00001", "5"),
        "BTC/USDC": ("0.01", "0.00001", "5"),
        "ETH/USDT": ("0.01", "0.0001", "5"),
        "BNB/USDT": ("0.01", "0.001", "5"),
        "SOL/USDT": ("0.01", "0.001", "5"),
        "LTC/USDT": ("0.01", "0.001", "5"),
        "LINK/USDT": ("0.01", "0.01", "5"),
        "XRP/USDT": ("0.0001", "0.1", "5"),
        "ADA/USDT": ("0.0001", "0.1", "5"),
        "DOGE/USDT": ("0.00001", "1", "5"),
        "ETH/BTC": ("0.00001", "0.0001", "0.0001"),
        "USDC/USDT": ("0.0001", "1", "5"),
    }
)

#: Base of …/USDT:USDT: tick, step, minimum notional, maximum leverage, maintenance rate.
_LINEAR: Mapping[str, tuple[str, str, str, int, str]] = MappingProxyType(
    {
        "BTC": ("0.1", "0.001", "100", 125, "0.004"),
        "ETH": ("0.01", "0.001", "20", 100, "0.005"),
        "BNB": ("0.01", "0.01", "5", 75, "0.005"),
        "SOL": ("0.01", "0.01", "5", 75, "0.005"),
        "LTC": ("0.01", "0.001", "20", 75, "0.005"),
        "XRP": ("0.0001", "0.1", "5", 75, "0.005"),
        "ADA": ("0.0001", "1", "5", 75, "0.005"),
        "DOGE": ("0.00001", "1", "5", 75, "0.005"),
    }
)

#: Base of …/USD:base: tick, dollars per contract, maximum leverage, maintenance rate.
_INVERSE: Mapping[str, tuple[str, str, int, str]] = MappingProxyType(
    {
        "BTC": ("0.1", "100", 125, "0.004"),
        "ETH": ("0.01", "10", 100, "0.005"),
    }
)

#: Venue: maker and taker in percent, on spot, then on linear; ``None`` without such a market.
_FEES: Mapping[str, tuple[tuple[str, str] | None, tuple[str, str] | None]] = MappingProxyType(
    {
        "binance": (("0.1", "0.1"), ("0.02", "0.05")),
        "bybit": (("0.1", "0.1"), ("0.02", "0.055")),
        "okx": (("0.1", "0.15"), ("0.02", "0.05")),
        "kraken": (("0.16", "0.26"), None),
        "krakenfutures": (None, ("0.02", "0.05")),
        "coinbase": (("0.6", "1.2"), None),
        "kucoin": (("0.1", "0.1"), None),
        "bitget": (("0.2", "0.2"), ("0.04", "0.06")),
        "gate": (("0.2", "0.2"), ("0", "0.05")),
        "hyperliquid": (("0.04", "0.07"), ("0.015", "0.045")),
        "bingx": (("0.1", "0.1"), ("0.02", "0.05")),
        GENERIC: (("0.1", "0.1"), ("0.02", "0.05")),
    }
)


@cache
def _built_in() -> Mapping[str, Instrument]:
    rows = [*(_spot(symbol) for symbol in _SPOT), *(_linear(base) for base in _LINEAR)]
    rows += [_inverse(base) for base in _INVERSE]
    return MappingProxyType({row.symbol: row for row in rows})


def instruments_of(venue: str) -> Mapping[str, Instrument]:
    """Returns all instruments of a paper venue by symbol; at present the same for each venue."""
    del venue
    return _built_in()


def paper_instruments(account: Account) -> Mapping[str, Instrument]:
    """Returns the instruments of a paper account: those of its venue, and its stocks."""
    stocks = account.paper.stocks
    return _with_stocks(account.venue, stocks) if stocks else instruments_of(account.venue)


@lru_cache
def _with_stocks(venue: str, stocks: Collection[str]) -> Mapping[str, Instrument]:
    added = {symbol: _stock(symbol) for symbol in stocks}
    return MappingProxyType({**instruments_of(venue), **added})


@cache
def fees_of(venue: str) -> Mapping[InstrumentKind, FeeRates]:
    """Returns the fees of a venue by kind; those of ``GENERIC`` where it has no such market."""
    spot, linear = _FEES.get(venue, _FEES[GENERIC])
    generic_spot, generic_linear = _FEES[GENERIC]
    return MappingProxyType(
        {
            InstrumentKind.SPOT: _rates(spot or generic_spot),
            InstrumentKind.LINEAR: _rates(linear or generic_linear),
            InstrumentKind.INVERSE: _rates(linear or generic_linear),
        }
    )


def _rates(percents: tuple[str, str] | None) -> FeeRates:
    assert percents is not None, "the generic profile has both markets"
    maker, taker = (Decimal(percent).scaleb(-2) for percent in percents)
    return FeeRates(maker=maker, taker=taker)


def _spot(symbol: str) -> Instrument:
    base, _, quote = symbol.partition("/")
    tick, step, min_notional = _SPOT[symbol]
    return Instrument(
        symbol=symbol,
        kind=InstrumentKind.SPOT,
        base=base,
        quote=quote,
        settle=quote,
        tick=Decimal(tick),
        step=Decimal(step),
        min_notional=Decimal(min_notional),
    )


def _stock(symbol: str) -> Instrument:
    """Returns a US stock: whole shares, cents, paid in dollars."""
    return Instrument(
        symbol=symbol,
        kind=InstrumentKind.SPOT,
        base=symbol,
        quote=DOLLARS,
        settle=DOLLARS,
        tick=Decimal("0.01"),
        step=Decimal(1),
        min_notional=ZERO,
        session=Session.US_EQUITY,
    )


def _linear(base: str) -> Instrument:
    tick, step, min_notional, max_leverage, maintenance = _LINEAR[base]
    return Instrument(
        symbol=f"{base}/USDT:USDT",
        kind=InstrumentKind.LINEAR,
        base=base,
        quote="USDT",
        settle="USDT",
        tick=Decimal(tick),
        step=Decimal(step),
        min_notional=Decimal(min_notional),
        max_leverage=max_leverage,
        maintenance_rate=Decimal(maintenance),
    )


def _inverse(base: str) -> Instrument:
    tick, contract_size, max_leverage, maintenance = _INVERSE[base]
    return Instrument(
        symbol=f"{base}/USD:{base}",
        kind=InstrumentKind.INVERSE,
        base=base,
        quote="USD",
        settle=base,
        tick=Decimal(tick),
        step=Decimal(1),
        min_notional=Decimal(contract_size),
        contract_size=Decimal(contract_size),
        max_leverage=max_leverage,
        maintenance_rate=Decimal(maintenance),
    )
