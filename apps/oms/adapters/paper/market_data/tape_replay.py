"""Replays a tape to an account: which updates are due at a time, and the position in the tape.

Tape time runs from ``start`` on, ``speed`` times as fast as wall time; at speed 0 each call emits
one price, as in a backtest. With ``loop`` the tape starts again one second after its end, with
shifted times. A ``TapePosition`` is all that must survive a restart: with it the same updates
follow at the same times. Without ``start`` in the settings the first call is the start. It reads no
clock.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from oms.adapters.paper.market_data.tape_reader import is_price, read_tapes, tape_error, tape_path
from oms.domain.account import ReplaySettings
from oms.domain.errors import Invalid
from oms.domain.value import evolve, value
from oms.simulation.inputs import MarketUpdate

LOOP_GAP = timedelta(seconds=1)
"""Tape time between the end of a tape and its next start."""

_MICRO = timedelta(microseconds=1)


@value
class TapePosition:
    """Position of an account in the tape of a symbol."""

    #: Identifies files, speed and start; a position with another key is discarded.
    source_key: str
    #: Wall time of the tape's start.
    started_at: datetime
    #: Updates of this round that were taken.
    updates_taken: int = 0
    #: Microseconds of tape before this round.
    elapsed_micros: int = 0


class TapeReplay:
    """The tape of one symbol for one account."""

    def __init__(
        self,
        folder: Path,
        symbol: str,
        settings: ReplaySettings,
        position: TapePosition | None = None,
        since: datetime | None = None,
    ) -> None:
        """``since`` is the start of the account's other tapes, which this one shares."""
        self._folder = folder
        self._symbol = symbol
        self._settings = settings
        self._start = settings.start or since
        self._files = settings.files_of(symbol)
        self._source_key = "|".join((*self._files, str(settings.speed), str(settings.start)))
        self._position = (
            position if position is not None and position.source_key == self._source_key else None
        )
        self._updates: Iterator[MarketUpdate] | None = None
        self._next: MarketUpdate | None = None
        self._first: datetime | None = None
        self._last: datetime | None = None
        self._error: Invalid | None = None

    @property
    def position(self) -> TapePosition | None:
        """The current position; ``None`` before the first call."""
        return self._position

    @property
    def is_stepped(self) -> bool:
        """Whether it emits one price per call, whatever the time."""
        return self._settings.speed == 0

    def peek(self, now: datetime) -> MarketUpdate | None:
        """Returns the next update due at ``now`` with its wall time; ``None`` if none is due.

        Raises ``Invalid`` with code ``no_price`` where the tape cannot be read.
        """
        if self._error is not None:
            raise self._error
        try:
            return self._due(now)
        except Invalid as error:
            self._error = error
            raise

    def _due(self, now: datetime) -> MarketUpdate | None:
        if self._position is None:
            self._position = TapePosition(
                source_key=self._source_key, started_at=self._start or now
            )
        if self._updates is None:
            self._open(self._position)
        if self._next is None and self._settings.loop:
            self._rewind(self._position)
        update = self._next
        if update is None:
            return None
        at = now if self.is_stepped else self._wall_time(self._position, update)
        return evolve(update, at=at) if at <= now else None

    def updates(self, now: datetime, limit: int) -> Iterator[MarketUpdate]:
        """Yields up to ``limit`` updates due at ``now``; at speed 0 up to the next price.

        An update counts as taken when the next one is requested. Raises as ``peek``.
        """
        for _ in range(limit):
            update = self.peek(now)
            if update is None:
                return
            yield update
            self._mark_taken()
            if self.is_stepped and is_price(update):
                return

    def _mark_taken(self) -> None:
        assert self._position is not None and self._updates is not None
        self._position = evolve(self._position, updates_taken=self._position.updates_taken + 1)
        self._advance(self._updates)

    def _advance(self, updates: Iterator[MarketUpdate]) -> None:
        if self._next is not None:
            self._last = self._next.at
        self._next = None
        try:
            self._next = next(updates, None)
        except Invalid as error:
            self._error = error

    def _open(self, position: TapePosition) -> None:
        """Opens the tape and skips to its position."""
        self._updates = updates = read_tapes(self._paths(), self._symbol)
        self._advance(updates)
        if self._error is not None:
            raise self._error
        if self._next is None:
            names = ", ".join(self._files)
            raise tape_error(f"{names}: nothing of {self._symbol} is in it", "tape_empty")
        self._first = self._next.at
        for _ in range(position.updates_taken):
            self._advance(updates)
        if self._error is not None:
            raise self._error

    def _rewind(self, position: TapePosition) -> None:
        assert self._first is not None and self._last is not None
        round_trip = (self._last - self._first + LOOP_GAP) // _MICRO
        self._position = evolve(
            position, updates_taken=0, elapsed_micros=position.elapsed_micros + round_trip
        )
        self._open(self._position)

    def _wall_time(self, position: TapePosition, update: MarketUpdate) -> datetime:
        assert self._first is not None
        micros = position.elapsed_micros + (update.at - self._first) // _MICRO
        numerator, denominator = self._settings.speed.as_integer_ratio()
        return position.started_at + timedelta(microseconds=micros * denominator // numerator)

    def _paths(self) -> Sequence[Path]:
        if not self._files:
            raise tape_error(f"no tape is named for {self._symbol}", "tape_not_found")
        return [tape_path(self._folder, name) for name in self._files]
