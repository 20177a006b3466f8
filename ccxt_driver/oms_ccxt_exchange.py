"""``OmsCcxtExchange``: ccxt's methods, synchronous."""

from typing import Self

from ccxt_driver.methods.sync import SyncMethods


class OmsCcxtExchange(SyncMethods):
    """An account of a gateway as a ccxt exchange.

    Constructed with keywords, or with one ccxt config dict (``apiKey``, ``accountId``,
    ``strategyId``, ``baseUrl``, ``timeout``), which also selects the ccxt dialect. Nothing is sent
    before the first call.
    """

    def close(self) -> None:
        """Closes the connections to the gateway; the next call opens one."""
        self._close_http()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()
