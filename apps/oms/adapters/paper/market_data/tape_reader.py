"""Reads tapes (recorded markets) as a stream of books, quotes and trades ordered by time.

CSV is read by column names, JSON lines by keys; both plain or gzip. Files are streamed, never read
as a whole. Only files inside the tape folder can be named. ``tape_replay`` plays them.
"""

import csv
import gzip
import heapq
import io
import json
import zlib
from collections.abc import Iterator, Sequence
from datetime import datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TextIO

from oms.adapters.paper.market_data.depth_book import DepthBook
from oms.adapters.paper.market_data.json_inputs import parse_input
from oms.adapters.paper.market_data.tape_columns import select_row_reader
from oms.domain.errors import Invalid
from oms.domain.money import NotADecimal
from oms.domain.value import evolve
from oms.simulation.inputs import (
    FundingRateUpdate,
    MarketUpdate,
    MarkPriceUpdate,
    QuoteUpdate,
    TradeTick,
)

_GZIP = b"\x1f\x8b"
LINE_CHARACTERS_MAX = 1_000_000
"""Maximum length of a line."""


def tape_path(folder: Path, name: str) -> Path:
    """Returns the path of a file in the tape folder. Raises ``Invalid`` if there is none."""
    root = folder.resolve()
    path = (root / name).resolve()
    if not name or not path.is_relative_to(root):
        raise tape_error(f"{name!r} leads out of the folder of tapes", "tape_forbidden")
    if not path.is_file():
        raise tape_error(f"the folder of tapes holds no file {name!r}", "tape_not_found")
    return path


def read_tapes(paths: Sequence[Path], symbol: str) -> Iterator[MarketUpdate]:
    """Yields updates of ``symbol`` from the files, merged by time, then by the order of the files.

    Raises ``Invalid``, reason ``tape_unreadable``, at the line that cannot be read.
    """
    tapes = [read_tape(path, symbol) for path in paths]
    return with_trade_prices(heapq.merge(*tapes, key=lambda update: update.at))


def read_tape(path: Path, symbol: str) -> Iterator[MarketUpdate]:
    """Yields updates of ``symbol`` from one file; times never go back."""
    last: datetime | None = None
    number = 0
    try:
        with path.open("rb") as raw:
            is_compressed = raw.read(2) == _GZIP
            raw.seek(0)
            plain = gzip.GzipFile(fileobj=raw) if is_compressed else raw
            with io.TextIOWrapper(plain, encoding="utf-8", newline="") as text:
                for number, update in _read_lines(text, symbol):  # noqa: B007 - used in the except clauses
                    last = update.at if last is None else max(last, update.at)
                    yield update if update.at == last else evolve(update, at=last)
    except Invalid as error:
        raise tape_error(f"{path.name}: {error.message}", "tape_unreadable") from None
    except (OSError, EOFError, zlib.error, UnicodeDecodeError, csv.Error) as error:
        raise tape_error(f"{path.name}, after line {number}: {error}", "tape_unreadable") from None


def with_trade_prices(update: Iterator[MarketUpdate]) -> Iterator[MarketUpdate]:
    """Yields ``update`` with a quote of unlimited depth for each trade before the first real price.

    So a tape of trades alone has prices, and one of trades and books has those of its books.
    """
    for each in update:
        if isinstance(each, TradeTick):
            yield QuoteUpdate(symbol=each.symbol, bid=each.price, ask=each.price, at=each.at)
        yield each
        if is_price(each):
            break
    yield from update


def is_price(update: MarketUpdate) -> bool:
    """Returns whether the update replaces the current price."""
    return not isinstance(update, TradeTick | MarkPriceUpdate | FundingRateUpdate)


def tape_error(message: str, reason: str) -> Invalid:
    """Returns the error of a tape that has no price."""
    return Invalid(message, code="no_price", reason=reason)


def _read_lines(text: TextIO, symbol: str) -> Iterator[tuple[int, MarketUpdate]]:
    first = text.readline(LINE_CHARACTERS_MAX)
    lines = _lines(first, text)
    return _read_json(lines, symbol) if first.lstrip().startswith("{") else _read_csv(lines, symbol)


def _lines(first: str, text: TextIO) -> Iterator[str]:
    line = first
    while line:
        yield line
        line = text.readline(LINE_CHARACTERS_MAX)


def _read_csv(lines: Iterator[str], symbol: str) -> Iterator[tuple[int, MarketUpdate]]:
    rows = csv.reader(lines)
    header = next(rows, [])
    reader = select_row_reader([name.strip().lower() for name in header], symbol)
    number = 1
    try:
        for row in rows:
            number += 1
            if row:
                for update in reader.read(row):
                    yield number, update
        for update in reader.end():
            yield number, update
    except (ValueError, IndexError, InvalidOperation, NotADecimal) as error:
        raise Invalid(f"line {number} cannot be read: {error!r}") from None


def _read_json(lines: Iterator[str], symbol: str) -> Iterator[tuple[int, MarketUpdate]]:
    depth = DepthBook(symbol)
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            fields = json.loads(line, parse_float=Decimal)
            if "do" not in fields and "u" in fields:
                updates = depth.read(fields)
            else:
                updates = _parse_own_line(fields, symbol)
        except Invalid as error:
            raise Invalid(f"line {number}: {error.message}") from None
        except (ValueError, TypeError, KeyError, InvalidOperation, NotADecimal) as error:
            raise Invalid(f"line {number} cannot be read: {error!r}") from None
        for update in updates:
            yield number, update


def _parse_own_line(fields: dict[str, object], symbol: str) -> list[MarketUpdate]:
    """Parses a line of our own format; lines of other symbols are skipped."""
    if fields.setdefault("symbol", symbol) != symbol:
        return []
    update = parse_input(fields)
    if not isinstance(update, MarketUpdate):
        raise Invalid(f"{fields['do']} is not allowed in a tape; it holds market updates only")
    return [update]
