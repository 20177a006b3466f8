"""The authenticated caller of a request."""

from dataclasses import dataclass

from loopback.exchange.account import Account
from loopback.exchange.venue import Venue
from loopback.faults import FaultQueue


@dataclass(frozen=True)
class Caller:
    """Its key, account and venue."""

    venue: Venue
    faults: FaultQueue
    account: Account
    key: str
    read_only: bool
