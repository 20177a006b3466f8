"""Where an account's paper prices come from: a walk that goes by itself, or somebody's word.

It knows which source a symbol has and what a walk shows at a moment; manual prices live in the
memory of the exchange.
"""

from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from oms.domain.account import Account
from oms.domain.errors import Invalid
from oms.domain.instrument import Instrument
from oms.simulation.inputs import BookSeen
from oms.simulation.memory import Level
from oms.simulation.walk import STEP, book_at, quote_at, step_at


class Source(StrEnum):
    """What moves a symbol's price."""

    WALK = "walk"
    MANUAL = "manual"


#: Other names that settings may use.
_ALIASES = {"sim": Source.WALK}

DAY = timedelta(days=1)
_DAY_SAMPLES = 48
_DAY_STEPS = DAY // STEP


class Prices:
    """The price sources of one account. Raises ``Invalid`` where settings name an unknown one."""

    def __init__(self, account: Account) -> None:
        settings = account.paper
        self._seed = account.id if settings.seed is None else settings.seed
        self._default = _source(settings.source)
        self._sources = {symbol: _source(word) for symbol, word in settings.sources.items()}
        self._shown: dict[str, tuple[int, BookSeen]] = {}

    def source(self, symbol: str) -> Source:
        """The symbol's source."""
        return self._sources.get(symbol, self._default)

    def shown(self, instrument: Instrument, now: datetime) -> BookSeen:
        """The walk's book at ``now``; the same object for all of one step."""
        step = step_at(now)
        known = self._shown.get(instrument.symbol)
        if known is not None and known[0] == step:
            return known[1]
        bids, asks = book_at(self._seed, instrument, step)
        book = BookSeen(symbol=instrument.symbol, bids=bids, asks=asks, at=now)
        self._shown[instrument.symbol] = (step, book)
        return book

    def deep(
        self, instrument: Instrument, now: datetime, depth: int
    ) -> tuple[tuple[Level, ...], tuple[Level, ...]]:
        """The walk's bids and asks at ``now``, as deep as wished."""
        return book_at(self._seed, instrument, step_at(now), depth)

    def day(self, instrument: Instrument, now: datetime) -> list[Decimal]:
        """The walk's bids of the last 24 hours, every half hour, the oldest first."""
        last = step_at(now)
        every = _DAY_STEPS // _DAY_SAMPLES
        steps = range(last - _DAY_STEPS, last + 1, every)
        return [quote_at(self._seed, instrument, step)[0] for step in steps]


def _source(word: str) -> Source:
    if word in _ALIASES:
        return _ALIASES[word]
    if word in Source.__members__.values():
        return Source(word)
    known = ", ".join(Source)
    raise Invalid(f"price source {word!r} is not known here; use one of {known}")
