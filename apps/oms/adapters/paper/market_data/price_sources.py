"""Price sources of a paper account: random walk, tape, manual prices, or a real exchange.

It holds the source of each symbol, computes random walks, and tracks the position of each tape.
Prices of all sources but random walks are part of the exchange state.
"""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import Any

from oms.adapters.paper.market_data.tape_replay import TapePosition, TapeReplay
from oms.domain.account import Account
from oms.domain.errors import Invalid
from oms.domain.instrument import Instrument
from oms.simulation.inputs import BookUpdate
from oms.simulation.market.hashed_noise import path_key
from oms.simulation.market.random_walk import STEP_DURATION, book_at, quote_at, step_at
from oms.simulation.market.traded_volume import volume_between, volumes_between
from oms.simulation.state.exchange_state import EPOCH
from oms.simulation.state.paper_market import Level


class PriceSource(StrEnum):
    """Source of a symbol's price."""

    WALK = "walk"
    MANUAL = "manual"
    REPLAY = "replay"
    LIVE = "live"


DEFAULT_TAPE_FOLDER = Path("var/tapes")
"""Tape folder where the settings name no other."""

#: Aliases that settings may use.
_ALIASES = {"sim": PriceSource.WALK}

DAY = timedelta(days=1)
_DAY_SAMPLES = 48
_DAY_STEPS = DAY // STEP_DURATION


class PriceSources:
    """Price sources of one account. Raises ``Invalid`` where settings name an unknown one."""

    def __init__(self, account: Account, tapes: Path = DEFAULT_TAPE_FOLDER) -> None:
        settings = account.paper
        #: Accounts of one exchange see one market, unless they have seeds of their own.
        self._seed = market_seed(account.venue) if settings.seed is None else settings.seed
        start = settings.walk_start
        self._first_step = 0 if start is None else step_at(start)
        self._default = parse_price_source(settings.source)
        self._sources = {
            symbol: parse_price_source(name) for symbol, name in settings.sources.items()
        }
        #: Last book of each random walk, and until when it is valid.
        self._last_books: dict[str, tuple[BookUpdate, datetime]] = {}
        self._replay = settings.replay
        self._tapes = tapes
        self._positions: dict[str, TapePosition] = {}
        self._replays: dict[str, TapeReplay] = {}

    def source(self, symbol: str) -> PriceSource:
        """Returns the source of the symbol."""
        return self._sources.get(symbol, self._default)

    def is_stored(self, symbol: str) -> bool:
        """Returns whether the symbol's market must be stored; random walks are computed again."""
        return self.source(symbol) is not PriceSource.WALK

    def replay(self, symbol: str) -> TapeReplay:
        """Returns the tape of a symbol whose source is ``replay``."""
        if symbol not in self._replays:
            self._replays[symbol] = self._open_replay(symbol, self._tapes_started_at())
        return self._replays[symbol]

    def resume_tapes(self, rows: Mapping[str, str]) -> None:
        """Resumes the tapes at their positions in the stored market rows."""
        for symbol, text in rows.items():
            row = json.loads(text).get("tape")
            if row is not None and self.source(symbol) is PriceSource.REPLAY:
                self._positions[symbol] = _decode_position(row)

    def with_tape_position(self, symbol: str, text: str) -> str:
        """Returns a symbol's market row with the position of its tape."""
        replay = self._replays.get(symbol)
        if replay is None or replay.position is None:
            return text
        row = json.loads(text) | {"tape": _encode_position(replay.position)}
        return json.dumps(row, separators=(",", ":"), sort_keys=True)

    def _tapes_started_at(self) -> datetime | None:
        """Returns when the account's tapes started; ``None`` if none has."""
        for symbol in self._positions.keys() - self._replays.keys():
            self._replays[symbol] = self._open_replay(symbol, None)
        positions = [
            replay.position for replay in self._replays.values() if replay.position is not None
        ]
        return min((position.started_at for position in positions), default=None)

    def _open_replay(self, symbol: str, since: datetime | None) -> TapeReplay:
        position = self._positions.get(symbol)
        return TapeReplay(self._tapes, symbol, self._replay, position, since)

    def walk_book(self, instrument: Instrument, now: datetime) -> BookUpdate:
        """Returns the book of the random walk at ``now``; the same object within a step."""
        cached = self._last_books.get(instrument.symbol)
        if cached is not None and cached[0].at <= now < cached[1]:
            return cached[0]
        book = _walk_book(self._seed, instrument, step_at(now), self._first_step)
        self._last_books[instrument.symbol] = (book, book.at + STEP_DURATION)
        return book

    def walk_depth(
        self, instrument: Instrument, now: datetime, depth: int
    ) -> tuple[tuple[Level, ...], tuple[Level, ...]]:
        """Returns ``depth`` bids and asks of the random walk at ``now``."""
        return book_at(self._seed, instrument, self._step_at(now), depth)

    def walk_quote(self, instrument: Instrument, at: datetime) -> tuple[Decimal, Decimal]:
        """Returns best bid and best ask of the random walk at ``at``, which may be in the past."""
        return quote_at(self._seed, instrument, self._step_at(at))

    def walk_day(self, instrument: Instrument, now: datetime) -> list[Decimal]:
        """Returns half-hourly bids of the random walk in the last 24 hours, oldest first."""
        steps = _day_steps(self._step_at(now))
        return [quote_at(self._seed, instrument, step)[0] for step in steps]

    def walk_day_volumes(self, instrument: Instrument, now: datetime) -> list[Decimal]:
        """Returns the volumes after each price of ``walk_day``; the last is that of ``now``."""
        last = self._step_at(now)
        return volumes_between(self._seed, instrument, (*_day_steps(last), last + 1))

    def walk_volume(self, instrument: Instrument, first: int, end: int) -> Decimal:
        """Returns the volume of the random walk in the steps from ``first`` to before ``end``."""
        start = self._first_step
        return volume_between(self._seed, instrument, first - start, end - start)

    def _step_at(self, now: datetime) -> int:
        """Returns the step since the start of the random walks."""
        return step_at(now) - self._first_step


@lru_cache(maxsize=256)  # accounts of one market ask for the same book
def _walk_book(seed: int, instrument: Instrument, step: int, first_step: int) -> BookUpdate:
    bids, asks = book_at(seed, instrument, step - first_step)
    return BookUpdate(
        symbol=instrument.symbol, bids=bids, asks=asks, at=EPOCH + step * STEP_DURATION
    )


def market_seed(venue: str) -> int:
    """Returns the seed of the random walks of an exchange."""
    return path_key(0, venue)


def _day_steps(last: int) -> range:
    return range(last - _DAY_STEPS, last + 1, _DAY_STEPS // _DAY_SAMPLES)


def parse_price_source(name: str) -> PriceSource:
    """Returns the source that settings name. Raises ``Invalid``."""
    if name in _ALIASES:
        return _ALIASES[name]
    if name in PriceSource.__members__.values():
        return PriceSource(name)
    names = ", ".join(PriceSource)
    raise Invalid(f"unknown price source {name!r}; use one of {names}")


def describe_price_sources(account: Account) -> str:
    """Returns text such as ``paper, live binance; SOL/USDT manual``."""
    paper = account.paper
    per_symbol = [
        f"{symbol} {_describe_source(name, symbol, account)}"
        for symbol, name in sorted(paper.sources.items())
    ]
    return "; ".join([f"paper, {_describe_source(paper.source, None, account)}", *per_symbol])


def _describe_source(name: str, symbol: str | None, account: Account) -> str:
    source, replay = parse_price_source(name), account.paper.replay
    match source:
        case PriceSource.LIVE:
            return f"live {account.venue}"
        case PriceSource.REPLAY:
            files = replay.file if symbol is None else replay.files_of(symbol)
            return " ".join(["replay", *files])
        case _:
            return source.value


def _encode_position(position: TapePosition) -> dict[str, Any]:
    return {
        "of": position.source_key,
        "start": position.started_at.isoformat(timespec="microseconds"),
        "taken": position.updates_taken,
        "before": position.elapsed_micros,
    }


def _decode_position(row: dict[str, Any]) -> TapePosition:
    return TapePosition(
        source_key=row["of"],
        started_at=datetime.fromisoformat(row["start"]),
        updates_taken=row["taken"],
        elapsed_micros=row["before"],
    )
