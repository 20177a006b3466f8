"""The candles of a backtest: those of a CSV file or of the database."""

import argparse
import gzip
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import IO, TypeVar

from oms import bootstrap
from oms.adapters.sql.store import SqlStore
from oms.cli.install import run_async
from oms.cli.output import CommandFailed
from oms.cli.settings import command_settings
from oms.cli.terminal.progress import ProgressReport
from oms.domain.market.candle import Candle
from oms.domain.market.funding_rate import FundingRate
from oms.domain.market.market_instrument import MarketInstrument
from oms.domain.market.timeframe import Timeframe
from oms.domain.value import value
from oms.ports.market.candle_store import CandleSeries
from oms.services.backtests.load_funding import SPOT
from oms.services.candles.store_candles import require_instrument
from oms.wire.market.candle_file import read_candles

Item = TypeVar("Item")

LINES_PER_REPORT = 1000

Load = Callable[[], Iterable[Candle]]
"""Reads the candles; it can be sent to another process of the same environment."""


@value
class StoredInput:
    """A series in the database that the settings name."""

    exchange: str
    symbol: str
    timeframe: Timeframe

    def instrument(self) -> MarketInstrument:
        """Return its instrument. Raises ``CommandFailed``."""
        return run_async(self._instrument())

    def __call__(self) -> list[Candle]:
        """Return the closed candles. Raises ``CommandFailed``."""
        return run_async(self._candles())

    async def _instrument(self) -> MarketInstrument:
        async with bootstrap.open_store(command_settings(argparse.Namespace())) as store:
            await bootstrap.require_schema(store)
            return await self._find(store)

    async def _candles(self) -> list[Candle]:
        async with bootstrap.open_store(command_settings(argparse.Namespace())) as store:
            instrument = await self._find(store)
            series = CandleSeries(instrument_id=instrument.id, timeframe=self.timeframe)
            return [row.candle async for row in store.candles.closed(series)]

    async def _find(self, store: SqlStore) -> MarketInstrument:
        return await require_instrument(store.instruments, self.exchange, self.symbol)


def candle_input(parsed: argparse.Namespace) -> tuple[Load, MarketInstrument | None]:
    """Return what reads the candles of the flags, and their instrument if it is stored.

    Raises ``CommandFailed``.
    """
    timeframe = Timeframe(parsed.timeframe)
    if parsed.csv is not None:
        return partial(read_file, parsed.csv, timeframe), None
    stored = StoredInput(exchange=parsed.exchange, symbol=parsed.symbol, timeframe=timeframe)
    return stored, stored.instrument()


def read_file(name: str, timeframe: Timeframe) -> Iterator[Candle]:
    """Yield the candles of a CSV file and report the progress. Raises ``CommandFailed``."""
    return read_rows(name, "candles", lambda lines: read_candles(lines, timeframe))


def stored_funding(instrument: MarketInstrument) -> Sequence[FundingRate]:
    """Return the stored funding rates of a contract. Raises ``CommandFailed``."""
    if instrument.market_type == SPOT:
        return ()

    async def read() -> Sequence[FundingRate]:
        async with bootstrap.open_store(command_settings(argparse.Namespace())) as store:
            return await store.funding_rates.of(instrument.id, None)

    return run_async(read())


def read_rows(
    name: str, noun: str, read: Callable[[Iterable[str]], Iterator[Item]]
) -> Iterator[Item]:
    """Yield what ``read`` makes of a file, and report the progress. Raises ``CommandFailed``."""
    path = Path(name)
    try:
        with (
            path.open("rb") as file,
            _text_of(file, path) as text,
            ProgressReport(noun, path.stat().st_size) as progress,
        ):
            yield from read(_lines(text, file, progress))
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise CommandFailed(f"{name}: {error}", status=2) from None


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
