"""What the flags of backtests say: settings, parameters and the candles of a file."""

import argparse
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import IO

from oms.backtest.settings import STEP, BacktestSettings, contract_of
from oms.cli.output import CommandFailed
from oms.cli.terminal.progress import ProgressReport
from oms.domain.errors import OmsError
from oms.domain.market.candle import Candle
from oms.domain.market.timeframe import Timeframe
from oms.domain.money import NotADecimal, parse_decimal
from oms.services.backtests.run_backtest import BacktestRequest
from oms.wire.market.candle_file import read_candles

_NUMBERS = ("initial_balance", "commission", "slippage", "position_pct")
_LEVELS = ("stop_loss_pct", "take_profit_pct", "stop_trailing_pct")


def read_request(parsed: argparse.Namespace, parameters: dict[str, str]) -> BacktestRequest:
    """Return the request of the flags. Raises ``CommandFailed``."""
    numbers = {name: _number(parsed, name) for name in (*_NUMBERS, *_LEVELS)}
    instrument = contract_of(
        parsed.symbol,
        step=_number(parsed, "qty_step") or STEP,
        tick=_number(parsed, "price_tick") or STEP,
        min_notional=_number(parsed, "min_notional") or Decimal(0),
    )
    settings = BacktestSettings(
        instrument=instrument,
        timeframe=Timeframe(parsed.timeframe),
        start=_time(parsed.start, "start"),
        end=_time(parsed.end, "end"),
        allow_short=parsed.allow_short,
        **{name: number for name, number in numbers.items() if number is not None},
    )
    return BacktestRequest(strategy=parsed.strategy, parameters=parameters, settings=settings)


def read_parameters(texts: list[str]) -> dict[str, str]:
    """Return the parameters of ``NAME=VALUE`` texts. Raises ``CommandFailed``."""
    parameters = {}
    for text in texts:
        name, equals, number = text.partition("=")
        if not equals or not name or name in parameters:
            raise CommandFailed(f"--param {text!r}: NAME=VALUE, each name once", status=2)
        parameters[name] = number
    return parameters


def read_file(name: str, timeframe: Timeframe) -> Iterator[Candle]:
    """Yield the candles of a CSV file and report the progress. Raises ``CommandFailed``."""
    path = Path(name)
    try:
        with (
            path.open(encoding="utf-8", newline="") as file,
            ProgressReport("candles", path.stat().st_size) as progress,
        ):
            yield from read_candles(_lines(file, progress), timeframe)
    except (OSError, UnicodeDecodeError) as error:
        raise CommandFailed(f"{name}: {error}", status=2) from None


def write_text(name: str, text: str) -> None:
    """Write a file. Raises ``CommandFailed``."""
    try:
        Path(name).write_text(text, encoding="utf-8")
    except OSError as error:
        raise CommandFailed(f"{name}: {error}", status=2) from None


def failure(error: OmsError) -> CommandFailed:
    """Return the failure of a request that is refused."""
    return CommandFailed(
        f"{error.code}: {error.message}", status=4 if error.code == "not_found" else 2
    )


def _lines(file: IO[str], progress: ProgressReport) -> Iterator[str]:
    done = 0
    for line in file:
        done += len(line)
        progress.update(done)
        yield line


def _number(parsed: argparse.Namespace, name: str) -> Decimal | None:
    text = getattr(parsed, name)
    if text is None:
        return None
    try:
        return parse_decimal(text)
    except NotADecimal as problem:
        flag = name.replace("_", "-")
        raise CommandFailed(f"--{flag} {text!r}: {problem}", status=2) from None


def _time(text: str | None, name: str) -> datetime | None:
    if text is None:
        return None
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise CommandFailed(f"--{name} {text!r}: a date or an RFC 3339 time", status=2) from None
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
