"""Many workers: three workers and two API processes share 200 accounts on one MariaDB.

Clients trade over both addresses and repeat what is not answered; meanwhile processes are killed,
or sleep past their leases and wake up, all drawn from a seed that is printed (OMS_TEST_SEED asks
for one again). In the end the books are checked by plain SQL and by `oms verify`.
"""

import json
import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from kit import books
from kit.fleet import Fleet
from kit.mariadb import PrivateMariaDB
from kit.trading import TradingStorm
from kit.until import until
from kit.weather import Weather

ACCOUNTS = 100
"""Of each of two position modes."""

STORIES = 900
LEASE_SECONDS = 2.0
STROKES = ["worker"] * 5 + ["api"] * 3 + ["sleep"] * 2


@pytest.fixture
def fleet(tmp_path: Path, mariadb: PrivateMariaDB) -> Iterator[Fleet]:
    """Three workers and two API processes on a database of their own."""
    mariadb.create_database("many_workers")
    fleet = Fleet(
        tmp_path / "fleet",
        dsns=[mariadb.dsn("many_workers", driver="asyncmy")],
        mariadb=mariadb,
        environment={"OMS_LEASE_SECONDS": str(LEASE_SECONDS)},
    )
    try:
        fleet.start()
        yield fleet
    finally:
        fleet.stop()
        mariadb.drop_database("many_workers")


def test_many_workers_share_accounts_through_kills_and_sleep(fleet: Fleet) -> None:
    seed = int(os.environ.get("OMS_TEST_SEED") or random.SystemRandom().randrange(10**6))
    print(f"OMS_TEST_SEED={seed}")
    netting = fleet.add_accounts(ACCOUNTS, position_mode="netting")
    hedge = fleet.add_accounts(ACCOUNTS, position_mode="hedge")
    spread = _spread(fleet)

    storm = TradingStorm(
        fleet.base_url,
        fleet.api_key,
        netting,
        total=STORIES,
        clients=12,
        more_urls=fleet.urls[1:],
        hedge_ids=hedge,
        seed=seed,
    )
    weather = Weather(fleet=fleet, storm=storm, seed=seed, lease_seconds=LEASE_SECONDS)
    storm.start()
    weather.run(list(STROKES))
    storm.finish()
    print(f"shares before {spread} and after {_spread(fleet)}")

    assert len(weather.found) == len(STROKES) and all(n for _, n in weather.found), weather.found
    assert storm.faults == []
    assert storm.repeats > 0, "no request was ever interrupted: the storm proves nothing"
    assert storm.twins > 0, "nothing was ever sent twice at once"
    books.check_commands(fleet.dsn, storm.results)
    books.check_deals(fleet.dsn)
    books.check_numbers(fleet.dsn)
    changes = books.check_tokens(fleet.dsn)
    assert changes > 0, "no account was ever worked on by two: the tokens prove nothing"
    print(
        f"{len(storm.results)} commands, {storm.twins} of them twice, {storm.repeats} repeated;"
        f" in flight {weather.found}; {changes} changes of a writer"
    )
    log = fleet.log.read_text(encoding="utf-8", errors="replace")
    assert "lease_lost" in log, "nobody ever woke up without its leases"
    verdict = fleet.verify()
    assert verdict["ok"], json.dumps(verdict)[:2000]


def _spread(fleet: Fleet) -> dict[str, int]:
    """The share of each worker, once all accounts are held and nobody holds next to none."""
    everything = 2 * ACCOUNTS + 2  # the first run makes two
    fair = everything // len(fleet.workers)
    owners = {post.owner for post in fleet.workers}

    def fairly() -> dict[str, int]:
        shares = fleet.shares()
        is_fair = set(shares) == owners and min(shares.values()) >= fair // 2
        return shares if is_fair and sum(shares.values()) == everything else {}

    return until(fairly, 20, f"{sorted(owners)} share {everything} accounts: {fleet.shares()}")
