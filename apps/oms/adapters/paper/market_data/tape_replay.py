"""A tape played to an account: which of its news are due at a moment, and how far it has come.

Tape time runs with the wall from ``start``, ``speed`` times as fast; at speed 0 one price is shown
a look, as in a backtest. With ``loop`` the tape begins again a second after its end, its times
shifted. All that must survive a restart is a ``TapePlace``: with it the same news follow at the
same times, and without ``start`` in the settings the first look is the start. It reads no clock.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from oms.adapters.paper.market_data.tape_prices import TapeUpdate, is_price
from oms.adapters.paper.market_data.tape_reader import read_tapes, tape_error, tape_path
from oms.domain.account import ReplaySettings
from oms.domain.errors import Invalid
from oms.domain.value import evolve, value

LOOP_GAP = timedelta(seconds=1)
"""Tape time between the end of a tape and its next beginning."""

_MICRO = timedelta(microseconds=1)


@value
class TapePosition:
    """How far an account has come in the tape of a symbol."""

    #: What was being played and how; another tape or speed begins anew.
    of: str
    #: Wall time of the tape's beginning.
    start: datetime
    #: News of this round that were taken.
    taken: int = 0
    #: Microseconds of tape before this round.
    before: int = 0


class TapeReplay:
    """The tape of one symbol for one account; one by one."""

    def __init__(
        self,
        folder: Path,
        symbol: str,
        settings: ReplaySettings,
        place: TapePosition | None = None,
        since: datetime | None = None,
    ) -> None:
        """``since``: the start of the account's other tapes, which this one shares."""
        self._folder = folder
        self._symbol = symbol
        self._settings = settings
        self._start = settings.start or since
        self._files = settings.files_of(symbol)
        self._of = "|".join((*self._files, str(settings.speed), str(settings.start)))
        self._place = place if place is not None and place.of == self._of else None
        self._news: Iterator[TapeUpdate] | None = None
        self._next: TapeUpdate | None = None
        self._first: datetime | None = None
        self._last: datetime | None = None
        self._broken: Invalid | None = None

    @property
    def place(self) -> TapePosition | None:
        """Where it stands, ``None`` before the first look."""
        return self._place

    @property
    def is_stepped(self) -> bool:
        """Whether it shows one price a look, whatever the time."""
        return self._settings.speed == 0

    def peek(self, now: datetime) -> TapeUpdate | None:
        """What is due next at ``now``, its time that of the wall; ``None`` if nothing is yet.

        Raises ``Invalid`` with code ``no_price`` where the tape cannot be read.
        """
        if self._broken is not None:
            raise self._broken
        try:
            return self._due(now)
        except Invalid as wrong:
            self._broken = wrong
            raise

    def _due(self, now: datetime) -> TapeUpdate | None:
        if self._place is None:
            self._place = TapePosition(of=self._of, start=self._start or now)
        if self._news is None:
            self._open(self._place)
        if self._next is None and self._settings.loop:
            self._rewind(self._place)
        seen = self._next
        if seen is None:
            return None
        at = now if self.is_stepped else self._wall(self._place, seen)
        return evolve(seen, at=at) if at <= now else None

    def news(self, now: datetime, limit: int) -> Iterator[TapeUpdate]:
        """What is due at ``now``, at most ``limit`` of it; at speed 0 up to the next price.

        One that is told counts as taken when the next is asked for. Raises as ``peek``.
        """
        for _ in range(limit):
            seen = self.peek(now)
            if seen is None:
                return
            yield seen
            self._take()
            if self.is_stepped and is_price(seen):
                return

    def _take(self) -> None:
        assert self._place is not None and self._news is not None
        self._place = evolve(self._place, taken=self._place.taken + 1)
        self._advance(self._news)

    def _advance(self, news: Iterator[TapeUpdate]) -> None:
        if self._next is not None:
            self._last = self._next.at
        self._next = None
        try:
            self._next = next(news, None)
        except Invalid as wrong:
            self._broken = wrong

    def _open(self, place: TapePosition) -> None:
        """Begin to read, and go on where the tape stood."""
        self._news = news = read_tapes(self._paths(), self._symbol)
        self._advance(news)
        if self._broken is not None:
            raise self._broken
        if self._next is None:
            names = ", ".join(self._files)
            raise tape_error(f"{names}: nothing of {self._symbol} is in it", "tape_empty")
        self._first = self._next.at
        for _ in range(place.taken):
            self._advance(news)
        if self._broken is not None:
            raise self._broken

    def _rewind(self, place: TapePosition) -> None:
        assert self._first is not None and self._last is not None
        round_trip = (self._last - self._first + LOOP_GAP) // _MICRO
        self._place = evolve(place, taken=0, before=place.before + round_trip)
        self._open(self._place)

    def _wall(self, place: TapePosition, seen: TapeUpdate) -> datetime:
        assert self._first is not None
        micros = place.before + (seen.at - self._first) // _MICRO
        up, down = self._settings.speed.as_integer_ratio()
        return place.start + timedelta(microseconds=micros * down // up)

    def _paths(self) -> Sequence[Path]:
        if not self._files:
            raise tape_error(f"no tape is named for {self._symbol}", "tape_not_found")
        return [tape_path(self._folder, name) for name in self._files]
