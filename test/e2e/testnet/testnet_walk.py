"""A walk through a testnet: three accounts on one set of credentials, from bootstrap to flat.

    make testnet

Starts its own gateway in a folder that is removed at the end (``OMS_TESTNET_HOME`` names the folder
of a running one), trades the minimum on the testnet that the variables ``OMS_TESTNET_*`` name, and
prints a line per step: what was done, what was expected, what was seen. Exit status 0 if all was as
expected, 1 if not, 2 without keys. The steps are described in docs/how-to/testnet.md; in the tests
the walk uses the loopback exchange.
"""

import os
import signal
import sys
import tempfile
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
# Started as a script: the folder that holds the package `kit` is not on the path yet.
sys.path.insert(0, str(FOLDER.parents[1]))

from testnet_walk_client import (  # noqa: E402
    MissingSettings,
    OperatorClient,
    RequestFailed,
    RunningGateway,
    Target,
    Walk,
    remove_settings,
)
from testnet_walk_steps import (  # noqa: E402
    Accounts,
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
        target = Target.from_environment(os.environ)
    except MissingSettings as missing:
        print(f"testnet: {missing}", file=sys.stderr)
        return 2
    remove_settings()
    failures = (
        _use_own_gateway(target)
        if target.home is None
        else _use_running_gateway(target, target.home)
    )
    print(f"\n{f'{failures} NOT as expected' if failures else 'all as expected'}")
    return 1 if failures else 0


def _use_running_gateway(target: Target, home: Path) -> int:
    """Walk at a gateway that runs."""
    running = RunningGateway(home)
    return run_walk(OperatorClient(running, target, running.admin_api_key))


def _use_own_gateway(target: Target) -> int:
    """Walk at a gateway of its own."""
    from kit.gateway.processes import (
        Gateway,  # with all of the gateway: not for a complaint in one line
    )

    with tempfile.TemporaryDirectory(prefix="omswalk") as name:
        gateway = Gateway(Path(name) / "gateway")
        try:
            gateway.start()
            failures = run_walk(OperatorClient(gateway, target, gateway.admin_api_key))
            if failures:
                log = [line for line in gateway.log_tail().splitlines() if line.startswith("20")]
                print("\nthe end of the gateway's log:", *log, sep="\n")
        finally:
            gateway.stop()
    return failures


def run_walk(client: OperatorClient) -> int:
    """All steps; how many went wrong. Whatever happens, what was opened is closed."""
    walk = Walk()
    print(f"{client.target.exchange_id}, {client.target.environment}, {client.target.symbol}")
    try:
        made = bootstrap(client, walk)
    except (RequestFailed, AssertionError) as failure:
        walk.stopped(failure)
        return walk.failures
    if walk.failures:
        return walk.failures  # with money in a market that is not as it should be, nothing is begun
    try:
        _trade(client, walk, made)
    finally:
        _end(client, walk, made)
    return walk.failures


def _trade(client: OperatorClient, walk: Walk, made: Accounts) -> None:
    try:
        for chapter in (hedge, netting, staircase, mirrors):
            chapter(client, walk, made)
    except (RequestFailed, AssertionError) as failure:
        walk.stopped(failure)


def _end(client: OperatorClient, walk: Walk, made: Accounts) -> None:
    try:
        flatten(client, walk, made)
    except (RequestFailed, AssertionError) as failure:
        walk.stopped(failure)


if __name__ == "__main__":
    sys.exit(main())
