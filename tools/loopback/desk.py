"""What belongs together in one process: the venue, its gate, the dialects and their ports."""

from dataclasses import dataclass, field

from loopback.gate import Gate
from loopback.http import Listener
from loopback.talks import Talks
from loopback.venue import Venue


@dataclass
class Desk:
    """All of it; ``listeners`` are the ports of the dialects, by name."""

    venue: Venue
    gate: Gate
    talks: Talks
    listeners: dict[str, Listener] = field(default_factory=dict)
