"""``OmsCcxtExchange``: ccxt's methods, synchronous."""

from typing import Self

from ccxt_driver.methods.sync import SyncMethods


class OmsCcxtExchange(SyncMethods):
    """An account of a gateway as a ccxt exchange.

    Made with keywords, or with one ccxt config dict (``apiKey``, ``accountId``, ``strategyId``,
    ``baseUrl``, ``timeout``), which also chooses the ccxt dialect. Nothing is sent before the
    first call.
    """

    def close(self) -> None:
        """Close the connections to the gateway; the next call opens one."""
        self._close_http()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()
