"""What belongs together in one process: the venue, its gate, the dialects and their ports."""

from dataclasses import dataclass, field

from loopback.exchange.venue import Venue
from loopback.server.http import HttpListener
from loopback.server.request_filter import RequestFilter
from loopback.server.stream_hub import StreamHub


@dataclass
class LoopbackContext:
    """All of it; ``listeners`` are the ports of the dialects, by name."""

    venue: Venue
    gate: RequestFilter
    talks: StreamHub
    listeners: dict[str, HttpListener] = field(default_factory=dict)
