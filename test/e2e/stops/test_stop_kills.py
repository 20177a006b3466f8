"""The worker is killed at each point of closes at the loopback exchange.

By the exchange's own books every position is closed once, with exactly its size, whether the
gateway watched its level or an order at the exchange. ``make bench`` runs more kills and measures
them.
"""

from typing import Any

from kit.exchanges.loopback_process import run_loopback
from kit.faults.exchange_stops import TARGETS, ExchangeStops, Point
from kit.gateway.loopback_accounts import add_loopback_accounts
from kit.gateway.processes import Gateway

SEED = 1
#: Whether an order was perhaps sent is known only after its time: the bench waits for that.
POINTS = {point: share for point, share in TARGETS.items() if point is not Point.ORDER}
KILLS_MAX = 8


def test_positions_are_closed_once_at_the_exchange(gateway_on: Any) -> None:
    gateway: Gateway = gateway_on("sqlite", workers=1, environment={"OMS_LEASE_SECONDS": "1"})
    with run_loopback() as venue:
        settings = [{"protection_mode": "emulated"}, {"protection_mode": "auto"}]
        accounts = add_loopback_accounts(gateway, venue, ["ccxtpro.bybit"] * 2, settings)
        stops = ExchangeStops(gateway=gateway, venue=venue, accounts=accounts, seed=SEED)
        while not stops.found().keys() >= POINTS.keys():
            assert len(stops.kills) < KILLS_MAX, stops.found()
            stops.kill_at(next(point for point in POINTS if point not in stops.found()))
        stops.check()
        gateway.stop()  # Before the exchange: the gateway sends requests while it stops.
