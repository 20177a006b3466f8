"""What the upper half needs of a client: one connection to a venue under one set of credentials.

``write`` sends at most once and says by its exceptions what is certain; ``read`` may try again.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from oms.domain.instrument import Instrument

Row = Mapping[str, Any]
"""One object of ccxt's unified shapes, with the venue's own words under ``info``."""


class ExchangeClient(Protocol):
    """A client of ``client.VenueClient``'s kind."""

    @property
    def instruments(self) -> Mapping[str, Instrument]:
        """All instruments by symbol; empty before ``open``."""
        ...

    @property
    def exchange(self) -> Any:
        """The ccxt object, to ask what it can; calls go through ``write`` and ``read``."""
        ...

    @property
    def clock_error_ms(self) -> int:
        """How far our clock may be off the venue's."""
        ...

    @property
    def hosts_called(self) -> Sequence[str]:
        """The hosts called so far."""
        ...

    @property
    def last_call_at(self) -> datetime | None:
        """When one was called last."""
        ...

    async def open(self) -> None:
        """Load markets and try the credentials. Raises ``ReadFailed``."""
        ...

    async def write(self, method: str, *args: Any, **kwargs: Any) -> Any:
        """Send once. Raises ``NotSent``, ``Rejected``, ``Overloaded``, ``OutcomeUnknown``."""
        ...

    async def read(self, method: str, *args: Any, **kwargs: Any) -> Any:
        """Ask. Raises ``ReadFailed``."""
        ...

    async def watch(self, method: str, params: Mapping[str, Any]) -> Sequence[Row]:
        """What a stream tells next, copied from what it keeps. Raises ``ReadFailed``."""
        ...

    async def close_streams(self) -> None:
        """Close all streams; watching dials again."""
        ...

    async def close(self) -> None:
        """End it for good."""
        ...
