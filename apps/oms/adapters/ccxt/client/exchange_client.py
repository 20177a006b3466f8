"""The client protocol: one connection to a venue under one set of credentials.

``write`` sends at most once, and its exceptions say what is certain; ``read`` may retry.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from oms.adapters.ccxt.client.request_errors import RequestError
from oms.domain.instrument import Instrument

Row = Mapping[str, Any]
"""One row in a unified shape of ccxt; ``info`` has the venue's own row."""


class ExchangeClient(Protocol):
    """What the rest of the adapter needs of a ``VenueClient``."""

    @property
    def instruments(self) -> Mapping[str, Instrument]:
        """All instruments by symbol; empty before ``open``."""
        ...

    @property
    def exchange(self) -> Any:
        """The ccxt object, for its metadata and parsers; this client alone sends with it."""
        ...

    @property
    def clock_error_ms(self) -> int:
        """How far our clock may be off the venue's, in milliseconds."""
        ...

    @property
    def hosts_called(self) -> Sequence[str]:
        """The hosts called so far."""
        ...

    @property
    def last_call_at(self) -> datetime | None:
        """Time of the last call."""
        ...

    async def open(self) -> None:
        """Loads markets, tries credentials. Raises ``NotSent``, ``Rejected``, ``ReadFailed``."""
        ...

    async def write(self, method: str, *args: Any, **kwargs: Any) -> Any:
        """Sends once. Raises ``NotSent``, ``Rejected``, ``Overloaded``, ``OutcomeUnknown``."""
        ...

    async def place_orders(
        self, orders: Sequence[Mapping[str, Any]]
    ) -> Sequence[Row | RequestError]:
        """Places several orders by one request, sent once; returns the outcome of each.

        Raises as ``write`` if nothing is known of any of them.
        """
        ...

    def order_wait(self, symbol: str, orders: int) -> float:
        """Returns the seconds until one request with so many new orders could be sent."""
        ...

    async def read(self, method: str, *args: Any, **kwargs: Any) -> Any:
        """Reads. Raises ``ReadFailed``."""
        ...

    async def watch(self, method: str, params: Mapping[str, Any]) -> Sequence[Row]:
        """Returns the next rows of a stream, as copies. Raises ``ReadFailed``."""
        ...

    async def close_streams(self) -> None:
        """Closes all streams; ``watch`` dials again."""
        ...

    async def close(self) -> None:
        """Closes the client for good."""
        ...
