"""Settings of a backtest, and the instrument that it trades."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from oms.domain.errors import Invalid
from oms.domain.instrument import Instrument, InstrumentKind
from oms.domain.market.funding_rate import FundingRate
from oms.domain.market.market_instrument import TradingSession
from oms.domain.market.timeframe import Timeframe
from oms.domain.money import ZERO, decimal_text
from oms.domain.risk.policy_keys import PRESETS
from oms.domain.value import value

STEP = Decimal("0.00000001")
"""Step of quantities and prices where no other one is known."""

OPEN_PRESET = "open"
"""The risk preset without any limit."""

_ONE, _HUNDRED = Decimal(1), Decimal(100)


@value
class BacktestSettings:
    """What a run depends on beside its strategy and its candles."""

    instrument: Instrument
    timeframe: Timeframe
    #: When the instrument trades: candles of a year, and which ones are missing.
    session: TradingSession = TradingSession.CONTINUOUS
    #: The first candle that is traded opens here or later; earlier ones are warm-up.
    start: datetime | None = None
    #: No candle opens here or later.
    end: datetime | None = None
    #: In quote.
    initial_balance: Decimal = Decimal(10_000)
    #: Fee of each execution, and price move against each market order, as fractions.
    commission: Decimal = Decimal("0.001")
    slippage: Decimal = Decimal("0.0005")
    #: Share of the equity that a position is opened with.
    position_pct: Decimal = Decimal(95)
    allow_short: bool = False
    #: Levels of positions, in percent of their entry price; a level of a decision replaces it.
    stop_loss_pct: Decimal | None = None
    take_profit_pct: Decimal | None = None
    stop_trailing_pct: Decimal | None = None
    #: Part of a candle's volume that resting limit orders may take, in percent; 0 is all.
    volume_cap_pct: Decimal = ZERO
    #: Limits on entries: one of ``domain.risk.policy_keys.PRESETS``.
    risk_preset: str = OPEN_PRESET
    #: Recorded rates of the contract, ascending; none: no funding.
    funding: Sequence[FundingRate] = ()


def check_settings(settings: BacktestSettings) -> None:
    """Raise ``Invalid`` for a value out of range."""
    instrument = settings.instrument
    _check("qty_step", instrument.step, above=ZERO)
    _check("price_tick", instrument.tick, above=ZERO)
    _check("min_notional", instrument.min_notional, minimum=ZERO)
    _check("initial_balance", settings.initial_balance, above=ZERO)
    _check("commission", settings.commission, minimum=ZERO, below=_ONE)
    _check("slippage", settings.slippage, minimum=ZERO, below=_ONE)
    _check("position_pct", settings.position_pct, above=ZERO, maximum=_HUNDRED)
    _check("volume_cap_pct", settings.volume_cap_pct, minimum=ZERO, maximum=_HUNDRED)
    for name in ("stop_loss_pct", "take_profit_pct", "stop_trailing_pct"):
        _check(name, getattr(settings, name), above=ZERO, below=_HUNDRED)
    if settings.risk_preset not in PRESETS:
        raise Invalid(f"risk_preset {settings.risk_preset!r}: one of {', '.join(PRESETS)}")
    if settings.start is not None and settings.end is not None and settings.start >= settings.end:
        raise Invalid("start must be before end")


def contract_of(
    symbol: str, *, step: Decimal = STEP, tick: Decimal = STEP, min_notional: Decimal = ZERO
) -> Instrument:
    """Return ``symbol`` as a contract of size 1 that is settled in its quote currency.

    At leverage 1 its equity is that of spot trading with fees in quote, long and short alike.
    """
    pair = symbol.partition(":")[0]
    base, _, quote = pair.partition("/")
    quote = quote or "USD"
    return Instrument(
        symbol=symbol,
        kind=InstrumentKind.LINEAR,
        base=base,
        quote=quote,
        settle=quote,
        tick=tick,
        step=step,
        min_notional=min_notional,
    )


def _check(
    name: str,
    number: Decimal | None,
    *,
    above: Decimal | None = None,
    minimum: Decimal | None = None,
    maximum: Decimal | None = None,
    below: Decimal | None = None,
) -> None:
    if number is None:
        return
    limits = (
        ("above", above, above is None or number > above),
        ("at least", minimum, minimum is None or number >= minimum),
        ("at most", maximum, maximum is None or number <= maximum),
        ("below", below, below is None or number < below),
    )
    for word, limit, holds in limits:
        if not holds and limit is not None:
            raise Invalid(f"{name} {decimal_text(number)} must be {word} {decimal_text(limit)}")
