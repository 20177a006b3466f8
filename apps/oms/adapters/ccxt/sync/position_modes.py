"""The position mode of an exchange account, one-way or hedge: read, never guessed.

Some venues have one mode for the account, others one per symbol. Only accounts that hold tickets
separately read it; the exchange rejects other requests that do not fit the mode.
"""

from oms.adapters.ccxt.client.exchange_client import ExchangeClient
from oms.adapters.ccxt.orders.ccxt_calls import Legs, choose_legs
from oms.adapters.ccxt.parsing.fields import malformed_response, require_rows
from oms.adapters.ccxt.ratelimit.rate_bucket import Priority
from oms.adapters.ccxt.ratelimit.request_throttle import use_priority
from oms.adapters.ccxt.venues.profile_registry import get_profile
from oms.domain.account import PositionMode
from oms.domain.instrument import InstrumentKind

POSITION_MODE_MISMATCH = "position_mode_mismatch"


class PositionModeReader:
    """The mode of one account, whose positions the ledger holds in ``mode``."""

    def __init__(self, *, client: ExchangeClient, venue: str, mode: PositionMode) -> None:
        self._client = client
        self._has_mode_per_symbol = get_profile(venue).has_mode_per_symbol
        self._mode = mode
        #: By symbol, or by kind of contract where the venue has one mode for all.
        self._hedged: dict[str, bool] = {}

    async def legs(self, symbol: str) -> Legs:
        """Returns how orders in the symbol name their leg. Raises ``ReadFailed``."""
        kind = self._client.instruments[symbol].kind
        if self._mode is not PositionMode.HEDGE or kind is InstrumentKind.SPOT:
            return choose_legs(self._mode, is_hedged=False)
        key = self._key(symbol)
        if key not in self._hedged:
            with use_priority(Priority.LOOKUP):
                self._hedged[key] = await self._read(symbol)
        return choose_legs(self._mode, is_hedged=self._hedged[key])

    def observed_mode(self) -> str | None:
        """Returns ``hedge``, ``one_way`` or ``mixed`` as read so far; ``None``: nothing read."""
        modes = {"hedge" if hedged else "one_way" for hedged in self._hedged.values()}
        return None if not modes else modes.pop() if len(modes) == 1 else "mixed"

    def forget(self) -> None:
        """Forget the mode: the next order reads it again."""
        self._hedged.clear()

    def _key(self, symbol: str) -> str:
        if self._has_mode_per_symbol:
            return symbol
        return self._client.instruments[symbol].kind.value

    async def _read(self, symbol: str) -> bool:
        if self._has_mode_per_symbol:
            rows = require_rows(await self._client.read("fetch_positions", [symbol]), "positions")
            if not rows:
                raise malformed_response("no position of the symbol, not even a flat one")
            return any(row.get("hedged") is True for row in rows)
        if not self._client.exchange.has.get("fetchPositionMode"):
            return False
        response = await self._client.read("fetch_position_mode", symbol)
        if not isinstance(response.get("hedged"), bool):
            raise malformed_response("a position mode without a value")
        return response["hedged"] is True
