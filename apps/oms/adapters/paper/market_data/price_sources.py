"""Where an account's paper prices come from: a walk, a tape, somebody's word, a real exchange.

It knows which source a symbol has, what a walk shows at a moment and how far each tape has been
played. All but a walk's live in the memory of the exchange, as they were told last.
"""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Any

from oms.adapters.paper.market_data.tape_replay import TapePosition, TapeReplay
from oms.domain.account import Account
from oms.domain.errors import Invalid
from oms.domain.instrument import Instrument
from oms.simulation.inputs import BookUpdate
from oms.simulation.market.random_walk import STEP_DURATION, book_at, quote_at, step_at
from oms.simulation.state.exchange_state import EPOCH, Level


class PriceSource(StrEnum):
    """What moves a symbol's price."""

    WALK = "walk"
    MANUAL = "manual"
    REPLAY = "replay"
    LIVE = "live"


DEFAULT_TAPE_FOLDER = Path("var/tapes")
"""Folder of tapes where the settings name no other."""

#: Other names that settings may use.
_ALIASES = {"sim": PriceSource.WALK}

DAY = timedelta(days=1)
_DAY_SAMPLES = 48
_DAY_STEPS = DAY // STEP_DURATION


class PriceSources:
    """The price sources of one account. Raises ``Invalid`` where settings name an unknown one."""

    def __init__(self, account: Account, tapes: Path = DEFAULT_TAPE_FOLDER) -> None:
        settings = account.paper
        self._seed = account.id if settings.seed is None else settings.seed
        self._default = parse_price_source(settings.source)
        self._sources = {
            symbol: parse_price_source(word) for symbol, word in settings.sources.items()
        }
        #: What walks showed last, and until when.
        self._shown: dict[str, tuple[BookUpdate, datetime]] = {}
        self._replay = settings.replay
        self._tapes = tapes
        self._places: dict[str, TapePosition] = {}
        self._replays: dict[str, TapeReplay] = {}

    def source(self, symbol: str) -> PriceSource:
        """The symbol's source."""
        return self._sources.get(symbol, self._default)

    def is_kept(self, symbol: str) -> bool:
        """Whether the symbol's market must be stored: a walk finds its own again."""
        return self.source(symbol) is not PriceSource.WALK

    def replay(self, symbol: str) -> TapeReplay:
        """The tape of a symbol whose source is ``replay``."""
        if symbol not in self._replays:
            self._replays[symbol] = self._opened(symbol, self._since())
        return self._replays[symbol]

    def resume(self, rows: Mapping[str, str]) -> None:
        """Go on with the tapes where they stood when the market rows were stored."""
        for symbol, text in rows.items():
            told = json.loads(text).get("tape")
            if told is not None and self.source(symbol) is PriceSource.REPLAY:
                self._places[symbol] = _place_read(told)

    def with_place(self, symbol: str, text: str) -> str:
        """A symbol's market row, with the place of its tape."""
        known = self._replays.get(symbol)
        if known is None or known.place is None:
            return text
        row = json.loads(text) | {"tape": _place(known.place)}
        return json.dumps(row, separators=(",", ":"), sort_keys=True)

    def _since(self) -> datetime | None:
        """When the account's tapes began, if one of them has."""
        for symbol in self._places.keys() - self._replays.keys():
            self._replays[symbol] = self._opened(symbol, None)
        places = [known.place for known in self._replays.values() if known.place is not None]
        return min((place.start for place in places), default=None)

    def _opened(self, symbol: str, since: datetime | None) -> TapeReplay:
        place = self._places.get(symbol)
        return TapeReplay(self._tapes, symbol, self._replay, place, since)

    def shown(self, instrument: Instrument, now: datetime) -> BookUpdate:
        """The walk's book at ``now``, as of the beginning of its step; one object for a step."""
        known = self._shown.get(instrument.symbol)
        if known is not None and known[0].at <= now < known[1]:
            return known[0]
        step = step_at(now)
        bids, asks = book_at(self._seed, instrument, step)
        book = BookUpdate(
            symbol=instrument.symbol, bids=bids, asks=asks, at=EPOCH + step * STEP_DURATION
        )
        self._shown[instrument.symbol] = (book, book.at + STEP_DURATION)
        return book

    def deep(
        self, instrument: Instrument, now: datetime, depth: int
    ) -> tuple[tuple[Level, ...], tuple[Level, ...]]:
        """The walk's bids and asks at ``now``, as deep as wished."""
        return book_at(self._seed, instrument, step_at(now), depth)

    def quote(self, instrument: Instrument, at: datetime) -> tuple[Decimal, Decimal]:
        """The walk's best bid and ask at a moment, past ones too."""
        return quote_at(self._seed, instrument, step_at(at))

    def day(self, instrument: Instrument, now: datetime) -> list[Decimal]:
        """The walk's bids of the last 24 hours, every half hour, the oldest first."""
        last = step_at(now)
        every = _DAY_STEPS // _DAY_SAMPLES
        steps = range(last - _DAY_STEPS, last + 1, every)
        return [quote_at(self._seed, instrument, step)[0] for step in steps]


def parse_price_source(word: str) -> PriceSource:
    """The source that settings name. Raises ``Invalid``."""
    if word in _ALIASES:
        return _ALIASES[word]
    if word in PriceSource.__members__.values():
        return PriceSource(word)
    known = ", ".join(PriceSource)
    raise Invalid(f"price source {word!r} is not known here; use one of {known}")


def _place(place: TapePosition) -> dict[str, Any]:
    return {
        "of": place.of,
        "start": place.start.isoformat(timespec="microseconds"),
        "taken": place.taken,
        "before": place.before,
    }


def _place_read(told: dict[str, Any]) -> TapePosition:
    return TapePosition(
        of=told["of"],
        start=datetime.fromisoformat(told["start"]),
        taken=told["taken"],
        before=told["before"],
    )
