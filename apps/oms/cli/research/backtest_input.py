"""What the flags of backtests say: settings and parameters."""

import argparse
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from oms.backtest.settings import BacktestSettings, contract_of
from oms.cli.output import CommandFailed
from oms.cli.research.candle_input import stored_funding
from oms.cli.settings import environment
from oms.domain.errors import OmsError
from oms.domain.market.market_instrument import MarketInstrument
from oms.domain.market.timeframe import Timeframe
from oms.domain.money import NotADecimal, parse_decimal
from oms.domain.value import value
from oms.ports.research.strategy_process import StrategyFailed

_NUMBERS = ("initial_balance", "commission", "slippage", "position_pct")
_LEVELS = ("stop_loss_pct", "take_profit_pct", "stop_trailing_pct")


@value
class RequestedRun:
    """What the flags request; the strategy is not loaded yet."""

    strategy: str
    parameters: Mapping[str, str]
    settings: BacktestSettings


def read_request(
    parsed: argparse.Namespace, parameters: dict[str, str], stored: MarketInstrument | None
) -> RequestedRun:
    """Return the request of the flags; those of the instrument default to the ``stored`` one.

    Raises ``CommandFailed``.
    """
    numbers = {name: read_number(parsed, name) for name in (*_NUMBERS, *_LEVELS)}
    known = stored or MarketInstrument(id=0, exchange="", symbol="", base="", quote="")
    step, tick = read_number(parsed, "qty_step"), read_number(parsed, "price_tick")
    min_notional = read_number(parsed, "min_notional")
    instrument = contract_of(
        parsed.symbol,
        step=known.qty_step if step is None else step,
        tick=known.price_tick if tick is None else tick,
        min_notional=known.min_notional if min_notional is None else min_notional,
    )
    settings = BacktestSettings(
        instrument=instrument,
        timeframe=Timeframe(parsed.timeframe),
        session=known.session,
        start=read_time(parsed.start, "start"),
        end=read_time(parsed.end, "end"),
        allow_short=parsed.allow_short,
        risk_preset=parsed.risk_preset,
        funding=() if stored is None else stored_funding(stored),
        **{name: number for name, number in numbers.items() if number is not None},
    )
    return RequestedRun(strategy=parsed.strategy, parameters=parameters, settings=settings)


def strategies_path(parsed: argparse.Namespace) -> Path | None:
    """Return the file or folder of strategies of the flag or of ``OMS_STRATEGIES``."""
    name = parsed.strategies or environment().get("OMS_STRATEGIES")
    return Path(name) if name else None


def read_parameters(texts: list[str]) -> dict[str, str]:
    """Return the parameters of ``NAME=VALUE`` texts. Raises ``CommandFailed``."""
    parameters = {}
    for text in texts:
        name, equals, number = text.partition("=")
        if not equals or not name or name in parameters:
            raise CommandFailed(f"--param {text!r}: NAME=VALUE, each name once", status=2)
        parameters[name] = number
    return parameters


def write_text(name: str, text: str) -> None:
    """Write a file. Raises ``CommandFailed``."""
    try:
        Path(name).write_text(text, encoding="utf-8")
    except OSError as error:
        raise CommandFailed(f"{name}: {error}", status=2) from None


def failure(error: OmsError) -> CommandFailed:
    """Return the failure of a request that is refused, or of a strategy of a user."""
    if isinstance(error, StrategyFailed):
        return CommandFailed(f"{error.description}\n{error.traceback}".strip(), status=1)
    return CommandFailed(
        f"{error.code}: {error.message}", status=4 if error.code == "not_found" else 2
    )


def read_number(parsed: argparse.Namespace, name: str) -> Decimal | None:
    """Return the number of a flag. Raises ``CommandFailed``."""
    text = getattr(parsed, name)
    if text is None:
        return None
    try:
        return parse_decimal(text)
    except NotADecimal as problem:
        flag = name.replace("_", "-")
        raise CommandFailed(f"--{flag} {text!r}: {problem}", status=2) from None


def read_time(text: str | None, name: str) -> datetime | None:
    """Return the time of a flag, UTC unless it has a zone. Raises ``CommandFailed``."""
    if text is None:
        return None
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise CommandFailed(f"--{name} {text!r}: a date or an RFC 3339 time", status=2) from None
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
