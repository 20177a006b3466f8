"""What the first client of an exchange loads, loaded before one is needed.

ccxt takes a second to import and a table of 3,000 markets takes seconds to build. A worker that
takes over accounts after a crash would spend both before it can close a position.
"""

import logging
from collections.abc import Iterable
from pathlib import Path

from oms.adapters.ccxt.client.ccxt_factory import ClientSpec
from oms.adapters.ccxt.client.market_cache import MarketCache
from oms.adapters.ccxt.client.request_errors import RequestError
from oms.adapters.ccxt.client.venue_client import VenueClient
from oms.ports.registry import ExchangeSettings
from oms.wire.json import loads

_log = logging.getLogger("oms.ccxt")


async def prepare_clients(
    settings: Iterable[ExchangeSettings], market_cache: MarketCache, cache: Path
) -> None:
    """Opens and closes a client without a key for each of ``settings``, one after the other.

    ``market_cache`` has the market tables of their exchanges then, and their code is imported. One
    that cannot be opened is logged: the client of the account reports why when it is opened.
    """
    for each in settings:
        engine, _, venue = each.exchange_id.partition(".")
        spec = ClientSpec(
            account_id=0,
            venue=venue,
            engine=engine,
            environment=each.environment,
            extra_config=loads(each.extra_config),
            cache_folder=cache,
        )
        client = VenueClient(spec, market_cache)
        try:
            await client.open()
            await client.close()
        except RequestError as error:
            _log.info("exchange_not_prepared exchange=%s code=%s", each.exchange_id, error.code)
