"""A walk through a testnet: three accounts on one set of credentials, from bootstrap to flat.

    make testnet

Starts a gateway of its own in a folder that is removed at the end (``OMS_TESTNET_HOME`` names the
home of one that runs), trades the least there is on the
testnet that the variables ``OMS_TESTNET_*`` name, and prints a line a step: what was done, what was
expected, what was seen. Exit status 0 if all was as expected, 1 if not, 2 without keys. What the
steps mean stands in docs/how-to/testnet.md; in the tests it walks at the loopback exchange.
"""

import os
import signal
import sys
import tempfile
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
# Started as a script: the folder that holds the package `kit` is not on the path yet.
sys.path.insert(0, str(FOLDER.parent))

from testnet_walk_desk import Broken, Desk, NotSet, Running, Target, Walk, without_settings  # noqa: E402
from testnet_walk_steps import (  # noqa: E402
    Made,
    bootstrap,
    flatten,
    hedge,
    mirrors,
    netting,
    staircase,
)


def main() -> int:
    """Walk; the exit status."""
    # Ended from outside, it must still end the processes that it started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        target = Target.told(os.environ)
    except NotSet as missing:
        print(f"testnet: {missing}", file=sys.stderr)
        return 2
    without_settings()
    wrong = _alone(target) if target.home is None else _beside(target, target.home)
    print(f"\n{f'{wrong} NOT as expected' if wrong else 'all as expected'}")
    return 1 if wrong else 0


def _beside(target: Target, home: Path) -> int:
    """Walk at a gateway that runs."""
    running = Running(home)
    return walked(Desk(running, target, running.admin_api_key))


def _alone(target: Target) -> int:
    """Walk at a gateway of its own."""
    from kit.gateway.processes import (
        Gateway,  # with all of the gateway: not for a complaint in one line
    )

    with tempfile.TemporaryDirectory(prefix="omswalk") as name:
        gateway = Gateway(Path(name) / "gateway")
        try:
            gateway.start()
            wrong = walked(Desk(gateway, target, gateway.admin_api_key))
            if wrong:
                log = [line for line in gateway.log_tail().splitlines() if line.startswith("20")]
                print("\nthe end of the gateway's log:", *log, sep="\n")
        finally:
            gateway.stop()
    return wrong


def walked(desk: Desk) -> int:
    """All steps; how many went wrong. Whatever happens, what was opened is closed."""
    walk = Walk()
    print(f"{desk.target.exchange_id}, {desk.target.environment}, {desk.target.symbol}")
    try:
        made = bootstrap(desk, walk)
    except (Broken, AssertionError) as refused:
        walk.stopped(refused)
        return walk.wrong
    if walk.wrong:
        return walk.wrong  # with money in a market that is not as it should be, nothing is begun
    try:
        _trade(desk, walk, made)
    finally:
        _end(desk, walk, made)
    return walk.wrong


def _trade(desk: Desk, walk: Walk, made: Made) -> None:
    try:
        for chapter in (hedge, netting, staircase, mirrors):
            chapter(desk, walk, made)
    except (Broken, AssertionError) as refused:
        walk.stopped(refused)


def _end(desk: Desk, walk: Walk, made: Made) -> None:
    try:
        flatten(desk, walk, made)
    except (Broken, AssertionError) as refused:
        walk.stopped(refused)


if __name__ == "__main__":
    sys.exit(main())
