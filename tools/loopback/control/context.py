"""The parts of one loopback process that control operations act on."""

from dataclasses import dataclass, field

from loopback.exchange.venue import Venue
from loopback.server.http import HttpListener
from loopback.server.request_filter import RequestFilter
from loopback.server.stream_hub import StreamHub


@dataclass
class LoopbackContext:
    """``listeners`` are the ports of the dialects, by name."""

    venue: Venue
    request_filter: RequestFilter
    stream_hub: StreamHub
    listeners: dict[str, HttpListener] = field(default_factory=dict)
