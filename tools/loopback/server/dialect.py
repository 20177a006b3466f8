"""What a venue folder provides: its API, and the ccxt configuration that reaches it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from loopback.exchange.venue import Venue
from loopback.server.http import RequestHandler
from loopback.server.request_filter import RequestFilter
from loopback.server.stream_hub import StreamHub

Json = dict[str, Any]
#: ccxt's markets options for the markets that the venue has.
FETCH_MARKETS: Json = {"types": ["spot", "linear"]}


@dataclass(frozen=True)
class Dialect:
    """The API of one exchange; ``name`` is part of its host names."""

    name: str
    default_port: int
    create_api: Callable[[Venue, RequestFilter, StreamHub], RequestHandler]
    #: Returns the ``extra_config_json`` of an account that uses URLs of this port.
    extra_config: Callable[[int], Json]
    #: The same with production URLs: for the TLS port, and the file of the trusted authority.
    extra_config_tls: Callable[[int, Path], Json]


def tls_config(port: int, cafile: Path, options: Json) -> Json:
    """Returns a configuration in which every host name resolves to this port.

    The gateway reads ``oms.resolve``; a plain script sets a resolver in its HTTP session instead.
    """
    return {
        "cafile": str(cafile),
        "options": options,
        "oms": {"resolve": {"*": f"127.0.0.1:{port}"}},
    }
