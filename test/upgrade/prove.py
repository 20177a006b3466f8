"""Runs an older release beside this one on one schema of MariaDB, under load.

    make upgrade-proof                   the oldest release whose code accepts a later schema
    make upgrade-proof ARGS="--old COMMIT --old COMMIT --rounds 5"

The older code is taken from git and uses the libraries of this checkout's environment. It makes the
schema and trades; then this release's `oms db upgrade` runs, its API and worker start beside,
clients send orders through both APIs, and accounts change hands between old and new workers: by
SIGTERM, by SIGKILL and by fair shares. Clients repeat what got no final answer under the same
request id. At the end each request must have exactly one command and its order, and `oms verify` of
this release must find nothing. Exit status 1 if not; needs a clone with its history.
"""

import argparse
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
CHECKOUT = FOLDER.parents[1]
sys.path[:0] = [str(FOLDER), str(FOLDER.parent)]

from installation import Installation, ProofFailed, Release, extract_release  # noqa: E402
from orders import Clients, Owners  # noqa: E402

from kit.databases.mariadb import PrivateMariaDB  # noqa: E402
from kit.polling import wait_until  # noqa: E402

#: The first commit with ``schema_support``: older programs refuse every schema but their own.
OLDEST = "bd8b287c"
ACCOUNTS = 8
#: A killed worker's accounts are free after its lease of 5 s.
SHARE_SECONDS_MAX = 60.0


def main() -> int:
    """Runs all pairs; returns the exit status."""
    parser = argparse.ArgumentParser(description="Runs an older release beside this one.")
    parser.add_argument("--old", action="append", metavar="COMMIT", help=OLDEST)
    parser.add_argument("--rounds", type=int, default=1, help="of takeovers both ways")
    options = parser.parse_args()
    try:
        for commit in options.old or [OLDEST]:
            with tempfile.TemporaryDirectory(prefix="omsupgrade") as name:
                prove(commit, Path(name), options.rounds)
    except ProofFailed as error:
        print(f"upgrade-proof: {error}", file=sys.stderr)
        return 1
    return 0


def prove(commit: str, folder: Path, rounds: int) -> None:
    """Runs one pair. Raises ProofFailed."""
    began = time.monotonic()
    old = extract_release(CHECKOUT, commit, folder / "old")
    new = Release("new", CHECKOUT)
    with PrivateMariaDB() as server, Installation(folder, server) as installation:
        installation.install(old, ACCOUNTS)
        schemas = [installation.schema()]
        installation.start(old, "api")
        installation.start(old, "worker")
        installation.wait_until_ready("old")
        with Clients(installation) as clients, Owners(installation) as owners:
            clients.wait_for(50)
            upgraded = installation.upgrade(new)
            schemas.append(installation.schema())
            clients.wait_for(50)
            installation.require_ready("old")
            installation.start(new, "api")
            installation.wait_until_ready("new")
            for _ in range(rounds):
                _change_hands(installation, clients, old, new)
            installation.start(new, "worker")
            _wait_for_shares(installation, clients, "old", "new")
            installation.end("api", "old")
            installation.end("worker", "old")
            _wait_for_shares(installation, clients, "new")
            clients.finish()
            moves = owners.moves()
        found = clients.check()
        installation.verify(new)
    by_api = ", ".join(f"{count} through {name}" for name, count in clients.by_api().items())
    print(
        f"{commit} (schema {schemas[0]}) beside this release (schema {schemas[1]}):"
        f" {found} commands, {by_api}; {clients.repeated} repeated; 0 lost, 0 doubled;"
        f" accounts moved old to new {moves['old', 'new']}, new to old {moves['new', 'old']};"
        f" oms db upgrade {upgraded:.1f} s under load; oms verify clean;"
        f" {time.monotonic() - began:.0f} s",
        flush=True,
    )
    if not (moves["old", "new"] and moves["new", "old"]):
        raise ProofFailed(f"accounts did not move both ways: {dict(moves)}")


def _change_hands(installation: Installation, clients: Clients, old: Release, new: Release) -> None:
    """Accounts move to a new worker, back to an old one, and by both kinds of end."""
    wait_for_shares = partial(_wait_for_shares, installation, clients)
    installation.start(new, "worker")
    wait_for_shares("old", "new")
    installation.end("worker", "old")
    wait_for_shares("new")
    installation.start(old, "worker")
    wait_for_shares("new", "old")
    installation.end("worker", "new", kill=True)
    wait_for_shares("old")
    installation.start(new, "worker")
    wait_for_shares("old", "new")
    installation.end("worker", "old", kill=True)
    wait_for_shares("new")
    installation.start(old, "worker")
    wait_for_shares("old", "new")
    installation.end("worker", "new")
    wait_for_shares("old")


def _wait_for_shares(installation: Installation, clients: Clients, *names: str) -> None:
    """Waits until the accounts belong to workers of these releases, and orders are filled."""
    wait_until(
        lambda: set(installation.owners()) == set(names),
        SHARE_SECONDS_MAX,
        f"accounts belong to {' and '.join(names)}",
    )
    clients.wait_for(30)


if __name__ == "__main__":
    sys.exit(main())
