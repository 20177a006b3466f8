"""What the flags of backtests say: settings, parameters and the candles of a file."""

import argparse
import gzip
import io
from collections.abc import Iterable, Iterator
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

LINES_PER_REPORT = 1000
_NUMBERS = ("initial_balance", "commission", "slippage", "position_pct")
_LEVELS = ("stop_loss_pct", "take_profit_pct", "stop_trailing_pct")


def read_request(parsed: argparse.Namespace, parameters: dict[str, str]) -> BacktestRequest:
    """Return the request of the flags. Raises ``CommandFailed``."""
    numbers = {name: read_number(parsed, name) for name in (*_NUMBERS, *_LEVELS)}
    instrument = contract_of(
        parsed.symbol,
        step=read_number(parsed, "qty_step") or STEP,
        tick=read_number(parsed, "price_tick") or STEP,
        min_notional=read_number(parsed, "min_notional") or Decimal(0),
    )
    settings = BacktestSettings(
        instrument=instrument,
        timeframe=Timeframe(parsed.timeframe),
        start=read_time(parsed.start, "start"),
        end=read_time(parsed.end, "end"),
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
            path.open("rb") as file,
            _text_of(file, path) as text,
            ProgressReport("candles", path.stat().st_size) as progress,
        ):
            yield from read_candles(_lines(text, file, progress), timeframe)
    except (OSError, EOFError, UnicodeDecodeError) as error:
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


def _text_of(file: IO[bytes], path: Path) -> io.TextIOWrapper:
    """Return the text of a file, decompressed if its name ends with ``.gz``."""
    content = gzip.GzipFile(fileobj=file) if path.suffix == ".gz" else file
    return io.TextIOWrapper(content, encoding="utf-8", newline="")


def _lines(text: Iterable[str], file: IO[bytes], progress: ProgressReport) -> Iterator[str]:
    """Yield the lines and report how much of the file was read."""
    for number, line in enumerate(text):
        if not number % LINES_PER_REPORT:
            progress.update(file.seek(0, io.SEEK_CUR))
        yield line


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
